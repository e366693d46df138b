//! Sending again what was decided, and at once what waits.

use std::{collections::BTreeSet, time::Duration};

use model::{
    DeliveryId, Name, Timestamp,
    delivery::{Status, Wanted},
};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    accept::body,
    database::{millis, prepare},
    deliveries::{self, Found},
    failure::Result,
    lanes,
    walk::Bounds,
};
use crate::journal::Redriven;

pub(super) fn redrive(
    connection: &Connection,
    project: &Name,
    wanted: &Wanted,
    after: Option<DeliveryId>,
    (from, pause_ms): (Timestamp, u64),
    bounds: Bounds,
) -> Result<Redriven> {
    let page = deliveries::page_after(connection, project, wanted, after, bounds)?;
    let mut redriven = Redriven { deliveries: 0, next: page.next, targets: Vec::new() };
    let (mut due, mut targets) = (from, BTreeSet::new());
    for found in page.entries {
        if !can_be_sent(connection, &found)? {
            continue;
        }
        let target = if found.delivery.status == Status::Waiting {
            hasten(connection, &found, from)?.then_some(found.delivery.target)
        } else {
            let is_due = again(connection, &found, due)?;
            due = due.after(Duration::from_millis(pause_ms));
            redriven.deliveries += 1;
            targets.extend(is_due.then_some(found.delivery.destination));
            continue;
        };
        redriven.deliveries += u64::from(target.is_some());
        targets.extend(target);
    }
    redriven.targets = targets.into_iter().collect();
    Ok(redriven)
}

/// Whether the event is still there, and its bodies if it had some.
fn can_be_sent(connection: &Connection, found: &Found) -> Result<bool> {
    let delivery = &found.delivery;
    let body: Option<u8> = prepare(connection, "SELECT body FROM events WHERE project = ?1 AND id = ?2")?
        .query_row(params![delivery.project.as_str(), delivery.event.to_bytes()], |row| row.get(0))
        .optional()?;
    Ok(body.is_some_and(|body| body != body::REMOVED))
}

/// Makes one that waits for its time due; false if it is being made, waits for another one, or is due before.
fn hasten(connection: &Connection, found: &Found, from: Timestamp) -> Result<bool> {
    let waits = !found.leased && found.delivery.due.is_some_and(|due| due > from);
    if waits {
        prepare(connection, "UPDATE deliveries SET due = ?2 WHERE number = ?1")?
            .execute(params![found.number, millis(from)])?;
    }
    Ok(waits)
}

/// Begins anew with one that is decided; false if it has to wait for another one of its lane.
fn again(connection: &Connection, found: &Found, due: Timestamp) -> Result<bool> {
    let delivery = &found.delivery;
    let place = match (&delivery.lane, found.place) {
        // It held the lane all the time.
        (Some(_), Some(place)) => Some(place),
        (Some(lane), None) => {
            Some(lanes::place(connection, delivery.project.as_str(), delivery.destination.as_str(), lane)?)
        }
        (None, _) => None,
    };
    let behind = place == Some(lanes::BEHIND);
    let (due, earliest) = if behind { (None, Some(millis(due))) } else { (Some(millis(due)), None) };
    prepare(
        connection,
        "UPDATE deliveries SET status = 0, attempts = 0, target = destination, due = ?2, earliest = ?3, place = ?4,
         reason = NULL, fence = fence + 1 WHERE number = ?1",
    )?
    .execute(params![found.number, due, earliest, place])?;
    Ok(!behind)
}
