//! Routes as people write them: in REST, in files, on the command line. `RouteSpec::read` turns one into the route that
//! is meant, or reports everything that is wrong with it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Digest, retry::RetrySpec};

/// A route as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteSpec {
    #[serde(rename = "match", default)]
    pub matches: MatchSpec,
    /// Send each event to one destination and hand its answer back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward: Option<ForwardSpec>,
    /// Or store each event, acknowledge it, and deliver it to destinations with retries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliver: Option<DeliverSpec>,
    /// The chain, in order. At most 16.
    #[serde(default)]
    pub filters: Vec<AttachmentSpec>,
    /// The most body bytes that an event may have; default 1048576, at most 67108864. More is answered 413.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_limit_bytes: Option<u64>,
    /// Which events that are not delivered are kept with their request: `none` (default), `failures`, `all`. Those that are
    /// delivered are always kept.
    #[serde(default)]
    pub capture: CaptureWhen,
    /// How long, and how many.
    #[serde(default, skip_serializing_if = "KeepSpec::is_default")]
    pub keep: KeepSpec,
    /// Whether the words of bodies, paths and labels of kept events can be searched for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub search: bool,
    /// What the sender is answered for an event that is accepted without a destination's answer (stored or dropped);
    /// default 202.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledgement: Option<u16>,
}

impl RouteSpec {
    /// The destinations that it names.
    pub fn destinations(&self) -> impl Iterator<Item = &String> {
        let forward = self.forward.iter().flat_map(|forward| forward.candidates.iter().chain(&forward.default));
        forward.chain(self.deliver.iter().flat_map(|deliver| &deliver.destinations))
    }

    /// The secrets that it names.
    pub fn secrets(&self) -> impl Iterator<Item = &String> {
        let grants = self.attachments().map(|filter| &filter.grants);
        grants.flat_map(|grants| grants.secrets.values().chain(grants.reveal.values()))
    }

    /// All its filters: the chain's, then those of its destinations. In this order they are resolved and kept.
    pub fn attachments(&self) -> impl Iterator<Item = &AttachmentSpec> {
        self.filters.iter().chain(self.deliver.iter().flat_map(|deliver| deliver.filters.values().flatten()))
    }

    /// Where each of `attachments` is written.
    pub fn places(&self) -> Vec<String> {
        let mut places: Vec<String> = (0..self.filters.len()).map(|index| format!("filters[{index}]")).collect();
        for (destination, filters) in self.deliver.iter().flat_map(|deliver| &deliver.filters) {
            places.extend((0..filters.len()).map(|index| format!("deliver.filters.{destination}[{index}]")));
        }
        places
    }
}

/// Which requests belong to the route. What is left out matches everything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MatchSpec {
    /// `hooks.example.com`, or `*.example.com` for any name below; without port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// `/hooks/github`, `/hooks/{team}` (one segment), `/hooks/{*rest}` (all that follows). Default: every path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `["POST"]`; empty for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// All of them must hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<HeaderSpec>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderSpec {
    pub name: String,
    /// One value must be exactly this; without it the header must only be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForwardSpec {
    /// Names of destinations that the chain may choose from; at least one.
    pub candidates: Vec<String>,
    /// The one that is taken if no filter chooses; by default the first candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

/// Events are written to disk before they are acknowledged, and delivered at least once.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeliverSpec {
    /// Names of destinations; at least one. An event goes to all of them, or to those that a filter chooses.
    pub destinations: Vec<String>,
    /// What else is done to an event for one destination: its filters, in order, at most 16. They run once, before the first
    /// attempt, and what they make of the event is what every attempt sends. Their names are unique on the route.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub filters: BTreeMap<String, Vec<AttachmentSpec>>,
    #[serde(skip_serializing_if = "OrderSpec::is_default")]
    pub order: OrderSpec,
    /// Which events are the same one sent again. A key that a filter gives counts also without this, for a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<IdempotencySpec>,
    /// Lets the sender say when an event is delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<DelaySpec>,
    /// Instead of what the destinations say about retries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetrySpec>,
}

/// In which order the events of a route reach each destination.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OrderSpec {
    /// `off` (default, fastest): none. `route`: all as they were accepted. `key`: those with the same key as they were
    /// accepted, different keys side by side.
    pub by: OrderBy,
    /// With `key`: where it stands. One that a filter gives goes before; an event without any is in no order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<KeySpec>,
    /// What those behind do when the first one has no attempt left: `dead-letter` (default), it makes way; `wait`, they wait
    /// until somebody sends it again or gives it up.
    pub exhausted: Exhausted,
}

impl OrderSpec {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OrderBy {
    #[default]
    Off,
    Route,
    Key,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Exhausted {
    #[default]
    DeadLetter,
    Wait,
}

/// Where a key stands in the event as it was received: one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KeySpec {
    /// A header's first value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "idempotency-key")]
    pub header: Option<String>,
    /// A JSON pointer (RFC 6901) to a text, number or truth value of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/data/object/id")]
    pub json: Option<String>,
}

/// Events of a route with the same key within the window are one: the later ones are answered like the first and go
/// nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IdempotencySpec {
    /// Where the key stands. One that a filter gives goes before; an event without any is no duplicate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<KeySpec>,
    /// Default 86400, at most 2592000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_seconds: Option<u64>,
}

/// When an event is delivered, if not at once.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DelaySpec {
    /// A header with seconds from receipt, or a date as in `Retry-After` (RFC 9110, section 10.2.3). What cannot be read is
    /// answered 400.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "deliver-after")]
    pub header: Option<String>,
    /// The longest wait that header and filters may ask for, longer ones are cut; default and at most 2592000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_seconds: Option<u64>,
}

/// How long a route's events are kept. One with a delivery that waits stays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KeepSpec {
    /// Default 2592000, which is thirty days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// Bodies go earlier; default as `seconds`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_seconds: Option<u64>,
    /// Most events; the oldest make room. Default: no bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
    /// Most bytes of headers and bodies together. Default: no bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

impl KeepSpec {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CaptureWhen {
    #[default]
    None,
    Failures,
    All,
}

/// A filter on a route, as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttachmentSpec {
    /// The filter's name, unique on the route.
    pub name: String,
    /// `NAME` or `NAME@latest` (newest version), `NAME@3`, `NAME@ALIAS`, or `sha256:…`. Resolved to a digest when the
    /// route is written, never per request.
    pub module: String,
    /// A second version beside the active one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<String>,
    /// What the candidate is for.
    #[serde(default, skip_serializing_if = "CandidateMode::is_off")]
    pub mode: CandidateMode,
    /// Whether each event gets a fresh instance of the module.
    #[serde(default, skip_serializing_if = "InstancePolicy::is_auto")]
    pub instance: InstancePolicy,
    /// Handed to the module's `configure` when the route is written.
    #[serde(default = "empty_object", skip_serializing_if = "is_empty_object")]
    #[schema(value_type = Object)]
    pub config: serde_json::Value,
    #[serde(default, skip_serializing_if = "GrantsSpec::is_empty")]
    pub grants: GrantsSpec,
    #[serde(default, skip_serializing_if = "LimitsSpec::is_empty")]
    pub limits: LimitsSpec,
    #[serde(default, skip_serializing_if = "OnFailureSpec::is_default")]
    pub on_failure: OnFailureSpec,
}

fn empty_object() -> serde_json::Value {
    serde_json::Value::Object(serde_json::Map::new())
}

fn is_empty_object(value: &serde_json::Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty)
}

/// What a candidate version is used for. Running it comes with a later version; the attachment keeps it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CandidateMode {
    #[default]
    Off,
    /// Runs beside the active version; its verdict is only compared.
    Shadow,
    /// Decides this share of the events, per cent.
    Canary(u8),
}

impl CandidateMode {
    fn is_off(&self) -> bool {
        *self == Self::Off
    }
}

/// Whether each event gets a fresh instance of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InstancePolicy {
    /// Fresh, unless that was slow when the module was uploaded (with its first call over 250 µs, as with modules that bring an interpreter).
    #[default]
    Auto,
    /// Always fresh: nothing of an event is there for the next one.
    Fresh,
    /// Used again, one event at a time, for a bounded number of events and time.
    Warm,
}

impl InstancePolicy {
    fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

/// Rights given to a filter by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GrantsSpec {
    /// Secrets to verify and sign with: the name in the filter's code → the project's secret.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, String>,
    /// Secrets that the filter may read in the clear: the name in its code → the project's secret.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reveal: BTreeMap<String, String>,
    /// Key-value namespaces, private to project, route and filter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kv: Vec<String>,
    /// Beginnings of URLs from which the filter may have public keys fetched: `https://api.paypal.com/v1/notifications/certs/`.
    /// `*` stands for one label of the host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
}

impl GrantsSpec {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Limits of one attachment; what is left out has its default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsSpec {
    /// Time the filter computes; default 50, at most 10000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<u64>,
    /// Time from start to end, waiting for the host included; default 1000, at most 30000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_ms: Option<u64>,
    /// Linear memory; default 67108864, at most 268435456.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Lines of log for one event; default 100, at most 10000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_lines: Option<u64>,
    /// Bytes of log for one event; default 16384, at most 1048576.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_bytes: Option<u64>,
    /// Calls of `kv` for one event; default 100, at most 10000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kv_calls: Option<u64>,
    /// Edits in one verdict; default 1000, at most 10000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edits: Option<u64>,
    /// Headers of the event after the edits; default 256, at most 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<u64>,
    /// Names and values of those headers together; default 65536, at most 262144.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_bytes: Option<u64>,
    /// Body bytes that the filter hands over; default 4194304, at most 67108864.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<u64>,
}

impl LimitsSpec {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What happens to the event when the filter gives no verdict that could be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// The event is refused: 503 for time, overload and memory, else 500, without detail.
    #[default]
    Closed,
    /// The filter is skipped, and that is counted.
    Open,
    /// The version that ran before is called for the same event; without one, or if it gives no verdict either, the event
    /// is refused.
    Previous,
}

impl Policy {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::Previous => "previous",
        }
    }
}

/// The policy, with exceptions by class of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct OnFailureSpec {
    /// For every class that is not named; `closed` if left out.
    pub default: Policy,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trap: Option<Policy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Policy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Policy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denied: Option<Policy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<Policy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bad_output: Option<Policy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overload: Option<Policy>,
}

impl OnFailureSpec {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What the references of an attachment came to when its route was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Resolution {
    /// The module that runs.
    #[schema(value_type = String)]
    pub active: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub candidate: Option<Digest>,
    /// The module that ran before: for the way back, and for policy `previous`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub previous: Option<Digest>,
}

/// A route as it is kept: what was written, and what its references came to, one for each filter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RouteRecord {
    pub name: String,
    pub spec: RouteSpec,
    pub resolutions: Vec<Resolution>,
    /// The revision of the change that wrote it; its ETag.
    pub revision: u64,
}
