//! Lanes: deliveries of one destination that are made one after the other. One at a time is first, whether it is due, is
//! being made, or is dead and holds the lane; the others are behind it, in the order in which they were written.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    database::prepare,
    failure::{Result, unreadable},
};
use crate::journal::Unblocked;

pub(super) const FIRST: u8 = 0;
pub(super) const BEHIND: u8 = 1;

/// The place of one that comes into the lane now.
pub(super) fn place(connection: &Connection, project: &str, destination: &str, lane: &str) -> Result<u8> {
    let taken = prepare(
        connection,
        "SELECT 1 FROM deliveries INDEXED BY deliveries_in_lanes
         WHERE project = ?1 AND destination = ?2 AND lane = ?3 AND place = 0 LIMIT 1",
    )?
    .exists(params![project, destination, lane])?;
    Ok(if taken { BEHIND } else { FIRST })
}

/// Lets the next one of the lane be first, after the first one has left it. What it becomes due at is not before `now`.
pub(super) fn advance(
    connection: &Connection,
    (project, destination, lane): (&str, &str, &str),
    now: i64,
) -> Result<Option<Unblocked>> {
    let next = prepare(
        connection,
        "SELECT number FROM deliveries INDEXED BY deliveries_in_lanes
         WHERE project = ?1 AND destination = ?2 AND lane = ?3 AND place = 1 ORDER BY number LIMIT 1",
    )?
    .query_row(params![project, destination, lane], |row| row.get::<_, i64>(0))
    .optional()?;
    let Some(next) = next else { return Ok(None) };
    let (target, due): (String, u64) = prepare(
        connection,
        "UPDATE deliveries SET place = 0, due = max(coalesce(earliest, 0), ?2), earliest = NULL WHERE number = ?1
         RETURNING target, due",
    )?
    .query_row(params![next, now], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let target = target.parse().map_err(|error| unreadable("a delivery", error))?;
    Ok(Some(Unblocked { target, due: model::Timestamp::from_millis(due) }))
}
