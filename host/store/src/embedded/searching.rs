//! A page of what is found in `search.db`, looked up in `events.db`: only there it is known what an event is now.

use model::EventId;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    database::prepare,
    events,
    failure::Result,
    readers::Readers,
    search::{Search, id_at, place_of},
    texts,
    walk::{self, Bounds},
};
use crate::journal::{EventWanted, Kept, Page};

/// A page passes over so many stretches of entries in which little or nothing matches.
const STRETCHES: u32 = 16;

/// Entries in a stretch, for each one that may be looked at: passing over them is cheap, SQLite does it alone.
const PASSED: u32 = 32;

/// Newest first. `Page::next` is an id, but not always that of an event.
pub(super) fn page(
    events: &Readers,
    search: &Search,
    (wanted, text): (&EventWanted, &str),
    before: Option<EventId>,
    bounds: Bounds,
) -> crate::Result<Page<Kept, EventId>> {
    let mut page = Page { entries: Vec::new(), next: None };
    let Some(query) = texts::query(wanted, text) else { return Ok(page) };
    let first_of = |time| place_of(walk::first_of(time));
    let lowest = wanted.from.map_or(0, first_of);
    // Above it there may be one that found its place taken: the events themselves are asked for their time.
    let until = wanted.until.map_or(i64::MAX, first_of);
    let mut high = before.map_or(until, |before| place_of(before).min(until));
    let (mut looks, at_most) = (bounds.look.max(1) as usize, bounds.at_most.max(1) as usize);
    for _ in 0..STRETCHES {
        let stretch = bounds.look.max(1).saturating_mul(PASSED);
        let low = search.read(|search| below(search, high, stretch))?.filter(|low| *low > lowest);
        loop {
            // One more than there is room for, to see whether there is one.
            let room = (at_most - page.entries.len()).min(looks);
            let range = (low.unwrap_or(lowest), high);
            let matching = search.read(|search| matching(search, &query, range, room + 1))?;
            let some: Vec<EventId> = matching.iter().take(room).map(|(_, id)| *id).collect();
            let found = events.with(|events| events::some(events, wanted, &some))?;
            page.entries.extend(found.into_iter().flatten());
            looks -= some.len();
            if matching.len() <= room {
                break;
            }
            high = matching.get(room.wrapping_sub(1)).map_or(high, |(place, _)| *place);
            if page.entries.len() >= at_most || looks == 0 {
                page.next = Some(id_at(high));
                return Ok(page);
            }
        }
        let Some(low) = low else { return Ok(page) };
        high = low;
    }
    page.next = Some(id_at(high));
    Ok(page)
}

/// At most so many that match what `texts::query` made, from `low` on and below `high`, highest first.
fn matching(
    connection: &Connection,
    query: &str,
    (low, high): (i64, i64),
    at_most: usize,
) -> Result<Vec<(i64, EventId)>> {
    let mut matching = prepare(
        connection,
        "SELECT entries.place, entries.id FROM texts CROSS JOIN entries ON entries.place = texts.rowid
         CROSS JOIN routes ON routes.number = entries.route
         WHERE texts MATCH ?1 AND texts.rowid >= ?2 AND texts.rowid < ?3 AND routes.leaving = 0
         ORDER BY texts.rowid DESC",
    )?;
    let rows =
        matching.query_map(params![query, low, high], |row| Ok((row.get(0)?, EventId::from_bytes(row.get(1)?))))?;
    Ok(rows.take(at_most).collect::<rusqlite::Result<_>>()?)
}

/// The lowest place of so many entries below `high`; none if there are not so many.
fn below(connection: &Connection, high: i64, entries: u32) -> Result<Option<i64>> {
    let mut below =
        prepare(connection, "SELECT place FROM entries WHERE place < ?1 ORDER BY place DESC LIMIT 1 OFFSET ?2")?;
    Ok(below.query_row(params![high, entries.saturating_sub(1)], |row| row.get(0)).optional()?)
}
