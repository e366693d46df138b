//! How destinations are: kept in memory for every decision, and in the journal over restarts.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use model::delivery::Condition;
use store::Journal;

use super::Key;

#[derive(Debug, Default)]
pub(crate) struct Conditions {
    known: Mutex<Known>,
    /// Held while one is written, so that the last one that is written is the newest.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    /// Those that are not as they are at first.
    conditions: HashMap<Key, Condition>,
    /// How often somebody has decided how a destination is.
    decided: HashMap<Key, u64>,
}

impl Conditions {
    pub(super) async fn read(&self, journal: &dyn Journal) -> store::Result<()> {
        let read = journal.conditions().await?;
        let mut known = self.known();
        // What was said since the start is newer.
        for (project, name, condition) in read {
            let key = Key::new(&project, &name);
            if !known.decided.contains_key(&key) {
                known.conditions.entry(key).or_insert(condition);
            }
        }
        Ok(())
    }

    pub(crate) fn of(&self, key: &Key) -> Condition {
        self.known().conditions.get(key).cloned().unwrap_or_default()
    }

    pub(super) fn all(&self) -> Vec<(Key, Condition)> {
        self.known().conditions.iter().map(|(key, condition)| (key.clone(), condition.clone())).collect()
    }

    /// How often somebody has decided about it: who begins an attempt remembers that.
    pub(super) fn decided(&self, key: &Key) -> u64 {
        self.known().decided.get(key).copied().unwrap_or_default()
    }

    /// Changes it in memory because somebody wants that; how it was before.
    pub(super) fn decide(&self, key: &Key, change: impl FnOnce(&mut Condition)) -> Condition {
        let mut known = self.known();
        *known.decided.entry(key.clone()).or_default() += 1;
        known.change(key, change)
    }

    /// Changes it in memory because of an attempt that began when so much had been decided. Whoever has decided since then
    /// knows better: false, and nothing is changed.
    pub(super) fn learn(&self, key: &Key, decided: u64, change: impl FnOnce(&mut Condition)) -> bool {
        let mut known = self.known();
        let is_news = known.decided.get(key).copied().unwrap_or_default() == decided;
        if is_news {
            known.change(key, change);
        }
        is_news
    }

    /// Writes it as it is then.
    pub(super) async fn keep(&self, journal: &dyn Journal, key: &Key) -> store::Result<()> {
        let _writing = self.writing.lock().await;
        let condition = self.of(key);
        journal.put_condition(key.project(), key.target(), &condition).await
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn change(&mut self, key: &Key, change: impl FnOnce(&mut Condition)) -> Condition {
        let mut condition = self.conditions.remove(key).unwrap_or_default();
        let before = condition.clone();
        change(&mut condition);
        if condition != Condition::default() {
            self.conditions.insert(key.clone(), condition);
        }
        before
    }
}
