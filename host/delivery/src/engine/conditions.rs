//! How destinations are: kept in memory for every decision, and in the journal over restarts.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use model::delivery::Condition;
use store::Journal;

use super::Key;

#[derive(Debug, Default)]
pub(super) struct Conditions {
    known: Mutex<HashMap<Key, Condition>>,
    /// Held while one is written, so that the last one that is written is the newest.
    writing: tokio::sync::Mutex<()>,
}

impl Conditions {
    pub(super) async fn read(&self, journal: &dyn Journal) -> store::Result<()> {
        let read = journal.conditions().await?;
        let mut known = self.known();
        // What was said since the start is newer.
        for (project, name, condition) in read {
            known.entry(Key::new(&project, &name)).or_insert(condition);
        }
        Ok(())
    }

    pub(super) fn of(&self, key: &Key) -> Condition {
        self.known().get(key).cloned().unwrap_or_default()
    }

    pub(super) fn all(&self) -> Vec<(Key, Condition)> {
        self.known().iter().map(|(key, condition)| (key.clone(), condition.clone())).collect()
    }

    /// Changes it in memory; how it was before.
    pub(super) fn change(&self, key: &Key, change: impl FnOnce(&mut Condition)) -> Condition {
        let mut known = self.known();
        let mut condition = known.remove(key).unwrap_or_default();
        let before = condition.clone();
        change(&mut condition);
        if condition != Condition::default() {
            known.insert(key.clone(), condition);
        }
        before
    }

    /// Writes it as it is then.
    pub(super) async fn keep(&self, journal: &dyn Journal, key: &Key) -> store::Result<()> {
        let _writing = self.writing.lock().await;
        let condition = self.of(key);
        journal.put_condition(key.project(), key.target(), &condition).await
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Condition>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
