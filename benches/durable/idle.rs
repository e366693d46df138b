//! What a host computes while nothing is to be done: much is settled, and something waits for tomorrow.

use std::{path::Path, time::Duration};

use anyhow::{Result, ensure};
use benches::machine;

use crate::{host::Host, process::Process, store};

const TIME: Duration = Duration::from_secs(30);

/// One in a hundred waits.
pub(crate) fn run(host: &Path, component: &Path, events: u64) -> Result<()> {
    let waiting = events / 100;
    println!("{}; {events} events are settled, {waiting} wait for tomorrow", machine::line());
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(store::fill(&folder.path().join("data"), events, waiting))?;
    let upstream = Process::role(&["as-upstream"])?;
    let host = Host::start_in(folder, host, component, upstream.address, "")?;
    let listed = host.command(&["delivery", "list", "--status", "waiting", "--limit", "1", "--json"])?;
    ensure!(String::from_utf8_lossy(&listed).contains("dlv_"), "nothing waits");
    let (used, over) = host.idle(TIME)?;
    println!(
        "the idle host uses {:.2} % of a core over {over:.0} s, {} MiB",
        100.0 * used / over,
        host.memory()? >> 20
    );
    Ok(())
}
