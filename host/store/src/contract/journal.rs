//! What filters keep: values, counters, their time and their limits.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use model::Timestamp;
use tokio::task::JoinSet;

use super::{JOURNAL_LIMITS, sample::TIME};
use crate::{Error, Journal, journal::Scope};

pub const SCOPE: Scope<'static> =
    Scope { project: "default", route: "orders", filter: "check", namespace: "deliveries" };

pub fn after(seconds: u64) -> Timestamp {
    TIME.after(Duration::from_secs(seconds))
}

async fn set(journal: &Arc<dyn Journal>, key: &str, value: &'static str, expires: Option<Timestamp>) {
    journal.kv_set(SCOPE, key, Bytes::from_static(value.as_bytes()), expires, TIME).await.unwrap();
}

pub async fn values_come_and_go(journal: Arc<dyn Journal>) {
    assert_eq!(journal.kv_get(SCOPE, "k", TIME).await.unwrap(), None);
    set(&journal, "k", "one", None).await;
    set(&journal, "K", "other", None).await;
    assert_eq!(journal.kv_get(SCOPE, "k", TIME).await.unwrap().unwrap(), "one");
    set(&journal, "k", "", None).await;
    assert_eq!(journal.kv_get(SCOPE, "k", TIME).await.unwrap().unwrap(), "");
    journal.kv_delete(SCOPE, "k").await.unwrap();
    journal.kv_delete(SCOPE, "k").await.unwrap();
    assert_eq!(journal.kv_get(SCOPE, "k", TIME).await.unwrap(), None);
    assert_eq!(journal.kv_get(SCOPE, "K", TIME).await.unwrap().unwrap(), "other");
}

pub async fn scopes_are_apart(journal: Arc<dyn Journal>) {
    set(&journal, "k", "mine", None).await;
    for other in [
        Scope { project: "team", ..SCOPE },
        Scope { route: "check", ..SCOPE },
        Scope { filter: "orders", ..SCOPE },
        Scope { namespace: "other", ..SCOPE },
    ] {
        assert_eq!(journal.kv_get(other, "k", TIME).await.unwrap(), None);
        journal.kv_set(other, "k", Bytes::from_static(b"theirs"), None, TIME).await.unwrap();
    }
    assert_eq!(journal.kv_get(SCOPE, "k", TIME).await.unwrap().unwrap(), "mine");
}

pub async fn time_passes(journal: Arc<dyn Journal>) {
    set(&journal, "k", "short", Some(after(10))).await;
    assert!(journal.kv_get(SCOPE, "k", after(9)).await.unwrap().is_some());
    assert_eq!(journal.kv_get(SCOPE, "k", after(10)).await.unwrap(), None);
    // What is over is not there for anything else either.
    let swapped =
        journal.kv_compare_and_swap(SCOPE, "k", None, Bytes::from_static(b"7"), Some(after(20)), after(10)).await;
    assert!(swapped.unwrap());
    assert_eq!(journal.kv_increment(SCOPE, "k", 1, None, after(20)).await.unwrap(), 1);
    // Set anew, it has its new time, or none.
    set(&journal, "k", "long", None).await;
    assert!(journal.kv_get(SCOPE, "k", Timestamp::from_millis(u64::MAX)).await.unwrap().is_some());
}

pub async fn counters_count(journal: Arc<dyn Journal>) {
    let add = async |key, delta, expires, now| journal.kv_increment(SCOPE, key, delta, expires, now).await;
    assert_eq!(add("n", 5, Some(after(10)), TIME).await.unwrap(), 5);
    assert_eq!(add("n", -7, Some(after(1_000)), after(5)).await.unwrap(), -2);
    assert_eq!(journal.kv_get(SCOPE, "n", after(5)).await.unwrap().unwrap(), "-2");
    // The time is that of when it was made.
    assert_eq!(add("n", 1, None, after(10)).await.unwrap(), 1);
    set(&journal, "n", "12", None).await;
    assert_eq!(add("n", 1, None, TIME).await.unwrap(), 13);
    assert_eq!(add("max", i64::MAX, None, TIME).await.unwrap(), i64::MAX);
    let refused = add("max", 1, None, TIME).await.unwrap_err();
    assert_eq!(refused.to_string(), "the counter `max` is 9223372036854775807, adding 1 leaves 64 bits");
    set(&journal, "n", "twelve", None).await;
    let refused = add("n", 1, None, TIME).await.unwrap_err();
    assert_eq!(refused.to_string(), "the value of `n` is no number, it cannot be incremented");
    assert!(matches!(refused, Error::Invalid { .. }));
}

pub async fn swaps_compare(journal: Arc<dyn Journal>) {
    let swap = async |expected: Option<&'static str>, value: &'static str| {
        let expected = expected.map(|text| Bytes::from_static(text.as_bytes()));
        journal
            .kv_compare_and_swap(SCOPE, "k", expected, Bytes::from_static(value.as_bytes()), None, TIME)
            .await
            .unwrap()
    };
    assert!(!swap(Some(""), "a").await);
    assert!(swap(None, "a").await);
    assert!(!swap(None, "b").await);
    assert!(!swap(Some("x"), "b").await);
    assert!(swap(Some("a"), "b").await);
    assert_eq!(journal.kv_get(SCOPE, "k", TIME).await.unwrap().unwrap(), "b");
}

pub async fn limits_are_named(journal: Arc<dyn Journal>) {
    let longest = "k".repeat(JOURNAL_LIMITS.key_bytes);
    set(&journal, &longest, "v", None).await;
    let refused = journal.kv_get(SCOPE, &format!("{longest}k"), TIME).await.unwrap_err();
    assert_eq!(refused.to_string(), "too many bytes in a key: at most 512");
    assert!(matches!(journal.kv_delete(SCOPE, "").await, Err(Error::Invalid { .. })));
    let large = Bytes::from(vec![0; JOURNAL_LIMITS.value_bytes + 1]);
    journal.kv_set(SCOPE, "k", large.slice(1..), None, TIME).await.unwrap();
    let refused = journal.kv_set(SCOPE, "k", large, None, TIME).await.unwrap_err();
    assert_eq!(refused.to_string(), "too many bytes in a value: at most 1024");
}

pub async fn what_is_over_makes_room(journal: Arc<dyn Journal>) {
    for number in 0..JOURNAL_LIMITS.keys {
        set(&journal, &number.to_string(), "v", Some(after(10))).await;
    }
    let one_more = async |now| journal.kv_set(SCOPE, "one more", Bytes::new(), None, now).await;
    let refused = one_more(TIME).await.unwrap_err();
    assert_eq!(refused.to_string(), "too many keys kept by filters of project `default`: at most 64");
    // The limit is of the project; what is there can still be changed, and another project has its own.
    set(&journal, "7", "changed", Some(after(10))).await;
    assert!(journal.kv_increment(SCOPE, "counter", 1, None, TIME).await.is_err());
    let other = Scope { project: "team", ..SCOPE };
    journal.kv_set(other, "k", Bytes::new(), None, TIME).await.unwrap();
    journal.kv_delete(SCOPE, "0").await.unwrap();
    one_more(TIME).await.unwrap();
    journal.kv_delete(SCOPE, "one more").await.unwrap();
    set(&journal, "0", "v", None).await;
    one_more(after(10)).await.unwrap();
    assert!(journal.kv_get(SCOPE, "0", after(10)).await.unwrap().is_some());
}

pub async fn expires_in_slices(journal: Arc<dyn Journal>) {
    let team = Scope { project: "team", ..SCOPE };
    for number in 0..10 {
        set(&journal, &number.to_string(), "v", Some(after(number))).await;
        journal.kv_set(team, &number.to_string(), Bytes::new(), Some(after(10)), TIME).await.unwrap();
    }
    set(&journal, "forever", "v", None).await;
    assert_eq!(journal.kv_expire(after(4), 3).await.unwrap(), 3);
    assert_eq!(journal.kv_expire(after(4), 3).await.unwrap(), 2);
    assert_eq!(journal.kv_expire(after(4), 3).await.unwrap(), 0);
    assert!(journal.kv_get(SCOPE, "5", after(4)).await.unwrap().is_some());
    assert_eq!(journal.kv_expire(after(10), 100).await.unwrap(), 15);
    assert!(journal.kv_get(SCOPE, "forever", after(10)).await.unwrap().is_some());
}

pub async fn concurrent_counters_lose_nothing(journal: Arc<dyn Journal>) {
    let mut adders = JoinSet::new();
    for _ in 0..16 {
        let journal = Arc::clone(&journal);
        adders.spawn(async move {
            for _ in 0..25 {
                journal.kv_increment(SCOPE, "n", 1, None, TIME).await.unwrap();
            }
        });
    }
    adders.join_all().await;
    assert_eq!(journal.kv_get(SCOPE, "n", TIME).await.unwrap().unwrap(), "400");
}

pub async fn one_of_many_swaps_wins(journal: Arc<dyn Journal>) {
    for round in 0..10 {
        let mut swappers = JoinSet::new();
        for number in 0..16 {
            let journal = Arc::clone(&journal);
            let value = Bytes::from(number.to_string());
            swappers.spawn(async move {
                journal.kv_compare_and_swap(SCOPE, &format!("k{round}"), None, value, None, TIME).await.unwrap()
            });
        }
        assert_eq!(swappers.join_all().await.into_iter().filter(|won| *won).count(), 1);
    }
}
