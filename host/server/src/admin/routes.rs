//! `/v1/projects/{project}/routes`, and the filters of a route.

use axum::{Json, extract::State};
use model::{
    Fault,
    event_file::EventFile,
    spec::{AttachmentSpec, RouteRecord, RouteSpec},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Shared,
    answer::{List, One, Removed},
    body::Written,
    modules::remove,
    place::{At, FilterOf, InProject, Named},
    problem::Problem,
    terms::Terms,
};
use crate::control::{Changed, Trial, Write};

/// An event file may hold a body of any route, in base64.
const EVENT_FILE_BYTES_MOST: usize = 8 << 20;

pub(super) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list_routes))
        .routes(routes!(get_route, put_route, delete_route))
        .routes(routes!(attach_filter))
        .routes(routes!(detach_filter))
        .routes(routes!(order_filters))
        .routes(routes!(test_route))
}

/// A route that was written.
#[derive(Debug, Serialize, ToSchema)]
struct RouteWritten {
    #[serde(flatten)]
    record: RouteRecord,
    /// What is right but probably not meant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Fault>,
}

fn written((record, changed): (RouteRecord, Changed)) -> One<RouteWritten> {
    let tag = record.revision;
    One::written(RouteWritten { record, warnings: changed.warnings }, tag, changed.revision)
}

/// List all routes
#[utoipa::path(
    get, path = "/v1/projects/{project}/routes", tag = "routes",
    params(InProject),
    responses((status = OK, body = List<RouteRecord>)),
)]
async fn list_routes(State(shared): State<Shared>, At(at): At<InProject>) -> Result<List<RouteRecord>, Problem> {
    Ok(List { items: shared.control().routes(&at.project).await? })
}

/// Show a route
#[utoipa::path(
    get, path = "/v1/projects/{project}/routes/{name}", tag = "routes",
    params(Named),
    responses((status = OK, body = RouteRecord)),
)]
async fn get_route(State(shared): State<Shared>, At(at): At<Named>) -> Result<One<RouteRecord>, Problem> {
    let record = shared.control().route(&at.project, &at.name).await?;
    let tag = record.revision;
    Ok(One::read(record, tag))
}

/// Make a route, or replace it
///
/// References to modules are resolved, filters configured and grants checked; requests see either the old route or the new
/// one.
#[utoipa::path(
    put, path = "/v1/projects/{project}/routes/{name}", tag = "routes",
    params(Named, Terms), request_body = RouteSpec,
    responses((status = OK, body = RouteWritten)),
)]
async fn put_route(
    State(shared): State<Shared>,
    At(at): At<Named>,
    terms: Terms,
    Written(spec): Written<RouteSpec>,
) -> Result<One<RouteWritten>, Problem> {
    let author = terms.author(&at.project);
    let done = shared.control().put_route(&author, &at.name, spec, terms.precondition).await;
    terms.settle(done).map(written)
}

/// Remove a route
#[utoipa::path(
    delete, path = "/v1/projects/{project}/routes/{name}", tag = "routes",
    params(Named, Terms),
    responses((status = NO_CONTENT)),
)]
async fn delete_route(State(shared): State<Shared>, At(at): At<Named>, terms: Terms) -> Result<Removed, Problem> {
    remove(&shared, &terms, &at.project, Write::RemoveRoute { name: at.name }).await
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Attaching {
    filter: AttachmentSpec,
    /// Its place in the chain, from 0.
    #[serde(default)]
    position: Option<usize>,
}

/// Attach a filter
///
/// One of the same name is replaced and keeps its place, unless a position is given; a new one goes to the end.
#[utoipa::path(
    post, path = "/v1/projects/{project}/routes/{name}/filters", tag = "routes",
    params(Named, Terms), request_body = Attaching,
    responses((status = OK, body = RouteWritten)),
)]
async fn attach_filter(
    State(shared): State<Shared>,
    At(at): At<Named>,
    terms: Terms,
    Written(Attaching { filter, position }): Written<Attaching>,
) -> Result<One<RouteWritten>, Problem> {
    let author = terms.author(&at.project);
    let done = shared.control().attach(&author, &at.name, filter, position, terms.precondition).await;
    terms.settle(done).map(written)
}

/// Detach a filter
#[utoipa::path(
    delete, path = "/v1/projects/{project}/routes/{name}/filters/{filter}", tag = "routes",
    params(FilterOf, Terms),
    responses((status = OK, body = RouteWritten)),
)]
async fn detach_filter(
    State(shared): State<Shared>,
    At(at): At<FilterOf>,
    terms: Terms,
) -> Result<One<RouteWritten>, Problem> {
    let author = terms.author(&at.project);
    let done = shared.control().detach(&author, &at.name, at.filter.as_str(), terms.precondition).await;
    terms.settle(done).map(written)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Ordering {
    /// Every filter of the route, once.
    order: Vec<String>,
}

/// Put the filters of a route into another order
#[utoipa::path(
    put, path = "/v1/projects/{project}/routes/{name}/order", tag = "routes",
    params(Named, Terms), request_body = Ordering,
    responses((status = OK, body = RouteWritten)),
)]
async fn order_filters(
    State(shared): State<Shared>,
    At(at): At<Named>,
    terms: Terms,
    Written(Ordering { order }): Written<Ordering>,
) -> Result<One<RouteWritten>, Problem> {
    let author = terms.author(&at.project);
    terms.settle(shared.control().reorder(&author, &at.name, &order, terms.precondition).await).map(written)
}

/// Try a route with an event
///
/// Its filters run as they would, on a key-value store of their own; nothing is forwarded and nothing is kept.
#[utoipa::path(
    post, path = "/v1/projects/{project}/routes/{name}/test", tag = "routes",
    params(Named), request_body = EventFile,
    responses((status = OK, body = Trial)),
)]
async fn test_route(
    State(shared): State<Shared>,
    At(at): At<Named>,
    Written(file): Written<EventFile, EVENT_FILE_BYTES_MOST>,
) -> Result<Json<Trial>, Problem> {
    Ok(Json(shared.control().try_route(&at.project, &at.name, &file).await?))
}
