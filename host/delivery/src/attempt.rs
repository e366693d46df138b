//! One attempt of one delivery, top to bottom.

use std::{borrow::Cow, sync::Arc, time::Duration};

use model::{
    Event, Timestamp,
    delivery::{Attempt, Outcome, Timings},
    destination::Policy,
};
use store::{
    Journal,
    journal::{Lease, Next, Settlement, Stored, Unblocked},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Clock, Counters, House, Preparation, Ready,
    breaker::Health,
    destinations::{End, Message, Sent},
    schedule::{self, Decision, Tried},
};

/// The longest that the filters of a destination may take together.
pub(crate) const PREPARING_MOST: Duration = Duration::from_secs(20);
/// How often writing down what came of an attempt is tried again, while its lease lasts.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MOST: Duration = Duration::from_secs(2);

/// What all attempts share.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) house: Arc<dyn House>,
    pub(crate) clock: Clock,
    pub(crate) counters: Counters,
}

/// A delivery that is held for this attempt.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) lease: Lease,
    /// The end of the lease.
    pub(crate) until: Timestamp,
    pub(crate) ready: Arc<Ready>,
    /// Any number.
    pub(crate) chance: u32,
    /// The host stops, and there is no more time.
    pub(crate) cut: CancellationToken,
}

/// What an attempt means for the destinations.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) health: Health,
    pub(crate) started: Timestamp,
    pub(crate) quiet: Option<Timestamp>,
    pub(crate) disable: Option<String>,
    /// Where something is due.
    pub(crate) due: Vec<Unblocked>,
}

/// Makes the attempt and writes down what came of it. An error is one of the journal: the lease ends by itself, and then
/// the delivery is tried again.
pub(crate) async fn make(room: &Room, held: &Held) -> store::Result<Ended> {
    let delivery = &held.lease.delivery;
    let started = room.clock.now();
    let stored = match load(room, held).await? {
        Ok(stored) => stored,
        Err(reason) => return decided(room, held, started, dead(room, held, reason)).await,
    };
    let (number, slowed) = history(room, held).await?;
    let plan = plan(room, held);
    let holds_lane = room.house.holds_lane(delivery);
    let plan = plan.as_ref().map_or(&held.ready.policy, |ready| &ready.policy);
    let plan = match room.house.retry(delivery) {
        Some(retry) => Cow::Owned(Policy { retry, ..plan.clone() }),
        None => Cow::Borrowed(plan),
    };
    let tried = Tried { delivery, slowed, target: &held.ready.policy, plan: &plan, holds_lane };
    let (sent, decision) = match prepare(room, held, stored).await? {
        Prepared::Event(event) => {
            let message = Message { delivery, event: &event, now: room.clock.now() };
            let sent = tokio::select! {
                biased;
                sent = held.ready.destination.send(message) => sent,
                () = held.cut.cancelled() => {
                    room.counters.cut(delivery);
                    return decided(room, held, started, give_back(room, held)).await;
                }
            };
            let decision = schedule::decide(tried, &sent.end, room.clock.now(), held.chance);
            (sent, decision)
        }
        Prepared::Decided(next) => return decided(room, held, started, next).await,
        Prepared::Later(after, reason) => {
            let decision = schedule::put_off(tried, &reason, after, room.clock.now(), held.chance);
            (Sent { timings: Timings::default(), end: End::Failed { reason } }, decision)
        }
    };
    let attempt = tell(held, number, started, sent, &decision);
    room.counters.attempted(delivery, decision.outcome, attempt.reason.as_deref(), attempt.timings.total_us);
    let due = conclude(room, held, Some(attempt), decision.next).await?;
    Ok(Ended { health: decision.health, started, quiet: decision.quiet, disable: decision.disable, due })
}

/// The event, or why there is none to send.
async fn load(room: &Room, held: &Held) -> store::Result<Result<Stored, String>> {
    let delivery = &held.lease.delivery;
    match room.journal.event(&delivery.project, delivery.event).await {
        Ok(Some(stored)) if stored.has_body => Ok(Ok(stored)),
        Ok(Some(_)) => Ok(Err("the body of its event is not kept any more".to_owned())),
        Ok(None) => Ok(Err(format!("its event `{}` is not kept any more", delivery.event))),
        Err(store::Error::Corrupt { what }) => Ok(Err(format!("its event cannot be read: {what}"))),
        Err(error) => Err(error),
    }
}

/// The number of this attempt, and how many answers in a row asked for patience before it.
async fn history(room: &Room, held: &Held) -> store::Result<(u32, u32)> {
    let Lease { delivery, fence } = &held.lease;
    // Held for the first time, as most are: nothing to look up. What is sent again counts from 0, and has a history.
    if delivery.attempts == 0 && delivery.reason.is_none() && *fence <= 1 {
        return Ok((1, 0));
    }
    let made = room.journal.delivery(&delivery.project, delivery.id).await?;
    let made = made.map(|(_, attempts)| attempts).unwrap_or_default();
    let last = made.iter().map(|attempt| attempt.number).max().unwrap_or(delivery.attempts);
    let slowed = made.iter().rev().take_while(|attempt| attempt.outcome == Outcome::Slowed).count();
    Ok((last.saturating_add(1), u32::try_from(slowed).unwrap_or(u32::MAX)))
}

/// The destination that the delivery was written for, if it has gone over to another one.
fn plan(room: &Room, held: &Held) -> Option<Arc<Ready>> {
    let delivery = &held.lease.delivery;
    let gone_over = delivery.destination != delivery.target;
    gone_over.then(|| room.house.destination(&delivery.project, &delivery.destination)).flatten()
}

enum Prepared {
    Event(Event),
    Decided(Next),
    Later(Duration, String),
}

/// What the destination's filters make of the event: worked out once, kept before the first attempt, and the same since.
async fn prepare(room: &Room, held: &Held, stored: Stored) -> store::Result<Prepared> {
    let Lease { delivery, fence } = &held.lease;
    match room.journal.prepared(delivery.id).await {
        Ok(Some(kept)) => return Ok(Prepared::Event(kept.made)),
        Ok(None) => {}
        Err(store::Error::Corrupt { what }) => {
            let reason = format!("what its destination's filters made cannot be read: {what}");
            return Ok(Prepared::Decided(dead(room, held, reason)));
        }
        Err(error) => return Err(error),
    }
    let preparing = tokio::time::timeout(PREPARING_MOST, room.house.prepare(&stored, delivery));
    let Ok(preparation) = preparing.await else {
        let reason = format!("the filters of its destination took longer than {PREPARING_MOST:?}");
        return Ok(Prepared::Later(Duration::ZERO, reason));
    };
    match preparation {
        Preparation::Unchanged => Ok(Prepared::Event(stored.made)),
        Preparation::Changed(prepared) => {
            let event = prepared.made.clone();
            room.journal.prepare(delivery.id, *fence, *prepared).await?;
            Ok(Prepared::Event(event))
        }
        Preparation::Cancelled { reason } => Ok(Prepared::Decided(Next::Cancelled { reason })),
        Preparation::Dead { reason } => Ok(Prepared::Decided(dead(room, held, reason))),
        Preparation::Later { after, reason } => Ok(Prepared::Later(after, reason)),
    }
}

fn dead(room: &Room, held: &Held, reason: String) -> Next {
    let delivery = &held.lease.delivery;
    Next::Dead { attempts: delivery.attempts, reason, holds_lane: room.house.holds_lane(delivery) }
}

/// As if it had not been claimed.
pub(crate) fn give_back(room: &Room, held: &Held) -> Next {
    let delivery = &held.lease.delivery;
    Next::Retry {
        due: room.clock.now(),
        target: delivery.target.clone(),
        attempts: delivery.attempts,
        reason: delivery.reason.clone(),
    }
}

fn tell(held: &Held, number: u32, started: Timestamp, sent: Sent, decision: &Decision) -> Attempt {
    let answer = match sent.end {
        End::Answered { answer, .. } => Some(answer),
        End::Failed { .. } | End::Unsendable { .. } => None,
    };
    Attempt {
        number,
        target: held.lease.delivery.target.clone(),
        started,
        outcome: decision.outcome,
        reason: decision.reason.clone(),
        timings: sent.timings,
        answer,
    }
}

/// Without an attempt that tells anything about the destination.
async fn decided(room: &Room, held: &Held, started: Timestamp, next: Next) -> store::Result<Ended> {
    let due = conclude(room, held, None, next).await?;
    Ok(Ended { health: Health::Untold, started, quiet: None, disable: None, due })
}

/// Writes it down, again and again while the lease lasts: what a destination has got must not be sent again because the
/// disk was full for a moment. Where something is due then.
pub(crate) async fn conclude(
    room: &Room,
    held: &Held,
    attempt: Option<Attempt>,
    next: Next,
) -> store::Result<Vec<Unblocked>> {
    let Lease { delivery, fence } = &held.lease;
    let mut pause = PAUSE_FIRST;
    let unblocked = loop {
        let now = room.clock.now();
        let (attempt, next) = (attempt.clone(), next.clone());
        let settlement = Settlement { delivery: delivery.id, fence: *fence, attempt, now, next };
        match room.journal.conclude(settlement).await {
            Err(error @ (store::Error::Busy | store::Error::Unavailable { .. })) => {
                room.counters.journal_failed("writing down an attempt", &error);
                if now.after(pause) >= held.until || held.cut.is_cancelled() {
                    return Err(error);
                }
                tokio::time::sleep(pause).await;
                pause = (2 * pause).min(PAUSE_MOST);
            }
            result => break result?,
        }
    };
    room.counters.concluded(delivery, &next);
    let again = match next {
        Next::Retry { due, target, .. } => Some(Unblocked { target, due }),
        _ => None,
    };
    Ok(unblocked.into_iter().chain(again).collect())
}
