//! How the engine is told that something is due.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use model::{Name, Timestamp};
use tokio::sync::Notify;

use super::Key;

/// Tells the engine where something is due. Cheap, never waits, and may be called from any thread; many calls before the
/// engine looks are as one. Cloning is cheap.
#[derive(Debug, Clone, Default)]
pub struct Waker(Arc<Bell>);

#[derive(Debug, Default)]
struct Bell {
    rung: Mutex<Rung>,
    notify: Notify,
}

/// What was told since the engine looked last.
#[derive(Debug, Default)]
pub(super) struct Rung {
    /// The earliest of each.
    pub(super) due: BTreeMap<Key, Timestamp>,
    /// Whether to look at everything.
    pub(super) all: bool,
    /// Those that are to be tried whatever they asked for.
    pub(super) afresh: Vec<Key>,
}

impl Waker {
    /// A delivery to this destination is due then.
    pub fn wake(&self, project: &Name, target: &Name, due: Timestamp) {
        let key = Key::new(project, target);
        let mut rung = self.0.rung.lock().unwrap_or_else(PoisonError::into_inner);
        rung.due.entry(key).and_modify(|known| *known = due.min(*known)).or_insert(due);
        drop(rung);
        self.0.notify.notify_one();
    }

    /// Anything may be due, or be configured in another way.
    pub fn wake_all(&self) {
        self.0.rung.lock().unwrap_or_else(PoisonError::into_inner).all = true;
        self.0.notify.notify_one();
    }

    /// Somebody wants it tried now.
    pub(super) fn wake_afresh(&self, project: &Name, target: &Name, now: Timestamp) {
        let key = Key::new(project, target);
        self.0.rung.lock().unwrap_or_else(PoisonError::into_inner).afresh.push(key);
        self.wake(project, target, now);
    }

    pub(super) async fn rung(&self) {
        self.0.notify.notified().await;
    }

    pub(super) fn take(&self) -> Rung {
        mem::take(&mut self.0.rung.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
