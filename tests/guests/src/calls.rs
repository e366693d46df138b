//! Calls of the host, their results as JSON in the answer: `{"ok": …}` or `{"error": …}`.

use snaphook_sdk::{
    CallError, hex,
    hmac::{self, Algorithm, Part},
    json::{Value, json},
    kv,
    prelude::*,
    random, secrets,
    verdict::Response,
};

use crate::{
    Do,
    inspect::{answer, text},
};

/// None if it is told something else.
pub(crate) fn call(event: &Event, told: &Do) -> Option<Result<Verdict>> {
    let result = match told {
        Do::Random { bytes } => random::bytes(*bytes).map(|bytes| json!(bytes.len())),
        Do::Verify { secret, algorithm, signature } => verify(event, secret, algorithm, signature),
        Do::Sign { secret, algorithm } => sign(event, secret, algorithm),
        Do::Reveal { secret } => secrets::reveal(secret).map(|value| json!(text(&value))),
        Do::Get { namespace, key } => {
            kv::namespace(namespace).get(key).map(|value| json!(value.map(|value| text(&value))))
        }
        Do::Set { namespace, key, value, ttl } => {
            kv::namespace(namespace).set(key, value.as_bytes(), *ttl).map(|()| Value::Null)
        }
        Do::Delete { namespace, key } => kv::namespace(namespace).delete(key).map(|()| Value::Null),
        Do::Increment { namespace, key, delta, ttl } => {
            kv::namespace(namespace).increment(key, *delta, *ttl).map(|count| json!(count))
        }
        Do::Swap { namespace, key, expected, value } => kv::namespace(namespace)
            .compare_and_swap(key, expected.as_deref().map(str::as_bytes), value.as_bytes(), None)
            .map(|swapped| json!(swapped)),
        Do::Once { namespace, key, ttl } => return Some(once(event, namespace, key, *ttl)),
        Do::KvFlood { namespace, calls } => Ok(kv_flood(namespace, *calls)),
        Do::Ungranted => {
            let granted: Vec<_> = ungranted().into_iter().filter(|line| !line.contains("no grant for")).collect();
            return Some(if granted.is_empty() { Ok(Verdict::pass()) } else { Err(granted.join("; ").into()) });
        }
        Do::Annotate { label, key, order, after, answer } => {
            return Some(annotate(event, label, key, order, *after, answer.as_deref()));
        }
        _ => return None,
    };
    Some(Ok(answer(&match result {
        Ok(value) => json!({"ok": value}),
        Err(error) => json!({"error": error.to_string()}),
    })))
}

fn algorithm(name: &str) -> Result<Algorithm, CallError> {
    [Algorithm::HmacSha1, Algorithm::HmacSha256, Algorithm::HmacSha384, Algorithm::HmacSha512]
        .into_iter()
        .find(|algorithm| algorithm.name() == name)
        .ok_or_else(|| CallError::Invalid(name.to_owned()))
}

/// Over the body alone, and over the same bytes in parts: both must say the same.
fn verify(event: &Event, secret: &str, name: &str, signature: &str) -> Result<Value, CallError> {
    let signature = hex::decode(signature.as_bytes()).unwrap_or_default();
    let body = event.body().original();
    let whole = body.mac_verify(secret, algorithm(name)?, &signature)?;
    let parts = [Part::Literal(b""), Part::Body(&body), Part::Header("x-none")];
    let parts = hmac::verify(secret, algorithm(name)?, &parts, &signature)?;
    Ok(json!({"whole": whole, "parts": parts}))
}

/// Over header `x-time`, a dot and the body.
fn sign(event: &Event, secret: &str, name: &str) -> Result<Value, CallError> {
    let parts = [Part::Header("x-time"), Part::Literal(b"."), Part::Body(event.body())];
    hmac::sign(secret, algorithm(name)?, &parts).map(|mac| json!(hex::encode(&mac)))
}

fn once(event: &Event, namespace: &str, key: &str, ttl: u32) -> Result<Verdict> {
    let reservation = kv::namespace(namespace).once(key, ttl)?;
    event.set_label("once", &format!("{reservation:?}"))?;
    Ok(Verdict::edit().set_header("x-once", format!("{reservation:?}")))
}

fn kv_flood(namespace: &str, calls: u32) -> Value {
    for call in 0..calls {
        if let Err(error) = kv::namespace(namespace).get("flood") {
            return json!({"calls": call, "error": error.to_string()});
        }
    }
    json!({"calls": calls})
}

/// What came of calls that nobody granted, a line each.
pub(crate) fn ungranted() -> Vec<String> {
    fn line<T>(call: &str, result: Result<T, CallError>) -> String {
        format!("{call}: {}", result.map_or_else(|error| error.to_string(), |_| "was granted".to_owned()))
    }
    let store = kv::namespace("ungranted");
    vec![
        line("mac-verify", hmac::verify("ungranted", Algorithm::HmacSha256, &[], b"")),
        line("mac-sign", hmac::sign("ungranted", Algorithm::HmacSha256, &[])),
        line("reveal", secrets::reveal("ungranted")),
        line("get", store.get("key")),
        line("set", store.set("key", b"", None)),
        line("delete", store.delete("key")),
        line("increment", store.increment("key", 1, None)),
        line("compare-and-swap", store.compare_and_swap("key", None, b"", None)),
        line("once", store.once("key", 60)),
    ]
}

fn annotate(
    event: &Event,
    (name, value): &(String, String),
    key: &str,
    order: &str,
    after: u64,
    answer: Option<&str>,
) -> Result<Verdict> {
    event.set_label(name, value)?;
    event.set_idempotency_key(key)?;
    event.set_order_key(order)?;
    event.set_deliver_after(after)?;
    if let Some(answer) = answer {
        let headers = vec![("x-answer".to_owned(), b"1".to_vec())];
        event.set_answer(&Response { status: 201, headers, body: answer.as_bytes().to_vec() })?;
    }
    Ok(Verdict::pass())
}
