//! The other end of a connection, and one request with its answer on it.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
};

use delivery::destinations::http::Client;
use http::HeaderValue;

use super::{Gateway, Settings, deadline::Deadline, forwarded, intake::Streamed, observe};

/// Who a connection is with, worked out once for all its requests.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) gateway: Arc<Gateway>,
    /// Of the thread that serves it.
    pub(super) client: Arc<Client<Streamed>>,
    pub(super) ip: IpAddr,
    /// Whether what it says about senders behind it is believed.
    pub(super) trusted: bool,
    /// Its address as `X-Forwarded-For` has it.
    pub(super) address: HeaderValue,
    /// And as `Forwarded` has it.
    pub(super) node: String,
    pub(super) deadline: Arc<Deadline>,
    /// Requests that are not answered to the end.
    open: AtomicU32,
    /// Whether a request was refused before its body had come.
    unread: AtomicBool,
}

impl Peer {
    pub(super) fn new(
        gateway: Arc<Gateway>,
        client: Arc<Client<Streamed>>,
        address: SocketAddr,
        deadline: Arc<Deadline>,
    ) -> Self {
        observe::connection_opened(&gateway.counters);
        let ip = address.ip().to_canonical();
        Self {
            ip,
            trusted: forwarded::is_trusted(ip, &gateway.settings.trusted_proxies),
            address: HeaderValue::try_from(ip.to_string()).expect("an address is a header value"),
            node: forwarded::node(ip),
            gateway,
            client,
            deadline,
            open: AtomicU32::new(0),
            unread: AtomicBool::new(false),
        }
    }

    pub(super) fn has_unread(&self) -> bool {
        self.unread.load(Relaxed)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        observe::connection_closed(&self.gateway.counters);
    }
}

/// What one request and its answer go over: a connection, or one stream of it.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) peer: Arc<Peer>,
    /// Only a stream of HTTP/2 has one for itself.
    stream: Option<Arc<Deadline>>,
}

impl Line {
    pub(super) fn settings(&self) -> &Settings {
        &self.peer.gateway.settings
    }

    pub(super) fn deadline(&self) -> &Deadline {
        self.stream.as_ref().unwrap_or(&self.peer.deadline)
    }

    /// The request will not be read to its end. On HTTP/1 nothing can follow it then.
    pub(super) fn leave_unread(&self) {
        if self.stream.is_none() {
            self.peer.unread.store(true, Relaxed);
        }
    }

    /// Whether the connection must be closed after the answer.
    pub(super) fn is_last(&self) -> bool {
        self.stream.is_none() && self.peer.has_unread()
    }
}

/// One request and its answer. When it is dropped the answer is sent, or given up.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) line: Line,
}

impl Exchange {
    pub(super) fn begin(peer: Arc<Peer>) -> Self {
        peer.open.fetch_add(1, Relaxed);
        peer.deadline.received();
        peer.deadline.sent();
        Self { line: Line { peer, stream: None } }
    }

    /// To be called by the task that serves the request.
    pub(super) fn enter(&mut self) {
        self.line.stream = Deadline::of_stream();
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let peer = &self.line.peer;
        if peer.open.fetch_sub(1, Relaxed) == 1 {
            peer.deadline.received();
            peer.deadline.send_within(peer.gateway.settings.keep_alive_idle);
        }
    }
}
