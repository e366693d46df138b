//! An event as people write it into a file: to test a route with, or to send.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Faults;

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
        let body = self.read_body(&mut faults);
        let Some(method) = method else { return Err(faults) };
        faults.or(Parts { method, path: self.path.clone(), query: self.query.clone(), headers, body })
    }

    fn read_body(&self, faults: &mut Faults) -> Bytes {
        match (&self.body, &self.body_text, &self.body_base64) {
            (None, None, None) => Bytes::new(),
            (Some(json), None, None) => Bytes::from(json.to_string()),
            (None, Some(text), None) => Bytes::from(text.clone()),
            (None, None, Some(base64)) => STANDARD.decode(base64).map(Bytes::from).unwrap_or_else(|error| {
                faults.add("body_base64", format!("is no base64: {error}"));
                Bytes::new()
            }),
            _ => {
                faults.add("body", "there may be only one of `body`, `body_text` and `body_base64`");
                Bytes::new()
            }
        }
    }
}

impl Parts {
    /// A file that means the same, with the body's exact bytes.
    pub fn file(&self) -> EventFile {
        let value = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        EventFile {
            method: self.method.to_string(),
            path: self.path.clone(),
            query: self.query.clone(),
            headers: self.headers.iter().map(|(name, shown)| (name.as_str().to_owned(), value(shown))).collect(),
            body: None,
            body_text: None,
            body_base64: Some(STANDARD.encode(&self.body)),
        }
    }
}
