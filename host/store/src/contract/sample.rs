//! What the cases write.

use bytes::Bytes;
use model::{
    Digest, Name, Secret, Timestamp,
    destination::DestinationSpec,
    spec::{Resolution, RouteSpec},
};
use serde_json::json;

use crate::registry::{self, Change, Older, Prepared, Write};

pub const TIME: Timestamp = Timestamp::from_millis(1_790_000_000_000);

pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// To project `default`.
pub fn change() -> Change {
    Change::new(name("default"), "contract", TIME)
}

pub fn destination(named: &str, url: &str) -> Write {
    let spec: DestinationSpec = serde_json::from_value(json!({ "url": url })).unwrap();
    Write::PutDestination { name: name(named), spec }
}

pub fn secret(named: &str, value: &str, older: Older) -> Write {
    Write::PutSecret { name: name(named), value: Secret::new(value.into()), older }
}

pub fn module(named: &str, bytes: &str) -> Write {
    Write::PushModule {
        name: name(named),
        bytes: Bytes::copy_from_slice(bytes.as_bytes()),
        inspection: json!({ "of": bytes }),
    }
}

pub fn alias(module: &str, alias: &str, version: u32) -> Write {
    Write::PutAlias { module: name(module), alias: name(alias), version }
}

pub fn digest(bytes: &str) -> Digest {
    registry::digest(bytes.as_bytes())
}

/// The resolution of a filter that runs the module with these bytes, and nothing else.
pub fn runs(bytes: &str) -> Resolution {
    Resolution { active: digest(bytes), candidate: None, previous: None }
}

/// A route to one destination, with one filter that verifies with one secret and reveals another.
pub fn route_spec(to: &str, secret: &str, revealed: &str, config: &serde_json::Value) -> RouteSpec {
    serde_json::from_value(json!({
        "match": { "path": "/hooks/{team}", "methods": ["POST"] },
        "forward": { "candidates": [to] },
        "filters": [{
            "name": "check",
            "module": "verify@latest",
            "config": config,
            "grants": { "secrets": { "webhook": secret }, "reveal": { "token": revealed } },
        }],
    }))
    .unwrap()
}

pub fn route(named: &str, spec: &RouteSpec, resolution: Resolution) -> Write {
    Write::PutRoute { name: name(named), spec: spec.clone(), filters: vec![(resolution, prepared(None))] }
}

/// What the filter of a route prepared.
pub fn prepared(previous: Option<&'static [u8]>) -> Prepared {
    Prepared { active: Bytes::from_static(b"\0prepared\xff"), previous: previous.map(Bytes::from_static) }
}

/// Everything that route `orders` needs, and the route: destination `billing`, secrets `hook` and `key`, module `verify`
/// with bytes `one`.
pub fn orders() -> Change {
    change()
        .with(destination("billing", "https://billing.example.com/"))
        .with(secret("hook", "first", Older::Drop))
        .with(secret("key", "other", Older::Drop))
        .with(module("verify", "one"))
        .with(route("orders", &route_spec("billing", "hook", "key", &json!({ "b": 1, "a": [2] })), runs("one")))
}
