//! What is written down about an event once it is decided, enough to explain it and to run it again.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Digest, Name, apply::Described, spec::Policy};

/// The whole story of one event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Record {
    pub id: String,
    pub project: String,
    pub route: String,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub received: u64,
    pub source: String,
    pub method: String,
    pub path: String,
    /// The revision of the snapshot that served it.
    pub revision: u64,
    pub disposition: Disposition,
    /// What the sender was answered.
    pub status: u16,
    /// Why, for people; never sent to the sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_key: Option<String>,
    /// Microseconds from the head's arrival to the answer's head.
    pub duration_us: u64,
    /// Microseconds that the destination took to its answer's head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_us: Option<u64>,
    pub body_bytes: Option<u64>,
    pub filters: Vec<Run>,
    /// The request, if the route captures it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<Capture>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Disposition {
    Forwarded,
    /// Stored and acknowledged; its deliveries tell the rest.
    Accepted,
    Rejected,
    Dropped,
    Responded,
    Failed,
}

impl Disposition {
    pub const ALL: [Self; 6] =
        [Self::Forwarded, Self::Accepted, Self::Rejected, Self::Dropped, Self::Responded, Self::Failed];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Dropped => "dropped",
            Self::Responded => "responded",
            Self::Failed => "failed",
        }
    }
}

/// Which records are wanted: of one project, for nothing is seen across.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub project: Name,
    pub route: Option<Name>,
    pub disposition: Option<Disposition>,
    pub at_most: usize,
}

impl Wanted {
    /// Whether this record is one of them.
    pub fn takes(&self, record: &Record) -> bool {
        record.project == self.project.as_str()
            && self.route.as_ref().is_none_or(|route| record.route == route.as_str())
            && self.disposition.is_none_or(|disposition| record.disposition == disposition)
    }
}

/// One call of one filter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Run {
    #[schema(value_type = String)]
    pub filter: Name,
    /// The module that ran.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// SHA-256 of its configuration.
    #[schema(value_type = String)]
    pub config_digest: Digest,
    pub outcome: Outcome,
    /// Time on the clock, microseconds.
    pub time_us: u64,
    /// Linear memory at the end, bytes.
    pub memory_bytes: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<LogLine>,
    /// Lines that the limits left out.
    #[serde(default)]
    pub logs_left_out: u32,
    /// What `clock.now` said, milliseconds.
    pub clock: u64,
    /// The seed of its random numbers, hexadecimal; with it the run can be repeated.
    #[schema(value_type = String)]
    pub seed: Seed,
    /// Calls that were refused for want of a grant, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied: Vec<String>,
}

/// What random numbers come from; written in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Seed(pub [u8; 32]);

impl From<Seed> for String {
    fn from(seed: Seed) -> Self {
        hex::encode(seed.0)
    }
}

impl TryFrom<String> for Seed {
    type Error = hex::FromHexError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut seed = Self::default();
        hex::decode_to_slice(text, &mut seed.0)?;
        Ok(seed)
    }
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Outcome {
    /// With a verdict: its name, its edits in words, its reason.
    Verdict {
        #[schema(value_type = String)]
        verdict: Cow<'static, str>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[schema(value_type = Vec<String>)]
        edits: Vec<Described>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Without: the class of the failure, the policy that was followed, and the detail.
    Failure {
        class: FailureClass,
        /// `closed`: the event was refused; so also where the attachment says `previous` and there is no such version to
        /// call. `open`: the filter was skipped. `previous`: the version that ran before was called instead; its run is
        /// the next one.
        policy: Policy,
        detail: String,
    },
}

/// Why a filter gave no verdict that could be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// The guest trapped: a panic, an unreachable, a stack overflow.
    Trap,
    /// It used up its time or its wall time.
    Time,
    /// It asked for more memory than it has.
    Memory,
    /// It failed after a call that it had no grant for.
    Denied,
    /// It returned its error arm.
    Failed,
    /// It handed over something that cannot be applied.
    BadOutput,
    /// The host had no room to run it.
    Overload,
}

impl FailureClass {
    pub const ALL: [Self; 7] =
        [Self::Trap, Self::Time, Self::Memory, Self::Denied, Self::Failed, Self::BadOutput, Self::Overload];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::Time => "time",
            Self::Memory => "memory",
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::BadOutput => "bad-output",
            Self::Overload => "overload",
        }
    }
}

/// One line of a filter's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    /// `trace`, `debug`, `info`, `warn`, `error`, `stdout` or `stderr`.
    pub level: String,
    pub message: String,
}

/// The request as it was received, bounded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Capture {
    /// False if it came without passing a filter that could reject it.
    pub authenticated: bool,
    pub query: Option<String>,
    /// Values that are not UTF-8 are shown with replacement characters.
    pub headers: Vec<(String, String)>,
    /// Base64, cut at `body_truncated_at` if that is there.
    pub body: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_truncated_at: Option<u64>,
}
