//! Reading deliveries: one, a page of them, how many there are.

use std::ops::ControlFlow;

use model::{
    Delivery, DeliveryId, EventId, Name, Timestamp,
    delivery::{Attempt, Status, Wanted},
};
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter, types::Value};

use super::{
    database::prepare,
    events,
    failure::{Result, unreadable},
    walk::{self, Bounds, Order, Range, between},
};
use crate::journal::Page;

/// What `Found` is read from.
pub(super) const COLUMNS: &str = "number, id, event, project, route, destination, target, status, attempts, due, leased, \
                                  fence, lane, place, replay, reason";

/// A delivery with what only the store knows about it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) number: i64,
    pub(super) delivery: Delivery,
    pub(super) leased: bool,
    pub(super) fence: u64,
    pub(super) place: Option<u8>,
}

impl Found {
    pub(super) fn read(row: &Row<'_>) -> Result<Self> {
        let id = DeliveryId::from_bytes(row.get(1)?);
        Ok(Self {
            number: row.get(0)?,
            leased: row.get(10)?,
            fence: row.get(11)?,
            place: row.get(13)?,
            delivery: Delivery {
                id,
                event: EventId::from_bytes(row.get(2)?),
                project: name(row, 3)?,
                route: name(row, 4)?,
                destination: name(row, 5)?,
                target: name(row, 6)?,
                status: status(row, 7)?,
                attempts: row.get(8)?,
                due: row.get::<_, Option<u64>>(9)?.map(Timestamp::from_millis),
                under_way: row.get(10)?,
                lane: row.get(12)?,
                replay: row.get(14)?,
                created: id.time(),
                reason: row.get(15)?,
            },
        })
    }
}

pub(super) fn name(row: &Row<'_>, column: usize) -> Result<Name> {
    let text = row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?;
    text.parse().map_err(|error| unreadable("a name", error))
}

fn status(row: &Row<'_>, column: usize) -> Result<Status> {
    let number: u8 = row.get(column)?;
    let status = Status::ALL.get(usize::from(number)).copied();
    status.ok_or_else(|| unreadable("a delivery", format_args!("its status is {number}")))
}

pub(super) fn one(connection: &Connection, id: DeliveryId) -> Result<Option<Found>> {
    let mut query = prepare(connection, &format!("SELECT {COLUMNS} FROM deliveries WHERE id = ?1"))?;
    let mut rows = query.query([id.to_bytes()])?;
    rows.next()?.map(Found::read).transpose()
}

/// Oldest first.
pub(super) fn attempts(connection: &Connection, number: i64) -> Result<Vec<Attempt>> {
    let mut query = prepare(connection, "SELECT attempt FROM attempts WHERE delivery = ?1 ORDER BY number")?;
    let mut rows = query.query([number])?;
    let mut attempts = Vec::new();
    while let Some(row) = rows.next()? {
        let attempt = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        attempts.push(serde_json::from_str(attempt).map_err(|error| unreadable("an attempt", error))?);
    }
    Ok(attempts)
}

/// Newest first.
pub(super) fn page(
    connection: &Connection,
    project: &Name,
    wanted: &Wanted,
    before: Option<DeliveryId>,
    bounds: Bounds,
) -> Result<Page<Delivery, DeliveryId>> {
    let ids = between((None, before.map(DeliveryId::to_bytes)), (wanted.from, wanted.until));
    let ranges = ranges(COLUMNS, project, wanted, &ids, Order::NewestFirst);
    let read = (Found::read, |found: &Found| found.delivery.id);
    walk::page(connection, &ranges, Order::NewestFirst, read, DeliveryId::to_bytes, bounds, |found| {
        Ok(takes(connection, project, wanted, &found.delivery)?.then_some(found.delivery))
    })
}

/// Oldest first.
pub(super) fn page_after(
    connection: &Connection,
    project: &Name,
    wanted: &Wanted,
    after: Option<DeliveryId>,
    bounds: Bounds,
) -> Result<Page<Found, DeliveryId>> {
    let ids = between((after.map(DeliveryId::to_bytes), None), (wanted.from, wanted.until));
    let ranges = ranges(COLUMNS, project, wanted, &ids, Order::OldestFirst);
    let read = (Found::read, |found: &Found| found.delivery.id);
    walk::page(connection, &ranges, Order::OldestFirst, read, DeliveryId::to_bytes, bounds, |found| {
        Ok(takes(connection, project, wanted, &found.delivery)?.then_some(found))
    })
}

fn takes(connection: &Connection, project: &Name, wanted: &Wanted, delivery: &Delivery) -> Result<bool> {
    Ok(delivery.project == *project
        && wanted.takes(delivery)
        && (wanted.label.is_none() && wanted.header.is_none()
            || events::has(connection, project, delivery.event, wanted.label.as_ref(), wanted.header.as_ref())?))
}

pub(super) fn count(connection: &Connection, project: &Name, wanted: &Wanted) -> Result<u64> {
    let ids = between((None, None), (wanted.from, wanted.until));
    let mut counted = 0;
    if wanted.label.is_some() || wanted.header.is_some() {
        let ranges = ranges(COLUMNS, project, wanted, &ids, Order::OldestFirst);
        let read = (Found::read, |found: &Found| found.delivery.id.to_bytes());
        walk::walk(connection, &ranges, Order::OldestFirst, read, |found| {
            counted += u64::from(takes(connection, project, wanted, &found.delivery)?);
            Ok(ControlFlow::Continue(()))
        })?;
        return Ok(counted);
    }
    for range in ranges("count(*)", project, wanted, &ids, Order::OldestFirst) {
        // What the range itself does not see to.
        let sql = format!(
            "{} AND project = ?6 AND (?7 IS NULL OR route = ?7) AND (?8 IS NULL OR destination = ?8)
             AND (?9 IS NULL OR status = ?9)",
            range.sql.split(" ORDER BY ").next().unwrap_or_default(),
        );
        let mut values = range.values;
        values.resize(5, Value::Null);
        let text = |name: Option<&Name>| name.map_or(Value::Null, |name| Value::Text(name.to_string()));
        values.extend([
            text(Some(project)),
            text(wanted.route.as_ref()),
            text(wanted.destination.as_ref()),
            wanted.status.map_or(Value::Null, number),
        ]);
        let mut query = prepare(connection, &sql)?;
        counted += query.query_row(params_from_iter(values), |row| row.get::<_, u64>(0))?;
    }
    Ok(counted)
}

fn number(status: Status) -> Value {
    Value::Integer(status as i64)
}

/// The ranges that hold what is wanted and as little else as an index can see to.
fn ranges(columns: &str, project: &Name, wanted: &Wanted, ids: &[Value; 2], order: Order) -> Vec<Range> {
    let range = |index: &str, keys: &[&str], values: Vec<Value>| {
        let keys: Vec<String> = (3..).zip(keys).map(|(number, key)| format!("{key} = ?{number}")).collect();
        Range {
            sql: format!(
                "SELECT {columns} FROM deliveries INDEXED BY {index} WHERE id > ?1 AND id < ?2 AND {} ORDER BY id {}",
                keys.join(" AND "),
                order.sql()
            ),
            values: ids.iter().cloned().chain(values).collect(),
        }
    };
    let text = |name: &Name| Value::Text(name.to_string());
    if let Some(id) = wanted.id {
        return vec![range("sqlite_autoindex_deliveries_1", &["id"], vec![Value::Blob(id.to_bytes().into())])];
    }
    let statuses = wanted.status.as_ref().map_or(&Status::ALL[..], std::slice::from_ref);
    if let Some(event) = wanted.event {
        return vec![range("deliveries_by_event", &["event"], vec![Value::Blob(event.to_bytes().into())])];
    }
    if let Some(destination) = &wanted.destination {
        let keys = ["project", "destination", "status"];
        let of = |status: &Status| vec![text(project), text(destination), number(*status)];
        return statuses.iter().map(|status| range("deliveries_by_destination", &keys, of(status))).collect();
    }
    // Most are delivered: of these the route is rarer, of all others the status.
    if let (Some(route), None | Some(Status::Delivered)) = (&wanted.route, wanted.status) {
        return vec![range("deliveries_by_route", &["project", "route"], vec![text(project), text(route)])];
    }
    let of = |status: &Status| vec![text(project), number(*status)];
    statuses.iter().map(|status| range("deliveries_by_status", &["project", "status"], of(status))).collect()
}

/// How many deliveries an event has in each status.
pub(super) fn by_status(connection: &Connection, event: EventId) -> Result<[u32; 4]> {
    let mut query =
        prepare(connection, "SELECT status FROM deliveries INDEXED BY deliveries_by_event WHERE event = ?1")?;
    let mut rows = query.query([event.to_bytes()])?;
    let mut counts = [0; 4];
    while let Some(row) = rows.next()? {
        counts[status(row, 0)? as usize] += 1;
    }
    Ok(counts)
}

/// Whether the event has a delivery to this destination and in this status.
pub(super) fn has(
    connection: &Connection,
    event: EventId,
    destination: Option<&Name>,
    status: Option<Status>,
) -> Result<bool> {
    let found = prepare(
        connection,
        "SELECT 1 FROM deliveries INDEXED BY deliveries_by_event WHERE event = ?1
         AND (?2 IS NULL OR destination = ?2) AND (?3 IS NULL OR status = ?3) LIMIT 1",
    )?
    .query_row(params![event.to_bytes(), destination.map(Name::as_str), status.map(|status| status as u8)], |_| Ok(()));
    Ok(found.optional()?.is_some())
}
