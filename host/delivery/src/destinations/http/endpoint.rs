//! An HTTP endpoint as a destination of deliveries.

use std::{pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri, header::USER_AGENT, uri::PathAndQuery};
use http_body::Body as _;
use hyper::body::Incoming;
use model::{
    DeliveryId, Event, Faults, Secret,
    delivery::{AnswerSeen, Timings},
    destination::Http,
    limits::{ANSWER_SEEN_BYTES, ANSWER_SEEN_HEADER_BYTES},
};
use tokio::time::{Instant, timeout_at};

use super::{AnswerBody, Client, EventBody, Kind, SendError, Signer, Target, asks};
use crate::{
    connector::{Connector, Laps, metered, micros},
    destinations::{Destination, End, Message, Sent},
    hop,
};

const AGENT: HeaderValue = HeaderValue::from_static(concat!("snaphook/", env!("CARGO_PKG_VERSION")));
const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACE_STATE: HeaderName = HeaderName::from_static("tracestate");

/// Sends events to one URL, over connections that it shares with the others.
#[derive(Debug)]
pub struct Endpoint {
    target: Target,
    client: Arc<Client<Incoming>>,
    signer: Option<Signer>,
    longest: Duration,
}

impl Endpoint {
    /// `values` gives the valid values of a secret by its name, the newest first. Faults have their place in the
    /// destination.
    pub fn new(
        http: &Http,
        connector: &Connector,
        client: Arc<Client<Incoming>>,
        values: impl Fn(&model::Name) -> Vec<Secret>,
    ) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let signer = http
            .sign
            .as_ref()
            .and_then(|sign| faults.keep("sign.secret", Signer::new(sign.scheme, &values(&sign.secret))));
        let key =
            http.trust.client_certificate.as_ref().and_then(|certificate| values(&certificate.key).into_iter().next());
        let tls = faults.keep("", connector.tls(&http.trust, key.as_ref()));
        let target = faults.keep("", Target::new(http));
        let (Some(target), Some(tls)) = (target, tls) else { return Err(faults) };
        faults.or(Self { target: target.with_tls(tls), client, signer, longest: http.total_timeout })
    }

    fn request(&self, message: &Message<'_>) -> Result<Request<EventBody<Incoming>>, SendError> {
        let Event { method, path, query, headers, body, .. } = message.event;
        let body = body.clone().unwrap_or_default();
        let target = match query {
            Some(query) => format!("{path}?{query}"),
            None => path.clone(),
        };
        let target = PathAndQuery::from_maybe_shared(Bytes::from(target));
        let target = target.map_err(|error| SendError::new(Kind::Unsendable, error))?;
        let mut headers = HeaderMap::clone(headers);
        hop::strip(&mut headers);
        self.introduce(&mut headers, message, &body);
        let mut request = Request::new(EventBody::whole(body));
        *request.method_mut() = method.clone();
        *request.uri_mut() = Uri::from(target);
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// Says who sends what. What an event brought of these headers itself was meant for this house.
    fn introduce(&self, headers: &mut HeaderMap, message: &Message<'_>, body: &[u8]) {
        let id = message.delivery.id.to_string();
        let seconds = message.now.as_millis() / 1_000;
        headers.remove(&SIGNATURE);
        if let Some(signer) = &self.signer {
            headers.insert(SIGNATURE, text(&signer.sign(&id, seconds, body)));
        }
        headers.insert(ID, text(&id));
        headers.insert(TIMESTAMP, seconds.into());
        headers.insert(USER_AGENT, AGENT);
        if !headers.get(&TRACE_PARENT).is_some_and(is_trace_parent) {
            headers.remove(&TRACE_STATE);
            headers.insert(TRACE_PARENT, text(&trace_parent(message.delivery.id)));
        }
    }

    async fn exchange(&self, message: Message<'_>, begun: Instant) -> (Option<u64>, End) {
        let request = match self.request(&message) {
            Ok(request) => request,
            Err(error) => return (None, failed(&error)),
        };
        let sending = timeout_at(begun + self.longest, self.client.send(&self.target, request)).await;
        let answer = match sending.unwrap_or_else(|_| Err(Kind::TotalTimeout.into())) {
            Ok(answer) => answer,
            Err(error) => return (None, failed(&error)),
        };
        let first_byte = micros(begun.elapsed());
        let asks = asks::read(answer.headers());
        (Some(first_byte), End::Answered { answer: see(answer).await, asks })
    }
}

#[async_trait]
impl Destination for Endpoint {
    async fn send(&self, message: Message<'_>) -> Sent {
        let begun = Instant::now();
        let laps = Arc::new(Laps::default());
        let (first_byte_us, end) = metered(Arc::clone(&laps), self.exchange(message, begun)).await;
        let timings = Timings {
            resolve_us: laps.resolve_us(),
            connect_us: laps.connect_us(),
            tls_us: laps.tls_us(),
            first_byte_us,
            total_us: micros(begun.elapsed()),
        };
        Sent { timings, end }
    }

    fn longest(&self) -> Duration {
        self.longest
    }
}

fn failed(error: &SendError) -> End {
    let reason = error.reason();
    if error.kind == Kind::Unsendable { End::Unsendable { reason } } else { End::Failed { reason } }
}

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).expect("letters, digits and signs")
}

/// The head and the beginning of the body. A status is a whole answer: if the body breaks off or does not end in time, or
/// there is more than is kept, the rest is not waited for and the connection is closed.
async fn see(answer: Response<AnswerBody>) -> AnswerSeen {
    let status = answer.status().as_u16();
    let mut room = ANSWER_SEEN_HEADER_BYTES;
    let mut headers = Vec::with_capacity(answer.headers().len());
    let mut truncated = false;
    for (name, value) in answer.headers() {
        let Some(left) = room.checked_sub(name.as_str().len() + value.len()) else {
            truncated = true;
            break;
        };
        room = left;
        headers.push((name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    }
    let mut body = answer.into_body();
    let mut seen = Vec::new();
    loop {
        match std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            None => break,
            Some(Ok(frame)) => {
                let Ok(piece) = frame.into_data() else { continue };
                let room = ANSWER_SEEN_BYTES - seen.len();
                seen.extend_from_slice(&piece[..piece.len().min(room)]);
                if piece.len() > room {
                    truncated = true;
                    break;
                }
            }
            Some(Err(_)) => {
                truncated = true;
                break;
            }
        }
    }
    AnswerSeen { status, headers, body: STANDARD.encode(seen), truncated }
}

/// Version 00 of <https://www.w3.org/TR/trace-context/>, section 3.2: such a trace goes on as it is.
fn is_trace_parent(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    let hex = |range: std::ops::Range<usize>| {
        bytes[range].iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte))
    };
    let some = |range: std::ops::Range<usize>| bytes[range].iter().any(|byte| *byte != b'0');
    bytes.len() == 55
        && bytes.starts_with(b"00-")
        && (bytes[35], bytes[52]) == (b'-', b'-')
        && hex(3..35)
        && some(3..35)
        && hex(36..52)
        && some(36..52)
        && hex(53..55)
}

/// A trace of its own for each delivery, the same in all attempts.
fn trace_parent(delivery: DeliveryId) -> String {
    let trace = u128::from_be_bytes(delivery.to_bytes());
    // The last bits of the id are random; neither part may be all zeros.
    let parent = (trace as u64).max(1);
    format!("00-{:032x}-{parent:016x}-01", trace.max(1))
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::*;

    #[test]
    fn a_trace_goes_on_or_begins() {
        let given = HeaderValue::from_static("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        assert!(is_trace_parent(&given));
        for id in [DeliveryId::from_bytes([0; 16]), DeliveryId::new(Timestamp::from_millis(1_790_000_000_000), 7)] {
            assert!(is_trace_parent(&text(&trace_parent(id))), "{}", trace_parent(id));
        }
        for wrong in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
        ] {
            assert!(!is_trace_parent(&HeaderValue::from_static(wrong)), "{wrong}");
        }
    }
}
