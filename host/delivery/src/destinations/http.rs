//! HTTP endpoints: one pooled client for the whole process.

use std::{
    error::Error,
    fmt,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, Version};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{self, ResponseFuture},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::time::{Instant, sleep_until};

mod body;
mod failure;
mod target;

pub use body::{AnswerBody, EventBody};
pub use failure::{Kind, SendError};
pub use target::Target;

use crate::{connector, hop};

type BoxError = Box<dyn Error + Send + Sync>;

/// How long an idle connection is kept. Less than most servers keep theirs, so that rather we close than they.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// How many idle connections are kept for one scheme, host and port.
pub const IDLE_PER_HOST_MAX: usize = 256;

/// How often an open HTTP/2 connection is asked whether it is alive, and how long it may take to say so. Without, one
/// that a firewall forgot would take in request after request.
pub const PING_INTERVAL: Duration = Duration::from_secs(20);
pub const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest head of an answer; for HTTP/1.1 up to one read more, and also the most bytes that a connection buffers.
pub const ANSWER_HEAD_BYTES_MAX: u32 = 256 * 1024;

/// What the pool keeps.
#[derive(Debug, Clone, Copy)]
pub struct Pool {
    pub idle_timeout: Duration,
    pub idle_per_host_max: usize,
}

impl Default for Pool {
    fn default() -> Self {
        Self { idle_timeout: IDLE_TIMEOUT, idle_per_host_max: IDLE_PER_HOST_MAX }
    }
}

/// Sends events to HTTP endpoints and hands their answers back. One for the process, because it owns the pool of
/// connections. `S` is what a streamed event body is read from.
///
/// Cleartext is HTTP/1.1, TLS whatever ALPN agrees on. Redirects are answers like others and not followed: the
/// destination's owner chose its URL, not who answers there.
pub struct Client<S = Incoming> {
    pool: legacy::Client<connector::Connector, EventBody<S>>,
}

impl<S> Client<S>
where
    S: Body<Data = Bytes> + Send + Unpin + 'static,
    S::Error: Into<BoxError>,
{
    pub fn new(connector: connector::Connector, pool: Pool) -> Self {
        let pool = legacy::Client::builder(TokioExecutor::new())
            .pool_idle_timeout(pool.idle_timeout)
            .pool_max_idle_per_host(pool.idle_per_host_max)
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .http2_keep_alive_interval(PING_INTERVAL)
            .http2_keep_alive_timeout(PING_TIMEOUT)
            .http2_keep_alive_while_idle(true)
            .http1_max_buf_size(ANSWER_HEAD_BYTES_MAX as usize)
            .http2_max_header_list_size(ANSWER_HEAD_BYTES_MAX)
            .set_host(false)
            .build(connector);
        Self { pool }
    }

    /// Sends one event and returns the answer as soon as its head is there; its body is streamed.
    ///
    /// The request carries the event's method, path and query (as its URI, whose host is not looked at), headers
    /// without those of one hop (`hop::strip`), and body. `Host`, `Content-Length` and `Expect` are set or removed
    /// here. The answer comes without the headers of one hop, as HTTP/1.1 whatever was spoken; duplicates and
    /// the order within a name are kept.
    ///
    /// A request is sent again, on another connection, only if the pooled connection that it was given to turned out
    /// closed before a byte of it was written. So an error means that the destination may have it, except for
    /// `Unsendable` and the kinds that had no connection: `Denied`, `Resolve`, `Connect`, `ConnectTimeout` and `Tls`.
    ///
    /// Connecting, waiting for the answer's head, and the whole until the last byte of the answer each have the
    /// target's limit. Waiting for the head begins when the last piece of the event's body was taken to be sent, so
    /// that a slow sender is not held against the destination; the whole counts from this call.
    pub async fn send(
        &self,
        target: &Target,
        mut request: Request<EventBody<S>>,
    ) -> Result<Response<AnswerBody>, SendError> {
        let started = Instant::now();
        let deadline = started + target.total_timeout;
        target.address(&mut request)?;
        let sent = request.body_mut().watch();
        let answering = head(self.pool.request(request), &sent, target.first_byte_timeout, deadline);
        let answer = connector::within(target.connect_timeout, answering).await?;

        let (mut parts, incoming) = answer.into_parts();
        if parts.status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(SendError::new(Kind::Broken, "the destination switched protocols, which was not asked for"));
        }
        hop::strip(&mut parts.headers);
        parts.version = Version::HTTP_11;
        Ok(Response::from_parts(parts, AnswerBody::new(incoming, deadline)))
    }
}

impl<S> fmt::Debug for Client<S> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Client").finish_non_exhaustive()
    }
}

/// Waits for the answer's head. One timer for both limits: whenever it fires, the time until which it is still right
/// to wait is worked out anew.
async fn head(
    mut answering: ResponseFuture,
    sent: &body::Sent,
    first_byte: Duration,
    deadline: Instant,
) -> Result<Response<Incoming>, SendError> {
    let mut timer = pin!(sleep_until(deadline.min(Instant::now() + first_byte)));
    poll_fn(|cx| {
        if let Poll::Ready(answer) = Pin::new(&mut answering).poll(cx) {
            return Poll::Ready(answer.map_err(SendError::from));
        }
        loop {
            ready!(timer.as_mut().poll(cx));
            let now = Instant::now();
            // While the event's body is not sent, or not even a connection there, no answer is due.
            let due = sent.at().unwrap_or(now) + first_byte;
            if now >= deadline {
                return Poll::Ready(Err(Kind::TotalTimeout.into()));
            }
            if now >= due {
                return Poll::Ready(Err(Kind::FirstByteTimeout.into()));
            }
            timer.as_mut().reset(due.min(deadline));
        }
    })
    .await
}
