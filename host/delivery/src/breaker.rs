//! Whether a destination that fails is tried. Pure: time is an argument.
//!
//! Closed: everything is. After enough failures in a row it opens: nothing is, for a pause. After that one delivery at a
//! time is tried; if it arrives, the breaker is closed, if not, the next pause is twice as long.

use model::{Timestamp, delivery::Breaker, destination};

/// What may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admits {
    All,
    /// One at a time.
    Probe,
    NothingUntil(Timestamp),
}

/// What an attempt says about its destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    Good,
    Bad,
    /// It is there and asks for patience.
    Busy,
    /// Nothing: it was not asked, or said something about this delivery alone.
    Untold,
}

pub fn admits(breaker: &Breaker, policy: Option<&destination::Breaker>, now: Timestamp) -> Admits {
    match *breaker {
        Breaker::Open { until, .. } if policy.is_some() && now < until => Admits::NothingUntil(until),
        Breaker::Open { .. } if policy.is_some() => Admits::Probe,
        _ => Admits::All,
    }
}

/// The breaker after an attempt that began at `started` and ended now.
#[must_use]
pub fn after(
    breaker: &Breaker,
    policy: Option<&destination::Breaker>,
    health: Health,
    started: Timestamp,
    now: Timestamp,
) -> Breaker {
    let Some(policy) = policy else { return Breaker::default() };
    match (*breaker, health) {
        (breaker, Health::Untold) => breaker,
        (_, Health::Good) => Breaker::default(),
        (Breaker::Closed { failures }, Health::Bad) if failures.saturating_add(1) < policy.failures => {
            Breaker::Closed { failures: failures + 1 }
        }
        (Breaker::Closed { .. }, Health::Bad) => Breaker::Open { until: now.after(policy.pause), times: 1 },
        (closed @ Breaker::Closed { .. }, Health::Busy) => closed,
        // Began before it opened: that it fails is known.
        (open @ Breaker::Open { until, .. }, _) if started < until => open,
        (Breaker::Open { times, .. }, health) => {
            let times = if health == Health::Busy { times } else { times.saturating_add(1) };
            Breaker::Open { until: now.after(pause(policy, times)), times }
        }
    }
}

fn pause(policy: &destination::Breaker, times: u32) -> std::time::Duration {
    let doubled = 1_u32.checked_shl(times.saturating_sub(1)).and_then(|factor| policy.pause.checked_mul(factor));
    doubled.unwrap_or(policy.most).min(policy.most)
}

/// Whether the change is worth writing down: counting failures is not.
pub fn changed(before: &Breaker, after: &Breaker) -> bool {
    !matches!((before, after), (Breaker::Closed { .. }, Breaker::Closed { .. })) && before != after
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const POLICY: destination::Breaker =
        destination::Breaker { failures: 3, pause: Duration::from_secs(30), most: Duration::from_secs(100) };

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn step(breaker: Breaker, health: Health, now: u64) -> Breaker {
        after(&breaker, Some(&POLICY), health, at(now), at(now))
    }

    #[test]
    fn it_opens_after_failures_in_a_row() {
        let mut breaker = Breaker::default();
        for health in [Health::Bad, Health::Bad, Health::Good, Health::Bad, Health::Bad] {
            breaker = step(breaker, health, 1);
            assert_eq!(admits(&breaker, Some(&POLICY), at(1)), Admits::All);
        }
        breaker = step(breaker, Health::Bad, 1);
        assert_eq!(breaker, Breaker::Open { until: at(31), times: 1 });
        assert_eq!(admits(&breaker, Some(&POLICY), at(30)), Admits::NothingUntil(at(31)));
        assert_eq!(admits(&breaker, Some(&POLICY), at(31)), Admits::Probe);
    }

    #[test]
    fn each_pause_is_twice_as_long_until_a_probe_arrives() {
        let mut breaker = Breaker::Open { until: at(100), times: 1 };
        for (now, until) in [(100, 160), (200, 300), (300, 400), (1_000, 1_100)] {
            breaker = step(breaker, Health::Bad, now);
            let Breaker::Open { until: told, .. } = breaker else { panic!("{breaker:?}") };
            assert_eq!(told, at(until));
        }
        assert_eq!(step(breaker, Health::Good, 2_000), Breaker::default());
    }

    #[test]
    fn attempts_from_before_it_opened_do_not_make_the_pause_longer() {
        let open = Breaker::Open { until: at(100), times: 1 };
        assert_eq!(after(&open, Some(&POLICY), Health::Bad, at(99), at(130)), open);
        assert_eq!(after(&open, Some(&POLICY), Health::Good, at(60), at(80)), Breaker::default());
    }

    #[test]
    fn a_destination_that_asks_for_patience_neither_fails_nor_is_well() {
        let failing = Breaker::Closed { failures: 2 };
        assert_eq!(step(failing, Health::Busy, 1), failing);
        assert_eq!(step(failing, Health::Untold, 1), failing);
        let open = Breaker::Open { until: at(100), times: 2 };
        assert_eq!(step(open, Health::Busy, 100), Breaker::Open { until: at(160), times: 2 });
        assert_eq!(step(open, Health::Untold, 100), open);
    }

    #[test]
    fn without_a_policy_everything_is_tried() {
        let open = Breaker::Open { until: at(100), times: 2 };
        assert_eq!(admits(&open, None, at(1)), Admits::All);
        assert_eq!(after(&open, None, Health::Bad, at(1), at(1)), Breaker::default());
    }

    #[test]
    fn counting_is_no_change() {
        let (closed, open) = (Breaker::Closed { failures: 1 }, Breaker::Open { until: at(1), times: 1 });
        assert!(!changed(&Breaker::default(), &closed) && !changed(&open, &open));
        assert!(changed(&closed, &open) && changed(&open, &closed));
    }

    proptest! {
        #[test]
        fn a_pause_is_never_longer_than_the_longest_nor_shorter_than_the_first(times: u32) {
            let pause = pause(&POLICY, times);
            prop_assert!(pause >= POLICY.pause && pause <= POLICY.most);
        }
    }
}
