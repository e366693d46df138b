//! What goes wrong inside: the store's own refusals, or SQLite's. No type of SQLite leaves the backend.

use rusqlite::ErrorCode;

use crate::Error;

pub(super) type Result<T, E = Failure> = std::result::Result<T, E>;

#[derive(Debug)]
pub(super) enum Failure {
    Refused(Error),
    Sql(rusqlite::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let error = match failure {
            Failure::Refused(error) => return error,
            Failure::Sql(error) => error,
        };
        let damaged =
            matches!(
                error,
                rusqlite::Error::FromSqlConversionFailure(..)
                    | rusqlite::Error::IntegralValueOutOfRange(..)
                    | rusqlite::Error::InvalidColumnType(..)
                    | rusqlite::Error::Utf8Error(..)
            ) || matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase));
        if damaged {
            Self::corrupt(format!("{error}; restore a backup"))
        } else {
            Self::failed("the database did not do what was asked", error)
        }
    }
}

/// A full, broken or read-only disk, or no memory: the statement itself is not to blame.
pub(super) fn is_of_the_disk(error: &rusqlite::Error) -> bool {
    use ErrorCode::{CannotOpen, DiskFull, OutOfMemory, ReadOnly, SystemIoFailure};
    matches!(error.sqlite_error_code(), Some(CannotOpen | DiskFull | OutOfMemory | ReadOnly | SystemIoFailure))
}

/// Something that was written by this program and no longer reads as it should.
pub(super) fn unreadable(what: &str, problem: impl std::fmt::Display) -> Failure {
    Failure::Refused(Error::corrupt(format!("{what} cannot be read: {problem}; restore a backup")))
}
