//! What is right, changed in a few places: so that what is wrong is something else than a comma.

use arbitrary::{Result, Unstructured};
use serde_json::{Value, json};

const KEYS: &[&str] = &[
    "match",
    "path",
    "host",
    "methods",
    "headers",
    "name",
    "equals",
    "forward",
    "candidates",
    "default",
    "filters",
    "module",
    "candidate",
    "mode",
    "canary",
    "instance",
    "config",
    "grants",
    "secrets",
    "reveal",
    "kv",
    "limits",
    "time_ms",
    "wall_ms",
    "on_failure",
    "trap",
    "capture",
    "url",
    "value",
    "value_base64",
    "digest",
    "a.b",
    "a[0]",
    "a/b",
    "",
    "é",
];

/// What may stand anywhere.
fn piece(input: &mut Unstructured<'_>) -> Result<Value> {
    Ok(match input.int_in_range(0..=13)? {
        0 => json!(null),
        1 => json!(true),
        2 => json!(*input.choose(&[0_u64, 1, 100, 101, 300, 65_536, u64::MAX])?),
        3 => json!(-1),
        4 => json!(0.5),
        5 => json!([]),
        6 => json!({}),
        7 => json!([1, "a", null]),
        8 => json!({ *input.choose(KEYS)?: *input.choose(KEYS)? }),
        9 => json!(input.arbitrary::<&str>()?),
        10 => json!("a".repeat(input.int_in_range(0..=300)?)),
        _ => json!(*input.choose(&[
            "",
            "a",
            "A",
            "a@",
            "a@3",
            "a@b",
            "a@99999999999",
            "sha256:00",
            "/",
            "/{a}/{a}",
            "/{*a}/b",
            "/a?b",
            "*.a",
            "a..b",
            "[::1]",
            "GET",
            "get",
            "x y",
            "http://a",
            "ftp://a",
            "http://a:0",
            "open",
            "shadow",
            "warm",
            "all",
            "\u{1b}[31m",
        ])?),
    })
}

/// A whole configuration with one of everything, changed.
pub(super) fn whole(input: &mut Unstructured<'_>) -> Result<Value> {
    let filter = json!({
        "name": "verify", "module": "verify@3", "candidate": "verify@stable", "mode": {"canary": 5}, "instance": "warm",
        "config": {"a": [1, 2.5, {"b": "c"}]}, "grants": {"secrets": {"webhook": "github"}, "reveal": {"t": "chat"}, "kv": ["seen"]},
        "limits": {"time_ms": 20, "wall_ms": 500, "edits": 5}, "on_failure": {"default": "open", "trap": "closed"},
    });
    let route = json!({
        "match": {"host": "*.example.com", "path": "/a/{b}/{*c}", "methods": ["POST"], "headers": [{"name": "x-a", "equals": "1"}]},
        "forward": {"candidates": ["ci", "chat"], "default": "chat"}, "filters": [filter.clone(), {"name": "b", "module": "b"}],
        "body_limit_bytes": 1000, "capture": "all", "acknowledgement": 200,
    });
    let mut whole = json!({
        "modules": {"verify": {"digest": format!("sha256:{}", "0a".repeat(32))}},
        "secrets": {"webhook": {"value": "It is a secret", "keep_previous": true}, "bytes": {"value_base64": "AAECAwQFBgc="}},
        "destinations": {"ci": {"url": "http://a:1/b?c", "path": "append", "total_timeout_ms": 1}, "a.b": {"url": "https://[::1]"}},
        "routes": {"a": route.clone(), "a.b": route},
    });
    for _ in 0..input.int_in_range(0..=5)? {
        change(input, &mut whole)?;
    }
    Ok(whole)
}

/// One place of it, at any depth.
fn change(input: &mut Unstructured<'_>, value: &mut Value) -> Result<()> {
    let here = input.ratio(1, 5)?;
    match value {
        Value::Object(members) if !members.is_empty() => {
            let key = input.choose_iter(members.keys())?.clone();
            if !here {
                return change(input, &mut members[&key]);
            }
            match input.int_in_range(0..=3)? {
                0 => drop(members.shift_remove(&key)),
                1 => drop(members.insert((*input.choose(KEYS)?).to_owned(), piece(input)?)),
                2 => {
                    let member = members.shift_remove(&key).unwrap_or_default();
                    members.insert((*input.choose(KEYS)?).to_owned(), member);
                }
                _ => members[&key] = piece(input)?,
            }
        }
        Value::Array(elements) if !elements.is_empty() => {
            let index = input.choose_index(elements.len())?;
            if !here {
                return change(input, &mut elements[index]);
            }
            match input.int_in_range(0..=2)? {
                0 => drop(elements.remove(index)),
                1 => elements.insert(index, piece(input)?),
                _ => elements.extend_from_within(index..),
            }
        }
        other => *other = piece(input)?,
    }
    Ok(())
}
