//! The description of the API (OpenAPI 3.1), made from the code that answers it.

use std::{collections::BTreeMap, sync::LazyLock};

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header::CONTENT_TYPE};
use utoipa::{
    OpenApi,
    openapi::{
        self, Content, HeaderBuilder, Ref, RefOr, ResponseBuilder, SecurityRequirement,
        path::{Operation, ParameterIn},
        schema::{Array, Object, Schema, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::router::OpenApiRouter;

use super::{
    Shared, apply, deliveries, destinations, events, metrics, modules,
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
        (name = "deliveries", description = "Events on their way to destinations, and the dead letter"),
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
    for failure in &FAILURES {
        let problem = Content::new(Some(Ref::from_schema_name("Problem")));
        let response = ResponseBuilder::new().description(failure.description).content(CONTENT_TYPE_PROBLEM, problem);
        components.responses.insert(failure.name(), response.build().into());
    }
    refer_to_items(&mut components.schemas);
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
        .merge(metrics::router())
        .merge(projects::router())
        .merge(modules::router())
        .merge(routes::router())
        .merge(destinations::router())
        .merge(secrets::router())
        .merge(apply::router())
        .merge(events::router())
        .merge(deliveries::router())
}

pub(super) async fn get() -> Response {
    static TEXT: LazyLock<String> =
        LazyLock::new(|| serde_json::to_string_pretty(&openapi()).expect("a description is JSON"));
    ([(CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}

/// A way in which operations fail.
struct Failure {
    status: StatusCode,
    description: &'static str,
    concerns: fn(&Operation) -> bool,
}

impl Failure {
    /// `NotFound`.
    fn name(&self) -> String {
        self.status.canonical_reason().unwrap_or_default().replace(' ', "")
    }
}

const FAILURES: [Failure; 9] = [
    Failure {
        status: StatusCode::BAD_REQUEST,
        description: "The request cannot be read: `faults` says where",
        concerns: |operation| operation.request_body.is_some() || takes(operation, |known| known != ParameterIn::Path),
    },
    Failure { status: StatusCode::UNAUTHORIZED, description: "The token is missing or wrong", concerns: |_| true },
    Failure {
        status: StatusCode::NOT_FOUND,
        description: "What was named does not exist",
        concerns: |operation| takes(operation, |known| known == ParameterIn::Path),
    },
    Failure {
        status: StatusCode::CONFLICT,
        description: "Others use it, or change it all the time",
        concerns: |operation| is_conditional(operation) || operation.operation_id.as_deref() == Some("apply"),
    },
    Failure {
        status: StatusCode::PRECONDITION_FAILED,
        description: "`If-Match` or `If-None-Match` does not hold",
        concerns: is_conditional,
    },
    Failure {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        description: "The body is too large",
        concerns: |operation| operation.request_body.is_some(),
    },
    Failure {
        status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
        description: "The body is of another type",
        concerns: |operation| operation.request_body.is_some(),
    },
    Failure {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        description: "Something is wrong with what was written: `faults` lists everything",
        concerns: |operation| takes(operation, |known| known == ParameterIn::Path),
    },
    Failure {
        status: StatusCode::SERVICE_UNAVAILABLE,
        description: "It could not be done this time",
        concerns: |_| true,
    },
];

fn takes(operation: &Operation, place: impl Fn(ParameterIn) -> bool) -> bool {
    let parameters = operation.parameters.iter().flatten();
    parameters
        .filter_map(|known| match known {
            RefOr::T(parameter) => Some(parameter.parameter_in.clone()),
            RefOr::Ref(_) => None,
        })
        .any(place)
}

fn is_conditional(operation: &Operation) -> bool {
    takes(operation, |known| known == ParameterIn::Header)
}

/// What operations have in common: headers, and how they fail.
fn describe(operation: Option<&mut Operation>, path: &str, writes: bool) {
    let Some(operation) = operation else { return };
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            response.description = if status == "204" { "It is done" } else { "As asked" }.to_owned();
        }
    }
    if operation.security.is_some() {
        return;
    }
    let changes = writes
        && ![
            "/test",
            "/acknowledge-loss",
            "/reindex",
            "/replay",
            "/redrive",
            "/retry",
            "/cancel",
            "/enable",
            "/disable",
        ]
        .iter()
        .any(|end| path.ends_with(end));
    let tagged = path.ends_with('}') || is_conditional(operation);
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if changes {
            let header = HeaderBuilder::new().schema(Some(Object::with_type(Type::Integer)));
            let header =
                header.description(Some("The revision that is served now; in a dry run the one that would be"));
            response.headers.insert("Snaphook-Revision".to_owned(), header.build().into());
        }
        if tagged && status != "204" {
            let header = HeaderBuilder::new().schema(Some(Object::with_type(Type::String)));
            let header = header.description(Some("For `If-Match`: the revision that last changed it, in quotes"));
            response.headers.insert("ETag".to_owned(), header.build().into());
        }
    }
    let fail: Vec<&Failure> = FAILURES.iter().filter(|failure| (failure.concerns)(operation)).collect();
    for failure in fail {
        let response = Ref::from_response_name(failure.name());
        operation.responses.responses.insert(failure.status.as_str().to_owned(), response.into());
    }
}

/// Lists are generic, and their items would be written out once more in each.
fn refer_to_items(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    for (name, schema) in schemas {
        let Some(item) = name.strip_prefix("List_") else { continue };
        if let RefOr::T(Schema::Object(list)) = schema {
            let items = Array::new(Ref::from_schema_name(item));
            list.properties.insert("items".to_owned(), Schema::Array(items).into());
        }
    }
}
