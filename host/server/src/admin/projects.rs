//! `/v1/projects`, and the list of changes of one.

use axum::extract::State;
use model::Name;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Shared,
    answer::{List, One},
    place::{At, InProject},
    problem::Problem,
    terms::{Asked, Terms},
};
use crate::control;

/// Entries of the list of changes in one answer, unless asked otherwise.
const CHANGES: u32 = 100;

pub(super) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(list_projects)).routes(routes!(put_project)).routes(routes!(list_changes))
}

/// The border between teams: everything belongs to one, and nothing is seen across.
#[derive(Debug, Serialize, ToSchema)]
struct Project {
    #[schema(value_type = String)]
    name: Name,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    created: u64,
    revision: u64,
}

impl From<control::ProjectRecord> for Project {
    fn from(kept: control::ProjectRecord) -> Self {
        Self { name: kept.name, created: kept.created.as_millis(), revision: kept.revision }
    }
}

/// List all projects
#[utoipa::path(get, path = "/v1/projects", tag = "projects", responses((status = OK, body = List<Project>)))]
async fn list_projects(State(shared): State<Shared>) -> Result<List<Project>, Problem> {
    let items = shared.control().projects().await?;
    Ok(List { items: items.into_iter().map(Project::from).collect() })
}

/// Make a project
///
/// If it is there already, nothing changes.
#[utoipa::path(
    put, path = "/v1/projects/{project}", tag = "projects",
    params(InProject, Terms),
    responses(
        (status = CREATED, description = "It is new", body = Project),
        (status = OK, description = "It was there already", body = Project),
    ),
)]
async fn put_project(
    State(shared): State<Shared>,
    At(at): At<InProject>,
    terms: Terms,
) -> Result<One<Project>, Problem> {
    let author = terms.author(&at.project);
    let (kept, new, changed) = terms.settle(shared.control().create_project(&author, terms.precondition).await)?;
    let tag = kept.revision;
    Ok(One::written(Project::from(kept), tag, changed.revision).created_if(new))
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
struct Page {
    /// Only those before this revision.
    before: Option<u64>,
    /// At most so many; default 100, at most 1000.
    limit: Option<u32>,
}

/// One entry of the list of changes.
#[derive(Debug, Serialize, ToSchema)]
struct Change {
    revision: u64,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    time: u64,
    /// `api` or `cli`.
    actor: String,
    what: Vec<Written>,
}

/// What was done to one thing.
#[derive(Debug, Serialize, ToSchema)]
struct Written {
    /// `put` or `remove`.
    action: &'static str,
    /// `project`, `module`, `alias`, `route`, `destination` or `secret`.
    kind: &'static str,
    /// `orders`, `verify@3`, `verify@stable`.
    name: String,
}

impl From<control::Revision> for Change {
    fn from(kept: control::Revision) -> Self {
        let what = kept.writes.into_iter().map(|written| Written {
            action: match written.action {
                control::Action::Put => "put",
                control::Action::Remove => "remove",
            },
            kind: written.kind.name(),
            name: written.name,
        });
        Self { revision: kept.number, time: kept.time.as_millis(), actor: kept.actor, what: what.collect() }
    }
}

/// List what was changed, the newest first
#[utoipa::path(
    get, path = "/v1/projects/{project}/changes", tag = "projects",
    params(InProject, Page),
    responses((status = OK, body = List<Change>)),
)]
async fn list_changes(
    State(shared): State<Shared>,
    At(at): At<InProject>,
    Asked(page): Asked<Page>,
) -> Result<List<Change>, Problem> {
    let changes = shared.control().changes(&at.project, page.before, page.limit.unwrap_or(CHANGES)).await?;
    Ok(List { items: changes.into_iter().map(Change::from).collect() })
}
