//! The event's body on its way out, and the answer's on its way back.

use std::{
    fmt, mem,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker, ready},
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

/// What an event's body can be read from while it is sent.
pub trait Source: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static {}

impl<S: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static> Source for S {}

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

    /// From now on tells when its last piece was taken; one that goes out in one piece need not.
    pub(super) fn watch(&mut self) -> Option<Arc<Sent>> {
        if let Content::Whole(body) = &self.content
            && body.len() <= PIECE_BYTES_MAX
        {
            return None;
        }
        let sent = Arc::new(Sent { since: Instant::now(), nanos: AtomicU64::new(0) });
        self.sent = Some(Arc::clone(&sent));
        Some(sent)
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

impl<S: Source> Body for EventBody<S> {
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

/// What moves an answer's body on and has the use of its connection afterwards.
pub(super) trait Driver: fmt::Debug + Send {
    fn drive(&mut self, cx: &mut Context<'_>);

    /// The body came to its end.
    fn rest(self: Box<Self>);
}

/// The body of an answer, streamed; fails when it is polled past the target's total limit, and wakes who polls it then.
#[derive(Debug)]
pub struct AnswerBody(Flow);

#[derive(Debug)]
enum Flow {
    /// It was all there with its head.
    Whole(Bytes),
    Streamed(Box<Streamed>),
}

#[derive(Debug)]
struct Streamed {
    incoming: Incoming,
    /// What came with the head.
    first: Option<Frame<Bytes>>,
    /// None for a connection that others move on, and at the end.
    driver: Option<Box<dyn Driver>>,
    deadline: Instant,
    /// Made when there is something to wait for.
    timer: Option<Pin<Box<Sleep>>>,
}

impl AnswerBody {
    /// Of a connection that others move on.
    pub(super) fn pooled(incoming: Incoming, deadline: Instant) -> Self {
        if incoming.is_end_stream() {
            return Self(Flow::Whole(Bytes::new()));
        }
        Self(Flow::Streamed(Box::new(Streamed { incoming, first: None, driver: None, deadline, timer: None })))
    }

    pub(super) fn driven(incoming: Incoming, driver: Box<dyn Driver>, deadline: Instant) -> Self {
        let mut streamed = Streamed { incoming, first: None, driver: Some(driver), deadline, timer: None };
        if !streamed.incoming.is_end_stream() {
            match streamed.poll_incoming(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(piece) if streamed.incoming.is_end_stream() => {
                        streamed.rest();
                        return Self(Flow::Whole(piece));
                    }
                    Ok(piece) => streamed.first = Some(Frame::data(piece)),
                    Err(trailers) => streamed.first = Some(trailers),
                },
                // Told again to who polls next.
                Poll::Ready(_) | Poll::Pending => {}
            }
            return Self(Flow::Streamed(Box::new(streamed)));
        }
        streamed.rest();
        Self(Flow::Whole(Bytes::new()))
    }
}

impl Streamed {
    fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        let Some(driver) = &mut self.driver else { return Poll::Pending };
        driver.drive(cx);
        Pin::new(&mut self.incoming).poll_frame(cx)
    }

    fn rest(&mut self) {
        if let Some(driver) = self.driver.take() {
            driver.rest();
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = SendError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, SendError>>> {
        let streamed = match &mut self.0 {
            Flow::Whole(body) if body.is_empty() => return Poll::Ready(None),
            Flow::Whole(body) => return Poll::Ready(Some(Ok(Frame::data(mem::take(body))))),
            Flow::Streamed(streamed) => streamed,
        };
        let deadline = streamed.deadline;
        let polled = match streamed.first.take() {
            Some(first) => Poll::Ready(Some(Ok(first))),
            None => streamed.poll_incoming(cx),
        };
        match polled {
            // One who always has more to say is not waited for, so the timer would not notice.
            Poll::Ready(Some(Ok(_))) if Instant::now() >= deadline => Poll::Ready(Some(Err(Kind::TotalTimeout.into()))),
            Poll::Ready(frame) => {
                if frame.is_none() || (frame.as_ref().is_some_and(Result::is_ok) && streamed.incoming.is_end_stream()) {
                    streamed.rest();
                }
                Poll::Ready(frame.map(|frame| frame.map_err(|error| SendError::new(Kind::Broken, error))))
            }
            Poll::Pending => {
                ready!(streamed.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline))).as_mut().poll(cx));
                Poll::Ready(Some(Err(Kind::TotalTimeout.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Flow::Whole(body) => body.is_empty(),
            Flow::Streamed(streamed) => streamed.first.is_none() && streamed.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Flow::Whole(body) => SizeHint::with_exact(body.len() as u64),
            Flow::Streamed(streamed) => {
                let left = streamed.first.as_ref().and_then(Frame::data_ref).map_or(0, |piece| piece.len() as u64);
                match streamed.incoming.size_hint().exact() {
                    Some(length) => SizeHint::with_exact(length + left),
                    None => SizeHint::default(),
                }
            }
        }
    }
}
