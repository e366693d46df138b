//! Cleartext connections. Each is driven by the task that uses it and rests between two uses: an exchange needs no task of
//! its own and no channel between two, which is most of what a pooled request costs otherwise.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError, Weak},
    task::{Context, Waker},
    time::Instant,
};

use http::{Request, Response, uri::Authority};
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1},
};
use tokio::runtime::Handle;

use super::{
    ANSWER_HEAD_BYTES_MAX, EventBody, Pool, SendError, Target,
    body::{Driver, Source},
    head::{Timer, Waiting},
};
use crate::connector::{self, Connector};

/// How often resting connections are looked at, in parts of the time that they may rest.
const LOOKS: u32 = 10;

/// The connections that rest. Cloning is cheap.
pub(super) struct Connections<S: Source>(Arc<Resting<S>>);

struct Resting<S: Source> {
    pool: Pool,
    state: Mutex<State<S>>,
}

struct State<S: Source> {
    by_authority: HashMap<Authority, Vec<(Instant, Connection<S>)>>,
    /// Whether somebody looks after them.
    watched: bool,
}

/// Its type would name that of the bodies, and these name what serves them.
type Wire = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// A connection, with what it takes to use it.
struct Connection<S: Source> {
    send: http1::SendRequest<EventBody<S>>,
    wire: Wire,
    ended: bool,
    timer: Timer,
}

impl<S: Source> Connections<S> {
    pub(super) fn new(pool: Pool) -> Self {
        Self(Arc::new(Resting { pool, state: Mutex::new(State { by_authority: HashMap::new(), watched: false }) }))
    }

    /// The answer as soon as its head is there, with what drives its body.
    pub(super) async fn exchange(
        &self,
        connector: &Connector,
        target: &Target,
        mut request: Request<EventBody<S>>,
        waiting: &mut Waiting,
    ) -> Result<(Response<Incoming>, Box<dyn Driver>), SendError> {
        loop {
            let (mut connection, reused) = match self.0.take(target.authority(), waiting.begun()) {
                Some(connection) => (connection, true),
                None => {
                    let connection = open(connector, target).await?;
                    waiting.begin();
                    (connection, false)
                }
            };
            let answer = {
                let Connection { send, wire, ended, timer } = &mut connection;
                let mut answering = pin!(send.try_send_request(request));
                let poll = |cx: &mut Context<'_>| {
                    drive(wire, ended, cx);
                    answering.as_mut().poll(cx)
                };
                waiting.until(timer, poll).await?
            };
            let refused: TrySendError<_> = match answer {
                Ok(answer) => {
                    let home = Arc::clone(&self.0);
                    let (authority, since) = (target.authority().clone(), waiting.begun());
                    return Ok((answer, Box::new(Used { connection, authority, since, home })));
                }
                Err(refused) => refused,
            };
            request = match take_back(refused) {
                // It was closed while it rested, and nothing was written to it.
                (_, Some(request)) if reused => request,
                (error, _) => return Err(error.into()),
            };
        }
    }
}

fn take_back<R>(mut refused: TrySendError<R>) -> (hyper::Error, Option<R>) {
    let message = refused.take_message();
    (refused.into_error(), message)
}

async fn open<S: Source>(connector: &Connector, target: &Target) -> Result<Connection<S>, SendError> {
    let stream = connector.clone().open(target.url(), target.connect_timeout, connector::running_laps()).await?;
    let mut protocol = http1::Builder::new();
    protocol.max_buf_size(ANSWER_HEAD_BYTES_MAX as usize);
    let (send, wire) = protocol.handshake(stream).await?;
    Ok(Connection { send, wire: Box::pin(wire), ended: false, timer: None })
}

fn drive(wire: &mut Wire, ended: &mut bool, cx: &mut Context<'_>) {
    // Why it ended is told to the exchange that it was used for; a resting one may end as it likes.
    *ended = *ended || wire.as_mut().poll(cx).is_ready();
}

impl<S: Source> Connection<S> {
    /// Whether it can take another request, as far as is known without waiting.
    fn is_ready(&mut self) -> bool {
        drive(&mut self.wire, &mut self.ended, &mut Context::from_waker(Waker::noop()));
        !self.ended && self.send.is_ready()
    }
}

impl<S: Source> Resting<S> {
    fn state(&self) -> std::sync::MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one that was used last; the others may grow old.
    fn take(&self, authority: &Authority, now: Instant) -> Option<Connection<S>> {
        loop {
            let (since, mut connection) = self.state().by_authority.get_mut(authority)?.pop()?;
            if now.saturating_duration_since(since) < self.pool.idle_timeout && connection.is_ready() {
                return Some(connection);
            }
        }
    }

    fn rest(self: &Arc<Self>, authority: Authority, since: Instant, connection: Connection<S>) {
        let mut state = self.state();
        let resting = state.by_authority.entry(authority).or_default();
        if resting.len() < self.pool.idle_per_host_max {
            resting.push((since, connection));
        }
        if !state.watched
            && let Ok(runtime) = Handle::try_current()
        {
            state.watched = true;
            runtime.spawn(watch(Arc::downgrade(self)));
        }
    }

    /// Closes those that rested too long or were closed by the other side. Whether any are left.
    fn look(&self) -> bool {
        let mut state = self.state();
        state.by_authority.retain(|_, resting| {
            resting.retain_mut(|(since, connection)| since.elapsed() < self.pool.idle_timeout && connection.is_ready());
            !resting.is_empty()
        });
        state.watched = !state.by_authority.is_empty();
        state.watched
    }
}

async fn watch<S: Source>(resting: Weak<Resting<S>>) {
    let Some(pause) = resting.upgrade().map(|resting| resting.pool.idle_timeout / LOOKS) else { return };
    loop {
        tokio::time::sleep(pause).await;
        if !resting.upgrade().is_some_and(|resting| resting.look()) {
            return;
        }
    }
}

/// A connection while its answer comes.
struct Used<S: Source> {
    connection: Connection<S>,
    authority: Authority,
    /// When its use began.
    since: Instant,
    home: Arc<Resting<S>>,
}

impl<S: Source> Driver for Used<S> {
    fn drive(&mut self, cx: &mut Context<'_>) {
        drive(&mut self.connection.wire, &mut self.connection.ended, cx);
    }

    fn rest(mut self: Box<Self>) {
        // One that still has to send is closed: its answer said that it need not.
        if self.connection.is_ready() {
            self.home.rest(self.authority, self.since, self.connection);
        }
    }
}

impl<S: Source> fmt::Debug for Used<S> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Used").field("authority", &self.authority).finish_non_exhaustive()
    }
}
