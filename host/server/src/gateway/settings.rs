//! The gateway's limits. Each has a default; what is typed in files is read elsewhere.

use std::time::Duration;

use ipnet::IpNet;

use super::record;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whose `Forwarded` and `X-Forwarded-*` are believed. Such a proxy must set or remove all of them, because what it
    /// lets through unseen is believed as well. Empty: nobody's.
    pub trusted_proxies: Vec<IpNet>,
    /// That serve connections; at least one.
    pub threads: usize,
    /// Connections open at a time; more wait in the listener's backlog.
    pub connections_most: usize,
    /// From a connection's start to the end of its first request head.
    pub header_read_timeout: Duration,
    /// From the end of an answer to the end of the next request head, and how long an HTTP/2 connection lives without
    /// a request.
    pub keep_alive_idle: Duration,
    /// Request line and headers together; 431 past it.
    pub header_bytes_most: usize,
    /// Header lines; 431 past it. Room for so many is made for each request, so that a high limit costs all of them.
    pub headers_most: usize,
    /// Between two pieces of a body; 408 past it.
    pub body_idle_timeout: Duration,
    /// From a request's head to the last byte of a body that is read before the filters are called; 408 past it.
    pub body_read_timeout: Duration,
    /// How long a sender may leave a piece of an answer untaken.
    pub answer_idle_timeout: Duration,
    /// Body bytes held for events of all projects; 503 past it.
    pub buffer_bytes: u64,
    /// Body bytes held for events of one project; 503 past it.
    pub buffer_bytes_per_project: u64,
    /// Requests at a time on one HTTP/2 connection.
    pub streams_most: u32,
    /// What requests in flight have to end in when the gateway stops.
    pub drain: Duration,
    /// How long a connection is still read from after a request was refused before its body had come, so that the sender
    /// gets to see the answer.
    pub linger: Duration,
    /// What is remembered of the newest events.
    pub records: record::Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            trusted_proxies: Vec::new(),
            threads: std::thread::available_parallelism().map_or(1, Into::into),
            connections_most: 10_000,
            header_read_timeout: Duration::from_secs(10),
            keep_alive_idle: Duration::from_secs(75),
            header_bytes_most: 64 << 10,
            headers_most: 128,
            body_idle_timeout: Duration::from_secs(10),
            body_read_timeout: Duration::from_secs(120),
            answer_idle_timeout: Duration::from_secs(30),
            buffer_bytes: 256 << 20,
            buffer_bytes_per_project: 128 << 20,
            streams_most: 128,
            drain: Duration::from_secs(30),
            linger: Duration::from_secs(2),
            records: record::Limits::default(),
        }
    }
}
