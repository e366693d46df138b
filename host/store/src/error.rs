//! Why the store did not do what was asked. A variant for each thing that a caller may want to do about it.

use std::fmt;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else changed it since the caller looked: look again.
    #[error("{what} is {}, not at revision {expected}: it was changed meanwhile; look again and repeat", At(*.found))]
    Conflict { what: String, expected: u64, found: Option<u64> },
    /// What was asked for is not there.
    #[error("{what} does not exist")]
    NotFound { what: String },
    /// What was written names something that is not there.
    #[error("{by} names {what}, which does not exist; create it first or change what names it")]
    Missing { what: String, by: String },
    /// It cannot go while others name it.
    #[error("{what} is in use by {}; change or remove that first", Few(.by))]
    InUse { what: String, by: Vec<String> },
    #[error("{what} exists already")]
    Exists { what: String },
    /// A named limit would be passed.
    #[error("too many {what}: at most {most}")]
    Limit { what: String, most: u64 },
    /// An argument that cannot be right.
    #[error("{problem}")]
    Invalid { problem: String },
    /// Too much waits to be written: come again in a moment.
    #[error("too much waits to be written")]
    Busy,
    /// The lease is over: somebody else has the delivery, or it was decided.
    #[error("delivery {delivery} is no longer held under this lease")]
    Late { delivery: model::DeliveryId },
    /// What is kept is damaged or was changed by another hand. Trying again does not help.
    #[error("the store is damaged: {what}")]
    Corrupt { what: String },
    /// It could not be done this time.
    #[error("{what}")]
    Unavailable {
        what: String,
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

impl Error {
    pub(crate) fn unavailable(what: impl Into<String>) -> Self {
        Self::Unavailable { what: what.into(), source: None }
    }

    /// `what` says what was tried, the source why it failed; neither repeats the other.
    pub(crate) fn failed(what: impl Into<String>, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unavailable { what: what.into(), source: Some(Box::new(source)) }
    }

    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }
}

struct At(Option<u64>);

impl fmt::Display for At {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(revision) => write!(out, "at revision {revision}"),
            None => out.write_str("not there"),
        }
    }
}

/// The first few of many.
struct Few<'a>(&'a [String]);

impl fmt::Display for Few<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        let shown = &self.0[..self.0.len().min(SHOWN)];
        out.write_str(&shown.join(", "))?;
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(out, " and {more} more"),
        }
    }
}
