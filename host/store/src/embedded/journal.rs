//! The journal on SQLite. What reads a few rows runs where it is asked for: a few microseconds on pages that are in memory.
//! What looks at many runs on a thread that may block.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use model::{
    Delivery, DeliveryId, Digest, EventId, Name, Timestamp,
    delivery::{Attempt, Condition, Wanted},
};
use rusqlite::Connection;

use super::{
    accept::{self, Of, Ready},
    claim::{self, Making},
    condition::{self, Watch},
    database::Database,
    deliveries, events, failure,
    folder::Folder,
    indexing,
    kv::{self, Key},
    mark::Mark,
    readers::Readers,
    redrive::redrive,
    reservations::{Reservations, Taken},
    retention,
    search::{self, Search},
    searching,
    waiting::Room,
    walk::Bounds,
    writer::{Ended, Writer},
};
use crate::{
    Error, Result,
    journal::{
        Accept, Accepted, Again, Backlog, Claim, Claimed, EventWanted, Health, Indexed, Kept, Limits, NewEvent,
        PAGE_MOST, Page, Prepared, Redriven, Reservation, Retained, Retention, Scope, Settled, Settlement, Stored,
        Unblocked,
    },
    observe,
};

/// `events.db`, and `search.db` beside it. Dropped in this order: who reads, who writes, the hold on the folder.
#[derive(Debug)]
pub struct Journal {
    readers: Arc<Readers>,
    writer: Writer,
    search: Arc<Search>,
    reservations: Arc<Reservations>,
    mark: Arc<Mark>,
    watch: Arc<Watch>,
    /// Of accepted events that wait to be written, and of kept ones.
    rooms: [Arc<Room>; 2],
    limits: Limits,
    /// Whether all of it happens on the caller's thread.
    inline: bool,
    _folder: Arc<Folder>,
}

impl Journal {
    pub(super) fn open(
        events: Database,
        search: Search,
        limits: Limits,
        folder: Arc<Folder>,
        inline: bool,
    ) -> Result<Self> {
        let (mark, number) = Mark::open(&events.path.with_extension("mark"))?;
        let lost = condition::recover(&events.connection, number)?;
        if lost > 0 {
            observe::events_lost(&events.path, lost);
        }
        let (mark, watch) = (Arc::new(mark), Arc::new(Watch::new(lost)));
        let ended: Ended = {
            let (mark, watch) = (Arc::clone(&mark), Arc::clone(&watch));
            Box::new(move |lost| {
                if lost.is_none() {
                    mark.write()
                } else {
                    mark.forget()
                }
                watch.group(lost);
            })
        };
        let readers = Arc::new(Readers::new(events.path));
        let writer = if inline {
            Writer::inline(events.connection, ended)
        } else {
            Writer::start("store-events", events.connection, limits.waiting, ended)?
        };
        let rooms = [Room::new(limits.waiting_bytes), Room::new(limits.kept_waiting_bytes)];
        if let Err(error) = indexing::fit(&readers, &search) {
            observe::search_unfit(&error);
        }
        let (search, reservations) = (Arc::new(search), Arc::default());
        Ok(Self { readers, writer, search, reservations, mark, watch, rooms, limits, inline, _folder: folder })
    }

    /// On a thread that may block.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> failure::Result<T> + Send + 'static,
    ) -> Result<T> {
        let readers = Arc::clone(&self.readers);
        self.aside(move || readers.with(read)).await
    }

    /// On a thread that may block.
    async fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        if self.inline {
            return work();
        }
        let working = tokio::task::spawn_blocking(work);
        working.await.map_err(|error| Error::failed("reading the journal was broken off", error))?
    }

    /// The words of events that are gone. If that fails they are found later.
    async fn forget_words(&self, numbers: Vec<i64>) {
        let search = Arc::clone(&self.search);
        let forget = move || search.write(|search, _| search::remove_events(search, &numbers));
        if let Err(error) = self.aside(forget).await {
            observe::search_not_removed(&error);
        }
    }

    /// In the place of an operation.
    #[cfg(test)]
    pub(super) async fn run(
        &self,
        work: impl FnOnce(&Connection) -> failure::Result<()> + Send + 'static,
    ) -> Result<()> {
        self.writer.run(work).await
    }

    fn bounds(&self, at_most: u32) -> Bounds {
        Bounds { at_most: at_most.min(PAGE_MOST), look: self.limits.looked_at }
    }

    /// Whether the event that took the key just now is first. On disk there may be what an earlier one left.
    async fn first(&self, key: &Arc<Key>, held: u64, now: Timestamp) -> Result<Reservation> {
        let (known, keys) = self.readers.with(|connection| kv::known(connection, key, now))?;
        if known {
            return Ok(Reservation::Known);
        }
        if keys.saturating_add(held) > self.limits.keys {
            let (limits, key) = (self.limits, Arc::clone(key));
            // This key is itself one of the held ones.
            let others = held.saturating_sub(1);
            self.writer.run(move |connection| kv::make_room(connection, &limits, &key.project, others, now)).await?;
        }
        Ok(Reservation::First)
    }
}

#[async_trait]
impl crate::Journal for Journal {
    async fn accept(&self, accept: Accept) -> Result<Accepted> {
        let Accept { event, deliveries, idempotency, reserved } = accept;
        if deliveries.is_empty() {
            let problem = format!("event {} has no deliveries: accept it with at least one", event.received.id);
            return Err(Error::Invalid { problem });
        }
        let ready = Ready::new(event);
        let place = self.rooms[0].take(ready.memory()).ok_or(Error::Busy)?;
        let id = ready.id;
        let keys = if reserved { self.reservations.of(id) } else { Vec::new() };
        let (mark, reservations) = (Arc::clone(&self.mark), Arc::clone(&self.reservations));
        let work = move |connection: &Connection| {
            if let Some(by) = &idempotency
                && let Some(first) = accept::first_with(connection, &ready, by)?
            {
                return Ok(Accepted::Duplicate(first));
            }
            accept::check(connection, &ready, &deliveries)?;
            if let Some(by) = &idempotency {
                accept::remember(connection, &ready, by)?;
            }
            let number = accept::insert(connection, &ready, None)?;
            let of = Of { event: id, project: &ready.project, route: &ready.route };
            accept::insert_deliveries(connection, of, &deliveries)?;
            kv::commit(connection, id, &keys)?;
            mark.note(number);
            Ok(Accepted::New)
        };
        let done = move |result: &Result<Accepted>| {
            if reserved && matches!(result, Ok(Accepted::New)) {
                reservations.release(id);
            }
        };
        self.writer.run_at_once(place, work, done).await
    }

    fn keep(&self, event: NewEvent) -> bool {
        let quota = (!event.authenticated).then_some(self.limits.unauthenticated_bytes);
        let ready = Ready::new(event);
        let place = self.rooms[1].take(ready.memory());
        let (id, mark, watch) = (ready.id, Arc::clone(&self.mark), Arc::clone(&self.watch));
        let work = move |connection: &Connection| {
            accept::check(connection, &ready, &[])?;
            mark.note(accept::insert(connection, &ready, quota)?);
            Ok(())
        };
        let done = move |result: &Result<()>| {
            if let Err(error) = result {
                watch.given_up();
                observe::not_kept(id, error);
            }
        };
        let kept = place.is_some_and(|place| self.writer.run_last((place, self.limits.kept_waiting), work, done));
        if !kept {
            self.watch.given_up();
        }
        kept
    }

    async fn add_deliveries(&self, project: &Name, deliveries: Vec<Again>) -> Result<()> {
        let project = project.clone();
        let ready = deliveries.into_iter().map(|Again { event, delivery, prepared }| {
            let making = prepared.map(|prepared| Making::new(delivery.id, prepared));
            (event, delivery, making)
        });
        let ready: Vec<_> = ready.collect();
        let work = move |connection: &Connection| {
            for (event, delivery, making) in &ready {
                let route = accept::route(connection, project.as_str(), *event)?;
                let of = Of { event: *event, project: project.as_str(), route: &route };
                accept::insert_deliveries(connection, of, std::slice::from_ref(delivery))?;
                if let Some(making) = making {
                    claim::insert_prepared(connection, connection.last_insert_rowid(), (of.project, of.route), making)?;
                }
            }
            Ok(())
        };
        self.writer.run(work).await
    }

    async fn claim(&self, claim: Claim) -> Result<Claimed> {
        self.writer.run_checked(move |connection| claim::claim(connection, &claim)).await
    }

    async fn conclude(&self, settlement: Settlement) -> Result<Option<Unblocked>> {
        let attempt = settlement.attempt.as_ref();
        let attempt = attempt.map(|attempt| serde_json::to_string(attempt).expect("an attempt is JSON"));
        let most = self.limits.attempts;
        self.writer
            .run_checked(move |connection| claim::conclude(connection, &settlement, attempt.as_deref(), most))
            .await
    }

    async fn prepare(&self, delivery: DeliveryId, fence: u64, prepared: Prepared) -> Result<()> {
        let making = Making::new(delivery, prepared);
        self.writer.run_checked(move |connection| claim::keep_prepared(connection, delivery, fence, &making)).await
    }

    async fn prepared(&self, delivery: DeliveryId) -> Result<Option<Prepared>> {
        self.readers.with(|connection| events::prepared(connection, delivery))
    }

    async fn backlogs(&self) -> Result<Vec<Backlog>> {
        self.readers.with(claim::backlogs)
    }

    async fn conditions(&self) -> Result<Vec<(Name, Name, Condition)>> {
        self.readers.with(condition::all)
    }

    async fn put_condition(&self, project: &Name, destination: &Name, condition: &Condition) -> Result<()> {
        let (project, destination) = (project.clone(), destination.clone());
        let json = (*condition != Condition::default())
            .then(|| serde_json::to_string(condition).expect("a condition is JSON"));
        self.writer.run(move |connection| condition::put(connection, &project, &destination, json.as_deref())).await
    }

    async fn event(&self, project: &Name, event: EventId) -> Result<Option<Stored>> {
        self.readers.with(|connection| events::one(connection, project, event))
    }

    async fn events(&self, wanted: &EventWanted, before: Option<EventId>, at_most: u32) -> Result<Page<Kept, EventId>> {
        let (wanted, bounds) = (wanted.clone(), self.bounds(at_most));
        self.read(move |connection| events::page(connection, &wanted, before, bounds)).await
    }

    async fn delivery(&self, project: &Name, delivery: DeliveryId) -> Result<Option<(Delivery, Vec<Attempt>)>> {
        self.readers.with(|connection| {
            let found = deliveries::one(connection, delivery)?.filter(|found| found.delivery.project == *project);
            let Some(found) = found else { return Ok(None) };
            Ok(Some((found.delivery, deliveries::attempts(connection, found.number)?)))
        })
    }

    async fn deliveries(
        &self,
        project: &Name,
        wanted: &Wanted,
        before: Option<DeliveryId>,
        at_most: u32,
    ) -> Result<Page<Delivery, DeliveryId>> {
        let (project, wanted, bounds) = (project.clone(), wanted.clone(), self.bounds(at_most));
        self.read(move |connection| deliveries::page(connection, &project, &wanted, before, bounds)).await
    }

    async fn count(&self, project: &Name, wanted: &Wanted) -> Result<u64> {
        let (project, wanted) = (project.clone(), wanted.clone());
        self.read(move |connection| deliveries::count(connection, &project, &wanted)).await
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
        let (project, wanted, bounds) = (project.clone(), wanted.clone(), self.bounds(at_most));
        let work =
            move |connection: &Connection| redrive(connection, &project, &wanted, after, (from, pause_ms), bounds);
        self.writer.run(work).await
    }

    async fn cancel(&self, project: &Name, delivery: DeliveryId, reason: &str, now: Timestamp) -> Result<bool> {
        let (project, reason) = (project.clone(), reason.to_owned());
        self.writer.run(move |connection| claim::cancel(connection, &project, delivery, &reason, now)).await
    }

    async fn retain(&self, retention: &Retention, at_most: u32) -> Result<Retained> {
        let retention = retention.clone();
        let going = self.read(move |connection| retention::find(connection, &retention, at_most)).await?;
        let mut retained = Retained::default();
        for step in going.chunks(retention::STEP) {
            let step = step.to_vec();
            let (removed, gone) = self.writer.run(move |connection| retention::remove(connection, &step)).await?;
            retained.events += removed.events;
            retained.bodies += removed.bodies;
            self.forget_words(gone).await;
        }
        Ok(retained)
    }

    async fn kept_routes(&self) -> Result<Vec<(Name, Name)>> {
        self.readers.with(retention::routes)
    }

    async fn give_back(&self, pages: u32) -> Result<u64> {
        self.writer.run(move |connection| retention::give_back(connection, pages)).await
    }

    async fn index(&self, routes: &[(Name, Name)], at_most: u32) -> Result<Indexed> {
        let (readers, search, routes) = (Arc::clone(&self.readers), Arc::clone(&self.search), routes.to_vec());
        self.aside(move || indexing::index(&readers, &search, &routes, at_most)).await
    }

    fn search_lag(&self) -> u64 {
        self.search.lag()
    }

    async fn search(
        &self,
        wanted: &EventWanted,
        text: &str,
        before: Option<EventId>,
        at_most: u32,
    ) -> Result<Page<Kept, EventId>> {
        let (readers, search) = (Arc::clone(&self.readers), Arc::clone(&self.search));
        let (wanted, text, bounds) = (wanted.clone(), text.to_owned(), self.bounds(at_most));
        self.aside(move || searching::page(&readers, &search, (&wanted, &text), before, bounds)).await
    }

    async fn reindex(&self) -> Result<()> {
        let search = Arc::clone(&self.search);
        self.aside(move || {
            let _alone = search.alone();
            search.forget()
        })
        .await
    }

    async fn configurations(&self, project: &Name) -> Result<HashSet<Digest>> {
        let project = project.clone();
        self.read(move |connection| events::configurations(connection, &project)).await
    }

    async fn refers_to_module(&self, module: &Digest) -> Result<bool> {
        let module = *module;
        self.read(move |connection| events::refers_to_module(connection, &module)).await
    }

    fn health(&self) -> Health {
        self.watch.health()
    }

    async fn probe(&self) -> Result<()> {
        self.writer.run(condition::probe).await
    }

    async fn acknowledge_loss(&self) -> Result<()> {
        let watch = Arc::clone(&self.watch);
        let done = move |result: &Result<()>| {
            if result.is_ok() {
                watch.set_lost(0);
            }
        };
        self.writer.run_then(condition::acknowledge_loss, done).await
    }

    async fn kv_get(&self, scope: Scope<'_>, key: &str, now: Timestamp) -> Result<Option<Bytes>> {
        let key = Key::new(&self.limits, scope, key)?;
        self.readers.with(|connection| kv::get(connection, &key, now))
    }

    async fn kv_set(
        &self,
        scope: Scope<'_>,
        key: &str,
        value: Bytes,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<()> {
        let (limits, key) = (self.limits, Key::new(&self.limits, scope, key)?);
        kv::check_value(&limits, &value)?;
        self.writer.run(move |connection| kv::set(connection, &limits, &key, &value, expires, now)).await
    }

    async fn kv_delete(&self, scope: Scope<'_>, key: &str) -> Result<()> {
        let key = Key::new(&self.limits, scope, key)?;
        self.writer.run(move |connection| kv::delete(connection, &key)).await
    }

    async fn kv_increment(
        &self,
        scope: Scope<'_>,
        key: &str,
        delta: i64,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<i64> {
        let (limits, key) = (self.limits, Key::new(&self.limits, scope, key)?);
        self.writer.run(move |connection| kv::increment(connection, &limits, &key, delta, expires, now)).await
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
        let (limits, key) = (self.limits, Key::new(&self.limits, scope, key)?);
        kv::check_value(&limits, &value)?;
        self.writer
            .run(move |connection| {
                kv::compare_and_swap(connection, &limits, &key, (expected.as_deref(), &value), expires, now)
            })
            .await
    }

    async fn reserve(
        &self,
        scope: Scope<'_>,
        key: &str,
        event: EventId,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<Reservation> {
        let key = Arc::new(Key::new(&self.limits, scope, key)?);
        // Memory first: whoever takes the key there is alone with it, and what is on disk by then stays as it is. An
        // event that settles writes to disk before it gives up what it holds.
        match self.reservations.take(&key, event, expires, now) {
            Taken::Before => Ok(Reservation::First),
            Taken::ByAnother => {
                let (known, _) = self.readers.with(|connection| kv::known(connection, &key, now))?;
                Ok(if known { Reservation::Known } else { Reservation::Pending })
            }
            Taken::Now { held } => {
                let taken = Undecided { reservations: &self.reservations, key: &key, event, kept: false };
                let reservation = self.first(&key, held, now).await;
                taken.keep_if(matches!(reservation, Ok(Reservation::First)));
                reservation
            }
        }
    }

    async fn settle(&self, event: EventId, settled: Settled) -> Result<()> {
        if settled == Settled::Release {
            self.reservations.release(event);
            return Ok(());
        }
        let keys = self.reservations.of(event);
        if keys.is_empty() {
            return Ok(());
        }
        let reservations = Arc::clone(&self.reservations);
        // Given up on the writer's thread, so that it happens whether or not the caller still waits.
        let done = move |result: &Result<()>| {
            if result.is_ok() {
                reservations.release(event);
            }
        };
        self.writer.run_then(move |connection| kv::commit(connection, event, &keys), done).await
    }

    async fn kv_expire(&self, now: Timestamp, at_most: u32) -> Result<u32> {
        self.reservations.expire(now);
        let work = move |connection: &Connection| {
            let keys = kv::expire(connection, now, at_most)?;
            Ok(keys + accept::forget(connection, now, at_most - keys)?)
        };
        self.writer.run(work).await
    }
}

/// A key that was taken and is given back unless it is kept: also if the caller goes away meanwhile.
struct Undecided<'a> {
    reservations: &'a Reservations,
    key: &'a Key,
    event: EventId,
    kept: bool,
}

impl Undecided<'_> {
    fn keep_if(mut self, keep: bool) {
        self.kept = keep;
    }
}

impl Drop for Undecided<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.reservations.release_one(self.key, self.event);
        }
    }
}
