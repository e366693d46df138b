//! An event as people write it into a file: to test a route with, or to send.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header::CONTENT_LENGTH, uri::PathAndQuery};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Faults, Octets, Timestamp, limits};

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
    /// When it arrived, milliseconds since 1970: what is signed with a time is right then, and too old soon after. It counts
    /// where a filter is tried, not where the event is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_ms: Option<u64>,
    /// Name and value; several of a name are kept in order. A value that is no text is `{"base64": "…"}`.
    #[serde(default)]
    pub headers: Vec<(String, Octets)>,
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

/// The end of the year 9999.
const RECEIVED_MOST: u64 = 253_402_300_799_999;

/// The parts of a request.
#[derive(Debug, Clone)]
pub struct Parts {
    pub method: Method,
    pub path: String,
    pub query: Option<String>,
    pub received: Option<Timestamp>,
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
        if let Some(received) = self.received_ms.filter(|received| *received > RECEIVED_MOST) {
            faults.add("received_ms", format!("{received} is past the year 9999: write milliseconds since 1970"));
        }
        let received = self.received_ms.map(Timestamp::from_millis);
        faults.or(Parts { method, path: self.path.clone(), query: self.query.clone(), received, headers, body })
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
            let read = match (HeaderName::from_bytes(name.as_bytes()), value.bytes()) {
                (Err(_), _) => Err(format!("`{name}` is no header name")),
                (_, Err(problem)) => Err(problem),
                (Ok(named), Ok(bytes)) => match HeaderValue::from_bytes(&bytes) {
                    Ok(value) => Ok((named, value)),
                    Err(_) => Err(format!("the value of `{name}` has control characters")),
                },
            };
            match read {
                Ok((name, value)) => _ = headers.append(name, value),
                Err(problem) => faults.add(format!("headers[{index}]"), problem),
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
    /// A file that means the same, byte for byte, and is as readable as that allows. How long the body is says whoever sends
    /// it.
    pub fn file(&self) -> EventFile {
        let headers = self.headers.iter().filter(|(name, _)| *name != CONTENT_LENGTH);
        let headers = headers.map(|(name, value)| (name.as_str().to_owned(), Octets::of(value.as_bytes())));
        let mut file = EventFile {
            method: self.method.to_string(),
            path: self.path.clone(),
            query: self.query.clone(),
            received_ms: self.received.map(Timestamp::as_millis),
            headers: headers.collect(),
            body: None,
            body_text: None,
            body_base64: None,
        };
        match Octets::of(&self.body) {
            Octets::Text(text) if text.is_empty() => {}
            Octets::Text(text) => match compact(&text) {
                Some(json) => file.body = Some(json),
                None => file.body_text = Some(text),
            },
            Octets::Bytes { base64 } => file.body_base64 = Some(base64),
        }
        file
    }
}

/// What is written as JSON in just these bytes. `null` would be taken for no body.
fn compact(text: &str) -> Option<serde_json::Value> {
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    let written = json.to_string();
    (!json.is_null() && written == text).then_some(json)
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
        assert_eq!(
            faults(json!({ "received_ms": u64::MAX })),
            ["received_ms: 18446744073709551615 is past the year 9999: write milliseconds since 1970"]
        );
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

    fn round(headers: &[(&str, &[u8])], body: &'static [u8]) -> (serde_json::Value, Parts) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value).unwrap());
        }
        let (method, path) = (Method::PUT, "/a%20b".to_owned());
        let parts = Parts {
            method,
            path,
            query: Some("q=1".to_owned()),
            received: Some(Timestamp::from_millis(7)),
            headers: map,
            body: Bytes::from_static(body),
        };
        let written = serde_json::to_value(parts.file()).unwrap();
        let again: EventFile = serde_json::from_value(written.clone()).unwrap();
        (written, again.read().unwrap())
    }

    #[test]
    fn what_is_written_is_read_as_the_same_bytes() {
        let headers: &[(&str, &[u8])] = &[("x-a", b"1"), ("x-a", b"\xff\xfe"), ("x-b", "\u{e9}".as_bytes())];
        for (body, member) in [
            (&b"{\"b\":1,\"a\":[1.50]}"[..], "body_text"),
            (b"{\"b\":1,\"a\":[1.5,null]}", "body"),
            (b"{ \"b\": 1 }", "body_text"),
            (b"{\"a\":1,\"a\":2}", "body_text"),
            (b"null", "body_text"),
            (b"plain\r\n", "body_text"),
            (b"\0\xff\x80", "body_base64"),
        ] {
            let (written, again) = round(headers, body);
            assert_eq!(again.body, body);
            let members: Vec<&String> =
                written.as_object().unwrap().keys().filter(|key| key.starts_with("body")).collect();
            assert_eq!(members, [member], "{written}");
            let read: Vec<_> = again.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
            assert_eq!(read, headers);
            assert_eq!((again.method, again.path, again.query), (Method::PUT, "/a%20b".into(), Some("q=1".into())));
        }
        let (written, again) = round(&[("content-length", b"0"), ("x-bin", b"\xff")], b"");
        assert_eq!(written["headers"], json!([["x-bin", { "base64": "/w==" }]]));
        assert!(again.body.is_empty() && written.get("body").is_none());
    }

    #[test]
    fn a_value_that_is_no_text_is_checked() {
        let one = |value: serde_json::Value| json!({ "headers": [["x-a", value]] });
        assert_eq!(faults(one(json!({ "base64": "?" }))), ["headers[0]: is no base64: Invalid symbol 63, offset 0."]);
        assert_eq!(faults(one(json!({ "base64": "Cg==" }))), ["headers[0]: the value of `x-a` has control characters"]);
    }
}
