//! Writing events: what the caller's thread makes ready, and what the writer's thread does with it.

use bytes::Bytes;
use model::{
    EventId, Timestamp,
    record::{Disposition, Run},
};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    database::{millis, prepare},
    encoding::{checksum, head},
    events::{CONFIGURATION, MODULE},
    failure::{Result, unreadable},
    lanes,
};
use crate::{
    Error,
    journal::{Idempotency, NewDelivery, NewEvent},
};

/// An event as it goes into the columns.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) id: EventId,
    pub(super) project: Box<str>,
    pub(super) route: Box<str>,
    disposition: Disposition,
    authenticated: bool,
    record: String,
    received: Vec<u8>,
    /// If it differs.
    made: Option<Vec<u8>>,
    checksum: u32,
    bodies: Option<Bodies>,
    labels: Vec<(String, String)>,
    ran: Option<Vec<u8>>,
}

#[derive(Debug)]
struct Bodies {
    received: Option<Bytes>,
    /// If it differs.
    made: Option<Bytes>,
    checksum: u32,
}

/// What became of an event's bodies.
pub(super) mod body {
    pub(crate) const NONE: u8 = 0;
    pub(crate) const KEPT: u8 = 1;
    pub(crate) const REMOVED: u8 = 2;
    pub(crate) const ALL: [u8; 3] = [NONE, KEPT, REMOVED];
}

impl Ready {
    pub(super) fn new(event: NewEvent) -> Self {
        let NewEvent { received, made, mut record, authenticated } = event;
        record.capture = None;
        let json = serde_json::to_string(&record).expect("a record is JSON");
        let head_received = head(&received);
        let head_made = Some(head(&made)).filter(|made| *made != head_received);
        let made_body = made.body.filter(|made| received.body.as_ref() != Some(made));
        let bodies = (received.body.is_some() || made_body.is_some()).then(|| Bodies {
            checksum: body_checksum(received.body.as_deref(), made_body.as_deref()),
            received: received.body,
            made: made_body,
        });
        let (project, route) = (received.project.as_str().into(), received.route.as_str().into());
        let checksum = event_checksum(
            &[&received.id.to_bytes(), received.project.as_str().as_bytes(), received.route.as_str().as_bytes()],
            (record.disposition, authenticated),
            &json,
            (&head_received, head_made.as_deref()),
        );
        Self {
            id: received.id,
            project,
            route,
            disposition: record.disposition,
            authenticated,
            checksum,
            record: json,
            received: head_received,
            made: head_made,
            bodies,
            ran: ran(&record.filters),
            labels: record.labels,
        }
    }

    /// Of its headers and bodies.
    pub(super) fn size(&self) -> usize {
        self.received.len() + self.made.as_ref().map_or(0, Vec::len) + self.body_size()
    }

    fn body_size(&self) -> usize {
        let bodies = self.bodies.as_ref().map(|bodies| [&bodies.received, &bodies.made]);
        bodies.iter().flatten().filter_map(|body| body.as_ref()).map(Bytes::len).sum()
    }

    /// What it takes while it waits.
    pub(super) fn memory(&self) -> usize {
        self.size() + self.record.len() + size_of::<Self>()
    }
}

/// Of all that is kept of an event beside its bodies.
pub(super) fn event_checksum(
    owner: &[&[u8]; 3],
    (disposition, authenticated): (Disposition, bool),
    record: &str,
    (received, made): (&[u8], Option<&[u8]>),
) -> u32 {
    let small = [disposition as u8, u8::from(authenticated)];
    let [id, project, route] = owner.map(Some);
    checksum([id, project, route, Some(&small), Some(record.as_bytes()), Some(received), made])
}

pub(super) fn body_checksum(received: Option<&[u8]>, made: Option<&[u8]>) -> u32 {
    checksum([received, made])
}

/// The digests of what ran, with their kinds, each once.
pub(super) fn ran(runs: &[Run]) -> Option<Vec<u8>> {
    let mut digests: Vec<_> =
        runs.iter().flat_map(|run| [(MODULE, run.digest.0), (CONFIGURATION, run.config_digest.0)]).collect();
    digests.sort_unstable();
    digests.dedup();
    let bytes: Vec<u8> =
        digests.iter().flat_map(|(kind, digest)| std::iter::once(kind).chain(digest)).copied().collect();
    (!bytes.is_empty()).then_some(bytes)
}

/// The event that had the key first, if there is one.
pub(super) fn first_with(connection: &Connection, event: &Ready, by: &Idempotency) -> Result<Option<EventId>> {
    let mut query = prepare(
        connection,
        "SELECT event FROM idempotency WHERE project = ?1 AND route = ?2 AND key = ?3 AND until > ?4",
    )?;
    let found = query.query_row(params![event.project, event.route, by.key, millis(by.now)], |row| row.get(0));
    Ok(found.optional()?.map(EventId::from_bytes))
}

pub(super) fn remember(connection: &Connection, event: &Ready, by: &Idempotency) -> Result<()> {
    prepare(
        connection,
        "INSERT INTO idempotency (project, route, key, event, until) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (project, route, key) DO UPDATE SET event = excluded.event, until = excluded.until",
    )?
    .execute(params![event.project, event.route, by.key, event.id.to_bytes(), millis(by.until)])?;
    Ok(())
}

/// Removes keys whose time is over; how many.
pub(super) fn forget(connection: &Connection, now: Timestamp, at_most: u32) -> Result<u32> {
    let rows = prepare(
        connection,
        "DELETE FROM idempotency WHERE (project, route, key) IN
         (SELECT project, route, key FROM idempotency WHERE until <= ?1 LIMIT ?2)",
    )?
    .execute(params![millis(now), at_most])?;
    Ok(u32::try_from(rows).unwrap_or(u32::MAX))
}

/// Refuses what is there already, before anything is written.
pub(super) fn check(connection: &Connection, event: &Ready, deliveries: &[NewDelivery]) -> Result<()> {
    let there = prepare(connection, "SELECT 1 FROM events WHERE project = ?1 AND id = ?2")?
        .exists(params![event.project, event.id.to_bytes()])?;
    if there {
        return Err(Error::Exists { what: format!("event `{}`", event.id) }.into());
    }
    for (index, delivery) in deliveries.iter().enumerate() {
        let there = prepare(connection, "SELECT 1 FROM deliveries WHERE id = ?1")?.exists([delivery.id.to_bytes()])?;
        if there || deliveries[..index].iter().any(|other| other.id == delivery.id) {
            return Err(Error::Exists { what: format!("delivery `{}`", delivery.id) }.into());
        }
    }
    Ok(())
}

/// Writes the event and returns its number. `quota`: its bodies count against so many bytes of its project, and those
/// that were there first go.
pub(super) fn insert(connection: &Connection, event: &Ready, quota: Option<u64>) -> Result<u64> {
    let in_quota = match quota {
        Some(most) if event.bodies.is_some() => make_room(connection, event, most)?,
        _ => None,
    };
    let with_bodies = event.bodies.as_ref().filter(|_| in_quota != Some(false));
    let body = match (&event.bodies, with_bodies) {
        (None, _) => body::NONE,
        (Some(_), Some(_)) => body::KEPT,
        (Some(_), None) => body::REMOVED,
    };
    let size = if with_bodies.is_some() { event.size() } else { event.size() - event.body_size() };
    let ran = event.ran.as_ref().map(|ran| use_of(connection, &event.project, ran)).transpose()?;
    let id = event.id.to_bytes();
    prepare(
        connection,
        "INSERT INTO events (id, project, route, disposition, authenticated, body, in_quota, size, ran)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        id,
        event.project,
        event.route,
        event.disposition as u8,
        event.authenticated,
        body,
        in_quota == Some(true),
        size,
        ran
    ])?;
    let number = connection.last_insert_rowid();
    prepare(connection, "INSERT INTO contents (event, record, received, made, checksum) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![number, event.record, event.received, event.made, event.checksum])?;
    if let Some(bodies) = with_bodies {
        prepare(connection, "INSERT INTO bodies (event, received, made, checksum) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![number, bodies.received.as_deref(), bodies.made.as_deref(), bodies.checksum])?;
    }
    for (name, value) in &event.labels {
        prepare(connection, "INSERT OR IGNORE INTO labels (project, name, value, id) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![event.project, name, value, id])?;
    }
    count(connection, &event.project, &event.route, 1, i64::try_from(size).unwrap_or(i64::MAX))?;
    u64::try_from(number).map_err(|error| unreadable("the number of an event", error))
}

/// Whether the event's bodies fit into the quota once the oldest are gone, or not even then; none if they are empty.
fn make_room(connection: &Connection, event: &Ready, most: u64) -> Result<Option<bool>> {
    /// Bodies that are removed for one.
    const REMOVED_MOST: u32 = 16;
    let size = event.body_size() as u64;
    if size == 0 {
        return Ok(None);
    }
    if size > most {
        return Ok(Some(false));
    }
    for _ in 0..=REMOVED_MOST {
        let taken: Option<u64> = prepare(connection, "SELECT bytes FROM quotas WHERE project = ?1")?
            .query_row([&event.project], |row| row.get(0))
            .optional()?;
        if taken.unwrap_or(0) + size <= most {
            prepare(
                connection,
                "INSERT INTO quotas (project, bytes) VALUES (?1, ?2)
                 ON CONFLICT (project) DO UPDATE SET bytes = bytes + excluded.bytes",
            )?
            .execute(params![event.project, size])?;
            return Ok(Some(true));
        }
        let oldest: Option<i64> = prepare(
            connection,
            "SELECT number FROM events INDEXED BY events_in_quota WHERE project = ?1 AND in_quota = 1
             ORDER BY number LIMIT 1",
        )?
        .query_row([&event.project], |row| row.get(0))
        .optional()?;
        let Some(oldest) = oldest else { return Ok(Some(false)) };
        remove_bodies(connection, oldest)?;
    }
    Ok(Some(false))
}

/// Of an event that has some.
pub(super) fn remove_bodies(connection: &Connection, number: i64) -> Result<()> {
    let bytes: Option<i64> = prepare(
        connection,
        "SELECT coalesce(length(received), 0) + coalesce(length(made), 0) FROM bodies WHERE event = ?1",
    )?
    .query_row([number], |row| row.get(0))
    .optional()?;
    let bytes = bytes.unwrap_or(0);
    prepare(connection, "DELETE FROM bodies WHERE event = ?1")?.execute([number])?;
    let (project, route, in_quota): (String, String, bool) =
        prepare(connection, "SELECT project, route, in_quota FROM events WHERE number = ?1")?
            .query_row([number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    prepare(connection, "UPDATE events SET body = ?2, in_quota = 0, size = size - ?3 WHERE number = ?1")?
        .execute(params![number, body::REMOVED, bytes])?;
    if in_quota {
        prepare(connection, "UPDATE quotas SET bytes = bytes - ?2 WHERE project = ?1")?
            .execute(params![project, bytes])?;
    }
    count(connection, &project, &route, 0, -bytes)
}

/// Adds to what a route keeps.
pub(super) fn count(connection: &Connection, project: &str, route: &str, events: i64, bytes: i64) -> Result<()> {
    prepare(
        connection,
        "INSERT INTO totals (project, route, events, bytes) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (project, route) DO UPDATE SET events = events + excluded.events, bytes = bytes + excluded.bytes",
    )?
    .execute(params![project, route, events, bytes])?;
    Ok(())
}

/// One more use of a set of modules and configurations.
pub(super) fn use_of(connection: &Connection, project: &str, ran: &[u8]) -> Result<i64> {
    Ok(prepare(
        connection,
        "INSERT INTO ran (project, digests, uses) VALUES (?1, ?2, 1)
         ON CONFLICT (project, digests) DO UPDATE SET uses = uses + 1 RETURNING number",
    )?
    .query_row(params![project, ran], |row| row.get(0))?)
}

pub(super) fn use_no_more(connection: &Connection, ran: Option<i64>) -> Result<()> {
    let Some(ran) = ran else { return Ok(()) };
    prepare(connection, "UPDATE ran SET uses = uses - 1 WHERE number = ?1")?.execute([ran])?;
    prepare(connection, "DELETE FROM ran WHERE number = ?1 AND uses <= 0")?.execute([ran])?;
    Ok(())
}

/// Whose deliveries are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Of<'a> {
    pub(super) event: EventId,
    pub(super) project: &'a str,
    pub(super) route: &'a str,
}

pub(super) fn insert_deliveries(connection: &Connection, of: Of<'_>, deliveries: &[NewDelivery]) -> Result<()> {
    for delivery in deliveries {
        let lane = delivery.lane.as_deref();
        let place =
            lane.map(|lane| lanes::place(connection, of.project, delivery.destination.as_str(), lane)).transpose()?;
        let due = millis(delivery.due);
        let (due, earliest) = if place == Some(lanes::BEHIND) { (None, Some(due)) } else { (Some(due), None) };
        prepare(
            connection,
            "INSERT INTO deliveries
             (id, event, project, route, destination, target, status, attempts, due, earliest, leased, fence, lane, place,
              replay)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5, 0, 0, ?6, ?7, 0, 0, ?8, ?9, ?10)",
        )?
        .execute(params![
            delivery.id.to_bytes(),
            of.event.to_bytes(),
            of.project,
            of.route,
            delivery.destination.as_str(),
            due,
            earliest,
            lane,
            place,
            delivery.replay
        ])?;
    }
    Ok(())
}

/// The route of an event that is kept.
pub(super) fn route(connection: &Connection, project: &str, event: EventId) -> Result<String> {
    let found = prepare(connection, "SELECT route FROM events WHERE project = ?1 AND id = ?2")?
        .query_row(params![project, event.to_bytes()], |row| row.get(0))
        .optional()?;
    let what = || format!("event `{event}` of project `{project}`");
    found.ok_or_else(|| Error::NotFound { what: what() }.into())
}
