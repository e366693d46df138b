//! The plans of all statements about events and deliveries: each finds its rows through an index, however many there are.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use model::delivery::{Status, Wanted};
use rusqlite::Connection;

use super::super::{
    Options,
    accept::{self, Of, Ready},
    claim, database, deliveries, events, failure, open_inline,
    walk::Bounds,
};
use crate::{
    Error, Journal,
    contract::{
        self, JOURNAL_LIMITS, claims,
        events::{
            claim as claim_some, conclude, dead as is_dead, delivery, delivery_id, event_id, in_lane, new_event,
            project,
        },
        journal::after,
        lanes, lists, redrives, retention,
        sample::name,
        search,
    },
    journal::{Claim, EventWanted, Next, Settlement},
};

/// Statements, with the name of the file that they were for.
static SEEN: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());

pub(in crate::embedded) fn remember(connection: &Connection, sql: &str) {
    let file = Path::new(connection.path().unwrap()).file_name().unwrap().to_str().unwrap();
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).insert((file.to_owned(), sql.to_owned()));
}

fn seen(of: &str) -> Vec<String> {
    let seen = SEEN.lock().unwrap();
    seen.iter().filter(|(file, _)| file == of).map(|(_, sql)| sql.clone()).collect()
}

/// As large as the configuration is, not as what was received.
const SMALL: [&str; 6] = ["conditions", "ran", "routes", "sqlite_sequence", "state", "totals"];

/// How FTS5 says that it looks up words, between rowids, and a rowid.
const BY_WORDS: &str = "SCAN texts VIRTUAL TABLE INDEX 192:M5><";
const BY_ROWID: &str = "SCAN texts VIRTUAL TABLE INDEX 0:=";

type Case = fn(Arc<dyn Journal>) -> Pin<Box<dyn Future<Output = ()>>>;

#[tokio::test]
async fn every_statement_finds_its_rows_through_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [Case; 23] = [
        |journal| Box::pin(contract::accept::an_event_is_read_as_it_was_written(journal)),
        |journal| Box::pin(contract::accept::a_key_is_accepted_once_in_its_window(journal)),
        |journal| Box::pin(contract::accept::more_deliveries_of_a_kept_event(journal)),
        |journal| Box::pin(contract::accept::unauthenticated_bodies_have_a_quota(journal)),
        |journal| Box::pin(contract::accept::what_events_ran_on_is_known(journal)),
        |journal| Box::pin(claims::what_becomes_of_an_attempt_is_kept(journal)),
        |journal| Box::pin(claims::what_was_made_is_kept_once(journal)),
        |journal| Box::pin(claims::backlogs_tell_who_has_something_to_do(journal)),
        |journal| Box::pin(claims::conditions_are_kept(journal)),
        |journal| Box::pin(claims::writing_can_be_tried(journal)),
        |journal| Box::pin(lanes::a_dead_one_lets_others_pass_or_holds_them(journal)),
        |journal| Box::pin(lists::pages_of_events(journal)),
        |journal| Box::pin(lists::events_by_what_is_in_them(journal)),
        |journal| Box::pin(lists::events_by_what_became_of_them(journal)),
        |journal| Box::pin(lists::pages_of_deliveries(journal)),
        |journal| Box::pin(redrives::what_waits_becomes_due_at_once(journal)),
        |journal| Box::pin(retention::only_so_many_bytes_are_kept(journal)),
        |journal| Box::pin(retention::bodies_go_first(journal)),
        |journal| Box::pin(retention::unauthenticated_ones_live_shorter(journal)),
        |journal| Box::pin(retention::what_went_is_named_no_more(journal)),
        |journal| Box::pin(search::routes_are_opted_in_and_out(journal)),
        |journal| Box::pin(search::what_is_searched_is_filtered_too(journal)),
        |journal| Box::pin(search::what_retention_removes_is_not_found(journal)),
    ];
    for (number, case) in cases.iter().enumerate() {
        let options = Options { journal: JOURNAL_LIMITS, ..Options::new(folder.path().join(number.to_string())) };
        case(Arc::new(open_inline(&options).unwrap())).await;
    }

    for (file, least) in [("events.db", 60), ("search.db", 20)] {
        let connection = database::open_reader(&folder.path().join("0").join(file)).unwrap();
        let seen = seen(file);
        assert!(seen.len() > least, "{file}: {}", seen.len());
        for sql in seen {
            for step in plan(&connection, &sql) {
                let whole = step.strip_prefix("SCAN ").and_then(|of| of.split(' ').next());
                let small = whole.is_none_or(|table| SMALL.contains(&table));
                assert!(small || step.starts_with(BY_WORDS) || step.starts_with(BY_ROWID), "{sql}\n{step}");
                assert!(!step.contains("TEMP B-TREE"), "{sql}\n{step}");
            }
        }
    }
}

/// The same work takes as many steps with much in the journal as with little.
#[tokio::test]
async fn no_work_grows_with_what_is_kept() {
    let (few, many) = (steps_with(40).await, steps_with(2_000).await);
    assert_eq!(few.keys().collect::<Vec<_>>(), many.keys().collect::<Vec<_>>());
    for (what, few) in few {
        assert!(few > 10, "{what}: nothing was counted");
        assert!(many[what] <= few + few / 4, "{what}: {few} steps with few, {} with many", many[what]);
    }
}

/// The steps of SQLite's machine that each piece of work takes with so many events.
async fn steps_with(events: u64) -> BTreeMap<&'static str, i64> {
    let folder = tempfile::tempdir().unwrap();
    let journal: Arc<dyn Journal> = Arc::new(open_inline(&Options::new(folder.path())).unwrap());
    for second in 0..events {
        let mut new = new_event(second, "{}");
        new.record.labels = vec![("kind".to_owned(), "order".to_owned())];
        let both = vec![delivery(second, 0, "billing"), in_lane(delivery(second, 1, "audit"), "l")];
        contract::events::accept(&journal, new, both).await;
    }
    for lease in claim_some(&journal, "billing", 10, 10).await.leases {
        conclude(&journal, &lease, 10, is_dead(1, false)).await;
    }
    drop(journal);
    let connection = Connection::open(folder.path().join("events.db")).unwrap();
    connection.set_prepared_statement_cache_capacity(1_000);
    let mut steps = BTreeMap::new();
    let mut count = |what, work: &dyn Fn(&Connection) -> failure::Result<()>| {
        // A statement that was used is in the cache, with its count.
        let all = || -> i64 {
            let seen = seen("events.db");
            let steps =
                |sql: &String| connection.prepare_cached(sql).unwrap().get_status(rusqlite::StatementStatus::VmStep);
            seen.iter().map(steps).map(i64::from).sum()
        };
        let before = all();
        work(&connection).map_err(Error::from).unwrap();
        steps.insert(what, all() - before);
    };
    let bounds = Bounds { at_most: 10, look: 20 };
    let of = EventWanted::of(project());
    let labelled = EventWanted { label: Some(("kind".to_owned(), "order".to_owned())), ..of.clone() };
    let by_route = EventWanted { route: Some(name("orders")), ..of.clone() };
    let sparse = EventWanted { status: Some(Status::Dead), ..of.clone() };
    for (what, wanted) in [("events", of), ("by label", labelled), ("by route", by_route), ("sparse", sparse)] {
        count(what, &|connection| events::page(connection, &wanted, None, bounds).map(drop));
    }
    let all = Wanted::default();
    let dead = Wanted { status: Some(Status::Dead), ..all.clone() };
    let billing = Wanted { destination: Some(name("billing")), ..all.clone() };
    let route = Wanted { route: Some(name("orders")), ..all.clone() };
    for (what, wanted) in [("deliveries", all), ("dead", dead), ("to billing", billing), ("of a route", route)] {
        count(what, &|connection| deliveries::page(connection, &project(), &wanted, None, bounds).map(drop));
    }
    count("backlogs", &|connection| claim::backlogs(connection).map(drop));
    let wanted = Claim { project: project(), target: name("billing"), now: after(30), until: after(90), at_most: 10 };
    count("claim", &|connection| claim::claim(connection, &wanted).map(drop));
    count("conclude", &|connection| {
        let settlement =
            Settlement { delivery: delivery_id(10, 0), fence: 1, attempt: None, now: after(31), next: Next::Delivered };
        claim::conclude(connection, &settlement, Some("{}"), 5).map(drop)
    });
    count("cancel in a lane", &|connection| {
        claim::cancel(connection, &project(), delivery_id(0, 1), "enough", after(31)).map(drop)
    });
    count("end leases", &claim::end_leases);
    count("accept", &|connection| {
        let ready = Ready::new(new_event(9_999, "{}"));
        let both = vec![delivery(9_999, 0, "billing"), in_lane(delivery(9_999, 1, "audit"), "l")];
        accept::check(connection, &ready, &both)?;
        accept::insert(connection, &ready, None)?;
        let of = Of { event: event_id(9_999), project: "default", route: "orders" };
        accept::insert_deliveries(connection, of, &both)
    });
    steps
}

fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    // Without values for its parameters.
    let mut rows = explain.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get(3).unwrap());
    }
    steps
}
