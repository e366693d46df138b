//! What the filter saw, as JSON in the answer.

use snaphook_sdk::{
    body::Hash,
    clock, config, hex,
    json::{Value, json},
    prelude::*,
    random,
};

use crate::Do;

/// None if it is told something else.
pub(crate) fn tell(event: &Event, told: &Do) -> Option<Result<Verdict>> {
    match told {
        Do::Inspect => Some(inspect(event).map(|seen| answer(&seen))),
        Do::Read { offset, max } => Some(Ok(answer(&json!(text(&event.body().read(*offset, *max)))))),
        Do::Json { pointer } => Some(Ok(answer(&json_at(event.body(), pointer)))),
        Do::ClockRandom => Some(clock_random()),
        Do::Remember => Some(remember()),
        _ => None,
    }
}

/// How many events this instance has served; and clock and chance, the host's and the standard library's.
fn remember() -> Result<Verdict> {
    use std::{
        collections::hash_map::RandomState,
        hash::BuildHasher,
        sync::atomic::{AtomicU64, Ordering::Relaxed},
        time::{SystemTime, UNIX_EPOCH},
    };
    static EVENTS: AtomicU64 = AtomicU64::new(0);
    let events = EVENTS.fetch_add(1, Relaxed) + 1;
    println!("event {events}");
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    let chance = random::bytes(16)?;
    // Read once for each instance, through WASI: so that what it holds of WASI is there.
    let hash = RandomState::new().hash_one(0_u8);
    Ok(answer(
        &json!({"events": events, "now": clock::now_ms(), "since": since, "random": hex::encode(&chance), "hash": hash}),
    ))
}

/// 200 with a JSON body.
pub(crate) fn answer(value: &Value) -> Verdict {
    Verdict::respond(200).header("content-type", "application/json").body(value.to_string())
}

/// One character for each byte.
pub(crate) fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn inspect(event: &Event) -> Result<Value> {
    let body = event.body();
    let original = body.original();
    let headers: Vec<_> = event.headers().map(|(name, value)| json!([name, text(value)])).collect();
    Ok(json!({
        "id": event.id(),
        "project": event.project(),
        "route": event.route(),
        "phase": match event.phase() {
            Phase::Route => json!("route"),
            Phase::Destination(name) => json!({"destination": name}),
        },
        "method": event.method(),
        "scheme": event.scheme(),
        "authority": event.authority(),
        "path": event.path(),
        "query": event.query(),
        "headers": headers,
        "source": event.source(),
        "received": event.received_ms(),
        "attempt": event.attempt(),
        "replay": event.is_replay(),
        "body_length": event.body_length(),
        "attributes": event.attributes().collect::<Vec<_>>(),
        "body": {
            "length": body.len(),
            "sha1": hex::encode(&body.digest(Hash::Sha1)?),
            "sha256": hex::encode(&body.digest(Hash::Sha256)?),
            "sha512": hex::encode(&body.digest(Hash::Sha512)?),
            "read_all": body.bytes().len(),
        },
        "original": {"length": original.len(), "sha256": hex::encode(&original.digest(Hash::Sha256)?)},
        "config": {"raw": config::raw(), "prepared": text(&config::prepared())},
    }))
}

/// Both questions at one pointer.
fn json_at(body: &Body, pointer: &str) -> Value {
    match body.json_text(pointer) {
        Ok(found) => json!({"json": found, "text": body.pointer(pointer)}),
        Err(error) => json!({"error": error.to_string(), "text": body.pointer(pointer)}),
    }
}

fn clock_random() -> Result<Verdict> {
    let random = || random::bytes(16).map(|bytes| hex::encode(&bytes));
    let clock = [clock::now_ms(), clock::now_ms()];
    Ok(answer(&json!({"clock": clock, "random": [random()?, random()?], "number": random::number()?.to_string()})))
}
