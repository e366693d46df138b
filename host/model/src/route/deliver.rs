//! Mode `deliver` as it is meant.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use http::{HeaderMap, HeaderName};
use serde_json::Value;

use crate::{
    Attachment, Draft, Faults, Name, Retry, Timestamp,
    spec::{AttachmentSpec, DelaySpec, DeliverSpec, Exhausted, IdempotencySpec, KeepSpec, KeySpec, OrderBy, OrderSpec},
};

/// What becomes of an event that is stored and delivered.
#[derive(Debug, Clone, PartialEq)]
pub struct Deliver {
    destinations: Vec<Name>,
    /// Those of destinations that have some, by name.
    filters: Vec<(Name, Vec<Attachment>)>,
    pub order: Order,
    pub idempotency: Idempotency,
    /// The header in which the sender says when.
    pub delay_header: Option<HeaderName>,
    pub delay_most: Duration,
    /// Instead of what the destinations say.
    pub retry: Option<Retry>,
}

impl Deliver {
    /// None without a destination.
    pub fn new(destinations: Vec<Name>) -> Option<Self> {
        (!destinations.is_empty()).then(|| Self {
            destinations,
            filters: Vec::new(),
            order: Order::Off,
            idempotency: Idempotency { key: None, window: WINDOW },
            delay_header: None,
            delay_most: DELAY_MOST,
            retry: None,
        })
    }

    /// At least one.
    pub fn destinations(&self) -> &[Name] {
        &self.destinations
    }

    /// The filters of each destination that has some.
    pub fn filters(&self) -> &[(Name, Vec<Attachment>)] {
        &self.filters
    }

    /// `names` are those of the route's other filters.
    pub(super) fn with_filters(
        mut self,
        written: &BTreeMap<String, Vec<AttachmentSpec>>,
        names: &mut HashSet<Name>,
        faults: &mut Faults,
    ) -> Self {
        for (destination, filters) in written {
            let at = format!("filters.{destination}");
            match self.destinations.iter().find(|known| known.as_str() == destination) {
                Some(known) => {
                    let mut own = Faults::default();
                    let filters = super::read_filters(&at, filters, names, &mut own);
                    self.filters.push((known.clone(), filters));
                    faults.take("deliver", own);
                }
                None => faults.add(format!("deliver.{at}"), format!("`{destination}` is not one of the destinations")),
            }
        }
        self
    }
}

/// In which order events reach a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    Off,
    Route { exhausted: Exhausted },
    Key { key: Option<Key>, exhausted: Exhausted },
}

/// Which events are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// Beside the one that a filter gives.
    pub key: Option<Key>,
    pub window: Duration,
}

/// Where a key stands in an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    Header(HeaderName),
    Json(String),
}

/// How long events are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keep {
    pub time: Duration,
    pub body_time: Duration,
    pub events: Option<u64>,
    pub bytes: Option<u64>,
}

impl Default for Keep {
    fn default() -> Self {
        Self { time: KEEP, body_time: KEEP, events: None, bytes: None }
    }
}

const WINDOW: Duration = Duration::from_hours(24);
const WINDOW_MOST: Duration = Duration::from_hours(30 * 24);
const DELAY_MOST: Duration = Duration::from_hours(30 * 24);
const KEEP: Duration = Duration::from_hours(30 * 24);
const KEEP_MOST: Duration = Duration::from_hours(3_660 * 24);

impl DeliverSpec {
    pub(super) fn read(&self) -> Result<Deliver, Faults> {
        let mut faults = Faults::default();
        let names = faults.keep("", super::destinations("destinations", &self.destinations));
        let order = faults.keep("order", self.order.read());
        let idempotency = self.idempotency.clone().unwrap_or_default();
        let idempotency = faults.keep("idempotency", idempotency.read());
        let delay = faults.keep("delay", self.delay.clone().unwrap_or_default().read());
        let retry = self.retry.as_ref().map(crate::retry::RetrySpec::read).transpose();
        let retry = faults.keep("retry", retry);
        match (names, order, idempotency, delay, retry) {
            (Some(destinations), Some(order), Some(idempotency), Some((delay_header, delay_most)), Some(retry)) => {
                let filters = Vec::new();
                faults.or(Deliver { destinations, filters, order, idempotency, delay_header, delay_most, retry })
            }
            _ => Err(faults),
        }
    }
}

impl OrderSpec {
    fn read(&self) -> Result<Order, Faults> {
        let mut faults = Faults::default();
        let key = faults.keep("key", self.key.as_ref().map(KeySpec::read).transpose());
        if self.key.is_some() && self.by != OrderBy::Key {
            faults.add("key", "is not looked at: write `by = \"key\"`, or leave it out");
        }
        let exhausted = self.exhausted;
        faults.or(match self.by {
            OrderBy::Off => Order::Off,
            OrderBy::Route => Order::Route { exhausted },
            OrderBy::Key => Order::Key { key: key.flatten(), exhausted },
        })
    }
}

impl IdempotencySpec {
    fn read(&self) -> Result<Idempotency, Faults> {
        let mut faults = Faults::default();
        let key = faults.keep("key", self.key.as_ref().map(KeySpec::read).transpose());
        let window = seconds(&mut faults, "window_seconds", self.window_seconds, WINDOW, WINDOW_MOST);
        faults.or(Idempotency { key: key.flatten(), window })
    }
}

impl DelaySpec {
    fn read(&self) -> Result<(Option<HeaderName>, Duration), Faults> {
        let mut faults = Faults::default();
        let header = self.header.as_deref().map(header).transpose().map_err(|problem| Faults::one("header", problem));
        let header = faults.keep("", header).flatten();
        let most = seconds(&mut faults, "most_seconds", self.most_seconds, DELAY_MOST, DELAY_MOST);
        faults.or((header, most))
    }
}

impl KeepSpec {
    pub(super) fn read(&self) -> Result<Keep, Faults> {
        let mut faults = Faults::default();
        let time = seconds(&mut faults, "seconds", self.seconds, KEEP, KEEP_MOST);
        let body_time = seconds(&mut faults, "body_seconds", self.body_seconds, time, KEEP_MOST);
        for (at, most) in [("events", self.events), ("bytes", self.bytes)] {
            if most == Some(0) {
                faults
                    .add(at, "0 keeps nothing, not even what is yet to be delivered: write 1 or more, or leave it out");
            }
        }
        faults.or(Keep { time, body_time: body_time.min(time), events: self.events, bytes: self.bytes })
    }
}

impl KeySpec {
    fn read(&self) -> Result<Key, Faults> {
        match (&self.header, &self.json) {
            (Some(name), None) => header(name).map(Key::Header).map_err(|problem| Faults::one("header", problem)),
            (None, Some(pointer)) if pointer.is_empty() || pointer.starts_with('/') => Ok(Key::Json(pointer.clone())),
            (None, Some(pointer)) => Err(Faults::one(
                "json",
                format!("`{pointer}` is no JSON pointer: it begins with `/`, as in `/data/id`"),
            )),
            _ => Err(Faults::one("", "needs either `header` or `json`")),
        }
    }
}

fn header(name: &str) -> Result<HeaderName, String> {
    name.parse().map_err(|_| format!("`{name}` is no header name"))
}

fn seconds(faults: &mut Faults, at: &str, written: Option<u64>, default: Duration, most: Duration) -> Duration {
    let Some(seconds) = written else { return default };
    if !(1..=most.as_secs()).contains(&seconds) {
        faults.add(at, format!("{seconds} is out of range: 1 to {} seconds", most.as_secs()));
    }
    Duration::from_secs(seconds)
}

impl Key {
    /// What stands there; none if nothing does, or nothing that is a text, number or truth value.
    pub fn find(&self, received: &HeaderMap, draft: &mut Draft) -> Option<String> {
        match self {
            Self::Header(name) => {
                let value = received.get(name)?;
                Some(String::from_utf8_lossy(value.as_bytes()).into_owned()).filter(|value| !value.is_empty())
            }
            Self::Json(pointer) => {
                let document = draft.received_document().ok()?;
                match serde_json::from_str(document.get(pointer).ok()??).ok()? {
                    Value::String(text) => Some(text).filter(|text| !text.is_empty()),
                    Value::Number(number) => Some(number.to_string()),
                    Value::Bool(truth) => Some(truth.to_string()),
                    _ => None,
                }
            }
        }
    }
}

/// The time that a header names: seconds from `now`, or a date (RFC 9110, section 10.2.3).
pub fn delay_until(value: &str, now: Timestamp) -> Option<Timestamp> {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // What is too long for a number is too long for every bound.
        return Some(now.after(Duration::from_secs(value.parse().unwrap_or(u64::MAX))));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Timestamp::from_millis(u64::try_from(since.as_millis()).ok()?))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use bytes::Bytes;
    use http::Method;
    use serde_json::json;

    use super::*;
    use crate::{Event, EventId, Scheme};

    fn read(spec: serde_json::Value) -> Result<Deliver, Faults> {
        serde_json::from_value::<DeliverSpec>(spec).unwrap().read()
    }

    fn draft(body: &'static str) -> Draft {
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
            headers: std::sync::Arc::default(),
            body: Some(Bytes::from_static(body.as_bytes())),
            replay: false,
            attributes: Vec::new(),
        })
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let deliver = read(json!({ "destinations": ["a", "b"] })).unwrap();
        let names: Vec<&str> = deliver.destinations().iter().map(Name::as_str).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(deliver, Deliver::new(deliver.destinations().to_vec()).unwrap());
        assert_eq!(KeepSpec::default().read().unwrap(), Keep::default());
    }

    #[test]
    fn everything_can_be_written() {
        let deliver = read(json!({
            "destinations": ["a"],
            "order": { "by": "key", "key": { "json": "/data/id" }, "exhausted": "wait" },
            "idempotency": { "key": { "header": "Idempotency-Key" }, "window_seconds": 60 },
            "delay": { "header": "deliver-after", "most_seconds": 10 },
            "retry": { "delays_seconds": [1] },
        }))
        .unwrap();
        let exhausted = Exhausted::Wait;
        assert_eq!(deliver.order, Order::Key { key: Some(Key::Json("/data/id".to_owned())), exhausted });
        let key = Some(Key::Header("idempotency-key".parse().unwrap()));
        assert_eq!(deliver.idempotency, Idempotency { key, window: Duration::from_secs(60) });
        assert_eq!(deliver.delay_header.unwrap(), "deliver-after");
        assert_eq!((deliver.delay_most, deliver.retry.unwrap().attempts()), (Duration::from_secs(10), 2));
    }

    #[test]
    fn every_fault_is_told() {
        let wrong = json!({
            "destinations": [],
            "order": { "by": "route", "key": { "json": "/a" } },
            "idempotency": { "key": { "json": "a" }, "window_seconds": 0 },
            "delay": { "header": "no header", "most_seconds": 2_592_001 },
            "retry": { "delays_seconds": [0] },
        });
        let faults = read(wrong).unwrap_err();
        let places: Vec<&str> = faults.0.iter().map(|fault| fault.at.as_str()).collect();
        assert_eq!(
            places,
            [
                "destinations",
                "order.key",
                "idempotency.key.json",
                "idempotency.window_seconds",
                "delay.header",
                "delay.most_seconds",
                "retry.delays_seconds[0]"
            ]
        );
        let both = json!({ "destinations": ["a"], "order": { "by": "key", "key": { "json": "/a", "header": "b" } } });
        assert_eq!(read(both).unwrap_err().to_string(), "order.key: needs either `header` or `json`");
        let keep: KeepSpec = serde_json::from_value(json!({ "seconds": 0, "events": 0, "bytes": 0 })).unwrap();
        let places: Vec<String> = keep.read().unwrap_err().0.into_iter().map(|fault| fault.at).collect();
        assert_eq!(places, ["seconds", "events", "bytes"]);
        assert!(serde_json::from_value::<DeliverSpec>(json!({ "order": {} })).unwrap().read().is_err());
    }

    #[test]
    fn destinations_have_filters_of_their_own() {
        let spec = json!({
            "deliver": { "destinations": ["a", "b"], "filters": { "b": [{ "name": "two", "module": "x" }] } },
            "filters": [{ "name": "one", "module": "x" }],
        });
        let read = |spec: &serde_json::Value| {
            let spec: crate::spec::RouteSpec = serde_json::from_value(spec.clone()).unwrap();
            let places = spec.places();
            spec.read(&"p".parse().unwrap(), &"r".parse().unwrap()).map(|route| (route, places))
        };
        let (route, places) = read(&spec).unwrap();
        let names: Vec<&str> = route.attachments().map(|filter| filter.name.as_str()).collect();
        assert_eq!(
            (names, places),
            (vec!["one", "two"], vec!["filters[0]".to_owned(), "deliver.filters.b[0]".to_owned()])
        );
        let mut wrong = spec.clone();
        wrong["deliver"]["filters"] = json!({ "b": [{ "name": "one", "module": "x" }], "c": [] });
        let faults = read(&wrong).unwrap_err().to_string();
        assert_eq!(
            faults,
            "deliver.filters.b[0].name: `one` is taken by an earlier filter; deliver.filters.c: `c` is not one of the destinations"
        );
    }

    #[test]
    fn keys_are_found_where_they_stand() {
        let mut headers = HeaderMap::new();
        headers.insert("x-key", "one".parse().unwrap());
        let header = |name: &str| Key::Header(name.parse().unwrap());
        let mut event = draft(r#"{"id":"a","n":12,"t":true,"o":{},"e":""}"#);
        assert_eq!(header("x-key").find(&headers, &mut event).as_deref(), Some("one"));
        assert_eq!(header("x-other").find(&headers, &mut event), None);
        for (pointer, found) in
            [("/id", Some("a")), ("/n", Some("12")), ("/t", Some("true")), ("/o", None), ("/e", None), ("/x", None)]
        {
            assert_eq!(Key::Json(pointer.to_owned()).find(&headers, &mut event).as_deref(), found, "{pointer}");
        }
        // Of the event as it was received, whatever filters made of it.
        event.current.body = Some(Bytes::from_static(b"{}"));
        assert_eq!(Key::Json("/id".to_owned()).find(&headers, &mut event).as_deref(), Some("a"));
        assert_eq!(Key::Json("/id".to_owned()).find(&headers, &mut draft("no json")), None);
    }

    #[test]
    fn a_delay_is_seconds_or_a_date() {
        let now = Timestamp::from_millis(1_000);
        assert_eq!(delay_until("5", now), Some(Timestamp::from_millis(6_000)));
        assert_eq!(delay_until("Thu, 01 Jan 1970 00:01:00 GMT", now), Some(Timestamp::from_millis(60_000)));
        assert_eq!(delay_until("99999999999999999999999", now), Some(Timestamp::from_millis(u64::MAX)));
        for wrong in ["", "-1", "soon", "1.5"] {
            assert_eq!(delay_until(wrong, now), None, "{wrong}");
        }
    }
}
