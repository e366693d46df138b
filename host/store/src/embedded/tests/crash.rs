//! What was acknowledged is there after a restart, a crash and a kill.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use model::{EventId, delivery::Status};
use tokio::task::JoinSet;

use super::{super::database, start};
use crate::{
    Journal as _, Registry as _,
    contract::{
        events::{accept, claim, conclude, delivery, event_id, new_event, project},
        journal::{SCOPE, after},
        sample::{TIME, alias, change, destination, digest, name, orders, secret},
    },
    journal::{Health, Next, Reservation, Settled},
    registry::{Contents, Older},
};

fn event(number: u128) -> EventId {
    EventId::new(TIME, number)
}

/// Writes something of everything.
async fn fill(folder: &Path) -> Contents {
    let (registry, journal) = start(folder);
    registry.commit(orders().with(alias("verify", "stable", 1))).await.unwrap();
    registry.commit(change().with(secret("hook", "second", Older::Keep))).await.unwrap();
    journal.kv_set(SCOPE, "k", Bytes::from_static(b"value"), None, TIME).await.unwrap();
    for (key, number) in [("accepted", 1), ("open", 2)] {
        journal.reserve(SCOPE, key, event(number), after(100), TIME).await.unwrap();
    }
    journal.settle(event(1), Settled::Commit).await.unwrap();
    registry.contents().await.unwrap()
}

async fn check(folder: &Path, written: &Contents) {
    let (registry, journal) = start(folder);
    assert_eq!(registry.contents().await.unwrap(), *written);
    assert_eq!(registry.module_bytes(digest("one")).await.unwrap(), "one");
    assert_eq!(journal.kv_get(SCOPE, "k", TIME).await.unwrap().unwrap(), "value");
    let reserve = async |key| journal.reserve(SCOPE, key, event(3), after(100), TIME).await.unwrap();
    assert_eq!(reserve("accepted").await, Reservation::Known);
    assert_eq!(reserve("open").await, Reservation::First);
    let next = registry.commit(change().with(destination("new", "http://new.example.com/"))).await.unwrap();
    assert_eq!(next.revision, written.revision + 1);
}

#[tokio::test]
async fn a_restart_finds_exactly_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let written = fill(folder.path()).await;
    check(folder.path(), &written).await;
}

/// The files as they lie there while the host runs, nothing closed or checkpointed.
#[tokio::test]
async fn a_copy_of_the_files_in_the_middle_is_whole() {
    let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // Connections that stay open keep the host's own end from tidying up.
    fill(folder.path()).await;
    let (registry, _journal) = start(folder.path());
    let held = ["control.db", "events.db"].map(|file| database::open_reader(&folder.path().join(file)).unwrap());
    registry.commit(change().with(destination("late", "http://late.example.com/"))).await.unwrap();
    let written = registry.contents().await.unwrap();
    for file in ["control.db", "control.db-wal", "events.db", "events.db-wal", "master.key"] {
        let to = copy.path().join(file);
        fs::copy(folder.path().join(file), &to).unwrap_or_else(|error| panic!("{file}: {error}"));
    }
    assert!(fs::metadata(copy.path().join("control.db-wal")).unwrap().len() > 0);
    check(copy.path(), &written).await;
    drop(held);
}

/// Killed as hard as a process can be, three times, in the middle of many writers.
#[tokio::test]
async fn a_kill_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (mut destinations, mut values, mut events, mut accepted, mut concluded) = (0, 0, 0, 0, 0);
    for round in 0..3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "embedded::tests::crash::child", "--ignored", "--nocapture"])
            .env(CHILD_FOLDER, folder.path())
            .env(CHILD_ROUND, round.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut acknowledged: Vec<String> = lines.by_ref().filter(|line| line.contains("ack ")).take(300).collect();
        child.kill().unwrap();
        acknowledged.extend(lines.filter(|line| line.contains("ack ") && line.ends_with('.')));
        child.wait().unwrap();

        let (registry, journal) = start(folder.path());
        let contents = registry.contents().await.unwrap();
        let there = &contents.projects[&name("default")].destinations;
        for line in &acknowledged {
            // The runner's own words may stand before the first one.
            let (_, what) = line.split_once("ack ").unwrap();
            match what.trim_end_matches('.').split_once(' ').unwrap() {
                ("destination", named) => {
                    assert!(there.iter().any(|destination| destination.name.as_str() == named), "{line}");
                    destinations += 1;
                }
                ("accepted", id) => {
                    let stored = journal.event(&project(), id.parse().unwrap()).await.unwrap();
                    assert_eq!(stored.expect(line).received.body.unwrap(), "{}");
                    accepted += 1;
                }
                ("concluded", id) => {
                    let (delivery, attempts) =
                        journal.delivery(&project(), id.parse().unwrap()).await.unwrap().unwrap();
                    assert_eq!((delivery.status, attempts.len()), (Status::Delivered, 1), "{line}");
                    concluded += 1;
                }
                ("value", key) => {
                    assert!(journal.kv_get(SCOPE, key, TIME).await.unwrap().is_some(), "{line}");
                    values += 1;
                }
                (_, key) => {
                    let reservation = journal.reserve(SCOPE, key, event(u128::MAX), after(100), TIME).await.unwrap();
                    assert_eq!(reservation, Reservation::Known, "{line}");
                    events += 1;
                }
            }
        }
        assert_eq!(journal.health(), Health::default());
        drop((registry, journal));
        nothing_is_half_done(folder.path());
    }
    for (what, acknowledged) in [
        ("destinations", destinations),
        ("values", values),
        ("events", events),
        ("accepted", accepted),
        ("concluded", concluded),
    ] {
        assert!(acknowledged > 0, "{what}");
    }
}

/// Each event has its parts and its delivery, which is due or delivered, and no number is left out.
fn nothing_is_half_done(folder: &Path) {
    let file = database::open_reader(&folder.join("events.db")).unwrap();
    let count = |sql: &str| file.query_row(sql, [], |row| row.get::<_, u64>(0)).unwrap();
    let events = count("SELECT count(*) FROM events");
    assert!(events > 0);
    for (table, of) in [
        ("sqlite_sequence", "SELECT seq FROM sqlite_sequence WHERE name = 'events'"),
        ("contents", "SELECT count(*) FROM contents JOIN events ON event = number"),
        ("bodies", "SELECT count(*) FROM bodies JOIN events ON event = number"),
        ("deliveries", "SELECT count(*) FROM deliveries JOIN events ON event = events.id"),
        ("totals", "SELECT sum(events) FROM totals"),
        ("due", "SELECT count(*) FROM deliveries WHERE leased = 0 AND (due IS NOT NULL OR status = 1)"),
    ] {
        assert_eq!(count(of), events, "{table}");
    }
    assert_eq!(
        count("SELECT count(*) FROM deliveries WHERE status = 1"),
        count("SELECT count(*) FROM attempts"),
        "an attempt without its end, or an end without its attempt"
    );
}

const CHILD_FOLDER: &str = "SNAPHOOK_STORE_TEST_FOLDER";
const CHILD_ROUND: &str = "SNAPHOOK_STORE_TEST_ROUND";

/// Writes until it is killed, and says so only after each write is acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "is the process that another test kills"]
async fn child() {
    let (Ok(folder), Ok(round)) = (std::env::var(CHILD_FOLDER), std::env::var(CHILD_ROUND)) else { return };
    // Whatever else happens, it does not stay for ever.
    let minute = tokio::time::sleep(Duration::from_secs(60));
    let (registry, journal) = start(Path::new(&folder));
    let (registry, journal) = (Arc::new(registry), Arc::new(journal));
    let mut writers = JoinSet::new();
    for writer in 0..4_u32 {
        let (registry, journal, round) = (Arc::clone(&registry), Arc::clone(&journal), round.clone());
        writers.spawn(async move {
            for number in 0_u32.. {
                let key = format!("r{round}-{writer}-{number}");
                registry.commit(change().with(destination(&key, "http://a/"))).await.unwrap();
                println!("ack destination {key}.");
                journal.kv_set(SCOPE, &key, Bytes::new(), None, TIME).await.unwrap();
                println!("ack value {key}.");
                let event = event(u128::from(writer) << 32 | u128::from(number));
                journal.reserve(SCOPE, &key, event, after(100), TIME).await.unwrap();
                journal.settle(event, Settled::Commit).await.unwrap();
                println!("ack event {key}.");
            }
        });
    }
    let round = round.parse().unwrap();
    for writer in 0..4 {
        writers.spawn(deliver_for_ever(Arc::<super::Journal>::clone(&journal), round, writer));
    }
    tokio::select! {
        () = minute => {}
        _ = writers.join_next() => {}
    }
}

/// Accepts events and delivers whatever is due, also of others and of those who were killed.
async fn deliver_for_ever(journal: Arc<dyn crate::Journal>, round: u64, writer: u64) {
    for number in 0.. {
        let second = (round * 4 + writer) * 1_000_000 + number;
        accept(&journal, new_event(second, "{}"), vec![delivery(second, 0, "billing")]).await;
        println!("ack accepted {}.", event_id(second));
        for lease in claim(&journal, "billing", u64::from(u32::MAX), 1).await.leases {
            conclude(&journal, &lease, 0, Next::Delivered).await;
            println!("ack concluded {}.", lease.delivery.id);
        }
    }
}
