//! What is remembered of the newest events, in memory and bounded. Writing a record never waits: if there is no place to
//! write at that moment, the record is lost and counted.

use std::{
    collections::{HashSet, VecDeque},
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError, TryLockError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderName, Method};
use model::{
    Digest, Event, EventId, Name, Timestamp,
    record::{Capture, Disposition, Record, Run, Wanted},
};
use tokio::sync::broadcast;

#[cfg(test)]
mod tests;

/// Parts of the memory, each under a lock of its own, so that one is free when another is written or read.
const SHARDS: usize = 4;
/// Records that a subscriber may be behind; older ones are lost to it.
const BEHIND_MOST: usize = 256;
/// What a record takes beside its texts, about.
const BYTES_LEAST: usize = 512;

/// How much is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Records.
    pub events: usize,
    /// Bytes of all records together; older ones make room.
    pub bytes: usize,
    /// Bytes of one captured body; the rest of it is cut off.
    pub body_bytes: usize,
    /// Bytes of all captured requests that no filter has let through; older ones make room.
    pub unauthenticated_bytes: usize,
    /// How long such a request is kept.
    pub unauthenticated_life: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            events: 1_000,
            bytes: 32 << 20,
            body_bytes: 64 << 10,
            unauthenticated_bytes: 1 << 20,
            unauthenticated_life: Duration::from_secs(600),
        }
    }
}

/// Remembers the newest events and tells those who listen.
#[derive(Debug)]
pub struct Recorder {
    limits: Limits,
    shards: [Mutex<Shard>; SHARDS],
    turn: AtomicU64,
    lost: AtomicU64,
    tail: broadcast::Sender<Arc<Record>>,
}

fn takes(wanted: &Wanted, entry: &Entry) -> bool {
    entry.project == wanted.project
        && wanted.route.as_ref().is_none_or(|route| entry.route == *route)
        && wanted.disposition.is_none_or(|disposition| entry.disposition == disposition)
}

impl Recorder {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            shards: Default::default(),
            turn: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            tail: broadcast::Sender::new(BEHIND_MOST),
        }
    }

    /// The newest first.
    pub fn latest(&self, wanted: &Wanted, now: Timestamp) -> Vec<Record> {
        let mut found: Vec<(u64, Arc<Entry>)> = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            found.extend(shard.entries.iter().filter(|(_, entry)| takes(wanted, entry)).cloned());
        }
        found.sort_by_key(|(turn, _)| std::cmp::Reverse(*turn));
        found.truncate(wanted.at_most);
        found.iter().map(|(_, entry)| entry.to_record_with_capture(self.limits.unauthenticated_life, now)).collect()
    }

    /// One event, if it is still remembered.
    pub fn find(&self, project: &Name, id: EventId, now: Timestamp) -> Option<Record> {
        let find = |shard: &Mutex<Shard>| {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.entries.iter().find(|(_, entry)| entry.id == id && entry.project == *project).cloned()
        };
        let (_, entry) = self.shards.iter().find_map(find)?;
        Some(entry.to_record_with_capture(self.limits.unauthenticated_life, now))
    }

    /// Every record from now on, of all projects: whoever passes them on must choose.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Record>> {
        self.tail.subscribe()
    }

    /// The configurations that filters had for events of the project that are still remembered.
    pub fn configurations(&self, project: &Name) -> HashSet<Digest> {
        let mut found = HashSet::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let entries = shard.entries.iter().filter(|(_, entry)| entry.project == *project);
            found.extend(entries.flat_map(|(_, entry)| &entry.filters).map(|run| run.config_digest));
        }
        found
    }

    /// Whether an event that is still remembered ran on this module.
    pub fn refers_to_module(&self, module: &Digest) -> bool {
        self.shards.iter().any(|shard| {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.entries.iter().any(|(_, entry)| entry.filters.iter().any(|run| run.digest == *module))
        })
    }

    /// Records that found no place.
    pub fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }

    /// How much of a body is worth handing over.
    pub(super) fn body_bytes(&self) -> usize {
        self.limits.body_bytes
    }

    pub(super) fn record(&self, entry: Entry) {
        let entry = Arc::new(entry);
        if self.tail.receiver_count() > 0 {
            // An error only says that the last one has just left.
            _ = self.tail.send(Arc::new(entry.to_record_with_capture(Duration::MAX, entry.received)));
        }
        let turn = self.turn.fetch_add(1, Relaxed);
        for other in 0..SHARDS {
            let mut shard = match self.shards[(turn as usize).wrapping_add(other) % SHARDS].try_lock() {
                Ok(shard) => shard,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => continue,
            };
            let forgotten = shard.push((turn, entry), &self.limits);
            drop(shard);
            drop(forgotten);
            return;
        }
        self.lost.fetch_add(1, Relaxed);
    }
}

#[derive(Debug, Default)]
struct Shard {
    /// Each with the turn at which it was written; the oldest first.
    entries: VecDeque<(u64, Arc<Entry>)>,
    bytes: usize,
    unauthenticated_bytes: usize,
}

impl Shard {
    /// Returns the last of what had to make room, usually all of it, to be freed after the lock.
    fn push(&mut self, (turn, entry): (u64, Arc<Entry>), limits: &Limits) -> Option<Arc<Entry>> {
        let mut forgotten = None;
        self.bytes += entry.bytes();
        self.unauthenticated_bytes += entry.unauthenticated_bytes();
        self.entries.push_back((turn, entry));
        while self.entries.len() > 1
            && (self.entries.len() > limits.events.div_ceil(SHARDS) || self.bytes > limits.bytes / SHARDS)
        {
            let Some((_, oldest)) = self.entries.pop_front() else { break };
            self.bytes -= oldest.bytes();
            self.unauthenticated_bytes -= oldest.unauthenticated_bytes();
            forgotten = Some(oldest);
        }
        if self.unauthenticated_bytes > limits.unauthenticated_bytes / SHARDS {
            self.forget_unauthenticated(limits.unauthenticated_bytes / SHARDS);
        }
        forgotten
    }

    /// Of requests that nobody vouched for, the captured parts go first.
    fn forget_unauthenticated(&mut self, most: usize) {
        for (_, kept) in &mut self.entries {
            if self.unauthenticated_bytes <= most {
                break;
            }
            let bytes = kept.unauthenticated_bytes();
            if bytes > 0 {
                *kept = Arc::new(kept.without_capture());
                self.unauthenticated_bytes -= bytes;
                self.bytes -= bytes;
            }
        }
    }
}

/// A record as the gateway leaves it: made of what is there anyway, brought into words when somebody reads it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) id: EventId,
    pub(super) project: Name,
    pub(super) route: Name,
    pub(super) received: Timestamp,
    pub(super) source: IpAddr,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) revision: u64,
    pub(super) disposition: Disposition,
    pub(super) status: u16,
    pub(super) reason: Option<String>,
    pub(super) destination: Option<Name>,
    pub(super) labels: Vec<(String, String)>,
    pub(super) idempotency_key: Option<String>,
    pub(super) order_key: Option<String>,
    pub(super) duration: Duration,
    pub(super) destination_duration: Option<Duration>,
    pub(super) body_bytes: Option<u64>,
    pub(super) filters: Vec<Run>,
    pub(super) capture: Option<Captured>,
}

/// A request as it was received. Owns its bytes, because what they came in may be much larger.
#[derive(Debug, Clone)]
pub(super) struct Captured {
    authenticated: bool,
    query: Option<String>,
    headers: Vec<(HeaderName, Box<[u8]>)>,
    body: Bytes,
    truncated: bool,
}

impl Captured {
    /// No body: it was not read.
    pub(super) fn new(authenticated: bool, received: &Event, body_bytes_most: usize) -> Self {
        let body = received.body.as_ref();
        let kept = body.map_or(&[][..], |body| &body[..body.len().min(body_bytes_most)]);
        Self {
            authenticated,
            query: received.query.clone(),
            headers: received.headers.iter().map(|(name, value)| (name.clone(), value.as_bytes().into())).collect(),
            body: Bytes::copy_from_slice(kept),
            truncated: body.is_none_or(|body| body.len() > kept.len()),
        }
    }

    fn bytes(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 64).sum();
        self.query.as_ref().map_or(0, String::len) + headers + self.body.len()
    }

    fn to_capture(&self) -> Capture {
        let shown = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        Capture {
            authenticated: self.authenticated,
            query: self.query.clone(),
            headers: self.headers.iter().map(|(name, value)| (name.to_string(), shown(value))).collect(),
            body: STANDARD.encode(&self.body),
            body_truncated_at: self.truncated.then_some(self.body.len() as u64),
        }
    }
}

impl Entry {
    /// About what it takes in memory.
    fn bytes(&self) -> usize {
        let run = |run: &Run| 512 + run.logs.iter().map(|line| line.message.len() + 64).sum::<usize>();
        BYTES_LEAST
            + self.path.len()
            + self.reason.as_ref().map_or(0, String::len)
            + self.labels.iter().map(|(name, value)| name.len() + value.len() + 48).sum::<usize>()
            + self.filters.iter().map(run).sum::<usize>()
            + self.capture.as_ref().map_or(0, Captured::bytes)
    }

    fn unauthenticated_bytes(&self) -> usize {
        self.capture.as_ref().filter(|capture| !capture.authenticated).map_or(0, Captured::bytes)
    }

    fn without_capture(&self) -> Self {
        Self { capture: None, ..self.clone() }
    }

    fn to_record_with_capture(&self, unauthenticated_life: Duration, now: Timestamp) -> Record {
        let old = now >= self.received.after(unauthenticated_life);
        let capture = self.capture.as_ref().filter(|capture| capture.authenticated || !old);
        Record { capture: capture.map(Captured::to_capture), ..self.to_record() }
    }

    /// Without the request.
    pub(super) fn to_record(&self) -> Record {
        Record {
            id: self.id.to_string(),
            project: self.project.to_string(),
            route: self.route.to_string(),
            received: self.received.as_millis(),
            source: self.source.to_string(),
            method: self.method.to_string(),
            path: self.path.clone(),
            revision: self.revision,
            disposition: self.disposition,
            status: self.status,
            reason: self.reason.clone(),
            destination: self.destination.as_ref().map(ToString::to_string),
            labels: self.labels.clone(),
            idempotency_key: self.idempotency_key.clone(),
            order_key: self.order_key.clone(),
            duration_us: micros(self.duration),
            destination_us: self.destination_duration.map(micros),
            body_bytes: self.body_bytes,
            filters: self.filters.clone(),
            capture: None,
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
