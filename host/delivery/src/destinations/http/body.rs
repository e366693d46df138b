//! The event's body on its way out, and the answer's on its way back.

use std::{
    mem,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use super::{BoxError, Kind, SendError};

/// The largest piece of a body in memory that is handed over at a time, so that a big one is not taken for sent while
/// it still waits in a buffer.
const PIECE_BYTES_MAX: usize = 256 * 1024;

/// An event's body: in memory, or read from `S` while it is sent.
#[derive(Debug)]
pub struct EventBody<S = Incoming> {
    content: Content<S>,
    sent: Option<Arc<Sent>>,
}

#[derive(Debug)]
enum Content<S> {
    Whole(Bytes),
    Streamed(S),
}

impl<S> EventBody<S> {
    pub fn whole(body: Bytes) -> Self {
        Self { content: Content::Whole(body), sent: None }
    }

    /// `body` should know its length if that is known (`size_hint`), because it decides how the request is framed.
    pub fn streamed(body: S) -> Self {
        Self { content: Content::Streamed(body), sent: None }
    }

    /// From now on tells when its last piece was taken.
    pub(super) fn watch(&mut self) -> Arc<Sent> {
        let sent = Arc::new(Sent { since: Instant::now(), nanos: AtomicU64::new(0) });
        self.sent = Some(Arc::clone(&sent));
        sent
    }
}

/// When the last piece of an event's body was taken to be sent, which also tells that there was a connection.
#[derive(Debug)]
pub(super) struct Sent {
    since: Instant,
    /// From `since`; 0 for not yet.
    nanos: AtomicU64,
}

impl Sent {
    fn note(&self) {
        let nanos = u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanos.store(nanos.max(1), Relaxed);
    }

    pub(super) fn at(&self) -> Option<Instant> {
        match self.nanos.load(Relaxed) {
            0 => None,
            nanos => Some(self.since + Duration::from_nanos(nanos)),
        }
    }
}

impl<S> Body for EventBody<S>
where
    S: Body<Data = Bytes> + Unpin,
    S::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = match &mut self.content {
            Content::Whole(bytes) if bytes.is_empty() => None,
            Content::Whole(bytes) if bytes.len() <= PIECE_BYTES_MAX => Some(Ok(Frame::data(mem::take(bytes)))),
            Content::Whole(bytes) => Some(Ok(Frame::data(bytes.split_to(PIECE_BYTES_MAX)))),
            Content::Streamed(body) => ready!(Pin::new(body).poll_frame(cx)).map(|frame| frame.map_err(Into::into)),
        };
        // A body of known length is not asked again after its last byte.
        if let Some(sent) = &self.sent
            && (frame.is_none() || self.size_hint().exact() == Some(0))
        {
            sent.note();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        let ended = match &self.content {
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Streamed(body) => body.is_end_stream(),
        };
        // Asked when the head is written and after each piece; of an empty body nothing else is asked.
        if ended && let Some(sent) = &self.sent {
            sent.note();
        }
        ended
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Streamed(body) => body.size_hint(),
        }
    }
}

/// The body of an answer, streamed; fails when it is polled past the target's total limit, and wakes who polls it then.
#[derive(Debug)]
pub struct AnswerBody {
    incoming: Incoming,
    deadline: Instant,
    /// Made when there is something to wait for, which an answer that came in one piece has not.
    timer: Option<Pin<Box<Sleep>>>,
}

impl AnswerBody {
    pub(super) fn new(incoming: Incoming, deadline: Instant) -> Self {
        Self { incoming, deadline, timer: None }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = SendError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, SendError>>> {
        let deadline = self.deadline;
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            // One who always has more to say is not waited for, so the timer would not notice.
            Poll::Ready(Some(Ok(_))) if Instant::now() >= deadline => Poll::Ready(Some(Err(Kind::TotalTimeout.into()))),
            Poll::Ready(frame) => {
                Poll::Ready(frame.map(|frame| frame.map_err(|error| SendError::new(Kind::Broken, error))))
            }
            Poll::Pending => {
                ready!(self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline))).as_mut().poll(cx));
                Poll::Ready(Some(Err(Kind::TotalTimeout.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
