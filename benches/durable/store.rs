//! The store alone: its own ceiling, with the product's schema.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use benches::event;
use bytes::Bytes;
use model::{
    DeliveryId, EventId, Name, Timestamp,
    delivery::{Attempt, Outcome, Timings},
    record::{Disposition, Record},
};
use store::{
    Journal, embedded,
    journal::{Accept, Claim, NewDelivery, NewEvent, Next, Settlement},
};
use tokio::task::JoinSet;

use crate::{SENDERS, load::Told, process::cpu_of};

/// Deliveries that are claimed at once.
const CLAIMED: u32 = 64;

/// Accepts events for some time; in a cycle each is claimed and settled as well, and that is what is counted.
pub(crate) async fn run(bytes: usize, time: Duration, cycle: bool) -> Result<Told> {
    let folder = tempfile::tempdir()?;
    let (_registry, journal) = embedded::open(&embedded::Options::new(folder.path()))?;
    let journal: Arc<dyn Journal> = Arc::new(journal);
    let (accepted, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let settling = cycle.then(|| tokio::spawn(settle(Arc::clone(&journal), Arc::clone(&accepted), Arc::clone(&done))));
    let body = event::push(bytes);
    let (began, computed) = (Instant::now(), cpu_of(std::process::id())?);
    let mut producers = JoinSet::new();
    for _ in 0..SENDERS {
        producers.spawn(produce(Arc::clone(&journal), body.clone(), began + time, Arc::clone(&accepted)));
    }
    let mut latencies = Vec::new();
    while let Some(producer) = producers.join_next().await {
        latencies.extend(producer??);
    }
    done.store(true, Relaxed);
    if let Some(settling) = settling {
        settling.await??;
    }
    let mut told = Told::new(latencies, began.elapsed());
    told.cpu = cpu_of(std::process::id())? - computed;
    Ok(told)
}

async fn produce(
    journal: Arc<dyn Journal>,
    body: Bytes,
    end: Instant,
    accepted: Arc<AtomicU64>,
) -> Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    while Instant::now() < end {
        let began = Instant::now();
        journal.accept(accept(&body)).await?;
        latencies.push(began.elapsed());
        accepted.fetch_add(1, Relaxed);
    }
    Ok(latencies)
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn accept(body: &Bytes) -> Accept {
    let now = Timestamp::now();
    let mut received = event::event(body.clone());
    received.id = EventId::new(now, u128::from(rand()) << 16 | u128::from(rand()));
    let record = Record {
        id: received.id.to_string(),
        project: received.project.to_string(),
        route: received.route.to_string(),
        received: now.as_millis(),
        source: received.source.to_string(),
        method: received.method.to_string(),
        path: received.path.clone(),
        revision: 1,
        disposition: Disposition::Accepted,
        status: 202,
        reason: None,
        destination: None,
        labels: Vec::new(),
        idempotency_key: None,
        order_key: None,
        duration_us: 100,
        destination_us: None,
        body_bytes: Some(body.len() as u64),
        filters: Vec::new(),
        capture: None,
    };
    let delivery = NewDelivery {
        id: DeliveryId::new(now, u128::from(rand()) << 16 | u128::from(rand())),
        destination: name("upstream"),
        due: now,
        lane: None,
        replay: false,
    };
    let made = received.clone();
    let event = NewEvent { received, made, record, authenticated: true };
    Accept { event, deliveries: vec![delivery], idempotency: None, reserved: false }
}

/// Whatever the standard library seeds its hashes with.
fn rand() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0_u8)
}

/// An event that is delivered, and every so often one that waits for tomorrow.
pub(crate) async fn fill(folder: &Path, settled: u64, waiting: u64) -> Result<()> {
    let (_registry, journal) = embedded::open(&embedded::Options::new(folder))?;
    let journal: Arc<dyn Journal> = Arc::new(journal);
    let body = event::push(512);
    let tomorrow = Timestamp::now().after(Duration::from_hours(24));
    let mut left = settled + waiting;
    while left > 0 {
        let (mut accepting, some) = (JoinSet::new(), left.min(512));
        for number in left - some..left {
            let mut accept = accept(&body);
            if number < waiting {
                accept.deliveries[0].due = tomorrow;
            }
            let journal = Arc::clone(&journal);
            accepting.spawn(async move { journal.accept(accept).await });
        }
        while let Some(accepted) = accepting.join_next().await {
            accepted??;
        }
        left -= some;
        conclude_due(&journal, 512).await?;
    }
    Ok(())
}

/// How many there were.
async fn conclude_due(journal: &Arc<dyn Journal>, at_most: u32) -> Result<u64> {
    let now = Timestamp::now();
    let until = now.after(Duration::from_secs(60));
    let project = event::event(Bytes::new()).project;
    let claimed = journal.claim(Claim { project, target: name("upstream"), now, until, at_most }).await?.leases;
    let (count, mut settling) = (claimed.len() as u64, JoinSet::new());
    for lease in claimed {
        let journal = Arc::clone(journal);
        let attempt = Attempt {
            number: 1,
            target: name("upstream"),
            started: now,
            outcome: Outcome::Delivered,
            reason: None,
            timings: Timings::default(),
            answer: None,
        };
        let (delivery, fence) = (lease.delivery.id, lease.fence);
        let settlement = Settlement { delivery, fence, attempt: Some(attempt), now, next: Next::Delivered };
        settling.spawn(async move { journal.conclude(settlement).await });
    }
    while let Some(concluded) = settling.join_next().await {
        concluded??;
    }
    Ok(count)
}

async fn settle(journal: Arc<dyn Journal>, accepted: Arc<AtomicU64>, done: Arc<AtomicBool>) -> Result<()> {
    let mut settled = 0;
    while !done.load(Relaxed) || settled < accepted.load(Relaxed) {
        match conclude_due(&journal, CLAIMED).await? {
            0 => tokio::time::sleep(Duration::from_millis(1)).await,
            some => settled += some,
        }
    }
    Ok(())
}
