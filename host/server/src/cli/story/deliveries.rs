//! Deliveries, and a whole event with them, told to people.

use std::fmt::Write as _;

use model::{
    Delivery,
    delivery::{AnswerSeen, Attempt, Outcome, Status, Timings},
    story::{DeliveryStory, EventStory, Request, Standing},
};

use super::{body, disposition, run};
use crate::cli::show::{self, BAD, FAINT, GOOD, ODD, STRONG, styled};

/// `2 delivered, 1 waiting`.
pub(crate) fn standing(standing: &Standing) -> String {
    let Standing { waiting, delivered, dead, cancelled } = *standing;
    let counts = [
        (waiting, ODD, "waiting"),
        (delivered, GOOD, "delivered"),
        (dead, BAD, "dead"),
        (cancelled, FAINT, "cancelled"),
    ];
    let told = counts.into_iter().filter(|(count, ..)| *count > 0);
    told.map(|(count, style, name)| styled(style, &format!("{count} {name}"))).collect::<Vec<_>>().join(", ")
}

pub(crate) fn delivery_heading() -> String {
    let heading = format!(
        "{:<20}  {:<30}  {:<16}  {:<16}  {:<9}  {:>8}  NEXT",
        "WRITTEN", "DELIVERY", "ROUTE", "DESTINATION", "STATUS", "ATTEMPTS"
    );
    styled(STRONG, &heading)
}

/// A delivery on one line.
pub(crate) fn delivery(delivery: &Delivery) -> String {
    let next = next(delivery).unwrap_or_default();
    let reason = delivery.reason.as_deref().map(|reason| format!("  {}", show::line(reason))).unwrap_or_default();
    format!(
        "{}  {:<30}  {:<16}  {:<16}  {}  {:>8}  {next}{reason}",
        show::time(delivery.created.as_millis()),
        delivery.id,
        show::line(delivery.route.as_str()),
        show::line(&target(delivery)),
        status(delivery.status, 9),
        delivery.attempts,
    )
}

/// When its next attempt is; none if there is none.
fn next(delivery: &Delivery) -> Option<String> {
    match (delivery.status, delivery.due) {
        (Status::Waiting, _) if delivery.under_way => Some("being made".to_owned()),
        (Status::Waiting, Some(due)) => Some(show::time(due.as_millis())),
        (Status::Waiting, None) => Some("behind an earlier one".to_owned()),
        _ => None,
    }
}

/// Where it goes, and whether that is another destination than it was written for.
fn target(delivery: &Delivery) -> String {
    if delivery.target == delivery.destination {
        return delivery.destination.to_string();
    }
    format!("{} → {}", delivery.destination, delivery.target)
}

fn status(status: Status, width: usize) -> String {
    let style = match status {
        Status::Waiting => ODD,
        Status::Delivered => GOOD,
        Status::Dead => BAD,
        Status::Cancelled => FAINT,
    };
    styled(style, &format!("{:<width$}", status.name()))
}

/// A delivery with its attempts.
pub(crate) fn delivery_whole(story: &DeliveryStory) -> String {
    let known = &story.delivery;
    let mut facts = vec![
        ("delivery", known.id.to_string()),
        ("event", known.event.to_string()),
        ("route", known.route.to_string()),
        ("destination", target(known)),
        ("status", known.status.name().to_owned()),
        ("written", show::time(known.created.as_millis())),
    ];
    facts.extend(next(known).map(|next| ("next", next)));
    facts.extend(known.lane.as_ref().map(|lane| ("in order with", lane.clone())));
    facts.extend(known.replay.then(|| ("replay", "yes".to_owned())));
    facts.extend(known.reason.as_ref().map(|reason| ("reason", reason.clone())));
    let mut text = show::facts(&facts);
    story.attempts_made.iter().for_each(|made| text.push_str(&attempt(made)));
    text
}

/// One attempt: when, where, what came of it, how long its parts took, and what was answered.
fn attempt(attempt: &Attempt) -> String {
    let style = match attempt.outcome {
        Outcome::Delivered => GOOD,
        Outcome::Slowed => ODD,
        Outcome::Failed | Outcome::Aborted => BAD,
    };
    let outcome = match attempt.outcome {
        Outcome::Delivered => "delivered",
        Outcome::Failed => "failed",
        Outcome::Slowed => "slowed down",
        Outcome::Aborted => "given up",
    };
    let answered = attempt.answer.as_ref().map(|answer| format!(" {}", answer.status)).unwrap_or_default();
    let reason = attempt.reason.as_deref().map(|reason| format!("  {}", show::line(reason))).unwrap_or_default();
    let mut text = format!(
        "{} {}  {}  {}{answered}  {}{reason}\n",
        styled(STRONG, &format!("attempt {}", attempt.number)),
        show::time(attempt.started.as_millis()),
        show::line(attempt.target.as_str()),
        styled(style, outcome),
        styled(FAINT, &timings(&attempt.timings)),
    );
    if let Some(answer) = attempt.answer.as_ref().filter(|_| attempt.outcome != Outcome::Delivered) {
        text.push_str(&indented(&answer_text(answer), 2));
    }
    text
}

fn timings(timings: &Timings) -> String {
    let parts = [
        ("resolve", timings.resolve_us),
        ("connect", timings.connect_us),
        ("tls", timings.tls_us),
        ("first byte", timings.first_byte_us),
        ("total", Some(timings.total_us)),
    ];
    let told = parts.into_iter().filter_map(|(name, micros)| Some(format!("{name} {}", show::micros(micros?))));
    told.collect::<Vec<_>>().join(", ")
}

fn answer_text(answer: &AnswerSeen) -> String {
    let headers: String =
        answer.headers.iter().map(|(name, value)| format!("{}: {}\n", show::line(name), show::line(value))).collect();
    let cut = if answer.truncated { "(and more)\n" } else { "" };
    format!("{headers}{}{cut}", show::lines(&body(&answer.body)))
}

fn indented(text: &str, by: usize) -> String {
    text.lines().map(|line| format!("{:by$}{line}\n", "")).collect()
}

/// Everything about an event.
pub(crate) fn whole(story: &EventStory) -> String {
    let record = &story.record;
    let mut facts = vec![
        ("event", record.id.clone()),
        ("received", format!("{} from {}", show::time(record.received), record.source)),
        ("route", format!("{} at revision {}", record.route, record.revision)),
    ];
    facts.extend(record.idempotency_key.as_ref().map(|key| ("idempotency key", key.clone())));
    facts.extend(record.order_key.as_ref().map(|key| ("order key", key.clone())));
    for (name, value) in &record.labels {
        facts.push(("label", format!("{name}: {value}")));
    }
    facts.extend(record.destination.as_ref().map(|destination| ("destination", destination.clone())));
    let mut text = show::facts(&facts);
    let reason = record.reason.as_deref().map(|reason| format!(" ({})", show::line(reason))).unwrap_or_default();
    let became = disposition(record.disposition, 0);
    _ = writeln!(text, "{became} with {}{reason} after {}", record.status, show::micros(record.duration_us));
    if let Some(received) = &story.received {
        _ = write!(text, "\n{}\n{}", styled(STRONG, "received"), request(received));
    }
    if !record.filters.is_empty() {
        _ = write!(text, "\n{}\n", styled(STRONG, "filters"));
        record.filters.iter().for_each(|known| text.push_str(&run(known)));
    }
    if let (Some(made), Some(received)) = (&story.made, &story.received) {
        _ = write!(
            text,
            "\n{}\n{}",
            styled(STRONG, "changed by the filters"),
            show::diff(&request(received), &request(made))
        );
    }
    for known in &story.deliveries {
        _ = write!(text, "\n{}\n{}", styled(STRONG, "delivery"), delivery_whole(known));
    }
    text
}

fn request(request: &Request) -> String {
    let query = request.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
    let mut text = format!("{} {}\n", show::line(&request.method), show::line(&format!("{}{query}", request.path)));
    for (name, value) in &request.headers {
        _ = writeln!(text, "{}: {}", show::line(name), show::line(value));
    }
    match &request.body_base64 {
        Some(base64) => text.push_str(&show::lines(&body(base64))),
        None => text.push_str("(the body is not kept)\n"),
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    fn story() -> DeliveryStory {
        serde_json::from_value(json!({
            "id": "dlv_01K5QJ0YAVEXAMPKE000000000", "event": "evt_01K5QJ0YAVEXAMPKE000000001", "project": "default",
            "route": "github", "destination": "ci", "target": "ci-2", "status": "waiting", "attempts": 1,
            "due": 1_790_000_005_000_u64, "created": 1_790_000_000_000_u64, "reason": "answered 500",
            "attempts_made": [{
                "number": 1, "target": "ci", "started": 1_790_000_000_000_u64, "outcome": "failed",
                "reason": "answered 500", "timings": { "connect_us": 300, "total_us": 1_200 },
                "answer": { "status": 500, "headers": [["x-a", "b\u{1b}"]], "body": "bm8=", "truncated": true },
            }],
        }))
        .unwrap()
    }

    #[test]
    fn a_delivery_is_told() {
        let line = plain(&delivery(&story().delivery));
        assert!(line.contains("ci → ci-2"), "{line}");
        assert!(line.ends_with("waiting           1  2026-09-21 14:13:25Z  answered 500"), "{line}");
        let whole = plain(&delivery_whole(&story()));
        let attempt = "attempt 1 2026-09-21 14:13:20Z  ci  failed 500  connect 300 µs, total 1200 µs  answered 500\n  \
                       x-a: b\\u{1b}\n  no\n  (and more)\n";
        assert!(whole.ends_with(attempt), "{whole}");
    }

    #[test]
    fn where_deliveries_stand_is_told() {
        let told = standing(&Standing { waiting: 1, delivered: 2, ..Standing::default() });
        assert_eq!(plain(&told), "1 waiting, 2 delivered");
    }
}
