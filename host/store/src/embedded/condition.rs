//! How destinations are, and how the journal itself is.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use model::{Name, delivery::Condition};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    claim,
    database::prepare,
    deliveries,
    failure::{Result, unreadable},
};
use crate::{Error, journal::Health};

pub(super) fn all(connection: &Connection) -> Result<Vec<(Name, Name, Condition)>> {
    let mut query =
        prepare(connection, "SELECT project, destination, condition FROM conditions ORDER BY project, destination")?;
    let mut rows = query.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let condition = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
        let condition =
            serde_json::from_str(condition).map_err(|error| unreadable("the condition of a destination", error))?;
        all.push((deliveries::name(row, 0)?, deliveries::name(row, 1)?, condition));
    }
    Ok(all)
}

/// `condition` is JSON; none is how it is at first.
pub(super) fn put(connection: &Connection, project: &Name, destination: &Name, condition: Option<&str>) -> Result<()> {
    let Some(condition) = condition else {
        prepare(connection, "DELETE FROM conditions WHERE project = ?1 AND destination = ?2")?
            .execute([project.as_str(), destination.as_str()])?;
        return Ok(());
    };
    prepare(
        connection,
        "INSERT INTO conditions (project, destination, condition) VALUES (?1, ?2, ?3)
         ON CONFLICT (project, destination) DO UPDATE SET condition = excluded.condition",
    )?
    .execute(params![project.as_str(), destination.as_str(), condition])?;
    Ok(())
}

/// At the start: ends the leases of the process before, and finds out whether the end of the journal is lost, `mark` being
/// the last number that was written. New numbers go on after it, so that none is given twice. Returns how many are lost,
/// those before included that nobody took note of.
pub(super) fn recover(connection: &Connection, mark: u64) -> Result<u64> {
    let transaction = connection.unchecked_transaction()?;
    claim::end_leases(&transaction)?;
    let last: Option<u64> = transaction
        .query_row("SELECT seq FROM sqlite_sequence WHERE name = 'events'", [], |row| row.get(0))
        .optional()?;
    let lost = mark.saturating_sub(last.unwrap_or(0));
    if lost > 0 {
        match last {
            Some(_) => transaction.execute("UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'events'", [mark])?,
            None => transaction.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('events', ?1)", [mark])?,
        };
        transaction.execute("UPDATE state SET lost = lost + ?1", [lost])?;
    }
    let lost = transaction.query_row("SELECT lost FROM state", [], |row| row.get(0))?;
    transaction.commit()?;
    Ok(lost)
}

pub(super) fn acknowledge_loss(connection: &Connection) -> Result<()> {
    prepare(connection, "UPDATE state SET lost = 0")?.execute([])?;
    Ok(())
}

pub(super) fn probe(connection: &Connection) -> Result<()> {
    prepare(connection, "UPDATE state SET probes = probes + 1")?.execute([])?;
    Ok(())
}

/// What is known of the journal's health without looking into it.
#[derive(Debug, Default)]
pub(super) struct Watch {
    failing: Mutex<Option<String>>,
    lost: AtomicU64,
    given_up: AtomicU64,
}

impl Watch {
    pub(super) fn new(lost: u64) -> Self {
        let watch = Self::default();
        watch.set_lost(lost);
        watch
    }

    /// A group ended so.
    pub(super) fn group(&self, lost: Option<&Error>) {
        let failing = lost.map(|error| match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        });
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = failing;
    }

    pub(super) fn set_lost(&self, lost: u64) {
        self.lost.store(lost, Ordering::Relaxed);
    }

    pub(super) fn given_up(&self) {
        self.given_up.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn health(&self) -> Health {
        Health {
            failing: self.failing.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            lost: self.lost.load(Ordering::Relaxed),
            given_up: self.given_up.load(Ordering::Relaxed),
        }
    }
}
