//! What is told about control: each happening is one function that writes its line.

use model::Digest;

use super::Error;

pub(super) fn previous_left_out(digest: &Digest, error: &Error) {
    tracing::warn!(module = %digest, %error, "the version that a filter ran before cannot be called: `previous` is `closed`");
}
