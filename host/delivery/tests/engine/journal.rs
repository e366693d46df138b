//! The real journal, watched, and disturbed if a test wants that.

use std::{
    collections::HashSet,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use model::{
    Delivery, DeliveryId, Digest, EventId, Name, Timestamp,
    delivery::{Attempt, Condition, Wanted},
};
use store::{
    Error, Journal, Result, embedded,
    journal::{
        Accept, Accepted, Again, Backlog, Claim, Claimed, EventWanted, Health, Indexed, Kept, NewEvent, Page, Prepared,
        Redriven, Reservation, Retained, Retention, Scope, Settled, Settlement, Stored, Unblocked,
    },
};
use tokio::{sync::Notify, time::Instant};

/// What is done to journals, whichever is open.
#[derive(Debug, Default)]
pub(crate) struct Disturbed {
    /// Nothing can be read or written.
    pub(crate) failing: AtomicBool,
    /// There is always something due, and nothing to be had.
    pub(crate) confused: AtomicBool,
    /// Taking deliveries takes its time.
    pub(crate) slow: AtomicBool,
    pub(crate) claims: AtomicU64,
    /// How often something was taken at this moment, while no time went by.
    moment: Mutex<Option<(Instant, u32)>>,
    /// The engine turns round and round.
    pub(crate) spinning: AtomicBool,
    pub(crate) looks: AtomicU64,
    pub(crate) forgotten: Mutex<HashSet<EventId>>,
    pub(crate) damaged: Mutex<HashSet<EventId>>,
    /// Moments at which the host could be gone the next one, and at which of them it is.
    pub(crate) moments: AtomicU64,
    pub(crate) last_moment: AtomicU64,
    pub(crate) over: Notify,
}

impl Disturbed {
    /// One of the moments. After the last one nothing is done any more.
    pub(crate) async fn moment(&self) {
        if self.moments.fetch_add(1, Relaxed) + 1 == self.last_moment.load(Relaxed) {
            self.over.notify_one();
            std::future::pending::<()>().await;
        }
    }

    fn check_progress(&self) -> Result<()> {
        let now = Instant::now();
        let mut moment = self.moment.lock().unwrap();
        let times = moment.filter(|(then, _)| *then == now).map_or(0, |(_, times)| times + 1);
        *moment = Some((now, times));
        if times > 10_000 || self.spinning.load(Relaxed) {
            self.spinning.store(true, Relaxed);
            return Err(Error::Unavailable { what: "the engine asks all the time".to_owned(), source: None });
        }
        Ok(())
    }
}

#[derive(Debug)]
pub(crate) struct Watched {
    inner: embedded::Journal,
    by: Arc<Disturbed>,
}

impl Watched {
    pub(crate) fn open(folder: &Path, by: &Arc<Disturbed>) -> Arc<Self> {
        let inner = embedded::open_inline(&embedded::Options::new(folder)).unwrap();
        Arc::new(Self { inner, by: Arc::clone(by) })
    }

    pub(crate) async fn all(&self, project: &Name) -> Vec<(Delivery, Vec<Attempt>)> {
        assert!(!self.by.spinning.load(Relaxed), "the engine asked for deliveries all the time");
        let (mut all, mut before) = (Vec::new(), None);
        loop {
            let page = self.inner.deliveries(project, &Wanted::default(), before, 1_000).await.unwrap();
            for delivery in page.entries {
                all.push(self.inner.delivery(project, delivery.id).await.unwrap().unwrap());
            }
            before = page.next;
            if before.is_none() {
                all.reverse();
                return all;
            }
        }
    }

    /// What is asked of the journal, between two moments.
    async fn asked<T>(&self, ask: impl Future<Output = Result<T>>) -> Result<T> {
        self.by.moment().await;
        self.check()?;
        let answer = ask.await;
        self.by.moment().await;
        answer
    }

    fn check(&self) -> Result<()> {
        if self.by.failing.load(Relaxed) {
            return Err(Error::Unavailable { what: "the disk is full".to_owned(), source: None });
        }
        Ok(())
    }
}

#[async_trait]
impl Journal for Watched {
    async fn accept(&self, accept: Accept) -> Result<Accepted> {
        self.by.moment().await;
        let accepted = self.inner.accept(accept).await;
        self.by.moment().await;
        accepted
    }

    async fn claim(&self, claim: Claim) -> Result<Claimed> {
        self.by.claims.fetch_add(1, Relaxed);
        self.by.check_progress()?;
        if self.by.confused.load(Relaxed) {
            return Ok(Claimed { leases: Vec::new(), next: Some(claim.now) });
        }
        let claimed = self.asked(self.inner.claim(claim)).await;
        if self.by.slow.load(Relaxed) {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        claimed
    }

    async fn conclude(&self, settlement: Settlement) -> Result<Option<Unblocked>> {
        self.asked(self.inner.conclude(settlement)).await
    }

    async fn prepare(&self, delivery: DeliveryId, fence: u64, prepared: Prepared) -> Result<()> {
        self.asked(self.inner.prepare(delivery, fence, prepared)).await
    }

    async fn prepared(&self, delivery: DeliveryId) -> Result<Option<Prepared>> {
        self.asked(self.inner.prepared(delivery)).await
    }

    async fn backlogs(&self) -> Result<Vec<Backlog>> {
        self.by.looks.fetch_add(1, Relaxed);
        self.asked(self.inner.backlogs()).await
    }

    async fn conditions(&self) -> Result<Vec<(Name, Name, Condition)>> {
        self.asked(self.inner.conditions()).await
    }

    async fn put_condition(&self, project: &Name, destination: &Name, condition: &Condition) -> Result<()> {
        self.asked(self.inner.put_condition(project, destination, condition)).await
    }

    async fn event(&self, project: &Name, event: EventId) -> Result<Option<Stored>> {
        self.check()?;
        if self.by.damaged.lock().unwrap().contains(&event) {
            return Err(Error::Corrupt { what: "a checksum is wrong".to_owned() });
        }
        if self.by.forgotten.lock().unwrap().contains(&event) {
            return Ok(None);
        }
        self.by.moment().await;
        let stored = self.inner.event(project, event).await;
        self.by.moment().await;
        stored
    }

    async fn delivery(&self, project: &Name, delivery: DeliveryId) -> Result<Option<(Delivery, Vec<Attempt>)>> {
        self.asked(self.inner.delivery(project, delivery)).await
    }

    async fn cancel(&self, project: &Name, delivery: DeliveryId, reason: &str, now: Timestamp) -> Result<bool> {
        self.inner.cancel(project, delivery, reason, now).await
    }

    fn keep(&self, event: NewEvent) -> bool {
        self.inner.keep(event)
    }

    async fn add_deliveries(&self, project: &Name, deliveries: Vec<Again>) -> Result<()> {
        self.inner.add_deliveries(project, deliveries).await
    }

    async fn kept_routes(&self) -> Result<Vec<(Name, Name)>> {
        self.inner.kept_routes().await
    }

    async fn events(&self, wanted: &EventWanted, before: Option<EventId>, at_most: u32) -> Result<Page<Kept, EventId>> {
        self.inner.events(wanted, before, at_most).await
    }

    async fn deliveries(
        &self,
        project: &Name,
        wanted: &Wanted,
        before: Option<DeliveryId>,
        at_most: u32,
    ) -> Result<Page<Delivery, DeliveryId>> {
        self.inner.deliveries(project, wanted, before, at_most).await
    }

    async fn count(&self, project: &Name, wanted: &Wanted) -> Result<u64> {
        self.inner.count(project, wanted).await
    }

    async fn redrive(
        &self,
        project: &Name,
        wanted: &Wanted,
        after: Option<DeliveryId>,
        from: Timestamp,
        pause_ms: u64,
        at_most: u32,
    ) -> Result<Redriven> {
        self.inner.redrive(project, wanted, after, from, pause_ms, at_most).await
    }

    async fn retain(&self, retention: &Retention, at_most: u32) -> Result<Retained> {
        self.inner.retain(retention, at_most).await
    }

    async fn give_back(&self, pages: u32) -> Result<u64> {
        self.inner.give_back(pages).await
    }

    async fn index(&self, routes: &[(Name, Name)], at_most: u32) -> Result<Indexed> {
        self.inner.index(routes, at_most).await
    }

    fn search_lag(&self) -> u64 {
        self.inner.search_lag()
    }

    async fn search(
        &self,
        wanted: &EventWanted,
        text: &str,
        before: Option<EventId>,
        at_most: u32,
    ) -> Result<Page<Kept, EventId>> {
        self.inner.search(wanted, text, before, at_most).await
    }

    async fn reindex(&self) -> Result<()> {
        self.inner.reindex().await
    }

    async fn configurations(&self, project: &Name) -> Result<HashSet<Digest>> {
        self.inner.configurations(project).await
    }

    async fn refers_to_module(&self, module: &Digest) -> Result<bool> {
        self.inner.refers_to_module(module).await
    }

    fn health(&self) -> Health {
        self.inner.health()
    }

    async fn probe(&self) -> Result<()> {
        self.inner.probe().await
    }

    async fn acknowledge_loss(&self) -> Result<()> {
        self.inner.acknowledge_loss().await
    }

    async fn kv_get(&self, scope: Scope<'_>, key: &str, now: Timestamp) -> Result<Option<Bytes>> {
        self.inner.kv_get(scope, key, now).await
    }

    async fn kv_set(
        &self,
        scope: Scope<'_>,
        key: &str,
        value: Bytes,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<()> {
        self.inner.kv_set(scope, key, value, expires, now).await
    }

    async fn kv_delete(&self, scope: Scope<'_>, key: &str) -> Result<()> {
        self.inner.kv_delete(scope, key).await
    }

    async fn kv_increment(
        &self,
        scope: Scope<'_>,
        key: &str,
        delta: i64,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<i64> {
        self.inner.kv_increment(scope, key, delta, expires, now).await
    }

    async fn kv_compare_and_swap(
        &self,
        scope: Scope<'_>,
        key: &str,
        expected: Option<Bytes>,
        value: Bytes,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool> {
        self.inner.kv_compare_and_swap(scope, key, expected, value, expires, now).await
    }

    async fn reserve(
        &self,
        scope: Scope<'_>,
        key: &str,
        event: EventId,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<Reservation> {
        self.inner.reserve(scope, key, event, expires, now).await
    }

    async fn settle(&self, event: EventId, settled: Settled) -> Result<()> {
        self.inner.settle(event, settled).await
    }

    async fn kv_expire(&self, now: Timestamp, at_most: u32) -> Result<u32> {
        self.inner.kv_expire(now, at_most).await
    }
}
