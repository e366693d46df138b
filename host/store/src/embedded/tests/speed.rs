//! How fast it is here. Run with `cargo test --release -p snaphook-store speed -- --ignored --nocapture --test-threads 1`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use model::delivery::Wanted;
use rusqlite::{Connection, params};
use tokio::task::JoinSet;

use super::{super::database, start};
use crate::{
    Journal,
    contract::{
        events::{accept, claim, conclude, delivery, new_event, project, run},
        sample::name,
    },
    journal::{EventWanted, NewEvent, Next},
};

pub(super) const PRODUCERS: u64 = 64;

fn event_of(second: u64, bytes: usize) -> NewEvent {
    let mut new = new_event(second, "");
    new.received.body = Some(vec![b'x'; bytes].into());
    new.made.body = new.received.body.clone();
    new.record.filters = vec![run("one", "a")];
    new
}

/// Events from `first` on, of as many producers at once; how long it took.
pub(super) async fn produce(journal: &Arc<dyn Journal>, first: u64, events: u64, bytes: usize) -> Duration {
    let began = Instant::now();
    let mut producers = JoinSet::new();
    for producer in 0..PRODUCERS {
        let journal = Arc::clone(journal);
        producers.spawn(async move {
            for number in (producer..events).step_by(PRODUCERS as usize) {
                let second = first + number;
                accept(&journal, event_of(second, bytes), vec![delivery(second, 0, "billing")]).await;
            }
        });
    }
    producers.join_all().await;
    began.elapsed()
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn tell(what: &str, count: u64, took: Duration) {
    println!("{what}: {count} in {took:.2?}, {:.0} per second", count as f64 / took.as_secs_f64());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn accepting() {
    const EVENTS: u64 = 100_000;
    for bytes in [1_024, 8_192] {
        let folder = tempfile::tempdir().unwrap();
        let journal: Arc<dyn Journal> = Arc::new(start(folder.path()).1);
        tell(
            &format!("accept, {bytes} bytes, {PRODUCERS} producers"),
            EVENTS,
            produce(&journal, 0, EVENTS, bytes).await,
        );
    }
}

/// What SQLite itself can do: the body in a row of its own and one due index, 64 in a transaction.
#[test]
#[ignore = "measures"]
fn inserting() {
    const EVENTS: u64 = 100_000;
    let folder = tempfile::tempdir().unwrap();
    let file =
        database::open(&folder.path().join("events.db"), &database::EVENTS, database::Survives::Machine).unwrap();
    let raw: &Connection = &file.connection;
    raw.execute_batch(
        "CREATE TABLE event (id INTEGER PRIMARY KEY, route INT NOT NULL, due INT);
         CREATE TABLE body (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
         CREATE INDEX event_due ON event (due) WHERE due IS NOT NULL",
    )
    .unwrap();
    let body = vec![b'x'; 1_024];
    let began = Instant::now();
    for group in 0..EVENTS / PRODUCERS {
        let transaction = raw.unchecked_transaction().unwrap();
        for number in 0..PRODUCERS {
            let id = group * PRODUCERS + number;
            raw.prepare_cached("INSERT INTO event VALUES (?1, 1, ?1)").unwrap().execute([id]).unwrap();
            raw.prepare_cached("INSERT INTO body VALUES (?1, ?2)").unwrap().execute(params![id, body]).unwrap();
        }
        transaction.commit().unwrap();
    }
    tell("raw inserts, 1024 bytes, 64 in a group", EVENTS, began.elapsed());
}

/// What indexing makes of accepting beside it, how fast it is by itself, and what it takes on disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn indexing() {
    const EVENTS: u64 = 50_000;
    let folder = tempfile::tempdir().unwrap();
    let journal: Arc<dyn Journal> = Arc::new(start(folder.path()).1);
    let routes = [(project(), name("orders"))];
    let body = |second: u64| -> Vec<u8> {
        let field = |number: u64| {
            format!(r#""field_{number}":"{:016x}""#, (second * 25 + number).wrapping_mul(0x9e37_79b9_7f4a_7c15))
        };
        format!("{{{}}}", (1..=25).map(field).collect::<Vec<_>>().join(",")).into()
    };
    for indexed in [false, true] {
        let first = if indexed { EVENTS } else { 0 };
        let began = Instant::now();
        let mut producers = JoinSet::new();
        for producer in 0..PRODUCERS {
            let journal = Arc::clone(&journal);
            producers.spawn(async move {
                for second in (first + producer..first + EVENTS).step_by(PRODUCERS as usize) {
                    let mut new = event_of(second, 0);
                    new.received.body = Some(body(second).into());
                    accept(&journal, new, vec![delivery(second, 0, "billing")]).await;
                }
            });
        }
        let mut slices = 0;
        while indexed && !producers.is_empty() {
            journal.index(&routes, 200).await.unwrap();
            slices += 1;
            while producers.try_join_next().is_some() {}
        }
        producers.join_all().await;
        tell(&format!("accept, 750 bytes, {slices} slices of indexing beside it"), EVENTS, began.elapsed());
    }
    let (began, lag) = (Instant::now(), journal.search_lag());
    while journal.index(&routes, 200).await.unwrap().lag > 0 {}
    tell("index", lag, began.elapsed());
    let size = |file: &str| std::fs::metadata(folder.path().join(file)).unwrap().len() >> 20;
    println!("events.db {} MiB, search.db {} MiB", size("events.db"), size("search.db"));
    let of = EventWanted::of(project());
    for (what, text) in
        [("in all", "field_7"), ("in one", &String::from_utf8_lossy(&body(7)[12..28])), ("in none", "none")]
    {
        let began = Instant::now();
        let found = journal.search(&of, text, None, 50).await.unwrap().entries.len();
        println!("search for a word {what}: {found} in {:.2?}", began.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn delivering() {
    const EVENTS: u64 = 50_000;
    let folder = tempfile::tempdir().unwrap();
    let journal: Arc<dyn Journal> = Arc::new(start(folder.path()).1);
    produce(&journal, 0, EVENTS, 1_024).await;
    let began = Instant::now();
    let mut concluding = JoinSet::new();
    loop {
        let leases = claim(&journal, "billing", EVENTS, 64).await.leases;
        if leases.is_empty() {
            break;
        }
        for lease in leases {
            let journal = Arc::clone(&journal);
            concluding.spawn(async move { conclude(&journal, &lease, EVENTS, Next::Delivered).await });
        }
        while concluding.len() > 512 {
            concluding.join_next().await;
        }
    }
    concluding.join_all().await;
    tell("claim and conclude", EVENTS, began.elapsed());
}

/// The same work with little and with much in the journal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn growing() {
    let folder = tempfile::tempdir().unwrap();
    let journal: Arc<dyn Journal> = Arc::new(start(folder.path()).1);
    let mut events = 0;
    for more in [5_000, 495_000] {
        produce(&journal, events, more, 256).await;
        events += more;
        println!("with {events} events");
        tell("  accept", 10_000, produce(&journal, events, 10_000, 256).await);
        events += 10_000;
        let began = Instant::now();
        for _ in 0..100 {
            claim(&journal, "billing", 1, 50).await;
        }
        tell("  claims of 50", 100, began.elapsed());
        let began = Instant::now();
        for _ in 0..100 {
            journal.events(&EventWanted::of(project()), None, 50).await.unwrap();
        }
        tell("  pages of 50 events", 100, began.elapsed());
        let began = Instant::now();
        for _ in 0..100 {
            journal.deliveries(&project(), &Wanted::default(), None, 50).await.unwrap();
        }
        tell("  pages of 50 deliveries", 100, began.elapsed());
        let began = Instant::now();
        for _ in 0..100 {
            journal.backlogs().await.unwrap();
        }
        tell("  backlogs", 100, began.elapsed());
    }
}
