//! Public keys and certificates that others publish: fetched by the host, and kept there.

use crate::{error::CallError, host};

/// A piece of what is sent. Secrets are granted by name, and go nowhere but to granted URLs.
#[derive(Debug, Clone)]
pub enum Text<'a> {
    Literal(&'a str),
    /// The secret's newest value, as it is.
    Secret(&'a str),
    /// As a JSON string, with its quotes.
    SecretJson(&'a str),
    SecretBase64(&'a str),
}

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Request<'a> {
    /// One that the attachment grants, by its beginning.
    pub url: &'a str,
    pub headers: Vec<(&'a str, Vec<Text<'a>>)>,
    /// Sent by POST; none for GET.
    pub body: Option<Vec<Text<'a>>>,
    /// How long the answer is kept if it does not say itself, between a minute and a day.
    pub keep_seconds: u32,
}

/// The body of a 200 answer, at most 256 KiB: from the host's memory, or fetched now.
///
/// # Errors
/// `Denied` without a grant for the URL, `Unavailable` if it cannot be had.
pub fn fetch(request: &Request<'_>) -> Result<Vec<u8>, CallError> {
    host::keys_fetch(request)
}
