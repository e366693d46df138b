//! The whole path: requests over loopback through Snaphook and through a bare hyper proxy that does the same work natively,
//! in turns, in one run. Told is the time on the processor that each gateway's process used for one event; the table
//! goes to standard output.
//!
//! `cargo bench --workspace --bench whole_path -- --rounds 5 --requests 40000`

mod gateway;
mod load;
mod native;
mod process;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use benches::{built, event, machine, samples::Samples};
use bytes::Bytes;

use crate::{gateway::Gateway, load::Load, process::Process};

/// Threads of each gateway.
const THREADS: usize = 2;

/// One row of the table.
struct Case {
    title: &'static str,
    /// The route in both gateways: what is to be done.
    path: &'static str,
    payload: &'static str,
}

const CASES: [Case; 5] = [
    Case { title: "proxy only", path: "/J0", payload: "push" },
    Case { title: "verify, set a header", path: "/J1", payload: "small" },
    Case { title: "verify, set a header", path: "/J1", payload: "push" },
    Case { title: "verify, set a header", path: "/J1", payload: "issues" },
    Case { title: "verify, rewrite", path: "/J2", payload: "push" },
];

/// What is typed after `--`.
struct Arguments {
    rounds: usize,
    requests: usize,
    /// A host that is built already.
    host: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.first().map(String::as_str) {
        Some("as-upstream") => native::upstream(),
        Some("as-proxy") => native::proxy(arguments.get(1).context("the upstream's address is missing")?),
        _ => compare(&read(&arguments)?),
    }
}

fn read(arguments: &[String]) -> Result<Arguments> {
    let mut read = Arguments { rounds: 5, requests: 40_000, host: None };
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { bail!("`{}` needs a value", pair[0]) };
        match name.as_str() {
            "--rounds" => read.rounds = value.parse::<usize>()?.clamp(1, 50),
            "--requests" => read.requests = value.parse::<usize>()?.clamp(100, 1_000_000),
            "--host" => read.host = Some(value.into()),
            _ => bail!("`{name}` is none of --rounds, --requests and --host"),
        }
    }
    Ok(read)
}

/// What a round of requests cost a gateway.
#[derive(Default)]
struct Costs {
    cpu_us: Samples,
    requests_a_second: Samples,
}

fn compare(arguments: &Arguments) -> Result<()> {
    let host = arguments.host.clone().map_or_else(built::host, Ok)?;
    let component = built::filter()?;
    let header = machine::line();
    let upstream = Process::role(&["as-upstream"])?;
    let native = Process::role(&["as-proxy", &upstream.address.to_string()])?;
    let snaphook = Gateway::start(&host, &component, upstream.address)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    println!(
        "{header}; {} rounds of {} requests over {} connections, each gateway with {THREADS} threads\n",
        arguments.rounds,
        arguments.requests,
        load::CONNECTIONS
    );
    println!("| job | body | native, CPU-µs | Snaphook, CPU-µs | more | ratio | native, req/s | Snaphook, req/s |");
    println!("|---|---|---|---|---|---|---|---|");
    for case in &CASES {
        let body = payload(case.payload)?;
        let loads = [&native, &snaphook.process].map(|process| Load::new(process.address, case.path, &body));
        let mut costs = [Costs::default(), Costs::default()];
        // The first round brings everything up and does not count.
        for round in 0..=arguments.rounds {
            let requests = if round == 0 { arguments.requests.min(4_000) } else { arguments.requests };
            for ((load, costs), process) in loads.iter().zip(&mut costs).zip([&native, &snaphook.process]) {
                let before = process.cpu()?;
                let took = runtime.block_on(load.send(requests))?;
                let used = process.cpu()? - before;
                if round > 0 {
                    costs.cpu_us.push(used.as_secs_f64() * 1e6 / requests as f64);
                    costs.requests_a_second.push(requests as f64 / took.as_secs_f64());
                }
            }
        }
        println!("{}", row(case, body.len(), &costs));
        eprintln!("{} {} B: done", case.title, body.len());
    }
    Ok(())
}

fn row(case: &Case, bytes: usize, [native, snaphook]: &[Costs; 2]) -> String {
    let more = snaphook.cpu_us.with(&native.cpu_us, |snaphook, native| snaphook - native);
    let ratio = snaphook.cpu_us.with(&native.cpu_us, |snaphook, native| snaphook / native);
    format!(
        "| {} | {bytes} B | {:.1} | {:.1} | {more:.1} | {ratio:.2} | {:.0} | {:.0} |",
        case.title, native.cpu_us, snaphook.cpu_us, native.requests_a_second, snaphook.requests_a_second,
    )
}

/// One of GitHub's own examples, the same that the side-by-side harness sends.
fn payload(name: &str) -> Result<Bytes> {
    let path = built::root().join("tests/octokit/node_modules/@octokit/webhooks-examples/api.github.com/index.json");
    let text = std::fs::read(&path).with_context(|| {
        format!("cannot read {}: the payloads come from npm, run `npm ci --prefix tests/octokit`", path.display())
    })?;
    let kinds: Vec<event::Examples> = serde_json::from_slice(&text)?;
    event::example(&kinds, name).with_context(|| format!("{} has no example like `{name}`", path.display()))
}
