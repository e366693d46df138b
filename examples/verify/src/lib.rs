//! Lets only events through that are from whom they say, for 132 providers; answers their handshakes; says on each event
//! what was found.

mod config;
mod diagnosis;
mod host;
#[cfg(test)]
mod tests;

use signatures::{Cause, Judgement, Request, Shaken, Source, credentials, judge, shake};
use snaphook_sdk::{
    kv::{self, Reservation},
    prelude::*,
};

use crate::{
    config::{Config, Meant},
    host::Received,
};

struct Verify;

impl Filter for Verify {
    type Config = Config;

    fn handle(event: &Event, Config(config): &Config) -> Result<Verdict> {
        let received = Received::new(event);
        let request = Request::new(&received, None, &config.rest.settings);
        // A replay was let through when it came; by now its signature is too old, and perhaps its secret is gone.
        if event.is_replay() {
            event.set_label("verify", "not-attempted")?;
            say(event, config, &request)?;
            return Ok(pass(config, &request));
        }
        match shake(&config.recipe, config.options(), &request, &received).map_err(denied)? {
            Some(Shaken::Answered(answer)) => return Ok(answered(answer)),
            Some(Shaken::Refused(why)) => return refuse(event, config, "handshake", &why),
            None => {}
        }
        let found = judge(&config.recipe, config.options(), &request, &received).map_err(denied)?;
        match found {
            Judgement::Verified => event.set_label("verify", "verified")?,
            Judgement::Authenticated if config.rest.require_signature => {
                return refuse(event, config, "no-signature", "it is only authenticated, and a signature is required");
            }
            Judgement::Authenticated => event.set_label("verify", "authenticated")?,
            Judgement::Failed(cause) => return failed(event, config, &cause),
        }
        say(event, config, &request)?;
        once(config, &request, pass(config, &request))
    }

    fn prepare(Config(config): &Config, _: &str) -> Result<Vec<u8>, String> {
        postcard::to_allocvec(config).map_err(|error| error.to_string())
    }

    fn restore(prepared: &[u8]) -> Result<Config> {
        postcard::from_bytes(prepared).map(Config).map_err(|error| Error::Failed(error.to_string()))
    }
}

/// Nobody can be verified: a mistake of the operator's, and not a refusal.
fn denied(grant: String) -> Error {
    Error::Failed(format!("the attachment does not grant {grant}"))
}

/// The event goes on, without what would let its receivers send events themselves.
fn pass(config: &Meant, request: &Request<'_>) -> Verdict {
    let found = match config.rest.keep_credentials {
        true => Vec::new(),
        false => credentials(&config.recipe, request),
    };
    if found.is_empty() {
        return Verdict::pass();
    }
    // A body stays as it was sent.
    let mut verdict = Verdict::edit();
    let mut parameters: Vec<&str> = Vec::new();
    for source in &found {
        match source {
            Source::Header(name) => verdict = verdict.remove_header(name),
            Source::Query(name) => parameters.push(name),
            _ => {}
        }
    }
    if parameters.is_empty() { verdict } else { verdict.set_query(request.query_without(&parameters)) }
}

fn answered(answer: signatures::Answer) -> Verdict {
    if let Some(value) = &answer.show {
        log::warn!("the provider says what to store as its secret: {value}");
    }
    let mut verdict = Verdict::respond(answer.status).body(answer.body);
    for (name, value) in answer.headers {
        verdict = verdict.header(&name, value);
    }
    verdict
}

fn failed(event: &Event, config: &Meant, cause: &Cause) -> Result<Verdict> {
    let mut why = cause.to_string();
    if config.rest.diagnose
        && matches!(cause, Cause::Mismatch | Cause::WrongToken | Cause::Malformed(_) | Cause::UnknownSecret(_))
    {
        why.push_str("; ");
        why.push_str(&diagnosis::diagnose(event, config));
    }
    refuse(event, config, cause.name(), &why)
}

fn refuse(event: &Event, config: &Meant, cause: &str, why: &str) -> Result<Verdict> {
    event.set_label("verify", "failed")?;
    event.set_label("verify.cause", cause)?;
    if config.rest.report_only {
        log::warn!("{why}");
        return Ok(Verdict::pass());
    }
    Err(Refusal::new(401, why).into())
}

/// What the provider says about the event.
fn say(event: &Event, config: &Meant, request: &Request<'_>) -> Result<()> {
    const LABEL_BYTES_MOST: usize = 256;
    event.set_label("provider", &config.provider)?;
    let text = |found: Vec<u8>| String::from_utf8(found).ok();
    let kind = config.recipe.event.as_ref().and_then(|kind| kind.find(request)).and_then(text);
    if let Some(kind) = kind.filter(|kind| kind.len() <= LABEL_BYTES_MOST) {
        event.set_label("event", &kind)?;
    }
    if let Some(id) = id(config, request) {
        event.set_idempotency_key(&id)?;
    }
    Ok(())
}

fn id(config: &Meant, request: &Request<'_>) -> Option<String> {
    const KEY_BYTES_MOST: usize = 255;
    let id = String::from_utf8(config.recipe.id.as_ref()?.find(request)?).ok()?;
    (id.len() <= KEY_BYTES_MOST).then_some(id)
}

fn once(config: &Meant, request: &Request<'_>, pass: Verdict) -> Result<Verdict> {
    let Some(ttl) = config.rest.once_seconds else { return Ok(pass) };
    let id = id(config, request).or_refuse(400, "the delivery's id is missing")?;
    Ok(match kv::namespace("deliveries").once(&id, ttl)? {
        Reservation::First => pass,
        Reservation::Pending => Verdict::retry_later(1),
        Reservation::Known => Verdict::respond(200).body("duplicate"),
    })
}

snaphook_sdk::export!(
    Verify,
    body: buffered,
    optional_secrets: ["secret", "other", "verify_token", "verification_token"],
    optional_kv: ["deliveries"],
    keys: [
        "https://api.paypal.com/v1/notifications/certs/",
        "https://sns.*.amazonaws.com/",
        "https://production.plaid.com/",
        "https://api.ebay.com/",
    ],
    config_schema: "config.schema.json",
);
