//! What follows from what an attempt came to: done, again later, elsewhere, or given up. Pure: time and chance are
//! arguments.

use std::time::Duration;

use model::{Delivery, Name, Retry, Timestamp, delivery::Outcome, destination::Policy};
use store::journal::Next;

use crate::{
    breaker::Health,
    destinations::{End, Wait},
};

/// The pause after the first answer that asks for patience without saying for how long; each one in a row that follows is
/// twice as long, up to the longest.
pub const PATIENCE_FIRST: Duration = Duration::from_secs(5);
pub const PATIENCE_MOST: Duration = Duration::from_mins(10);
/// Whoever asks for no time at all is given some.
const WAIT_LEAST: Duration = Duration::from_secs(1);
/// How much longer than asked for a wait may be by chance, as a share, so that not all come back at once.
const WAIT_JITTER: f64 = 0.1;

/// A delivery whose attempt is over.
#[derive(Debug, Clone, Copy)]
pub struct Tried<'a> {
    pub delivery: &'a Delivery,
    /// How many answers before this one asked for patience, in a row.
    pub slowed: u32,
    /// How many attempts before this one failed at the destination that it went to, since it came there.
    pub here: u32,
    /// Who takes it if that destination gives it up; none if nobody can: then it waits at home.
    pub onward: Option<&'a Onward>,
    /// Of the destination that it went to: it says when a delivery goes on from there.
    pub target: &'a Policy,
    /// The destination that it was written for.
    pub home: &'a Name,
    /// Whether it goes home for the next attempt.
    pub comes_back: bool,
    /// How often it is tried, wherever it goes.
    pub retry: &'a Retry,
    /// If it is given up, whether those behind it in its lane wait.
    pub holds_lane: bool,
}

/// The destination that takes a delivery which its target gives up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onward {
    pub to: Name,
    /// False if it was left alone for long enough and nobody knows.
    pub is_well: bool,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub outcome: Outcome,
    /// None if it has arrived.
    pub reason: Option<String>,
    pub next: Next,
    pub health: Health,
    /// Until then the destination wants nothing at all.
    pub quiet: Option<Timestamp>,
    /// The destination asked not to be sent anything any more: why.
    pub disable: Option<String>,
}

/// Follows the policy: what is a success is never sent again, whatever else the answer says.
pub fn decide(tried: Tried<'_>, end: &End, now: Timestamp, chance: u32) -> Decision {
    let (answer, asks) = match end {
        End::Unsendable { reason } => return tried.given_up(reason.clone()),
        End::Failed { reason } => return tried.failed(reason, None, None, now, chance),
        End::Answered { answer, asks } => (answer, asks),
    };
    let told = format!("answered {}", answer.status);
    if tried.target.success.has(answer.status) {
        return Decision {
            outcome: Outcome::Delivered,
            reason: None,
            next: Next::Delivered,
            health: Health::Good,
            quiet: None,
            disable: asks.disable.then(|| format!("{told} with `webhook-delivery: disable`")),
        };
    }
    // Standard Webhooks: 410 means that nothing more is wanted.
    if asks.disable || answer.status == 410 {
        let why = if asks.disable { format!("{told} with `webhook-delivery: disable`") } else { told };
        return tried.kept_back(why, now);
    }
    if asks.abort {
        return tried.given_up(format!("{told} with `webhook-delivery: abort-message`"));
    }
    let wait = asks.wait.map(|wait| bounded(wait, tried.target.retry_after_most, now));
    let goes_over = tried.onward.is_some() && tried.gives_up_on(answer.status);
    if matches!(answer.status, 429 | 503) && !goes_over && tried.slowed < tried.target.slow_downs {
        return tried.slowed_down(told, wait, now, chance);
    }
    let reason = match answer.status {
        300..=399 => format!("{told}; redirects are not followed"),
        _ => told,
    };
    tried.failed(&reason, Some(answer.status), wait, now, chance)
}

/// A filter of the destination wants the delivery to be tried later: that counts, so that it has an end.
pub fn put_off(tried: Tried<'_>, reason: &str, after: Duration, now: Timestamp, chance: u32) -> Decision {
    let after = after.min(model::limits::RETRY_PAUSE_MOST);
    let decision = tried.retried(reason, after, tried.stays_or_comes_back(), now, chance);
    Decision { health: Health::Untold, ..decision }
}

impl Tried<'_> {
    fn gives_up_on(&self, status: u16) -> bool {
        self.target.failover.as_ref().is_some_and(|failover| failover.on_status.has(status))
    }

    fn gives_up_after(&self, attempts: u32) -> bool {
        let after = self.target.failover.as_ref().and_then(|failover| failover.after_attempts);
        after.is_some_and(|after| attempts >= after)
    }

    fn stays_or_comes_back(&self) -> &Name {
        if self.comes_back { self.home } else { &self.delivery.target }
    }

    fn given_up(&self, reason: String) -> Decision {
        let next = Next::Dead {
            attempts: self.delivery.attempts.saturating_add(1),
            reason: reason.clone(),
            holds_lane: self.holds_lane,
        };
        Decision {
            outcome: Outcome::Aborted,
            reason: Some(reason),
            next,
            health: Health::Untold,
            quiet: None,
            disable: None,
        }
    }

    /// It waits for the destination to be enabled again.
    fn kept_back(&self, why: String, now: Timestamp) -> Decision {
        Decision {
            outcome: Outcome::Aborted,
            reason: Some(why.clone()),
            next: self.again(self.delivery.attempts, &why, self.stays_or_comes_back(), now),
            health: Health::Untold,
            quiet: None,
            disable: Some(why),
        }
    }

    fn slowed_down(&self, told: String, wait: Option<Duration>, now: Timestamp, chance: u32) -> Decision {
        let doubled = 1_u32.checked_shl(self.slowed).and_then(|factor| PATIENCE_FIRST.checked_mul(factor));
        let own = doubled.unwrap_or(PATIENCE_MOST).min(PATIENCE_MOST);
        let due = now.after(longer(wait.unwrap_or(own), chance));
        Decision {
            outcome: Outcome::Slowed,
            next: self.again(self.delivery.attempts, &told, self.stays_or_comes_back(), due),
            reason: Some(told),
            health: Health::Busy,
            quiet: wait.map(|wait| now.after(wait)),
            disable: None,
        }
    }

    fn failed(
        &self,
        reason: &str,
        status: Option<u16>,
        wait: Option<Duration>,
        now: Timestamp,
        chance: u32,
    ) -> Decision {
        let attempts = self.delivery.attempts.saturating_add(1);
        let quiet = wait.map(|wait| now.after(wait));
        let given_up =
            self.gives_up_after(self.here.saturating_add(1)) || status.is_some_and(|status| self.gives_up_on(status));
        let to = match self.onward {
            _ if !given_up => self.stays_or_comes_back(),
            // Whom it goes to has not failed, so there is nothing to wait for, and no attempt need be left.
            Some(Onward { to, is_well: true }) => {
                let next = self.again(attempts, reason, to, now);
                let reason = Some(reason.to_owned());
                return Decision { outcome: Outcome::Failed, reason, next, health: Health::Bad, quiet, disable: None };
            }
            Some(Onward { to, is_well: false }) => to,
            None => self.home,
        };
        // Nobody else asked for patience.
        let wait = wait.filter(|_| *to == self.delivery.target).map_or(Duration::ZERO, |wait| longer(wait, chance));
        Decision { quiet, ..self.retried(reason, wait, to, now, chance) }
    }

    /// After the pause that its attempts have come to, and not before `least`.
    fn retried(&self, reason: &str, least: Duration, to: &Name, now: Timestamp, chance: u32) -> Decision {
        let attempts = self.delivery.attempts.saturating_add(1);
        let next = match self.retry.pause(attempts, chance) {
            Some(pause) => self.again(attempts, reason, to, now.after(pause.max(least))),
            None => {
                let reason = match attempts {
                    1 => format!("the only attempt failed: {reason}"),
                    _ => format!("{attempts} attempts failed, the last one: {reason}"),
                };
                Next::Dead { attempts, reason, holds_lane: self.holds_lane }
            }
        };
        let reason = Some(reason.to_owned());
        Decision { outcome: Outcome::Failed, reason, next, health: Health::Bad, quiet: None, disable: None }
    }

    fn again(&self, attempts: u32, reason: &str, to: &Name, due: Timestamp) -> Next {
        Next::Retry { due, target: to.clone(), attempts, reason: Some(reason.to_owned()) }
    }
}

fn bounded(wait: Wait, most: Duration, now: Timestamp) -> Duration {
    let asked = match wait {
        Wait::For(duration) => duration,
        Wait::Until(time) => Duration::from_millis(time.as_millis().saturating_sub(now.as_millis())),
    };
    asked.clamp(WAIT_LEAST, most.max(WAIT_LEAST))
}

/// Never shorter.
fn longer(wait: Duration, chance: u32) -> Duration {
    wait + wait.mul_f64(WAIT_JITTER * (f64::from(chance) / f64::from(u32::MAX)))
}

#[cfg(test)]
mod tests;
