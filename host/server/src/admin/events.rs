//! `/v1/projects/{project}/events`: what happened lately, and what happens.

use std::{convert::Infallible, fmt, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse, Sse,
        sse::{self, KeepAlive},
    },
};
use futures_util::{Stream, StreamExt, stream};
use http::header::CONTENT_TYPE;
use model::{
    Faults, Name,
    record::{Disposition, Record, Wanted},
};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, broadcast, broadcast::error::RecvError};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Shared,
    answer::List,
    place::{At, Digested, InProject},
    problem::Problem,
    terms::Asked,
};
use crate::control::Error;

/// Events in one answer, unless asked otherwise.
const EVENTS: usize = 100;
const EVENTS_MOST: usize = 1_000;
/// Between two signs of life of a stream.
const ALIVE: Duration = Duration::from_secs(15);

/// What is remembered of events.
pub trait Events: fmt::Debug + Send + Sync {
    /// The newest first.
    fn latest(&self, wanted: &Wanted) -> Vec<Record>;

    /// Every record from now on, of all projects.
    fn subscribe(&self) -> broadcast::Receiver<Arc<Record>>;
}

pub(super) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(list_events)).routes(routes!(tail_events)).routes(routes!(get_configuration))
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
struct Latest {
    /// Only those of this route.
    route: Option<String>,
    /// Only those that ended so.
    disposition: Option<Disposition>,
    /// At most so many; default 100, at most 1000.
    limit: Option<usize>,
}

/// List the newest events
///
/// What is remembered is bounded, and gone when the host stops.
#[utoipa::path(
    get, path = "/v1/projects/{project}/events", tag = "events",
    params(InProject, Latest),
    responses((status = OK, body = List<Record>)),
)]
async fn list_events(
    State(shared): State<Shared>,
    At(at): At<InProject>,
    Asked(asked): Asked<Latest>,
) -> Result<List<Record>, Problem> {
    let at_most = asked.limit.unwrap_or(EVENTS).min(EVENTS_MOST);
    let wanted = wanted(&shared, at.project, asked.route, asked.disposition, at_most).await?;
    Ok(List { items: shared.0.admin.events.latest(&wanted) })
}

/// Show the configuration that a filter had
///
/// By the `config_digest` in the record of an event. It is kept as long as a route has it, or an event refers to it that is
/// remembered.
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
    let wanted = wanted(&shared, at.project, asked.route, asked.disposition, usize::MAX).await?;
    let place = Arc::clone(&shared.0.tails).try_acquire_owned();
    let place = place.map_err(|_| Problem::busy("too many streams of events are open; try again"))?;
    let records = shared.0.admin.events.subscribe();
    let stop = shared.0.stop.clone().cancelled_owned();
    let events = follow(records, wanted, place).take_until(stop);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE)))
}

async fn wanted(
    shared: &Shared,
    project: Name,
    route: Option<String>,
    disposition: Option<Disposition>,
    at_most: usize,
) -> Result<Wanted, Problem> {
    let route = route.map(|route| route.parse()).transpose();
    let route = route.map_err(|problem: String| Error::from(Faults::one("route", problem)))?;
    shared.control().check_project(&project).await?;
    Ok(Wanted { project, route, disposition, at_most })
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
