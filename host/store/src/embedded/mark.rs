//! The number of the newest event, in a file beside the database: if a damaged database has lost its end, that is found out.

use std::{
    fs::File,
    io,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{Error, Result, observe};

/// Written after each group that wrote events and never synced: it says too little rather than too much.
#[derive(Debug)]
pub(super) struct Mark {
    file: File,
    /// Of the group that is being written.
    newest: AtomicU64,
    written: AtomicU64,
}

/// The number and its checksum, both little-endian.
const BYTES: usize = 12;

impl Mark {
    /// What it says; 0 if it says nothing, or nothing that makes sense.
    pub(super) fn open(path: &Path) -> Result<(Self, u64)> {
        let cannot = |error| Error::failed(format!("cannot open the file `{}`", path.display()), error);
        let file = File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
        let file = file.map_err(cannot)?;
        let mut bytes = [0; BYTES];
        let number = match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => read(bytes),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            Err(error) => return Err(cannot(error)),
        };
        Ok((Self { file, newest: AtomicU64::new(number), written: AtomicU64::new(number) }, number))
    }

    /// An event with this number is in the group that is being written.
    pub(super) fn note(&self, number: u64) {
        self.newest.fetch_max(number, Ordering::Relaxed);
    }

    /// The group is durable.
    pub(super) fn write(&self) {
        let newest = self.newest.load(Ordering::Relaxed);
        if newest == self.written.load(Ordering::Relaxed) {
            return;
        }
        match self.file.write_all_at(&bytes(newest), 0) {
            Ok(()) => self.written.store(newest, Ordering::Relaxed),
            // The events are safe; only a loss would not be noticed.
            Err(error) => observe::mark_not_written(&error),
        }
    }

    /// The group is not.
    pub(super) fn forget(&self) {
        self.newest.store(self.written.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

fn bytes(number: u64) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    let (first, last) = bytes.split_at_mut(8);
    first.copy_from_slice(&number.to_le_bytes());
    last.copy_from_slice(&crc32fast::hash(first).to_le_bytes());
    bytes
}

fn read(from: [u8; BYTES]) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&from[..8]);
    let number = u64::from_le_bytes(number);
    if bytes(number) == from { number } else { 0 }
}
