//! Lets one of many events through: always the same ones, however often they are sent.

use std::num::NonZeroU64;

use serde::Deserialize;
use snaphook_sdk::{crypto, hmac::Part, prelude::*};

struct Sample;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The header with what tells events apart. What lacks it passes.
    header: String,
    one_in: NonZeroU64,
}

impl Filter for Sample {
    type Config = Config;

    fn handle(event: &Event, config: &Config) -> Result<Verdict> {
        let Some(id) = event.header_bytes(&config.header) else { return Ok(Verdict::pass()) };
        let digest = crypto::digest("sha256", &[Part::Literal(id)])?;
        let number = digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        Ok(if number % config.one_in == 0 { Verdict::pass() } else { Verdict::drop("not in the sample") })
    }
}

snaphook_sdk::export!(Sample, body: none);
