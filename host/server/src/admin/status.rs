//! Whether the host lives, is ready, and what it serves.

use axum::{Json, extract::State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Shared, problem::Problem};
use crate::control;

pub(super) const HEALTH: &str = "/healthz";
pub(super) const READY: &str = "/readyz";

pub(super) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(is_alive))
        .routes(routes!(is_ready))
        .routes(routes!(get_status))
        .routes(routes!(acknowledge_loss))
        .routes(routes!(reindex))
}

/// Whether the process lives
#[utoipa::path(get, path = "/healthz", tag = "host", security(()), responses((status = OK, body = String, content_type = "text/plain")))]
async fn is_alive() -> &'static str {
    "ok\n"
}

/// Whether a snapshot is served, webhooks are accepted and events can be stored
#[utoipa::path(
    get, path = "/readyz", tag = "host", security(()),
    responses((status = OK, body = String, content_type = "text/plain"), (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json")),
)]
async fn is_ready(State(shared): State<Shared>) -> Result<&'static str, Problem> {
    if !*shared.0.admin.ready.borrow() {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the host is starting or stopping"));
    }
    match shared.control().journal_trouble() {
        Some(trouble) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, trouble)),
        None => Ok("ok\n"),
    }
}

/// Take note that acknowledged events were lost
///
/// After the journal's file was damaged the host is not ready until somebody has seen how many events are gone from its end.
#[utoipa::path(post, path = "/v1/acknowledge-loss", tag = "host", responses((status = NO_CONTENT)))]
async fn acknowledge_loss(State(shared): State<Shared>) -> Result<StatusCode, Problem> {
    shared.control().acknowledge_loss().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Fill the search anew
///
/// Forgets what was indexed; in a while everything is found again.
#[utoipa::path(post, path = "/v1/reindex", tag = "host", responses((status = NO_CONTENT)))]
async fn reindex(State(shared): State<Shared>) -> Result<StatusCode, Problem> {
    shared.control().reindex().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the host is doing.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct HostStatus {
    #[serde(flatten)]
    status: control::Status,
    /// Where webhooks arrive.
    #[schema(example = "127.0.0.1:8080")]
    gateway: String,
}

/// What the host serves
#[utoipa::path(get, path = "/v1/status", tag = "host", responses((status = OK, body = HostStatus)))]
async fn get_status(State(shared): State<Shared>) -> Json<HostStatus> {
    let status = shared.control().status().await;
    Json(HostStatus { status, gateway: shared.0.admin.gateway.to_string() })
}
