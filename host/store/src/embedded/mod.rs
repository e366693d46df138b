//! The embedded backend: SQLite, one file for configuration, one for events and one to search them, in a folder that one
//! host holds.

mod accept;
mod change;
mod claim;
mod condition;
mod contents;
mod database;
mod deliveries;
mod encoding;
mod events;
mod failure;
mod folder;
mod indexing;
mod journal;
mod kv;
mod lanes;
mod mark;
mod modules;
mod readers;
mod redrive;
mod references;
mod registry;
mod reservations;
mod retention;
mod routes;
mod search;
mod searching;
mod secrets;
#[cfg(test)]
mod tests;
mod texts;
mod waiting;
mod walk;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use database::Survives;
pub use journal::Journal;
pub use registry::Registry;
use search::Search;

use crate::Result;

/// Where things are kept, and how much.
#[derive(Debug, Clone)]
pub struct Options {
    /// Made if it is not there, for its owner only.
    pub folder: PathBuf,
    /// The master key; better on another disk than the backups of the folder. By default `master.key` in the folder.
    pub key_file: Option<PathBuf>,
    pub registry: crate::registry::Limits,
    pub journal: crate::journal::Limits,
}

impl Options {
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            key_file: None,
            registry: crate::registry::Limits::default(),
            journal: crate::journal::Limits::default(),
        }
    }
}

/// Opens the folder, making or migrating what is in it, and reads the master key. Blocks; for the start of a host.
///
/// When both are dropped, all that was acknowledged is on disk, their threads have ended and the folder is free.
pub fn open(options: &Options) -> Result<(Registry, Journal)> {
    let folder = Arc::new(folder::Folder::hold(&options.folder)?);
    let control = database::open(&options.folder.join("control.db"), &database::CONTROL, Survives::Machine)?;
    let events = database::open(&options.folder.join("events.db"), &database::EVENTS, Survives::Machine)?;
    let key_file = options.key_file.as_deref().map_or_else(|| options.folder.join("master.key"), Path::to_owned);
    let registry = Registry::open(control, &key_file, options.registry, Arc::clone(&folder))?;
    let search = Search::open(options.folder.join("search.db"), Survives::MachineLater);
    let journal = Journal::open(events, search, options.journal, folder, false)?;
    Ok((registry, journal))
}

/// The journal alone, without threads: each operation is done on the caller's, when it is polled first. For runs that are
/// to be repeated exactly; what it writes survives the process, not the machine.
#[cfg(any(test, feature = "contract"))]
pub fn open_inline(options: &Options) -> Result<Journal> {
    let folder = Arc::new(folder::Folder::hold(&options.folder)?);
    let events = database::open(&options.folder.join("events.db"), &database::EVENTS, Survives::Process)?;
    let search = Search::open(options.folder.join("search.db"), Survives::Process);
    Journal::open(events, search, options.journal, folder, true)
}
