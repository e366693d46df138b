//! Where calls go that compute for longer: to threads of their own, few and of low priority, so that the threads which
//! serve connections stay free whatever filters do.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::Poll,
};

use tokio::{
    runtime,
    sync::Semaphore,
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use crate::meter;

/// Ticks after which a call is moved.
const TICKS_MOST: u32 = 2;
/// How nice the threads are (`nice(2)`).
const NICE: i32 = 10;

/// The threads.
#[derive(Debug)]
pub(crate) struct Slow {
    runtime: Option<runtime::Runtime>,
}

/// A call, wherever it runs.
type Running<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl Slow {
    pub(crate) fn start(threads: usize) -> std::io::Result<Self> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(threads.max(1))
            .thread_name("slow-filters")
            .on_thread_start(be_nice)
            // Others get their turn after each slice.
            .event_interval(1)
            .enable_all()
            .build()?;
        Ok(Self { runtime: Some(runtime) })
    }

    /// Runs a call to its end: here as long as it is quick, then on one of the threads. None if it panicked.
    /// Only as many as there are `turns` are there at the same time; who gets none before the deadline ends there.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        mut call: Running<T>,
        turns: &Arc<Semaphore>,
        deadline: Instant,
    ) -> Option<T> {
        let (mut first, mut ticks) = (true, 0);
        let done = poll_fn(|cx| {
            meter::begin_slice(first);
            first = false;
            let before = meter::ticks();
            let Ok(polled) = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx))) else {
                return Poll::Ready(End::Panicked);
            };
            ticks += meter::ticks().wrapping_sub(before);
            match polled {
                Poll::Ready(done) => Poll::Ready(End::Done(done)),
                Poll::Pending if ticks >= TICKS_MOST => Poll::Ready(End::Slow),
                Poll::Pending => Poll::Pending,
            }
        });
        match done.await {
            End::Done(done) => Some(done),
            End::Slow => self.move_on(call, turns, deadline).await,
            End::Panicked => None,
        }
    }

    async fn move_on<T: Send + 'static>(
        &self,
        mut call: Running<T>,
        turns: &Arc<Semaphore>,
        deadline: Instant,
    ) -> Option<T> {
        // Past the deadline the call ends when it is polled once more.
        let turn = timeout_at(deadline, Arc::clone(turns).acquire_owned()).await;
        let runtime = self.runtime.as_ref().expect("there until it is dropped");
        let measured = poll_fn(move |cx| {
            meter::begin_slice(false);
            call.as_mut().poll(cx)
        });
        let mut task = Ended(runtime.spawn(measured));
        let done = (&mut task.0).await.ok();
        drop(turn);
        done
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        // Dropping it as it is would wait for its threads, which is not allowed everywhere.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// How a call ended on the thread where it began.
enum End<T> {
    Done(T),
    Slow,
    Panicked,
}

/// A task that ends with the one who waits for it.
struct Ended<T>(JoinHandle<T>);

impl<T> Drop for Ended<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Priority is a kindness: without it the threads are still few.
fn be_nice() {
    #[cfg(target_os = "linux")]
    {
        _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
    }
}
