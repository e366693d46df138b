//! Work that waits for the writer's thread: bounded in bytes, and what goes last bounded in number too.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::writer::Operation;

/// Bytes of work that waits.
#[derive(Debug)]
pub(super) struct Room {
    taken: AtomicUsize,
    most: usize,
}

/// A part of the room, given back when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    room: Arc<Room>,
    bytes: usize,
}

impl Room {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { taken: AtomicUsize::new(0), most })
    }

    /// None if too much is taken. What is larger than the whole room gets a place if it is alone.
    pub(super) fn take(self: &Arc<Self>, bytes: usize) -> Option<Place> {
        let fits = |taken: usize| {
            let after = taken.saturating_add(bytes);
            (taken == 0 || after <= self.most).then_some(after)
        };
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).ok()?;
        Some(Place { room: Arc::clone(self), bytes })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Work that fills up what others leave free of a group.
#[derive(Default)]
pub(super) struct Spare(Mutex<VecDeque<Box<dyn Operation>>>);

impl Spare {
    /// The work, if there are `most` already; else whether it is the first.
    pub(super) fn push(&self, operation: Box<dyn Operation>, most: usize) -> Result<bool, Box<dyn Operation>> {
        let mut waiting = self.waiting();
        if waiting.len() >= most {
            return Err(operation);
        }
        waiting.push_back(operation);
        Ok(waiting.len() == 1)
    }

    pub(super) fn take(&self, at_most: usize, into: &mut Vec<Box<dyn Operation>>) {
        let mut waiting = self.waiting();
        let some = waiting.len().min(at_most);
        into.extend(waiting.drain(..some));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting().is_empty()
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Box<dyn Operation>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Spare {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Spare").field("waiting", &self.waiting().len()).finish()
    }
}
