//! Keys that events have reserved and that are not decided yet. They live in memory: a crash releases them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use model::{EventId, Timestamp};

use super::kv::Key;

#[derive(Debug, Default)]
pub(super) struct Reservations(Mutex<Held>);

/// Each key is in all three or in none.
#[derive(Debug, Default)]
struct Held {
    by_key: HashMap<Arc<Key>, Holder>,
    by_event: HashMap<EventId, Vec<Arc<Key>>>,
    by_project: HashMap<Box<str>, u64>,
}

#[derive(Debug, Clone, Copy)]
struct Holder {
    event: EventId,
    expires: Timestamp,
}

/// What became of an attempt to take a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is the event's from now on; with so many keys reserved in its project.
    Now {
        held: u64,
    },
    /// It was the event's before.
    Before,
    ByAnother,
}

impl Reservations {
    /// Whose time is over holds nothing.
    pub(super) fn take(&self, key: &Arc<Key>, event: EventId, expires: Timestamp, now: Timestamp) -> Taken {
        let mut held = self.held();
        match held.by_key.get(key) {
            Some(holder) if holder.event == event => return Taken::Before,
            Some(holder) if holder.expires > now => return Taken::ByAnother,
            Some(_) => held.remove(key),
            None => {}
        }
        Taken::Now { held: held.insert(key, Holder { event, expires }) }
    }

    /// Of this one key, if it is still the event's.
    pub(super) fn release_one(&self, key: &Key, event: EventId) {
        let mut held = self.held();
        if held.by_key.get(key).is_some_and(|holder| holder.event == event) {
            held.remove(key);
        }
    }

    pub(super) fn release(&self, event: EventId) {
        let mut held = self.held();
        for key in held.by_event.get(&event).cloned().unwrap_or_default() {
            held.remove(&key);
        }
    }

    /// What the event holds, and until when.
    pub(super) fn of(&self, event: EventId) -> Vec<(Arc<Key>, Timestamp)> {
        let held = self.held();
        let keys = held.by_event.get(&event).map_or(&[][..], Vec::as_slice);
        keys.iter().map(|key| (Arc::clone(key), held.by_key[key].expires)).collect()
    }

    /// Forgets those whose time is over: of events that nobody settled.
    pub(super) fn expire(&self, now: Timestamp) {
        let mut held = self.held();
        let over: Vec<Arc<Key>> =
            held.by_key.iter().filter(|(_, holder)| holder.expires <= now).map(|(key, _)| Arc::clone(key)).collect();
        for key in over {
            held.remove(&key);
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Returns how many are now held in the project.
    fn insert(&mut self, key: &Arc<Key>, holder: Holder) -> u64 {
        self.by_key.insert(Arc::clone(key), holder);
        self.by_event.entry(holder.event).or_default().push(Arc::clone(key));
        if let Some(count) = self.by_project.get_mut(&key.project) {
            *count += 1;
            return *count;
        }
        self.by_project.insert(key.project.clone(), 1);
        1
    }

    fn remove(&mut self, key: &Key) {
        let Some(holder) = self.by_key.remove(key) else { return };
        if let Some(keys) = self.by_event.get_mut(&holder.event) {
            keys.retain(|other| **other != *key);
            if keys.is_empty() {
                self.by_event.remove(&holder.event);
            }
        }
        if let Some(count) = self.by_project.get_mut(&key.project) {
            *count -= 1;
            if *count == 0 {
                self.by_project.remove(&key.project);
            }
        }
    }
}
