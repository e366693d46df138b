//! One call of one filter, in a fresh instance as the host makes it and in one that is kept, on one thread and on two. Told
//! is time on the processor, system calls and page faults included; the table goes to standard output.

use std::{
    hint::black_box,
    sync::{Barrier, LazyLock},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, ensure};
use aws_lc_rs::hmac;
use benches::{
    attached, built,
    event::{self, SECRET},
    machine, rewrite,
    samples::{Samples, thread_cpu},
};
use bytes::Bytes;
use filters::{Chain, End, Engine, Given};
use model::{Draft, Event, spec::InstancePolicy};
use tokio::runtime::Runtime;

/// Long enough that the clock is exact, short enough that another process's turn spoils few of them.
const BATCH: Duration = Duration::from_millis(10);
const BATCHES: usize = 31;
const WARM_UP: usize = 5;
const KIB: [usize; 3] = [1, 8, 64];

/// What the filter does, and the same done natively.
struct Work {
    job: &'static str,
    title: &'static str,
    native: Option<fn(&[u8])>,
}

const WORK: [Work; 4] = [
    Work { job: "headers", title: "looks at a header, sets one", native: None },
    Work { job: "J1", title: "HMAC by the host, sets a header", native: Some(native_hmac) },
    Work { job: "json", title: "JSON rewrite, parsed in the guest", native: Some(native_rewrite) },
    Work { job: "pointers", title: "JSON rewrite, by the host's pointers", native: Some(native_rewrite) },
];

fn main() -> Result<()> {
    let component = Bytes::from(std::fs::read(built::filter()?)?);
    let engine = attached::engine()?;
    println!("{}\n", machine::line());
    println!("| filter | body | native | fresh, 1 thread | fresh, 2 threads | kept, 1 thread | kept, 2 threads |");
    println!("|---|---|---|---|---|---|---|");
    for work in &WORK {
        for kib in KIB {
            println!("{}", row(&engine, &component, work, event::event(event::push(kib << 10)))?);
        }
    }
    let (told, gain) = throughput(&engine, &component)?;
    println!("\nCalls a second (looks at a header, 1 KiB): {told}");
    ensure!(gain > 1.0, "two threads are slower than one: they get in each other's way");
    Ok(())
}

fn row(engine: &Engine, component: &Bytes, work: &Work, event: Event) -> Result<String> {
    let native = work.native.map_or("–".to_owned(), |native| {
        let body = event.body.clone().unwrap_or_default();
        let batches = (0..WARM_UP + BATCHES).map(|_| Batch::of(|| native(&body)).cpu_us());
        format!("{:.1}", batches.skip(WARM_UP).collect::<Samples>())
    });
    let title = format!("| {} | {} KiB | {native}", work.title, event.body.as_ref().map_or(0, Bytes::len) >> 10);
    let mut row = title;
    for kept in [false, true] {
        for threads in [1, 2] {
            let told = measure(engine, component, work.job, &event, kept, threads)?;
            row += &format!(" | {:.1}", told.cpu_us);
        }
    }
    Ok(row + " |")
}

/// A regression here is what a benchmark on one thread never shows: two threads that get in each other's way.
fn throughput(engine: &Engine, component: &Bytes) -> Result<(String, f64)> {
    let event = event::event(event::push(KIB[0] << 10));
    let one = measure(engine, component, "headers", &event, false, 1)?.calls_a_second;
    let two = measure(engine, component, "headers", &event, false, 2)?.calls_a_second;
    let gain = two.median() / one.median();
    Ok((format!("{one:.0} on one thread, {two:.0} on two, ×{gain:.2}"), gain))
}

struct Told {
    cpu_us: Samples,
    calls_a_second: Samples,
}

/// Calls until the time of a batch is over.
#[derive(Debug, Clone, Copy)]
struct Batch {
    calls: f64,
    cpu: Duration,
    wall: Duration,
}

impl Batch {
    fn of(mut call: impl FnMut()) -> Self {
        let (start, cpu) = (Instant::now(), thread_cpu());
        let mut calls = 0.0;
        while start.elapsed() < BATCH {
            call();
            calls += 1.0;
        }
        Self { calls, cpu: thread_cpu() - cpu, wall: start.elapsed() }
    }

    fn cpu_us(self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.calls
    }
}

fn measure(engine: &Engine, component: &Bytes, job: &str, event: &Event, kept: bool, threads: usize) -> Result<Told> {
    let callers: Vec<Caller> =
        (0..threads).map(|_| Caller::new(engine, component, job, event, kept)).collect::<Result<_>>()?;
    let together = Barrier::new(threads);
    let of_threads: Vec<Vec<Batch>> = thread::scope(|scope| {
        let run = |caller| scope.spawn(|| batches(caller, event, &together));
        let threads: Vec<_> = callers.into_iter().map(run).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))).collect::<Result<_>>()
    })?;
    let batch = |index: usize| of_threads.iter().map(move |batches| batches[index]);
    let cpu_us = |index| batch(index).map(Batch::cpu_us).sum::<f64>() / threads as f64;
    let calls_a_second = |index| batch(index).map(|batch| batch.calls / batch.wall.as_secs_f64()).sum::<f64>();
    Ok(Told { cpu_us: (0..BATCHES).map(cpu_us).collect(), calls_a_second: (0..BATCHES).map(calls_a_second).collect() })
}

/// What one thread measures, each batch at the same time as the others.
fn batches(mut caller: Caller, event: &Event, together: &Barrier) -> Vec<Batch> {
    let batches = (0..WARM_UP + BATCHES).map(|_| {
        together.wait();
        Batch::of(|| caller.call(event))
    });
    batches.skip(WARM_UP).collect()
}

/// A filter and the runtime that calls it.
struct Caller {
    runtime: Runtime,
    given: Given,
    chain: Chain,
}

impl Caller {
    fn new(engine: &Engine, component: &Bytes, job: &str, event: &Event, kept: bool) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let given = attached::given();
        let chain = runtime.block_on(async {
            let module = engine.load(component.clone()).await?;
            let policy = if kept { InstancePolicy::Warm } else { InstancePolicy::Fresh };
            let chain = Chain::new(vec![attached::filter(&module, job, policy).await?]);
            let ran = chain.run(Draft::new(event.clone()), &given).await;
            ensure!(matches!(ran.end, End::Passed), "the filter is to let the event pass: {:?}", ran.end);
            anyhow::Ok(chain)
        })?;
        Ok(Self { runtime, given, chain })
    }

    fn call(&mut self, event: &Event) {
        let Self { runtime, given, chain } = self;
        _ = black_box(runtime.block_on(chain.run(Draft::new(event.clone()), given)));
    }
}

fn native_hmac(body: &[u8]) {
    // Kept ready, as the host does.
    static KEY: LazyLock<hmac::Key> = LazyLock::new(|| hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()));
    black_box(hmac::sign(&KEY, body));
}

fn native_rewrite(body: &[u8]) {
    _ = black_box(rewrite::rewrite(body));
}
