//! Putting events into `search.db`, slice by slice: what is new first, then what was there before its route was opted in,
//! newest first. With nothing else to do, it is looked whether what is there is still to be there.

use std::{collections::HashMap, ops::ControlFlow};

use model::{EventId, Name};
use rusqlite::{Connection, OptionalExtension as _, Row, params, types::Value};

use super::{
    accept::body,
    database::prepare,
    deliveries, events,
    failure::Result,
    readers::Readers,
    retention::give_back,
    search::{BEFORE_ALL, Search, place_of, remove_places},
    texts::Text,
    walk::{Order, walk},
};
use crate::journal::Indexed;

/// Bytes of text in one slice; one event alone may have more.
const BYTES: usize = 4 << 20;

/// So many times the events of a slice are looked at that are of no route that is searched.
const OTHERS: u32 = 32;

/// Pages that are merged, and that are given back to the disk, in a slice that has nothing else to do.
const MERGED: u32 = 64;
const GIVEN_BACK: u32 = 256;

/// How far it is.
#[derive(Debug)]
struct Known {
    /// Those that are opted in.
    routes: Vec<Route>,
    /// Whether there are others.
    leaving: bool,
    looked: i64,
}

/// A route whose events are searched.
#[derive(Debug)]
struct Route {
    number: i64,
    project: Name,
    route: Name,
    older: Option<Vec<u8>>,
    leaving: bool,
}

/// An event that is put in.
#[derive(Debug)]
struct Entry {
    number: i64,
    id: EventId,
    route: i64,
    of: (Name, Name),
    text: Text,
}

/// How far events were looked at, and what was found on the way.
#[derive(Debug, Default)]
struct Slice {
    entries: Vec<Entry>,
    bytes: usize,
    looked: i64,
    /// Routes by number, with the id below which older events of theirs are still to be looked at, and how many were.
    older: Vec<(i64, Option<EventId>, u64)>,
    newest: i64,
}

/// At the start: forgets everything if more was looked at than there is, because the journal is an older one.
pub(super) fn fit(events: &Readers, search: &Search) -> crate::Result<()> {
    let (newest, looked) = (events.with(newest)?, search.read(looked)?);
    if looked > newest { search.forget() } else { Ok(()) }
}

/// One slice: so many events put in, or taken out if there are none to put in.
pub(super) fn index(
    events: &Readers,
    search: &Search,
    wanted: &[(Name, Name)],
    at_most: u32,
) -> crate::Result<Indexed> {
    let at_most = at_most.max(1);
    let _alone = search.alone();
    search.mend();
    let there = events.with(|events| There::read(events, wanted))?;
    let known = search.write(|search, _| opt_in(search, wanted, &there))?;
    let slice = events.with(|events| Slice::read(events, &known, at_most))?;
    let (put, lag) = search.write(|search, _| slice.write(search))?;
    search.set_lag(lag);
    let mut done = put;
    if known.leaving {
        done += search.write(|search, _| leave(search, at_most.saturating_sub(put)))?;
    }
    if done == 0 {
        done = sweep(events, search, at_most)?;
    }
    Ok(Indexed { events: done, lag })
}

/// The number of the newest event there was.
fn newest(events: &Connection) -> Result<i64> {
    let mut newest = prepare(events, "SELECT seq FROM sqlite_sequence WHERE name = 'events'")?;
    Ok(newest.query_row([], |row| row.get(0)).optional()?.unwrap_or(0))
}

fn looked(search: &Connection) -> Result<i64> {
    Ok(prepare(search, "SELECT looked FROM state")?.query_row([], |row| row.get(0))?)
}

fn routes(search: &Connection) -> Result<Vec<Route>> {
    let mut query = prepare(search, "SELECT number, project, route, older, leaving FROM routes")?;
    let mut rows = query.query([])?;
    let mut routes = Vec::new();
    while let Some(row) = rows.next()? {
        routes.push(Route {
            number: row.get(0)?,
            project: deliveries::name(row, 1)?,
            route: deliveries::name(row, 2)?,
            older: row.get(3)?,
            leaving: row.get(4)?,
        });
    }
    Ok(routes)
}

/// What has to be known of `events.db` before routes are opted in: its newest event, and how many each of them has.
#[derive(Debug)]
struct There {
    newest: i64,
    events: Vec<u64>,
}

impl There {
    fn read(events: &Connection, wanted: &[(Name, Name)]) -> Result<Self> {
        let of = |(project, route): &(Name, Name)| -> Result<u64> {
            let mut total = prepare(events, "SELECT events FROM totals WHERE project = ?1 AND route = ?2")?;
            Ok(total.query_row([project.as_str(), route.as_str()], |row| row.get(0)).optional()?.unwrap_or(0))
        };
        Ok(Self { newest: newest(events)?, events: wanted.iter().map(of).collect::<Result<_>>()? })
    }
}

/// Opts in these routes and no others.
fn opt_in(search: &Connection, wanted: &[(Name, Name)], there: &There) -> Result<Known> {
    let before = routes(search)?;
    for route in before.iter().filter(|route| !route.leaving) {
        if !wanted.iter().any(|(project, name)| (project, name) == (&route.project, &route.route)) {
            prepare(search, "UPDATE routes SET leaving = 1, older = NULL, waiting = 0 WHERE number = ?1")?
                .execute([route.number])?;
        }
    }
    if !wanted.is_empty() && before.iter().all(|route| route.leaving) {
        // All that is there is older than any route.
        prepare(search, "UPDATE state SET looked = ?1")?.execute([there.newest])?;
    }
    for ((project, route), events) in wanted.iter().zip(&there.events) {
        let there = before.iter().any(|before| (&before.project, &before.route) == (project, route));
        // One that leaves leaves first.
        if !there {
            prepare(
                search,
                "INSERT OR IGNORE INTO routes (project, route, older, waiting, leaving) VALUES (?1, ?2, ?3, ?4, 0)",
            )?
            .execute(params![project.as_str(), route.as_str(), [0xff_u8; 17], (*events).max(1)])?;
        }
    }
    let (routes, leaving): (Vec<_>, Vec<_>) = routes(search)?.into_iter().partition(|route| !route.leaving);
    Ok(Known { routes, leaving: !leaving.is_empty(), looked: looked(search)? })
}

impl Slice {
    /// Looks at the next events, without writing anything.
    fn read(events: &Connection, known: &Known, at_most: u32) -> Result<Self> {
        // One state of the file.
        let events = &events.unchecked_transaction()?;
        let mut slice = Self { looked: known.looked, newest: newest(events)?, ..Self::default() };
        if known.routes.is_empty() {
            return Ok(slice);
        }
        slice.fresh(events, &known.routes, at_most)?;
        for route in &known.routes {
            if !slice.is_full(at_most) {
                slice.older(events, route, at_most)?;
            }
        }
        Ok(slice)
    }

    fn is_full(&self, at_most: u32) -> bool {
        self.entries.len() >= at_most as usize || self.bytes >= BYTES
    }

    /// Those after the ones that were looked at, in the order in which they were written.
    fn fresh(&mut self, events: &Connection, routes: &[Route], at_most: u32) -> Result<()> {
        let mut wanted: HashMap<&str, HashMap<&str, &Route>> = HashMap::new();
        for route in routes {
            wanted.entry(route.project.as_str()).or_default().insert(route.route.as_str(), route);
        }
        let mut left = at_most.saturating_mul(OTHERS);
        let mut query = prepare(
            events,
            "SELECT number, id, body, project, route FROM events WHERE number > ?1 ORDER BY number LIMIT ?2",
        )?;
        let mut rows = query.query(params![self.looked, left])?;
        while let Some(row) = rows.next()? {
            if self.is_full(at_most) {
                return Ok(());
            }
            let name = |column| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
            let (project, route) = (name(3)?, name(4)?);
            if let Some(route) = wanted.get(project).and_then(|routes| routes.get(route)) {
                self.add(events, route, row.get(0)?, EventId::from_bytes(row.get(1)?), row.get(2)?)?;
            }
            self.looked = row.get(0)?;
            left -= 1;
        }
        if left > 0 {
            self.looked = self.newest;
        }
        Ok(())
    }

    /// Those that were there before the route was opted in, newest first.
    fn older(&mut self, events: &Connection, route: &Route, at_most: u32) -> Result<()> {
        let Some(older) = &route.older else { return Ok(()) };
        let below = [Value::Blob(Vec::new()), Value::Blob(older.clone())];
        let kept = [body::NONE, body::KEPT];
        let order = Order::NewestFirst;
        let ranges = events::by_route(&route.project, &route.route, &kept, &below, order.sql());
        let read = |row: &Row<'_>| -> Result<(i64, EventId, u8)> {
            Ok((row.get(0)?, EventId::from_bytes(row.get(1)?), row.get(5)?))
        };
        let (mut looked, mut last) = (0, None);
        walk(events, &ranges, order, (read, |row: &(i64, EventId, u8)| row.1.to_bytes()), |(number, id, kept)| {
            self.add(events, route, number, id, kept)?;
            looked += 1;
            if self.is_full(at_most) {
                last = Some(id);
                return Ok(ControlFlow::Break(()));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        self.older.push((route.number, last, looked));
        Ok(())
    }

    fn add(&mut self, events: &Connection, route: &Route, number: i64, id: EventId, kept: u8) -> Result<()> {
        if let Some(text) = Text::read(events, number, kept)? {
            self.bytes += text.size();
            let of = (route.project.clone(), route.route.clone());
            self.entries.push(Entry { number, id, route: route.number, of, text });
        }
        Ok(())
    }

    /// How many were put in that were not there yet, and how many events are still to be looked at.
    fn write(mut self, search: &Connection) -> Result<(u32, u64)> {
        // What is not in this order is written piece by piece.
        self.entries.sort_unstable_by_key(|entry| entry.id);
        let mut put = 0;
        for entry in &self.entries {
            put += u32::from(entry.write(search)?);
        }
        prepare(search, "UPDATE state SET looked = ?1 WHERE looked <> ?1")?.execute([self.looked])?;
        for (route, older, looked) in &self.older {
            prepare(
                search,
                "UPDATE routes SET older = ?2, waiting = iif(?2 IS NULL, 0, max(1, waiting - ?3)) WHERE number = ?1",
            )?
            .execute(params![route, older.map(EventId::to_bytes), looked])?;
        }
        let mut waiting = prepare(search, "SELECT count(*), coalesce(sum(waiting), 0) FROM routes WHERE leaving = 0")?;
        let (routes, older): (u32, u64) = waiting.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let fresh = if routes > 0 { self.newest.saturating_sub(self.looked) } else { 0 };
        Ok((put, older.saturating_add(fresh.try_into().unwrap_or(0))))
    }
}

impl Entry {
    /// False if it is there already.
    fn write(&self, search: &Connection) -> Result<bool> {
        if prepare(search, "SELECT 1 FROM entries WHERE number = ?1")?.exists([self.number])? {
            return Ok(false);
        }
        let mut place = place_of(self.id);
        while prepare(search, "SELECT 1 FROM entries WHERE place = ?1")?.exists([place])? {
            place = place.checked_add(1).unwrap_or(0);
        }
        prepare(search, "INSERT INTO entries (place, number, route, id) VALUES (?1, ?2, ?3, ?4)")?.execute(params![
            place,
            self.number,
            self.route,
            self.id.to_bytes()
        ])?;
        let ((project, route), text) = (&self.of, &self.text);
        prepare(
            search,
            "INSERT INTO texts (rowid, project, route, path, labels, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![place, project.as_str(), route.as_str(), text.path, text.labels, text.body])?;
        Ok(true)
    }
}

/// Removes what is there of routes that are opted out; how many.
fn leave(search: &Connection, at_most: u32) -> Result<u32> {
    let mut left = at_most;
    for route in routes(search)?.iter().filter(|route| route.leaving) {
        let places: Vec<i64> = prepare(search, "SELECT place FROM entries WHERE route = ?1 LIMIT ?2")?
            .query_map(params![route.number, left], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        left -= remove_places(search, places)?.min(left);
        if left == 0 {
            break;
        }
        prepare(search, "DELETE FROM routes WHERE number = ?1")?.execute([route.number])?;
    }
    Ok(at_most - left)
}

/// Removes those of the next entries whose events are gone, or have lost their bodies; how many. Tidies up.
fn sweep(events: &Readers, search: &Search, at_most: u32) -> crate::Result<u32> {
    let after = search.write(|_, swept| Ok(*swept))?;
    let next: Vec<(i64, i64, [u8; 16])> = search.read(|search| {
        let mut next =
            prepare(search, "SELECT place, number, id FROM entries WHERE place > ?1 ORDER BY place LIMIT ?2")?;
        let rows = next.query_map(params![after, at_most], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    })?;
    let gone = events.with(|events| {
        let mut gone = Vec::new();
        for (place, number, id) in &next {
            let there = prepare(events, "SELECT 1 FROM events WHERE number = ?1 AND id = ?2 AND body <> ?3")?
                .exists(params![number, id, body::REMOVED])?;
            if !there {
                gone.push(*place);
            }
        }
        Ok(gone)
    })?;
    search.write(|search, swept| {
        *swept = next.last().filter(|_| next.len() >= at_most as usize).map_or(BEFORE_ALL, |(place, ..)| *place);
        let gone = remove_places(search, gone)?;
        prepare(search, "INSERT INTO texts (texts, rank) VALUES ('merge', ?1)")?.execute([MERGED])?;
        give_back(search, GIVEN_BACK)?;
        Ok(gone)
    })
}
