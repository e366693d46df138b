//! One received webhook, and what a chain makes of it.

use std::{net::IpAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::{EventId, Name, Response, Timestamp, json::Document};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// One received webhook. Cloning is cheap: headers and body are shared.
#[derive(Debug, Clone)]
pub struct Event {
    pub id: EventId,
    pub project: Name,
    pub route: Name,
    pub received: Timestamp,
    /// The sender; behind a trusted proxy, the one that the proxy names.
    pub source: IpAddr,
    pub scheme: Scheme,
    pub method: Method,
    /// Host and port as the sender wrote them; empty if there were none (HTTP/1.0).
    pub authority: String,
    /// Begins with `/`, percent-encoding kept.
    pub path: String,
    pub query: Option<String>,
    /// Lower-case names, exact values, order within a name. Without hop-by-hop fields.
    pub headers: Arc<HeaderMap>,
    /// None if it was not read, because no filter of the route needs it.
    pub body: Option<Bytes>,
    pub replay: bool,
    /// Facts for filters: `path.NAME` and what later versions add.
    pub attributes: Vec<(String, String)>,
}

/// The event on its way through a chain: what it has become, and what filters said about it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// As the next filter sees it.
    pub current: Event,
    /// The body as it was received.
    pub original: Bytes,
    /// What filters said beside their verdicts.
    pub annotations: Annotations,
    /// The destinations that a filter chose, if one did.
    pub chosen: Option<Vec<Name>>,
    /// `current.body`, parsed on first use and kept until the body changes.
    pub document: Option<Result<Arc<Document>, crate::json::NotJson>>,
}

impl Draft {
    pub fn new(event: Event) -> Self {
        Self {
            original: event.body.clone().unwrap_or_default(),
            current: event,
            annotations: Annotations::default(),
            chosen: None,
            document: None,
        }
    }

    pub fn body(&self) -> &Bytes {
        static EMPTY: Bytes = Bytes::new();
        self.current.body.as_ref().unwrap_or(&EMPTY)
    }

    /// The current body as JSON; parsed once until the body changes.
    pub fn document(&mut self) -> Result<Arc<Document>, crate::json::NotJson> {
        if self.document.is_none() {
            self.document = Some(Document::parse(self.body().clone()).map(Arc::new));
        }
        self.document.clone().expect("was just set")
    }

    /// The body as it was received, as JSON.
    pub fn received_document(&mut self) -> Result<Arc<Document>, crate::json::NotJson> {
        if self.body().as_ptr() == self.original.as_ptr() && self.body().len() == self.original.len() {
            return self.document();
        }
        Document::parse(self.original.clone()).map(Arc::new)
    }
}

/// What filters said about an event beside their verdicts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Annotations {
    pub labels: Vec<(String, String)>,
    pub idempotency_key: Option<String>,
    pub order_key: Option<String>,
    pub deliver_after: Option<Timestamp>,
    pub answer: Option<Answer>,
}

impl Annotations {
    /// Takes over what a later filter said; its values win.
    pub fn take(&mut self, later: Self) {
        for (name, value) in later.labels {
            self.set_label(name, value);
        }
        self.idempotency_key = later.idempotency_key.or(self.idempotency_key.take());
        self.order_key = later.order_key.or(self.order_key.take());
        self.deliver_after = later.deliver_after.or(self.deliver_after);
        self.answer = later.answer.or(self.answer.take());
    }

    /// Sets a label; the last value of a name wins.
    pub fn set_label(&mut self, name: String, value: String) {
        match self.labels.iter_mut().find(|(known, _)| *known == name) {
            Some(label) => label.1 = value,
            None => self.labels.push((name, value)),
        }
    }
}

/// What the sender is answered once the event is accepted.
pub type Answer = Response;

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(body: Option<Bytes>) -> Draft {
        Draft::new(Event {
            id: EventId::new(Timestamp::from_millis(1), 1),
            project: "team".parse().unwrap(),
            route: "hooks".parse().unwrap(),
            received: Timestamp::from_millis(1),
            source: IpAddr::from([127, 0, 0, 1]),
            scheme: Scheme::Http,
            method: Method::POST,
            authority: String::new(),
            path: "/".to_owned(),
            query: None,
            headers: Arc::default(),
            body,
            replay: false,
            attributes: Vec::new(),
        })
    }

    #[test]
    fn a_body_is_parsed_once() {
        let mut draft = draft(Some(Bytes::from_static(b"[1]")));
        let document = draft.document().unwrap();
        assert_eq!(document.get("/0"), Ok(Some("1")));
        assert!(Arc::ptr_eq(&document, &draft.document().unwrap()));
    }

    #[test]
    fn a_body_that_was_not_read_is_empty() {
        let mut draft = draft(None);
        assert!(draft.body().is_empty() && draft.original.is_empty());
        let wrong = draft.document().unwrap_err();
        assert_eq!(wrong.to_string(), "not JSON: a value should be at line 1 column 1");
    }

    #[test]
    fn the_last_value_of_a_label_wins() {
        let mut annotations = Annotations::default();
        for (name, value) in [("a", "1"), ("b", "2"), ("a", "3")] {
            annotations.set_label(name.to_owned(), value.to_owned());
        }
        let labels: Vec<_> = annotations.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(labels, ["a=3", "b=2"]);
    }
}
