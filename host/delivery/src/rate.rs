//! How many attempts may begin in some time. Pure: time is an argument.

use std::time::Duration;

use model::{Timestamp, destination::Rate};

/// A bucket of attempts that may begin. It holds those of one period and is filled evenly; at first it is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket {
    /// When it is full again, microseconds since 1970.
    full: u64,
}

impl Bucket {
    /// How many may begin now.
    pub fn free(&self, rate: &Rate, now: Timestamp) -> u32 {
        let empty_for = period(rate).saturating_sub(self.full_at(rate, now) - micros(now));
        u32::try_from(empty_for / interval(rate)).unwrap_or(u32::MAX).min(rate.events)
    }

    /// So many begin.
    pub fn take(&mut self, rate: &Rate, now: Timestamp, taken: u32) {
        self.full = self.full_at(rate, now).saturating_add(interval(rate).saturating_mul(taken.into()));
    }

    /// When at least one may begin; not later than now if it may.
    pub fn next(&self, rate: &Rate, now: Timestamp) -> Timestamp {
        let next = (self.full_at(rate, now) + interval(rate)).saturating_sub(period(rate));
        Timestamp::from_millis(next.div_ceil(1_000)).max(now)
    }

    /// A clock that was set back must not keep it empty for longer than it ever takes to fill it.
    fn full_at(&self, rate: &Rate, now: Timestamp) -> u64 {
        self.full.clamp(micros(now), micros(now).saturating_add(period(rate)))
    }
}

fn micros(time: Timestamp) -> u64 {
    time.as_millis().saturating_mul(1_000)
}

fn interval(rate: &Rate) -> u64 {
    (period(rate) / u64::from(rate.events.max(1))).max(1)
}

fn period(rate: &Rate) -> u64 {
    u64::try_from(rate.per.max(Duration::from_millis(1)).as_micros()).unwrap_or(u64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000 + millis)
    }

    fn rate(events: u32, seconds: u64) -> Rate {
        Rate { events, per: Duration::from_secs(seconds) }
    }

    #[test]
    fn it_holds_those_of_one_period_and_is_filled_evenly() {
        let (rate, mut bucket) = (rate(4, 2), Bucket::default());
        assert_eq!((bucket.free(&rate, at(0)), bucket.next(&rate, at(0))), (4, at(0)));
        bucket.take(&rate, at(0), 3);
        assert_eq!((bucket.free(&rate, at(0)), bucket.next(&rate, at(0))), (1, at(0)));
        bucket.take(&rate, at(0), 1);
        assert_eq!((bucket.free(&rate, at(0)), bucket.next(&rate, at(0))), (0, at(500)));
        assert_eq!(bucket.free(&rate, at(499)), 0);
        assert_eq!(bucket.free(&rate, at(500)), 1);
        assert_eq!(bucket.free(&rate, at(1_999)), 3);
        assert_eq!(bucket.free(&rate, at(60_000)), 4);
    }

    #[test]
    fn a_clock_that_is_set_back_costs_one_period_at_most() {
        let (rate, mut bucket) = (rate(1, 10), Bucket::default());
        bucket.take(&rate, at(100_000_000), 1);
        assert_eq!(bucket.next(&rate, at(0)), at(10_000));
    }

    proptest! {
        #[test]
        fn next_is_when_one_is_free(events in 1_u32..1_000, seconds in 1_u64..100, pauses in prop::collection::vec(0_u64..5_000, 1..50)) {
            let (rate, mut bucket, mut now, mut begun) = (rate(events, seconds), Bucket::default(), 0, 0_u64);
            for pause in &pauses {
                now += pause;
                let free = bucket.free(&rate, at(now));
                prop_assert_eq!(free > 0, bucket.next(&rate, at(now)) == at(now));
                let next = bucket.next(&rate, at(now));
                prop_assert!(bucket.free(&rate, next) > 0);
                bucket.take(&rate, at(now), free);
                begun += u64::from(free);
            }
            // The full bucket at first, and what has come in since; an interval is rounded down to microseconds.
            let filled = u64::from(events) * now / (seconds * 1_000);
            prop_assert!(begun <= u64::from(events) + filled + filled / 100 + 1, "{} of {}", begun, filled);
        }
    }
}
