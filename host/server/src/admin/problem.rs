//! Every answer that is an error, as problem details (RFC 9457).

use std::time::Duration;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use model::{Fault, Faults};
use serde::Serialize;
use utoipa::ToSchema;

use crate::control::Error;

pub(super) const CONTENT_TYPE_PROBLEM: &str = "application/problem+json";

/// Problem details (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Always `about:blank`: the status says what kind of problem it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    status: u16,
    /// What happened with which value, and what to do about it.
    detail: String,
    /// Everything that is wrong with what was written, each with its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<Fault>,
    #[serde(skip)]
    challenge: Option<&'static str>,
    #[serde(skip)]
    retry_after: Option<Duration>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            faults: Vec::new(),
            challenge: None,
            retry_after: None,
        }
    }

    /// The detail says what the faults say, for those who read no further.
    pub(super) fn faults(status: StatusCode, faults: Faults) -> Self {
        Self { faults: faults.0.clone(), ..Self::new(status, faults.to_string()) }
    }

    /// RFC 6750: without an error code if nothing was given.
    pub(super) fn unauthorized(challenge: &'static str, detail: &str) -> Self {
        Self { challenge: Some(challenge), ..Self::new(StatusCode::UNAUTHORIZED, detail) }
    }

    pub(super) fn busy(detail: &str) -> Self {
        Self { retry_after: Some(Duration::from_secs(1)), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }
}

impl From<Error> for Problem {
    /// Whoever holds the token runs the host, and may read everything.
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::NotFound(_) => StatusCode::NOT_FOUND,
            Error::Conflict(_) | Error::InUse(_) => StatusCode::CONFLICT,
            Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        match error {
            Error::Invalid(faults) => Self::faults(status, faults),
            other => Self::new(status, other.to_string()),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).expect("made from a status");
        let (challenge, retry_after) = (self.challenge, self.retry_after);
        let detail = Detail(self.detail.clone());
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE_PROBLEM));
        if let Some(challenge) = challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(retry_after) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(retry_after.as_secs()));
        }
        response.extensions_mut().insert(detail);
        response
    }
}

/// What the log is told of a problem.
#[derive(Debug, Clone)]
pub(super) struct Detail(pub(super) String);
