//! What a restart finds, what damage is found out, and what a disk that fails does to those who write.

use std::{fs, path::Path, sync::Arc};

use model::{EventId, delivery::Status};
use rusqlite::Connection;

use super::{
    super::database,
    Options, open, start,
    writer::{Blocked, block},
};
use crate::{
    Error, Journal,
    contract::{
        events::{
            accept_many, claim, conclude, delivery, delivery_id, event_id, look, new_event, project, settlement,
            status, to, wait_for,
        },
        journal::after,
    },
    journal::{Limits, Next, Prepared},
};

fn journal(folder: &Path) -> Arc<dyn Journal> {
    Arc::new(start(folder).1)
}

/// The hand of somebody else in `events.db`.
fn tamper(folder: &Path, sql: &str) {
    let connection = Connection::open(folder.join("events.db")).unwrap();
    assert!(connection.execute(sql, []).unwrap() > 0, "{sql}");
}

#[tokio::test]
async fn a_restart_ends_all_leases() {
    let folder = tempfile::tempdir().unwrap();
    let lease = {
        let journal = journal(folder.path());
        accept_many(&journal, 1..4).await;
        let claimed = claim(&journal, "billing", 2, 10).await;
        conclude(&journal, &claimed.leases[1], 3, Next::Delivered).await;
        claimed.leases[0].clone()
    };
    let journal = journal(folder.path());
    // It is due as it was before, and who held it is refused.
    assert_eq!(status(&journal, delivery_id(1, 0)).await, (Status::Waiting, Some(after(1))));
    assert_eq!(look(&journal, delivery_id(2, 0)).await.status, Status::Delivered);
    let late = journal.conclude(settlement(&lease, 5, Next::Delivered)).await;
    assert!(matches!(late, Err(Error::Late { .. })), "{late:?}");
    let anew = claim(&journal, "billing", 2, 10).await.leases.remove(0);
    assert_eq!(anew.delivery.id, lease.delivery.id);
    assert!(anew.fence > lease.fence + 1);
}

#[tokio::test]
async fn what_was_changed_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    {
        let journal = journal(folder.path());
        accept_many(&journal, 1..12).await;
        let lease = claim(&journal, "billing", 1, 1).await.leases.remove(0);
        let prepared = Prepared { made: new_event(1, "made").made, runs: Vec::new() };
        journal.prepare(lease.delivery.id, lease.fence, prepared).await.unwrap();
    }
    let hands = [
        "UPDATE contents SET record = replace(record, '\"status\":202', '\"status\":203') WHERE event = 1",
        "UPDATE contents SET received = substr(received, 2) WHERE event = 2",
        "UPDATE contents SET made = received WHERE event = 3",
        "UPDATE bodies SET received = x'7b7c' WHERE event = 4",
        "UPDATE bodies SET made = received, received = NULL WHERE event = 5",
        "DELETE FROM bodies WHERE event = 6",
        "DELETE FROM contents WHERE event = 7",
        "UPDATE events SET authenticated = 0 WHERE number = 8",
        "UPDATE events SET route = 'other' WHERE number = 9",
        "UPDATE contents SET checksum = checksum + 1 WHERE event = 10",
    ];
    for hand in hands {
        tamper(folder.path(), hand);
    }
    tamper(folder.path(), "UPDATE prepared SET body = x'00'");
    let journal = journal(folder.path());
    for (second, hand) in (1..).zip(hands) {
        let refused = journal.event(&project(), event_id(second)).await.expect_err(hand);
        assert!(matches!(refused, Error::Corrupt { .. }), "{hand}: {refused}");
        assert!(refused.to_string().contains(&event_id(second).to_string()), "{hand}: {refused}");
    }
    let refused = journal.prepared(delivery_id(1, 0)).await.unwrap_err();
    assert!(matches!(refused, Error::Corrupt { .. }), "{refused}");
    // The others are as they were.
    assert!(journal.event(&project(), event_id(11)).await.unwrap().is_some());
}

/// Copies the files as they lie there, while they are open.
fn copy(from: &Path, to: &Path) {
    for file in ["events.db", "events.db-wal", "events.mark"] {
        fs::copy(from.join(file), to.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    }
}

/// A folder whose write-ahead log was damaged so that of ten events the newest are gone.
async fn damaged() -> tempfile::TempDir {
    let (folder, copied) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let journal = journal(folder.path());
    accept_many(&journal, 1..11).await;
    copy(folder.path(), copied.path());
    let wal = copied.path().join("events.db-wal");
    let mut bytes = fs::read(&wal).unwrap();
    let end = bytes.len() - 3 * (4_096 + 24);
    bytes[end] ^= 0x40;
    fs::write(&wal, bytes).unwrap();
    copied
}

async fn there(journal: &Arc<dyn Journal>, seconds: std::ops::Range<u64>) -> Vec<u64> {
    let mut there = Vec::new();
    for second in seconds {
        if journal.event(&project(), event_id(second)).await.unwrap().is_some() {
            there.push(second);
        }
    }
    there
}

#[tokio::test]
async fn a_lost_end_is_told_until_somebody_takes_note() {
    let folder = damaged().await;
    let kept = {
        let journal = journal(folder.path());
        let kept = there(&journal, 1..11).await;
        assert!(!kept.is_empty() && kept.len() < 10, "{kept:?}");
        assert_eq!(journal.health().lost, 10 - kept.len() as u64);
        kept
    };
    {
        let journal = journal(folder.path());
        assert_eq!(journal.health().lost, 10 - kept.len() as u64);
        accept_many(&journal, 20..22).await;
    }
    // What came since neither hides it nor adds to it.
    {
        let journal = journal(folder.path());
        assert_eq!(journal.health().lost, 10 - kept.len() as u64);
        journal.acknowledge_loss().await.unwrap();
        assert_eq!(journal.health().lost, 0);
    }
    let journal = journal(folder.path());
    assert_eq!(journal.health().lost, 0);
    assert_eq!(there(&journal, 1..22).await, [kept, vec![20, 21]].concat());
    let numbers: Vec<u64> = numbers(folder.path());
    assert_eq!(numbers[numbers.len() - 2..], [11, 12]);
}

fn numbers(folder: &Path) -> Vec<u64> {
    let reader = database::open_reader(&folder.join("events.db")).unwrap();
    let mut query = reader.prepare("SELECT number FROM events ORDER BY number").unwrap();
    query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn a_log_that_is_cut_off_is_a_loss() {
    let folder = damaged().await;
    fs::write(folder.path().join("events.db-wal"), "").unwrap();
    let journal = journal(folder.path());
    assert_eq!(journal.health().lost, 10 - there(&journal, 1..11).await.len() as u64);
}

#[tokio::test]
async fn a_database_that_is_gone_is_a_loss() {
    let folder = tempfile::tempdir().unwrap();
    accept_many(&journal(folder.path()), 1..6).await;
    fs::remove_file(folder.path().join("events.db")).unwrap();
    assert_eq!(journal(folder.path()).health().lost, 5);
    accept_many(&journal(folder.path()), 1..2).await;
    assert_eq!(numbers(folder.path()), [6]);
}

#[tokio::test]
async fn a_mark_that_is_missing_or_torn_is_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("events.mark");
    accept_many(&journal(folder.path()), 1..6).await;
    let whole = fs::read(&mark).unwrap();
    let mut torn = whole.clone();
    torn[0] = 0xff;
    for bytes in [&whole[..], &whole[..5], &torn[..], &[]] {
        fs::write(&mark, bytes).unwrap();
        assert_eq!(journal(folder.path()).health().lost, 0);
    }
    fs::remove_file(&mark).unwrap();
    assert_eq!(journal(folder.path()).health().lost, 0);
    accept_many(&journal(folder.path()), 6..7).await;
    assert_eq!(fs::read(&mark).unwrap()[..8], 6_u64.to_le_bytes());
}

/// Numbers are given to what is kept as to what is accepted, and none to what is not written.
#[tokio::test]
async fn no_number_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    accept_many(&journal, 1..4).await;
    // These have ids that are taken.
    for second in 1..4 {
        journal.accept(to(new_event(second, "{}"), vec![delivery(second, 9, "billing")])).await.unwrap_err();
    }
    assert!(journal.keep(new_event(4, "{}")));
    wait_for(&journal, event_id(4)).await;
    accept_many(&journal, 5..7).await;
    assert_eq!(numbers(folder.path()), [1, 2, 3, 4, 5, 6]);
}

async fn limit_pages(journal: &super::Journal, pages: u32) {
    journal.run(move |connection| Ok(connection.pragma_update(None, "max_page_count", pages)?)).await.unwrap();
}

async fn block_it(journal: &Arc<super::Journal>) -> Blocked {
    let journal = Arc::clone(journal);
    block(move |work| async move { journal.run(work).await }).await
}

#[tokio::test]
async fn a_full_disk_refuses_and_is_got_over() {
    let folder = tempfile::tempdir().unwrap();
    let (_registry, embedded) = start(folder.path());
    limit_pages(&embedded, 150).await;
    let embedded = Arc::new(embedded);
    let journal: Arc<dyn Journal> = Arc::<super::Journal>::clone(&embedded);
    let mut accepted: Vec<EventId> = Vec::new();
    let mut refused = 0;
    for second in 1..200 {
        let mut new = new_event(second, "");
        new.received.body = Some(vec![b'x'; 8_000].into());
        new.made.body = new.received.body.clone();
        match journal.accept(to(new, vec![delivery(second, 0, "billing")])).await {
            Ok(_) => {
                assert_eq!(journal.health().failing, None);
                accepted.push(event_id(second));
            }
            Err(Error::Unavailable { .. }) => {
                let failing = journal.health().failing.unwrap();
                assert!(failing.contains("full"), "{failing}");
                refused += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(!accepted.is_empty() && refused > 0, "{accepted:?}");
    // What failed is not kept either, nor counted.
    assert_eq!(numbers(folder.path()), (1..=accepted.len() as u64).collect::<Vec<_>>());
    journal.probe().await.unwrap_or_else(|error| assert!(matches!(error, Error::Unavailable { .. })));
    limit_pages(&embedded, 10_000).await;
    journal.probe().await.unwrap();
    assert_eq!(journal.health().failing, None);
    accept_many(&journal, 300..301).await;
    for id in accepted {
        assert!(journal.event(&project(), id).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn too_much_that_waits_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        waiting: 4,
        waiting_bytes: 100_000,
        kept_waiting: 3,
        kept_waiting_bytes: 100_000,
        ..Limits::default()
    };
    let options = Options { journal: limits, ..Options::new(folder.path()) };
    let embedded = Arc::new(open(&options).unwrap().1);
    let journal: Arc<dyn Journal> = Arc::<super::Journal>::clone(&embedded);
    let (release, blocked) = block_it(&embedded).await;
    let mut waiting = Vec::new();
    for second in 1..=4 {
        let journal = Arc::clone(&journal);
        let accept = to(new_event(second, "{}"), vec![delivery(second, 0, "billing")]);
        waiting.push(tokio::spawn(async move { journal.accept(accept).await }));
        tokio::task::yield_now().await;
    }
    let one_more = journal.accept(to(new_event(5, "{}"), vec![delivery(5, 0, "billing")])).await;
    assert!(matches!(one_more, Err(Error::Busy)), "{one_more:?}");
    let kept: Vec<bool> = (10..15).map(|second| journal.keep(new_event(second, "{}"))).collect();
    assert_eq!(kept, [true, true, true, false, false]);
    assert_eq!(journal.health().given_up, 2);
    drop(release);
    blocked.await.unwrap().unwrap();
    for accepted in waiting {
        accepted.await.unwrap().unwrap();
    }
    wait_for(&journal, event_id(12)).await;
    // What is kept goes last.
    let order = numbers_of(folder.path(), 10..13);
    assert_eq!(order, [5, 6, 7]);

    // Bytes are a bound of their own, and are given back.
    let large = |second| {
        let mut new = new_event(second, "");
        new.received.body = Some(vec![b'x'; 60_000].into());
        new
    };
    let (release, blocked) = block_it(&embedded).await;
    let first = {
        let (journal, accept) = (Arc::clone(&journal), to(large(20), vec![delivery(20, 0, "billing")]));
        tokio::spawn(async move { journal.accept(accept).await })
    };
    tokio::task::yield_now().await;
    let second = || journal.accept(to(large(21), vec![delivery(21, 0, "billing")]));
    assert!(matches!(second().await, Err(Error::Busy)));
    assert!(journal.keep(large(22)) && !journal.keep(large(23)));
    drop(release);
    blocked.await.unwrap().unwrap();
    first.await.unwrap().unwrap();
    second().await.unwrap();
}

fn numbers_of(folder: &Path, seconds: std::ops::Range<u64>) -> Vec<u64> {
    let reader = database::open_reader(&folder.join("events.db")).unwrap();
    seconds
        .map(|second| {
            let id = event_id(second).to_bytes();
            reader.query_row("SELECT number FROM events WHERE id = ?1", [id], |row| row.get(0)).unwrap()
        })
        .collect()
}

#[tokio::test]
async fn what_the_first_schema_held_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let old = Connection::open(folder.path().join("events.db")).unwrap();
    old.pragma_update(None, "application_id", i32::from_be_bytes(*b"SHKe")).unwrap();
    old.execute_batch("CREATE TABLE migrations (number INTEGER PRIMARY KEY, applied INTEGER NOT NULL) STRICT").unwrap();
    old.execute_batch(include_str!("../schema/events-1.sql")).unwrap();
    old.execute("INSERT INTO migrations (number, applied) VALUES (1, 0)", []).unwrap();
    old.execute("INSERT INTO kv VALUES ('default', 'orders/check/deliveries', 0, 'k', x'01', NULL)", []).unwrap();
    drop(old);
    let journal = journal(folder.path());
    let value = journal.kv_get(crate::contract::journal::SCOPE, "k", after(0)).await.unwrap();
    assert_eq!(value.unwrap(), [1][..]);
    accept_many(&journal, 1..2).await;
}
