//! How late a filter is stopped that does not end by itself: time on the clock beyond its budget, on a machine that has
//! nothing else to do. The table goes to standard output.
//!
//! `cargo bench --workspace --bench lateness`

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use benches::{attached, built, event, machine, samples::Samples};
use bytes::Bytes;
use filters::{Chain, End};
use http::HeaderValue;
use model::{Draft, Limits, record::FailureClass, spec::InstancePolicy};

const BUDGETS_MS: [u64; 3] = [5, 50, 200];
/// Calls of one filter; after a few more it would be called off.
const CALLS: usize = 10;
const FILTERS: usize = 10;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let engine = attached::engine()?;
    let component = Bytes::from(std::fs::read(built::filter()?)?);
    let module = runtime.block_on(engine.load(component))?;
    println!("{}\n", machine::line());
    println!("| budget, ms | later than that, ms: median (least–most) | 99 of 100 within, ms |\n|---|---|---|");
    for budget in BUDGETS_MS {
        let limits = Limits { time: Duration::from_millis(budget), wall: Limits::MOST.wall, ..Limits::default() };
        let mut late = Vec::new();
        for _ in 0..FILTERS {
            let filter = runtime.block_on(attached::limited(&module, "H", InstancePolicy::Fresh, limits))?;
            let chain = Chain::new(vec![filter]);
            for _ in 0..CALLS {
                late.push((runtime.block_on(spin(&chain))?.as_secs_f64() * 1e3) - budget as f64);
            }
        }
        late.sort_by(f64::total_cmp);
        let nearly_all = late[(late.len() - 1) * 99 / 100];
        println!("| {budget} | {:.2} | {nearly_all:.2} |", late.into_iter().collect::<Samples>());
    }
    Ok(())
}

/// Lets the filter compute until it is stopped.
async fn spin(chain: &Chain) -> Result<Duration> {
    let mut event = event::event(event::push(1 << 10));
    let mut headers = (*event.headers).clone();
    headers.insert("x-evil", HeaderValue::from_static("loop"));
    event.headers = headers.into();
    let given = attached::given();
    let start = Instant::now();
    let ran = chain.run(Draft::new(event), &given).await;
    let elapsed = start.elapsed();
    let stopped = matches!(ran.end, End::Failed { class: FailureClass::Time, .. });
    ensure!(stopped, "the filter is to be stopped: {:?}", ran.end);
    Ok(elapsed)
}
