//! The journal: the store of events. For now it holds what filters keep beside them, so that what an event reserved
//! becomes durable in the same transaction as the event.

use async_trait::async_trait;
use bytes::Bytes;
use model::{EventId, Timestamp};

use crate::Result;

/// Time is an argument: what has outlived its time at `now` is not there.
#[async_trait]
pub trait Journal: std::fmt::Debug + Send + Sync {
    async fn kv_get(&self, scope: Scope<'_>, key: &str, now: Timestamp) -> Result<Option<Bytes>>;

    /// Durable when it returns, like all that writes. Without `expires` the value stays until it is deleted.
    async fn kv_set(
        &self,
        scope: Scope<'_>,
        key: &str,
        value: Bytes,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<()>;

    async fn kv_delete(&self, scope: Scope<'_>, key: &str) -> Result<()>;

    /// Adds to a counter, 0 if it is not there, and returns what it is now. `expires` counts only if this makes it.
    /// `Error::Invalid` if the value is no number or would leave 64 bits.
    async fn kv_increment(
        &self,
        scope: Scope<'_>,
        key: &str,
        delta: i64,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<i64>;

    /// Sets the value if it is `expected` (none: not there); whether it did.
    async fn kv_compare_and_swap(
        &self,
        scope: Scope<'_>,
        key: &str,
        expected: Option<Bytes>,
        value: Bytes,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool>;

    /// Reserves a key for an event, which `settle` then decides; a crash releases it. Of any number of events exactly
    /// one is first, until it is released or the key's time is over. The same event is first again and again. Reserved
    /// keys and those of the other functions do not meet.
    async fn reserve(
        &self,
        scope: Scope<'_>,
        key: &str,
        event: EventId,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<Reservation>;

    /// Decides all that the event has reserved, in one transaction; costs nothing if that is nothing. If it fails, the
    /// keys are still reserved and it may be called again. A caller that does not wait for the end may leave them so
    /// until their time is over.
    async fn settle(&self, event: EventId, settled: Settled) -> Result<()>;

    /// Removes at most so many keys whose time is over; how many it removed. Fewer than asked for means that no more
    /// are left.
    async fn kv_expire(&self, now: Timestamp, at_most: u32) -> Result<u32>;
}

/// Whose keys: each namespace is private to project, route and filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scope<'a> {
    pub project: &'a str,
    pub route: &'a str,
    pub filter: &'a str,
    pub namespace: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reservation {
    /// The key was free and is now reserved for the event.
    First,
    /// Another event holds it and is not decided yet.
    Pending,
    /// An event that had it was accepted, and its time is not over.
    Known,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// The event was accepted: its keys are known from now on, until their time is over.
    Commit,
    /// It was not: its keys are free again.
    Release,
}

/// How much filters may keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Keys of one project, reserved ones included.
    pub keys: u64,
    pub key_bytes: usize,
    pub value_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { keys: 100_000, key_bytes: 512, value_bytes: 64 << 10 }
    }
}
