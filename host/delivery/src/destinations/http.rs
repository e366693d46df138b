//! HTTP endpoints: one pooled client for the whole process.

use std::{
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use http::{Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioTimer},
};
use model::headers::are_tokens;

mod asks;
mod body;
mod connections;
mod endpoint;
mod failure;
mod head;
mod signature;
mod target;

pub use body::{AnswerBody, EventBody, Source};
use connections::Connections;
pub use endpoint::Endpoint;
pub use failure::{Kind, SendError};
use head::Waiting;
pub use signature::Signer;
pub use target::Target;

use crate::{
    connector::{self, Tls, TlsParts},
    hop,
};

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

/// Sends events to HTTP endpoints and hands their answers back. Owns the pool of connections, so there are few of it: one
/// for each thread that serves. `S` is what a streamed event body is read from.
///
/// Cleartext is HTTP/1.1, TLS whatever ALPN agrees on. Redirects are answers like others and not followed: the
/// destination's owner chose its URL, not who answers there.
pub struct Client<S: Source = Incoming> {
    secure: Secure<S>,
    /// For the targets that agree on TLS by rules of their own: connections of one must not serve another.
    own: Mutex<Vec<(Weak<TlsParts>, Secure<S>)>>,
    cleartext: Connections<S>,
    connector: connector::Connector,
    pool: Pool,
}

/// Speaks what ALPN agrees on.
type Secure<S> = legacy::Client<connector::Connector, EventBody<S>>;

impl<S: Source> Client<S> {
    pub fn new(connector: connector::Connector, pool: Pool) -> Self {
        let secure = secure(connector.clone(), pool);
        Self { secure, own: Mutex::default(), cleartext: Connections::new(pool), connector, pool }
    }

    fn secure(&self, tls: Option<&Tls>) -> Secure<S> {
        let Some(tls) = tls else { return self.secure.clone() };
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let known = own.iter().find(|(parts, _)| parts.as_ptr() == Arc::as_ptr(tls.parts()));
        if let Some((_, secure)) = known {
            return secure.clone();
        }
        own.retain(|(parts, _)| parts.strong_count() > 0);
        let secure = secure(self.connector.trusting(tls), self.pool);
        own.push((Arc::downgrade(tls.parts()), secure.clone()));
        secure
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
        let sent = request.body_mut().watch();
        let mut waiting = Waiting::new(target.first_byte_timeout, target.total_timeout, sent);
        let (mut answer, driver) = if target.is_secure() {
            target.address(&mut request)?;
            let mut answering = self.secure(target.tls()).request(request);
            let mut timer = None;
            let answering = waiting.until(&mut timer, |cx| Pin::new(&mut answering).poll(cx));
            (connector::within(target.connect_timeout, answering).await??, None)
        } else {
            target.address(&mut request)?;
            let exchanged = self.cleartext.exchange(&self.connector, target, request, &mut waiting).await?;
            (exchanged.0, Some(exchanged.1))
        };
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(SendError::new(Kind::Broken, "the destination switched protocols, which was not asked for"));
        }
        if answer.version() == Version::HTTP_2 && !are_tokens(answer.headers()) {
            return Err(SendError::new(Kind::Broken, "a header of the answer has a name that is none in HTTP"));
        }
        hop::strip(answer.headers_mut());
        *answer.version_mut() = Version::HTTP_11;
        Ok(answer.map(|incoming| match driver {
            Some(driver) => AnswerBody::driven(incoming, driver, waiting.deadline),
            None => AnswerBody::pooled(incoming, waiting.deadline),
        }))
    }
}

fn secure<S: Source>(connector: connector::Connector, pool: Pool) -> Secure<S> {
    legacy::Client::builder(TokioExecutor::new())
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
        .build(connector)
}

impl<S: Source> fmt::Debug for Client<S> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Client").finish_non_exhaustive()
    }
}
