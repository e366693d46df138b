//! Bodies of requests: of the right type, in time, and never more than allowed.

use std::time::Duration;

use axum::{
    body::{Body, HttpBody},
    extract::{FromRequest, Request},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use http_body_util::BodyExt;
use model::Faults;
use serde::de::DeserializeOwned;

use super::problem::Problem;
use crate::written;

/// A body of JSON, unless it says otherwise.
pub(super) const JSON_BYTES_MOST: usize = 1 << 20;
/// Between two pieces of a body.
const IDLE_MOST: Duration = Duration::from_secs(30);
/// How long the rest of a body that is too large is still read, so that the sender gets to read the answer.
const DRAIN_MOST: Duration = Duration::from_secs(5);
/// How much of it.
const DRAIN_BYTES_MOST: usize = 64 << 20;

/// JSON, read: faults come with their place in it.
pub(super) struct Written<T, const BYTES_MOST: usize = JSON_BYTES_MOST>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync, const BYTES_MOST: usize> FromRequest<S> for Written<T, BYTES_MOST> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let is_json = |kind: &str| kind == "application/json" || kind.ends_with("+json");
        check_type(request.headers(), is_json, "application/json")?;
        let bytes = read(request.into_body(), BYTES_MOST).await?;
        parse(&bytes).map(Self)
    }
}

/// The type without its parameters decides.
pub(super) fn check_type(headers: &HeaderMap, is_right: impl Fn(&str) -> bool, right: &str) -> Result<(), Problem> {
    let given = headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    let kind = given.map(|given| given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    if kind.is_some_and(|kind| is_right(&kind)) {
        return Ok(());
    }
    let given = given.map_or_else(|| "there is none".to_owned(), |given| format!("not `{given}`"));
    let detail = format!("the body must come with `Content-Type: {right}`, {given}");
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
}

/// The whole body.
pub(super) async fn read(mut body: Body, bytes_most: usize) -> Result<Bytes, Problem> {
    let announced = body.size_hint().lower();
    if announced > bytes_most as u64 {
        return Err(too_large(body, bytes_most));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(announced).unwrap_or_default());
    loop {
        let frame = tokio::time::timeout(IDLE_MOST, body.frame()).await.map_err(|_| {
            let detail = format!("nothing more of the body came for {} s", IDLE_MOST.as_secs());
            Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
        })?;
        let Some(frame) = frame else { return Ok(bytes.into()) };
        let broken = |error| Problem::new(StatusCode::BAD_REQUEST, format!("the body broke off: {error}"));
        let Ok(piece) = frame.map_err(broken)?.into_data() else { continue };
        if bytes.len() + piece.len() > bytes_most {
            return Err(too_large(body, bytes_most));
        }
        let needed = bytes.len() + piece.len();
        if needed > bytes.capacity() {
            // Twice as much as now, and never room for more than may come.
            bytes.reserve_exact(needed.max(bytes.len() * 2).min(bytes_most) - bytes.len());
        }
        bytes.extend_from_slice(&piece);
    }
}

fn too_large(mut body: Body, bytes_most: usize) -> Problem {
    // Bounded, and of no consequence if it is cut short.
    tokio::spawn(tokio::time::timeout(DRAIN_MOST, async move {
        let mut left = DRAIN_BYTES_MOST;
        while let Some(Ok(frame)) = body.frame().await {
            let piece = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(piece) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    }));
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is longer than {bytes_most} bytes"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut reader);
    let refused = |faults| Problem::faults(StatusCode::BAD_REQUEST, faults);
    let error = match read {
        Ok(value) => {
            reader.end().map_err(|error| refused(Faults::one("", error.to_string())))?;
            return Ok(value);
        }
        Err(error) => error,
    };
    // The first fault is known; if it is JSON at all, all of them can be.
    let faults = serde_json::from_slice(bytes).map(|json| written::read::<T>(json).faults).unwrap_or_default();
    if !faults.is_empty() {
        return Err(refused(faults));
    }
    let place = error.path().to_string();
    Err(refused(Faults::one(if place == "." { "" } else { &*place }, error.into_inner().to_string())))
}
