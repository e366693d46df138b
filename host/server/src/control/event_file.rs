//! An event as people write it into a file: to test a route with, or to send.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use model::Faults;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// At most one of the three bodies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventFile {
    #[serde(default = "post")]
    pub method: String,
    #[serde(default = "root")]
    pub path: String,
    /// Without `?`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Name and value; several of a name are kept in order.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Sent as compact JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub body: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
}

fn post() -> String {
    "POST".to_owned()
}

fn root() -> String {
    "/".to_owned()
}

/// The parts of a request.
#[derive(Debug, Clone)]
pub struct Parts {
    pub method: Method,
    pub path: String,
    pub query: Option<String>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl EventFile {
    /// Reports every fault with its place.
    pub fn read(&self) -> Result<Parts, Faults> {
        let mut faults = Faults::default();
        let method = Method::from_bytes(self.method.as_bytes());
        let method = method.map_err(|_| Faults::one("", format!("`{}` is no method: write `POST`", self.method)));
        let method = faults.keep("method", method);
        if !self.path.starts_with('/') || self.path.contains(['?', '#', ' ']) {
            faults.add("path", format!("`{}` must begin with `/` and hold no query", self.path));
        }
        let mut headers = HeaderMap::new();
        for (index, (name, value)) in self.headers.iter().enumerate() {
            match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes())) {
                (Ok(name), Ok(value)) => _ = headers.append(name, value),
                (Err(_), _) => faults.add(format!("headers[{index}]"), format!("`{name}` is no header name")),
                (_, Err(_)) => {
                    faults.add(format!("headers[{index}]"), format!("the value of `{name}` has control characters"))
                }
            }
        }
        let bodies = [self.body.is_some(), self.body_text.is_some(), self.body_base64.is_some()];
        if bodies.iter().filter(|there| **there).count() > 1 {
            faults.add("body", "only one of `body`, `body_text` and `body_base64`");
        }
        let body = match (&self.body, &self.body_text, &self.body_base64) {
            (Some(json), _, _) => Bytes::from(json.to_string()),
            (_, Some(text), _) => Bytes::from(text.clone()),
            (_, _, Some(base64)) => match STANDARD.decode(base64) {
                Ok(bytes) => bytes.into(),
                Err(error) => {
                    faults.add("body_base64", format!("is no base64: {error}"));
                    Bytes::new()
                }
            },
            (None, None, None) => Bytes::new(),
        };
        let Some(method) = method else { return Err(faults) };
        faults.or(Parts { method, path: self.path.clone(), query: self.query.clone(), headers, body })
    }
}
