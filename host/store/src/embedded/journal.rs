//! The journal on SQLite. Reads run where they are asked for: a few microseconds on pages that are in memory.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use model::{EventId, Timestamp};

use super::{
    database::Database,
    folder::Folder,
    kv::{self, Key},
    readers::Readers,
    reservations::{Reservations, Taken},
    writer::Writer,
};
use crate::{
    Result,
    journal::{Limits, Reservation, Scope, Settled},
};

/// `events.db`. Dropped in this order: who reads, who writes, the hold on the folder.
#[derive(Debug)]
pub struct Journal {
    readers: Readers,
    writer: Writer,
    reservations: Arc<Reservations>,
    limits: Limits,
    _folder: Arc<Folder>,
}

impl Journal {
    pub(super) fn open(events: Database, limits: Limits, folder: Arc<Folder>) -> Result<Self> {
        let readers = Readers::new(events.path);
        let writer = Writer::start("store-events", events.connection)?;
        Ok(Self { readers, writer, reservations: Arc::default(), limits, _folder: folder })
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
        self.writer.run(move |connection| kv::expire(connection, now, at_most)).await
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
