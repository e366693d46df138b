//! Reading events: one with its bytes, a page of their records, what they ran on.

use std::collections::HashSet;

use bytes::Bytes;
use http::HeaderName;
use model::{
    DeliveryId, Digest, Event, EventId, Name,
    record::{Disposition, Record},
};
use rusqlite::{Connection, OptionalExtension as _, Row, params, types::Value};

use super::{
    accept::{body, body_checksum, event_checksum},
    claim::prepared_checksum,
    database::prepare,
    deliveries,
    encoding::{self, Owner},
    failure::{Failure, Result, unreadable},
    walk::{self, Bounds, Order, Range, between},
};
use crate::{
    Error,
    journal::{EventWanted, Kept, Page, Prepared, Stored},
};

fn damaged(what: impl std::fmt::Display) -> Failure {
    Error::corrupt(format!("{what} is not as it was written; restore a backup, or remove it")).into()
}

/// An event's row.
struct Found {
    number: i64,
    id: EventId,
    route: Name,
    disposition: u8,
    authenticated: bool,
    body: u8,
}

impl Found {
    const COLUMNS: &str = "number, id, route, disposition, authenticated, body";

    fn read(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            number: row.get(0)?,
            id: EventId::from_bytes(row.get(1)?),
            route: deliveries::name(row, 2)?,
            disposition: row.get(3)?,
            authenticated: row.get(4)?,
            body: row.get(5)?,
        })
    }
}

/// What an event is beside its bodies.
struct Contents {
    record: String,
    received: Vec<u8>,
    made: Option<Vec<u8>>,
}

impl Contents {
    /// As they were written; else the event is damaged.
    fn read(connection: &Connection, project: &Name, found: &Found) -> Result<Self> {
        let damaged = || damaged(found.id);
        let row = prepare(connection, "SELECT record, received, made, checksum FROM contents WHERE event = ?1")?
            .query_row([found.number], |row| {
                let contents = Self { record: row.get(0)?, received: row.get(1)?, made: row.get(2)? };
                Ok((contents, row.get::<_, u32>(3)?))
            });
        let (contents, checksum) = match row.optional().map_err(|error| Error::from(Failure::from(error))) {
            Ok(row) => row.ok_or_else(damaged)?,
            Err(Error::Corrupt { .. }) => return Err(damaged()),
            Err(error) => return Err(error.into()),
        };
        let disposition = DISPOSITIONS.get(usize::from(found.disposition)).copied().ok_or_else(damaged)?;
        let owner = [&found.id.to_bytes()[..], project.as_str().as_bytes(), found.route.as_str().as_bytes()];
        let heads = (&contents.received[..], contents.made.as_deref());
        let expected = event_checksum(&owner, (disposition, found.authenticated), &contents.record, heads);
        if checksum == expected { Ok(contents) } else { Err(damaged()) }
    }

    /// As it was received.
    fn has_header(&self, project: &Name, found: &Found, name: &HeaderName, value: &str) -> Result<bool> {
        let owner = Owner { id: found.id, project: project.clone(), route: found.route.clone() };
        let received: Event = encoding::event(&self.received, owner, None).ok_or_else(|| damaged(found.id))?;
        Ok(received.headers.get_all(name).iter().any(|there| there.as_bytes() == value.as_bytes()))
    }

    fn record(&self, id: EventId) -> Result<Record> {
        serde_json::from_str(&self.record).map_err(|error| unreadable(&format!("the record of {id}"), error))
    }
}

const DISPOSITIONS: [Disposition; 6] = [
    Disposition::Forwarded,
    Disposition::Accepted,
    Disposition::Rejected,
    Disposition::Dropped,
    Disposition::Responded,
    Disposition::Failed,
];

/// Received and made.
type Bodies = (Option<Bytes>, Option<Bytes>);

fn bodies(connection: &Connection, found: &Found) -> Result<Bodies> {
    if found.body != body::KEPT {
        return Ok((None, None));
    }
    let row = prepare(connection, "SELECT received, made, checksum FROM bodies WHERE event = ?1")?
        .query_row([found.number], |row| {
            Ok((row.get::<_, Option<Vec<u8>>>(0)?, row.get::<_, Option<Vec<u8>>>(1)?, row.get::<_, u32>(2)?))
        })
        .optional()?;
    let (received, made, checksum) = row.ok_or_else(|| damaged(found.id))?;
    if checksum != body_checksum(received.as_deref(), made.as_deref()) {
        return Err(damaged(found.id));
    }
    let (received, made) = (received.map(Bytes::from), made.map(Bytes::from));
    Ok((received.clone(), made.or(received)))
}

fn found(connection: &Connection, project: &Name, id: EventId) -> Result<Option<Found>> {
    let sql = format!("SELECT {} FROM events WHERE project = ?1 AND id = ?2", Found::COLUMNS);
    let mut query = prepare(connection, &sql)?;
    let mut rows = query.query(params![project.as_str(), id.to_bytes()])?;
    rows.next()?.map(Found::read).transpose()
}

pub(super) fn one(connection: &Connection, project: &Name, id: EventId) -> Result<Option<Stored>> {
    // One state of the file, should the bodies be removed meanwhile.
    let transaction = connection.unchecked_transaction()?;
    let Some(found) = found(&transaction, project, id)? else { return Ok(None) };
    let contents = Contents::read(&transaction, project, &found)?;
    let (body_received, body_made) = bodies(&transaction, &found)?;
    let owner = Owner { id, project: project.clone(), route: found.route.clone() };
    let head_made = contents.made.as_deref().unwrap_or(&contents.received);
    let received = encoding::event(&contents.received, owner.clone(), body_received);
    let made = encoding::event(head_made, owner, body_made);
    let (Some(received), Some(made)) = (received, made) else { return Err(damaged(id)) };
    let record = contents.record(id)?;
    let has_body = found.body != body::REMOVED;
    Ok(Some(Stored { received, made, record, authenticated: found.authenticated, has_body }))
}

/// Newest first.
pub(super) fn page(
    connection: &Connection,
    wanted: &EventWanted,
    before: Option<EventId>,
    bounds: Bounds,
) -> Result<Page<Kept, EventId>> {
    let ids = between((None, before.map(EventId::to_bytes)), (wanted.from, wanted.until));
    let ranges = ranges(wanted, &ids, Order::NewestFirst);
    let Some(filter) = Filter::new(connection, wanted) else { return Ok(Page { entries: Vec::new(), next: None }) };
    let read = (Found::read, |found: &Found| found.id);
    walk::page(connection, &ranges, Order::NewestFirst, read, EventId::to_bytes, bounds, |found| filter.take(&found))
}

/// Of these, in this order, those that are wanted and have not lost their bodies.
pub(super) fn some(connection: &Connection, wanted: &EventWanted, ids: &[EventId]) -> Result<Vec<Option<Kept>>> {
    // One state of the file.
    let transaction = connection.unchecked_transaction()?;
    let Some(filter) = Filter::new(&transaction, wanted) else { return Ok(vec![None; ids.len()]) };
    ids.iter().map(|id| filter.take_one(*id)).collect()
}

/// Whether an event that is kept has the label and the header, as far as they are asked for.
pub(super) fn has(
    connection: &Connection,
    project: &Name,
    id: EventId,
    label: Option<&(String, String)>,
    header: Option<&(String, String)>,
) -> Result<bool> {
    if let Some(label) = label
        && !has_label(connection, project, id, label)?
    {
        return Ok(false);
    }
    let Some((name, value)) = header else { return Ok(true) };
    let Ok(name) = HeaderName::from_lowercase(name.as_bytes()) else { return Ok(false) };
    let Some(found) = found(connection, project, id)? else { return Ok(false) };
    Contents::read(connection, project, &found)?.has_header(project, &found, &name, value)
}

fn has_label(connection: &Connection, project: &Name, id: EventId, (name, value): &(String, String)) -> Result<bool> {
    let mut query =
        prepare(connection, "SELECT 1 FROM labels WHERE project = ?1 AND name = ?2 AND value = ?3 AND id = ?4")?;
    Ok(query.exists(params![project.as_str(), name, value, id.to_bytes()])?)
}

/// What is wanted, beside what an index was asked for.
struct Filter<'a> {
    connection: &'a Connection,
    wanted: &'a EventWanted,
    header: Option<(HeaderName, &'a str)>,
}

impl<'a> Filter<'a> {
    /// None if it takes nothing: no header has a name that cannot be one.
    fn new(connection: &'a Connection, wanted: &'a EventWanted) -> Option<Self> {
        let header = match &wanted.header {
            Some((name, value)) => Some((HeaderName::from_lowercase(name.as_bytes()).ok()?, value.as_str())),
            None => None,
        };
        Some(Self { connection, wanted, header })
    }

    fn take(&self, found: &Found) -> Result<Option<Kept>> {
        let Self { connection, wanted, header } = self;
        let takes = wanted.route.as_ref().is_none_or(|route| *route == found.route)
            && wanted.disposition.is_none_or(|disposition| disposition as u8 == found.disposition)
            && (wanted.destination.is_none() && wanted.status.is_none()
                || deliveries::has(connection, found.id, wanted.destination.as_ref(), wanted.status)?);
        if !takes {
            return Ok(None);
        }
        let contents = Contents::read(connection, &wanted.project, found)?;
        if let Some((name, value)) = header
            && !contents.has_header(&wanted.project, found, name, value)?
        {
            return Ok(None);
        }
        let deliveries = deliveries::by_status(connection, found.id)?;
        Ok(Some(Kept { record: contents.record(found.id)?, deliveries }))
    }

    /// Without the help of an index.
    fn take_one(&self, id: EventId) -> Result<Option<Kept>> {
        let Self { connection, wanted, .. } = self;
        let found = found(connection, &wanted.project, id)?.filter(|found| found.body != body::REMOVED);
        let Some(found) = found else { return Ok(None) };
        let time = id.time();
        let in_time = wanted.from.is_none_or(|from| from <= time) && wanted.until.is_none_or(|until| time < until);
        let labelled = match &wanted.label {
            Some(label) => has_label(connection, &wanted.project, id, label)?,
            None => true,
        };
        if in_time && labelled { self.take(&found) } else { Ok(None) }
    }
}

fn ranges(wanted: &EventWanted, ids: &[Value; 2], order: Order) -> Vec<Range> {
    let project = Value::Text(wanted.project.to_string());
    let order = order.sql();
    let values = |values: Vec<Value>| ids.iter().cloned().chain(values).collect();
    if let Some((name, value)) = &wanted.label {
        return vec![Range {
            sql: format!(
                "SELECT events.number, events.id, events.route, events.disposition, events.authenticated, events.body
                 FROM labels CROSS JOIN events ON events.project = labels.project AND events.id = labels.id
                 WHERE labels.id > ?1 AND labels.id < ?2 AND labels.project = ?3 AND labels.name = ?4
                 AND labels.value = ?5 ORDER BY labels.id {order}"
            ),
            values: values(vec![project, Value::Text(name.clone()), Value::Text(value.clone())]),
        }];
    }
    if let Some(route) = &wanted.route {
        return by_route(&wanted.project, route, &body::ALL, ids, order);
    }
    vec![Range {
        sql: format!(
            "SELECT {} FROM events INDEXED BY events_by_id WHERE id > ?1 AND id < ?2 AND project = ?3 ORDER BY id {order}",
            Found::COLUMNS
        ),
        values: values(vec![project]),
    }]
}

/// With the columns of events: number, id, route, disposition, authenticated, body.
pub(super) fn by_route(project: &Name, route: &Name, bodies: &[u8], ids: &[Value; 2], order: &str) -> Vec<Range> {
    let of = |body: &u8| Range {
        sql: format!(
            "SELECT {} FROM events INDEXED BY events_by_route
             WHERE id > ?1 AND id < ?2 AND project = ?3 AND route = ?4 AND body = ?5 ORDER BY id {order}",
            Found::COLUMNS
        ),
        values: ids
            .iter()
            .cloned()
            .chain([Value::Text(project.to_string()), Value::Text(route.to_string()), Value::Integer((*body).into())])
            .collect(),
    };
    bodies.iter().map(of).collect()
}

pub(super) fn prepared(connection: &Connection, id: DeliveryId) -> Result<Option<Prepared>> {
    let Some(found) = deliveries::one(connection, id)? else { return Ok(None) };
    let row = prepare(connection, "SELECT head, body, runs, checksum FROM prepared WHERE delivery = ?1")?
        .query_row([found.number], |row| {
            Ok((
                row.get::<_, Vec<u8>>(0)?,
                row.get::<_, Option<Vec<u8>>>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, u32>(3)?,
            ))
        })
        .optional()?;
    let Some((head, body, runs, checksum)) = row else { return Ok(None) };
    let damaged = || damaged(format_args!("what was made of {} for delivery {id}", found.delivery.event));
    if checksum != prepared_checksum(id, &head, body.as_deref(), &runs) {
        return Err(damaged());
    }
    let owner = Owner {
        id: found.delivery.event,
        project: found.delivery.project.clone(),
        route: found.delivery.route.clone(),
    };
    let made = encoding::event(&head, owner, body.map(Bytes::from)).ok_or_else(damaged)?;
    let runs = serde_json::from_str(&runs).map_err(|error| unreadable("the runs of a delivery", error))?;
    Ok(Some(Prepared { made: Event { replay: found.delivery.replay, ..made }, runs }))
}

/// The configurations that are used in the project.
pub(super) fn configurations(connection: &Connection, project: &Name) -> Result<HashSet<Digest>> {
    let mut query = prepare(connection, "SELECT digests FROM ran WHERE project = ?1")?;
    let mut rows = query.query([project.as_str()])?;
    let mut all = HashSet::new();
    while let Some(row) = rows.next()? {
        let digests = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        all.extend(digests_of(digests).filter(|(kind, _)| *kind == CONFIGURATION).map(|(_, digest)| digest));
    }
    Ok(all)
}

/// Whether a module is used in any project.
pub(super) fn refers_to_module(connection: &Connection, module: &Digest) -> Result<bool> {
    let mut query = prepare(connection, "SELECT digests FROM ran")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let digests = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        if digests_of(digests).any(|found| found == (MODULE, *module)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Kinds of digests.
pub(super) const MODULE: u8 = 0;
pub(super) const CONFIGURATION: u8 = 1;

fn digests_of(bytes: &[u8]) -> impl Iterator<Item = (u8, Digest)> {
    let (entries, _) = bytes.as_chunks::<33>();
    entries.iter().map(|[kind, digest @ ..]| (*kind, Digest(*digest)))
}
