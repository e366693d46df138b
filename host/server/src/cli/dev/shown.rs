//! An event, told: its verdict, what the filter changed, what it said, what it took.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue};
use model::{
    event_file::Parts,
    record::{Outcome, Record},
    story::{EventStory, Request},
};
use serde_json::Value;

use super::inbox::{Inbox, without_the_way};
use crate::cli::{Global, client::Client, difference::difference, event, failure::Failure, show, story};

pub(super) async fn event(global: &Global, client: &Client, inbox: &mut Inbox, value: Value) -> Result<(), Failure> {
    if global.json {
        return show::print_json_line(&value);
    }
    let record = event::record(value)?;
    let mut text = format!("\n{}\n", story::event(&record));
    record.filters.iter().for_each(|run| text.push_str(&story::run(run)));
    if edited(&record)
        && let Some((before, after)) = before_and_after(client, inbox, &record).await
    {
        text.push_str(difference(&before, &after).trim_start_matches('\n'));
    }
    show::print(&text)
}

fn edited(record: &Record) -> bool {
    let edits = |outcome: &Outcome| matches!(outcome, Outcome::Verdict { verdict, .. } if verdict == "edit");
    record.filters.iter().any(|run| edits(&run.outcome))
}

/// The request as it came, if the route captures it, and what went out: as it was stored, or as it arrived here. None if one
/// of the two is not to be had; then the edits in words must do.
async fn before_and_after(client: &Client, inbox: &mut Inbox, record: &Record) -> Option<(Parts, Parts)> {
    let capture = record.capture.as_ref()?;
    if capture.body_truncated_at.is_some_and(|at| at > 0) {
        return None;
    }
    let before = Request {
        method: record.method.clone(),
        path: record.path.clone(),
        query: capture.query.clone(),
        headers: capture.headers.clone(),
        body_base64: Some(capture.body.clone()),
    };
    let before = parts(&before)?;
    let named = before.headers.get("x-request-id").and_then(|id| id.to_str().ok());
    let ids: Vec<&str> = [Some(record.id.as_str()), named].into_iter().flatten().collect();
    let after = match inbox.find(&ids) {
        Some(arrived) => arrived,
        None => {
            let story: EventStory = client.get(&format!("/events/{}", record.id)).await.ok()?.read().ok()?;
            parts(&story.made?)?
        }
    };
    // Where no filter looks at bodies, the sender's went by, and was captured by nobody.
    let body = if capture.body_truncated_at.is_some() { after.body.clone() } else { before.body };
    let before = Parts { headers: without_the_way(&before.headers), body, ..before };
    let after = Parts { headers: without_the_way(&after.headers), ..after };
    Some((before, after))
}

fn parts(request: &Request) -> Option<Parts> {
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_bytes(value.as_bytes()).ok()?);
    }
    Some(Parts {
        method: request.method.parse().ok()?,
        path: request.path.clone(),
        query: request.query.clone(),
        received: None,
        headers,
        body: STANDARD.decode(request.body_base64.as_deref().unwrap_or_default()).ok()?.into(),
    })
}
