//! Lets only events through that GitHub signed; answers its pings; takes each delivery once, if told to.

use serde::Deserialize;
use snaphook_sdk::{
    kv::{self, Reservation},
    prelude::*,
    verify,
};

struct GithubVerify;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// How long a delivery is remembered, so that it is taken once; nothing is remembered without it.
    replay_ttl_seconds: Option<u32>,
    /// Answer pings here instead of passing them on.
    answer_ping: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { replay_ttl_seconds: None, answer_ping: true }
    }
}

impl Filter for GithubVerify {
    type Config = Config;

    fn handle(event: &Event, config: &Config) -> Result<Verdict> {
        verify::github(event, "webhook")?;
        let kind = event.header("x-github-event");
        let delivery = event.header("x-github-delivery");
        if let Some(kind) = kind {
            event.set_label("github.event", kind)?;
        }
        if let Some(delivery) = delivery {
            event.set_idempotency_key(delivery)?;
        }
        if config.answer_ping && kind == Some("ping") {
            return Ok(Verdict::respond(200).body("pong"));
        }
        let Some(ttl) = config.replay_ttl_seconds else { return Ok(Verdict::pass()) };
        let delivery = delivery.or_refuse(400, "header x-github-delivery is missing")?;
        Ok(match kv::namespace("deliveries").once(delivery, ttl)? {
            Reservation::First => Verdict::pass(),
            Reservation::Pending => Verdict::retry_later(1),
            Reservation::Known => Verdict::respond(200).body("duplicate"),
        })
    }

    fn validate(config: &Config) -> Result<(), String> {
        const MOST: u32 = 400 * 24 * 60 * 60;
        match config.replay_ttl_seconds {
            Some(ttl) if !(1..=MOST).contains(&ttl) => {
                Err(format!("replay_ttl_seconds: {ttl} is not from 1 to {MOST}"))
            }
            _ => Ok(()),
        }
    }
}

snaphook_sdk::export!(
    GithubVerify,
    body: buffered,
    secrets: ["webhook"],
    kv: ["deliveries"],
    config_schema: "config.schema.json",
);

#[cfg(test)]
mod tests;
