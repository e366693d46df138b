//! One attempt of one delivery, top to bottom.

use std::{sync::Arc, time::Duration};

use model::{
    Event, Name, Timestamp,
    delivery::{Attempt, Outcome, Timings},
    destination::ComeBack,
};
use store::{
    Journal,
    journal::{Lease, Next, Settlement, Stored},
};
use tokio::sync::SemaphorePermit;
use tokio_util::sync::CancellationToken;

use crate::{
    Clock, Counters, House, Preparation, Ready,
    breaker::Health,
    destinations::{End, Message, Sent},
    engine::conditions::Conditions,
    failover::Fitness,
    memory::Memory,
    schedule::{self, Decision, Onward, Tried},
};

/// The longest that the filters of a destination may take together.
pub(crate) const PREPARING_MOST: Duration = Duration::from_secs(20);
/// The longest that an event waits for room in memory; then its delivery is given back. Its lease must last for longer
/// than that and the attempt.
pub(crate) const WAITING_MOST: Duration = Duration::from_secs(5);
/// How often writing down what came of an attempt is tried again, while its lease lasts.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MOST: Duration = Duration::from_secs(2);

/// What all attempts share.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) house: Arc<dyn House>,
    pub(crate) clock: Clock,
    pub(crate) conditions: Conditions,
    pub(crate) memory: Memory,
    pub(crate) counters: Counters,
}

/// A delivery that is held, for an attempt or to be sent elsewhere.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) lease: Lease,
    /// The end of the lease.
    pub(crate) until: Timestamp,
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
    pub(crate) due: Vec<Coming>,
}

/// A delivery that is due at a destination then.
#[derive(Debug)]
pub(crate) struct Coming {
    pub(crate) target: Name,
    pub(crate) due: Timestamp,
    /// Whether it was written for another one.
    pub(crate) guest: bool,
}

/// Makes the attempt and writes down what came of it; `chance` is any number. An error is one of the journal: the lease
/// ends by itself, and then the delivery is tried again.
pub(crate) async fn make(room: &Room, held: &Held, ready: &Ready, chance: u32) -> store::Result<Ended> {
    let delivery = &held.lease.delivery;
    let started = room.clock.now();
    let (stored, _place) = match load(room, held).await? {
        Loaded::Event(stored, place) => (stored, place),
        Loaded::Unsendable(reason) => return decided(room, held, started, dead(room, held, reason)).await,
        Loaded::NoRoom => return decided(room, held, started, give_back(room, held)).await,
    };
    let history = history(room, held).await?;
    let home = room.house.destination(&delivery.project, &delivery.destination);
    let (of_route, holds_lane) = (room.house.retry(delivery), room.house.holds_lane(delivery));
    let first = home.as_ref().map_or(&ready.policy, |home| &home.policy);
    let tried = Tried {
        delivery,
        slowed: history.slowed,
        here: history.here,
        onward: None,
        target: &ready.policy,
        // What is not configured any more is nowhere to go.
        home: if home.is_some() { &delivery.destination } else { &delivery.target },
        comes_back: first.failover.as_ref().is_some_and(|failover| failover.come_back == ComeBack::NextAttempt),
        retry: of_route.as_ref().unwrap_or(&first.retry),
        holds_lane,
    };
    let (sent, decision) = match prepare(room, held, *stored).await? {
        Prepared::Event(event) => {
            let message = Message { delivery, event: &event, now: room.clock.now() };
            let sent = tokio::select! {
                biased;
                sent = ready.destination.send(message) => sent,
                () = held.cut.cancelled() => {
                    room.counters.cut(delivery);
                    return decided(room, held, started, give_back(room, held)).await;
                }
            };
            let onward = ready.policy.failover.as_ref().and_then(|_| onward(room, held));
            let tried = Tried { onward: onward.as_ref(), ..tried };
            let decision = schedule::decide(tried, &sent.end, room.clock.now(), chance);
            (sent, decision)
        }
        Prepared::Decided(next) => return decided(room, held, started, next).await,
        Prepared::Later(after, reason) => {
            let decision = schedule::put_off(tried, &reason, after, room.clock.now(), chance);
            (Sent { timings: Timings::default(), end: End::Failed { reason } }, decision)
        }
    };
    let attempt = tell(held, history.number, started, sent, &decision);
    room.counters.attempted(delivery, decision.outcome, attempt.reason.as_deref(), attempt.timings.total_us);
    let due = conclude(room, held, Some(attempt), decision.next).await?;
    Ok(Ended { health: decision.health, started, quiet: decision.quiet, disable: decision.disable, due })
}

enum Loaded<'a> {
    /// With the place that it has while it is held.
    Event(Box<Stored>, SemaphorePermit<'a>),
    /// Why there is none.
    Unsendable(String),
    /// Others have had it for too long.
    NoRoom,
}

/// Waits for room: without the event, whose size is only known once it is there.
async fn load<'a>(room: &'a Room, held: &Held) -> store::Result<Loaded<'a>> {
    let door = room.memory.door().await;
    let stored = match read(room, held).await? {
        Ok(stored) => stored,
        Err(reason) => return Ok(Loaded::Unsendable(reason)),
    };
    let bytes = bytes(&stored);
    if let Some(place) = room.memory.try_take(bytes) {
        return Ok(Loaded::Event(Box::new(stored), place));
    }
    drop(stored);
    drop(door);
    let place = tokio::select! {
        place = tokio::time::timeout(WAITING_MOST, room.memory.take(bytes)) => place.ok(),
        () = held.cut.cancelled() => None,
    };
    let Some(place) = place else { return Ok(Loaded::NoRoom) };
    Ok(match read(room, held).await? {
        Ok(stored) => Loaded::Event(Box::new(stored), place),
        Err(reason) => Loaded::Unsendable(reason),
    })
}

/// Of its bodies; if what came is what goes out, there is one.
fn bytes(stored: &Stored) -> u64 {
    let (received, made) = (stored.received.body.as_deref(), stored.made.body.as_deref());
    let same = received.map(<[u8]>::as_ptr) == made.map(<[u8]>::as_ptr);
    let received = received.filter(|_| !same).map_or(0, <[u8]>::len);
    (received + made.map_or(0, <[u8]>::len)) as u64
}

/// The event, or why there is none to send.
async fn read(room: &Room, held: &Held) -> store::Result<Result<Stored, String>> {
    let delivery = &held.lease.delivery;
    match room.journal.event(&delivery.project, delivery.event).await {
        Ok(Some(stored)) if stored.has_body => Ok(Ok(stored)),
        Ok(Some(_)) => Ok(Err("the body of its event is not kept any more".to_owned())),
        Ok(None) => Ok(Err(format!("its event `{}` is not kept any more", delivery.event))),
        Err(store::Error::Corrupt { what }) => Ok(Err(format!("its event cannot be read: {what}"))),
        Err(error) => Err(error),
    }
}

/// What came before this attempt.
struct History {
    /// Of this attempt.
    number: u32,
    /// How many answers in a row asked for patience.
    slowed: u32,
    /// How many attempts failed here, since it came here.
    here: u32,
}

async fn history(room: &Room, held: &Held) -> store::Result<History> {
    let Lease { delivery, fence } = &held.lease;
    // Held for the first time, as most are: nothing to look up. What is sent again counts from 0, and has a history.
    if delivery.attempts == 0 && delivery.reason.is_none() && *fence <= 1 {
        return Ok(History { number: 1, slowed: 0, here: 0 });
    }
    let made = room.journal.delivery(&delivery.project, delivery.id).await?;
    let made = made.map(|(_, attempts)| attempts).unwrap_or_default();
    let last = made.iter().map(|attempt| attempt.number).max().unwrap_or(delivery.attempts);
    let slowed = made.iter().rev().take_while(|attempt| attempt.outcome == Outcome::Slowed).count();
    let here = made.iter().rev().take_while(|attempt| attempt.target == delivery.target);
    let here = here.filter(|attempt| attempt.outcome == Outcome::Failed).count();
    Ok(History {
        number: last.saturating_add(1),
        slowed: u32::try_from(slowed).unwrap_or(u32::MAX),
        // Not those from before it was sent again.
        here: u32::try_from(here).unwrap_or(u32::MAX).min(delivery.attempts),
    })
}

/// Who takes it if its target gives it up: one that is well, else one that may be.
fn onward(room: &Room, held: &Held) -> Option<Onward> {
    let delivery = &held.lease.delivery;
    let succession = room.succession(&delivery.project, &delivery.destination, &delivery.target);
    let after = |fitness| succession.after(&delivery.target, fitness).cloned();
    let well = after(Fitness::Well).map(|to| Onward { to, is_well: true });
    well.or_else(|| after(Fitness::Untold).map(|to| Onward { to, is_well: false }))
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
) -> store::Result<Vec<Coming>> {
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
        Next::Retry { due, target, .. } => Some((target, due)),
        _ => None,
    };
    // All of a lane were written for the same destination.
    let coming = |(target, due)| Coming { guest: target != delivery.destination, target, due };
    Ok(unblocked.map(|next| (next.target, next.due)).into_iter().chain(again).map(coming).collect())
}
