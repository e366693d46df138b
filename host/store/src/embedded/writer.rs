//! The one thread that writes to a database, and its group commit: whatever waits is done in one transaction, and nobody
//! is answered before that is on disk.

use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::failure;
use crate::{Error, Result, observe};

/// Operations in one transaction.
const GROUP_MOST: usize = 1_024;
/// Operations that wait; who comes then waits for a place.
const QUEUE_MOST: usize = 4_096;

/// Dropping it waits until all that was handed over is done.
#[derive(Debug)]
pub(super) struct Writer {
    operations: Option<mpsc::Sender<Box<dyn Operation>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(name: &str, connection: Connection) -> Result<Self> {
        let (operations, waiting) = mpsc::channel(QUEUE_MOST);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || serve(&connection, waiting))
            .map_err(|error| Error::failed(format!("cannot start the thread `{name}`"), error))?;
        Ok(Self { operations: Some(operations), thread: Some(thread) })
    }

    /// Does the work in a transaction; what it wrote is durable when this returns `Ok`, and undone when it returns `Err`.
    /// The work is done even if the caller no longer waits.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> failure::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run_then(work, |_| ()).await
    }

    /// As `run`; `then` is called on the writer's thread with what the caller will be told, before it is told.
    pub(super) async fn run_then<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> failure::Result<T> + Send + 'static,
        then: impl FnOnce(&Result<T>) + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let reply = move |result| {
            then(&result);
            // Nobody may be waiting any more.
            drop(answer.send(result));
        };
        let operation = Box::new(Task { work: Some(work), result: None, reply });
        let operations = self.operations.as_ref().expect("is there until drop");
        operations.send(operation).await.map_err(|_| stopped())?;
        answered.await.unwrap_or_else(|_| Err(stopped()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.operations = None;
        if let Some(thread) = self.thread.take() {
            let name = thread.thread().name().unwrap_or_default().to_owned();
            if thread.join().is_err() {
                observe::writer_ended_badly(&name);
            }
        }
    }
}

fn stopped() -> Error {
    Error::unavailable("the store has stopped writing; the log says why, start the host again")
}

/// One piece of work, whatever it returns.
trait Operation: Send {
    /// False if what it wrote is to be undone.
    fn apply(&mut self, connection: &Connection) -> bool;
    /// Called once, when it is known whether the group is durable.
    fn answer(self: Box<Self>, lost: Option<&Error>);
}

struct Task<T, W, R> {
    work: Option<W>,
    result: Option<Result<T>>,
    reply: R,
}

impl<T, W, R> Operation for Task<T, W, R>
where
    T: Send,
    W: FnOnce(&Connection) -> failure::Result<T> + Send,
    R: FnOnce(Result<T>) + Send,
{
    fn apply(&mut self, connection: &Connection) -> bool {
        let work = self.work.take().expect("is applied once");
        let result = work(connection).map_err(Error::from);
        self.result.insert(result).is_ok()
    }

    fn answer(self: Box<Self>, lost: Option<&Error>) {
        let result = match (lost, self.result) {
            // A refusal stays one, whatever became of the rest of its group.
            (_, Some(Err(error))) => Err(error),
            (None, Some(result)) => result,
            (Some(error), _) => Err(Error::unavailable(format!("the write did not become durable: {error}"))),
            (None, None) => Err(stopped()),
        };
        (self.reply)(result);
    }
}

fn serve(connection: &Connection, mut waiting: mpsc::Receiver<Box<dyn Operation>>) {
    let mut group = Vec::new();
    while waiting.blocking_recv_many(&mut group, GROUP_MOST) > 0 {
        let lost = commit(connection, &mut group).map_err(Error::from).err();
        if let Some(error) = &lost {
            observe::group_lost(group.len(), error);
            if !connection.is_autocommit() {
                // If even this fails, the next BEGIN does, and says so.
                drop(connection.execute_batch("ROLLBACK"));
            }
        }
        for operation in group.drain(..) {
            operation.answer(lost.as_ref());
        }
    }
}

/// Each operation has a savepoint, so that one that fails undoes only itself.
fn commit(connection: &Connection, group: &mut [Box<dyn Operation>]) -> failure::Result<()> {
    let execute = |sql: &str| connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
    execute("BEGIN IMMEDIATE")?;
    for operation in group {
        execute("SAVEPOINT operation")?;
        let keep = operation.apply(connection);
        if connection.is_autocommit() {
            // A full disk or the like: SQLite has undone the whole transaction by itself.
            return Err(Error::unavailable("the database gave up the transaction").into());
        }
        if !keep {
            execute("ROLLBACK TO operation")?;
        }
        execute("RELEASE operation")?;
    }
    execute("COMMIT")?;
    Ok(())
}
