//! Some minutes at a bounded load with retention: memory and files must not grow.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use benches::{event, machine};

use crate::{host::Host, load, process::Process};

const A_SECOND: u32 = 500;
const KEPT: u64 = 20_000;
/// The first minutes fill what is kept; after them nothing may grow by more than a half.
const FILLING: Duration = Duration::from_secs(120);

pub(crate) fn run(host: &Path, component: &Path, minutes: u64) -> Result<()> {
    println!("{}; {A_SECOND} events of 8 KiB a second, {KEPT} are kept", machine::line());
    println!("\n| after, s | memory, MiB | files, MiB | p99, ms |\n|---|---|---|---|");
    let upstream = Process::role(&["as-upstream"])?;
    let host = Host::start(host, component, upstream.address, &format!("keep = {{ events = {KEPT} }}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (began, mut filled) = (Instant::now(), None);
    while began.elapsed() < Duration::from_secs(60 * minutes) {
        let told = runtime.block_on(load::send(
            host.address(),
            &event::push(8_192),
            Duration::from_secs(15),
            Some(A_SECOND),
        ))?;
        let (memory, files) = (host.memory()?, size(&host.folder())?);
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let p99 = told.percentile(0.99).as_secs_f64() * 1e3;
        println!("| {} | {:.0} | {:.0} | {p99:.1} |", began.elapsed().as_secs(), mib(memory), mib(files));
        if began.elapsed() > FILLING {
            let (memory_then, files_then) = *filled.get_or_insert((memory, files));
            ensure!(memory < memory_then + memory_then / 2, "memory grows: {memory} bytes, {memory_then} before");
            ensure!(files < files_then + files_then / 2, "files grow: {files} bytes, {files_then} before");
        }
    }
    host.wait_until_settled()
}

fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { size(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}
