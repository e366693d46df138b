//! How an event's body comes in: into memory before the filters are called, or straight through to the destination.
//! The route's limit holds for both.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::{
    deadline::{Deadline, Tick},
    peer::Line,
};
use crate::budget::Budget;

/// What is taken from the buffer before the first byte has come, if more is announced.
const FIRST_BYTES: u64 = 64 << 10;

/// Why a body did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the body has more than {limit} bytes, the route's limit")]
    TooLarge { limit: u64 },
    #[error("the body stopped coming")]
    Idle,
    #[error("the buffer for bodies is full")]
    Full,
    #[error("the body broke off")]
    Broken(#[source] hyper::Error),
}

/// The part of the buffers, the gateway's and the project's, that one event's body takes up. Given back on drop.
#[derive(Debug)]
pub(super) struct Room<'a> {
    all: &'a Budget,
    project: &'a Budget,
    bytes: u64,
}

impl<'a> Room<'a> {
    pub(super) fn new(all: &'a Budget, project: &'a Budget) -> Self {
        Self { all, project, bytes: 0 }
    }

    /// Makes it room for so many bytes in all.
    fn grow(&mut self, bytes: u64) -> Result<(), Error> {
        let wanted = bytes.saturating_sub(self.bytes);
        if !self.all.take(wanted) {
            return Err(Error::Full);
        }
        if !self.project.take(wanted) {
            self.all.give(wanted);
            return Err(Error::Full);
        }
        self.bytes += wanted;
        Ok(())
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.all.give(self.bytes);
        self.project.give(self.bytes);
    }
}

/// Takes the body in, whole if it is `wanted` by a filter, or gives it back to be streamed.
pub(super) async fn take(
    line: &Line,
    body: Incoming,
    wanted: bool,
    limit: u64,
    room: &mut Room<'_>,
) -> Result<(Option<Bytes>, Option<Streamed>), Error> {
    if body.is_end_stream() {
        return Ok((Some(Bytes::new()), None));
    }
    if wanted {
        return Ok((Some(read(line, body, limit, room).await?), None));
    }
    Ok((None, Some(Streamed::new(line, body, limit)?)))
}

/// A request is answered without its body.
pub(super) fn leave(line: &Line, body: &Incoming) {
    if !body.is_end_stream() {
        line.leave_unread();
    }
}

/// Reads the body whole. Refuses one that is too large as soon as that is known, and takes room as bytes come, so that
/// announcing many costs the others nothing. Trailers are dropped.
async fn read(line: &Line, mut body: Incoming, limit: u64, room: &mut Room<'_>) -> Result<Bytes, Error> {
    let announced = body.size_hint().exact();
    let read = match announced {
        Some(bytes) if bytes > limit => Err(Error::TooLarge { limit }),
        _ => read_frames(line, &mut body, announced, limit, room).await,
    };
    if read.is_err() {
        line.leave_unread();
    }
    read
}

async fn read_frames(
    line: &Line,
    body: &mut Incoming,
    announced: Option<u64>,
    limit: u64,
    room: &mut Room<'_>,
) -> Result<Bytes, Error> {
    room.grow(announced.unwrap_or(FIRST_BYTES).min(FIRST_BYTES))?;
    let mut patience = Patience::new(line);
    let mut bytes = Vec::new();
    while let Some(piece) = patience.next(body).await? {
        let have = (bytes.len() + piece.len()) as u64;
        if have > limit {
            return Err(Error::TooLarge { limit });
        }
        if Some(have) == announced && bytes.is_empty() {
            return Ok(piece);
        }
        if have > room.bytes {
            room.grow((2 * have).min(announced.unwrap_or(limit)))?;
        }
        if (bytes.capacity() as u64) < have {
            let all = room.bytes.min(announced.unwrap_or(limit));
            bytes.reserve_exact(usize::try_from(all).unwrap_or(usize::MAX) - bytes.len());
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.into())
}

/// Waits for pieces of a body as long as a sender may let us wait.
struct Patience<'a> {
    deadline: &'a Deadline,
    idle: Duration,
    end: Tick,
}

impl<'a> Patience<'a> {
    fn new(line: &'a Line) -> Self {
        let (deadline, settings) = (line.deadline(), line.settings());
        Self { deadline, idle: settings.body_idle_timeout, end: deadline.after(settings.body_read_timeout) }
    }

    /// The next piece; none at the end.
    async fn next(&mut self, body: &mut Incoming) -> Result<Option<Bytes>, Error> {
        loop {
            self.deadline.receive_before(self.deadline.after(self.idle).min(self.end));
            let frame = self.deadline.unless_overdue(Pin::new(&mut body.frame())).await.ok_or(Error::Idle)?;
            self.deadline.received();
            match frame.transpose().map_err(Error::Broken)?.map(Frame::into_data) {
                Some(Ok(piece)) => return Ok(Some(piece)),
                Some(Err(_trailers)) => {}
                None => return Ok(None),
            }
        }
    }
}

/// A body on its way through, trailers included. Only the time that the sender makes us wait counts against it, not
/// the time that the destination takes.
#[derive(Debug)]
pub(super) struct Streamed {
    incoming: Incoming,
    limit: u64,
    came: u64,
    line: Line,
    waiting: bool,
    /// A body in chunks does not know its end before it was asked once more.
    ended: bool,
}

impl Streamed {
    /// Refuses a body that says that it is too large.
    pub(super) fn new(line: &Line, incoming: Incoming, limit: u64) -> Result<Self, Error> {
        let streamed = Self { limit, came: 0, line: line.clone(), waiting: false, ended: false, incoming };
        match streamed.incoming.size_hint().exact() {
            Some(bytes) if bytes > limit => Err(Error::TooLarge { limit }),
            _ => Ok(streamed),
        }
    }
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
            if !self.waiting {
                self.waiting = true;
                let deadline = self.line.deadline();
                deadline.receive_before(deadline.after(self.line.settings().body_idle_timeout));
            }
            return Poll::Pending;
        };
        if self.waiting {
            self.waiting = false;
            self.line.deadline().received();
        }
        self.ended = frame.as_ref().is_none_or(|frame| frame.as_ref().is_ok_and(Frame::is_trailers));
        let frame = frame.map(|frame| frame.map_err(Error::Broken));
        self.came += frame.as_ref().map_or(0, |frame| match frame {
            Ok(frame) => frame.data_ref().map_or(0, Bytes::len) as u64,
            Err(_) => 0,
        });
        if self.came > self.limit {
            return Poll::Ready(Some(Err(Error::TooLarge { limit: self.limit })));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        if !self.ended && !self.incoming.is_end_stream() {
            self.line.leave_unread();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_taken_from_both_and_given_back() {
        let (all, project) = (Budget::new(1_000), Budget::new(100));
        let mut room = Room::new(&all, &project);
        room.grow(1).unwrap();
        room.grow(40).unwrap();
        room.grow(20).unwrap();
        assert_eq!((all.left(), project.left()), (960, 60));
        room.grow(100).unwrap();
        assert_eq!((all.left(), project.left()), (900, 0));
        assert!(matches!(room.grow(101), Err(Error::Full)));
        assert_eq!((all.left(), project.left()), (900, 0));
        drop(room);
        assert_eq!((all.left(), project.left()), (1_000, 100));
    }
}
