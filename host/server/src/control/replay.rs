//! Events delivered again: through the route's filters as they are now, or as it was.

use std::sync::Arc;

use filters::{End, Given, kv::Overlay};
use model::{
    DeliveryId, Draft, Event, EventId, Faults, Mode, Name, Phase, Timestamp,
    story::{LeftOut, Replay, Replayed, Through},
};
use store::journal::{Again, EventWanted, NewDelivery, Prepared, Stored};

use super::{Control, Error};
use crate::snapshot::{Served, Snapshot};

/// Events that one request delivers again.
const EVENTS_MOST: usize = 10_000;
/// Events that are looked at and written together.
const SLICE: u32 = 200;

impl Control {
    /// One event that is kept.
    pub async fn replay(&self, project: &Name, event: EventId, replay: &Replay) -> Result<Replayed, Error> {
        self.check_project(project).await?;
        self.replay_all(project, &[event], replay).await
    }

    /// All that `wanted` takes, oldest first.
    pub async fn replay_wanted(&self, wanted: &EventWanted, replay: &Replay) -> Result<Replayed, Error> {
        self.check_project(&wanted.project).await?;
        let mut events = Vec::new();
        let mut before = None;
        loop {
            let page = self.journal.events(wanted, before, 1_000).await?;
            events.extend(page.entries.iter().filter_map(|kept| kept.record.id.parse::<EventId>().ok()));
            if events.len() > EVENTS_MOST {
                let problem = format!("takes more than {EVENTS_MOST} events: narrow it with `from` and `until`");
                return Err(Error::Invalid(Faults::one("", problem)));
            }
            match page.next {
                Some(next) => before = Some(next),
                None => break,
            }
        }
        events.reverse();
        self.replay_all(&wanted.project, &events, replay).await
    }

    async fn replay_all(&self, project: &Name, events: &[EventId], replay: &Replay) -> Result<Replayed, Error> {
        let to = self.destinations_named(project, &replay.to).await?;
        if replay.per_second.is_some_and(|per_second| !(1..=1_000).contains(&per_second)) {
            return Err(Error::Invalid(Faults::one("per_second", "is out of range: 1 to 1000")));
        }
        let pause = replay.per_second.map_or(0, |per_second| 1_000 / u64::from(per_second));
        let (snapshot, now) = (self.current.load(), Timestamp::now());
        let mut replayed = Replayed { dry_run: replay.dry_run, ..Replayed::default() };
        for slice in events.chunks(SLICE as usize) {
            let mut deliveries = Vec::new();
            for event in slice {
                let due = Timestamp::from_millis(now.as_millis() + replayed.events * pause);
                match self.again(&snapshot, project, *event, replay.through, &to, due).await? {
                    Ok(again) => {
                        replayed.events += 1;
                        deliveries.extend(again);
                    }
                    Err(reason) => replayed.left_out.push(LeftOut { event: *event, reason }),
                }
            }
            replayed.deliveries.extend(deliveries.iter().map(|again| again.delivery.id));
            if !replay.dry_run && !deliveries.is_empty() {
                let targets: Vec<Name> = deliveries.iter().map(|again| again.delivery.destination.clone()).collect();
                self.journal.add_deliveries(project, deliveries).await?;
                self.wake(project, targets.iter(), now);
            }
        }
        Ok(replayed)
    }

    async fn destinations_named(&self, project: &Name, written: &[String]) -> Result<Vec<Name>, Error> {
        let mut faults = Faults::default();
        let known = self.project(project).await?;
        let mut names = Vec::with_capacity(written.len());
        for (index, written) in written.iter().enumerate() {
            let name = written.parse::<Name>().map_err(|problem| Faults::one("", problem));
            let name = name.and_then(|name| super::build::destination(&known, &name).map(|_| name));
            names.extend(faults.keep(&format!("to[{index}]"), name));
        }
        Ok(faults.or(names)?)
    }

    /// The deliveries of one event; or why there are none.
    async fn again(
        &self,
        snapshot: &Snapshot,
        project: &Name,
        event: EventId,
        through: Through,
        to: &[Name],
        due: Timestamp,
    ) -> Result<Result<Vec<Again>, String>, Error> {
        let stored = match self.journal.event(project, event).await {
            Err(store::Error::Corrupt { what }) => return Ok(Err(format!("it cannot be read: {what}"))),
            stored => stored?.ok_or_else(|| Error::NotFound(format!("a kept event `{event}`")))?,
        };
        if !stored.has_body {
            return Ok(Err("its body is not kept any more".to_owned()));
        }
        let served = snapshot.named(project, &stored.received.route);
        let (made, chosen) = match (through, served) {
            (Through::Stored, _) => (None, None),
            (Through::Now, Some(served)) => match run(served, &stored).await {
                Ok(draft) => (Some(draft.current), draft.chosen),
                Err(reason) => return Ok(Err(reason)),
            },
            (Through::Then, Some(served)) => match self.repeat(project, served, &stored).await? {
                Ok(draft) => (Some(draft.current), draft.chosen),
                Err(reason) => return Ok(Err(reason)),
            },
            (Through::Now | Through::Then, None) => {
                return Ok(Err(format!("its route `{}` is gone", stored.received.route)));
            }
        };
        let listed = served.map(|served| match &served.route.mode {
            Mode::Deliver(rule) => rule.destinations().to_vec(),
            Mode::Forward(candidates) => vec![candidates.default().clone()],
        });
        let destinations = if to.is_empty() { chosen.or(listed).unwrap_or_default() } else { to.to_vec() };
        if destinations.is_empty() {
            return Ok(Err("its route is gone: name a destination".to_owned()));
        }
        let mut deliveries = Vec::with_capacity(destinations.len());
        for destination in destinations {
            let prepared = match (&made, served) {
                (Some(made), Some(served)) => match transform(served, &destination, made.clone()).await {
                    Ok(prepared) => Some(prepared),
                    Err(reason) => return Ok(Err(format!("for `{destination}`: {reason}"))),
                },
                // The destination's filters are asked before its first attempt.
                _ => None,
            };
            let id = DeliveryId::new(Timestamp::now(), rand::random());
            let delivery = NewDelivery { id, destination, due, lane: None, replay: true };
            deliveries.push(Again { event, delivery, prepared });
        }
        Ok(Ok(deliveries))
    }
}

/// What the filters of the destination, if it has some on the route, make of what the chain made.
async fn transform(served: &Served, destination: &Name, made: Event) -> Result<Prepared, String> {
    let Some(chain) = served.transform(destination) else { return Ok(Prepared { made, runs: Vec::new() }) };
    let given = Given {
        phase: Phase::Destination { name: destination.clone(), attempt: 1 },
        now: Timestamp::now(),
        kv: Arc::new(Overlay::default()),
        destinations: Arc::new([]),
        exactly_one: false,
        seed: None,
        body_limit: served.route.body_limit,
    };
    let ran = chain.run(Draft::new(made), &given).await;
    match ran.end {
        End::Passed => Ok(Prepared { made: ran.draft.current, runs: ran.runs }),
        ended => Err(why(ended)),
    }
}

/// Runs the route's filters as they are now on the event as it was received.
async fn run(served: &Served, stored: &Stored) -> Result<Draft, String> {
    let mut event = stored.received.clone();
    event.replay = true;
    let given = Given {
        phase: Phase::Route,
        now: Timestamp::now(),
        kv: Arc::new(Overlay::default()),
        destinations: Arc::clone(&served.names),
        exactly_one: matches!(served.route.mode, Mode::Forward(_)),
        seed: None,
        body_limit: served.route.body_limit,
    };
    let ran = served.chain.run(Draft::new(event), &given).await;
    match ran.end {
        End::Passed => Ok(ran.draft),
        ended => Err(why(ended)),
    }
}

/// Why an event that its filters ended is not delivered again.
pub(super) fn why(end: End) -> String {
    match end {
        End::Passed => "it passed".to_owned(),
        End::Rejected { reason, .. } => format!("rejected: {reason}"),
        End::Responded { .. } => "answered by a filter".to_owned(),
        End::Dropped { reason } => format!("dropped: {reason}"),
        End::RetryLater { seconds } => format!("a filter asks to come again in {seconds} s"),
        End::Failed { filter, class, detail, .. } => format!("filter {filter} failed: {}: {detail}", class.name()),
    }
}
