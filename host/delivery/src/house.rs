//! What the engine asks of the house that it is in.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use model::{Delivery, Name, Retry, destination::Policy};
use store::journal::{Prepared, Stored};

use crate::Destination;

/// The configuration as it is served, and the filters, which this crate knows nothing of. Asked often and from many tasks.
#[async_trait]
pub trait House: fmt::Debug + Send + Sync {
    /// None if it is not configured (any more): its deliveries wait.
    fn destination(&self, project: &Name, name: &Name) -> Option<Arc<Ready>>;

    /// What the delivery's route says about retries, instead of what its destination does.
    fn retry(&self, _: &Delivery) -> Option<Retry> {
        None
    }

    /// Runs the filters of the destination that the delivery was written for, wherever it goes now: every attempt sends the
    /// same bytes. Called before the first attempt, and again only if the host crashed before the answer was kept.
    async fn prepare(&self, stored: &Stored, delivery: &Delivery) -> Preparation;

    /// Whether those behind this delivery in its lane wait if it is given up.
    fn holds_lane(&self, delivery: &Delivery) -> bool;
}

/// A destination that can be sent to, with its rules.
#[derive(Debug)]
pub struct Ready {
    pub policy: Policy,
    pub destination: Box<dyn Destination>,
}

/// What a destination's filters made of an event.
///
/// A reason is all that the story of the delivery has of filters that let nothing go out, so it begins with the filter's
/// name: ``filter `mask` dropped it: not for them``.
#[derive(Debug, Clone)]
pub enum Preparation {
    /// There are none: it is sent as its route made it, and nothing is kept.
    Unchanged,
    Changed(Box<Prepared>),
    /// A filter dropped it: the delivery is cancelled for this reason.
    Cancelled {
        reason: String,
    },
    /// A filter rejected it, or failed and may not be passed over: the delivery is dead for this reason.
    Dead {
        reason: String,
    },
    /// A filter wants to be asked again: an attempt that failed for this reason.
    Later {
        after: Duration,
        reason: String,
    },
}
