//! The journal: the store of events, deliveries and attempts, and of what filters keep beside them, so that what an event
//! reserved becomes durable in the same transaction as the event.

mod events;

use std::collections::HashSet;

use async_trait::async_trait;
use bytes::Bytes;
use model::{
    Delivery, DeliveryId, Digest, EventId, Name, Timestamp,
    delivery::{Attempt, Condition, Wanted},
};

pub use events::{
    Accept, Accepted, Again, Backlog, Claim, Claimed, EventWanted, Health, Idempotency, Indexed, Kept, Lease,
    NewDelivery, NewEvent, Next, Page, Prepared, Redriven, Retained, Retention, Settlement, Stored, Unblocked,
};

use crate::Result;

/// Time is an argument: what has outlived its time at `now` is not there.
#[async_trait]
pub trait Journal: std::fmt::Debug + Send + Sync {
    /// Writes an event, its deliveries, its idempotency key and what its filters reserved (as `settle` with
    /// `Settled::Commit`), all or nothing. Durable when it returns.
    ///
    /// If the key is known within its window, nothing is written and `Accepted::Duplicate` names the event that had it
    /// first; the caller releases what was reserved. Never waits for a place: `Error::Busy` if too much waits to be
    /// written.
    async fn accept(&self, accept: Accept) -> Result<Accepted>;

    /// Writes an event that goes nowhere, some time later and only if there is a place: nobody is made to wait, and what
    /// is accepted goes first. False if it was given up.
    fn keep(&self, event: NewEvent) -> bool;

    /// More deliveries of events that are kept, for replays; all or none. `Error::NotFound` if one of them is not.
    async fn add_deliveries(&self, project: &Name, deliveries: Vec<Again>) -> Result<()>;

    /// Takes deliveries that are due at one destination, those that are due longest first, and leases each of them: until
    /// then nobody else gets it. The lease has a fencing number; whoever has an older one is refused.
    ///
    /// Of a lane only the first delivery that is not decided can be due.
    async fn claim(&self, claim: Claim) -> Result<Claimed>;

    /// Writes down what became of an attempt, and when and where the next one is due. `Error::Late` if the lease is over
    /// and another has it, or if it was decided meanwhile: nothing is written.
    async fn conclude(&self, settlement: Settlement) -> Result<Option<Unblocked>>;

    /// Keeps what a destination's filters made of an event, once, before it is sent first. `Error::Late` as above.
    async fn prepare(&self, delivery: DeliveryId, fence: u64, prepared: Prepared) -> Result<()>;

    /// What was kept by `prepare`.
    async fn prepared(&self, delivery: DeliveryId) -> Result<Option<Prepared>>;

    /// Every destination for which a delivery waits, and when the first of them is due; costs as much as there are
    /// destinations, not deliveries.
    async fn backlogs(&self) -> Result<Vec<Backlog>>;

    /// How destinations are, of those that are not as they are at first.
    async fn conditions(&self) -> Result<Vec<(Name, Name, Condition)>>;

    async fn put_condition(&self, project: &Name, destination: &Name, condition: &Condition) -> Result<()>;

    /// An event with its bytes. Checked against its checksum: `Error::Corrupt` if it was damaged.
    async fn event(&self, project: &Name, event: EventId) -> Result<Option<Stored>>;

    /// Newest first. Looks at a bounded number of events: a page may be short, even empty, and still have a `next`.
    async fn events(&self, wanted: &EventWanted, before: Option<EventId>, at_most: u32) -> Result<Page<Kept, EventId>>;

    async fn delivery(&self, project: &Name, delivery: DeliveryId) -> Result<Option<(Delivery, Vec<Attempt>)>>;

    /// Newest first; as `events`.
    async fn deliveries(
        &self,
        project: &Name,
        wanted: &Wanted,
        before: Option<DeliveryId>,
        at_most: u32,
    ) -> Result<Page<Delivery, DeliveryId>>;

    /// How many deliveries `wanted` takes.
    async fn count(&self, project: &Name, wanted: &Wanted) -> Result<u64>;

    /// Sends at most so many dead, cancelled or delivered deliveries again, oldest first: with their attempts counted from
    /// 0, the first at `from` and each `pause_ms` after the one before. Which `wanted` takes; waiting ones become due at once.
    /// Those whose event, or its bodies, are not kept any more are left as they are.
    async fn redrive(
        &self,
        project: &Name,
        wanted: &Wanted,
        after: Option<DeliveryId>,
        from: Timestamp,
        pause_ms: u64,
        at_most: u32,
    ) -> Result<Redriven>;

    /// Gives up a delivery that waits, or a dead one that holds its lane; one that is being made may still arrive. False if
    /// it was decided already, `Error::NotFound` if it is not there.
    async fn cancel(&self, project: &Name, delivery: DeliveryId, reason: &str, now: Timestamp) -> Result<bool>;

    /// Removes at most so many events, or bodies of events, that a route need not keep any longer, with all that belongs to
    /// them, the oldest first. Those stay that have a delivery that waits, or one that others of its lane wait for. Fewer
    /// than asked for, both together: there are no more.
    async fn retain(&self, retention: &Retention, at_most: u32) -> Result<Retained>;

    /// Every route that keeps something, with its project; also those that are no longer configured.
    async fn kept_routes(&self) -> Result<Vec<(Name, Name)>>;

    /// Gives at most so many pages of free space back to the disk; how many there still are.
    async fn give_back(&self, pages: u32) -> Result<u64>;

    /// A slice of the work of making events searchable: those of these routes (with their projects) and no others, which
    /// was opted in since is filled with its older events too, newest first. What of it is removed is gone from the search
    /// at the next slice, its words some slices later.
    ///
    /// Called again and again by one task, at once while it has something to do, else after a pause. Accepting does not wait
    /// for it.
    async fn index(&self, routes: &[(Name, Name)], at_most: u32) -> Result<Indexed>;

    /// `Indexed::lag` of the last slice; 0 before the first.
    fn search_lag(&self) -> u64;

    /// As `events`, of those that are indexed and have each word of `text` in their path, their labels or their body as it
    /// was received: the beginning of it, if it is UTF-8. Words are letters and digits, whatever is around them, whole, in
    /// capitals or not; what stands between blanks is found where its words follow each other. No text is an error: without
    /// a word nothing is found, and only the first 512 bytes count.
    ///
    /// `Page::next` is where the rest begins, but not always an event.
    async fn search(
        &self,
        wanted: &EventWanted,
        text: &str,
        before: Option<EventId>,
        at_most: u32,
    ) -> Result<Page<Kept, EventId>>;

    /// Forgets all that is indexed, so that it is filled again.
    async fn reindex(&self) -> Result<()>;

    /// The configurations that filters had for events of the project that are kept.
    async fn configurations(&self, project: &Name) -> Result<HashSet<Digest>>;

    /// Whether a kept event ran on this module.
    async fn refers_to_module(&self, module: &Digest) -> Result<bool>;

    fn health(&self) -> Health;

    /// Writes something small, to see whether writing works again.
    async fn probe(&self) -> Result<()>;

    /// Takes note that acknowledged events were lost: see `Health::lost`.
    async fn acknowledge_loss(&self) -> Result<()>;

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

    /// Removes at most so many keys whose time is over, those of `Idempotency` too; how many it removed. Fewer than asked
    /// for means that no more are left.
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

/// Entries on one page, whatever was asked for.
pub const PAGE_MOST: u32 = 1_000;

/// How much may be kept, and how much may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Keys of one project that its filters keep, reserved ones included.
    pub keys: u64,
    pub key_bytes: usize,
    pub value_bytes: usize,
    /// Operations that wait to be written. An event that comes then is refused, everything else waits for a place.
    pub waiting: usize,
    /// Bytes of the events among them; one alone may be larger.
    pub waiting_bytes: usize,
    /// Events that go nowhere and wait to be written, and their bytes. One that comes then is given up.
    pub kept_waiting: usize,
    pub kept_waiting_bytes: usize,
    /// Bytes of the bodies of one project that came unauthenticated and went nowhere. The oldest go first.
    pub unauthenticated_bytes: u64,
    /// Attempts of one delivery; the newest stay.
    pub attempts: u32,
    /// Events or deliveries that are looked at for one page.
    pub looked_at: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            keys: 100_000,
            key_bytes: 512,
            value_bytes: 64 << 10,
            waiting: 4_096,
            waiting_bytes: 64 << 20,
            kept_waiting: 1_024,
            kept_waiting_bytes: 16 << 20,
            unauthenticated_bytes: 16 << 20,
            attempts: 200,
            looked_at: 2_000,
        }
    }
}
