//! One event on its way to one destination, and what became of each try.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{DeliveryId, EventId, Name, Timestamp};

/// A delivery as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// Stays the same over all attempts; receivers see it as `webhook-id`.
    #[schema(value_type = String)]
    pub id: DeliveryId,
    #[schema(value_type = String)]
    pub event: EventId,
    #[schema(value_type = String)]
    pub project: Name,
    #[schema(value_type = String)]
    pub route: Name,
    /// The destination that it was written for.
    #[schema(value_type = String)]
    pub destination: Name,
    /// Where the next attempt goes, or the last one went: another destination after a failover.
    #[schema(value_type = String)]
    pub target: Name,
    pub status: Status,
    /// Attempts that were made and count: those that a destination only slowed down do so beyond a bound.
    pub attempts: u32,
    /// When the next attempt is due, milliseconds since 1970-01-01T00:00:00Z. None if it is decided, or waits for an
    /// earlier one of its lane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// An attempt is being made; `due` is then when another one would begin should nothing come of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub under_way: bool,
    /// Deliveries of one destination with the same lane are made in order, one after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<String>,
    /// Whether somebody asked for the event to be sent again.
    #[serde(default)]
    pub replay: bool,
    /// When it was written, milliseconds.
    pub created: Timestamp,
    /// Why it is dead or cancelled, or why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// An attempt is being made or will be.
    Waiting,
    Delivered,
    /// No attempt is left; it stays in the dead letter until somebody sends it again.
    Dead,
    /// Somebody or a filter gave it up.
    Cancelled,
}

impl Status {
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Delivered, Self::Dead, Self::Cancelled];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One try of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// The destination that it went to.
    #[schema(value_type = String)]
    pub target: Name,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub started: Timestamp,
    pub outcome: Outcome,
    /// What was wrong, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default)]
    pub timings: Timings,
    /// What the destination answered, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<AnswerSeen>,
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Delivered,
    /// It counts against the delivery's attempts.
    Failed,
    /// The destination asked for patience (429, 503): the delivery waits, the attempt does not count.
    Slowed,
    /// The destination refused for good, or a filter gave the delivery up.
    Aborted,
}

/// How long the parts of an attempt took, microseconds. What did not happen is left out: over a connection that was open
/// there is no name to resolve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Timings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolve_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_us: Option<u64>,
    /// From the start to the head of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte_us: Option<u64>,
    pub total_us: u64,
}

/// A destination's answer, bounded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AnswerSeen {
    pub status: u16,
    /// Values that are not UTF-8 are shown with replacement characters.
    pub headers: Vec<(String, String)>,
    /// Base64 of the first 16 KiB.
    pub body: String,
    /// Whether there was more.
    #[serde(default)]
    pub truncated: bool,
}

/// How a destination is, beside what is configured: kept over restarts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Condition {
    /// Set by hand or by the destination (410, `webhook-delivery: disable`); its backlog is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Disabled>,
    pub breaker: Breaker,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Disabled {
    pub since: Timestamp,
    pub reason: String,
}

/// Whether a destination is tried at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Breaker {
    Closed {
        /// Failed attempts since the last good one.
        failures: u32,
    },
    /// Nothing is sent until then; after that one delivery at a time, as a probe, until one succeeds.
    Open {
        until: Timestamp,
        /// How often it opened in a row; each time the pause is longer.
        times: u32,
    },
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

/// Which deliveries are wanted: of one project, newest first. Everything that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    pub id: Option<DeliveryId>,
    pub event: Option<EventId>,
    pub route: Option<Name>,
    /// As written for, whatever the target is now.
    pub destination: Option<Name>,
    pub status: Option<Status>,
    /// Written at or after.
    pub from: Option<Timestamp>,
    /// Written before.
    pub until: Option<Timestamp>,
    /// Of events with this label: name and value.
    pub label: Option<(String, String)>,
    /// Of events that were received with this header: lower-case name, exact value.
    pub header: Option<(String, String)>,
}

impl Wanted {
    /// As far as the delivery itself can tell.
    pub fn takes(&self, delivery: &Delivery) -> bool {
        self.id.is_none_or(|id| delivery.id == id)
            && self.event.is_none_or(|event| delivery.event == event)
            && self.route.as_ref().is_none_or(|route| delivery.route == *route)
            && self.destination.as_ref().is_none_or(|destination| delivery.destination == *destination)
            && self.status.is_none_or(|status| delivery.status == status)
            && self.from.is_none_or(|from| delivery.created >= from)
            && self.until.is_none_or(|until| delivery.created < until)
    }
}
