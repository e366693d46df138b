//! What is known about an event while it is on its way, and what of it is written down at the end.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use delivery::hop;
use filters::{End, Given, Ran};
use http::{HeaderValue, Method, Request, StatusCode, Uri, Version, header::EXPECT, request::Parts, uri::PathAndQuery};
use model::{
    Annotations, Draft, Event, EventId, Limits, Mode, Name, Phase, Response, Timestamp, apply,
    headers::leave_out,
    record::{Disposition, Record, Run},
    spec::CaptureWhen,
};
use store::journal::NewEvent;

use super::{
    Gateway,
    answer::{Answer, Refusal},
    forward::Trailers,
    forwarded, observe,
    peer::Line,
    record::{Captured, Entry},
    sender::Sender,
};
use crate::snapshot::{Served, Snapshot};

/// When a request's head was there, and the id that its event has from then on.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) id: EventId,
    pub(super) received: Timestamp,
    pub(super) start: Instant,
    /// The id as a header's value.
    pub(super) header: HeaderValue,
    pub(super) version: Version,
    /// Whether the answer goes out without its body.
    pub(super) wants_no_body: bool,
}

impl Arrival {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let received = Timestamp::now();
        let id = EventId::new(received, rand::random());
        let header = HeaderValue::from_bytes(&id.text()).expect("an id is letters and digits");
        let wants_no_body = request.method() == Method::HEAD;
        Self { id, received, start: Instant::now(), header, version: request.version(), wants_no_body }
    }
}

/// What became of an event.
#[derive(Debug)]
pub(super) struct Decided {
    pub(super) disposition: Disposition,
    pub(super) answer: Answer,
    /// Why, for the record; the sender does not see it.
    pub(super) reason: Option<String>,
    /// Whether the sender has done its part, so that what was reserved for the event is kept.
    pub(super) accepted: bool,
}

impl Decided {
    pub(super) fn new(disposition: Disposition, answer: Answer) -> Self {
        let accepted = match disposition {
            Disposition::Dropped | Disposition::Accepted => true,
            Disposition::Forwarded => answer.status.is_success(),
            Disposition::Responded | Disposition::Rejected | Disposition::Failed => false,
        };
        Self { disposition, answer, reason: None, accepted }
    }

    pub(super) fn because(self, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..self }
    }
}

impl From<Refusal> for Decided {
    fn from(refusal: Refusal) -> Self {
        let disposition = match refusal.answer.status.is_server_error() {
            true => Disposition::Failed,
            false => Disposition::Rejected,
        };
        Self::new(disposition, *refusal.answer).because(refusal.reason)
    }
}

/// An event that belongs to a route. If it is dropped before its end, its sender went away.
#[derive(Debug)]
pub(super) struct Story<'a> {
    pub(super) line: &'a Line,
    pub(super) arrival: &'a Arrival,
    pub(super) served: &'a Served,
    pub(super) sender: Sender,
    pub(super) trailers: Trailers,
    revision: u64,
    /// The request's, without headers once the event has them.
    head: Parts,
    attributes: Vec<(String, String)>,
    annotations: Annotations,
    runs: Vec<Run>,
    /// Whether the filters let it through.
    passed: bool,
    body_bytes: Option<u64>,
    /// The event as it was received, if it may be kept.
    received: Option<Box<Event>>,
    destination: Option<&'a Name>,
    /// When sending began, and when it came to something.
    sending: Option<Instant>,
    sent: Option<Instant>,
    ended: bool,
}

impl<'a> Story<'a> {
    /// Finds the event's route.
    pub(super) fn begin(
        line: &'a Line,
        arrival: &'a Arrival,
        snapshot: &'a Snapshot,
        mut head: Parts,
    ) -> Result<Self, Refusal> {
        let sender = Sender::of(&head, &line.peer)?;
        let found = snapshot.find(sender.authority.host(), head.uri.path(), &head.method, &head.headers)?;
        let attributes = found.attributes();
        let trailers = Trailers::of(&head.headers);
        hop::strip(&mut head.headers);
        // We expect nothing of a destination that we have not promised to the sender.
        leave_out(&mut head.headers, |name| *name == EXPECT);
        Ok(Self {
            line,
            arrival,
            served: found.target,
            sender,
            trailers,
            revision: snapshot.revision,
            head,
            attributes,
            annotations: Annotations::default(),
            runs: Vec::new(),
            passed: false,
            body_bytes: None,
            received: None,
            destination: None,
            sending: None,
            sent: None,
            ended: false,
        })
    }

    pub(super) fn gateway(&self) -> &'a Gateway {
        &self.line.peer.gateway
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.head.uri
    }

    /// Path and query of what goes out: the request's own unless a filter changed them.
    pub(super) fn sent_uri(&self, event: &Event) -> Result<Uri, Refusal> {
        let received = self.uri();
        if event.path == received.path() && event.query.as_deref() == received.query() {
            return Ok(received.clone());
        }
        let text = match &event.query {
            Some(query) => format!("{}?{query}", event.path),
            None => event.path.clone(),
        };
        let written = PathAndQuery::from_maybe_shared(Bytes::from(text));
        written.map(Uri::from).map_err(|error| Refusal::unsendable(error.to_string()))
    }

    /// The event as filters see it.
    pub(super) fn event(&mut self, body: Option<Bytes>) -> Event {
        let route = &self.served.route;
        // Without filters nobody sees it, and where it is forwarded it is replaced.
        let is_seen = !self.served.chain.is_empty() || matches!(route.mode, Mode::Deliver(_));
        if !self.line.peer.trusted && is_seen {
            forwarded::clean(&mut self.head.headers);
        }
        let headers = Arc::new(std::mem::take(&mut self.head.headers));
        self.body_bytes = body.as_ref().map(|body| body.len() as u64);
        let event = Event {
            id: self.arrival.id,
            project: route.project.clone(),
            route: route.name.clone(),
            received: self.arrival.received,
            source: self.sender.source,
            scheme: self.sender.scheme,
            method: self.head.method.clone(),
            authority: self.sender.authority.as_str().to_owned(),
            path: self.head.uri.path().to_owned(),
            query: self.head.uri.query().map(str::to_owned),
            headers,
            body,
            replay: false,
            attributes: std::mem::take(&mut self.attributes),
        };
        if route.capture != CaptureWhen::None || matches!(route.mode, Mode::Deliver(_)) {
            self.received = Some(Box::new(event.clone()));
        }
        event
    }

    /// What the chain is given beside it.
    pub(super) fn given(&self) -> Given {
        Given {
            phase: Phase::Route,
            now: self.arrival.received,
            kv: Arc::clone(&self.gateway().kv),
            destinations: Arc::clone(&self.served.names),
            exactly_one: matches!(self.served.route.mode, Mode::Forward(_)),
            seed: None,
            body_limit: self.served.route.body_limit,
        }
    }

    /// The event as it was received, of a route in mode `deliver`.
    pub(super) fn received(&self) -> Event {
        *self.received.clone().expect("was kept, because it will be stored")
    }

    /// Whether filters looked at the event and let it through.
    pub(super) fn authenticated(&self) -> bool {
        self.passed && !self.served.chain.is_empty()
    }

    pub(super) fn annotations(&self) -> &Annotations {
        &self.annotations
    }

    /// Takes over what the chain leaves behind; how it ended, and what it made of the event.
    pub(super) fn ran(&mut self, ran: Ran) -> (End, Draft) {
        let Ran { mut draft, end, runs, .. } = ran;
        self.runs = runs;
        self.passed = matches!(end, End::Passed);
        self.annotations = std::mem::take(&mut draft.annotations);
        (end, draft)
    }

    pub(super) fn sends_to(&mut self, destination: &'a Name) {
        self.destination = Some(destination);
        self.sending = Some(Instant::now());
    }

    pub(super) fn was_sent(&mut self) {
        self.sent = Some(Instant::now());
    }

    pub(super) fn destination(&self) -> &'a str {
        self.destination.map_or("", Name::as_str)
    }

    /// What a filter wants the sender to be answered now that the event is accepted.
    pub(super) fn answer(&mut self) -> Option<Answer> {
        let Response { status, headers, body } = self.annotations.answer.take()?;
        match apply::check_answer(status, apply::RESPONSE_STATUSES, &headers, body, &Limits::MOST) {
            Ok(answer) => Some(Answer::checked(answer)),
            Err(bad) => {
                observe::answer_unusable(self.arrival.id, &bad);
                None
            }
        }
    }

    pub(super) fn acknowledgement_status(&self) -> StatusCode {
        StatusCode::from_u16(self.served.route.acknowledgement).unwrap_or(StatusCode::ACCEPTED)
    }

    /// What the sender is answered for an event that goes nowhere.
    pub(super) fn acknowledgement(&mut self) -> Answer {
        self.answer().unwrap_or_else(|| Answer::empty(self.acknowledgement_status()))
    }

    /// What would be written down if the event ended so.
    pub(super) fn record(&mut self, disposition: Disposition, status: u16) -> Record {
        let entry = self.entry(disposition, status, None);
        let record = entry.to_record();
        self.runs = entry.filters;
        self.annotations.labels = entry.labels;
        self.annotations.idempotency_key = entry.idempotency_key;
        self.annotations.order_key = entry.order_key;
        record
    }

    pub(super) fn end(mut self, decided: Decided) -> Answer {
        self.write(decided.disposition, decided.answer.status.as_u16(), decided.reason);
        decided.answer
    }

    fn write(&mut self, disposition: Disposition, status: u16, reason: Option<String>) {
        self.ended = true;
        let gateway = self.gateway();
        let mut entry = self.entry(disposition, status, reason);
        if let Some(received) = self.received.take().filter(|_| self.is_captured(disposition, status)) {
            let authenticated = self.authenticated();
            let most = gateway.recorder.body_bytes();
            entry.capture = Some(Captured::new(authenticated, &received, most));
            if disposition != Disposition::Accepted {
                let (made, received) = (received.as_ref().clone(), *received);
                gateway.keep(NewEvent { received, made, record: entry.to_record(), authenticated });
            }
        }
        observe::event_decided(&gateway.counters, &entry);
        gateway.recorder.record(entry);
    }

    /// Whether the route wants to keep the request of an event that ended so.
    fn is_captured(&self, disposition: Disposition, status: u16) -> bool {
        let failed = status >= 400 || matches!(disposition, Disposition::Failed | Disposition::Rejected);
        match self.served.route.capture {
            CaptureWhen::None => false,
            CaptureWhen::Failures => failed,
            CaptureWhen::All => true,
        }
    }

    /// Takes over what is known.
    fn entry(&mut self, disposition: Disposition, status: u16, reason: Option<String>) -> Entry {
        let annotations = std::mem::take(&mut self.annotations);
        Entry {
            id: self.arrival.id,
            project: self.served.route.project.clone(),
            route: self.served.route.name.clone(),
            received: self.arrival.received,
            source: self.sender.source,
            method: self.head.method.clone(),
            path: self.head.uri.path().to_owned(),
            revision: self.revision,
            disposition,
            status,
            reason,
            destination: self.destination.cloned(),
            labels: annotations.labels,
            idempotency_key: annotations.idempotency_key,
            order_key: annotations.order_key,
            // The answer's head came last, so that the clock need not be read again.
            duration: self.sent.unwrap_or_else(Instant::now) - self.arrival.start,
            destination_duration: self.sent.zip(self.sending).map(|(end, start)| end - start),
            body_bytes: self.body_bytes,
            filters: std::mem::take(&mut self.runs),
            capture: None,
        }
    }
}

impl Drop for Story<'_> {
    fn drop(&mut self) {
        if !self.ended {
            observe::event_abandoned(&self.gateway().counters);
            self.write(Disposition::Failed, 0, Some("the sender went away before it was answered".to_owned()));
        }
    }
}
