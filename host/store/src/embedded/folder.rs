//! The folder that one host holds.

use std::{
    fs::{self, DirBuilder, File, TryLockError},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

use crate::{Error, Result};

/// Held until it is dropped, or the process ends in whatever way.
#[derive(Debug)]
pub(super) struct Folder {
    lock: File,
}

impl Folder {
    pub(super) fn hold(path: &Path) -> Result<Self> {
        let shown = path.display();
        if !fs::exists(path).map_err(|error| Error::failed(format!("cannot look at the folder `{shown}`"), error))? {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(|error| Error::failed(format!("cannot make the folder `{shown}`"), error))?;
        }
        let lock = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(|error| Error::failed(format!("cannot write into the folder `{shown}`"), error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { lock }),
            Err(TryLockError::WouldBlock) => Err(Error::unavailable(format!(
                "the folder `{shown}` is held by another host that is running: stop that one, or give this one a folder \
                 of its own"
            ))),
            Err(TryLockError::Error(error)) => Err(Error::failed(format!("cannot lock the folder `{shown}`"), error)),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Closing alone would leave it locked for as long as a child process that is just being started has a copy of
        // the file. If it fails, closing is what is left.
        drop(self.lock.unlock());
    }
}
