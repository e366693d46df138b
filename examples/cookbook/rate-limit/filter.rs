//! Takes so many events of one sender in a time, and no more.

use serde::Deserialize;
use snaphook_sdk::{kv, prelude::*};

struct RateLimit;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    events: i64,
    seconds: u32,
    /// The header that says who sends; the address does without.
    sender: Option<String>,
}

impl Filter for RateLimit {
    type Config = Config;

    fn handle(event: &Event, config: &Config) -> Result<Verdict> {
        let sender = match &config.sender {
            Some(header) => event.header(header).filter(|value| (1..=512).contains(&value.len())),
            None => Some(event.source()),
        };
        let sender = sender.or_refuse(400, "it is not said who sends")?;
        // The time begins with the sender's first event: the counter is gone when it is over.
        let count = kv::namespace("senders").increment(sender, 1, Some(config.seconds))?;
        if count <= config.events {
            return Ok(Verdict::pass());
        }
        let refused = Verdict::reject(429).reason("too many events of one sender");
        Ok(refused.header("retry-after", config.seconds.to_string()))
    }
}

snaphook_sdk::export!(RateLimit, body: none, kv: ["senders"]);
