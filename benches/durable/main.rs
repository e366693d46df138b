//! Durable delivery: how many events a second become durable and are delivered through the whole gateway, beside what the
//! store alone does with the same schema, and what an `fsync` costs; all in one run.
//!
//! `cargo bench --workspace --bench durable -- --seconds 5 --rounds 3`
//! `cargo bench --workspace --bench durable -- --soak-minutes 10`
//! `cargo bench --workspace --bench durable -- --idle-events 1000000`

mod host;
mod idle;
mod load;
#[path = "../whole_path/native.rs"]
mod native;
#[path = "../whole_path/process.rs"]
mod process;
mod soak;
mod store;

use std::{
    fs::File,
    io::{Seek as _, Write as _},
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use benches::{built, event, machine, samples::Samples};

use crate::{host::Host, load::Told, process::Process};

/// Connections, and producers of the store alone.
const SENDERS: usize = 64;
const THREADS: usize = 2;
/// Bytes of a body.
const BODIES: [usize; 2] = [1_024, 8_192];

struct Arguments {
    seconds: u64,
    rounds: usize,
    soak_minutes: u64,
    idle_events: u64,
    /// A host that is built already.
    host: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.first().map(String::as_str) {
        Some("as-upstream") => native::upstream(),
        Some("as-proxy") => native::proxy(arguments.get(1).context("the upstream's address is missing")?),
        _ => {
            let arguments = read(&arguments)?;
            let host = arguments.host.clone().map_or_else(built::host, Ok)?;
            if arguments.soak_minutes > 0 {
                return soak::run(&host, &built::filter()?, arguments.soak_minutes);
            }
            if arguments.idle_events > 0 {
                return idle::run(&host, &built::filter()?, arguments.idle_events);
            }
            measure(&host, &arguments)
        }
    }
}

fn read(arguments: &[String]) -> Result<Arguments> {
    let mut read = Arguments { seconds: 5, rounds: 3, soak_minutes: 0, idle_events: 0, host: None };
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { bail!("`{}` needs a value", pair[0]) };
        match name.as_str() {
            "--seconds" => read.seconds = value.parse::<u64>()?.clamp(1, 60),
            "--rounds" => read.rounds = value.parse::<usize>()?.clamp(1, 20),
            "--soak-minutes" => read.soak_minutes = value.parse::<u64>()?.clamp(1, 60),
            "--idle-events" => read.idle_events = value.parse::<u64>()?.clamp(1_000, 10_000_000),
            "--host" => read.host = Some(value.into()),
            _ => bail!("`{name}` is none of --seconds, --rounds, --soak-minutes, --idle-events and --host"),
        }
    }
    Ok(read)
}

/// Of one of the two, over the rounds.
#[derive(Default)]
struct Measured {
    a_second: Samples,
    p50: Samples,
    p99: Samples,
    p999: Samples,
    cpu: Samples,
}

impl Measured {
    fn take(&mut self, told: &Told) {
        self.a_second.push(told.a_second());
        self.cpu.push(told.cpu_for_each());
        for (samples, share) in [(&mut self.p50, 0.5), (&mut self.p99, 0.99), (&mut self.p999, 0.999)] {
            samples.push(told.percentile(share).as_secs_f64() * 1e3);
        }
    }
}

fn measure(host: &std::path::Path, arguments: &Arguments) -> Result<()> {
    let component = built::filter()?;
    println!("{}; {SENDERS} senders, {} rounds of {} s in turns", machine::line(), arguments.rounds, arguments.seconds);
    println!("\nfdatasync of 4 KiB, appended: {:.2} ms", fsync()?);
    println!(
        "\n| what | body | who | a second | p50, ms | p99, ms | p99.9, ms | ratio | CPU-µs each | ratio |\n\
         |---|---|---|---|---|---|---|---|---|---|"
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
    let time = Duration::from_secs(arguments.seconds);
    for body in BODIES {
        for cycle in [false, true] {
            let [mut alone, mut whole] = [Measured::default(), Measured::default()];
            for _ in 0..arguments.rounds {
                alone.take(&runtime.block_on(store::run(body, time, cycle))?);
                whole.take(&gateway(&runtime, host, &component, body, time, cycle)?);
            }
            let what = if cycle { "accept, deliver, settle" } else { "accept" };
            let ratio = whole.a_second.with(&alone.a_second, |whole, alone| whole / alone);
            // The load generator takes of the cores that the gateway has; what each computes for an event does not depend on it.
            let of_cpu = alone.cpu.with(&whole.cpu, |alone, whole| alone / whole);
            for (who, of, ratio, of_cpu) in [
                ("store alone", &alone, String::new(), String::new()),
                ("gateway with a verifying filter", &whole, format!("{ratio:.2}"), format!("{of_cpu:.2}")),
            ] {
                println!(
                    "| {what} | {body} B | {who} | {:.0} | {:.1} | {:.1} | {:.1} | {ratio} | {:.0} | {of_cpu} |",
                    of.a_second, of.p50, of.p99, of.p999, of.cpu
                );
            }
        }
    }
    Ok(())
}

/// On a host of its own, so that every round begins with an empty journal.
fn gateway(
    runtime: &tokio::runtime::Runtime,
    host: &std::path::Path,
    component: &std::path::Path,
    body: usize,
    time: Duration,
    cycle: bool,
) -> Result<Told> {
    let upstream = Process::role(&["as-upstream"])?;
    let host = Host::start(host, component, upstream.address, "")?;
    if !cycle {
        host.command(&["destination", "disable", "upstream"])?;
    }
    let (began, computed) = (Instant::now(), host.cpu()?);
    let mut told = runtime.block_on(load::send(host.address(), &event::push(body), time, None))?;
    if cycle {
        host.wait_until_settled()?;
        told.took = began.elapsed();
        told.cpu = host.cpu()? - computed;
    } else {
        told.cpu = host.cpu()? - computed;
        let (used, over) = host.idle(Duration::from_secs(2))?;
        eprintln!("{} events wait: the idle host uses {:.1} % of a core", told.count(), 100.0 * used / over);
    }
    Ok(told)
}

/// Milliseconds, median.
fn fsync() -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let mut file = File::create(folder.path().join("file"))?;
    let mut times = Samples::default();
    for _ in 0..200 {
        file.seek(std::io::SeekFrom::End(0))?;
        file.write_all(&[7; 4_096])?;
        let began = Instant::now();
        file.sync_data()?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times.median())
}
