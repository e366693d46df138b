//! Answers that are no errors.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header::ETAG};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The revision that is served after a write.
pub(super) const REVISION: HeaderName = HeaderName::from_static("snaphook-revision");

/// One thing, with its ETag.
pub(super) struct One<T> {
    status: StatusCode,
    thing: T,
    /// The revision that last changed it.
    tag: Option<u64>,
    served: Option<u64>,
}

impl<T> One<T> {
    pub(super) fn read(thing: T, tag: u64) -> Self {
        Self { status: StatusCode::OK, thing, tag: Some(tag), served: None }
    }

    /// `served` is the revision after the write.
    pub(super) fn written(thing: T, tag: u64, served: u64) -> Self {
        Self { served: Some(served), ..Self::read(thing, tag) }
    }

    /// Of a write to many things.
    pub(super) fn untagged(thing: T, served: u64) -> Self {
        Self { status: StatusCode::OK, thing, tag: None, served: Some(served) }
    }

    pub(super) fn created_if(self, new: bool) -> Self {
        Self { status: if new { StatusCode::CREATED } else { self.status }, ..self }
    }
}

impl<T: Serialize> IntoResponse for One<T> {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.thing)).into_response();
        if let Some(tag) = self.tag {
            let tag = HeaderValue::try_from(format!("\"{tag}\"")).expect("digits and quotes");
            response.headers_mut().insert(ETAG, tag);
        }
        if let Some(served) = self.served {
            response.headers_mut().insert(REVISION, HeaderValue::from(served));
        }
        response
    }
}

/// What was removed has nothing to show.
pub(super) struct Removed {
    pub(super) served: u64,
}

impl IntoResponse for Removed {
    fn into_response(self) -> Response {
        (StatusCode::NO_CONTENT, [(REVISION, HeaderValue::from(self.served))]).into_response()
    }
}

/// Several things.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct List<T> {
    pub(super) items: Vec<T>,
}

impl<T: Serialize> IntoResponse for List<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}
