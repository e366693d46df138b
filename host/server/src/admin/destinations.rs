//! `/v1/projects/{project}/destinations`.

use axum::extract::State;
use model::{Name, destination::DestinationSpec};
use serde::Serialize;
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
    OpenApiRouter::new().routes(routes!(list_destinations)).routes(routes!(
        get_destination,
        put_destination,
        delete_destination
    ))
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
