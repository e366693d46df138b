//! Takes each delivery once, by the id that the sender gives it.

use serde::Deserialize;
use snaphook_sdk::{
    kv::{self, Reservation},
    prelude::*,
};

struct OncePerDelivery;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    id: Place,
    /// How long an id is remembered.
    seconds: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Place {
    Header(String),
    /// A pointer into the body.
    Json(String),
}

impl Filter for OncePerDelivery {
    type Config = Config;

    fn handle(event: &Event, config: &Config) -> Result<Verdict> {
        let id = match &config.id {
            Place::Header(name) => event.header(name).map(str::to_owned),
            Place::Json(pointer) => event.body().pointer(pointer),
        };
        let id = id.filter(|id| (1..=512).contains(&id.len())).or_refuse(400, "no id of 1 to 512 bytes")?;
        Ok(match kv::namespace("deliveries").once(&id, config.seconds)? {
            Reservation::First => Verdict::pass(),
            Reservation::Pending => Verdict::retry_later(1),
            Reservation::Known => Verdict::respond(200).body("duplicate"),
        })
    }
}

snaphook_sdk::export!(OncePerDelivery, kv: ["deliveries"]);
