//! An event as people write it into a file: to test a route with, or to send.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, uri::PathAndQuery};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Faults, limits};

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
        self.check_target(&mut faults);
        let headers = self.read_headers(&mut faults);
        let body = self.read_body(&mut faults);
        let Some(method) = method else { return Err(faults) };
        faults.or(Parts { method, path: self.path.clone(), query: self.query.clone(), headers, body })
    }

    /// What a request could not carry as it is written is refused: what is sent is what was read.
    fn check_target(&self, faults: &mut Faults) {
        let is_target = |text: &str| text.parse::<PathAndQuery>().is_ok_and(|read| read.as_str() == text);
        let query = self.query.as_deref().unwrap_or_default();
        if self.path.len() + query.len() > limits::TARGET_BYTES_MOST {
            faults.add("path", format!("with its query it is longer than {} bytes", limits::TARGET_BYTES_MOST));
            return;
        }
        if !self.path.starts_with('/') || self.path.contains('?') {
            faults.add("path", format!("`{}` must begin with `/` and hold no query", self.path));
        } else if !is_target(&self.path) {
            faults.add("path", format!("`{}` holds what no path holds: percent-encode it", self.path.escape_debug()));
        }
        if !is_target(&format!("/?{query}")) {
            faults.add("query", format!("`{}` holds what no query holds: percent-encode it", query.escape_debug()));
        }
    }

    fn read_headers(&self, faults: &mut Faults) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if self.headers.len() > limits::EVENT_HEADERS_MOST {
            let problem = format!("{} are too many: at most {}", self.headers.len(), limits::EVENT_HEADERS_MOST);
            faults.add("headers", problem);
            return headers;
        }
        for (index, (name, value)) in self.headers.iter().enumerate() {
            match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes())) {
                (Ok(name), Ok(value)) => _ = headers.append(name, value),
                (Err(_), _) => faults.add(format!("headers[{index}]"), format!("`{name}` is no header name")),
                (_, Err(_)) => {
                    faults.add(format!("headers[{index}]"), format!("the value of `{name}` has control characters"))
                }
            }
        }
        headers
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(file: serde_json::Value) -> Vec<String> {
        let file: EventFile = serde_json::from_value(file).unwrap();
        file.read().unwrap_err().0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_a_request_cannot_carry_is_refused() {
        for path in ["/a b", "/a\n", "/#part", "/<x>", "/\u{7f}"] {
            let shown = path.escape_debug();
            assert_eq!(
                faults(json!({ "path": path })),
                [format!("path: `{shown}` holds what no path holds: percent-encode it")]
            );
        }
        for query in ["a b", "a#part", "\r\nhost: x", "\"", "<"] {
            let shown = query.escape_debug();
            assert_eq!(
                faults(json!({ "query": query })),
                [format!("query: `{shown}` holds what no query holds: percent-encode it")]
            );
        }
        let long = "a".repeat(20_000);
        assert_eq!(
            faults(json!({ "path": format!("/{long}"), "query": long })),
            ["path: with its query it is longer than 32768 bytes"]
        );
        let parts = serde_json::from_value::<EventFile>(json!({ "path": "/é%20", "query": "a=ü?&" })).unwrap().read();
        assert_eq!(parts.map(|parts| (parts.path, parts.query)), Ok(("/é%20".to_owned(), Some("a=ü?&".to_owned()))));
    }

    #[test]
    fn headers_are_no_more_than_a_request_can_have() {
        let file = |count: usize| json!({ "headers": (0..count).map(|n| (format!("x-{n}"), "")).collect::<Vec<_>>() });
        assert_eq!(faults(file(40_000)), ["headers: 40000 are too many: at most 4096"]);
        let most = serde_json::from_value::<EventFile>(file(4_096)).unwrap().read();
        assert_eq!(most.unwrap().headers.len(), 4_096);
    }
}
