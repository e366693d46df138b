//! `/v1/projects/{project}/modules`.

use std::{sync::Arc, time::Duration};

use axum::extract::{Request, State};
use model::{Faults, Name, limits::MODULE_BYTES_MOST};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Shared,
    answer::{List, One, Removed},
    body::{Written, check_type, read},
    place::{AliasOf, At, InProject, Named, VersionOf},
    problem::Problem,
    terms::{Asked, Terms},
};
use crate::control::{Error, Module, ModuleNamed, Wish, Write};

/// How long an upload waits for those before it.
const TURN_MOST: Duration = Duration::from_secs(30);

pub(super) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list_modules))
        .routes(routes!(push_module, get_module, delete_module))
        .routes(routes!(get_module_version, delete_module_version))
        .routes(routes!(put_alias, delete_alias))
}

/// Upload a component
///
/// It is checked, compiled and tried out, and becomes the next version of the module; if the newest version has these
/// bytes already, nothing changes. The answer says what it imports and what it asks to be granted.
#[utoipa::path(
    post, path = "/v1/projects/{project}/modules/{name}", tag = "modules",
    params(Named, Terms),
    request_body(content_type = "application/wasm", description = "The component, at most 16 MiB; 32 if the JavaScript SDK built it, 64 for Python's"),
    responses(
        (status = CREATED, description = "It is a new version", body = Module),
        (status = OK, description = "The newest version has these bytes", body = Module),
    ),
)]
async fn push_module(
    State(shared): State<Shared>,
    At(at): At<Named>,
    terms: Terms,
    request: Request,
) -> Result<One<Module>, Problem> {
    check_type(request.headers(), |kind| kind == "application/wasm", "application/wasm")?;
    // Held until it is stored: so long its bytes are in memory.
    let turn = tokio::time::timeout(TURN_MOST, Arc::clone(&shared.0.uploads).acquire_owned()).await;
    let turn = turn.map_err(|_| Problem::busy("other modules are being uploaded; try again"))?.expect("never closed");
    let bytes = read(request.into_body(), MODULE_BYTES_MOST).await?;
    let author = terms.author(&at.project);
    let pushed = shared.control().push_module(&author, at.name, bytes, terms.precondition).await;
    drop(turn);
    let (module, new, served) = terms.settle(pushed)?;
    let tag = module.revision;
    Ok(One::written(module, tag, served).created_if(new))
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
struct Which {
    /// Only versions of this module.
    name: Option<String>,
}

/// List all versions of all modules
#[utoipa::path(
    get, path = "/v1/projects/{project}/modules", tag = "modules",
    params(InProject, Which),
    responses((status = OK, body = List<Module>)),
)]
async fn list_modules(
    State(shared): State<Shared>,
    At(at): At<InProject>,
    Asked(which): Asked<Which>,
) -> Result<List<Module>, Problem> {
    let name = which.name.map(|name| name.parse::<Name>()).transpose();
    let name = name.map_err(|problem| Error::from(Faults::one("name", problem)))?;
    Ok(List { items: shared.control().modules(&at.project, name.as_ref()).await? })
}

/// Show a module with its versions
#[utoipa::path(
    get, path = "/v1/projects/{project}/modules/{name}", tag = "modules",
    params(Named),
    responses((status = OK, body = ModuleNamed)),
)]
async fn get_module(State(shared): State<Shared>, At(at): At<Named>) -> Result<One<ModuleNamed>, Problem> {
    let module = shared.control().module_named(&at.project, &at.name).await?;
    let newest = module.versions.iter().max_by_key(|module| module.version);
    let tag = newest.map_or(0, |module| module.revision);
    Ok(One::read(module, tag))
}

/// Remove a module with all its versions and aliases
///
/// Refused while a route runs one of them, or may go back to it.
#[utoipa::path(
    delete, path = "/v1/projects/{project}/modules/{name}", tag = "modules",
    params(Named, Terms),
    responses((status = NO_CONTENT)),
)]
async fn delete_module(State(shared): State<Shared>, At(at): At<Named>, terms: Terms) -> Result<Removed, Problem> {
    remove(&shared, &terms, &at.project, Write::RemoveModule { name: at.name, version: None }).await
}

/// Show one version of a module
#[utoipa::path(
    get, path = "/v1/projects/{project}/modules/{name}/{version}", tag = "modules",
    params(VersionOf),
    responses((status = OK, body = Module)),
)]
async fn get_module_version(State(shared): State<Shared>, At(at): At<VersionOf>) -> Result<One<Module>, Problem> {
    let module = shared.control().module_version(&at.project, &at.name, &at.version).await?;
    let tag = module.revision;
    Ok(One::read(module, tag))
}

/// Remove one version of a module
///
/// Refused while a route runs it or may go back to it, and while an alias names it.
#[utoipa::path(
    delete, path = "/v1/projects/{project}/modules/{name}/{version}", tag = "modules",
    params(VersionOf, Terms),
    responses((status = NO_CONTENT)),
)]
async fn delete_module_version(
    State(shared): State<Shared>,
    At(at): At<VersionOf>,
    terms: Terms,
) -> Result<Removed, Problem> {
    let version = at.version.parse().map_err(|_| {
        Error::from(Faults::one("version", format!("`{}` is no number: versions are removed by number", at.version)))
    })?;
    remove(&shared, &terms, &at.project, Write::RemoveModule { name: at.name, version: Some(version) }).await
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AliasSpec {
    version: u32,
}

/// Another name of a version.
#[derive(Debug, Serialize, ToSchema)]
struct Alias {
    #[schema(value_type = String)]
    module: Name,
    #[schema(value_type = String)]
    alias: Name,
    version: u32,
    revision: u64,
}

/// Give a version another name
///
/// Routes that name it follow when they are written again.
#[utoipa::path(
    put, path = "/v1/projects/{project}/modules/{name}/aliases/{alias}", tag = "modules",
    params(AliasOf, Terms), request_body = AliasSpec,
    responses((status = OK, body = Alias)),
)]
async fn put_alias(
    State(shared): State<Shared>,
    At(at): At<AliasOf>,
    terms: Terms,
    Written(spec): Written<AliasSpec>,
) -> Result<One<Alias>, Problem> {
    let write = Write::PutAlias { module: at.name.clone(), alias: at.alias.clone(), version: spec.version };
    let wish = Wish { write, precondition: terms.precondition };
    let changed = terms.settle(shared.control().change(&terms.author(&at.project), vec![wish]).await)?;
    let revision = changed.applied.first().map_or(changed.revision, |applied| applied.revision);
    let alias = Alias { module: at.name, alias: at.alias, version: spec.version, revision };
    Ok(One::written(alias, revision, changed.revision))
}

/// Remove an alias
#[utoipa::path(
    delete, path = "/v1/projects/{project}/modules/{name}/aliases/{alias}", tag = "modules",
    params(AliasOf, Terms),
    responses((status = NO_CONTENT)),
)]
async fn delete_alias(State(shared): State<Shared>, At(at): At<AliasOf>, terms: Terms) -> Result<Removed, Problem> {
    remove(&shared, &terms, &at.project, Write::RemoveAlias { module: at.name, alias: at.alias }).await
}

/// Removes one thing.
pub(super) async fn remove(shared: &Shared, terms: &Terms, project: &Name, write: Write) -> Result<Removed, Problem> {
    let wish = Wish { write, precondition: terms.precondition };
    let changed = terms.settle(shared.control().change(&terms.author(project), vec![wish]).await)?;
    Ok(Removed { served: changed.revision })
}
