//! What it costs when much is kept. Run with `cargo test --release -p snaphook-store growth -- --ignored --nocapture`;
//! `GROWTH_EVENTS` says how many events that is.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use model::delivery::{Status, Wanted};
use tokio::task::JoinSet;

use super::{
    speed::{PRODUCERS, produce},
    start,
};
use crate::{
    Journal,
    contract::{
        events::{claim, conclude, project},
        sample::name,
    },
    journal::{EventWanted, Next},
};

const FEW: u64 = 5_000;
const MANY: u64 = 5_000_000;
const BYTES: usize = 128;

/// Of one operation: the median of many rounds, so that a checkpoint now and then does not count.
async fn typical<F: Future<Output = ()>>(rounds: u64, mut round: impl FnMut(u64) -> F, operations: u32) -> Duration {
    let mut took = Vec::new();
    for number in 0..rounds {
        let began = Instant::now();
        round(number).await;
        took.push(began.elapsed() / operations);
    }
    took.sort_unstable();
    took[took.len() / 2]
}

/// Each kind of work, and what one operation takes, with so many events there.
async fn costs(journal: &Arc<dyn Journal>, events: &mut u64) -> Vec<(&'static str, Duration)> {
    const ACCEPTED: u64 = 2_000;
    let first = *events;
    let accepting = |round| async move {
        produce(journal, first + round * ACCEPTED, ACCEPTED, BYTES).await;
    };
    let accept = typical(15, accepting, 2_000).await;
    *events += 15 * ACCEPTED;
    let second = *events;
    let claiming = |_| async move {
        let leases = claim(journal, "billing", second, 50).await.leases;
        assert_eq!(leases.len(), 50);
        let mut concluding = JoinSet::new();
        for lease in leases {
            let journal = Arc::clone(journal);
            concluding.spawn(async move { conclude(&journal, &lease, second, Next::Delivered).await });
        }
        concluding.join_all().await;
    };
    let claim_and_conclude = typical(40, claiming, 50).await;
    let all = EventWanted::of(project());
    let by_route = EventWanted { route: Some(name("orders")), ..all.clone() };
    let delivered = Wanted { status: Some(Status::Delivered), ..Wanted::default() };
    let mut costs = vec![("accept", accept), ("claim and conclude", claim_and_conclude)];
    for (what, wanted) in [("page of events", all), ("page of a route's events", by_route)] {
        let wanted = &wanted;
        let paging = |_| async move {
            assert_eq!(journal.events(wanted, None, 50).await.unwrap().entries.len(), 50);
        };
        costs.push((what, typical(101, paging, 1).await));
    }
    for (what, wanted) in [("page of deliveries", Wanted::default()), ("page of delivered ones", delivered)] {
        let wanted = &wanted;
        let paging = |_| async move {
            assert_eq!(journal.deliveries(&project(), wanted, None, 50).await.unwrap().entries.len(), 50);
        };
        costs.push((what, typical(101, paging, 1).await));
    }
    let backlogs = |_| async move { drop(journal.backlogs().await.unwrap()) };
    costs.push(("backlogs", typical(101, backlogs, 1).await));
    costs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn growth() {
    let many = std::env::var("GROWTH_EVENTS").map_or(MANY, |events| events.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let journal: Arc<dyn Journal> = Arc::new(start(folder.path()).1);
    let mut events = 0;
    let fill = async |events: &mut u64, up_to: u64| {
        let more = up_to.saturating_sub(*events) / PRODUCERS * PRODUCERS;
        produce(&journal, *events, more, BYTES).await;
        *events += more;
    };
    fill(&mut events, FEW).await;
    let few = (events, costs(&journal, &mut events).await);
    let began = Instant::now();
    fill(&mut events, many).await;
    println!("filled up to {events} events in {:.0?}", began.elapsed());
    let with_many = (events, costs(&journal, &mut events).await);
    println!("with {} and {} events:", few.0, with_many.0);
    for ((what, little), (_, much)) in few.1.iter().zip(&with_many.1) {
        println!("{what}: {little:.1?} and {much:.1?}, {:.2} times", much.as_secs_f64() / little.as_secs_f64());
    }
}
