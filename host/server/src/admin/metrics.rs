//! `/metrics`: what the host counts.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header::CONTENT_TYPE;
use prometheus_client::encoding::text::encode;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Shared, problem::Problem};

/// OpenMetrics 1.0, which Prometheus reads.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(get_metrics))
}

/// What the host counts
///
/// In the text format of OpenMetrics, for Prometheus. Counters begin at 0 when the host starts.
#[utoipa::path(
    get, path = "/metrics", tag = "host",
    responses((status = OK, body = String, content_type = "application/openmetrics-text")),
)]
async fn get_metrics(State(shared): State<Shared>) -> Result<Response, Problem> {
    let mut text = String::new();
    encode(&mut text, &shared.0.admin.metrics).expect("a string takes what is written");
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}
