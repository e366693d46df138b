//! `/v1/projects/{project}/secrets`: values go in and never come out.

use axum::extract::State;
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
use crate::control::{SecretSpec, SecretView, Write};

pub(super) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(list_secrets)).routes(routes!(get_secret, put_secret, delete_secret))
}

/// List all secrets, without their values
#[utoipa::path(
    get, path = "/v1/projects/{project}/secrets", tag = "secrets",
    params(InProject),
    responses((status = OK, body = List<SecretView>)),
)]
async fn list_secrets(State(shared): State<Shared>, At(at): At<InProject>) -> Result<List<SecretView>, Problem> {
    Ok(List { items: shared.control().secrets(&at.project).await? })
}

/// Show a secret, without its values
#[utoipa::path(
    get, path = "/v1/projects/{project}/secrets/{name}", tag = "secrets",
    params(Named),
    responses((status = OK, body = SecretView)),
)]
async fn get_secret(State(shared): State<Shared>, At(at): At<Named>) -> Result<One<SecretView>, Problem> {
    let secret = shared.control().secret(&at.project, &at.name).await?;
    let tag = secret.revision;
    Ok(One::read(secret, tag))
}

/// Make a secret, or give it a new value
///
/// With `keep_previous` the values that it has had so far stay valid beside the new one.
#[utoipa::path(
    put, path = "/v1/projects/{project}/secrets/{name}", tag = "secrets",
    params(Named, Terms), request_body = SecretSpec,
    responses((status = OK, body = SecretView)),
)]
async fn put_secret(
    State(shared): State<Shared>,
    At(at): At<Named>,
    terms: Terms,
    Written(spec): Written<SecretSpec>,
) -> Result<One<SecretView>, Problem> {
    let author = terms.author(&at.project);
    let (secret, changed) =
        terms.settle(shared.control().put_secret(&author, &at.name, spec, terms.precondition).await)?;
    let tag = secret.revision;
    Ok(One::written(secret, tag, changed.revision))
}

/// Remove a secret
///
/// Refused while a filter of a route is granted it.
#[utoipa::path(
    delete, path = "/v1/projects/{project}/secrets/{name}", tag = "secrets",
    params(Named, Terms),
    responses((status = NO_CONTENT)),
)]
async fn delete_secret(State(shared): State<Shared>, At(at): At<Named>, terms: Terms) -> Result<Removed, Problem> {
    remove(&shared, &terms, &at.project, Write::RemoveSecret { name: at.name }).await
}
