//! An answer, whoever asked for it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Response};
use serde_json::Value;

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: HeaderMap,
}

impl Answer {
    pub(crate) async fn read(answer: Response<hyper::body::Incoming>) -> Result<Self, hyper::Error> {
        let (head, body) = answer.into_parts();
        let body = http_body_util::BodyExt::collect(body).await?;
        let trailers = body.trailers().cloned().unwrap_or_default();
        Ok(Self { status: head.status.as_u16(), headers: head.headers, body: body.to_bytes(), trailers })
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:?}\n{}", self.headers, self.text());
        self
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The value of a header; empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The id of the event that it answers.
    #[track_caller]
    pub(crate) fn event(&self) -> &str {
        let event = self.header("snaphook-event");
        assert!(event.starts_with("evt_") && event.len() == 30, "{event:?} is no event's id: {:?}", self.headers);
        event
    }

    /// The problem that it describes, after what every problem has was compared.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let problem = self.json();
        assert_eq!(problem["status"], status, "{problem}");
        assert!(problem["type"].is_string() && problem["title"].is_string(), "{problem}");
        problem
    }

    /// A problem that the gateway tells a sender: its detail, and nothing beside what every such problem has.
    #[track_caller]
    pub(crate) fn refusal(&self, status: u16) -> String {
        let problem = self.problem(status);
        let keys: Vec<&String> = problem.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["type", "title", "status", "detail", "event"]);
        assert_eq!(problem["event"], self.event());
        problem["detail"].as_str().unwrap().to_owned()
    }

    /// Everything that the admin API finds wrong, one line each: `place: problem`; its detail if it lists no faults.
    #[track_caller]
    pub(crate) fn faults(&self, status: u16) -> String {
        let problem = self.problem(status);
        let Some(faults) = problem["faults"].as_array().filter(|faults| !faults.is_empty()) else {
            return problem["detail"].as_str().unwrap().to_owned();
        };
        let line = |fault: &Value| match (fault["at"].as_str().unwrap(), fault["problem"].as_str().unwrap()) {
            ("", problem) => problem.to_owned(),
            (at, problem) => format!("{at}: {problem}"),
        };
        faults.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// The bytes of a text in base64, as the admin API writes bodies.
#[track_caller]
pub(crate) fn unbase64(text: &Value) -> Vec<u8> {
    STANDARD.decode(text.as_str().unwrap()).unwrap()
}
