//! Instances that wait for the next event of their filter: for modules that are dear to bring up, and for those who ask.
//!
//! An instance serves one event at a time, is never shared by two attachments, and ends with any call that did not come to
//! a result. Whoever reuses one finds in its memory what an earlier event of the same filter left there, so it also ends
//! after some events and some time, each instance after others, so that nobody can count on one.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use wasi::Ctx;
use wasmtime::Store;

use crate::abi::Instance;

/// Events that an instance serves: from half of it to all of it.
const EVENTS_MOST: u32 = 1_000;
/// How old it gets, likewise.
const LIFE_MOST: Duration = Duration::from_secs(60);
/// Its memory may become so many times what it was after the first event.
const GROWTH_MOST: usize = 2;
/// Instances of one filter that wait.
const WAITING_MOST: usize = 32;

/// The instances of one filter that wait.
#[derive(Debug)]
pub(crate) struct Waiting {
    instances: Mutex<Vec<Warm>>,
    room: Arc<Room>,
    /// What one of them takes up: one for each memory.
    places: u32,
}

/// Places for waiting instances of all filters.
#[derive(Debug)]
pub(crate) struct Room {
    free: AtomicU32,
    filters: Mutex<Vec<Weak<Waiting>>>,
}

/// An instance between two events.
pub(crate) struct Warm {
    pub(crate) store: Store<Ctx>,
    pub(crate) instance: Instance,
    pub(crate) life: Life,
}

/// What is left of an instance's life.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Life {
    events_left: u32,
    until: Instant,
    /// Bytes of memory after its first event.
    memory: Option<usize>,
}

impl Life {
    /// `chance` decides how long.
    pub(crate) fn new(chance: u64, now: Instant) -> Self {
        let events = EVENTS_MOST / 2 + (chance as u32) % (EVENTS_MOST / 2);
        let millis = LIFE_MOST.as_millis() as u64;
        let life = Duration::from_millis(millis / 2 + (chance >> 32) % (millis / 2));
        Self { events_left: events, until: now + life, memory: None }
    }

    /// What is left after one more event; none at its end.
    fn next(self, memory: usize, now: Instant) -> Option<Self> {
        let first = self.memory.unwrap_or(memory);
        let ends = self.events_left <= 1 || now >= self.until || memory > first.saturating_mul(GROWTH_MOST);
        (!ends).then_some(Self { events_left: self.events_left - 1, memory: Some(first), ..self })
    }
}

impl std::fmt::Debug for Warm {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Warm").field("life", &self.life).finish_non_exhaustive()
    }
}

impl Room {
    pub(crate) fn new(places: u32) -> Arc<Self> {
        Arc::new(Self { free: AtomicU32::new(places), filters: Mutex::default() })
    }

    /// For a filter.
    pub(crate) fn waiting(self: &Arc<Self>, places: u32) -> Arc<Waiting> {
        let waiting = Arc::new(Waiting { instances: Mutex::default(), room: Arc::clone(self), places });
        let mut filters = self.filters.lock().unwrap_or_else(PoisonError::into_inner);
        filters.retain(|known| known.strong_count() > 0);
        filters.push(Arc::downgrade(&waiting));
        waiting
    }

    /// Ends what has waited for too long. To be called now and then.
    pub(crate) fn sweep(&self, now: Instant) {
        let filters = self.filters.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for waiting in filters.iter().filter_map(Weak::upgrade) {
            waiting.end(|warm| now >= warm.life.until);
        }
    }
}

impl Waiting {
    /// The one that served last.
    pub(crate) fn take(&self, now: Instant) -> Option<Warm> {
        loop {
            let warm = self.instances.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            self.room.free.fetch_add(self.places, Relaxed);
            if now < warm.life.until {
                return Some(warm);
            }
        }
    }

    /// After a call that came to a result, with what memory it has now.
    pub(crate) fn put(&self, store: Store<Ctx>, instance: Instance, life: Life, memory: usize, now: Instant) {
        let Some(life) = life.next(memory, now) else { return };
        let place = self.room.free.fetch_update(Relaxed, Relaxed, |free| free.checked_sub(self.places));
        if place.is_err() {
            return;
        }
        let mut instances = self.instances.lock().unwrap_or_else(PoisonError::into_inner);
        if instances.len() < WAITING_MOST {
            instances.push(Warm { store, instance, life });
        } else {
            self.room.free.fetch_add(self.places, Relaxed);
        }
    }

    fn end(&self, which: impl Fn(&Warm) -> bool) {
        let ended: Vec<Warm> = {
            let mut instances = self.instances.lock().unwrap_or_else(PoisonError::into_inner);
            let (ended, kept) = std::mem::take(&mut *instances).into_iter().partition(|warm| which(warm));
            *instances = kept;
            ended
        };
        let places = u32::try_from(ended.len()).unwrap_or_default() * self.places;
        // A place is free only once nothing is in it.
        drop(ended);
        self.room.free.fetch_add(places, Relaxed);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.end(|_| true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_has_an_end() {
        let now = Instant::now();
        for chance in [0, u64::MAX, 0x1234_5678_9abc_def0] {
            let mut life = Some(Life::new(chance, now));
            let mut events = 0;
            while let Some(left) = life {
                events += 1;
                life = left.next(1 << 20, now);
            }
            assert!((EVENTS_MOST / 2..=EVENTS_MOST).contains(&events), "{events}");
            let life = Life::new(chance, now);
            assert!(life.next(1, now + LIFE_MOST / 2 - Duration::from_secs(1)).is_some());
            assert!(life.next(1, now + LIFE_MOST).is_none());
        }
    }

    #[test]
    fn memory_that_grows_ends_it() {
        let now = Instant::now();
        let life = Life::new(7, now).next(100, now).unwrap();
        assert!(life.next(200, now).is_some());
        assert!(life.next(201, now).is_none());
    }
}
