//! What a sender is answered. Answers of our own say what went wrong as problem details (RFC 9457), and never what is
//! inside.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use delivery::destinations::http::AnswerBody;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode,
    header::{ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER},
};
use http_body::{Frame, SizeHint};
use model::{EventId, apply::CheckedAnswer, routing::Miss};
use pin_project_lite::pin_project;

use super::{intake, observe, peer::Exchange, story::Arrival};

/// On every answer: the id of its event.
const EVENT: HeaderName = HeaderName::from_static("snaphook-event");

const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// An answer that is decided and not yet on its way.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    headers: HeaderMap,
    content: Content,
    /// The event that it is about, if that is not the one that just came.
    event: Option<EventId>,
}

#[derive(Debug)]
enum Content {
    Whole(Bytes),
    Streamed(AnswerBody),
    /// To be written for the event that it is about.
    Problem {
        detail: &'static str,
    },
}

impl Answer {
    pub(super) fn empty(status: StatusCode) -> Self {
        Self::whole(status, Bytes::new())
    }

    pub(super) fn whole(status: StatusCode, body: Bytes) -> Self {
        Self { status, headers: HeaderMap::new(), content: Content::Whole(body), event: None }
    }

    /// `detail` is for the sender.
    pub(super) fn problem(status: StatusCode, detail: &'static str) -> Self {
        Self { status, headers: HeaderMap::new(), content: Content::Problem { detail }, event: None }
    }

    pub(super) fn retry_after(status: StatusCode, seconds: u32, detail: &'static str) -> Self {
        Self::problem(status, detail).with(RETRY_AFTER, HeaderValue::from(seconds))
    }

    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Answers for an earlier event, of which the one that just came is a duplicate.
    pub(super) fn about(self, event: EventId) -> Self {
        Self { event: Some(event), ..self }
    }

    /// A destination's.
    pub(super) fn streamed(answer: Response<AnswerBody>) -> Self {
        let (head, body) = answer.into_parts();
        Self { status: head.status, headers: head.headers, content: Content::Streamed(body), event: None }
    }

    /// A filter's.
    pub(super) fn checked(answer: CheckedAnswer) -> Self {
        Self { status: answer.status, headers: answer.headers, content: Content::Whole(answer.body), event: None }
    }

    /// A filter's that refuses the event.
    pub(super) fn rejection(answer: CheckedAnswer) -> Self {
        Self {
            status: answer.status,
            headers: answer.headers,
            content: Content::Problem { detail: "the event was rejected" },
            event: None,
        }
    }

    /// Puts it on its way.
    pub(super) fn into_response(self, arrival: &Arrival, exchange: Exchange) -> Response<Body> {
        let Self { status, mut headers, content, event } = self;
        let about = event.map(|event| HeaderValue::from_bytes(&event.text()).expect("an id is letters and digits"));
        headers.insert(EVENT, about.unwrap_or_else(|| arrival.header.clone()));
        if exchange.line.is_last() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let flow = match content {
            Content::Streamed(body) => Flow::Streamed { body },
            Content::Whole(body) => Flow::Whole { body },
            Content::Problem { detail } => {
                headers.insert(CONTENT_TYPE, PROBLEM);
                Flow::Whole { body: problem(status, detail, arrival.id) }
            }
        };
        let flow = match flow {
            Flow::Whole { body } if arrival.wants_no_body => {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
                Flow::Whole { body: Bytes::new() }
            }
            flow => flow,
        };
        let mut response = Response::new(Body { flow, event: arrival.id, exchange });
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

/// A problem document. Neither a title nor a detail of ours needs to be escaped.
fn problem(status: StatusCode, detail: &str, event: EventId) -> Bytes {
    let title = status.canonical_reason().unwrap_or("Unknown Status");
    let status = status.as_u16();
    let json = format!(
        r#"{{"type":"about:blank","title":"{title}","status":{status},"detail":"{detail}","event":"{event}"}}"#
    );
    Bytes::from(json)
}

/// An answer by which the gateway itself refuses a request, before or instead of the filters.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) answer: Box<Answer>,
    /// For log and record.
    pub(super) reason: String,
}

impl Refusal {
    fn new(answer: Answer, reason: impl Into<String>) -> Self {
        Self { answer: Box::new(answer), reason: reason.into() }
    }

    pub(super) fn bad_request(detail: &'static str) -> Self {
        Self::new(Answer::problem(StatusCode::BAD_REQUEST, detail), detail)
    }

    /// For log and record, beside what the sender is told.
    pub(super) fn because(self, reason: String) -> Self {
        Self { reason, ..self }
    }

    /// Not the sender's fault.
    pub(super) fn unsendable(reason: String) -> Self {
        Self::new(Answer::problem(StatusCode::INTERNAL_SERVER_ERROR, "the event could not be passed on"), reason)
    }

    pub(super) fn not_stored(seconds: u32, reason: String) -> Self {
        let detail = "the event could not be stored; send it again later";
        Self::new(Answer::retry_after(StatusCode::SERVICE_UNAVAILABLE, seconds, detail), reason)
    }

    pub(super) fn too_many_headers() -> Self {
        let detail = "there are more headers than are taken here";
        Self::new(Answer::problem(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, detail), detail)
    }

    pub(super) fn not_implemented(detail: &'static str) -> Self {
        Self::new(Answer::problem(StatusCode::NOT_IMPLEMENTED, detail), detail)
    }
}

impl From<Miss> for Refusal {
    fn from(miss: Miss) -> Self {
        match miss {
            Miss::Route => {
                let detail = "no route takes this host and path";
                Self::new(Answer::problem(StatusCode::NOT_FOUND, detail), detail)
            }
            Miss::Method { allow } => {
                let detail = "no route takes this method here";
                let allow: Vec<&str> = allow.iter().map(Method::as_str).collect();
                let allow = HeaderValue::try_from(allow.join(", ")).expect("methods are tokens");
                Self::new(Answer::problem(StatusCode::METHOD_NOT_ALLOWED, detail).with(ALLOW, allow), detail)
            }
        }
    }
}

impl From<&intake::Error> for Refusal {
    fn from(error: &intake::Error) -> Self {
        let answer = match error {
            intake::Error::TooLarge { .. } => {
                Answer::problem(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than this route takes")
            }
            intake::Error::Idle => Answer::problem(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
            intake::Error::Full => {
                Answer::retry_after(StatusCode::SERVICE_UNAVAILABLE, 1, "too many bodies at a time; send it again")
            }
            intake::Error::Broken(_) => Answer::problem(StatusCode::BAD_REQUEST, "the body broke off"),
        };
        Self::new(answer, error.to_string())
    }
}

impl From<intake::Error> for Refusal {
    fn from(error: intake::Error) -> Self {
        Self::from(&error)
    }
}

pin_project! {
    /// The body of an answer on its way. Holds its exchange open until it is sent or given up.
    #[derive(Debug)]
    pub(super) struct Body {
        #[pin]
        flow: Flow,
        event: EventId,
        exchange: Exchange,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = FlowProjected]
    enum Flow {
        Whole { body: Bytes },
        Streamed { #[pin] body: AnswerBody },
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = delivery::destinations::http::SendError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.project();
        let line = &this.exchange.line;
        let body = match this.flow.project() {
            FlowProjected::Whole { body } if body.is_empty() => return Poll::Ready(None),
            FlowProjected::Whole { body } => return Poll::Ready(Some(Ok(Frame::data(std::mem::take(body))))),
            FlowProjected::Streamed { body } => body,
        };
        // While the destination makes us wait, the sender has no deadline.
        line.deadline().sent();
        let frame = ready!(body.poll_frame(cx));
        line.deadline().send_within(line.settings().answer_idle_timeout);
        if let Some(Err(error)) = &frame {
            observe::answer_broken(&line.peer.gateway.counters, *this.event, error);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.flow {
            Flow::Whole { body } => body.is_empty(),
            Flow::Streamed { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.flow {
            Flow::Whole { body } => SizeHint::with_exact(body.len() as u64),
            Flow::Streamed { body } => body.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::*;

    #[test]
    fn a_problem_is_json_with_the_event() {
        let event = EventId::new(Timestamp::from_millis(1_790_000_000_000), 7);
        let json: serde_json::Value =
            serde_json::from_slice(&problem(StatusCode::NOT_FOUND, "no route takes this host and path", event))
                .unwrap();
        let expected = serde_json::json!({
            "type": "about:blank",
            "title": "Not Found",
            "status": 404,
            "detail": "no route takes this host and path",
            "event": event.to_string(),
        });
        assert_eq!(json, expected);
        let strange = problem(StatusCode::from_u16(499).unwrap(), "x", event);
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&strange).unwrap()["title"], "Unknown Status");
    }

    #[test]
    fn a_missed_method_names_those_that_are_allowed() {
        let refusal = Refusal::from(Miss::Method { allow: vec![Method::POST, Method::PUT] });
        assert_eq!(refusal.answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(refusal.answer.headers[ALLOW], "POST, PUT");
    }

    #[test]
    fn what_a_body_did_wrong_is_told_without_inside_detail() {
        let of = |error| Refusal::from(error);
        let refusals = [
            (of(intake::Error::TooLarge { limit: 10 }), 413),
            (of(intake::Error::Idle), 408),
            (of(intake::Error::Full), 503),
        ];
        for (refusal, status) in refusals {
            assert_eq!(refusal.answer.status.as_u16(), status);
            assert_eq!(refusal.answer.headers.contains_key(RETRY_AFTER), status == 503);
            assert!(!refusal.reason.is_empty());
        }
    }
}
