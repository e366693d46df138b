//! How long the other side of a connection may take. One clock ticks for all connections, so that a request costs no
//! timer: setting a deadline is storing a number.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    task::Poll,
    time::Duration,
};

use futures_util::task::AtomicWaker;

/// How exact deadlines are: what is due is noticed at most this much later.
pub(super) const TICK: Duration = Duration::from_millis(250);

/// A point in time, counted in ticks of a clock.
pub(super) type Tick = u32;

const NEVER: Tick = Tick::MAX;

tokio::task_local! {
    /// The deadline of a task that serves one HTTP/2 stream.
    static OF_STREAM: Arc<Deadline>;
}

/// What the deadlines of a listener are measured with. Whoever owns it calls `tick` every `TICK`.
#[derive(Debug, Default)]
pub(super) struct Clock {
    now: AtomicU32,
    stopping: AtomicBool,
    watched: Mutex<Vec<Weak<Deadline>>>,
}

impl Clock {
    /// A deadline for the task that will await `Deadline::keep`.
    pub(super) fn deadline(self: &Arc<Self>) -> Arc<Deadline> {
        let deadline = Arc::new(Deadline {
            clock: Arc::clone(self),
            receive: AtomicU32::new(NEVER),
            send: AtomicU32::new(NEVER),
            task: AtomicWaker::new(),
        });
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&deadline));
        deadline
    }

    /// Wakes the tasks whose deadline is due, and forgets those that have ended.
    pub(super) fn tick(&self) {
        self.now.fetch_add(1, Relaxed);
        self.wake(Deadline::due);
    }

    /// Tells every task to come to an end.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Relaxed);
        self.wake(|_| true);
    }

    fn wake(&self, which: impl Fn(&Deadline) -> bool) {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).retain(|watched| {
            let Some(deadline) = watched.upgrade() else { return false };
            if which(&deadline) {
                deadline.task.wake();
            }
            true
        });
    }
}

/// Until when the other side has time: to let us receive what it sends, and to take what we send. In ticks.
#[derive(Debug)]
pub(super) struct Deadline {
    clock: Arc<Clock>,
    receive: AtomicU32,
    send: AtomicU32,
    task: AtomicWaker,
}

impl Deadline {
    /// When so much time will be over.
    pub(super) fn after(&self, time: Duration) -> Tick {
        let ticks = Tick::try_from(time.as_millis().div_ceil(TICK.as_millis())).unwrap_or(NEVER);
        // One more, because a part of the present tick is over.
        self.clock.now.load(Relaxed).saturating_add(ticks).saturating_add(1).min(NEVER - 1)
    }

    pub(super) fn receive_before(&self, end: Tick) {
        self.receive.store(end, Relaxed);
    }

    pub(super) fn received(&self) {
        self.receive.store(NEVER, Relaxed);
    }

    pub(super) fn send_within(&self, time: Duration) {
        self.send.store(self.after(time), Relaxed);
    }

    pub(super) fn sent(&self) {
        self.send.store(NEVER, Relaxed);
    }

    fn due(&self) -> bool {
        let now = self.clock.now.load(Relaxed);
        self.receive.load(Relaxed) <= now || self.send.load(Relaxed) <= now
    }

    /// Runs a task's future to its end; none if the deadline was due before and the future did nothing about it. Once the
    /// clock stops, `stop` is called.
    pub(super) async fn keep<F: Future>(
        &self,
        mut future: Pin<&mut F>,
        mut stop: impl FnMut(Pin<&mut F>),
    ) -> Option<F::Output> {
        let mut stopped = false;
        poll_fn(|cx| {
            self.task.register(cx.waker());
            if !stopped && self.clock.stopping.load(Relaxed) {
                stopped = true;
                stop(future.as_mut());
            }
            match future.as_mut().poll(cx) {
                Poll::Ready(output) => Poll::Ready(Some(output)),
                Poll::Pending if self.due() => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// The output of a part of what `keep` runs; none if what should be received is overdue.
    pub(super) async fn unless_overdue<F: Future>(&self, mut part: Pin<&mut F>) -> Option<F::Output> {
        poll_fn(|cx| match part.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if self.overdue() => {
                self.received();
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    fn overdue(&self) -> bool {
        self.receive.load(Relaxed) <= self.clock.now.load(Relaxed)
    }

    /// Runs a stream's task with a deadline of its own, which `of_stream` finds.
    pub(super) async fn keep_stream<F: Future>(self: Arc<Self>, stream: F) {
        let deadline = Arc::clone(&self);
        let stream = pin!(OF_STREAM.scope(self, stream));
        deadline.keep(stream, |_| ()).await;
    }

    /// The deadline of the stream that the running task serves; none on an HTTP/1 connection.
    pub(super) fn of_stream() -> Option<Arc<Self>> {
        OF_STREAM.try_with(Arc::clone).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    async fn ticks(clock: &Clock, count: u32) {
        for _ in 0..count {
            clock.tick();
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_is_due_ends_and_what_is_not_goes_on() {
        let clock = Arc::new(Clock::default());
        let deadline = clock.deadline();
        deadline.send_within(TICK * 2);
        let watched = Arc::clone(&deadline);
        let task = tokio::spawn(async move { watched.keep(pin!(pending::<()>()), |_| ()).await });
        ticks(&clock, 2).await;
        assert!(!task.is_finished());
        deadline.send_within(TICK * 2);
        ticks(&clock, 2).await;
        assert!(!task.is_finished());
        ticks(&clock, 1).await;
        assert_eq!(task.await.unwrap(), None);
        drop(deadline);
        clock.tick();
        assert!(clock.watched.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_part_may_act_on_what_is_overdue() {
        let clock = Arc::new(Clock::default());
        let deadline = clock.deadline();
        let watched = Arc::clone(&deadline);
        let task = tokio::spawn(async move {
            let inner = Arc::clone(&watched);
            let work = async move {
                inner.receive_before(inner.after(TICK));
                inner.unless_overdue(pin!(pending::<()>())).await.is_none()
            };
            watched.keep(pin!(work), |_| ()).await
        });
        tokio::task::yield_now().await;
        ticks(&clock, 3).await;
        assert_eq!(task.await.unwrap(), Some(true));
    }

    #[tokio::test]
    async fn stop_is_told_once_to_every_task() {
        let clock = Arc::new(Clock::default());
        let deadline = clock.deadline();
        let task = tokio::spawn(async move {
            let told = AtomicU32::new(0);
            let until_told = pin!(poll_fn(|_| match told.load(Relaxed) {
                0 => Poll::Pending,
                times => Poll::Ready(times),
            }));
            deadline.keep(until_told, |_| _ = told.fetch_add(1, Relaxed)).await
        });
        tokio::task::yield_now().await;
        clock.stop();
        assert_eq!(task.await.unwrap(), Some(1));
    }
}
