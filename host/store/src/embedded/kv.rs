//! What filters keep, on SQLite: single statements, and the steps of what reads before it writes.

use std::sync::Arc;

use bytes::Bytes;
use model::{EventId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{database::millis, failure::Result};
use crate::{
    Error,
    journal::{Limits, Scope},
};

const VALUE: u8 = 0;
const RESERVED: u8 = 1;
/// Keys that are removed at once to make room.
const SLICE: u32 = 1_000;

/// A key with the scope that it is in, as columns.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) project: Box<str>,
    place: Box<str>,
    key: Box<str>,
}

impl Key {
    /// Names hold no slash, so that no two scopes have the same place.
    pub(super) fn new(limits: &Limits, scope: Scope<'_>, key: &str) -> crate::Result<Self> {
        if key.is_empty() {
            return Err(Error::Invalid { problem: "a key is empty: give it at least one byte".to_owned() });
        }
        if key.len() > limits.key_bytes {
            return Err(Error::Limit { what: "bytes in a key".to_owned(), most: limits.key_bytes as u64 });
        }
        Ok(Self {
            project: scope.project.into(),
            place: [scope.route, "/", scope.filter, "/", scope.namespace].concat().into(),
            key: key.into(),
        })
    }
}

pub(super) fn check_value(limits: &Limits, value: &[u8]) -> crate::Result<()> {
    if value.len() > limits.value_bytes {
        return Err(Error::Limit { what: "bytes in a value".to_owned(), most: limits.value_bytes as u64 });
    }
    Ok(())
}

pub(super) fn get(connection: &Connection, key: &Key, now: Timestamp) -> Result<Option<Bytes>> {
    Ok(find(connection, key, now)?.map(|(value, _)| value))
}

fn find(connection: &Connection, key: &Key, now: Timestamp) -> Result<Option<(Bytes, Option<u64>)>> {
    let mut query = connection.prepare_cached(
        "SELECT value, expires FROM kv WHERE project = ?1 AND place = ?2 AND kind = ?3 AND key = ?4
         AND (expires IS NULL OR expires > ?5)",
    )?;
    let found = query.query_row(params![key.project, key.place, VALUE, key.key, millis(now)], |row| {
        Ok((Bytes::copy_from_slice(row.get_ref(0)?.as_blob()?), row.get(1)?))
    });
    Ok(found.optional()?)
}

pub(super) fn set(
    connection: &Connection,
    limits: &Limits,
    key: &Key,
    value: &[u8],
    expires: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    let there = {
        let mut query = connection
            .prepare_cached("SELECT 1 FROM kv WHERE project = ?1 AND place = ?2 AND kind = ?3 AND key = ?4")?;
        query.exists(params![key.project, key.place, VALUE, key.key])?
    };
    if !there {
        make_room(connection, limits, &key.project, 0, now)?;
    }
    put(connection, key, VALUE, value, expires)
}

pub(super) fn delete(connection: &Connection, key: &Key) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM kv WHERE project = ?1 AND place = ?2 AND kind = ?3 AND key = ?4")?
        .execute(params![key.project, key.place, VALUE, key.key])?;
    Ok(())
}

pub(super) fn increment(
    connection: &Connection,
    limits: &Limits,
    key: &Key,
    delta: i64,
    expires: Option<Timestamp>,
    now: Timestamp,
) -> Result<i64> {
    let (before, expires) = match find(connection, key, now)? {
        Some((value, kept)) => {
            let number = std::str::from_utf8(&value).ok().and_then(|text| text.parse::<i64>().ok());
            let problem = || format!("the value of `{}` is no number, it cannot be incremented", key.key);
            (number.ok_or_else(|| Error::Invalid { problem: problem() })?, kept.map(Timestamp::from_millis))
        }
        None => (0, expires),
    };
    let problem = || format!("the counter `{}` is {before}, adding {delta} leaves 64 bits", key.key);
    let after = before.checked_add(delta).ok_or_else(|| Error::Invalid { problem: problem() })?;
    set(connection, limits, key, after.to_string().as_bytes(), expires, now)?;
    Ok(after)
}

pub(super) fn compare_and_swap(
    connection: &Connection,
    limits: &Limits,
    key: &Key,
    (expected, value): (Option<&[u8]>, &[u8]),
    expires: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool> {
    let found = get(connection, key, now)?;
    if found.as_deref() != expected {
        return Ok(false);
    }
    set(connection, limits, key, value, expires, now)?;
    Ok(true)
}

/// Whether an accepted event has the key, and how many keys the project has.
pub(super) fn known(connection: &Connection, key: &Key, now: Timestamp) -> Result<(bool, u64)> {
    let mut query = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM kv WHERE project = ?1 AND place = ?2 AND kind = ?3 AND key = ?4 AND expires > ?5),
                coalesce((SELECT keys FROM kv_counts WHERE project = ?1), 0)",
    )?;
    let row = query.query_row(params![key.project, key.place, RESERVED, key.key, millis(now)], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(row)
}

/// What an accepted event reserved. Past any limit, since the event is accepted: reserving looked at them.
pub(super) fn commit(connection: &Connection, event: EventId, keys: &[(Arc<Key>, Timestamp)]) -> Result<()> {
    let event = event.to_string();
    for (key, expires) in keys {
        put(connection, key, RESERVED, event.as_bytes(), Some(*expires))?;
    }
    Ok(())
}

fn put(connection: &Connection, key: &Key, kind: u8, value: &[u8], expires: Option<Timestamp>) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO kv (project, place, kind, key, value, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (project, place, kind, key) DO UPDATE SET value = excluded.value, expires = excluded.expires",
        )?
        .execute(params![key.project, key.place, kind, key.key, value, expires.map(millis)])?;
    Ok(())
}

/// Sees to it that the project can take one more key beside the `held` ones, removing some whose time is over if that
/// is what it takes.
pub(super) fn make_room(
    connection: &Connection,
    limits: &Limits,
    project: &str,
    held: u64,
    now: Timestamp,
) -> Result<()> {
    let full = || -> Result<bool> {
        let mut query = connection.prepare_cached("SELECT keys FROM kv_counts WHERE project = ?1")?;
        let keys: Option<u64> = query.query_row([project], |row| row.get(0)).optional()?;
        Ok(keys.unwrap_or(0).saturating_add(held) >= limits.keys)
    };
    if full()? {
        connection
            .prepare_cached(
                "DELETE FROM kv WHERE (project, place, kind, key) IN
                 (SELECT project, place, kind, key FROM kv WHERE project = ?1 AND expires <= ?2 LIMIT ?3)",
            )?
            .execute(params![project, millis(now), SLICE])?;
        if full()? {
            let what = format!("keys kept by filters of project `{project}`");
            return Err(Error::Limit { what, most: limits.keys }.into());
        }
    }
    Ok(())
}

/// How many it removed.
pub(super) fn expire(connection: &Connection, now: Timestamp, at_most: u32) -> Result<u32> {
    let mut delete = connection.prepare_cached(
        "DELETE FROM kv WHERE (project, place, kind, key) IN
         (SELECT kv.project, place, kind, key FROM kv_counts CROSS JOIN kv
          WHERE kv.project = kv_counts.project AND expires <= ?1 LIMIT ?2)",
    )?;
    let rows = delete.execute(params![millis(now), at_most])?;
    Ok(u32::try_from(rows).unwrap_or(u32::MAX))
}
