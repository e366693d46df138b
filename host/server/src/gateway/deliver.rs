//! Mode `deliver`: the event is stored with a delivery for each destination, and acknowledged once that is durable.

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, HeaderMap},
};
use model::{
    DeliveryId, Draft, EventId, Name, Timestamp,
    record::Disposition,
    route::{Deliver, Key, Order, delay_until},
};
use store::journal::{Accept, Accepted, Idempotency, NewDelivery, NewEvent};

use super::{
    answer::{Answer, Refusal},
    observe,
    reservations::Hold,
    story::{Decided, Story},
};

/// On the answer to an event that was known already.
const DUPLICATE: HeaderName = HeaderName::from_static("snaphook-duplicate");
/// Longer keys are kept as their SHA-256.
const KEY_BYTES_MOST: usize = 128;
/// After which a sender may try again to have its event stored.
const AGAIN_SECONDS: u32 = 2;

/// What is known about an event's deliveries before they are written.
#[derive(Debug)]
struct Terms {
    due: Timestamp,
    lane: Option<String>,
    idempotency: Option<Idempotency>,
}

/// Stores the event and answers for it. What filters reserved is decided with it.
pub(super) async fn event(
    story: &mut Story<'_>,
    rule: &Deliver,
    mut draft: Draft,
    hold: Hold,
) -> Result<Decided, Refusal> {
    let received = story.received();
    check_paths(story, rule, &draft)?;
    let terms = Terms::of(story, rule, &received.headers, &mut draft)?;
    let now = story.arrival.received;
    let destinations = destinations_of(&draft.chosen, rule);
    let deliveries: Vec<NewDelivery> = destinations
        .iter()
        .map(|destination| NewDelivery {
            id: DeliveryId::new(now, rand::random()),
            destination: destination.clone(),
            due: terms.due,
            lane: terms.lane.clone(),
            replay: false,
        })
        .collect();
    let answer = story.answer();
    let status = answer.as_ref().map_or(story.acknowledgement_status(), |answer| answer.status);
    let accept = Accept {
        event: NewEvent {
            received,
            made: draft.current,
            record: story.record(Disposition::Accepted, status.as_u16()),
            // Nothing stands between it and what it is for, so that it is kept like what filters let through.
            authenticated: true,
        },
        deliveries,
        idempotency: terms.idempotency,
        reserved: hold.is_open(),
    };
    match hold.accept(story.gateway(), accept).await {
        Ok(Accepted::New) => {
            for destination in destinations {
                story.gateway().wake(&story.served.route.project, destination, terms.due);
            }
            let id = story.arrival.id;
            Ok(Decided::new(Disposition::Accepted, answer.unwrap_or_else(|| acknowledgement(status, id, false))))
        }
        Ok(Accepted::Duplicate(first)) => {
            observe::event_duplicate(&story.gateway().counters, story.arrival.id, first);
            let answer = answer.unwrap_or_else(|| acknowledgement(status, first, true));
            let answer = answer.about(first).with(DUPLICATE, HeaderValue::from_static("true"));
            Ok(Decided::new(Disposition::Dropped, answer).because(format!("a duplicate of {first}")))
        }
        Err(error) => {
            observe::event_not_stored(&story.gateway().counters, story.arrival.id, &error);
            Err(Refusal::not_stored(AGAIN_SECONDS, error.to_string()))
        }
    }
}

/// What could never be sent is refused now.
fn check_paths(story: &Story<'_>, rule: &Deliver, draft: &Draft) -> Result<(), Refusal> {
    let event = &draft.current;
    if event.path == story.uri().path() && !event.path.contains("..") && !event.path.contains('%') {
        return Ok(());
    }
    let uri = story.sent_uri(event)?;
    for name in destinations_of(&draft.chosen, rule) {
        if let Some(Err(error)) = story.served.destination(name).map(|target| target.uri(&uri)) {
            return Err(Refusal::bad_request("the path cannot be sent to the destination").because(error.reason()));
        }
    }
    Ok(())
}

fn destinations_of<'a>(chosen: &'a Option<Vec<Name>>, rule: &'a Deliver) -> &'a [Name] {
    chosen.as_deref().unwrap_or(rule.destinations())
}

/// The answer for an event that is stored: its id, for senders that read it.
fn acknowledgement(status: StatusCode, event: EventId, duplicate: bool) -> Answer {
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT) {
        return Answer::empty(status);
    }
    let text = match duplicate {
        true => format!(r#"{{"event":"{event}","duplicate":true}}"#),
        false => format!(r#"{{"event":"{event}"}}"#),
    };
    Answer::whole(status, Bytes::from(text)).with(CONTENT_TYPE, HeaderValue::from_static("application/json"))
}

impl Terms {
    fn of(story: &Story<'_>, rule: &Deliver, received: &HeaderMap, draft: &mut Draft) -> Result<Self, Refusal> {
        let now = story.arrival.received;
        let asked = match rule.delay_header.as_ref().and_then(|name| received.get(name)) {
            Some(value) => {
                let time = value.to_str().ok().and_then(|text| delay_until(text.trim(), now));
                Some(time.ok_or_else(|| {
                    Refusal::bad_request("the header that says when to deliver is neither seconds nor a date")
                })?)
            }
            None => None,
        };
        let annotations = story.annotations();
        let due = annotations.deliver_after.or(asked).unwrap_or(now);
        let due = due.clamp(now, now.after(rule.delay_most));
        let mut key = |given: &Option<String>, rule: &Option<Key>| {
            given.clone().or_else(|| rule.as_ref()?.find(received, draft)).map(bounded)
        };
        let lane = match &rule.order {
            Order::Off => None,
            Order::Route { .. } => Some(story.served.route.name.to_string()),
            Order::Key { key: rule, .. } => {
                let key = key(&annotations.order_key, rule);
                key.map(|key| format!("{}/{key}", story.served.route.name))
            }
        };
        let idempotency = key(&annotations.idempotency_key, &rule.idempotency.key);
        let idempotency = idempotency.map(|key| Idempotency { key, now, until: now.after(rule.idempotency.window) });
        Ok(Self { due, lane, idempotency })
    }
}

fn bounded(key: String) -> String {
    if key.len() <= KEY_BYTES_MOST { key } else { store::digest(key.as_bytes()).to_string() }
}
