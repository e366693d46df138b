//! A route tried with an event: the real modules under their real limits, nothing forwarded and nothing kept.

use std::{net::Ipv4Addr, sync::Arc, time::Instant};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use filters::{End, Given, kv::Overlay};
use http::{HeaderMap, Method};
use model::{
    Draft, Event, EventId, Mode, Name, Phase, Scheme, Timestamp,
    apply::CheckedAnswer,
    event_file::EventFile,
    record::{Disposition, Record},
    route::{Host, Match},
    routing::{Entry, Table},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Control, Error};
use crate::snapshot::Served;

/// What would have happened.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Trial {
    pub record: Record,
    /// What would have been sent or delivered; none if the chain ended the event.
    pub forward: Option<TrialForward>,
    /// What the sender would have been answered; none if the destination's answer decides, or the event would be stored.
    pub answer: Option<TrialAnswer>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TrialForward {
    /// With commas between, if there are several.
    pub destination: String,
    pub method: String,
    pub path: String,
    pub query: Option<String>,
    /// Values that are not UTF-8 are shown with replacement characters.
    pub headers: Vec<(String, String)>,
    pub body_base64: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TrialAnswer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body_base64: String,
}

impl Control {
    /// Runs the route's chain on the event, with an empty key-value store of its own.
    pub async fn try_route(&self, project: &Name, name: &Name, file: &EventFile) -> Result<Trial, Error> {
        let parts = file.read()?;
        let snapshot = self.current.load();
        let served = snapshot.named(project, name).ok_or_else(|| Error::NotFound(format!("route `{name}`")))?;
        let attributes = attributes(served, &parts.path);
        let now = Timestamp::now();
        let event = Event {
            id: EventId::new(now, rand::random()),
            project: project.clone(),
            route: name.clone(),
            received: now,
            source: Ipv4Addr::LOCALHOST.into(),
            scheme: Scheme::Http,
            method: parts.method,
            authority: "localhost".to_owned(),
            path: parts.path,
            query: parts.query,
            headers: Arc::new(parts.headers),
            body: Some(parts.body),
            replay: false,
            attributes,
        };
        let given = Given {
            phase: Phase::Route,
            now,
            kv: Arc::new(Overlay::default()),
            destinations: Arc::clone(&served.names),
            exactly_one: matches!(served.route.mode, Mode::Forward(_)),
            seed: None,
            body_limit: served.route.body_limit,
        };
        let start = Instant::now();
        let ran = served.chain.run(Draft::new(event.clone()), &given).await;
        Ok(story(&event, served, ran, snapshot.revision, start))
    }
}

/// What stands at the route's params if the path fits; the rest of the route's conditions does not count here.
fn attributes(served: &Served, path: &str) -> Vec<(String, String)> {
    let route = &served.route;
    let matches = Match { host: Host::Any, path: route.matches.path.clone(), methods: Vec::new(), headers: Vec::new() };
    let entry = Entry { project: route.project.clone(), route: route.name.clone(), matches, target: () };
    let table = Table::build(vec![entry]).expect("one route cannot be taken for another");
    table.find("", path, &Method::POST, &HeaderMap::new()).map_or_else(|_| Vec::new(), |found| found.attributes())
}

fn story(event: &Event, served: &Served, ran: filters::Ran, revision: u64, start: Instant) -> Trial {
    let acknowledgement = served.route.acknowledgement;
    let shown = |answer: CheckedAnswer| {
        let headers = readable(&answer.headers);
        TrialAnswer { status: answer.status.as_u16(), headers, body_base64: STANDARD.encode(&answer.body) }
    };
    let bare = |status: u16| TrialAnswer { status, headers: Vec::new(), body_base64: String::new() };
    let (disposition, reason, answer) = match ran.end {
        End::Passed => match served.route.mode {
            Mode::Forward(_) => (Disposition::Forwarded, None, None),
            Mode::Deliver(_) => (Disposition::Accepted, None, None),
        },
        End::Rejected { answer, reason } => (Disposition::Rejected, Some(reason), Some(shown(answer))),
        End::Responded { answer } => (Disposition::Responded, None, Some(shown(answer))),
        End::Dropped { reason } => (Disposition::Dropped, Some(reason), Some(bare(acknowledgement))),
        End::RetryLater { seconds } => (Disposition::Rejected, Some(format!("retry in {seconds} s")), Some(bare(503))),
        End::Failed { status, filter, detail, .. } => {
            (Disposition::Failed, Some(format!("filter {filter}: {detail}")), Some(bare(status.as_u16())))
        }
    };
    let draft = ran.draft;
    let forward = answer.is_none().then(|| {
        let destinations = match &served.route.mode {
            Mode::Forward(candidates) => vec![draft.chosen.iter().flatten().next().unwrap_or(candidates.default())],
            Mode::Deliver(rule) => draft.chosen.as_deref().unwrap_or(rule.destinations()).iter().collect(),
        };
        let names: Vec<&str> = destinations.iter().map(|name| name.as_str()).collect();
        TrialForward {
            destination: names.join(", "),
            method: draft.current.method.to_string(),
            path: draft.current.path.clone(),
            query: draft.current.query.clone(),
            headers: readable(&draft.current.headers),
            body_base64: STANDARD.encode(draft.body()),
        }
    });
    let record = Record {
        id: event.id.to_string(),
        project: event.project.to_string(),
        route: event.route.to_string(),
        received: event.received.as_millis(),
        source: event.source.to_string(),
        method: event.method.to_string(),
        path: event.path.clone(),
        revision,
        disposition,
        status: answer.as_ref().map_or(0, |answer| answer.status),
        reason,
        destination: forward.as_ref().map(|forward| forward.destination.clone()),
        labels: draft.annotations.labels.clone(),
        idempotency_key: draft.annotations.idempotency_key.clone(),
        order_key: draft.annotations.order_key.clone(),
        duration_us: u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
        destination_us: None,
        body_bytes: event.body.as_ref().map(|body| body.len() as u64),
        filters: ran.runs,
        capture: None,
    };
    Trial { record, forward, answer }
}

pub(super) fn readable(headers: &HeaderMap) -> Vec<(String, String)> {
    let shown = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), shown(value))).collect()
}
