//! Going through several ranges of an index as if they were one, in the order of their ids.

use std::ops::ControlFlow;

use model::{EventId, Timestamp};
use rusqlite::{Connection, Row, params_from_iter, types::Value};

use super::{
    database::prepare,
    failure::{Failure, Result},
};
use crate::journal::Page;

/// A statement that gives rows in the order of their ids, and what is bound to it.
#[derive(Debug)]
pub(super) struct Range {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    OldestFirst,
    NewestFirst,
}

impl Order {
    pub(super) fn sql(self) -> &'static str {
        match self {
            Self::OldestFirst => "ASC",
            Self::NewestFirst => "DESC",
        }
    }
}

/// Until the visitor breaks off.
pub(super) fn walk<T>(
    connection: &Connection,
    ranges: &[Range],
    order: Order,
    (read, id): (impl Fn(&Row<'_>) -> Result<T>, impl Fn(&T) -> [u8; 16]),
    mut visit: impl FnMut(T) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let mut statements = Vec::with_capacity(ranges.len());
    for range in ranges {
        statements.push(prepare(connection, &range.sql)?);
    }
    let mut rows = Vec::with_capacity(ranges.len());
    for (statement, range) in statements.iter_mut().zip(ranges) {
        rows.push(statement.query(params_from_iter(&range.values))?);
    }
    let next = |rows: &mut rusqlite::Rows<'_>| rows.next()?.map(&read).transpose();
    let mut heads = rows.iter_mut().map(next).collect::<Result<Vec<Option<T>>>>()?;
    loop {
        let there = heads.iter().enumerate().filter_map(|(index, head)| Some((id(head.as_ref()?), index)));
        let first = match order {
            Order::OldestFirst => there.min(),
            Order::NewestFirst => there.max(),
        };
        let Some((_, index)) = first else { return Ok(()) };
        let following = next(&mut rows[index])?;
        let Some(entry) = std::mem::replace(&mut heads[index], following) else { return Ok(()) };
        if visit(entry)?.is_break() {
            return Ok(());
        }
    }
}

/// A page is full at `at_most` entries, and ends when `look` were looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) at_most: u32,
    pub(super) look: u32,
}

/// `pick` makes an entry of what is wanted, and nothing of the rest.
pub(super) fn page<T, E, Id: Copy>(
    connection: &Connection,
    ranges: &[Range],
    order: Order,
    (read, id): (impl Fn(&Row<'_>) -> Result<T>, impl Fn(&T) -> Id),
    bytes: impl Fn(Id) -> [u8; 16],
    bounds: Bounds,
    pick: impl Fn(T) -> Result<Option<E>>,
) -> Result<Page<E, Id>, Failure> {
    let mut page = Page { entries: Vec::new(), next: None };
    let (mut looked, mut last) = (0, None);
    walk(connection, ranges, order, (read, |row: &T| bytes(id(row))), |row| {
        if looked >= bounds.look.max(1) || page.entries.len() >= bounds.at_most.max(1) as usize {
            page.next = last;
            return Ok(ControlFlow::Break(()));
        }
        looked += 1;
        last = Some(id(&row));
        page.entries.extend(pick(row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(page)
}

/// Ids made at these times or between them: those above the first and below the second.
pub(super) fn between(
    (after, before): (Option<[u8; 16]>, Option<[u8; 16]>),
    (from, until): (Option<Timestamp>, Option<Timestamp>),
) -> [Value; 2] {
    // Longer than an id, so that it is above all of them; empty, so that it is below.
    let highest = before.map_or(vec![0xff; 17], Vec::from);
    let lowest = after.map_or(Vec::new(), Vec::from);
    // One byte shorter than the first id of that time, which is above it therefore.
    let from = from.map_or(Vec::new(), |from| first_of(from).to_bytes()[..15].to_vec());
    let until = until.map_or(vec![0xff; 17], |until| first_of(until).to_bytes().to_vec());
    [Value::Blob(lowest.max(from)), Value::Blob(highest.min(until))]
}

/// The lowest id that is made at the time or after it.
pub(super) fn first_of(time: Timestamp) -> EventId {
    const LAST: u64 = (1 << 48) - 1;
    EventId::new(Timestamp::from_millis(time.as_millis().min(LAST)), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_of_times_are_ids() {
        let time = Timestamp::from_millis;
        let (first, last) = (EventId::new(time(7), 0).to_bytes(), EventId::new(time(7), u128::MAX).to_bytes());
        let inside = |id: [u8; 16], from, until| {
            let [low, high] = between((None, None), (from, until));
            matches!((low, high), (Value::Blob(low), Value::Blob(high)) if low[..] < id[..] && id[..] < high[..])
        };
        for id in [first, last] {
            assert!(inside(id, None, None) && inside(id, Some(time(7)), Some(time(8))));
            assert!(!inside(id, Some(time(8)), None) && !inside(id, None, Some(time(7))));
            assert!(inside(id, Some(time(0)), Some(time(u64::MAX))));
        }
        let [low, high] = between((Some(first), Some(last)), (Some(time(1)), Some(time(9))));
        assert_eq!((low, high), (Value::Blob(first.to_vec()), Value::Blob(last.to_vec())));
    }
}
