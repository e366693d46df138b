//! Small values that outlive a call: what filters ask of whoever keeps them, and an overlay that keeps nothing.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use model::{EventId, Name, Timestamp};

/// Whose values: private to project, route and filter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    pub project: Name,
    pub route: Name,
    pub filter: Name,
    pub namespace: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reservation {
    First,
    Pending,
    Known,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A named limit is used up; the text names it.
    #[error("{0}")]
    Limit(String),
    /// The value cannot be used this way: no number for `increment`.
    #[error("{0}")]
    Invalid(String),
    #[error("the key-value store does not answer: {0}")]
    Unavailable(String),
}

/// The real one keeps values beside the events; the overlay serves tests, dry runs and replays.
#[async_trait]
pub trait Kv: Send + Sync {
    async fn get(&self, scope: &Scope, key: &str, now: Timestamp) -> Result<Option<Bytes>, Error>;
    async fn set(
        &self,
        scope: &Scope,
        key: &str,
        value: Bytes,
        ttl: Option<Duration>,
        now: Timestamp,
    ) -> Result<(), Error>;
    async fn delete(&self, scope: &Scope, key: &str) -> Result<(), Error>;
    async fn increment(
        &self,
        scope: &Scope,
        key: &str,
        delta: i64,
        ttl: Option<Duration>,
        now: Timestamp,
    ) -> Result<i64, Error>;
    async fn compare_and_swap(
        &self,
        scope: &Scope,
        key: &str,
        expected: Option<&[u8]>,
        value: Bytes,
        ttl: Option<Duration>,
        now: Timestamp,
    ) -> Result<bool, Error>;
    /// Reserves the key for the event until whoever runs the chain settles it.
    async fn once(
        &self,
        scope: &Scope,
        key: &str,
        event: EventId,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Reservation, Error>;
}

/// Keeps values in memory for as long as it lives and touches nothing else.
#[derive(Debug, Default)]
pub struct Overlay(Mutex<Values>);

/// Values and when they expire.
type Values = HashMap<(Scope, String), (Bytes, Option<Timestamp>)>;

impl Overlay {
    /// Everything of a scope that has not expired, by its key.
    pub fn values(&self, scope: &Scope, now: Timestamp) -> BTreeMap<String, Bytes> {
        let values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = values.iter().filter(|((of, _), (_, expires))| of == scope && expires.is_none_or(|at| at > now));
        kept.map(|((_, key), (value, _))| (key.clone(), value.clone())).collect()
    }

    fn with<T>(&self, scope: &Scope, key: &str, now: Timestamp, f: impl FnOnce(&mut Slot<'_>) -> T) -> T {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (scope.clone(), key.to_owned());
        if values.get(&key).is_some_and(|(_, expires)| expires.is_some_and(|at| at <= now)) {
            values.remove(&key);
        }
        f(&mut Slot { values: &mut values, key, now })
    }
}

/// The place of one key.
struct Slot<'a> {
    values: &'a mut Values,
    key: (Scope, String),
    now: Timestamp,
}

impl Slot<'_> {
    fn get(&self) -> Option<&Bytes> {
        self.values.get(&self.key).map(|(value, _)| value)
    }

    fn set(&mut self, value: Bytes, ttl: Option<Duration>) {
        let expires = ttl.map(|ttl| self.now.after(ttl));
        self.values.insert(self.key.clone(), (value, expires));
    }
}

#[async_trait]
impl Kv for Overlay {
    async fn get(&self, scope: &Scope, key: &str, now: Timestamp) -> Result<Option<Bytes>, Error> {
        Ok(self.with(scope, key, now, |slot| slot.get().cloned()))
    }

    async fn set(
        &self,
        scope: &Scope,
        key: &str,
        value: Bytes,
        ttl: Option<Duration>,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.with(scope, key, now, |slot| slot.set(value, ttl));
        Ok(())
    }

    async fn delete(&self, scope: &Scope, key: &str) -> Result<(), Error> {
        self.with(scope, key, Timestamp::default(), |slot| slot.values.remove(&slot.key));
        Ok(())
    }

    async fn increment(
        &self,
        scope: &Scope,
        key: &str,
        delta: i64,
        ttl: Option<Duration>,
        now: Timestamp,
    ) -> Result<i64, Error> {
        self.with(scope, key, now, |slot| {
            let before = match slot.get() {
                None => 0,
                Some(value) => std::str::from_utf8(value)
                    .ok()
                    .and_then(|text| text.parse::<i64>().ok())
                    .ok_or_else(|| Error::Invalid(format!("the value of `{key}` is no number")))?,
            };
            let after = before
                .checked_add(delta)
                .ok_or_else(|| Error::Invalid(format!("the counter `{key}` would leave the range of 64 bits")))?;
            let kept = slot.values.get(&slot.key).map(|(_, expires)| *expires);
            let expires = kept.unwrap_or_else(|| ttl.map(|ttl| now.after(ttl)));
            slot.values.insert(slot.key.clone(), (Bytes::from(after.to_string()), expires));
            Ok(after)
        })
    }

    async fn compare_and_swap(
        &self,
        scope: &Scope,
        key: &str,
        expected: Option<&[u8]>,
        value: Bytes,
        ttl: Option<Duration>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        Ok(self.with(scope, key, now, |slot| {
            let same = slot.get().map(AsRef::as_ref) == expected;
            if same {
                slot.set(value, ttl);
            }
            same
        }))
    }

    async fn once(
        &self,
        scope: &Scope,
        key: &str,
        event: EventId,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Reservation, Error> {
        let holder = Bytes::from(event.to_string());
        Ok(self.with(scope, key, now, |slot| match slot.get() {
            Some(held) if *held != holder => Reservation::Known,
            _ => {
                slot.set(holder, Some(ttl));
                Reservation::First
            }
        }))
    }
}
