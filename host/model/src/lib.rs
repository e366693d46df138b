//! The nouns of the house: events, routes, filters, verdicts, destinations. No I/O, no async, nothing heavy.

pub mod apply;
pub mod delivery;
pub mod destination;
pub mod event;
pub mod event_file;
mod excerpt;
pub mod fault;
pub mod headers;
pub mod id;
pub mod json;
pub mod limits;
pub mod module;
pub mod octets;
pub mod record;
pub mod retry;
pub mod route;
pub mod routing;
pub mod secret;
pub mod spec;
pub mod story;
pub mod time;
pub mod verdict;

pub use delivery::Delivery;
pub use event::{Annotations, Answer, Draft, Event, Scheme};
pub use fault::{Fault, Faults};
pub use id::{DeliveryId, Digest, EventId, Name};
pub use limits::Limits;
pub use octets::Octets;
pub use retry::Retry;
pub use route::{Attachment, Mode, Route};
pub use secret::Secret;
pub use time::Timestamp;
pub use verdict::{Edit, Phase, Rejection, Response, Verdict};
