//! How long the parts of opening a connection took.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;

tokio::task_local! {
    static LAPS: Arc<Laps>;
}

/// Microseconds of each part; 0 for what did not happen, as over a connection that was open.
#[derive(Debug, Default)]
pub struct Laps {
    pub(super) resolve: AtomicU64,
    pub(super) connect: AtomicU64,
    pub(super) tls: AtomicU64,
}

impl Laps {
    pub fn resolve_us(&self) -> Option<u64> {
        told(&self.resolve)
    }

    pub fn connect_us(&self) -> Option<u64> {
        told(&self.connect)
    }

    pub fn tls_us(&self) -> Option<u64> {
        told(&self.tls)
    }

    pub(super) fn resolve(&self) -> &AtomicU64 {
        &self.resolve
    }

    pub(super) fn connect(&self) -> &AtomicU64 {
        &self.connect
    }

    pub(super) fn tls(&self) -> &AtomicU64 {
        &self.tls
    }

    pub(super) async fn lap<F: Future>(&self, part: impl Fn(&Self) -> &AtomicU64, work: F) -> F::Output {
        let begun = Instant::now();
        let done = work.await;
        part(self).store(micros(begun.elapsed()).max(1), Relaxed);
        done
    }
}

fn told(part: &AtomicU64) -> Option<u64> {
    Some(part.load(Relaxed)).filter(|micros| *micros > 0)
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Runs `work`, and writes into `laps` how long the connections took that it opened. As with `within`, a pool asks for them
/// by URL alone. One that a pool opens for this work and that serves another is counted here all the same.
pub async fn metered<F: Future>(laps: Arc<Laps>, work: F) -> F::Output {
    LAPS.scope(laps, work).await
}

/// Those of the task that asks, or some that nobody will read.
pub(crate) fn running() -> Arc<Laps> {
    LAPS.try_with(Arc::clone).unwrap_or_default()
}
