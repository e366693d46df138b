//! What is told about control: each happening is one function that writes its line.

use model::Digest;

use super::Error;

pub(super) fn previous_left_out(digest: &Digest, error: &Error) {
    tracing::warn!(module = %digest, %error, "the version that a filter ran before cannot be called: `previous` is `closed`");
}

/// It may be left alone for what an earlier destination of its name did, until somebody enables it.
pub(super) fn condition_not_forgotten(destination: &model::Name, error: &store::Error) {
    tracing::warn!(%destination, %error, "what was known about an earlier destination of this name could not be forgotten");
}
