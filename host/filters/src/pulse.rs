//! Whether guests compute: the clock that interrupts them need not run while none does.
//!
//! Guests say so when they are polled, and at each tick that comes while they compute. It costs them two loads, and one
//! store a tick. What computes unseen, because the host works for it for long, is seen at the slow ticks of a quiet clock.

use std::{
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

/// Ticks without a guest after which the clock is quiet.
const QUIET_AFTER: u64 = 100;
/// Between two ticks of a quiet clock.
const QUIET_TICK: Duration = Duration::from_millis(100);

/// Ticks of all clocks of the process.
static CLOCK: AtomicU64 = AtomicU64::new(0);
/// What `CLOCK` was when a guest computed last.
static LAST: AtomicU64 = AtomicU64::new(0);
/// Clocks that are quiet.
static QUIET: AtomicU32 = AtomicU32::new(0);
static WAKE: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());

/// A guest computes now.
pub(crate) fn beat() {
    let now = CLOCK.load(SeqCst);
    if LAST.load(SeqCst) != now {
        LAST.store(now, SeqCst);
    }
    if QUIET.load(SeqCst) > 0 {
        wake();
    }
}

#[cold]
fn wake() {
    drop(WAKE.0.lock().unwrap_or_else(PoisonError::into_inner));
    WAKE.1.notify_all();
}

/// Sleeps until the next tick, or longer while no guest computes.
pub(crate) fn sleep(tick: Duration) {
    std::thread::sleep(tick);
    let now = CLOCK.fetch_add(1, SeqCst) + 1;
    if !is_quiet(now) {
        return;
    }
    let guard = WAKE.0.lock().unwrap_or_else(PoisonError::into_inner);
    QUIET.fetch_add(1, SeqCst);
    // Whoever computes since then has been seen, or sees that the clock is quiet and wakes it.
    if is_quiet(now) {
        drop(WAKE.1.wait_timeout(guard, QUIET_TICK));
    }
    QUIET.fetch_sub(1, SeqCst);
}

fn is_quiet(now: u64) -> bool {
    now.saturating_sub(LAST.load(SeqCst)) > QUIET_AFTER
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_quiet_clock_is_woken() {
        // Others in this process may compute at the same time: then it is never quiet, which is right as well.
        let clock = std::thread::spawn(|| {
            let end = Instant::now() + Duration::from_secs(2);
            let mut ticks = 0_u32;
            while Instant::now() < end {
                sleep(Duration::from_millis(1));
                ticks += 1;
            }
            ticks
        });
        let end = Instant::now() + Duration::from_secs(1);
        while Instant::now() < end {
            beat();
            std::thread::sleep(Duration::from_millis(1));
        }
        // A second of quick ticks, however late each is, and then at least slow ones.
        assert!(clock.join().unwrap() > 20);
    }
}
