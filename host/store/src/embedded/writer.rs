//! The one thread that writes to a database, and its group commit: whatever waits is done in one transaction, and nobody
//! is answered before that is on disk.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

use rusqlite::Connection;
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};

use super::{
    failure::{self, Failure},
    waiting::{Place, Spare},
};
use crate::{Error, Result, observe};

/// Operations in one transaction.
const GROUP_MOST: usize = 1_024;
/// Of those that go last, beside others: few, so that the others do not wait for them long.
const SPARE_IN_GROUP_MOST: usize = 64;
/// Operations that wait, unless there is a limit for it; who comes then waits for a place.
pub(super) const QUEUE_MOST: usize = 4_096;

/// Told how each group ended, on the thread that wrote it, before anybody is answered: none if it is durable.
pub(super) type Ended = Box<dyn FnMut(Option<&Error>) + Send>;

/// Dropping it waits until all that was handed over is done.
#[derive(Debug)]
pub(super) struct Writer {
    way: Way,
}

enum Way {
    Thread {
        operations: Option<mpsc::Sender<Box<dyn Operation>>>,
        spare: Arc<Spare>,
        thread: Option<JoinHandle<()>>,
    },
    /// Each operation is a group of its own, on the thread of whoever wants it.
    Inline(Mutex<Groups>),
}

impl Writer {
    pub(super) fn start(name: &str, connection: Connection, queue: usize, ended: Ended) -> Result<Self> {
        let (operations, waiting) = mpsc::channel(queue);
        let spare = Arc::<Spare>::default();
        let serve = {
            let (spare, groups) = (Arc::clone(&spare), Groups { connection, ended });
            move || serve(groups, waiting, &spare)
        };
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(serve)
            .map_err(|error| Error::failed(format!("cannot start the thread `{name}`"), error))?;
        Ok(Self { way: Way::Thread { operations: Some(operations), spare, thread: Some(thread) } })
    }

    /// Without a thread, for runs that are to be repeated exactly.
    pub(super) fn inline(connection: Connection, ended: Ended) -> Self {
        Self { way: Way::Inline(Mutex::new(Groups { connection, ended })) }
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
        self.send(operation(Undo::Alone, work, then)).await
    }

    /// As `run`, for work that refuses before it writes if it refuses at all, which then costs half as much. If it fails
    /// later, what the others of its group wrote is undone with it.
    pub(super) async fn run_checked<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> failure::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.send(operation(Undo::WithGroup, work, |_| ())).await
    }

    async fn send<T>(&self, (operation, answered): Handed<T>) -> Result<T> {
        match &self.way {
            Way::Thread { operations, .. } => {
                let operations = operations.as_ref().expect("is there until drop");
                operations.send(operation).await.map_err(|_| stopped())?;
            }
            Way::Inline(groups) => groups.lock().unwrap_or_else(PoisonError::into_inner).write(&mut vec![operation]),
        }
        answered.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// As `run_checked`, but never waits for a place: `Error::Busy` if there is none. `place` is given back when it is done,
    /// and `then` is called as in `run_then`.
    pub(super) async fn run_at_once<T: Send + 'static>(
        &self,
        place: Place,
        work: impl FnOnce(&Connection) -> failure::Result<T> + Send + 'static,
        then: impl FnOnce(&Result<T>) + Send + 'static,
    ) -> Result<T> {
        let (operation, answered) = operation(Undo::WithGroup, work, move |result| {
            then(result);
            drop(place);
        });
        match &self.way {
            Way::Thread { operations, .. } => {
                let operations = operations.as_ref().expect("is there until drop");
                operations.try_send(operation).map_err(|error| match error {
                    TrySendError::Full(_) => Error::Busy,
                    TrySendError::Closed(_) => stopped(),
                })?;
            }
            Way::Inline(groups) => groups.lock().unwrap_or_else(PoisonError::into_inner).write(&mut vec![operation]),
        }
        answered.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// As `run_at_once`, but nobody waits for it: it is done after what waits now, if less than `most` of the kind wait;
    /// false if not.
    pub(super) fn run_last<T: Send + 'static>(
        &self,
        (place, most): (Place, usize),
        work: impl FnOnce(&Connection) -> failure::Result<T> + Send + 'static,
        then: impl FnOnce(&Result<T>) + Send + 'static,
    ) -> bool {
        let (operation, _) = operation(Undo::WithGroup, work, move |result| {
            then(result);
            drop(place);
        });
        match &self.way {
            Way::Thread { operations, spare, .. } => match spare.push(operation, most) {
                // Wakes the thread. If there is no place, it is awake.
                Ok(true) => drop(operations.as_ref().expect("is there until drop").try_send(Box::new(Nothing))),
                Ok(false) => {}
                Err(_) => return false,
            },
            Way::Inline(groups) => groups.lock().unwrap_or_else(PoisonError::into_inner).write(&mut vec![operation]),
        }
        true
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let Way::Thread { operations, thread, .. } = &mut self.way else { return };
        *operations = None;
        if let Some(thread) = thread.take() {
            let name = thread.thread().name().unwrap_or_default().to_owned();
            if thread.join().is_err() {
                observe::writer_ended_badly(&name);
            }
        }
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Thread { thread, .. } => out.debug_tuple("Thread").field(thread).finish(),
            Self::Inline(_) => out.write_str("Inline"),
        }
    }
}

fn stopped() -> Error {
    Error::unavailable("the store has stopped writing; the log says why, start the host again")
}

/// One piece of work, whatever it returns.
pub(super) trait Operation: Send {
    fn undo(&self) -> Undo;
    fn apply(&mut self, connection: &Connection) -> Applied;
    /// Called once, when it is known whether the group is durable.
    fn answer(self: Box<Self>, lost: Option<&Error>);
}

/// What is to be done with what an operation wrote.
pub(super) enum Applied {
    Keep,
    /// It refused or failed, for this reason.
    Undo(String),
    /// The disk does not do what it should, so it says: nothing of the group can be relied on.
    Broken(String),
}

/// How what a failed operation wrote is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Undo {
    /// By a savepoint: for each page that it changes SQLite keeps a copy.
    Alone,
    /// Together with the group, if it wrote anything.
    WithGroup,
}

struct Task<T, W, R> {
    undo: Undo,
    work: Option<W>,
    result: Option<Result<T>>,
    reply: R,
}

/// An operation, and where its answer comes.
type Handed<T> = (Box<dyn Operation>, oneshot::Receiver<Result<T>>);

fn operation<T: Send + 'static>(
    undo: Undo,
    work: impl FnOnce(&Connection) -> failure::Result<T> + Send + 'static,
    then: impl FnOnce(&Result<T>) + Send + 'static,
) -> Handed<T> {
    let (answer, answered) = oneshot::channel();
    let reply = move |result| {
        then(&result);
        // Nobody may be waiting any more.
        drop(answer.send(result));
    };
    (Box::new(Task { undo, work: Some(work), result: None, reply }), answered)
}

impl<T, W, R> Operation for Task<T, W, R>
where
    T: Send,
    W: FnOnce(&Connection) -> failure::Result<T> + Send,
    R: FnOnce(Result<T>) + Send,
{
    fn undo(&self) -> Undo {
        self.undo
    }

    fn apply(&mut self, connection: &Connection) -> Applied {
        let work = self.work.take().expect("is applied once");
        let result = work(connection);
        let broken = matches!(&result, Err(Failure::Sql(error)) if failure::is_of_the_disk(error));
        match self.result.insert(result.map_err(Error::from)) {
            Ok(_) => Applied::Keep,
            Err(error) if broken => Applied::Broken(why(error)),
            Err(error) => Applied::Undo(why(error)),
        }
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

fn why(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Wakes the writer's thread.
struct Nothing;

impl Operation for Nothing {
    fn undo(&self) -> Undo {
        Undo::WithGroup
    }

    fn apply(&mut self, _: &Connection) -> Applied {
        Applied::Keep
    }

    fn answer(self: Box<Self>, _: Option<&Error>) {}
}

fn serve(mut groups: Groups, mut waiting: mpsc::Receiver<Box<dyn Operation>>, spare: &Spare) {
    let mut group = Vec::new();
    loop {
        if spare.is_empty() {
            if waiting.blocking_recv_many(&mut group, GROUP_MOST) == 0 && spare.is_empty() {
                return;
            }
        } else {
            group.extend(std::iter::from_fn(|| waiting.try_recv().ok()).take(GROUP_MOST));
        }
        spare.take((GROUP_MOST - group.len()).min(SPARE_IN_GROUP_MOST), &mut group);
        groups.write(&mut group);
    }
}

/// Who writes groups.
struct Groups {
    connection: Connection,
    ended: Ended,
}

impl Groups {
    fn write(&mut self, group: &mut Vec<Box<dyn Operation>>) {
        let connection = &self.connection;
        let lost = commit(connection, group).map_err(Error::from).err();
        if let Some(error) = &lost {
            observe::group_lost(group.len(), error);
            if !connection.is_autocommit() {
                // If even this fails, the next BEGIN does, and says so.
                drop(connection.execute_batch("ROLLBACK"));
            }
        }
        (self.ended)(lost.as_ref());
        for operation in group.drain(..) {
            operation.answer(lost.as_ref());
        }
    }
}

fn commit(connection: &Connection, group: &mut [Box<dyn Operation>]) -> failure::Result<()> {
    let execute = |sql: &str| connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
    execute("BEGIN IMMEDIATE")?;
    for operation in group {
        let alone = operation.undo() == Undo::Alone;
        if alone {
            execute("SAVEPOINT operation")?;
        }
        let before = connection.total_changes();
        let applied = operation.apply(connection);
        if let Applied::Broken(why) = applied {
            return Err(Error::unavailable(format!("the disk did not take what was written: {why}")).into());
        }
        if connection.is_autocommit() {
            return Err(Error::unavailable("the database gave up the transaction").into());
        }
        match applied {
            Applied::Undo(_) if alone => drop(execute("ROLLBACK TO operation")?),
            Applied::Undo(why) if connection.total_changes() != before => {
                return Err(Error::unavailable(format!("an operation failed half-way: {why}")).into());
            }
            _ => {}
        }
        if alone {
            execute("RELEASE operation")?;
        }
    }
    execute("COMMIT")?;
    Ok(())
}
