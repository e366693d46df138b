//! Picks destinations by a table in its configuration: the first rule that holds decides.

use std::{cell::OnceCell, collections::BTreeMap};

use serde::Deserialize;
use snaphook_sdk::prelude::*;

mod glob;

struct Router;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    rules: Vec<Rule>,
    /// What becomes of an event for which no rule holds.
    #[serde(default)]
    otherwise: Otherwise,
}

/// All that is written must hold; what is left out holds for every event.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// For the label `router.rule`; its number if left out.
    name: Option<String>,
    /// One of these is the event's kind, header `X-GitHub-Event`.
    #[serde(default)]
    events: Vec<String>,
    /// One of these is the body's `/action`.
    #[serde(default)]
    actions: Vec<String>,
    /// One of these matches the body's `/repository/full_name`; `*` stands for anything.
    #[serde(default)]
    repositories: Vec<String>,
    /// Each header has exactly this value.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Vec<Condition>,
    to: Vec<String>,
}

/// One of the four, about the value at a JSON pointer. Numbers, `true` and `false` are compared as text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    at: String,
    equals: Option<String>,
    r#in: Option<Vec<String>>,
    /// `*` stands for anything.
    like: Option<String>,
    exists: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
enum Otherwise {
    /// Go on; the route's default destination gets it.
    #[default]
    Pass,
    Drop,
    To(Vec<String>),
}

impl Filter for Router {
    type Config = Config;

    fn handle(event: &Event, config: &Config) -> Result<Verdict> {
        let seen = Seen::new(event);
        for (index, rule) in config.rules.iter().enumerate() {
            if rule.holds(&seen)? {
                match &rule.name {
                    Some(name) => event.set_label("router.rule", name)?,
                    None => event.set_label("router.rule", &index.to_string())?,
                }
                return Ok(Verdict::edit().choose(&rule.to));
            }
        }
        Ok(match &config.otherwise {
            Otherwise::Pass => Verdict::pass(),
            Otherwise::Drop => Verdict::drop("no rule holds"),
            Otherwise::To(destinations) => Verdict::edit().choose(destinations),
        })
    }

    fn validate(config: &Config) -> Result<(), String> {
        for (index, rule) in config.rules.iter().enumerate() {
            if rule.to.is_empty() {
                return Err(format!("rules[{index}].to: is empty: name at least one destination"));
            }
            for (number, condition) in rule.body.iter().enumerate() {
                condition.check().map_err(|problem| format!("rules[{index}].body[{number}]{problem}"))?;
            }
        }
        match &config.otherwise {
            Otherwise::To(names) if names.is_empty() => {
                Err("otherwise.to: is empty: write `pass` or `drop`".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// The event, and what several rules ask of it. The host parses the body, at the first question.
struct Seen<'a> {
    event: &'a Event,
    action: OnceCell<Option<String>>,
    repository: OnceCell<Option<String>>,
}

impl<'a> Seen<'a> {
    fn new(event: &'a Event) -> Self {
        Self { event, action: OnceCell::new(), repository: OnceCell::new() }
    }

    fn action(&self) -> Option<&str> {
        self.action.get_or_init(|| self.event.body().pointer("/action")).as_deref()
    }

    fn repository(&self) -> Option<&str> {
        self.repository.get_or_init(|| self.event.body().pointer("/repository/full_name")).as_deref()
    }
}

impl Rule {
    /// Cheap questions first: the body is not looked at if the headers decide.
    fn holds(&self, seen: &Seen) -> Result<bool> {
        let one_of = |wanted: &[String], value: Option<&str>| {
            wanted.is_empty() || value.is_some_and(|value| wanted.iter().any(|wanted| wanted == value))
        };
        let header = |name: &str, value: &str| seen.event.header_values(name).any(|known| known == value.as_bytes());
        let quick = one_of(&self.events, seen.event.header("x-github-event"))
            && self.headers.iter().all(|(name, value)| header(name, value))
            && (self.actions.is_empty() || one_of(&self.actions, seen.action()))
            && (self.repositories.is_empty()
                || seen
                    .repository()
                    .is_some_and(|name| self.repositories.iter().any(|glob| glob::matches(glob, name))));
        if !quick {
            return Ok(false);
        }
        for condition in &self.body {
            if !condition.holds(seen.event.body())? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Condition {
    fn holds(&self, body: &Body) -> Result<bool> {
        if let Some(exists) = self.exists {
            // A body that is not JSON has nothing anywhere.
            return Ok(body.json_text(&self.at).is_ok_and(|value| value.is_some()) == exists);
        }
        let Some(value) = body.pointer(&self.at) else { return Ok(false) };
        Ok(self.equals.as_ref().is_some_and(|wanted| *wanted == value)
            || self.r#in.as_ref().is_some_and(|wanted| wanted.contains(&value))
            || self.like.as_ref().is_some_and(|glob| glob::matches(glob, &value)))
    }

    fn check(&self) -> Result<(), &'static str> {
        let tests = [self.equals.is_some(), self.r#in.is_some(), self.like.is_some(), self.exists.is_some()];
        if tests.into_iter().filter(|test| *test).count() != 1 {
            return Err(": write one of `equals`, `in`, `like` and `exists`");
        }
        if !self.at.is_empty() && !self.at.starts_with('/') {
            return Err(".at: is no JSON pointer: begin with `/`");
        }
        Ok(())
    }
}

snaphook_sdk::export!(Router, body: buffered, config_schema: "config.schema.json");

#[cfg(test)]
mod tests;
