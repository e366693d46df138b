//! `/v1/projects/{project}/destinations`.

use axum::{Json, extract::State};
use model::{Name, delivery::Condition, destination::DestinationSpec};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Shared,
    answer::{List, One, Removed},
    body::Written,
    modules::remove,
    place::{At, InProject, Named},
    problem::Problem,
    terms::Terms,
};
use crate::control::{self, Write};

pub(super) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list_destinations))
        .routes(routes!(get_destination, put_destination, delete_destination))
        .routes(routes!(get_condition))
        .routes(routes!(disable_destination))
        .routes(routes!(enable_destination))
}

/// Where events go.
#[derive(Debug, Serialize, ToSchema)]
struct Destination {
    #[schema(value_type = String)]
    name: Name,
    spec: DestinationSpec,
    revision: u64,
}

impl From<control::Destination> for Destination {
    fn from(kept: control::Destination) -> Self {
        Self { name: kept.name, spec: kept.spec, revision: kept.revision }
    }
}

/// Why deliveries to a destination are held back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Disable {
    /// For people.
    reason: Option<String>,
}

/// Show whether a destination is tried, and why not
#[utoipa::path(
    get, path = "/v1/projects/{project}/destinations/{name}/condition", tag = "destinations",
    params(Named),
    responses((status = OK, body = Condition)),
)]
async fn get_condition(State(shared): State<Shared>, At(at): At<Named>) -> Result<Json<Condition>, Problem> {
    Ok(Json(shared.control().condition(&at.project, &at.name).await?))
}

/// Hold back all deliveries to a destination
///
/// Nothing is lost: what comes for it waits until it is enabled.
#[utoipa::path(
    post, path = "/v1/projects/{project}/destinations/{name}/disable", tag = "destinations",
    params(Named), request_body = Disable,
    responses((status = OK, body = Condition)),
)]
async fn disable_destination(
    State(shared): State<Shared>,
    At(at): At<Named>,
    Written(asked): Written<Disable>,
) -> Result<Json<Condition>, Problem> {
    let reason = asked.reason.unwrap_or_else(|| "disabled by hand".to_owned());
    Ok(Json(shared.control().disable_destination(&at.project, &at.name, &reason).await?))
}

/// Send to a destination again
///
/// What waits for it is sent at once; its breaker is closed.
#[utoipa::path(
    post, path = "/v1/projects/{project}/destinations/{name}/enable", tag = "destinations",
    params(Named),
    responses((status = OK, body = Condition)),
)]
async fn enable_destination(State(shared): State<Shared>, At(at): At<Named>) -> Result<Json<Condition>, Problem> {
    Ok(Json(shared.control().enable_destination(&at.project, &at.name).await?))
}

/// List all destinations
#[utoipa::path(
    get, path = "/v1/projects/{project}/destinations", tag = "destinations",
    params(InProject),
    responses((status = OK, body = List<Destination>)),
)]
async fn list_destinations(State(shared): State<Shared>, At(at): At<InProject>) -> Result<List<Destination>, Problem> {
    let items = shared.control().destinations(&at.project).await?;
    Ok(List { items: items.into_iter().map(Destination::from).collect() })
}

/// Show a destination
#[utoipa::path(
    get, path = "/v1/projects/{project}/destinations/{name}", tag = "destinations",
    params(Named),
    responses((status = OK, body = Destination)),
)]
async fn get_destination(State(shared): State<Shared>, At(at): At<Named>) -> Result<One<Destination>, Problem> {
    let kept = shared.control().destination(&at.project, &at.name).await?;
    let tag = kept.revision;
    Ok(One::read(kept.into(), tag))
}

/// Make a destination, or replace it
#[utoipa::path(
    put, path = "/v1/projects/{project}/destinations/{name}", tag = "destinations",
    params(Named, Terms), request_body = DestinationSpec,
    responses((status = OK, body = Destination)),
)]
async fn put_destination(
    State(shared): State<Shared>,
    At(at): At<Named>,
    terms: Terms,
    Written(spec): Written<DestinationSpec>,
) -> Result<One<Destination>, Problem> {
    let author = terms.author(&at.project);
    let done = shared.control().put_destination(&author, &at.name, spec, terms.precondition).await;
    let (kept, changed) = terms.settle(done)?;
    let tag = kept.revision;
    Ok(One::written(kept.into(), tag, changed.revision))
}

/// Remove a destination
///
/// Refused while a route names it.
#[utoipa::path(
    delete, path = "/v1/projects/{project}/destinations/{name}", tag = "destinations",
    params(Named, Terms),
    responses((status = NO_CONTENT)),
)]
async fn delete_destination(State(shared): State<Shared>, At(at): At<Named>, terms: Terms) -> Result<Removed, Problem> {
    remove(&shared, &terms, &at.project, Write::RemoveDestination { name: at.name }).await
}
