//! Why an operation was not done.

use model::Faults;

/// A variant for each answer that a caller gives: REST makes a status of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was written is wrong, at these places.
    #[error("{0}")]
    Invalid(#[from] Faults),
    #[error("{0} does not exist")]
    NotFound(String),
    /// It was changed since the caller looked, or is there though it should not be.
    #[error("{0}")]
    Conflict(String),
    /// Others need it.
    #[error("{0}")]
    InUse(String),
    /// The store or the machine could not do it; whose fault it is stands in the log.
    #[error("{0}")]
    Unavailable(String),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        let text = error.to_string();
        match error {
            store::Error::Conflict { .. } | store::Error::Exists { .. } => Self::Conflict(text),
            store::Error::NotFound { what } => Self::NotFound(what),
            store::Error::InUse { .. } => Self::InUse(text),
            store::Error::Missing { .. } | store::Error::Limit { .. } | store::Error::Invalid { .. } => {
                Self::Invalid(Faults::one("", text))
            }
            store::Error::Busy | store::Error::Late { .. } | store::Error::Corrupt { .. } => Self::Unavailable(text),
            store::Error::Unavailable { source, .. } => {
                Self::Unavailable(source.map_or(text.clone(), |source| format!("{text}: {source}")))
            }
        }
    }
}
