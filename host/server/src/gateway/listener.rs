//! Accepts connections and serves each in a task of its own, until told to stop; then lets them come to their end.

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use hyper::{rt::Executor, service::service_fn};
use hyper_util::{rt::TokioTimer, server::conn::auto};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinError, JoinSet},
    time::{Instant, Interval, MissedTickBehavior, interval, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    Gateway, Settings,
    deadline::{Clock, TICK},
    handle::handle,
    observe,
    peer::{Exchange, Peer},
    socket::Socket,
};

/// How long nothing is accepted after the system had no room for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often an HTTP/2 sender is asked whether it is still there, and how long it may take to say so.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Serves HTTP/1.1 and, for senders that begin with its preface, cleartext HTTP/2. Once `stop` is cancelled nothing more
/// is accepted, requests in flight have the settings' time to end, and what has not ended then is cut off.
pub async fn serve(listener: TcpListener, gateway: Arc<Gateway>, stop: CancellationToken) {
    let clock = Arc::new(Clock::default());
    let protocols = Arc::new(protocols(&gateway.settings, &clock));
    let mut connections = JoinSet::new();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    if let Ok(address) = listener.local_addr() {
        observe::listening(address);
    }
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = ticks.tick() => clock.tick(),
            Some(ended) = connections.join_next() => reap(ended),
            accepted = listener.accept(), if connections.len() < gateway.settings.connections_most => match accepted {
                Ok((tcp, address)) => {
                    connections.spawn(connection(Arc::clone(&protocols), Arc::clone(&gateway), Arc::clone(&clock), tcp, address));
                }
                Err(error) => pause(&error).await,
            },
        }
    }
    // New connections are refused from here on, and not left to wait.
    drop(listener);
    drain(connections, &clock, ticks, gateway.settings.drain).await;
}

async fn drain(mut connections: JoinSet<()>, clock: &Clock, mut ticks: Interval, time: Duration) {
    observe::draining(connections.len());
    clock.stop();
    let mut end = pin!(sleep_until(Instant::now() + time));
    loop {
        tokio::select! {
            () = &mut end => break,
            _ = ticks.tick() => clock.tick(),
            ended = connections.join_next() => match ended {
                Some(ended) => reap(ended),
                None => break,
            },
        }
    }
    observe::drained(connections.len());
    connections.shutdown().await;
}

fn reap(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        observe::connection_panicked(&error);
    }
}

async fn pause(error: &io::Error) {
    // A connection that was given up before it was accepted says nothing about the next one.
    let of_one = matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset);
    if !of_one {
        observe::accept_failed(error);
        sleep(ACCEPT_PAUSE).await;
    }
}

type Protocols = auto::Builder<Streams>;

fn protocols(settings: &Settings, clock: &Arc<Clock>) -> Protocols {
    let mut protocols = auto::Builder::new(Streams { clock: Arc::clone(clock) });
    protocols
        .http1()
        .max_headers(settings.headers_most)
        .max_buf_size(settings.header_bytes_most.max(8 << 10))
        // The clock sees to it.
        .header_read_timeout(None);
    protocols
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .max_concurrent_streams(settings.streams_most)
        .max_header_list_size(u32::try_from(settings.header_bytes_most).unwrap_or(u32::MAX));
    protocols
}

async fn connection(
    protocols: Arc<Protocols>,
    gateway: Arc<Gateway>,
    clock: Arc<Clock>,
    tcp: TcpStream,
    address: SocketAddr,
) {
    // Without, an answer's end would wait for the sender's acknowledgement of its beginning. A connection that is
    // already gone says so at the first read.
    _ = tcp.set_nodelay(true);
    let deadline = clock.deadline();
    let linger = gateway.settings.linger;
    deadline.send_within(gateway.settings.header_read_timeout);
    let peer = Arc::new(Peer::new(gateway, address, Arc::clone(&deadline)));
    let (socket, returned) = Socket::new(tcp);
    let served = {
        let peer = Arc::clone(&peer);
        let service = service_fn(move |request| handle(Exchange::begin(Arc::clone(&peer)), request));
        let connection = pin!(protocols.serve_connection(socket, service));
        deadline.keep(connection, |connection| connection.graceful_shutdown()).await
    };
    match served {
        None => return observe::connection_overdue(address),
        Some(Err(error)) => observe::connection_failed(address, error.as_ref()),
        Some(Ok(())) => {}
    }
    if peer.has_unread() {
        returned.linger(linger).await;
    }
}

/// Runs each stream of an HTTP/2 connection in a task with a deadline of its own. The task ends with its connection.
#[derive(Debug, Clone)]
struct Streams {
    clock: Arc<Clock>,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        tokio::spawn(self.clock.deadline().keep_stream(stream));
    }
}
