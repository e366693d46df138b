//! What the store says about itself.

use std::{io, path::Path};

use model::EventId;

use crate::Error;

pub(crate) fn key_made(file: &Path) {
    tracing::info!(file = %file.display(), "master key made; keep a copy, without it the secrets cannot be read");
}

pub(crate) fn migrated(file: &Path, number: u32) {
    tracing::info!(file = %file.display(), number, "database migrated");
}

/// Operations were refused because their common transaction did not become durable.
pub(crate) fn group_lost(operations: usize, error: &Error) {
    tracing::error!(operations, error = %error, source = error_source(error), "write failed");
}

/// Acknowledged events are gone from the end of the journal.
pub(crate) fn events_lost(file: &Path, lost: u64) {
    tracing::error!(file = %file.display(), lost, "events are lost: the file was damaged, or is older than it should be");
}

/// What goes nowhere was not written; that costs nobody anything but its story.
pub(crate) fn not_kept(event: EventId, error: &Error) {
    tracing::warn!(%event, error = %error, source = error_source(error), "event not kept");
}

/// The events are durable; only a loss of theirs would not be noticed.
pub(crate) fn mark_not_written(error: &io::Error) {
    tracing::warn!(error = %error, "mark of the newest event not written");
}

/// It is filled again from the events.
pub(crate) fn search_made_anew(file: &Path, error: &Error) {
    tracing::warn!(file = %file.display(), error = %error, source = error_source(error), "search made anew");
}

/// It did not read as it should; the next time something is indexed it is made anew.
pub(crate) fn search_damaged(file: &Path, problem: &str) {
    tracing::warn!(file = %file.display(), problem, "search is damaged");
}

/// Bodies cannot be searched; the rest goes on.
pub(crate) fn search_out_of_order(file: &Path, error: &Error) {
    tracing::error!(file = %file.display(), error = %error, source = error_source(error), "search cannot be made");
}

/// It may lack events; the rest goes on.
pub(crate) fn search_unfit(error: &Error) {
    tracing::warn!(error = %error, source = error_source(error), "search not compared with the journal");
}

/// What the words of removed events take is given up later.
pub(crate) fn search_not_removed(error: &Error) {
    tracing::warn!(error = %error, source = error_source(error), "words of removed events stay for now");
}

pub(crate) fn writer_ended_badly(thread: &str) {
    tracing::error!(thread, "writer thread panicked");
}

fn error_source(error: &Error) -> Option<String> {
    std::error::Error::source(error).map(ToString::to_string)
}
