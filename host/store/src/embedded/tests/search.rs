//! `search.db` is never an obstacle: whatever becomes of it, it is filled again, and accepting goes on.

use std::{fs, path::Path, sync::Arc};

use model::{EventId, Name};
use rusqlite::Connection;

use super::start;
use crate::{
    Error, Journal,
    contract::{
        events::{accept, accept_many, delivery, event_id, new_event, project},
        sample::name,
    },
    journal::{EventWanted, Indexed, NewEvent},
};

const EVENTS: u64 = 60;

fn journal(folder: &Path) -> Arc<dyn Journal> {
    Arc::new(start(folder).1)
}

fn routes() -> [(Name, Name); 1] {
    [(project(), name("orders"))]
}

/// With words that are in all of them, and one that is in no other.
fn event(second: u64) -> NewEvent {
    let mut new = new_event(second, "");
    new.received.body = Some(format!("word number{second} {}", "filling ".repeat(40)).into());
    new
}

async fn fill(journal: &Arc<dyn Journal>, seconds: std::ops::Range<u64>) {
    for second in seconds {
        accept(journal, event(second), vec![delivery(second, 0, "billing")]).await;
    }
}

/// A folder with events that are all indexed.
async fn filled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    fill(&journal, 0..EVENTS).await;
    index(&journal).await;
    assert_eq!(found(&journal, "word").await.unwrap(), (0..EVENTS).rev().map(event_id).collect::<Vec<_>>());
    folder
}

async fn index(journal: &Arc<dyn Journal>) -> u32 {
    let mut all = 0;
    for _ in 0..1_000 {
        match journal.index(&routes(), 25).await {
            Ok(Indexed { events: 0, lag: 0 }) => return all,
            Ok(Indexed { events, .. }) => all += events,
            // It is damaged: the next slice makes it anew.
            Err(Error::Unavailable { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    panic!("there is always something to do");
}

async fn found(journal: &Arc<dyn Journal>, text: &str) -> Result<Vec<EventId>, Error> {
    let page = journal.search(&EventWanted::of(project()), text, None, 1_000).await?;
    assert_eq!(page.next, None);
    Ok(page.entries.into_iter().map(|kept| kept.record.id.parse().unwrap()).collect())
}

async fn is_whole(journal: &Arc<dyn Journal>, what: &str) {
    let all: Vec<_> = (0..EVENTS).rev().map(event_id).collect();
    assert_eq!(found(journal, "word filling").await.unwrap(), all, "{what}");
    assert_eq!(found(journal, "number7").await.unwrap(), [event_id(7)], "{what}");
}

#[tokio::test]
async fn what_is_missing_or_no_database_of_ours_is_made_anew() {
    let folder = filled().await;
    let file = folder.path().join("search.db");
    let written = fs::read(&file).unwrap();
    let foreign = |sql: &str| {
        fs::write(&file, &written).unwrap();
        Connection::open(&file).unwrap().execute_batch(sql).unwrap();
    };
    let spoil: [(&str, &dyn Fn()); 8] = [
        ("missing", &|| fs::remove_file(&file).unwrap()),
        ("empty", &|| fs::write(&file, "").unwrap()),
        ("garbage", &|| fs::write(&file, "no database ".repeat(1_000)).unwrap()),
        ("cut off", &|| fs::write(&file, &written[..written.len() / 2]).unwrap()),
        ("newer", &|| foreign("INSERT INTO migrations (number, applied) VALUES (9, 0)")),
        ("of others", &|| foreign("PRAGMA application_id = 7")),
        ("without a table", &|| foreign("DROP TABLE entries")),
        ("half of FTS", &|| foreign("PRAGMA writable_schema = 1; DELETE FROM sqlite_schema WHERE name = 'texts_data'")),
    ];
    for (what, spoil) in spoil {
        spoil();
        let journal = journal(folder.path());
        index(&journal).await;
        is_whole(&journal, what).await;
    }
}

/// Whichever page does not read as it should.
#[tokio::test]
async fn what_is_damaged_is_made_anew_when_it_is_met() {
    const PAGE: usize = 4_096;
    let folder = filled().await;
    let file = folder.path().join("search.db");
    let written = fs::read(&file).unwrap();
    let mut refused = 0;
    for page in 0..written.len() / PAGE {
        let mut damaged = written.clone();
        damaged[page * PAGE..(page + 1) * PAGE].fill(0xa5);
        fs::write(&file, damaged).unwrap();
        let journal = journal(folder.path());
        match found(&journal, "word filling").await {
            Err(Error::Unavailable { what, .. }) => {
                assert!(what.contains("will be made anew"), "{what}");
                refused += 1;
            }
            other => drop(other.unwrap()),
        }
        index(&journal).await;
        is_whole(&journal, &format!("page {page}")).await;
        fill(&journal, 100 + page as u64..101 + page as u64).await;
        // Gone again, so that the number of the newest event is all that differs from what was written.
        index(&journal).await;
        drop(journal);
        Connection::open(folder.path().join("events.db"))
            .unwrap()
            .execute("DELETE FROM events WHERE number > ?1", [EVENTS])
            .unwrap();
    }
    assert!(refused > 0);
}

#[tokio::test]
async fn what_cannot_be_made_refuses_and_nothing_else_does() {
    let folder = filled().await;
    let file = folder.path().join("search.db");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let journal = journal(folder.path());
    accept_many(&journal, 100..102).await;
    assert!(matches!(found(&journal, "word").await, Err(Error::Unavailable { .. })));
    assert!(matches!(journal.index(&routes(), 10).await, Err(Error::Unavailable { .. })));
    assert!(matches!(journal.reindex().await, Err(Error::Unavailable { .. })));
    fs::remove_dir(&file).unwrap();
    index(&journal).await;
    is_whole(&journal, "made later").await;
}

#[tokio::test]
async fn an_older_journal_is_indexed_anew() {
    let folder = filled().await;
    let (events, mark) = (folder.path().join("events.db"), folder.path().join("events.mark"));
    let older = [&events, &mark].map(|file| fs::read(file).unwrap());
    {
        let journal = journal(folder.path());
        fill(&journal, 100..110).await;
        index(&journal).await;
        assert_eq!(found(&journal, "number105").await.unwrap(), [event_id(105)]);
    }
    fs::write(&events, &older[0]).unwrap();
    fs::write(&mark, &older[1]).unwrap();
    let journal = journal(folder.path());
    // They get the numbers of those that are gone.
    fill(&journal, 200..220).await;
    assert_eq!(found(&journal, "number105").await.unwrap(), []);
    assert_eq!(index(&journal).await, u32::try_from(EVENTS).unwrap() + 20);
    assert_eq!(found(&journal, "word").await.unwrap().len(), 80);
    assert_eq!(found(&journal, "number205").await.unwrap(), [event_id(205)]);
}

/// What was put in is there after a restart, and is not put in twice.
#[tokio::test]
async fn a_restart_goes_on_where_it_was() {
    let folder = filled().await;
    let first = journal(folder.path());
    fill(&first, 100..105).await;
    assert_eq!(first.index(&routes(), 2).await.unwrap(), Indexed { events: 2, lag: 3 });
    drop(first);
    let journal = journal(folder.path());
    assert_eq!(index(&journal).await, 3);
    assert_eq!(found(&journal, "word").await.unwrap().len(), 65);
}

/// What somebody else removed from the journal is found by and by, and so is what takes no place any more.
#[tokio::test]
async fn what_is_not_there_any_more_goes() {
    let folder = filled().await;
    Connection::open(folder.path().join("events.db"))
        .unwrap()
        .execute_batch("DELETE FROM events WHERE number % 2 = 0; UPDATE events SET body = 2 WHERE number % 3 = 0")
        .unwrap();
    let journal = journal(folder.path());
    let mut gone = 0;
    for _ in 0..8 {
        gone += journal.index(&routes(), 25).await.unwrap().events;
    }
    assert_eq!(gone, 40);
    let search = Connection::open(folder.path().join("search.db")).unwrap();
    let count = |sql: &str| search.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM entries"), 20);
    assert_eq!(count("SELECT count(*) FROM texts WHERE texts MATCH 'word'"), 20);
}

/// Words that nobody may find any more are not kept for long, and their place goes back to the disk.
#[tokio::test]
async fn what_was_removed_leaves_nothing_behind() {
    let folder = filled().await;
    let journal = journal(folder.path());
    fill(&journal, 100..1_100).await;
    index(&journal).await;
    let reader = Connection::open(folder.path().join("search.db")).unwrap();
    let count = |sql: &str| reader.query_row(sql, [], |row| row.get::<_, u64>(0)).unwrap();
    let (bytes, pages) = ("SELECT sum(length(block)) FROM texts_data", "PRAGMA page_count");
    let before = (count(bytes), count(pages));
    while journal.index(&[], 100).await.unwrap().events > 0 {}
    for _ in 0..20 {
        journal.index(&[], 100).await.unwrap();
    }
    let after = (count(bytes), count(pages));
    assert!(after.0 < 1_000 && after.1 < before.1 / 2, "{before:?} {after:?}");
}

/// Ids whose first 63 bits are the same.
#[tokio::test]
async fn events_of_one_place_are_all_found() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path());
    let mut ids = Vec::new();
    for number in 0..7 {
        let mut new = event(5);
        let id = EventId::new(new.received.received, 1000 - number);
        (new.received.id, new.made.id, new.record.id) = (id, id, id.to_string());
        accept(&journal, new, vec![delivery(number as u64, 0, "billing")]).await;
        ids.push(id);
    }
    index(&journal).await;
    for at_most in 1..9 {
        let (mut all, mut before) = (Vec::new(), None);
        loop {
            let page = journal.search(&EventWanted::of(project()), "number5", before, at_most).await.unwrap();
            all.extend(page.entries.into_iter().map(|kept| kept.record.id.parse::<EventId>().unwrap()));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        all.sort_unstable();
        assert!(all.iter().rev().eq(&ids), "{all:?}");
    }
}

/// Whoever accepts does not wait for who indexes, nor for who searches.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn accepting_needs_no_search() {
    let folder = filled().await;
    let journal = journal(folder.path());
    let other = Connection::open(folder.path().join("search.db")).unwrap();
    // Nobody can write to it for as long as this is open.
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let waiting = {
        let journal = Arc::clone(&journal);
        tokio::spawn(async move { journal.index(&routes(), 10).await })
    };
    fill(&journal, 100..120).await;
    assert_eq!(found(&journal, "word").await.unwrap().len(), 60);
    other.execute_batch("ROLLBACK").unwrap();
    // SQLite may have given up waiting by then, on a machine with much to do; whoever indexes tries again.
    if waiting.await.unwrap().is_err() {
        journal.index(&routes(), 10).await.unwrap();
    }
    let searching = {
        let journal = Arc::clone(&journal);
        tokio::spawn(async move {
            for _ in 0..50 {
                assert!(found(&journal, "word filling").await.unwrap().len() >= 60);
            }
        })
    };
    let indexing = {
        let journal = Arc::clone(&journal);
        tokio::spawn(async move { index(&journal).await })
    };
    fill(&journal, 200..240).await;
    searching.await.unwrap();
    indexing.await.unwrap();
    index(&journal).await;
    assert_eq!(found(&journal, "word").await.unwrap().len(), 120);
}
