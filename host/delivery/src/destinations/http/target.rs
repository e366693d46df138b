//! A destination made ready: what can be worked out once is not worked out for each event.

use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Uri, Version,
    header::{CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING},
    uri::{Authority, PathAndQuery, Scheme},
};
use http_body::Body;
use model::{
    Faults,
    destination::{Http, PathRule},
};

use super::{EventBody, Kind, SendError};
use crate::connector::Tls;

/// An HTTP destination, ready to be sent to. Made once when the destination is written.
#[derive(Debug, Clone)]
pub struct Target {
    /// With the URL's own path and query.
    url: Uri,
    scheme: Scheme,
    authority: Authority,
    path: Path,
    /// The authority without the scheme's own port.
    host: HeaderValue,
    /// Set on every request.
    headers: HeaderMap,
    /// None for the rules that most have.
    tls: Option<Tls>,
    pub(super) connect_timeout: Duration,
    pub(super) first_byte_timeout: Duration,
    pub(super) total_timeout: Duration,
}

#[derive(Debug, Clone)]
enum Path {
    /// The URL's.
    Fixed,
    /// The event's, because the URL has none.
    Event,
    /// The URL's without slashes at its end, then the event's; and what stands in the URL's query before the event's.
    Joined { path: String, query: Option<String> },
}

impl Target {
    /// Fails if the URL is not one that `DestinationSpec::read` lets through.
    pub fn new(destination: &Http) -> Result<Self, Faults> {
        let url = destination.url.clone();
        let fault = || Faults::one("url", format!("`{url}` must be a URL like https://ci.example.com/hooks"));
        let parts = url.clone().into_parts();
        let scheme = parts.scheme.ok_or_else(fault)?;
        let authority = parts.authority.ok_or_else(fault)?;
        if authority.host().is_empty() || (scheme != Scheme::HTTP && scheme != Scheme::HTTPS) {
            return Err(fault());
        }
        let own_port = if scheme == Scheme::HTTPS { 443 } else { 80 };
        let host = match authority.port_u16() {
            Some(port) if port != own_port => HeaderValue::from_str(&format!("{}:{port}", authority.host())),
            _ => HeaderValue::from_str(authority.host()),
        };
        let path = match (destination.path, url.path().trim_end_matches('/'), url.query()) {
            (PathRule::Fixed, ..) => Path::Fixed,
            (PathRule::Append, "", None) => Path::Event,
            (PathRule::Append, path, query) => Path::Joined {
                path: path.to_owned(),
                query: query.filter(|query| !query.is_empty()).map(str::to_owned),
            },
        };
        Ok(Self {
            host: host.map_err(|_| fault())?,
            scheme,
            authority,
            path,
            connect_timeout: destination.connect_timeout,
            first_byte_timeout: destination.first_byte_timeout,
            total_timeout: destination.total_timeout,
            headers: destination.headers.clone(),
            tls: None,
            url,
        })
    }

    /// Agrees on TLS by rules of its own: what `Connector::tls` made of the destination's `trust`.
    #[must_use]
    pub fn with_tls(self, tls: Option<Tls>) -> Self {
        Self { tls, ..self }
    }

    pub(super) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    pub(super) fn is_secure(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    pub(super) fn authority(&self) -> &Authority {
        &self.authority
    }

    pub(super) fn url(&self) -> Uri {
        self.url.clone()
    }

    /// Where an event with this path and query goes, by the destination's path rule. Only the path and query of
    /// `event` are looked at, and with `fixed` not even those.
    ///
    /// `https://a/hooks/?k=1` and `/x/?q=2` appended make `https://a/hooks/x/?k=1&q=2`. Under a path, an event's
    /// path must not have `.` and `..` segments, with which a sender would leave that path again.
    pub fn uri(&self, event: &Uri) -> Result<Uri, SendError> {
        let path_and_query = match &self.path {
            Path::Fixed => return Ok(self.url.clone()),
            // The asterisk of OPTIONS is no path.
            Path::Event if event.path().starts_with('/') => event.path_and_query().cloned(),
            Path::Event => None,
            Path::Joined { path, query } => Some(join(path, query.as_deref(), event)?),
        };
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/")));
        Ok(Uri::from_parts(parts).expect("scheme, authority and path are all there"))
    }

    /// Addresses a request to this target and frames it for a connection of ours.
    pub(super) fn address<S>(&self, request: &mut Request<EventBody<S>>) -> Result<(), SendError>
    where
        EventBody<S>: Body,
    {
        if request.method() == Method::CONNECT {
            return Err(SendError::new(Kind::Unsendable, "CONNECT asks for a tunnel, which a destination is not"));
        }
        let uri = self.uri(request.uri())?;
        // The pool of secure connections finds them by it; on the connection itself only path and query are said.
        *request.uri_mut() = match uri.path_and_query() {
            Some(path_and_query) if !self.is_secure() => path_and_query.clone().into(),
            _ => uri,
        };
        *request.version_mut() = Version::HTTP_11;
        let method = request.method().clone();
        let (length, ended) = (request.body().size_hint().exact(), request.body().is_end_stream());
        let headers = request.headers_mut();
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
        headers.insert(HOST, self.host.clone());
        headers.remove(EXPECT);
        frame(headers, &method, length, ended);
        Ok(())
    }
}

/// Leaves the length to hyper, except where hyper would leave it out: RFC 9110, section 8.6 wants it with methods
/// that are expected to have a body, and a body of unknown length is dropped with the others unless it is announced.
fn frame(headers: &mut HeaderMap, method: &Method, length: Option<u64>, ended: bool) {
    match length {
        _ if ended && matches!(*method, Method::POST | Method::PUT | Method::PATCH) => {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        Some(length) if !ended && is_length(headers, length) => {}
        _ => {
            headers.remove(CONTENT_LENGTH);
        }
    }
    if length.is_none() && !ended && matches!(*method, Method::GET | Method::HEAD) {
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

/// Whether the one `Content-Length` is this; then it need not be written again.
fn is_length(headers: &HeaderMap, length: u64) -> bool {
    let mut values = headers.get_all(CONTENT_LENGTH).iter();
    let written = values.next().and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    written == Some(length) && values.next().is_none()
}

fn join(path: &str, query: Option<&str>, event: &Uri) -> Result<PathAndQuery, SendError> {
    let event_path = event.path().strip_prefix('/').unwrap_or_default();
    if event_path.split(['/', '\\']).any(is_dot_segment) {
        return Err(SendError::new(Kind::Unsendable, format!("`{}` would leave the destination's path", event.path())));
    }
    let event_query = event.query().filter(|query| !query.is_empty());
    let mut joined = String::with_capacity(path.len() + query.map_or(0, str::len) + event.path().len() + 2);
    joined.push_str(path);
    joined.push('/');
    joined.push_str(event_path);
    for (query, separator) in [query, event_query].into_iter().flatten().zip(['?', '&']) {
        joined.push(separator);
        joined.push_str(query);
    }
    PathAndQuery::from_maybe_shared(Bytes::from(joined)).map_err(|error| SendError::new(Kind::Unsendable, error))
}

/// `.` and `..`, also percent-encoded, as servers that normalise paths see them.
fn is_dot_segment(segment: &str) -> bool {
    let mut rest = segment;
    let mut dots = 0;
    while !rest.is_empty() {
        let after = rest.strip_prefix('.').or_else(|| rest.strip_prefix("%2e")).or_else(|| rest.strip_prefix("%2E"));
        match after {
            Some(after) => (rest, dots) = (after, dots + 1),
            None => return false,
        }
    }
    dots == 1 || dots == 2
}

#[cfg(test)]
mod tests;
