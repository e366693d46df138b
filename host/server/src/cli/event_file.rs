//! An event in a file: what is sent, and what filters and routes are tried with.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use model::{Fault, Faults};
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;

/// As it is written. At most one of the three bodies.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default = "post")]
    method: String,
    #[serde(default = "root")]
    path: String,
    /// Without `?`.
    query: Option<String>,
    /// Name and value; several of a name are kept in order.
    #[serde(default)]
    headers: Vec<(String, String)>,
    /// Sent as compact JSON.
    body: Option<Value>,
    body_text: Option<String>,
    body_base64: Option<String>,
}

fn post() -> String {
    "POST".to_owned()
}

fn root() -> String {
    "/".to_owned()
}

/// As it is meant.
#[derive(Debug, Clone)]
pub(crate) struct EventFile {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl EventFile {
    pub(crate) fn open(file: &Path) -> Result<Self, Failure> {
        let shown = file.display().to_string();
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::usage(format!("`{shown}` cannot be read: {error}")))?;
        Ok(Self::read(&shown, &text)?)
    }

    /// Reports every fault with its place.
    fn read(name: &str, text: &str) -> Result<Self, Faults> {
        let written: Written = serde_json::from_str(text).map_err(|error| {
            let place = format!("{name}:{}", error.line());
            // The line is said already.
            let problem = error.to_string();
            let problem = problem.split(" at line ").next().unwrap_or_default();
            Faults::one(place, problem)
        })?;
        written.read().map_err(|faults| {
            let located = faults.0.into_iter().map(|fault| Fault { at: format!("{name}: {}", fault.at), ..fault });
            Faults(located.collect())
        })
    }

    /// As the host takes it.
    pub(crate) fn json(&self) -> Value {
        let value = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers: Vec<_> =
            self.headers.iter().map(|(name, shown)| (name.as_str().to_owned(), value(shown))).collect();
        json!({
            "method": self.method.as_str(),
            "path": self.path,
            "query": self.query,
            "headers": headers,
            "body_base64": STANDARD.encode(&self.body),
        })
    }
}

impl Written {
    fn read(&self) -> Result<EventFile, Faults> {
        let mut faults = Faults::default();
        let method = Method::from_bytes(self.method.as_bytes()).unwrap_or_else(|_| {
            faults.add("method", format!("`{}` is no method: write `POST`", self.method));
            Method::POST
        });
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
        let body = self.body(&mut faults);
        faults.or(EventFile { method, path: self.path.clone(), query: self.query.clone(), headers, body })
    }

    fn body(&self, faults: &mut Faults) -> Bytes {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        EventFile::read("event.json", text).unwrap_err().0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_event_is_read() {
        let text = r#"{ "path": "/github", "headers": [["X-GitHub-Event", "push"], ["x-a", "1"], ["x-a", "2"]],
            "body": { "b": 1, "a": [true, null] } }"#;
        let event = EventFile::read("event.json", text).unwrap();
        assert_eq!((event.method.as_str(), event.path.as_str(), event.query.as_deref()), ("POST", "/github", None));
        assert_eq!(event.headers.get("x-github-event").unwrap(), "push");
        assert_eq!(event.headers.get_all("x-a").iter().count(), 2);
        assert_eq!(event.body, r#"{"b":1,"a":[true,null]}"#);
        assert_eq!(EventFile::read("e", r#"{"body_base64": "AAH/"}"#).unwrap().body, [0, 1, 255].as_slice());
        assert_eq!(EventFile::read("e", r#"{"body_text": "a\n"}"#).unwrap().body, "a\n");
        assert_eq!(EventFile::read("e", "{}").unwrap().body, "");
    }

    #[test]
    fn what_the_host_is_sent_means_the_same() {
        let event =
            EventFile::read("e", r#"{"path": "/x", "query": "a=1", "headers": [["A", "b"]], "body": {"c": 1}}"#);
        let again = EventFile::read("e", &event.unwrap().json().to_string()).unwrap();
        assert_eq!(
            (again.path.as_str(), again.query.as_deref(), again.body.as_ref()),
            ("/x", Some("a=1"), b"{\"c\":1}".as_ref())
        );
        assert_eq!(again.headers.get("a").unwrap(), "b");
    }

    #[test]
    fn every_fault_has_its_place() {
        assert_eq!(
            faults(
                r#"{"method": "P T", "path": "x?", "headers": [["ok", "1"], ["a b", "1"], ["c", "\n"]], "body": 1, "body_text": ""}"#
            ),
            [
                "event.json: method: `P T` is no method: write `POST`",
                "event.json: path: `x?` must begin with `/` and hold no query",
                "event.json: headers[1]: `a b` is no header name",
                "event.json: headers[2]: the value of `c` has control characters",
                "event.json: body: there may be only one of `body`, `body_text` and `body_base64`",
            ]
        );
        assert_eq!(
            faults(r#"{"body_base64": "?"}"#),
            ["event.json: body_base64: is no base64: Invalid symbol 63, offset 0."]
        );
        let unknown = faults("{\n\"boddy\": 1}");
        assert!(
            unknown[0].starts_with("event.json:2: unknown field `boddy`, expected one of `method`, "),
            "{unknown:?}"
        );
        assert_eq!(faults("{\n"), ["event.json:2: EOF while parsing an object"]);
    }
}
