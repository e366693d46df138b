//! Waiting for the head of an answer.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

use super::{Kind, SendError, body::Sent};

/// A timer that is used again and again. Set for an earlier time than is wanted it fires too early, which costs less than
/// setting it for each exchange.
pub(super) type Timer = Option<Pin<Box<Sleep>>>;

/// Until when an answer's head is waited for.
pub(super) struct Waiting {
    first_byte: Duration,
    /// For the whole exchange.
    pub(super) deadline: Instant,
    /// Since when the other side could answer a body that goes out in one piece.
    begun: Instant,
    /// Of a body that goes out in several.
    sent: Option<Arc<Sent>>,
}

impl Waiting {
    pub(super) fn new(first_byte: Duration, total: Duration, sent: Option<Arc<Sent>>) -> Self {
        let now = Instant::now();
        Self { first_byte, deadline: now + total, begun: now, sent }
    }

    /// There is a connection.
    pub(super) fn begin(&mut self) {
        if self.sent.is_none() {
            self.begun = Instant::now();
        }
    }

    /// When there was a connection, or one was asked for.
    pub(super) fn begun(&self) -> std::time::Instant {
        self.begun.into_std()
    }

    /// When an answer is due that is still not there now. While the event's body is not sent, or not even a connection
    /// there, none is.
    fn due(&self, now: Instant) -> Instant {
        let since = self.sent.as_ref().map_or(self.begun, |sent| sent.at().unwrap_or(now));
        (since + self.first_byte).min(self.deadline)
    }

    /// One timer for both limits: whenever it fires, the time until which it is still right to wait is worked out anew.
    pub(super) async fn until<T>(
        &self,
        timer: &mut Timer,
        mut answer: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Result<T, SendError> {
        let due = self.due(self.begun);
        let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if timer.deadline() > due {
            timer.as_mut().reset(due);
        }
        poll_fn(|cx| {
            if let Poll::Ready(answer) = answer(cx) {
                return Poll::Ready(Ok(answer));
            }
            loop {
                ready!(timer.as_mut().poll(cx));
                let now = Instant::now();
                if now >= self.deadline {
                    return Poll::Ready(Err(Kind::TotalTimeout.into()));
                }
                let due = self.due(now);
                if now >= due {
                    return Poll::Ready(Err(Kind::FirstByteTimeout.into()));
                }
                timer.as_mut().reset(due);
            }
        })
        .await
    }
}
