//! What is told about deliveries: each happening is one function here.

use std::{
    error::Error,
    io,
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use model::{
    Delivery, DeliveryId, Name, Timestamp,
    delivery::{Breaker, Outcome},
};
use store::journal::Next;

use crate::egress::Denied;

/// What the engine has done since it was made.
#[derive(Debug, Default)]
pub struct Counters {
    pub attempts_delivered: AtomicU64,
    pub attempts_failed: AtomicU64,
    pub attempts_slowed: AtomicU64,
    pub attempts_aborted: AtomicU64,
    /// Deliveries that no attempt is left for.
    pub dead: AtomicU64,
    pub cancelled: AtomicU64,
    /// Deliveries that went to another destination, tried before or not.
    pub failed_over: AtomicU64,
    /// Attempts whose lease another had taken: what they came to was not written down.
    pub late: AtomicU64,
    /// Attempts that were cut off because the host stopped.
    pub cut: AtomicU64,
    pub journal_errors: AtomicU64,
    /// Attempts that ended without telling how: a defect.
    pub lost: AtomicU64,
    pub claims: AtomicU64,
}

fn one_more(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

impl Counters {
    pub(crate) fn attempted(&self, delivery: &Delivery, outcome: Outcome, reason: Option<&str>, total_us: u64) {
        one_more(match outcome {
            Outcome::Delivered => &self.attempts_delivered,
            Outcome::Failed => &self.attempts_failed,
            Outcome::Slowed => &self.attempts_slowed,
            Outcome::Aborted => &self.attempts_aborted,
        });
        let Delivery { id, project, target, .. } = delivery;
        tracing::debug!(delivery = %id, %project, destination = %target, ?outcome, reason, total_us, "attempt made");
    }

    /// It was decided, or goes on later.
    pub(crate) fn concluded(&self, delivery: &Delivery, next: &Next) {
        let Delivery { id, project, destination, target, .. } = delivery;
        match next {
            Next::Delivered => {}
            Next::Retry { target: to, .. } if to != target => {
                one_more(&self.failed_over);
                tracing::info!(delivery = %id, %project, from = %target, %to, "delivery goes to another destination");
            }
            Next::Retry { .. } => {}
            Next::Dead { attempts, reason, .. } => {
                one_more(&self.dead);
                tracing::warn!(delivery = %id, %project, %destination, attempts, reason, "delivery given up");
            }
            Next::Cancelled { reason } => {
                one_more(&self.cancelled);
                tracing::info!(delivery = %id, %project, %destination, reason, "delivery cancelled");
            }
        }
    }

    pub(crate) fn late(&self, delivery: DeliveryId) {
        one_more(&self.late);
        tracing::debug!(%delivery, "another has the delivery; this attempt does not count");
    }

    pub(crate) fn cut(&self, delivery: &Delivery) {
        one_more(&self.cut);
        tracing::info!(delivery = %delivery.id, "attempt cut off by the stop; it is made again");
    }

    pub(crate) fn journal_failed(&self, doing: &str, error: &store::Error) {
        one_more(&self.journal_errors);
        tracing::error!(error = %error, source = error.source().map(ToString::to_string), "{doing} failed");
    }

    pub(crate) fn claimed(&self) {
        one_more(&self.claims);
    }

    pub(crate) fn lost(&self, error: &tokio::task::JoinError) {
        one_more(&self.lost);
        tracing::error!(%error, "a task of the engine ended badly");
    }
}

pub(crate) fn unknown_destination(project: &Name, name: &Name) {
    tracing::warn!(%project, destination = %name, "deliveries wait for a destination that is not configured");
}

pub(crate) fn disabled(project: &Name, name: &Name, reason: &str) {
    tracing::warn!(%project, destination = %name, reason, "destination disabled; its deliveries wait");
}

pub(crate) fn enabled(project: &Name, name: &Name) {
    tracing::info!(%project, destination = %name, "destination enabled");
}

pub(crate) fn quiet(project: &Name, name: &Name, until: Timestamp, now: Timestamp) {
    let pause = Duration::from_millis(until.as_millis().saturating_sub(now.as_millis()));
    tracing::info!(%project, destination = %name, ?pause, "destination asked to be left alone by `Retry-After`");
}

pub(crate) fn breaker_changed(project: &Name, name: &Name, breaker: &Breaker, now: Timestamp) {
    match breaker {
        Breaker::Open { until, times } => {
            let pause = Duration::from_millis(until.as_millis().saturating_sub(now.as_millis()));
            tracing::warn!(%project, destination = %name, ?pause, times, "destination fails and is left alone");
        }
        Breaker::Closed { .. } => tracing::info!(%project, destination = %name, "destination works again"),
    }
}

pub(crate) fn stopping(attempts: usize) {
    tracing::info!(attempts, "delivery stops; attempts that are under way may end");
}

pub(crate) fn roots_read<E: Error + 'static>(trusted: usize, ignored: usize, errors: &[E]) {
    if trusted == 0 {
        tracing::warn!("no root certificates found, so every https destination will fail; install ca-certificates");
    }
    if ignored > 0 {
        tracing::debug!(ignored, "root certificates of the machine were left out because they cannot be read");
    }
    for error in errors {
        tracing::warn!(error = error as &dyn Error, "root certificates of the machine could not be loaded");
    }
}

pub(crate) fn denied(denied: &Denied) {
    tracing::debug!(host = denied.host, address = %denied.address, range = denied.range, "address denied");
}

pub(crate) fn connected(host: &str, address: Option<SocketAddr>) {
    tracing::debug!(host, address = address.map(tracing::field::display), "connected");
}

pub(crate) fn address_failed(address: SocketAddr, error: &io::Error) {
    tracing::debug!(%address, %error, "address could not be connected to");
}
