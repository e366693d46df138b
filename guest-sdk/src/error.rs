//! Why a filter gives no verdict of its own, and what the host makes of it.

use std::fmt;

use crate::verdict::{Header, Verdict};

/// What every fallible function of a filter returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Ends `handle` early. `?` makes one of nearly everything: a [`Refusal`] stays what it is; strings and all errors of
/// the standard library, of `serde` and of your own crates become `Failed` with their text.
///
/// ```
/// use snaphook_sdk::prelude::*;
///
/// fn retries(event: &Event) -> Result<u32> {
///     let value = event.header("x-retries").or_refuse(400, "header x-retries is missing")?;
///     Ok(value.parse()?)
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The event is at fault: becomes a reject verdict with the refusal's status.
    Refused(Refusal),
    /// The filter could not judge: failure class `failed`, and the attachment's policy decides what becomes of the
    /// event. The text goes to the log; the sender never sees it.
    Failed(String),
}

impl Error {
    pub fn failed(reason: impl Into<String>) -> Self {
        Self::Failed(reason.into())
    }
}

impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Failed(error.into().to_string())
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(out),
            Self::Failed(reason) => out.write_str(reason),
        }
    }
}

/// A reject verdict that travels with `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// 400 to 599.
    pub status: u16,
    /// For the log and the event's record; the sender never sees it.
    pub reason: String,
    pub headers: Vec<Header>,
}

impl Refusal {
    pub fn new(status: u16, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into(), headers: Vec::new() }
    }

    /// Adds a header to the answer, such as `www-authenticate`.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "refused with {}: {}", self.status, self.reason)
    }
}

impl From<Refusal> for Verdict {
    fn from(refusal: Refusal) -> Self {
        Self::rejection(refusal)
    }
}

/// Turns what is not there, or went wrong, into a refusal.
pub trait OrRefuse<T> {
    /// The value, or a [`Refusal`] with this status (400 to 599) and reason.
    fn or_refuse(self, status: u16, reason: impl Into<String>) -> Result<T, Refusal>;
}

impl<T> OrRefuse<T> for Option<T> {
    fn or_refuse(self, status: u16, reason: impl Into<String>) -> Result<T, Refusal> {
        self.ok_or_else(|| Refusal::new(status, reason))
    }
}

impl<T, E> OrRefuse<T> for Result<T, E> {
    fn or_refuse(self, status: u16, reason: impl Into<String>) -> Result<T, Refusal> {
        self.map_err(|_| Refusal::new(status, reason))
    }
}

/// Why a call of the host did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallError {
    /// The filter has no grant of this name. The host counts and logs the call.
    Denied(String),
    /// An argument cannot be right; the text says which and why.
    Invalid(String),
    /// A named limit of the attachment is used up.
    Limit(String),
    /// The host could not do it this time.
    Unavailable(String),
    Other(String),
}

impl fmt::Display for CallError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, text) = match self {
            Self::Denied(name) => ("no grant for", name),
            Self::Invalid(text) => ("invalid argument:", text),
            Self::Limit(text) => ("limit reached:", text),
            Self::Unavailable(text) => ("unavailable:", text),
            Self::Other(text) => ("the host refused:", text),
        };
        out.write_str(what)?;
        out.write_str(" ")?;
        out.write_str(text)
    }
}

impl std::error::Error for CallError {}
