//! Makes Slack messages of GitHub's pushes and issues; or, given a mapping, any JSON out of any other.

use std::collections::BTreeMap;

use serde::Deserialize;
use snaphook_sdk::{prelude::*, serde_json::value::RawValue};

mod github;
mod slack;

struct Rewrite;

/// With `fields` or `static` the body is made by that mapping, without both it is a Slack message.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// JSON pointers: where in the new body ← where in the old one. What the old one lacks is left out.
    fields: BTreeMap<String, String>,
    /// JSON pointers into the new body, and the values there.
    r#static: BTreeMap<String, Box<RawValue>>,
    /// Headers to set on what is rewritten.
    headers: BTreeMap<String, String>,
    /// What to rewrite, by header `X-GitHub-Event`; empty for everything.
    events: Vec<String>,
    /// What becomes of other events.
    otherwise: Otherwise,
}

#[derive(Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "kebab-case")]
enum Otherwise {
    #[default]
    Pass,
    Drop,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            fields: BTreeMap::new(),
            r#static: BTreeMap::new(),
            headers: BTreeMap::new(),
            events: Vec::new(),
            otherwise: Otherwise::Pass,
        }
    }
}

impl Filter for Rewrite {
    type Config = Config;

    fn handle(event: &Event, config: &Config) -> Result<Verdict> {
        let kind = event.header("x-github-event").unwrap_or_default();
        let Some(mut verdict) = config.rewrite(kind, event.body())? else {
            return Ok(match config.otherwise {
                Otherwise::Pass => Verdict::pass(),
                Otherwise::Drop => Verdict::drop("not an event to rewrite"),
            });
        };
        for (name, value) in &config.headers {
            verdict = verdict.set_header(name, value.as_str());
        }
        // They signed the body that came.
        Ok(verdict.remove_header("x-hub-signature").remove_header("x-hub-signature-256"))
    }

    fn validate(config: &Config) -> Result<(), String> {
        for (target, source) in &config.fields {
            check_pointer("fields", target)?;
            if !source.is_empty() && !source.starts_with('/') {
                return Err(format!("fields.{target}: `{source}` is no JSON pointer: begin with `/`"));
            }
        }
        config.r#static.keys().try_for_each(|target| check_pointer("static", target))
    }
}

fn check_pointer(place: &str, target: &str) -> Result<(), String> {
    let right = target.starts_with('/');
    right.then_some(()).ok_or_else(|| format!("{place}: `{target}` is no JSON pointer: begin with `/`"))
}

/// A Slack message, if the event is one that there is a message for.
fn message(kind: &str, body: &Body) -> Result<Option<Verdict>> {
    let message = match kind {
        "push" => github::push(&body.json()?),
        "issues" => github::issue(&body.json()?),
        _ => return Ok(None),
    };
    Ok(Some(Verdict::edit().set_json(&message)))
}

impl Config {
    /// The new body, if the event is one to rewrite.
    fn rewrite(&self, kind: &str, body: &Body) -> Result<Option<Verdict>> {
        if !self.events.is_empty() && !self.events.iter().any(|known| known == kind) {
            return Ok(None);
        }
        if self.fields.is_empty() && self.r#static.is_empty() { message(kind, body) } else { self.map(body).map(Some) }
    }

    /// The host finds the values and puts them together: none of the JSON is parsed here.
    fn map(&self, body: &Body) -> Result<Verdict> {
        let mut verdict = Verdict::edit().set_body("{}").set_header("content-type", "application/json");
        for (target, value) in &self.r#static {
            verdict = verdict.json_set_text(target, value.get());
        }
        let fields: Vec<(&String, &String)> = self.fields.iter().collect();
        let sources: Vec<&str> = fields.iter().map(|(_, source)| source.as_str()).collect();
        let values = body.json_texts(&sources).or_refuse(400, "the body is not JSON")?;
        for ((target, _), value) in fields.into_iter().zip(values) {
            if let Some(value) = value {
                verdict = verdict.json_set_text(target, value);
            }
        }
        Ok(verdict)
    }
}

snaphook_sdk::export!(Rewrite, body: buffered, config_schema: "config.schema.json");

#[cfg(test)]
mod tests;
