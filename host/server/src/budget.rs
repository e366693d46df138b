//! How much of something may be taken at a time, without waiting for it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bytes that are left to take. A semaphore for who does not wait: two additions where that has a lock.
#[derive(Debug)]
pub struct Budget {
    left: AtomicU64,
}

impl Budget {
    pub const fn new(bytes: u64) -> Self {
        Self { left: AtomicU64::new(bytes) }
    }

    /// Takes all of it, or nothing if it is not there.
    #[must_use]
    pub fn take(&self, bytes: u64) -> bool {
        self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }

    /// Gives back what was taken.
    pub fn give(&self, bytes: u64) {
        self.left.fetch_add(bytes, Relaxed);
    }

    pub fn left(&self) -> u64 {
        self.left.load(Relaxed)
    }
}
