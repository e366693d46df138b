//! `search.db`: where the words of events are. It is made from `events.db`, so it is made anew when anything is wrong with it,
//! and nobody who writes events waits for it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use model::EventId;
use rusqlite::{Connection, OptionalExtension as _};

use super::{
    database::{self, Survives, prepare},
    failure::Result,
    readers::Readers,
};
use crate::{Error, observe};

#[derive(Debug)]
pub(super) struct Search {
    path: PathBuf,
    survives: Survives,
    /// None if it could be neither opened nor made.
    open: RwLock<Option<Open>>,
    /// It did not read as it should.
    damaged: AtomicBool,
    /// Held by the one that indexes.
    indexing: Mutex<()>,
    lag: AtomicU64,
}

/// Dropped in this order, so that who writes tidies up.
#[derive(Debug)]
struct Open {
    readers: Readers,
    writing: Mutex<Writing>,
}

#[derive(Debug)]
struct Writing {
    connection: Connection,
    /// Up to this place it was looked whether events are still there.
    swept: i64,
}

impl Search {
    /// Never an obstacle: what is missing or damaged is made anew.
    pub(super) fn open(path: PathBuf, survives: Survives) -> Self {
        let open = match open(&path, survives) {
            Ok(open) => Some(open),
            Err(error) => anew(&path, survives, &error),
        };
        let open = RwLock::new(open);
        Self {
            path,
            survives,
            open,
            damaged: AtomicBool::new(false),
            indexing: Mutex::default(),
            lag: AtomicU64::new(0),
        }
    }

    /// Runs on the caller's thread.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> crate::Result<T> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let open = open.as_ref().ok_or_else(|| self.out_of_order())?;
        self.look_at(open.readers.with(read))
    }

    /// In a transaction, on the caller's thread.
    pub(super) fn write<T>(&self, write: impl FnOnce(&Connection, &mut i64) -> Result<T>) -> crate::Result<T> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let open = open.as_ref().ok_or_else(|| self.out_of_order())?;
        let mut writing = open.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let Writing { connection, swept } = &mut *writing;
        let write = || -> Result<T> {
            let transaction = connection.unchecked_transaction()?;
            let result = write(&transaction, swept)?;
            transaction.commit()?;
            Ok(result)
        };
        self.look_at(write().map_err(Error::from))
    }

    /// Takes note of damage, which `mend` then repairs.
    fn look_at<T>(&self, result: crate::Result<T>) -> crate::Result<T> {
        match result {
            Err(Error::Corrupt { what }) => {
                observe::search_damaged(&self.path, &what);
                self.damaged.store(true, Ordering::Relaxed);
                Err(self.out_of_order())
            }
            other => other,
        }
    }

    fn out_of_order(&self) -> Error {
        Error::unavailable(format!("`{}` is damaged and will be made anew: try again later", self.path.display()))
    }

    /// While this is held nobody else puts anything in.
    pub(super) fn alone(&self) -> MutexGuard<'_, ()> {
        self.indexing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes it anew if it is damaged.
    pub(super) fn mend(&self) {
        let gone = self.open.read().unwrap_or_else(PoisonError::into_inner).is_none();
        if gone || self.damaged.load(Ordering::Relaxed) {
            // If it cannot be made, those who use it say so.
            drop(self.forget());
        }
    }

    /// Makes it anew, with nothing in it.
    pub(super) fn forget(&self) -> crate::Result<()> {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        // All connections first: the last one that closes removes the log, which must not be that of the new file.
        *open = None;
        let made = remove(&self.path).and_then(|()| self::open(&self.path, self.survives));
        *open = Some(made?);
        self.damaged.store(false, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn set_lag(&self, lag: u64) {
        self.lag.store(lag, Ordering::Relaxed);
    }

    pub(super) fn lag(&self) -> u64 {
        self.lag.load(Ordering::Relaxed)
    }
}

fn open(path: &Path, survives: Survives) -> crate::Result<Open> {
    let connection = database::open(path, &database::SEARCH, survives)?.connection;
    let whole = || -> Result<()> {
        connection.query_row("SELECT looked FROM state", [], |_| Ok(()))?;
        for table in ["routes", "entries", "texts WHERE texts MATCH 'a'"] {
            connection.query_row(&format!("SELECT 1 FROM {table} LIMIT 1"), [], |_| Ok(())).optional()?;
        }
        Ok(())
    };
    whole()?;
    Ok(Open { readers: Readers::new(path.to_owned()), writing: Mutex::new(Writing { connection, swept: BEFORE_ALL }) })
}

/// Below every place.
pub(super) const BEFORE_ALL: i64 = -1;

fn anew(path: &Path, survives: Survives, problem: &Error) -> Option<Open> {
    observe::search_made_anew(path, problem);
    match remove(path).and_then(|()| open(path, survives)) {
        Ok(open) => Some(open),
        Err(error) => {
            observe::search_out_of_order(path, &error);
            None
        }
    }
}

fn remove(path: &Path) -> crate::Result<()> {
    for end in ["", "-wal", "-shm", "-journal"] {
        let mut file = path.as_os_str().to_owned();
        file.push(end);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let what = format!("cannot remove the file `{}`, which is to be made anew", Path::new(&file).display());
                return Err(Error::failed(what, error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Where an event with this id is put, or after it if others are there.
pub(super) fn place_of(id: EventId) -> i64 {
    let mut first = [0; 8];
    first.copy_from_slice(&id.to_bytes()[..8]);
    (u64::from_be_bytes(first) >> 1).cast_signed()
}

/// The first id that is put at the place or after it.
pub(super) fn id_at(place: i64) -> EventId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&(place.cast_unsigned() << 1).to_be_bytes());
    EventId::from_bytes(id)
}

/// Removes what is there of these events.
pub(super) fn remove_events(connection: &Connection, numbers: &[i64]) -> Result<u32> {
    let mut places = Vec::with_capacity(numbers.len());
    for number in numbers {
        let place: Option<i64> = prepare(connection, "SELECT place FROM entries WHERE number = ?1")?
            .query_row([number], |row| row.get(0))
            .optional()?;
        places.extend(place);
    }
    remove_places(connection, places)
}

pub(super) fn remove_places(connection: &Connection, mut places: Vec<i64>) -> Result<u32> {
    // What is not in this order is written piece by piece.
    places.sort_unstable();
    for place in &places {
        prepare(connection, "DELETE FROM texts WHERE rowid = ?1")?.execute([place])?;
        prepare(connection, "DELETE FROM entries WHERE place = ?1")?.execute([place])?;
    }
    Ok(u32::try_from(places.len()).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::*;

    #[test]
    fn places_are_in_the_order_of_ids() {
        let id = |time, random| EventId::new(Timestamp::from_millis(time), random);
        let ids = [id(0, 0), id(0, u128::MAX), id(1, 0), id(1, 1 << 70), id((1 << 48) - 1, u128::MAX)];
        let places = ids.map(place_of);
        assert!(places.is_sorted(), "{places:?}");
        assert_eq!((places[0], places[4]), (0, i64::MAX));
        for place in places {
            assert_eq!(place_of(id_at(place)), place);
        }
        assert!(ids.iter().all(|id| id_at(place_of(*id)) <= *id));
    }
}
