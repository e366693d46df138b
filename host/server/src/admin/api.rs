//! The description of the API (OpenAPI 3.1), made from the code that answers it.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header::CONTENT_TYPE};
use utoipa::{
    OpenApi,
    openapi::{
        self, Content, HeaderBuilder, Ref, RefOr, ResponseBuilder, SecurityRequirement,
        path::Operation,
        schema::{Object, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::router::OpenApiRouter;

use super::{
    Shared, apply, destinations, events, modules,
    problem::{CONTENT_TYPE_PROBLEM, Problem},
    projects, routes, secrets, status,
};

pub(super) const PATH: &str = "/openapi.json";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Snaphook",
        description = "The admin API: modules, routes, destinations and secrets of projects, and what happened to events. \
                       Every write is checked, stored and served as one change, or refused with everything that is wrong.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(Problem)),
    tags(
        (name = "host", description = "The process"),
        (name = "projects", description = "The border between teams"),
        (name = "modules", description = "Uploaded components, by name and version"),
        (name = "routes", description = "What is matched, the chain of filters, and where events go"),
        (name = "destinations", description = "Where events go"),
        (name = "secrets", description = "Write-only; filters use them by name"),
        (name = "apply", description = "A whole configuration at once"),
        (name = "events", description = "What happened to events"),
    ),
)]
struct Api;

/// The description: all paths, schemas and errors. Needs no running host.
pub fn openapi() -> openapi::OpenApi {
    let mut api = described().into_openapi();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
    let bearer = bearer.description(Some("The content of the file `admin-token` in the data folder"));
    let components = api.components.get_or_insert_default();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
    api.security = Some(vec![SecurityRequirement::new("bearer", [] as [&str; 0])]);
    for (path, item) in &mut api.paths.paths {
        describe(item.get.as_mut(), path, false);
        for write in [&mut item.put, &mut item.post, &mut item.delete] {
            describe(write.as_mut(), path, true);
        }
    }
    api
}

/// Every path, with what answers it.
pub(super) fn described() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(Api::openapi())
        .merge(status::router())
        .merge(projects::router())
        .merge(modules::router())
        .merge(routes::router())
        .merge(destinations::router())
        .merge(secrets::router())
        .merge(apply::router())
        .merge(events::router())
}

pub(super) async fn get() -> Response {
    static TEXT: LazyLock<String> =
        LazyLock::new(|| serde_json::to_string_pretty(&openapi()).expect("a description is JSON"));
    ([(CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}

/// Of every operation that needs the token.
const READS_FAIL: [(StatusCode, &str); 3] = [
    (StatusCode::UNAUTHORIZED, "The token is missing or wrong"),
    (StatusCode::NOT_FOUND, "What was named does not exist"),
    (StatusCode::UNPROCESSABLE_ENTITY, "Something is wrong with what was written: `faults` lists everything"),
];

/// Of those that change something, too.
const WRITES_FAIL: [(StatusCode, &str); 6] = [
    (StatusCode::BAD_REQUEST, "The request cannot be read: `faults` says where"),
    (StatusCode::CONFLICT, "Others use it, or it was changed meanwhile"),
    (StatusCode::PRECONDITION_FAILED, "`If-Match` or `If-None-Match` does not hold"),
    (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body is of another type"),
    (StatusCode::SERVICE_UNAVAILABLE, "It could not be done this time"),
];

/// What operations have in common: headers, and how they fail.
fn describe(operation: Option<&mut Operation>, path: &str, takes_body: bool) {
    let Some(operation) = operation.filter(|operation| operation.security.is_none()) else { return };
    let changes = takes_body && !path.ends_with("/test");
    let tagged = path.ends_with('}') || changes && !path.ends_with("/apply");
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if changes {
            let header = HeaderBuilder::new().schema(Some(Object::with_type(Type::Integer)));
            let header = header.description(Some("The revision that is served now; in a dry run the one that would be"));
            response.headers.insert("Snaphook-Revision".to_owned(), header.build().into());
        }
        if tagged && status != "204" {
            let header = HeaderBuilder::new().schema(Some(Object::with_type(Type::String)));
            let header = header.description(Some("For `If-Match`: the revision that last changed it, in quotes"));
            response.headers.insert("ETag".to_owned(), header.build().into());
        }
    }
    let fail = READS_FAIL.iter().chain(WRITES_FAIL.iter().filter(|_| takes_body));
    for (status, description) in fail {
        let problem = Content::new(Some(Ref::from_schema_name("Problem")));
        let response = ResponseBuilder::new().description(*description).content(CONTENT_TYPE_PROBLEM, problem);
        operation.responses.responses.insert(status.as_str().to_owned(), response.build().into());
    }
}
