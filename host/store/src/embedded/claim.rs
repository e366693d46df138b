//! Leases: who makes an attempt, and what becomes of it. Whoever has an older fencing number than the delivery, or holds
//! one that was decided, is refused.

use bytes::Bytes;
use model::{Delivery, DeliveryId, Name, Timestamp, delivery::Status};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    accept::{count, ran, use_no_more, use_of},
    database::{millis, prepare},
    deliveries::{self, COLUMNS, Found},
    encoding::{checksum, head},
    failure::Result,
    lanes,
};
use crate::{
    Error,
    journal::{Backlog, Claim, Claimed, Lease, Next, Prepared, Settlement, Unblocked},
};

pub(super) fn claim(connection: &Connection, claim: &Claim) -> Result<Claimed> {
    let mut query = prepare(
        connection,
        &format!(
            "SELECT {COLUMNS} FROM deliveries INDEXED BY deliveries_due
             WHERE project = ?1 AND target = ?2 AND due IS NOT NULL ORDER BY due, number LIMIT ?3"
        ),
    )?;
    // One more than is taken tells when the next is due.
    let mut rows = query.query(params![claim.project.as_str(), claim.target.as_str(), u64::from(claim.at_most) + 1])?;
    let mut claimed = Claimed::default();
    let mut taken = Vec::new();
    while let Some(row) = rows.next()? {
        let Found { number, mut delivery, fence, .. } = Found::read(row)?;
        if claimed.leases.len() == claim.at_most as usize || delivery.due.is_some_and(|due| due > claim.now) {
            claimed.next = delivery.due;
            break;
        }
        delivery.due = Some(claim.until);
        claimed.leases.push(Lease { delivery, fence: fence + 1 });
        taken.push(number);
    }
    drop(rows);
    let mut lease = prepare(
        connection,
        "UPDATE deliveries SET leased = 1, fence = ?2, earliest = due, due = ?3 WHERE number = ?1",
    )?;
    for (number, Lease { fence, .. }) in taken.iter().zip(&claimed.leases) {
        lease.execute(params![number, fence, millis(claim.until)])?;
    }
    Ok(claimed)
}

/// Of a process that is gone: what it held is due as it was before.
pub(super) fn end_leases(connection: &Connection) -> Result<()> {
    prepare(
        connection,
        "UPDATE deliveries INDEXED BY deliveries_leased
         SET leased = 0, fence = fence + 1, due = coalesce(earliest, due), earliest = NULL WHERE leased = 1",
    )?
    .execute([])?;
    Ok(())
}

/// What is held under this lease.
fn held(connection: &Connection, id: DeliveryId, fence: u64) -> Result<Found> {
    let found = deliveries::one(connection, id)?;
    let held = found.filter(|found| found.leased && found.fence == fence && found.delivery.status == Status::Waiting);
    held.ok_or_else(|| Error::Late { delivery: id }.into())
}

/// `attempt` is the settlement's, as JSON; of a delivery at most so many are kept.
pub(super) fn conclude(
    connection: &Connection,
    settlement: &Settlement,
    attempt: Option<&str>,
    attempts_most: u32,
) -> Result<Option<Unblocked>> {
    let held = held(connection, settlement.delivery, settlement.fence)?;
    if let Some(attempt) = attempt {
        prepare(connection, "INSERT INTO attempts (delivery, attempt) VALUES (?1, ?2)")?
            .execute(params![held.number, attempt])?;
        prepare(
            connection,
            "DELETE FROM attempts WHERE number = (SELECT number FROM attempts INDEXED BY attempts_by_delivery
             WHERE delivery = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute(params![held.number, attempts_most])?;
    }
    let made = held.delivery.attempts + u32::from(attempt.is_some());
    let decided = match &settlement.next {
        Next::Retry { due, target, attempts, reason } => {
            prepare(
                connection,
                "UPDATE deliveries SET attempts = ?2, due = ?3, earliest = NULL, leased = 0, target = ?4, reason = ?5
                 WHERE number = ?1",
            )?
            .execute(params![held.number, attempts, millis(*due), target.as_str(), reason])?;
            return Ok(None);
        }
        Next::Delivered => Decided { status: Status::Delivered, attempts: made, reason: None, holds: false },
        Next::Dead { attempts, reason, holds_lane } => {
            Decided { status: Status::Dead, attempts: *attempts, reason: Some(reason), holds: *holds_lane }
        }
        Next::Cancelled { reason } => {
            Decided { status: Status::Cancelled, attempts: made, reason: Some(reason), holds: false }
        }
    };
    decide(connection, &held, &decided, settlement.now)
}

/// How a delivery ended.
struct Decided<'a> {
    status: Status,
    attempts: u32,
    reason: Option<&'a str>,
    /// Whether it stays the first of its lane.
    holds: bool,
}

fn decide(connection: &Connection, found: &Found, decided: &Decided<'_>, now: Timestamp) -> Result<Option<Unblocked>> {
    let place = found.place.filter(|_| decided.holds);
    prepare(
        connection,
        "UPDATE deliveries SET status = ?2, attempts = ?3, reason = ?4, place = ?5, due = NULL, earliest = NULL, leased = 0
         WHERE number = ?1",
    )?
    .execute(params![found.number, decided.status as u8, decided.attempts, decided.reason, place])?;
    let Delivery { project, destination, lane, .. } = &found.delivery;
    match lane {
        Some(lane) if found.place == Some(lanes::FIRST) && place.is_none() => {
            lanes::advance(connection, (project.as_str(), destination.as_str(), lane), millis(now))
        }
        _ => Ok(None),
    }
}

/// Also one that is dead, if others wait behind it.
pub(super) fn cancel(
    connection: &Connection,
    project: &Name,
    id: DeliveryId,
    reason: &str,
    now: Timestamp,
) -> Result<bool> {
    let found = deliveries::one(connection, id)?.filter(|found| found.delivery.project == *project);
    let Some(found) = found else {
        return Err(Error::NotFound { what: format!("delivery `{id}` of project `{project}`") }.into());
    };
    let Delivery { status, attempts, .. } = found.delivery;
    let open = status == Status::Waiting || (status == Status::Dead && found.place.is_some());
    if open {
        let decided = Decided { status: Status::Cancelled, attempts, reason: Some(reason), holds: false };
        decide(connection, &found, &decided, now)?;
    }
    Ok(open)
}

/// What a destination's filters made, as it goes into the columns.
#[derive(Debug)]
pub(super) struct Making {
    head: Vec<u8>,
    body: Option<Bytes>,
    runs: String,
    checksum: u32,
    ran: Option<Vec<u8>>,
}

impl Making {
    pub(super) fn new(delivery: DeliveryId, prepared: Prepared) -> Self {
        let (head, runs) = (head(&prepared.made), serde_json::to_string(&prepared.runs).expect("runs are JSON"));
        let body = prepared.made.body;
        let checksum = prepared_checksum(delivery, &head, body.as_deref(), &runs);
        Self { head, body, runs, checksum, ran: ran(&prepared.runs) }
    }
}

pub(super) fn prepared_checksum(delivery: DeliveryId, head: &[u8], body: Option<&[u8]>, runs: &str) -> u32 {
    checksum([Some(&delivery.to_bytes()[..]), Some(head), body, Some(runs.as_bytes())])
}

/// In the place of what was kept before.
pub(super) fn keep_prepared(connection: &Connection, id: DeliveryId, fence: u64, making: &Making) -> Result<()> {
    let Found { number, delivery, .. } = held(connection, id, fence)?;
    let Delivery { project, route, .. } = delivery;
    insert_prepared(connection, number, (project.as_str(), route.as_str()), making)
}

/// For the delivery with this number.
pub(super) fn insert_prepared(
    connection: &Connection,
    number: i64,
    (project, route): (&str, &str),
    making: &Making,
) -> Result<()> {
    let before = forget_prepared(connection, number)?;
    let ran = making.ran.as_ref().map(|ran| use_of(connection, project, ran)).transpose()?;
    prepare(
        connection,
        "INSERT INTO prepared (delivery, head, body, runs, checksum, ran) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![number, making.head, making.body.as_deref(), making.runs, making.checksum, ran])?;
    let bytes = making.head.len() + making.body.as_ref().map_or(0, Bytes::len);
    count(connection, project, route, 0, i64::try_from(bytes).unwrap_or(i64::MAX) - before)
}

/// How many bytes there were.
pub(super) fn forget_prepared(connection: &Connection, delivery: i64) -> Result<i64> {
    let found: Option<(i64, Option<i64>)> =
        prepare(connection, "SELECT length(head) + coalesce(length(body), 0), ran FROM prepared WHERE delivery = ?1")?
            .query_row([delivery], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
    let Some((bytes, ran)) = found else { return Ok(0) };
    prepare(connection, "DELETE FROM prepared WHERE delivery = ?1")?.execute([delivery])?;
    use_no_more(connection, ran)?;
    Ok(bytes)
}

/// From each destination to the next, past all that waits for it.
pub(super) fn backlogs(connection: &Connection) -> Result<Vec<Backlog>> {
    let mut here = prepare(
        connection,
        "SELECT project, target, due FROM deliveries INDEXED BY deliveries_due
         WHERE due IS NOT NULL AND project = ?1 AND target > ?2 ORDER BY target, due LIMIT 1",
    )?;
    // A comparison of both at once would go through all of the project.
    let mut beyond = prepare(
        connection,
        "SELECT project, target, due FROM deliveries INDEXED BY deliveries_due
         WHERE due IS NOT NULL AND project > ?1 ORDER BY project, target, due LIMIT 1",
    )?;
    let read = |row: Option<&rusqlite::Row<'_>>| -> Result<Option<Backlog>> {
        let Some(row) = row else { return Ok(None) };
        let next = Timestamp::from_millis(row.get(2)?);
        Ok(Some(Backlog { project: deliveries::name(row, 0)?, target: deliveries::name(row, 1)?, next }))
    };
    let mut backlogs: Vec<Backlog> = Vec::new();
    loop {
        let (project, target) = backlogs.last().map_or(("", ""), |last| (last.project.as_str(), last.target.as_str()));
        let next = match read(here.query([project, target])?.next()?)? {
            Some(next) => Some(next),
            None => read(beyond.query([project])?.next()?)?,
        };
        match next {
            Some(next) => backlogs.push(next),
            None => return Ok(backlogs),
        }
    }
}
