//! The filter that the benches measure and that Snaphook runs beside other gateways: one job, by its configuration
//! `{"job": "J1"}`. J1, J2, J1L and H are the jobs of the side-by-side harness; `headers` and `json` are what `filter_call`
//! measures beside them.

mod hostile;
mod parsed;
mod pointers;

use serde::Deserialize;
use snaphook_sdk::{prelude::*, verify};

struct Bench;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    job: Job,
    /// The value of `x-verified`, so that a swapped filter can be told from the one before.
    #[serde(default = "one")]
    verified: String,
}

fn one() -> String {
    "1".to_owned()
}

#[derive(Deserialize)]
enum Job {
    /// Looks at one header and never at the body.
    #[serde(rename = "headers")]
    Headers,
    /// Verifies GitHub's signature, sets `x-verified`.
    #[serde(rename = "J1")]
    Verify,
    /// Verifies, forwards only a few values of the body; the host finds them.
    #[serde(rename = "J2")]
    Rewrite,
    /// Verifies, answers without forwarding.
    #[serde(rename = "J1L")]
    Answer,
    /// Verifies, and misbehaves if header `x-evil` says how.
    #[serde(rename = "H")]
    Hostile,
    /// Rewrites like J2, without verifying and with a JSON parser of its own.
    #[serde(rename = "json")]
    Json,
    /// Rewrites like J2, without verifying.
    #[serde(rename = "pointers")]
    Pointers,
}

impl Filter for Bench {
    type Config = Config;

    fn handle(event: &Event, config: &Config) -> Result<Verdict> {
        let verdict = Verdict::edit().set_header("x-verified", config.verified.as_str());
        if matches!(config.job, Job::Verify | Job::Rewrite | Job::Answer | Job::Hostile) {
            verify::github(event, "webhook")?;
        }
        match config.job {
            Job::Headers => {
                event.header("x-github-event").or_refuse(400, "header x-github-event is missing")?;
                Ok(verdict)
            }
            Job::Verify => Ok(verdict),
            Job::Rewrite | Job::Pointers => Ok(verdict.set_body(pointers::rewrite(event.body())?)),
            Job::Json => Ok(verdict.set_body(parsed::rewrite(event.body())?)),
            Job::Answer => Ok(Verdict::respond(200).body("ok\n")),
            Job::Hostile => match event.header("x-evil") {
                Some("loop") => hostile::spin(),
                Some("mem") => hostile::take_memory(),
                _ => Ok(verdict),
            },
        }
    }
}

snaphook_sdk::export!(Bench, body: buffered, secrets: ["webhook"]);

#[cfg(test)]
mod tests;
