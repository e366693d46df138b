//! Copies fields of the body to headers, and says by which field events are one and which keep their order.

use std::collections::BTreeMap;

use serde::Deserialize;
use snaphook_sdk::prelude::*;

struct MoveFields;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Names of headers, and pointers to what becomes their values.
    headers: BTreeMap<String, String>,
    idempotency_key: String,
    order_key: String,
}

impl Filter for MoveFields {
    type Config = Config;

    fn handle(event: &Event, config: &Config) -> Result<Verdict> {
        let key = |pointer: &str| {
            let value = event.body().pointer(pointer).filter(|value| (1..=255).contains(&value.len()));
            value.or_refuse(400, format!("no key of 1 to 255 bytes at {pointer}"))
        };
        event.set_idempotency_key(&key(&config.idempotency_key)?)?;
        event.set_order_key(&key(&config.order_key)?)?;
        let mut verdict = Verdict::edit();
        for (name, pointer) in &config.headers {
            verdict = match event.body().pointer(pointer) {
                Some(value) if value.contains(char::is_control) => {
                    return Ok(Verdict::reject(400).reason(format!("{pointer} is no value for a header")));
                }
                Some(value) => verdict.set_header(name, value),
                // The sender's own header must not pass for the field.
                None => verdict.remove_header(name),
            };
        }
        Ok(verdict)
    }
}

snaphook_sdk::export!(MoveFields);
