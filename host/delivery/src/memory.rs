//! How many bytes of events attempts hold at the same time.

use tokio::sync::{Semaphore, SemaphorePermit};

/// What is counted in; a smaller event has its place among the attempts, and waits for nobody.
const UNIT: u64 = 16 << 10;
/// Events that are being read while nobody knows yet how large they are.
const DOORS: usize = 8;

/// Room for the events of attempts. Beyond it there are at most as many as there are doors.
#[derive(Debug)]
pub(crate) struct Memory {
    units: Semaphore,
    all: u32,
    doors: Semaphore,
}

impl Memory {
    pub(crate) fn new(bytes: u64) -> Self {
        let all = u32::try_from(bytes / UNIT).unwrap_or(u32::MAX).max(1);
        Self { units: Semaphore::new(all as usize), all, doors: Semaphore::new(DOORS) }
    }

    /// To be held while an event is read that has no room yet.
    pub(crate) async fn door(&self) -> SemaphorePermit<'_> {
        self.doors.acquire().await.expect("is never closed")
    }

    /// Room for so many bytes, if there is some now.
    pub(crate) fn try_take(&self, bytes: u64) -> Option<SemaphorePermit<'_>> {
        self.units.try_acquire_many(self.units_of(bytes)).ok()
    }

    /// Waits for it, in turn.
    pub(crate) async fn take(&self, bytes: u64) -> SemaphorePermit<'_> {
        self.units.acquire_many(self.units_of(bytes)).await.expect("is never closed")
    }

    /// One that is larger than all there is has all of it.
    fn units_of(&self, bytes: u64) -> u32 {
        u32::try_from(bytes / UNIT).unwrap_or(u32::MAX).min(self.all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_as_much_as_was_said() {
        let memory = Memory::new(64 << 10);
        let (first, second) = (memory.try_take(40 << 10).unwrap(), memory.try_take(32 << 10).unwrap());
        assert!(memory.try_take(16 << 10).is_none());
        // A small one goes in any case.
        assert!(memory.try_take(UNIT - 1).is_some());
        drop(first);
        let third = memory.try_take(16 << 10).unwrap();
        assert!(memory.try_take(32 << 10).is_none());
        drop((second, third));
        // One always goes.
        let all = memory.try_take(u64::MAX).unwrap();
        assert!(memory.try_take(UNIT).is_none());
        drop(all);
        assert!(Memory::new(0).try_take(1 << 30).is_some());
    }
}
