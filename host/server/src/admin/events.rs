//! `/v1/projects/{project}/events`: what happened, and what happens.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    response::{
        IntoResponse, Sse,
        sse::{self, KeepAlive},
    },
};
use futures_util::{Stream, StreamExt, stream};
use http::header::CONTENT_TYPE;
use model::{
    Faults, Name, Timestamp,
    delivery::Status,
    event_file::EventFile,
    record::{Disposition, Record, Wanted},
    story::{EventListed, EventStory, Listed, Replay, Replayed},
};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, broadcast, broadcast::error::RecvError};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Shared,
    body::Written,
    place::{At, Digested, EventAt, InProject},
    problem::Problem,
    terms::Asked,
};
use crate::control::{Error, EventWanted};

/// Entries in one answer, unless asked otherwise.
const PAGE: u32 = 100;
const PAGE_MOST: u32 = 1_000;
/// Between two signs of life of a stream.
const ALIVE: Duration = Duration::from_secs(15);

pub(super) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list_events))
        .routes(routes!(tail_events))
        .routes(routes!(get_event))
        .routes(routes!(get_event_file))
        .routes(routes!(replay_event))
        .routes(routes!(replay_events))
        .routes(routes!(get_configuration))
}

/// How many entries a page has.
pub(super) fn page(limit: Option<u32>) -> u32 {
    limit.unwrap_or(PAGE).clamp(1, PAGE_MOST)
}

/// A part of a query that is written as text.
pub(super) fn read<T: std::str::FromStr<Err = String>>(faults: &mut Faults, at: &str, text: Option<&str>) -> Option<T> {
    faults.keep(at, text.map(str::parse).transpose().map_err(|problem: String| Faults::one("", problem))).flatten()
}

/// `NAME:VALUE`.
pub(super) fn pair(faults: &mut Faults, at: &str, text: Option<&str>) -> Option<(String, String)> {
    let text = text?;
    let pair = text.split_once(':').map(|(name, value)| (name.to_owned(), value.to_owned()));
    if pair.is_none() {
        faults.add(at, format!("`{text}` is no pair: write `NAME:VALUE`"));
    }
    pair
}

/// The same of a header.
pub(super) fn header(faults: &mut Faults, text: Option<&str>) -> Option<(String, String)> {
    pair(faults, "header", text).map(|(name, value)| (name.to_ascii_lowercase(), value))
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
struct Search {
    /// Only those of this route.
    route: Option<String>,
    /// Only those that ended so.
    disposition: Option<Disposition>,
    /// Only those with this label: `NAME:VALUE`.
    label: Option<String>,
    /// Only those with this header as it was received: `name:value`, exactly.
    header: Option<String>,
    /// Only those with each of these words in their body, path or labels; of routes with `search = true`. Words are found
    /// some moments after the event came: `search_lag` of the status says how many events are not looked at yet.
    text: Option<String>,
    /// Only those with a delivery to this destination.
    destination: Option<String>,
    /// Only those with a delivery that stands so; with `destination`, that one.
    status: Option<Status>,
    /// Received at or after, milliseconds since 1970-01-01T00:00:00Z.
    from: Option<u64>,
    /// Received before, milliseconds.
    until: Option<u64>,
    /// Only those before this event: the `next` of an earlier answer.
    before: Option<String>,
    /// At most so many; default 100, at most 1000.
    limit: Option<u32>,
}

impl Search {
    fn read(self, project: Name) -> Result<(EventWanted, Option<model::EventId>), Faults> {
        let mut faults = Faults::default();
        let wanted = EventWanted {
            project,
            route: read(&mut faults, "route", self.route.as_deref()),
            disposition: self.disposition,
            label: pair(&mut faults, "label", self.label.as_deref()),
            header: header(&mut faults, self.header.as_deref()),
            destination: read(&mut faults, "destination", self.destination.as_deref()),
            status: self.status,
            from: self.from.map(Timestamp::from_millis),
            until: self.until.map(Timestamp::from_millis),
        };
        let before = read(&mut faults, "before", self.before.as_deref());
        faults.or((wanted, before))
    }
}

/// List events, newest first
///
/// Those that are kept, and the newest of the others, which are remembered for a while. A page may be short and still have a
/// `next`: only a bounded number of events is looked at for each.
#[utoipa::path(
    get, path = "/v1/projects/{project}/events", tag = "events",
    params(InProject, Search),
    responses((status = OK, body = Listed<EventListed>)),
)]
async fn list_events(
    State(shared): State<Shared>,
    At(at): At<InProject>,
    Asked(asked): Asked<Search>,
) -> Result<Json<Listed<EventListed>>, Problem> {
    let (limit, text) = (page(asked.limit), asked.text.clone());
    let (wanted, before) = asked.read(at.project).map_err(Error::from)?;
    let control = shared.control();
    Ok(Json(match text {
        Some(text) => control.search_events(&wanted, &text, before, limit).await?,
        None => control.events(&wanted, before, limit).await?,
    }))
}

/// Show an event: what came, what each filter did with it, and each attempt to deliver it
#[utoipa::path(
    get, path = "/v1/projects/{project}/events/{event}", tag = "events",
    params(EventAt),
    responses((status = OK, body = EventStory)),
)]
async fn get_event(State(shared): State<Shared>, At(at): At<EventAt>) -> Result<Json<EventStory>, Problem> {
    Ok(Json(shared.control().event(&at.project, at.event).await?))
}

/// Show an event as a file to send or to test with
///
/// As it was received, byte for byte, but for its `content-length`. Without a body if none was read.
#[utoipa::path(
    get, path = "/v1/projects/{project}/events/{event}/file", tag = "events",
    params(EventAt),
    responses((status = OK, body = EventFile)),
)]
async fn get_event_file(State(shared): State<Shared>, At(at): At<EventAt>) -> Result<Json<EventFile>, Problem> {
    Ok(Json(shared.control().event_file(&at.project, at.event).await?))
}

/// Deliver an event again
#[utoipa::path(
    post, path = "/v1/projects/{project}/events/{event}/replay", tag = "events",
    params(EventAt), request_body = Replay,
    responses((status = OK, body = Replayed)),
)]
async fn replay_event(
    State(shared): State<Shared>,
    At(at): At<EventAt>,
    Written(replay): Written<Replay>,
) -> Result<Json<Replayed>, Problem> {
    Ok(Json(shared.control().replay(&at.project, at.event, &replay).await?))
}

/// Which events are delivered again, and how.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
struct ReplayMany {
    /// Only those of this route.
    route: Option<String>,
    /// Only those that ended so.
    disposition: Option<Disposition>,
    /// Only those with this label: `NAME:VALUE`.
    label: Option<String>,
    /// Only those with this header as it was received: `name:value`, exactly.
    header: Option<String>,
    /// Only those with a delivery to this destination.
    destination: Option<String>,
    /// Only those with a delivery that stands so; with `destination`, that one.
    status: Option<Status>,
    /// Received at or after, milliseconds since 1970-01-01T00:00:00Z.
    from: Option<u64>,
    /// Received before, milliseconds.
    until: Option<u64>,
    how: Replay,
}

/// Deliver many events again, oldest first
///
/// At most 10000; narrow it with `from` and `until` if there are more.
#[utoipa::path(
    post, path = "/v1/projects/{project}/events/replay", tag = "events",
    params(InProject), request_body = ReplayMany,
    responses((status = OK, body = Replayed)),
)]
async fn replay_events(
    State(shared): State<Shared>,
    At(at): At<InProject>,
    Written(asked): Written<ReplayMany>,
) -> Result<Json<Replayed>, Problem> {
    let ReplayMany { route, disposition, label, header, destination, status, from, until, how } = asked;
    let search = Search { route, disposition, label, header, destination, status, from, until, ..Search::default() };
    let (wanted, _) = search.read(at.project).map_err(Error::from)?;
    Ok(Json(shared.control().replay_wanted(&wanted, &how).await?))
}

/// Show the configuration that a filter had
///
/// By the `config_digest` in the record of an event. It is kept as long as a route has it, or an event refers to it that is
/// kept or remembered.
#[utoipa::path(
    get, path = "/v1/projects/{project}/configurations/{digest}", tag = "events",
    params(Digested),
    responses((status = OK, description = "The configuration, byte for byte", body = serde_json::Value)),
)]
async fn get_configuration(State(shared): State<Shared>, At(at): At<Digested>) -> Result<impl IntoResponse, Problem> {
    let text = shared.control().configuration(&at.project, at.digest).await?;
    Ok(([(CONTENT_TYPE, "application/json")], text))
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
struct Tail {
    /// Only those of this route.
    route: Option<String>,
    /// Only those that end so.
    disposition: Option<Disposition>,
}

/// Follow events as they are decided
///
/// A stream of server-sent events: each one's `data` is a record, its `id` the event's. An event named `lag` with
/// `{"missed": 3}` says how many were decided faster than they could be sent, of all projects. Comments come in between as
/// signs of life.
#[utoipa::path(
    get, path = "/v1/projects/{project}/events/tail", tag = "events",
    params(InProject, Tail),
    responses((status = OK, description = "A stream of records", body = Record, content_type = "text/event-stream")),
)]
async fn tail_events(
    State(shared): State<Shared>,
    At(at): At<InProject>,
    Asked(asked): Asked<Tail>,
) -> Result<impl IntoResponse, Problem> {
    let mut faults = Faults::default();
    let route = read(&mut faults, "route", asked.route.as_deref());
    faults.or(()).map_err(Error::from)?;
    shared.control().check_project(&at.project).await?;
    let wanted = Wanted { project: at.project, route, disposition: asked.disposition, at_most: usize::MAX };
    let place = Arc::clone(&shared.0.tails).try_acquire_owned();
    let place = place.map_err(|_| Problem::busy("too many streams of events are open; try again"))?;
    let records = shared.control().follow_events();
    let stop = shared.0.stop.clone().cancelled_owned();
    let events = follow(records, wanted, place).take_until(stop);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE)))
}

fn follow(
    records: broadcast::Receiver<Arc<Record>>,
    wanted: Wanted,
    place: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<sse::Event, Infallible>> {
    stream::unfold((records, wanted, place), |(mut records, wanted, place)| async {
        let event = loop {
            match records.recv().await {
                Ok(record) if wanted.takes(&record) => {
                    let text = serde_json::to_string(&*record).expect("a record is JSON");
                    break sse::Event::default().id(&record.id).data(text);
                }
                Ok(_) => {}
                Err(RecvError::Lagged(missed)) => {
                    break sse::Event::default().event("lag").data(json!({ "missed": missed }).to_string());
                }
                Err(RecvError::Closed) => return None,
            }
        };
        Some((Ok(event), (records, wanted, place)))
    })
}
