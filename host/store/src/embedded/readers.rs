//! Connections that read. In a write-ahead log readers and the writer do not wait for each other.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use rusqlite::Connection;

use super::{database, failure};

/// How many stay open when nobody reads.
const IDLE_MOST: usize = 4;

#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::default() }
    }

    /// Runs on the caller's thread. Each statement sees all that was committed before it; one transaction sees one state.
    pub(super) fn with<T>(&self, read: impl FnOnce(&Connection) -> failure::Result<T>) -> crate::Result<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => database::open_reader(&self.path)?,
        };
        let result = read(&connection);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MOST && connection.is_autocommit() {
            idle.push(connection);
        }
        Ok(result?)
    }
}
