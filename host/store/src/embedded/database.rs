//! One SQLite file: how it is opened, known as ours, and brought to the newest schema.

use std::{
    fs::File,
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use model::Timestamp;
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags, config::DbConfig, params};

use super::failure::{Failure, Result};
use crate::{Error, observe};

/// What a file is for: its mark in the file's head, and its migrations, each applied once, in order.
#[derive(Debug)]
pub(super) struct Kind {
    mark: i32,
    migrations: &'static [&'static str],
}

pub(super) const CONTROL: Kind = Kind {
    mark: i32::from_be_bytes(*b"SHKc"),
    migrations: &[include_str!("schema/control-1.sql"), include_str!("schema/control-2.sql")],
};
pub(super) const EVENTS: Kind = Kind {
    mark: i32::from_be_bytes(*b"SHKe"),
    migrations: &[include_str!("schema/events-1.sql"), include_str!("schema/events-2.sql")],
};
pub(super) const SEARCH: Kind =
    Kind { mark: i32::from_be_bytes(*b"SHKs"), migrations: &[include_str!("schema/search-1.sql")] };

/// An open file at the newest schema, and its connection for writing.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) path: PathBuf,
    pub(super) connection: Connection,
}

/// Pages that the writer keeps in memory; a group that changes more than these is written twice.
const CACHE_KIB: i64 = 32 << 10;

/// How long a connection waits for another one; only at the end of a host's life is there one to wait for.
const BUSY: Duration = Duration::from_secs(5);

/// The end of what a commit survives: for that of the machine it waits until it is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Survives {
    Machine,
    /// That of the machine too, but the newest commits may be gone then.
    MachineLater,
    #[cfg(any(test, feature = "contract"))]
    Process,
}

pub(super) fn open(path: &Path, kind: &Kind, survives: Survives) -> crate::Result<Database> {
    create(path).map_err(|error| Error::failed(format!("cannot make the file `{}`", path.display()), error))?;
    let connect = || -> Result<Connection> {
        let connection =
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(128);
        let fresh = identify(&connection, path, kind)?;
        if fresh {
            // Must come before the first table, so that retention can give pages back.
            connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        }
        let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        if mode != "wal" {
            let problem = format!("the disk of `{}` allows no write-ahead log (mode {mode})", path.display());
            return Err(Error::unavailable(problem).into());
        }
        let synchronous = match survives {
            Survives::Machine => "FULL",
            Survives::MachineLater => "NORMAL",
            #[cfg(any(test, feature = "contract"))]
            Survives::Process => "OFF",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        // What a savepoint would undo: in memory, or it goes through a file for each operation.
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        harden(&connection)?;
        migrate(&connection, path, kind)?;
        Ok(connection)
    };
    let connection = connect().map_err(|failure| match Error::from(failure) {
        Error::Unavailable { what, source: Some(source) } => {
            Error::Unavailable { what: format!("cannot open `{}`: {what}", path.display()), source: Some(source) }
        }
        Error::Corrupt { what } => Error::corrupt(format!("`{}`: {what}", path.display())),
        other => other,
    })?;
    Ok(Database { path: path.to_owned(), connection })
}

/// A connection that sees what is committed and cannot write.
pub(super) fn open_reader(path: &Path) -> Result<Connection> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    harden(&connection)?;
    Ok(connection)
}

/// No schema of others does anything, and no plan depends on the values that are bound: else a statement with a bound limit
/// would be planned anew each time.
fn harden(connection: &Connection) -> Result<()> {
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// A statement that stays prepared. Through here, so that tests can look at the plans of all of them.
pub(super) fn prepare<'a>(connection: &'a Connection, sql: &str) -> rusqlite::Result<CachedStatement<'a>> {
    #[cfg(test)]
    super::tests::plans::remember(connection, sql);
    connection.prepare_cached(sql)
}

/// A time as a column; one past what the column holds is as good as never.
pub(super) fn millis(time: Timestamp) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// SQLite gives its other files the permissions of the first one.
fn create(path: &Path) -> io::Result<()> {
    match File::options().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// True if the file is empty; an error if it is not ours.
fn identify(connection: &Connection, path: &Path, kind: &Kind) -> Result<bool> {
    let foreign = || {
        Failure::from(Error::unavailable(format!(
            "`{}` was written by another program: move it away, or name another folder",
            path.display()
        )))
    };
    let mark = connection.pragma_query_value(None, "application_id", |row| row.get::<_, i32>(0));
    let tables = || connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, u64>(0));
    match mark {
        Ok(mark) if mark == kind.mark => Ok(false),
        Ok(0) if tables()? == 0 => Ok(true),
        Ok(_) => Err(foreign()),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => Err(foreign()),
        Err(error) => Err(error.into()),
    }
}

fn migrate(connection: &Connection, path: &Path, kind: &Kind) -> Result<()> {
    let first = connection.unchecked_transaction()?;
    first.pragma_update(None, "application_id", kind.mark)?;
    first.execute_batch(
        "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, applied INTEGER NOT NULL) STRICT",
    )?;
    first.commit()?;
    let done: u32 = connection.query_row("SELECT coalesce(max(number), 0) FROM migrations", [], |row| row.get(0))?;
    let known = u32::try_from(kind.migrations.len()).expect("a handful");
    if done > known {
        return Err(Error::unavailable(format!(
            "`{}` was written by a newer version of this program (schema {done}, this one knows {known}): start that \
             version, or restore a backup from before",
            path.display()
        ))
        .into());
    }
    for (number, sql) in (1..).zip(kind.migrations).skip(done as usize) {
        let transaction = connection.unchecked_transaction()?;
        transaction.execute_batch(sql)?;
        let now = Timestamp::now().as_millis();
        transaction.execute("INSERT INTO migrations (number, applied) VALUES (?1, ?2)", params![number, now])?;
        transaction.commit()?;
        observe::migrated(path, number);
    }
    Ok(())
}
