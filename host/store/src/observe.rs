//! What the store says about itself.

use std::path::Path;

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

pub(crate) fn writer_ended_badly(thread: &str) {
    tracing::error!(thread, "writer thread panicked");
}

fn error_source(error: &Error) -> Option<String> {
    std::error::Error::source(error).map(ToString::to_string)
}
