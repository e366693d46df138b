//! What is told about events and deliveries, and asked about them: by the host, to whoever looks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Delivery, DeliveryId, EventId,
    delivery::{Attempt, Status},
    record::Record,
};

/// An event in a listing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventListed {
    #[serde(flatten)]
    pub record: Record,
    /// Its deliveries by where they stand; none if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliveries: Option<Standing>,
}

/// How many deliveries stand where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Standing {
    pub waiting: u32,
    pub delivered: u32,
    pub dead: u32,
    pub cancelled: u32,
}

impl Standing {
    pub fn of(counts: [u32; Status::ALL.len()]) -> Option<Self> {
        let [waiting, delivered, dead, cancelled] = counts;
        (counts != [0; 4]).then_some(Self { waiting, delivered, dead, cancelled })
    }
}

/// Everything about one event.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EventStory {
    pub record: Record,
    /// The request as it was received, if the event is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<Request>,
    /// What the filters made of it, if it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Request>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deliveries: Vec<DeliveryStory>,
}

/// A request, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Request {
    pub method: String,
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Values that are not UTF-8 are shown with replacement characters.
    pub headers: Vec<(String, String)>,
    /// None if it was not read, or is not kept any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
}

/// A part of a listing, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Listed<T> {
    pub items: Vec<T>,
    /// Ask with `before` this for the rest; none if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A delivery with what became of it so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryStory {
    #[serde(flatten)]
    pub delivery: Delivery,
    #[serde(default)]
    pub attempts_made: Vec<Attempt>,
}

/// How many deliveries are sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Redriven {
    pub deliveries: u64,
    pub dry_run: bool,
}

/// How an event is delivered again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Replay {
    /// Destinations; if left out, those that the route's filters choose, or all that the route lists.
    pub to: Vec<String>,
    pub through: Through,
    /// With many events: at most so many a second, 1 to 1000. If left out, all are due at once.
    pub per_second: Option<u32>,
    /// Only tell what would be.
    pub dry_run: bool,
}

/// What is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Through {
    /// The event as it was received goes through the filters as they are now. What they keep (`kv`) they find empty, and
    /// what they write is forgotten.
    #[default]
    Now,
    /// It goes through the filters as it did then: their versions and configurations, clock and random numbers. Only secrets,
    /// rights and limits are those of today.
    Then,
    /// What the filters made of it then goes out as it is.
    Stored,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Replayed {
    pub events: u64,
    #[schema(value_type = Vec<String>)]
    pub deliveries: Vec<DeliveryId>,
    /// Events that are not delivered, and why: a filter ended them, or their body is not kept any more.
    pub left_out: Vec<LeftOut>,
    pub dry_run: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftOut {
    #[schema(value_type = String)]
    pub event: EventId,
    pub reason: String,
}
