//! What waits for one destination, and when it is its turn. Pure.

use std::time::Duration;

use model::{Timestamp, delivery::Condition, destination::Policy};

use crate::{
    breaker::{self, Admits},
    failover::Fitness,
    rate::Bucket,
};

/// The pauses after an error of the journal.
const TROUBLE_FIRST: Duration = Duration::from_millis(100);
const TROUBLE_MOST: Duration = Duration::from_secs(10);

/// After a claim that took nothing although something should have been due.
const NOTHING_TAKEN: Duration = Duration::from_millis(100);

/// What is known about one destination while the engine runs.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    /// When the next delivery is due, as far as is known; none if none waits.
    pub(super) due: Option<Timestamp>,
    /// Where it stands in the agenda.
    pub(super) planned: Option<Timestamp>,
    /// Whether deliveries are being taken out of the journal.
    pub(super) busy: bool,
    /// Whether it waits for room.
    pub(super) crowded: bool,
    /// Attempts under way, and places that are kept for what is being taken.
    pub(super) in_flight: u32,
    pub(super) bucket: Bucket,
    /// Nothing before then: the destination asked for it, or the journal fails.
    pub(super) quiet: Timestamp,
    /// Errors of the journal in a row.
    pub(super) troubles: u32,
    /// Whether all that wait for it were written for it, as far as is known; at first nothing is.
    pub(super) own_only: bool,
    /// Whether it was told that nothing of this name is configured.
    pub(super) warned: bool,
}

/// What to do for a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing, until something happens.
    Never,
    At(Timestamp),
    /// Take at most so many.
    Claim(u32),
    /// Send what is due to those that step in and are so fit, or home.
    Move(Fitness),
    /// As soon as an attempt of another destination ends.
    WhenThereIsRoom,
}

/// What a turn depends on beside the line itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight<'a> {
    pub(super) policy: &'a Policy,
    pub(super) condition: &'a Condition,
    /// How fit those are that can step in, if any can.
    pub(super) steps_in: Option<Fitness>,
    /// Places for attempts that are left.
    pub(super) room: u32,
    pub(super) now: Timestamp,
}

impl Line {
    pub(super) fn turn(&self, sight: Sight<'_>) -> Turn {
        let Sight { policy, condition, steps_in, room, now } = sight;
        let Some(due) = self.due.filter(|_| !self.busy) else { return Turn::Never };
        let due = due.max(self.quiet);
        let admits = breaker::admits(&condition.breaker, policy.breaker.as_ref(), now);
        let is_left_alone = match admits {
            _ if condition.disabled.is_some() => true,
            Admits::NothingUntil(_) => true,
            // One is being tried: the others need not wait for what becomes of it.
            Admits::Probe => self.in_flight > 0,
            Admits::All => false,
        };
        // What came from elsewhere need not wait here in any case.
        let guests_leave = (!self.own_only).then_some(Fitness::Well);
        if let Some(fitness) = steps_in.or(guests_leave).filter(|_| is_left_alone) {
            return if due > now { Turn::At(due) } else { Turn::Move(fitness) };
        }
        if condition.disabled.is_some() || self.in_flight >= policy.concurrency {
            return Turn::Never;
        }
        let free = policy.concurrency - self.in_flight;
        let (due, free) = match admits {
            Admits::All => (due, free),
            Admits::Probe if self.in_flight > 0 => return Turn::Never,
            Admits::Probe => (due, 1),
            Admits::NothingUntil(until) => (due.max(until), 1),
        };
        let due = policy.rate.as_ref().map_or(due, |rate| due.max(self.bucket.next(rate, now)));
        if due > now {
            return Turn::At(due);
        }
        let free = policy.rate.as_ref().map_or(free, |rate| free.min(self.bucket.free(rate, now)));
        // Half of what is left, so that there is always some for the others; and one in any case, so that no destination
        // waits for the attempts of others.
        let share = room.div_ceil(2).max(u32::from(self.in_flight == 0));
        match free.min(share) {
            0 => Turn::WhenThereIsRoom,
            take => Turn::Claim(take),
        }
    }

    /// Something is due then.
    pub(super) fn wake(&mut self, due: Timestamp) {
        self.due = Some(self.due.map_or(due, |known| known.min(due)));
    }

    /// Nothing could be taken that is due by then. No journal should say so; asking again and again would not make it
    /// better.
    pub(super) fn nothing_taken(&mut self, next: Option<Timestamp>, now: Timestamp) {
        if next.is_some_and(|next| next <= now) {
            self.quiet = self.quiet.max(now.after(NOTHING_TAKEN));
        }
    }

    /// The journal failed.
    pub(super) fn trouble(&mut self, now: Timestamp) {
        let pause = TROUBLE_FIRST.saturating_mul(1 << self.troubles.min(16)).min(TROUBLE_MOST);
        self.troubles = self.troubles.saturating_add(1);
        self.quiet = self.quiet.max(now.after(pause));
    }

    /// Whether nobody is there to find out how the destination is.
    pub(super) fn is_idle(&self) -> bool {
        self.due.is_none() && !self.busy && self.in_flight == 0
    }

    /// Whether nothing is to be remembered about it.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.is_idle() && self.quiet <= now && !self.warned
    }
}

#[cfg(test)]
mod tests;
