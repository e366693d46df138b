//! What came of an event.

use crate::{
    host::fake::Said,
    log::Level,
    verdict::{Decision, Header, Response},
};

/// What a filter decided and said, and what the host made of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// What was decided; or the text of the failure: the error arm of `handle`, or what the host cannot apply (then it
    /// begins with `bad output: `).
    pub decision: Result<Decision, String>,
    /// The event as it goes on, if it does.
    pub sent: Option<Sent>,
    pub labels: Vec<(String, String)>,
    pub idempotency_key: Option<String>,
    pub order_key: Option<String>,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub deliver_after: Option<u64>,
    /// What the sender is answered once the event is accepted.
    pub answer: Option<Response>,
    pub logs: Vec<(Level, String)>,
    /// Names that the filter called for without a grant.
    pub denied: Vec<String>,
}

/// An event on its way to a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    pub method: String,
    pub path: String,
    pub query: Option<String>,
    /// Lower-case names.
    pub headers: Vec<Header>,
    /// After JSON edits the document is written anew here, while the host leaves the bytes around them as they are.
    pub body: Vec<u8>,
    /// Those that the filter chose, if it did.
    pub destinations: Option<Vec<String>>,
}

impl Outcome {
    pub(super) fn new(applied: Result<(Decision, Option<Sent>), String>, said: Said) -> Self {
        let (decision, sent) = match applied {
            Ok((decision, sent)) => (Ok(decision), sent),
            Err(problem) => (Err(problem), None),
        };
        Self {
            decision,
            sent,
            labels: said.labels,
            idempotency_key: said.idempotency_key,
            order_key: said.order_key,
            deliver_after: said.deliver_after,
            answer: said.answer,
            logs: said.logs,
            denied: said.denied,
        }
    }

    /// The verdict's word: `pass`, `edit`, `reject`, `respond`, `drop`, `retry-later`; or `failed`.
    pub fn name(&self) -> &'static str {
        self.decision.as_ref().map_or("failed", Decision::name)
    }

    /// The status of a reject or respond verdict.
    pub fn status(&self) -> Option<u16> {
        match &self.decision {
            Ok(Decision::Reject(refusal)) => Some(refusal.status),
            Ok(Decision::Respond(response)) => Some(response.status),
            _ => None,
        }
    }

    /// Why the event was rejected or dropped, or the filter failed; else empty.
    pub fn reason(&self) -> &str {
        match &self.decision {
            Ok(Decision::Reject(refusal)) => &refusal.reason,
            Ok(Decision::Drop { reason }) => reason,
            Err(problem) => problem,
            _ => "",
        }
    }

    /// The body of a respond verdict, as text; else empty.
    ///
    /// # Panics
    /// If it is not UTF-8.
    pub fn answer_text(&self) -> &str {
        match &self.decision {
            Ok(Decision::Respond(response)) => std::str::from_utf8(&response.body).expect("the answer is text"),
            _ => "",
        }
    }

    /// The first value of a header of a respond or reject verdict, if it is UTF-8.
    pub fn answer_header(&self, name: &str) -> Option<&str> {
        let headers = match &self.decision {
            Ok(Decision::Respond(response)) => &response.headers,
            Ok(Decision::Reject(refusal)) => &refusal.headers,
            _ => return None,
        };
        let header = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        header.and_then(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// The event as it goes on.
    ///
    /// # Panics
    /// If it does not.
    pub fn event(&self) -> &Sent {
        self.sent.as_ref().unwrap_or_else(|| panic!("the event does not go on: {} {}", self.name(), self.reason()))
    }

    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Sent {
    /// The first value of a header, if it is UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        header.and_then(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// The body.
    ///
    /// # Panics
    /// If it is not JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}
