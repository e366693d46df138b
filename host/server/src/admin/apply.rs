//! `/v1/projects/{project}/apply`: a whole configuration at once.

use axum::extract::State;
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Shared,
    answer::One,
    body::Written,
    place::{At, InProject},
    problem::Problem,
    terms::{Actor, Asked},
};
use crate::control::apply::{ApplyReport, Configuration};

const BYTES_MOST: usize = 4 << 20;

pub(super) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(apply))
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
struct How {
    /// Check everything and keep nothing: the answer is what would be.
    #[param(default = false)]
    dry_run: bool,
    /// Remove routes and destinations that the configuration does not name.
    #[param(default = false)]
    prune: bool,
}

/// Apply a whole configuration
///
/// One change: all of it or nothing. Applied twice, the second time changes nothing. Bytes of modules are pushed before; in
/// a dry run, by a dry run.
#[utoipa::path(
    post, path = "/v1/projects/{project}/apply", tag = "apply",
    params(InProject, How), request_body = Configuration,
    responses((status = OK, body = ApplyReport)),
)]
async fn apply(
    State(shared): State<Shared>,
    At(at): At<InProject>,
    Asked(how): Asked<How>,
    actor: Actor,
    Written(configuration): Written<Configuration, BYTES_MOST>,
) -> Result<One<ApplyReport>, Problem> {
    let author = actor.author(&at.project, how.dry_run);
    let report = shared.control().apply(&author, configuration, how.prune).await?;
    let served = report.revision;
    Ok(One::untagged(report, served))
}
