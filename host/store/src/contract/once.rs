//! Keys that an event reserves and that its end decides.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use bytes::Bytes;
use model::{EventId, Timestamp};
use tokio::task::JoinSet;

use super::{
    JOURNAL_LIMITS,
    journal::{SCOPE, after},
    sample::TIME,
};
use crate::{
    Error, Journal,
    journal::{Reservation, Scope, Settled},
};

fn event(number: u128) -> EventId {
    EventId::new(TIME, number)
}

/// For a hundred seconds from `TIME`.
async fn reserve(journal: &Arc<dyn Journal>, key: &str, number: u128) -> Reservation {
    journal.reserve(SCOPE, key, event(number), after(100), TIME).await.unwrap()
}

async fn settle(journal: &Arc<dyn Journal>, number: u128, settled: Settled) {
    journal.settle(event(number), settled).await.unwrap();
}

pub async fn the_first_is_first(journal: Arc<dyn Journal>) {
    assert_eq!(reserve(&journal, "k", 1).await, Reservation::First);
    assert_eq!(reserve(&journal, "k", 2).await, Reservation::Pending);
    assert_eq!(reserve(&journal, "k", 1).await, Reservation::First);
    assert_eq!(reserve(&journal, "other", 2).await, Reservation::First);
    let elsewhere = Scope { filter: "another", ..SCOPE };
    let there = journal.reserve(elsewhere, "k", event(3), after(100), TIME).await.unwrap();
    assert_eq!(there, Reservation::First);
}

pub async fn a_release_frees(journal: Arc<dyn Journal>) {
    reserve(&journal, "k", 1).await;
    settle(&journal, 1, Settled::Release).await;
    assert_eq!(reserve(&journal, "k", 2).await, Reservation::First);
    assert_eq!(reserve(&journal, "k", 1).await, Reservation::Pending);
}

pub async fn a_commit_is_known_until_its_time_is_over(journal: Arc<dyn Journal>) {
    reserve(&journal, "k", 1).await;
    settle(&journal, 1, Settled::Commit).await;
    assert_eq!(reserve(&journal, "k", 2).await, Reservation::Known);
    assert_eq!(reserve(&journal, "k", 1).await, Reservation::Known);
    // Being told so reserves nothing: settling changes nothing.
    settle(&journal, 2, Settled::Release).await;
    assert_eq!(journal.reserve(SCOPE, "k", event(3), after(200), after(99)).await.unwrap(), Reservation::Known);
    assert_eq!(journal.reserve(SCOPE, "k", event(3), after(200), after(100)).await.unwrap(), Reservation::First);
    settle(&journal, 3, Settled::Commit).await;
    assert_eq!(journal.reserve(SCOPE, "k", event(4), after(200), after(199)).await.unwrap(), Reservation::Known);
    assert_eq!(journal.kv_expire(after(200), 10).await.unwrap(), 1);
}

pub async fn events_settle_apart(journal: Arc<dyn Journal>) {
    for (key, number) in [("a", 1), ("b", 1), ("c", 2), ("d", 2)] {
        assert_eq!(reserve(&journal, key, number).await, Reservation::First);
    }
    settle(&journal, 1, Settled::Commit).await;
    for (key, now) in [("a", Reservation::Known), ("b", Reservation::Known), ("c", Reservation::Pending)] {
        assert_eq!(reserve(&journal, key, 3).await, now);
    }
    settle(&journal, 2, Settled::Release).await;
    assert_eq!(reserve(&journal, "d", 3).await, Reservation::First);
    // An event that holds nothing settles too.
    settle(&journal, 4, Settled::Commit).await;
}

pub async fn keys_are_not_values(journal: Arc<dyn Journal>) {
    journal.kv_set(SCOPE, "k", Bytes::from_static(b"value"), None, TIME).await.unwrap();
    assert_eq!(reserve(&journal, "k", 1).await, Reservation::First);
    settle(&journal, 1, Settled::Commit).await;
    assert_eq!(journal.kv_get(SCOPE, "k", TIME).await.unwrap().unwrap(), "value");
    journal.kv_delete(SCOPE, "k").await.unwrap();
    assert_eq!(reserve(&journal, "k", 2).await, Reservation::Known);
}

pub async fn an_event_that_nobody_settles_holds_for_its_time(journal: Arc<dyn Journal>) {
    reserve(&journal, "k", 1).await;
    assert_eq!(journal.reserve(SCOPE, "k", event(2), after(300), after(99)).await.unwrap(), Reservation::Pending);
    assert_eq!(journal.reserve(SCOPE, "k", event(2), after(300), after(100)).await.unwrap(), Reservation::First);
    // The key is the other's now, whatever becomes of the first.
    settle(&journal, 1, Settled::Release).await;
    assert_eq!(journal.reserve(SCOPE, "k", event(3), after(300), after(100)).await.unwrap(), Reservation::Pending);
    journal.kv_expire(after(300), 10).await.unwrap();
    assert_eq!(journal.reserve(SCOPE, "k", event(3), after(400), after(299)).await.unwrap(), Reservation::First);
}

pub async fn reserved_keys_count(journal: Arc<dyn Journal>) {
    let most = u128::from(JOURNAL_LIMITS.keys);
    for number in 0..most {
        assert_eq!(reserve(&journal, &number.to_string(), number).await, Reservation::First);
    }
    let one_more = async |now| journal.reserve(SCOPE, "one more", event(most), after(200), now).await;
    assert!(matches!(one_more(TIME).await, Err(Error::Limit { most: 64, .. })));
    settle(&journal, 0, Settled::Commit).await;
    assert!(matches!(one_more(TIME).await, Err(Error::Limit { .. })));
    settle(&journal, 1, Settled::Release).await;
    assert_eq!(one_more(TIME).await.unwrap(), Reservation::First);
    // The limit did not leave anything reserved, and what is over makes room.
    settle(&journal, most, Settled::Release).await;
    for number in 2..most {
        settle(&journal, number, Settled::Commit).await;
    }
    assert_eq!(reserve(&journal, "last", 1).await, Reservation::First);
    assert!(matches!(one_more(TIME).await, Err(Error::Limit { .. })));
    assert_eq!(one_more(after(100)).await.unwrap(), Reservation::First);
}

/// Sixteen threads, each with events that want the same keys. Of each key's events one at a time is first, until one of
/// them is accepted; after that all others know it.
pub async fn exactly_one_is_first(journal: Arc<dyn Journal>) {
    const KEYS: u32 = 40;
    let firsts: Arc<Vec<AtomicU32>> = Arc::new((0..KEYS).map(|_| AtomicU32::new(0)).collect());
    let commits: Arc<Vec<AtomicU32>> = Arc::new((0..KEYS).map(|_| AtomicU32::new(0)).collect());
    let runtime = tokio::runtime::Handle::current();
    let threads: Vec<_> = (0..16_u32)
        .map(|thread| {
            let (journal, firsts, commits) = (Arc::clone(&journal), Arc::clone(&firsts), Arc::clone(&commits));
            let runtime = runtime.clone();
            std::thread::spawn(move || {
                for key in 0..KEYS {
                    runtime.block_on(contend(&journal, thread, key, &firsts[key as usize], &commits[key as usize]));
                }
            })
        })
        .collect();
    tokio::task::spawn_blocking(move || threads.into_iter().for_each(|thread| thread.join().unwrap())).await.unwrap();
    assert!(commits.iter().all(|commits| commits.load(Ordering::SeqCst) == 1));
    let mut late = JoinSet::new();
    for key in 0..KEYS {
        let journal = Arc::clone(&journal);
        late.spawn(async move { reserve(&journal, &key.to_string(), u128::MAX).await });
    }
    assert!(late.join_all().await.into_iter().all(|reservation| reservation == Reservation::Known));
}

/// Tries with one event after another until the key is known, and then that it stays so.
async fn contend(journal: &Arc<dyn Journal>, thread: u32, key: u32, firsts: &AtomicU32, commits: &AtomicU32) {
    let name = key.to_string();
    for attempt in 0.. {
        let event = EventId::new(Timestamp::from_millis(u64::from(key)), u128::from(thread << 16 | attempt));
        match journal.reserve(SCOPE, &name, event, after(100), TIME).await.unwrap() {
            Reservation::Known => break,
            Reservation::Pending => {}
            Reservation::First => {
                assert_eq!(firsts.fetch_add(1, Ordering::SeqCst), 0, "two events are first for key {key}");
                assert_eq!(commits.load(Ordering::SeqCst), 0, "first after another one was accepted");
                let accepted = (thread + attempt).is_multiple_of(3);
                if accepted {
                    commits.fetch_add(1, Ordering::SeqCst);
                }
                firsts.fetch_sub(1, Ordering::SeqCst);
                journal.settle(event, if accepted { Settled::Commit } else { Settled::Release }).await.unwrap();
            }
        }
        tokio::task::yield_now().await;
    }
    let again = journal.reserve(SCOPE, &name, EventId::new(TIME, u128::from(thread)), after(100), TIME).await;
    assert_eq!(again.unwrap(), Reservation::Known);
}
