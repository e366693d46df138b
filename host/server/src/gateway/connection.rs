//! One connection, from its first byte to its last.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use delivery::destinations::http::Client;
use hyper::{rt::Executor, service::service_fn};
use hyper_util::{rt::TokioTimer, server::conn::auto};
use tokio::net::TcpStream;

use super::{
    Gateway, Settings,
    deadline::Clock,
    handle::handle,
    intake::Streamed,
    observe,
    peer::{Exchange, Peer},
    socket::Socket,
};

/// How often an HTTP/2 sender is asked whether it is still there, and how long it may take to say so.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

pub(super) type Protocols = auto::Builder<Streams>;

pub(super) fn protocols(settings: &Settings, clock: &Arc<Clock>) -> Protocols {
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

pub(super) async fn serve(
    protocols: Arc<Protocols>,
    gateway: Arc<Gateway>,
    client: Arc<Client<Streamed>>,
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
    let peer = Arc::new(Peer::new(gateway, client, address, Arc::clone(&deadline)));
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
pub(super) struct Streams {
    clock: Arc<Clock>,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        tokio::spawn(self.clock.deadline().keep_stream(stream));
    }
}
