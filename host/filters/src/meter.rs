//! What a call computes, counted in the time of the processor and not on the clock: on a busy machine a filter does not
//! pay for the others.
//!
//! Reading a thread's processor time is a system call, which a call that ends within a tick should not pay for. So the
//! first slice of a call counts as one tick, whatever it was, and only those after it are measured.

use std::{
    cell::Cell,
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};

use crate::{engine::TICK, pulse};

thread_local! {
    /// Processor time of this thread when the slice that runs now began; none for a first slice.
    static BEGAN: Cell<Option<Duration>> = const { Cell::new(None) };
    /// Ticks that came while a guest computed on this thread.
    static TICKS: Cell<u32> = const { Cell::new(0) };
}

/// A call is polled: for the first time, or again.
pub(crate) fn begin_slice(first: bool) {
    pulse::beat();
    BEGAN.set((!first).then(cpu));
}

/// Ticks that came on this thread so far; a difference tells whether one came in between.
pub(crate) fn ticks() -> u32 {
    TICKS.get()
}

/// A tick came while the guest computed: what the slice has cost since it began.
pub(crate) fn charge() -> Duration {
    TICKS.set(TICKS.get().wrapping_add(1));
    pulse::beat();
    let Some(began) = BEGAN.get() else { return TICK };
    let now = cpu();
    BEGAN.set(Some(now));
    now.saturating_sub(began)
}

/// When something began, on this thread's processor time and on the clock.
pub(crate) struct Began {
    thread: ThreadId,
    cpu: Duration,
    clock: Instant,
}

impl Began {
    pub(crate) fn now() -> Self {
        Self { thread: thread::current().id(), cpu: cpu(), clock: Instant::now() }
    }

    /// The processor's time since then; the clock's, if another thread came between.
    pub(crate) fn cost(&self) -> Duration {
        let same = self.thread == thread::current().id();
        if same { cpu().saturating_sub(self.cpu) } else { self.clock.elapsed() }
    }
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs().try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_after_the_first_are_measured() {
        let before = ticks();
        begin_slice(true);
        assert_eq!(charge(), TICK);
        begin_slice(false);
        std::thread::sleep(Duration::from_millis(20));
        // Who sleeps does not compute.
        assert!(charge() < Duration::from_millis(10));
        assert_eq!(ticks(), before + 2);
    }
}
