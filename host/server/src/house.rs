//! What the delivery engine asks of the house: destinations and their filters, from the snapshot of the moment.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use delivery::{House, Preparation, Ready};
use filters::{End, Given, Kv, kv::Overlay};
use model::{Delivery, Draft, Event, Mode, Name, Phase, Retry, Timestamp, record::Run, route::Order, spec::Exhausted};
use store::journal::{Prepared, Stored};

pub(crate) use crate::gateway::Reservations;
use crate::snapshot::Current;

/// The house, for the delivery engine.
pub(crate) struct Served {
    pub(crate) current: Current,
    /// What filters keep values in.
    pub(crate) kv: Arc<dyn Kv>,
    /// Decides what filters reserved.
    pub(crate) reservations: Arc<dyn Reservations>,
}

impl fmt::Debug for Served {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Served").field("current", &self.current).finish_non_exhaustive()
    }
}

/// What the filters of a destination came to. One that fails may do better later; the delivery's attempts bound that.
fn told(end: End, draft: Draft, runs: Vec<Run>) -> Preparation {
    let by = runs.last().map(|run| format!("filter {}", run.filter)).unwrap_or_default();
    match end {
        End::Passed => Preparation::Changed(Box::new(Prepared { made: draft.current, runs })),
        End::Rejected { reason, .. } => Preparation::Dead { reason: format!("{by} rejected it: {reason}") },
        End::Responded { .. } => Preparation::Dead { reason: format!("{by} answered it, which leads nowhere here") },
        End::Dropped { reason } => Preparation::Cancelled { reason: format!("{by} dropped it: {reason}") },
        End::RetryLater { seconds } => {
            Preparation::Later { after: Duration::from_secs(seconds.into()), reason: format!("{by} wants it later") }
        }
        End::Failed { filter, class, detail, .. } => Preparation::Later {
            after: Duration::ZERO,
            reason: format!("filter {filter} failed: {}: {detail}", class.name()),
        },
    }
}

#[async_trait]
impl House for Served {
    fn destination(&self, project: &Name, name: &Name) -> Option<Arc<Ready>> {
        self.current.load().destination(project, name).cloned()
    }

    fn retry(&self, delivery: &Delivery) -> Option<Retry> {
        let snapshot = self.current.load();
        match &snapshot.named(&delivery.project, &delivery.route)?.route.mode {
            Mode::Deliver(rule) => rule.retry.clone(),
            Mode::Forward(_) => None,
        }
    }

    async fn prepare(&self, stored: &Stored, delivery: &Delivery) -> Preparation {
        let snapshot = self.current.load();
        let served = snapshot.named(&delivery.project, &delivery.route);
        let Some((served, chain)) = served.and_then(|served| Some((served, served.transform(&delivery.destination)?)))
        else {
            return Preparation::Unchanged;
        };
        let kv: Arc<dyn Kv> = if delivery.replay { Arc::new(Overlay::default()) } else { Arc::clone(&self.kv) };
        let given = Given {
            phase: Phase::Destination { name: delivery.destination.clone(), attempt: delivery.attempts + 1 },
            now: Timestamp::now(),
            kv,
            destinations: Arc::new([]),
            exactly_one: false,
            seed: None,
            body_limit: served.route.body_limit,
        };
        let event = Event { replay: delivery.replay, ..stored.made.clone() };
        let ran = chain.run(Draft::new(event), &given).await;
        let preparation = told(ran.end, ran.draft, ran.runs);
        if ran.reserved {
            let kept = matches!(preparation, Preparation::Changed(_) | Preparation::Cancelled { .. });
            self.reservations.settle(delivery.event, kept).await;
        }
        preparation
    }

    fn holds_lane(&self, delivery: &Delivery) -> bool {
        let snapshot = self.current.load();
        let Some(served) = snapshot.named(&delivery.project, &delivery.route) else { return false };
        let Mode::Deliver(rule) = &served.route.mode else { return false };
        matches!(
            rule.order,
            Order::Route { exhausted: Exhausted::Wait } | Order::Key { exhausted: Exhausted::Wait, .. }
        )
    }
}
