//! What is logged about the admin API.

use std::{net::SocketAddr, time::Duration};

use axum::response::Response;
use http::{Method, StatusCode};

use super::problem::Detail;

pub(super) fn listening(address: SocketAddr) {
    tracing::info!(%address, "admin API listens");
}

/// Reads are routine; what changed something is told, and what failed is told louder. Queries and bodies are not: they may
/// hold anything.
pub(super) fn answered(method: &Method, path: &str, response: &Response, took: Duration) {
    let status = response.status();
    let detail = response.extensions().get::<Detail>().map(|detail| detail.0.as_str());
    let (status_code, ms) = (status.as_u16(), u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    // A probe that finds the host not ready has been told what it asked for.
    if status.is_server_error() && path == super::status::READY {
        tracing::debug!(%method, path, status = status_code, ms, detail, "not ready");
    } else if status.is_server_error() {
        tracing::error!(%method, path, status = status_code, ms, detail, "admin request failed");
    } else if status == StatusCode::UNAUTHORIZED {
        tracing::warn!(%method, path, status = status_code, "admin request without the right token");
    } else if method.is_safe() || status.is_client_error() {
        tracing::debug!(%method, path, status = status_code, ms, detail, "admin request");
    } else {
        tracing::info!(%method, path, status = status_code, ms, "admin request");
    }
}

pub(super) fn panicked(method: &Method, path: &str) {
    tracing::error!(%method, path, "admin request panicked");
}

pub(super) fn not_accepted(error: &std::io::Error) {
    tracing::warn!(%error, "admin connection could not be accepted");
}

pub(super) fn cut_off(connections: usize) {
    tracing::warn!(connections, "admin connections were cut off at the stop");
}
