//! Mode `forward`: the event goes to one destination now, and its answer is the answer.

use std::{error::Error, sync::Arc};

use delivery::destinations::http::{AnswerBody, EventBody, Kind, SendError, Target};
use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode, Version,
    header::{TE, TRAILER, VIA},
};
use model::{Draft, Name, record::Disposition, route::Candidates};

use super::{
    answer::{Answer, Refusal},
    forwarded,
    intake::{self, Streamed},
    observe,
    story::{Decided, Story},
    trace,
};
use crate::snapshot::Served;

/// What a request says about trailers. It belongs to one hop, and holds for the next one if the body is streamed.
#[derive(Debug)]
pub(super) struct Trailers {
    announced: Option<HeaderValue>,
    taken: bool,
}

impl Trailers {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let taken = headers.get(TE).is_some_and(|te| te.as_bytes().eq_ignore_ascii_case(b"trailers"));
        Self { announced: headers.get(TRAILER).cloned(), taken }
    }
}

/// The event as it goes out, and where: to the destination that the filters chose, or to the route's default one.
/// `Host` and framing are left to the client. `streamed` is the body if it was not read.
pub(super) fn request<'a>(
    story: &mut Story<'a>,
    candidates: &Candidates,
    draft: Draft,
    streamed: Option<Streamed>,
) -> Result<(&'a Target, Request<EventBody<Streamed>>), Refusal> {
    let (name, target) = destination(story.served, candidates, draft.chosen.as_deref());
    story.sends_to(name);
    let event = draft.current;
    let uri = story.sent_uri(&event)?;
    let mut headers = Arc::unwrap_or_clone(event.headers);
    trace::continue_or_start(&mut headers, rand::random(), rand::random());
    trace::identify(&mut headers, &story.arrival.header);
    forwarded::tell(&mut headers, &story.line.peer, &story.sender);
    headers.append(VIA, via(story.arrival.version));
    let body = match (event.body, streamed) {
        (None, Some(streamed)) => {
            if story.trailers.taken {
                headers.insert(TE, HeaderValue::from_static("trailers"));
            }
            if let Some(announced) = story.trailers.announced.take() {
                headers.insert(TRAILER, announced);
            }
            EventBody::streamed(streamed)
        }
        (body, _) => EventBody::whole(body.unwrap_or_default()),
    };
    let mut request = Request::new(body);
    *request.method_mut() = event.method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok((target, request))
}

/// What sending came to; none if the sender let the body wait.
pub(super) fn conclude(story: &mut Story<'_>, sent: Option<Result<Response<AnswerBody>, SendError>>) -> Decided {
    story.was_sent();
    match sent {
        Some(Ok(answer)) => {
            // An answer of success accepts the event; then a filter may have another one for the sender.
            let accepted = answer.status().is_success();
            let own = if accepted { story.answer() } else { None };
            let decided = Decided::new(Disposition::Forwarded, own.unwrap_or_else(|| Answer::streamed(answer)));
            Decided { accepted, ..decided }
        }
        Some(Err(error)) => failed(story, &error),
        None => Refusal::from(&intake::Error::Idle).into(),
    }
}

fn destination<'a>(served: &'a Served, candidates: &Candidates, chosen: Option<&[Name]>) -> (&'a Name, &'a Target) {
    let chosen = chosen.and_then(<[Name]>::first).unwrap_or(candidates.default());
    let found = served.destinations.iter().find(|(name, _)| name == chosen);
    let (name, target) = found.expect("a snapshot holds every candidate, and nothing else can be chosen");
    (name, target)
}

/// RFC 9110, section 7.6.3.
fn via(version: Version) -> HeaderValue {
    HeaderValue::from_static(match version {
        Version::HTTP_2 => "2 snaphook",
        Version::HTTP_10 => "1.0 snaphook",
        _ => "1.1 snaphook",
    })
}

fn failed(story: &Story<'_>, error: &SendError) -> Decided {
    // The sender's own fault has its own answer.
    if let Some(error) = body_error(error) {
        return Refusal::from(error).into();
    }
    observe::destination_failed(story.arrival.id, story.destination(), error);
    let status = error.status();
    let detail = match (error.kind, status) {
        (Kind::Unsendable, _) => "the request cannot be passed on",
        (Kind::Body, _) => "the body broke off",
        (_, StatusCode::SERVICE_UNAVAILABLE) => "the destination cannot be reached; send the event again later",
        (_, StatusCode::GATEWAY_TIMEOUT) => "the destination took too long",
        _ => "the destination gave no answer that can be passed on",
    };
    Decided::new(Disposition::Failed, Answer::problem(status, detail)).because(error.reason())
}

/// What was wrong with the event's body while it was streamed.
fn body_error(error: &SendError) -> Option<&intake::Error> {
    let mut next: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
