//! What is told about the gateway: each happening is one function that counts it and writes its line.

use std::{
    io,
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use delivery::destinations::http::SendError;
use model::{
    EventId,
    apply::BadOutput,
    record::{Disposition, FailureClass, Outcome},
};

use super::{answer::Refusal, intake, record::Entry, verifications::Verifications};

/// Numbers that only grow, but for `connections_open`.
#[derive(Debug, Default)]
pub struct Counters {
    pub forwarded: AtomicU64,
    pub accepted: AtomicU64,
    pub rejected: AtomicU64,
    pub dropped: AtomicU64,
    pub responded: AtomicU64,
    pub failed: AtomicU64,
    /// Events whose sender went away before the answer; also counted as failed.
    pub abandoned: AtomicU64,
    /// Requests that belong to no route.
    pub unrouted: AtomicU64,
    /// Events that found no room for their body; also counted as failed.
    pub overloaded: AtomicU64,
    /// Events that were known already.
    pub duplicates: AtomicU64,
    /// Events that could not be stored; also counted as failed.
    pub not_stored: AtomicU64,
    /// Events that the route captures, and for which there was no place.
    pub not_kept: AtomicU64,
    /// Answers of destinations that broke off after their head was passed on.
    pub answers_broken: AtomicU64,
    /// Grants that filters called for and did not have, each once per call of a filter.
    pub calls_denied: AtomicU64,
    pub connections_open: AtomicU64,
    pub connections: AtomicU64,
    /// What the filter `verify` found.
    pub verifications: Verifications,
    filter_failures: [AtomicU64; 7],
}

impl Counters {
    pub fn events(&self, disposition: Disposition) -> &AtomicU64 {
        match disposition {
            Disposition::Forwarded => &self.forwarded,
            Disposition::Accepted => &self.accepted,
            Disposition::Rejected => &self.rejected,
            Disposition::Dropped => &self.dropped,
            Disposition::Responded => &self.responded,
            Disposition::Failed => &self.failed,
        }
    }

    /// Calls of filters that gave no verdict, skipped ones included.
    pub fn filter_failures(&self, class: FailureClass) -> &AtomicU64 {
        &self.filter_failures[match class {
            FailureClass::Trap => 0,
            FailureClass::Time => 1,
            FailureClass::Memory => 2,
            FailureClass::Denied => 3,
            FailureClass::Failed => 4,
            FailureClass::BadOutput => 5,
            FailureClass::Overload => 6,
        }]
    }
}

pub(super) fn event_decided(counters: &Counters, entry: &Entry) {
    counters.events(entry.disposition).fetch_add(1, Relaxed);
    for run in &entry.filters {
        counters.calls_denied.fetch_add(run.denied.len() as u64, Relaxed);
        if let Outcome::Failure { class, .. } = run.outcome {
            counters.filter_failures(class).fetch_add(1, Relaxed);
        }
    }
    counters.verifications.count(&entry.project, &entry.route, &entry.labels);
    let Entry { id, project, route, source, method, path, disposition, status, reason, .. } = entry;
    tracing::debug!(
        event = %id,
        %project,
        %route,
        %source,
        %method,
        path,
        disposition = disposition.name(),
        status,
        reason,
        destination = entry.destination.as_ref().map(model::Name::as_str),
        duration_us = entry.duration.as_micros(),
        "event decided"
    );
}

pub(super) fn event_abandoned(counters: &Counters) {
    counters.abandoned.fetch_add(1, Relaxed);
}

pub(super) fn event_unrouted(counters: &Counters, id: EventId, refusal: &Refusal) {
    counters.unrouted.fetch_add(1, Relaxed);
    tracing::debug!(event = %id, status = refusal.answer.status.as_u16(), reason = refusal.reason, "no route taken");
}

pub(super) fn body_refused(counters: &Counters, id: EventId, error: &intake::Error) {
    if matches!(error, intake::Error::Full) {
        counters.overloaded.fetch_add(1, Relaxed);
        tracing::warn!(event = %id, "the buffer for bodies is full; raise its limit or send less at a time");
    }
}

pub(super) fn event_duplicate(counters: &Counters, id: EventId, first: EventId) {
    counters.duplicates.fetch_add(1, Relaxed);
    tracing::debug!(event = %id, %first, "event known already");
}

pub(super) fn event_not_stored(counters: &Counters, id: EventId, error: &store::Error) {
    counters.not_stored.fetch_add(1, Relaxed);
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::warn!(event = %id, %error, cause, "event not stored, its sender is told to send it again");
}

pub(super) fn event_not_kept(counters: &Counters) {
    counters.not_kept.fetch_add(1, Relaxed);
}

pub(super) fn destination_failed(id: EventId, destination: &str, error: &SendError) {
    tracing::warn!(event = %id, destination, kind = error.kind.name(), reason = error.reason(), "destination failed");
}

pub(super) fn answer_broken(counters: &Counters, id: EventId, error: &SendError) {
    counters.answers_broken.fetch_add(1, Relaxed);
    tracing::warn!(event = %id, kind = error.kind.name(), reason = error.reason(), "answer broke off");
}

pub(super) fn answer_unusable(id: EventId, problem: &BadOutput) {
    tracing::warn!(event = %id, %problem, "answer set by a filter cannot be used");
}

pub(super) fn connection_opened(counters: &Counters) {
    counters.connections.fetch_add(1, Relaxed);
    counters.connections_open.fetch_add(1, Relaxed);
}

pub(super) fn connection_closed(counters: &Counters) {
    counters.connections_open.fetch_sub(1, Relaxed);
}

pub(super) fn connection_panicked(error: &tokio::task::JoinError) {
    tracing::error!(%error, "a connection ended by a fault of the gateway");
}

pub(super) fn connection_failed(peer: SocketAddr, error: &(dyn std::error::Error + 'static)) {
    tracing::debug!(%peer, error, "connection failed");
}

pub(super) fn connection_overdue(peer: SocketAddr) {
    tracing::debug!(%peer, "connection closed because it took too long");
}

pub(super) fn accept_failed(error: &io::Error) {
    tracing::warn!(%error, "a connection could not be accepted; check the limit of open files");
}

pub(super) fn listening(address: SocketAddr) {
    tracing::info!(%address, "gateway listens");
}

pub(super) fn draining(connections: usize) {
    tracing::info!(connections, "gateway stops; requests in flight come to their end");
}

pub(super) fn drained(given_up: usize) {
    tracing::info!(given_up, "gateway stopped");
}
