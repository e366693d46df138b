//! What every request passes on its way in and out.

use std::time::Instant;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode, Uri,
    header::{AUTHORIZATION, CACHE_CONTROL},
};

use super::{Shared, Token, api, observe, problem::Problem, status};

/// Answered to anybody.
const FREE: [&str; 3] = [status::HEALTH, status::READY, api::PATH];

pub(super) fn router(shared: Shared) -> Router {
    let (router, _) = api::described().split_for_parts();
    router
        .route(api::PATH, get(api::get))
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .layer(middleware::from_fn_with_state(shared.clone(), admit))
        .layer(middleware::from_fn(finish))
        .with_state(shared)
}

/// Runs a request to its end even if the caller goes away: what is stored must also be served.
async fn finish(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let (asked, at) = (method.clone(), path.clone());
    let answering = tokio::spawn(async move {
        let start = Instant::now();
        let response = next.run(request).await;
        observe::answered(&asked, &at, &response, start.elapsed());
        response
    });
    let mut response = answering.await.unwrap_or_else(|_| {
        observe::panicked(&method, &path);
        let detail = "this is a fault of the host; its log says more";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail).into_response()
    });
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn admit(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    if let Err(stranger) = shared.0.hosts.check(request.uri(), request.headers()) {
        return stranger.into_response();
    }
    if !FREE.contains(&request.uri().path())
        && let Err(refused) = authorize(&shared.0.admin.token, request.headers())
    {
        return refused.into_response();
    }
    next.run(request).await
}

/// RFC 6750, section 2.1.
fn authorize(token: &Token, headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.split_once(' '));
    let given = given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, given)| given.trim());
    match given {
        Some(given) if token.is(given) => Ok(()),
        Some(_) => Err(Problem::unauthorized(
            r#"Bearer realm="snaphook", error="invalid_token""#,
            "the token is not this host's: it is in the file `admin-token` in the data folder",
        )),
        None => Err(Problem::unauthorized(
            r#"Bearer realm="snaphook""#,
            "send `Authorization: Bearer TOKEN`; the token is in the file `admin-token` in the data folder",
        )),
    }
}

async fn not_found(uri: Uri) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is nothing at `{}`; see {}", uri.path(), api::PATH))
}

async fn not_allowed(method: Method, uri: Uri) -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("`{}` does not take {method}; see {}", uri.path(), api::PATH))
}
