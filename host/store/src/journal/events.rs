//! What is written about events and their deliveries, and what is read.

use model::{
    Delivery, DeliveryId, Event, EventId, Name, Timestamp,
    delivery::Attempt,
    record::{Disposition, Record},
};

/// An event that goes to destinations.
#[derive(Debug, Clone)]
pub struct Accept {
    pub event: NewEvent,
    /// At least one.
    pub deliveries: Vec<NewDelivery>,
    pub idempotency: Option<Idempotency>,
    /// Whether filters reserved keys for the event, which become known with it.
    pub reserved: bool,
}

/// An event as it came, what the chain made of it, and the story of that.
#[derive(Debug, Clone)]
pub struct NewEvent {
    pub received: Event,
    /// What goes out. Kept apart only where it differs.
    pub made: Event,
    /// Without a capture: the request is kept whole.
    pub record: Record,
    /// False if no filter has let it through: then it counts against the quota of such bodies, and does not live long.
    pub authenticated: bool,
}

/// A delivery to be made.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    pub id: DeliveryId,
    pub destination: Name,
    /// Not before.
    pub due: Timestamp,
    pub lane: Option<String>,
    pub replay: bool,
}

/// A delivery of an event that is kept.
#[derive(Debug, Clone)]
pub struct Again {
    pub event: EventId,
    pub delivery: NewDelivery,
    /// What goes out instead of what was made of the event then; destinations' filters are not asked any more.
    pub prepared: Option<Prepared>,
}

/// An event with the same key, for the same route, is a duplicate until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    pub key: String,
    pub now: Timestamp,
    pub until: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    New,
    /// Of this event; nothing was written.
    Duplicate(EventId),
}

/// What is wanted of one destination.
#[derive(Debug, Clone)]
pub struct Claim {
    pub project: Name,
    pub target: Name,
    pub now: Timestamp,
    /// The end of the lease. Later than the longest attempt can end.
    pub until: Timestamp,
    pub at_most: u32,
}

#[derive(Debug, Clone, Default)]
pub struct Claimed {
    pub leases: Vec<Lease>,
    /// When the next one is due that was not taken, leases of others included; none if none waits.
    pub next: Option<Timestamp>,
}

/// A delivery that is held for an attempt.
#[derive(Debug, Clone)]
pub struct Lease {
    pub delivery: Delivery,
    pub fence: u64,
}

/// What becomes of a delivery that is held.
#[derive(Debug, Clone)]
pub struct Settlement {
    pub delivery: DeliveryId,
    pub fence: u64,
    /// None if there was none: the lease is only given back, or the delivery goes to another destination untried.
    pub attempt: Option<Attempt>,
    pub now: Timestamp,
    pub next: Next,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Delivered,
    /// `attempts` is the new count.
    Retry {
        due: Timestamp,
        target: Name,
        attempts: u32,
        reason: Option<String>,
    },
    /// `holds_lane`: those behind it in its lane wait until somebody decides about it.
    Dead {
        attempts: u32,
        reason: String,
        holds_lane: bool,
    },
    Cancelled {
        reason: String,
    },
}

/// The delivery behind a decided one in its lane has become due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unblocked {
    pub target: Name,
    pub due: Timestamp,
}

/// The bytes that go to one destination.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// With everything that its filters changed.
    pub made: Event,
    /// The filters' runs, for the story.
    pub runs: Vec<model::record::Run>,
}

/// What waits for one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    pub project: Name,
    pub target: Name,
    /// When the first is due; of those that are held, when their lease ends.
    pub next: Timestamp,
}

/// An event that is kept, with its bytes.
#[derive(Debug, Clone)]
pub struct Stored {
    /// `replay` is false: that belongs to a delivery.
    pub received: Event,
    pub made: Event,
    /// Without a capture.
    pub record: Record,
    pub authenticated: bool,
    /// False if the body was removed before the rest: what there is of it is empty.
    pub has_body: bool,
}

/// An event in a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// Without a capture.
    pub record: Record,
    /// How many deliveries it has in each status, in the order of `Status::ALL`.
    pub deliveries: [u32; 4],
}

/// Which events are wanted: of one project. Everything that is set must hold.
#[derive(Debug, Clone)]
pub struct EventWanted {
    pub project: Name,
    pub route: Option<Name>,
    pub disposition: Option<Disposition>,
    /// Name and value.
    pub label: Option<(String, String)>,
    /// A header as it was received: lower-case name, exact value.
    pub header: Option<(String, String)>,
    /// Has a delivery to this destination.
    pub destination: Option<Name>,
    /// Has a delivery in this status; with `destination`, that one.
    pub status: Option<model::delivery::Status>,
    /// Received at or after.
    pub from: Option<Timestamp>,
    /// Received before.
    pub until: Option<Timestamp>,
}

impl EventWanted {
    /// All events of a project.
    pub fn of(project: Name) -> Self {
        Self {
            project,
            route: None,
            disposition: None,
            label: None,
            header: None,
            destination: None,
            status: None,
            from: None,
            until: None,
        }
    }
}

/// A part of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T, Id> {
    pub entries: Vec<T>,
    /// Where the rest begins (ask for what comes before it); none if there is none.
    pub next: Option<Id>,
}

/// A slice of a redrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redriven {
    /// Which were sent again.
    pub deliveries: u64,
    /// Where the rest begins (ask for what comes after it); none if that was all.
    pub next: Option<DeliveryId>,
    /// The destinations that have something to do now.
    pub targets: Vec<Name>,
}

/// What a route keeps; none of a bound means none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    pub project: Name,
    pub route: Name,
    /// Events received before go.
    pub before: Option<Timestamp>,
    /// The bodies of events received before go, the rest of them stays.
    pub bodies_before: Option<Timestamp>,
    /// Events that no filter let through and that were received before go.
    pub unauthenticated_before: Option<Timestamp>,
    /// Most events.
    pub events: Option<u64>,
    /// Most bytes of bodies and headers.
    pub bytes: Option<u64>,
}

/// What a slice of retention removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retained {
    pub events: u32,
    pub bodies: u32,
}

/// What a slice of indexing did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Indexed {
    /// Events that were put in or taken out; with no lag and none of these there is nothing to do for now.
    pub events: u32,
    /// Events that are not looked at yet, about.
    pub lag: u64,
}

/// Whether what is written becomes durable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Why the last write failed, if it did and none has succeeded since.
    pub failing: Option<String>,
    /// So many events that were durable are gone from the end of the journal: its file was damaged, or is an older copy.
    /// Until somebody takes note.
    pub lost: u64,
    /// Events that went nowhere and were given up instead of being kept, since the start.
    pub given_up: u64,
}
