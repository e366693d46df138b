//! What goes when its time is over, or when there is too much: looked for where it disturbs nobody, removed in small steps.

use std::{collections::HashSet, ops::ControlFlow};

use model::{EventId, Name, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params, types::Value};

use super::{
    accept::{body, count, remove_bodies, use_no_more},
    claim::forget_prepared,
    database::prepare,
    failure::Result,
    walk::{Order, Range, between, walk},
};
use crate::journal::{Retained, Retention};

/// Events that are removed in one operation, so that others do not wait long.
pub(super) const STEP: usize = 64;

/// What is to go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Goes {
    number: i64,
    id: EventId,
    /// The rest of the event stays.
    only_bodies: bool,
}

/// The oldest that are to go, at most so many.
pub(super) fn find(connection: &Connection, retention: &Retention, at_most: u32) -> Result<Vec<Goes>> {
    // One state of the file.
    let transaction = connection.unchecked_transaction()?;
    let mut finding = Finding { connection: &transaction, retention, at_most: at_most as usize, found: Vec::new() };
    finding.by_time()?;
    finding.by_size()?;
    finding.bodies()?;
    Ok(finding.found)
}

struct Finding<'a> {
    connection: &'a Connection,
    retention: &'a Retention,
    at_most: usize,
    found: Vec<Goes>,
}

impl Finding<'_> {
    fn by_time(&mut self) -> Result<()> {
        let Retention { project, route, before, unauthenticated_before, .. } = self.retention;
        if let Some(before) = before {
            self.gather(&by_route(project, route, &body::ALL, Some(*before)), false, |_| ControlFlow::Continue(()))?;
        }
        if let Some(before) = unauthenticated_before {
            let [low, high] = between((None, None), (None, Some(*before)));
            let range = Range {
                sql: "SELECT number, id, size FROM events INDEXED BY events_unauthenticated
                      WHERE id > ?1 AND id < ?2 AND project = ?3 AND route = ?4 AND authenticated = 0 ORDER BY id"
                    .to_owned(),
                values: vec![low, high, text(project), text(route)],
            };
            self.gather(&[range], false, |_| ControlFlow::Continue(()))?;
        }
        Ok(())
    }

    fn by_size(&mut self) -> Result<()> {
        let Retention { project, route, events, bytes, .. } = self.retention;
        if events.is_none() && bytes.is_none() {
            return Ok(());
        }
        let totals: Option<(u64, u64)> =
            prepare(self.connection, "SELECT events, bytes FROM totals WHERE project = ?1 AND route = ?2")?
                .query_row([project.as_str(), route.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
        let (mut kept_events, mut kept_bytes) = totals.unwrap_or_default();
        for gone in &self.found {
            let size: u64 = prepare(self.connection, "SELECT size FROM events WHERE number = ?1")?
                .query_row([gone.number], |row| row.get(0))?;
            kept_events = kept_events.saturating_sub(1);
            kept_bytes = kept_bytes.saturating_sub(size);
        }
        let (events, bytes) = (events.unwrap_or(u64::MAX), bytes.unwrap_or(u64::MAX));
        self.gather(&by_route(project, route, &body::ALL, None), false, move |size| {
            if kept_events <= events && kept_bytes <= bytes {
                return ControlFlow::Break(());
            }
            kept_events = kept_events.saturating_sub(1);
            kept_bytes = kept_bytes.saturating_sub(size);
            ControlFlow::Continue(())
        })
    }

    fn bodies(&mut self) -> Result<()> {
        let Retention { project, route, bodies_before, .. } = self.retention;
        let Some(before) = bodies_before else { return Ok(()) };
        self.gather(&by_route(project, route, &[body::KEPT], Some(*before)), true, |_| ControlFlow::Continue(()))
    }

    /// Those that may go, oldest first, while `goes` lets them, which is told the size of each.
    fn gather(
        &mut self,
        ranges: &[Range],
        only_bodies: bool,
        mut goes: impl FnMut(u64) -> ControlFlow<()>,
    ) -> Result<()> {
        if self.found.len() >= self.at_most {
            return Ok(());
        }
        let known: HashSet<i64> = self.found.iter().map(|gone| gone.number).collect();
        let read = |row: &rusqlite::Row<'_>| -> Result<(i64, EventId, u64)> {
            Ok((row.get(0)?, EventId::from_bytes(row.get(1)?), row.get(2)?))
        };
        let (connection, found, at_most) = (self.connection, &mut self.found, self.at_most);
        walk(connection, ranges, Order::OldestFirst, (read, |row: &(i64, EventId, u64)| row.1.to_bytes()), |row| {
            let (number, id, size) = row;
            if known.contains(&number) || stays(connection, id)? {
                return Ok(ControlFlow::Continue(()));
            }
            if goes(size).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            found.push(Goes { number, id, only_bodies });
            Ok(if found.len() >= at_most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
    }
}

fn by_route(project: &Name, route: &Name, bodies: &[u8], before: Option<Timestamp>) -> Vec<Range> {
    let [low, high] = between((None, None), (None, before));
    let of = |body: &u8| Range {
        sql: "SELECT number, id, size FROM events INDEXED BY events_by_route
              WHERE id > ?1 AND id < ?2 AND project = ?3 AND route = ?4 AND body = ?5 ORDER BY id"
            .to_owned(),
        values: vec![low.clone(), high.clone(), text(project), text(route), Value::Integer((*body).into())],
    };
    bodies.iter().map(of).collect()
}

fn text(name: &Name) -> Value {
    Value::Text(name.to_string())
}

/// Whether something still waits for the event: one of its deliveries, or one that is behind it in a lane.
fn stays(connection: &Connection, event: EventId) -> Result<bool> {
    Ok(prepare(
        connection,
        "SELECT 1 FROM deliveries AS own INDEXED BY deliveries_by_event
         WHERE event = ?1 AND (status = 0 OR (place = 0 AND EXISTS (
             SELECT 1 FROM deliveries AS behind INDEXED BY deliveries_in_lanes
             WHERE behind.project = own.project AND behind.destination = own.destination AND behind.lane = own.lane
             AND behind.place = 1)))
         LIMIT 1",
    )?
    .exists([event.to_bytes()])?)
}

/// Removes whatever of this is still to go. Also returns the numbers of these events.
pub(super) fn remove(connection: &Connection, going: &[Goes]) -> Result<(Retained, Vec<i64>)> {
    let (mut retained, mut gone) = (Retained::default(), Vec::new());
    for goes in going {
        let row: Option<u8> = prepare(connection, "SELECT body FROM events WHERE number = ?1 AND id = ?2")?
            .query_row(params![goes.number, goes.id.to_bytes()], |row| row.get(0))
            .optional()?;
        // Gone meanwhile, or sent again.
        let Some(body) = row else { continue };
        if stays(connection, goes.id)? {
            continue;
        }
        if body == body::KEPT {
            remove_bodies(connection, goes.number)?;
        }
        if goes.only_bodies {
            forget_all_prepared(connection, goes)?;
            retained.bodies += 1;
        } else {
            remove_event(connection, goes)?;
            retained.events += 1;
        }
        gone.push(goes.number);
    }
    Ok((retained, gone))
}

fn deliveries(connection: &Connection, event: EventId) -> Result<Vec<i64>> {
    let mut query =
        prepare(connection, "SELECT number FROM deliveries INDEXED BY deliveries_by_event WHERE event = ?1")?;
    let numbers = query.query_map([event.to_bytes()], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(numbers)
}

/// What was made for its destinations has the body in it.
fn forget_all_prepared(connection: &Connection, goes: &Goes) -> Result<()> {
    let mut bytes = 0;
    for delivery in deliveries(connection, goes.id)? {
        bytes += forget_prepared(connection, delivery)?;
    }
    if bytes == 0 {
        return Ok(());
    }
    let (project, route): (String, String) =
        prepare(connection, "SELECT project, route FROM events WHERE number = ?1")?
            .query_row([goes.number], |row| Ok((row.get(0)?, row.get(1)?)))?;
    count(connection, &project, &route, 0, -bytes)
}

/// Its bodies are gone already.
fn remove_event(connection: &Connection, goes: &Goes) -> Result<()> {
    for delivery in deliveries(connection, goes.id)? {
        prepare(connection, "DELETE FROM attempts WHERE delivery = ?1")?.execute([delivery])?;
    }
    forget_all_prepared(connection, goes)?;
    for delivery in deliveries(connection, goes.id)? {
        prepare(connection, "DELETE FROM deliveries WHERE number = ?1")?.execute([delivery])?;
    }
    let (project, route, size, ran): (String, String, i64, Option<i64>) =
        prepare(connection, "DELETE FROM events WHERE number = ?1 RETURNING project, route, size, ran")?
            .query_row([goes.number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    prepare(connection, "DELETE FROM contents WHERE event = ?1")?.execute([goes.number])?;
    prepare(connection, "DELETE FROM labels INDEXED BY labels_by_event WHERE project = ?1 AND id = ?2")?
        .execute(params![project, goes.id.to_bytes()])?;
    use_no_more(connection, ran)?;
    count(connection, &project, &route, -1, -size)
}

/// Every route that keeps something.
pub(super) fn routes(connection: &Connection) -> Result<Vec<(Name, Name)>> {
    let mut query = prepare(connection, "SELECT project, route FROM totals WHERE events > 0")?;
    let mut rows = query.query([])?;
    let mut routes = Vec::new();
    while let Some(row) = rows.next()? {
        routes.push((super::deliveries::name(row, 0)?, super::deliveries::name(row, 1)?));
    }
    Ok(routes)
}

/// Returns at most so many free pages to the disk; how many there still are.
pub(super) fn give_back(connection: &Connection, pages: u32) -> Result<u64> {
    if pages > 0 {
        let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
        let mut rows = vacuum.query([])?;
        // Each step gives one page back.
        while rows.next()?.is_some() {}
    }
    Ok(connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?)
}
