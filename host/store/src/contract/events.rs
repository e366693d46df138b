//! What the cases about events and deliveries write, and how they look at it.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use model::{
    Delivery, DeliveryId, Event, EventId, Name, Scheme, Timestamp,
    delivery::{Attempt, Outcome, Status, Timings},
    record::{self, Disposition, Record, Run, Seed},
};

use super::{
    journal::after,
    sample::{TIME, digest, name},
};
use crate::{
    Journal,
    journal::{Accept, Accepted, Claim, Claimed, Lease, NewDelivery, NewEvent, Next, Settlement, Unblocked},
};

pub fn project() -> Name {
    name("default")
}

/// Received so many seconds after `TIME`.
pub fn event_id(second: u64) -> EventId {
    EventId::new(after(second), u128::from(second))
}

/// Written so many seconds after `TIME`.
pub fn delivery_id(second: u64, number: u64) -> DeliveryId {
    DeliveryId::new(after(second), u128::from(number))
}

/// To route `orders`, with a header of bytes that are no text and one that comes twice.
pub fn event(second: u64, body: &'static str) -> Event {
    let mut headers = HeaderMap::new();
    for (name, value) in [("x-kind", &b"order"[..]), ("x-odd", b"\xff\t1"), ("x-kind", b"second")] {
        headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
    }
    Event {
        id: event_id(second),
        project: project(),
        route: name("orders"),
        received: after(second),
        source: "192.0.2.7".parse().unwrap(),
        scheme: Scheme::Https,
        method: Method::POST,
        authority: "hooks.example.com".to_owned(),
        path: "/hooks/a%20b".to_owned(),
        query: Some("a=1&b".to_owned()),
        headers: Arc::new(headers),
        body: Some(Bytes::from_static(body.as_bytes())),
        replay: false,
        attributes: vec![("path.team".to_owned(), "a b".to_owned())],
    }
}

pub fn record(event: &Event, disposition: Disposition) -> Record {
    Record {
        id: event.id.to_string(),
        project: event.project.to_string(),
        route: event.route.to_string(),
        received: event.received.as_millis(),
        source: event.source.to_string(),
        method: event.method.to_string(),
        path: event.path.clone(),
        revision: 7,
        disposition,
        status: 202,
        reason: None,
        destination: None,
        labels: Vec::new(),
        idempotency_key: None,
        order_key: None,
        duration_us: 12,
        destination_us: None,
        body_bytes: event.body.as_ref().map(|body| body.len() as u64),
        filters: Vec::new(),
        capture: None,
    }
}

/// A run of this module with this configuration.
pub fn run(module: &str, configuration: &str) -> Run {
    Run {
        filter: name("check"),
        digest: digest(module),
        config_digest: digest(configuration),
        outcome: record::Outcome::Verdict { verdict: "pass".into(), edits: Vec::new(), reason: None },
        time_us: 3,
        memory_bytes: 4,
        logs: Vec::new(),
        logs_left_out: 0,
        clock: TIME.as_millis(),
        seed: Seed([7; 32]),
        denied: Vec::new(),
    }
}

/// Nothing was made of it.
pub fn new_event(second: u64, body: &'static str) -> NewEvent {
    let received = event(second, body);
    let record = record(&received, Disposition::Accepted);
    NewEvent { made: received.clone(), received, record, authenticated: true }
}

pub fn of_route(mut event: NewEvent, route: &str) -> NewEvent {
    event.received.route = name(route);
    event.made.route = name(route);
    event.record.route = route.to_owned();
    event
}

/// Due when it is written.
pub fn delivery(second: u64, number: u64, destination: &str) -> NewDelivery {
    NewDelivery {
        id: delivery_id(second, number),
        destination: name(destination),
        due: after(second),
        lane: None,
        replay: false,
    }
}

pub fn in_lane(delivery: NewDelivery, lane: &str) -> NewDelivery {
    NewDelivery { lane: Some(lane.to_owned()), ..delivery }
}

pub fn to(event: NewEvent, deliveries: Vec<NewDelivery>) -> Accept {
    Accept { event, deliveries, idempotency: None, reserved: false }
}

pub async fn accept(journal: &Arc<dyn Journal>, event: NewEvent, deliveries: Vec<NewDelivery>) {
    assert_eq!(journal.accept(to(event, deliveries)).await.unwrap(), Accepted::New);
}

/// One event for each second, with one delivery to `billing` each.
pub async fn accept_many(journal: &Arc<dyn Journal>, seconds: std::ops::Range<u64>) {
    for second in seconds {
        accept(journal, new_event(second, "{}"), vec![delivery(second, 0, "billing")]).await;
    }
}

/// What is due at `target` at that second, leased for a minute.
pub async fn claim(journal: &Arc<dyn Journal>, target: &str, second: u64, at_most: u32) -> Claimed {
    let claim =
        Claim { project: project(), target: name(target), now: after(second), until: after(second + 60), at_most };
    journal.claim(claim).await.unwrap()
}

pub fn ids(claimed: &Claimed) -> Vec<DeliveryId> {
    claimed.leases.iter().map(|lease| lease.delivery.id).collect()
}

pub fn attempt(number: u32, outcome: Outcome) -> Attempt {
    Attempt {
        number,
        target: name("billing"),
        started: TIME,
        outcome,
        reason: Some("because".to_owned()),
        timings: Timings { total_us: 5, ..Timings::default() },
        answer: None,
    }
}

/// After one attempt.
pub fn settlement(lease: &Lease, second: u64, next: Next) -> Settlement {
    let outcome = if next == Next::Delivered { Outcome::Delivered } else { Outcome::Failed };
    Settlement {
        delivery: lease.delivery.id,
        fence: lease.fence,
        attempt: Some(attempt(lease.delivery.attempts + 1, outcome)),
        now: after(second),
        next,
    }
}

pub async fn conclude(journal: &Arc<dyn Journal>, lease: &Lease, second: u64, next: Next) -> Option<Unblocked> {
    journal.conclude(settlement(lease, second, next)).await.unwrap()
}

pub fn retry(second: u64, target: &str, attempts: u32) -> Next {
    Next::Retry { due: after(second), target: name(target), attempts, reason: Some("timeout".to_owned()) }
}

pub fn dead(attempts: u32, holds_lane: bool) -> Next {
    Next::Dead { attempts, reason: "gone".to_owned(), holds_lane }
}

pub async fn look(journal: &Arc<dyn Journal>, id: DeliveryId) -> Delivery {
    journal.delivery(&project(), id).await.unwrap().unwrap().0
}

pub async fn status(journal: &Arc<dyn Journal>, id: DeliveryId) -> (Status, Option<Timestamp>) {
    let delivery = look(journal, id).await;
    (delivery.status, delivery.due)
}

/// Waits until a kept event can be read.
pub async fn wait_for(journal: &Arc<dyn Journal>, id: EventId) {
    for _ in 0..1_000 {
        if journal.event(&project(), id).await.unwrap().is_some() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("{id} was not kept");
}
