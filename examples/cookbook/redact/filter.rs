//! Takes personal fields out of a JSON body before anybody gets it.

use serde::Deserialize;
use snaphook_sdk::prelude::*;

struct Redact;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Config {
    /// Pointers to values that go.
    remove: Vec<String>,
    /// Pointers to values of which only is left that they were there.
    mask: Vec<String>,
    headers: Vec<String>,
}

impl Filter for Redact {
    type Config = Config;

    fn handle(event: &Event, config: &Config) -> Result<Verdict> {
        let pointers: Vec<&str> = config.mask.iter().map(String::as_str).collect();
        // What cannot be read cannot be redacted: it does not go on.
        event.body().json_text("").or_refuse(400, "the body is not JSON")?;
        let there = event.body().json_texts(&pointers)?;
        let mut verdict = Verdict::edit();
        for (pointer, _) in config.mask.iter().zip(there).filter(|(_, value)| value.is_some()) {
            verdict = verdict.json_set(pointer, "redacted");
        }
        let verdict = config.remove.iter().fold(verdict, Verdict::json_remove);
        Ok(config.headers.iter().fold(verdict, Verdict::remove_header))
    }
}

snaphook_sdk::export!(Redact);
