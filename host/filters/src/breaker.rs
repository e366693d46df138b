//! A filter that fails every time is not called for a while, so that it costs nothing.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use model::record::FailureClass;

/// Failures in a row after which a filter is not called.
const FAILURES_MOST: u32 = 20;
/// How long at first; twice as long each time that the next call fails too.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
const PAUSE_MOST: Duration = Duration::from_secs(30);

/// Watches the calls of one attachment's version.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    /// Whether the last call failed: nothing else is looked at as long as all goes well.
    troubled: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Closed { failures: u32 },
    Open { class: FailureClass, until: Instant, pause: Duration, probing: bool },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Breaker {
    /// The class of the failures and the time that is left, if the filter is not to be called now. When the time is over
    /// one call is let through; the others wait for what comes of it, or for the same time again.
    pub(crate) fn refuses(&self, now: Instant) -> Option<(FailureClass, Duration)> {
        if !self.troubled.load(Relaxed) {
            return None;
        }
        match &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Closed { .. } => None,
            State::Open { until, pause, probing, .. } if now >= *until => {
                (*until, *probing) = (now + *pause, true);
                None
            }
            State::Open { class, until, .. } => Some((*class, *until - now)),
        }
    }

    pub(crate) fn succeeded(&self) {
        // Looked at first: to write to it each time would take it from the other cores each time.
        if self.troubled.load(Relaxed) && self.troubled.swap(false, Relaxed) {
            *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
        }
    }

    /// For how long the filter will not be called, if this was the failure that says so.
    pub(crate) fn failed(&self, class: FailureClass, now: Instant) -> Option<Duration> {
        // Those that cost the host something. What a filter says itself, or hands over wrongly, costs what a verdict
        // costs; and an overload is not its fault.
        if !matches!(class, FailureClass::Trap | FailureClass::Time | FailureClass::Memory) {
            return None;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.troubled.store(true, Relaxed);
        let next = match &mut *state {
            State::Closed { failures } => {
                *failures += 1;
                (*failures >= FAILURES_MOST).then_some(PAUSE_FIRST)?
            }
            // The last of those that were under way when it opened.
            State::Open { probing: false, .. } => return None,
            State::Open { pause, .. } => (2 * *pause).min(PAUSE_MOST),
        };
        *state = State::Open { class, until: now + next, pause: next, probing: false };
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn broken(now: Instant) -> Breaker {
        let breaker = Breaker::default();
        for _ in 1..FAILURES_MOST {
            assert_eq!(breaker.failed(FailureClass::Time, now), None);
            assert_eq!(breaker.refuses(now), None);
        }
        assert_eq!(breaker.failed(FailureClass::Time, now), Some(SECOND));
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_closes_it() {
        let now = Instant::now();
        let breaker = broken(now);
        assert_eq!(breaker.refuses(now), Some((FailureClass::Time, SECOND)));
        // One that was under way.
        assert_eq!(breaker.failed(FailureClass::Trap, now), None);
        let later = now + SECOND;
        assert_eq!(breaker.refuses(later), None);
        assert_eq!(breaker.refuses(later), Some((FailureClass::Time, SECOND)));
        breaker.succeeded();
        assert_eq!(breaker.refuses(later), None);
        assert_eq!(breaker.failed(FailureClass::Time, later), None);
    }

    #[test]
    fn each_probe_that_fails_doubles_the_pause() {
        let mut now = Instant::now();
        let breaker = broken(now);
        let mut pause = SECOND;
        for _ in 0..8 {
            now += pause;
            assert_eq!(breaker.refuses(now), None);
            pause = (2 * pause).min(PAUSE_MOST);
            assert_eq!(breaker.failed(FailureClass::Memory, now), Some(pause));
        }
        assert_eq!(pause, PAUSE_MOST);
        assert_eq!(breaker.refuses(now), Some((FailureClass::Memory, PAUSE_MOST)));
    }

    #[test]
    fn a_success_in_between_and_a_filters_own_word_count_nothing() {
        let now = Instant::now();
        let breaker = Breaker::default();
        for call in 0..10 * FAILURES_MOST {
            match call % 3 {
                0 => breaker.succeeded(),
                1 => assert_eq!(breaker.failed(FailureClass::Trap, now), None),
                _ => assert_eq!(breaker.failed(FailureClass::Failed, now), None),
            }
            assert_eq!(breaker.refuses(now), None);
        }
    }
}
