//! The group commit: what fails fails alone, what is acknowledged is durable, and what cannot be durable is refused.

use std::sync::{Arc, mpsc};

use rusqlite::Connection;
use tokio::{sync::oneshot, task::JoinSet};

use super::super::{database, failure, writer::Writer};
use crate::{Error, Result};

/// Dropping the sender ends it.
pub(super) type Blocked = (mpsc::Sender<()>, tokio::task::JoinHandle<Result<()>>);

pub(super) type Work = Box<dyn FnOnce(&Connection) -> failure::Result<()> + Send>;

/// Keeps a writer busy, so that what comes meanwhile becomes one group.
pub(super) async fn block<R: Future<Output = Result<()>> + Send + 'static>(run: impl FnOnce(Work) -> R) -> Blocked {
    let (release, released) = mpsc::channel::<()>();
    let (start, started) = oneshot::channel();
    let work = move |_: &Connection| {
        start.send(()).unwrap();
        released.recv().unwrap_err();
        Ok(())
    };
    let blocked = tokio::spawn(run(Box::new(work)));
    started.await.unwrap();
    (release, blocked)
}

struct Table {
    folder: tempfile::TempDir,
    writer: Arc<Writer>,
}

impl Table {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file =
            database::open(&folder.path().join("events.db"), &database::EVENTS, database::Survives::Machine).unwrap();
        file.connection.execute_batch("CREATE TABLE numbers (number INTEGER PRIMARY KEY, filling BLOB)").unwrap();
        Self { folder, writer: Arc::new(Writer::start("test", file.connection, 64, Box::new(|_| ())).unwrap()) }
    }

    async fn block(&self) -> Blocked {
        let writer = Arc::clone(&self.writer);
        block(move |work| async move { writer.run(work).await }).await
    }

    fn numbers(&self) -> Vec<i64> {
        let reader = database::open_reader(&self.folder.path().join("events.db")).unwrap();
        let mut query = reader.prepare("SELECT number FROM numbers ORDER BY number").unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(|number| number.unwrap()).collect()
    }
}

fn insert(connection: &Connection, number: i64, filling: usize) -> failure::Result<()> {
    connection.execute("INSERT INTO numbers (number, filling) VALUES (?1, zeroblob(?2))", (number, filling))?;
    Ok(())
}

#[tokio::test]
async fn one_that_fails_undoes_only_itself() {
    let table = Table::start();
    let (release, blocked) = table.block().await;
    let mut group = JoinSet::new();
    for number in 0..20 {
        let writer = Arc::clone(&table.writer);
        group.spawn(async move {
            let result = writer
                .run(move |connection| {
                    insert(connection, number, 1)?;
                    // Each third one fails after it has written: by itself, or by what SQLite says.
                    match number % 6 {
                        0 => Err(Error::NotFound { what: "it".to_owned() }.into()),
                        3 => insert(connection, number, 1),
                        _ => Ok(()),
                    }
                })
                .await;
            (number, result)
        });
    }
    tokio::task::yield_now().await;
    drop(release);
    blocked.await.unwrap().unwrap();
    for (number, result) in group.join_all().await {
        match number % 6 {
            0 => assert!(matches!(result, Err(Error::NotFound { .. })), "{number}: {result:?}"),
            3 => assert!(matches!(result, Err(Error::Unavailable { .. })), "{number}: {result:?}"),
            _ => result.unwrap(),
        }
    }
    assert_eq!(table.numbers(), (0..20).filter(|number| number % 3 != 0).collect::<Vec<_>>());
}

#[tokio::test]
async fn nothing_is_acknowledged_that_the_disk_did_not_take() {
    let table = Table::start();
    let limit = async |pages: u32| {
        let set = move |connection: &Connection| Ok(connection.pragma_update(None, "max_page_count", pages)?);
        table.writer.run(set).await.unwrap();
    };
    limit(60).await;
    let mut kept = Vec::new();
    let mut refused = 0;
    for number in 0..20 {
        match table.writer.run(move |connection| insert(connection, number, 16 << 10)).await {
            Ok(()) => kept.push(number),
            Err(Error::Unavailable { .. }) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(!kept.is_empty() && refused > 0, "{kept:?}");
    assert_eq!(table.numbers(), kept);
    // Once there is room again, it goes on.
    limit(1_000).await;
    table.writer.run(|connection| insert(connection, 99, 16 << 10)).await.unwrap();
    assert_eq!(table.numbers().last(), Some(&99));
}

#[tokio::test]
async fn a_transaction_that_is_lost_is_refused_to_all_of_it() {
    let table = Table::start();
    let (release, blocked) = table.block().await;
    let mut group = JoinSet::new();
    for number in 0..10 {
        let writer = Arc::clone(&table.writer);
        let work = move |connection: &Connection| {
            insert(connection, number, 1)?;
            if number == 5 {
                // What SQLite does by itself when the disk fails it.
                connection.execute_batch("ROLLBACK")?;
            }
            Ok(())
        };
        group.spawn(async move { writer.run(work).await });
    }
    tokio::task::yield_now().await;
    drop(release);
    blocked.await.unwrap().unwrap();
    for result in group.join_all().await {
        let refused = result.unwrap_err();
        assert!(refused.to_string().contains("did not become durable"), "{refused}");
    }
    table.writer.run(|connection| insert(connection, 99, 1)).await.unwrap();
    assert_eq!(table.numbers(), [99]);
}

/// Each of ten operations in one group; the fifth one is `work`.
async fn group_with(table: &Table, work: fn(&Connection) -> failure::Result<()>) -> Vec<Result<()>> {
    let (release, blocked) = table.block().await;
    let mut group = JoinSet::new();
    for number in 0..10 {
        let writer = Arc::clone(&table.writer);
        let insert =
            move |connection: &Connection| if number == 5 { work(connection) } else { insert(connection, number, 1) };
        group.spawn(async move { (number, writer.run_checked(insert).await) });
    }
    tokio::task::yield_now().await;
    drop(release);
    blocked.await.unwrap().unwrap();
    let mut ended = group.join_all().await;
    ended.sort_by_key(|(number, _)| *number);
    ended.into_iter().map(|(_, result)| result).collect()
}

#[tokio::test]
async fn a_full_disk_is_refused_to_all_of_the_group() {
    let table = Table::start();
    let limit = |pages: u32| {
        let set = move |connection: &Connection| Ok(connection.pragma_update(None, "max_page_count", pages)?);
        table.writer.run(set)
    };
    limit(80).await.unwrap();
    for result in group_with(&table, |connection| insert(connection, 5, 10 << 20)).await {
        assert!(matches!(result, Err(Error::Unavailable { .. })), "{result:?}");
    }
    assert!(table.numbers().is_empty());
    limit(10_000).await.unwrap();
    for result in group_with(&table, |connection| insert(connection, 5, 10 << 20)).await {
        result.unwrap();
    }
    assert_eq!(table.numbers(), (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_refuses_before_it_writes_refuses_alone() {
    let table = Table::start();
    let ended = group_with(&table, |_| Err(Error::NotFound { what: "it".to_owned() }.into())).await;
    for (number, result) in ended.iter().enumerate() {
        assert_eq!(result.is_err(), number == 5, "{number}: {result:?}");
    }
    assert!(matches!(ended[5], Err(Error::NotFound { .. })));
    assert_eq!(table.numbers(), [0, 1, 2, 3, 4, 6, 7, 8, 9]);
}

#[tokio::test]
async fn what_fails_half_way_takes_its_group_with_it() {
    let table = Table::start();
    let half_way = |connection: &Connection| {
        insert(connection, 5, 1)?;
        Err(Error::NotFound { what: "it".to_owned() }.into())
    };
    let ended = group_with(&table, half_way).await;
    assert!(matches!(ended[5], Err(Error::NotFound { .. })));
    for result in &ended[..5] {
        let refused = result.as_ref().unwrap_err().to_string();
        assert!(refused.contains("half-way: it does not exist"), "{refused}");
    }
    assert!(table.numbers().is_empty());
}

#[tokio::test]
async fn the_work_is_done_though_nobody_waits() {
    let table = Table::start();
    let (release, blocked) = table.block().await;
    let writer = Arc::clone(&table.writer);
    let waiting = tokio::spawn(async move { writer.run(|connection| insert(connection, 7, 1)).await });
    // On this runtime's one thread it has been handed over when the task has had its turn.
    tokio::task::yield_now().await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    drop(release);
    blocked.await.unwrap().unwrap();
    let Table { folder, writer } = table;
    // The end of the writer is the end of its work.
    drop(Arc::into_inner(writer).unwrap());
    let reader = database::open_reader(&folder.path().join("events.db")).unwrap();
    assert_eq!(reader.query_row("SELECT number FROM numbers", [], |row| row.get(0)), Ok(7));
}
