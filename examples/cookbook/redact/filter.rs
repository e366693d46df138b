//! Blacks out personal fields of a JSON body before anybody gets it.

use serde::Deserialize;
use snaphook_sdk::{json::Value, prelude::*};

struct Redact;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Pointers into the body. Of what is there only is left that it was.
    fields: Vec<String>,
    #[serde(default)]
    headers: Vec<String>,
}

impl Filter for Redact {
    type Config = Config;

    fn handle(event: &Event, config: &Config) -> Result<Verdict> {
        // Parsed and written anew: of members of one name one is left, so that no reader finds another.
        let mut body: Value = event.body().json()?;
        for pointer in &config.fields {
            if let Some(value) = body.pointer_mut(pointer) {
                *value = Value::from("redacted");
            }
        }
        Ok(config.headers.iter().fold(Verdict::edit().set_json(&body), Verdict::remove_header))
    }

    fn validate(config: &Config) -> Result<(), String> {
        match config.fields.iter().find(|pointer| !pointer.starts_with('/')) {
            Some(pointer) => Err(format!("fields: `{pointer}` is no JSON pointer: begin with `/`")),
            None => Ok(()),
        }
    }
}

snaphook_sdk::export!(Redact);
