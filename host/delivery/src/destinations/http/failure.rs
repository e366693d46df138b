//! Why an event could not be sent, or its answer not be read to the end.

use std::{error::Error, fmt};

use http::StatusCode;
use hyper_util::client::legacy;

use super::BoxError;
use crate::connector;

/// The class of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Every address of the destination is denied.
    Denied,
    /// The destination's name has no address.
    Resolve,
    /// No address took the connection.
    Connect,
    /// There was no usable connection, TLS included, within the target's limit.
    ConnectTimeout,
    /// TLS was not agreed on.
    Tls,
    /// The request was sent, and the answer's head did not begin to come.
    FirstByteTimeout,
    /// The answer was not complete in time.
    TotalTimeout,
    /// The connection broke, or what came over it is not HTTP.
    Broken,
    /// The event's own body failed while it was read to be sent. The source ends with that body's own error, which
    /// tells what the sender should be answered.
    Body,
    /// HTTP to this destination has no way to say this request.
    Unsendable,
}

impl Kind {
    /// The word for it in logs and records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::ConnectTimeout => "connect-timeout",
            Self::Tls => "tls",
            Self::FirstByteTimeout => "first-byte-timeout",
            Self::TotalTimeout => "total-timeout",
            Self::Broken => "broken",
            Self::Body => "body",
            Self::Unsendable => "unsendable",
        }
    }

    /// What a gateway tells the sender (RFC 9110, section 15.6), without more detail than this:
    /// 503 if the destination was not reached, so that sending again later is right; 504 if it took too long;
    /// 502 if what it did or is set up to be was wrong; 400 if it is the request that cannot be passed on.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Resolve | Self::Connect => StatusCode::SERVICE_UNAVAILABLE,
            Self::ConnectTimeout | Self::FirstByteTimeout | Self::TotalTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Denied | Self::Tls | Self::Broken => StatusCode::BAD_GATEWAY,
            Self::Body | Self::Unsendable => StatusCode::BAD_REQUEST,
        }
    }
}

/// What went wrong. `source` has the addresses and names, for the log; a sender must not see it.
#[derive(Debug)]
pub struct SendError {
    pub kind: Kind,
    pub source: Option<BoxError>,
}

impl SendError {
    pub(super) fn new(kind: Kind, source: impl Into<BoxError>) -> Self {
        Self { kind, source: Some(source.into()) }
    }

    pub const fn status(&self) -> StatusCode {
        self.kind.status()
    }

    /// All that is known, in one line, for log and record.
    pub fn reason(&self) -> String {
        let mut reason = self.to_string();
        let mut next = self.source();
        while let Some(error) = next {
            let text = error.to_string();
            // Wrappers that only repeat what they wrap are left out.
            if !reason.ends_with(&text) {
                reason.push_str(": ");
                reason.push_str(&text);
            }
            next = error.source();
        }
        reason
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self.kind {
            Kind::Denied => "the destination's address is denied",
            Kind::Resolve => "the destination's name does not resolve",
            Kind::Connect => "the destination cannot be connected to",
            Kind::ConnectTimeout => "connecting to the destination took too long",
            Kind::Tls => "the destination offers no TLS that can be trusted",
            Kind::FirstByteTimeout => "the destination did not begin to answer in time",
            Kind::TotalTimeout => "the destination's answer was not complete in time",
            Kind::Broken => "the destination broke off or answered something that is not HTTP",
            Kind::Body => "the event's body could not be read to its end",
            Kind::Unsendable => "the request cannot be sent to the destination",
        })
    }
}

impl Error for SendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<Kind> for SendError {
    fn from(kind: Kind) -> Self {
        Self { kind, source: None }
    }
}

impl From<hyper::Error> for SendError {
    fn from(error: hyper::Error) -> Self {
        let kind = if error.is_user() { Kind::Body } else { Kind::Broken };
        Self::new(kind, error)
    }
}

impl From<connector::Error> for SendError {
    fn from(error: connector::Error) -> Self {
        Self::new(connect_kind(&error), error)
    }
}

impl From<legacy::Error> for SendError {
    fn from(error: legacy::Error) -> Self {
        let kind = match error.source() {
            Some(source) if error.is_connect() => source.downcast_ref().map_or(Kind::Connect, connect_kind),
            Some(source) if source.downcast_ref().is_some_and(hyper::Error::is_user) => Kind::Body,
            _ => Kind::Broken,
        };
        Self::new(kind, error)
    }
}

const fn connect_kind(error: &connector::Error) -> Kind {
    match error {
        connector::Error::Denied(_) => Kind::Denied,
        connector::Error::Resolve { .. } => Kind::Resolve,
        connector::Error::Connect { .. } | connector::Error::Url(_) => Kind::Connect,
        connector::Error::Timeout { .. } => Kind::ConnectTimeout,
        connector::Error::Tls { .. } => Kind::Tls,
    }
}
