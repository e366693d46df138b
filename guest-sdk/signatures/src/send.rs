//! Events as providers send them: for the simulator and for tests.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::{
    code,
    judge::Trouble,
    jwt,
    native::{self, PrivateKey},
    place::{Clock, Condition, Spot, Test},
    recipe::{Algorithm, Code, Encoding, KeyForm, Recipe, Scheme, Unit},
    request::{Incoming, Request},
    shipped::{FILES, recipe},
    signature::encode,
    value::{Beside, Named, Part, Piece, Source, Template, Value},
};

/// What a provider sends beside its signature; `RECIPES.md` says what each key means.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Habits {
    pub method: Option<String>,
    pub headers: BTreeMap<String, String>,
    pub query: Option<Template>,
    pub events: Vec<String>,
    pub fresh: BTreeMap<String, String>,
}

/// An event of a provider, as it looks.
#[derive(Debug)]
pub struct Sample {
    pub provider: &'static str,
    /// As the file is called; `events` has the real name.
    pub event: &'static str,
    pub form: bool,
    pub body: &'static [u8],
}

static SAMPLES: &[Sample] = include!(concat!(env!("OUT_DIR"), "/samples.rs"));

/// What a provider sends beside its signature; none if there is no such provider.
pub fn habits(provider: &str) -> Option<Habits> {
    let at = FILES.binary_search_by(|file| file.name.cmp(provider)).ok()?;
    let own: Habits = serde_json::from_str(FILES[at].send).expect("recipes are checked by a test");
    let like: Option<String> = serde_json::from_str::<Recipe>(FILES[at].recipe).ok()?.like;
    let Some(base) = like.and_then(|like| habits(&like)) else { return Some(own) };
    let mut headers = base.headers;
    headers.extend(own.headers);
    let given = !own.events.is_empty();
    Some(Habits {
        method: own.method.or(base.method),
        headers,
        query: own.query.or(base.query),
        events: own.events,
        fresh: if given { own.fresh } else { base.fresh },
    })
}

/// What a user of the provider must know; none if nothing.
pub fn note(provider: &str) -> Option<String> {
    let at = FILES.binary_search_by(|file| file.name.cmp(provider)).ok()?;
    let texts: Json = serde_json::from_str(FILES[at].texts).ok()?;
    texts.get("note")?.as_str().map(str::to_owned)
}

/// A sample by its event's real name.
pub fn sample(provider: &str, event: &str) -> Option<&'static Sample> {
    let plain = |byte: char| if byte.is_ascii_alphanumeric() || "._-".contains(byte) { byte } else { '-' };
    let file: String = event.chars().map(plain).collect();
    SAMPLES.iter().find(|sample| sample.provider == provider && sample.event == file)
}

/// A request that is to be signed, or is.
#[derive(Debug, Clone)]
pub struct Sent {
    pub method: String,
    /// Whole.
    pub url: String,
    /// Names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

/// With what it is signed.
#[derive(Debug)]
pub struct Signer<'a> {
    pub secret: &'a str,
    /// For the providers that sign with a private key.
    pub private: Option<&'a PrivateKey>,
    pub settings: &'a BTreeMap<String, String>,
    /// Milliseconds since 1970.
    pub now: u64,
}

impl Sent {
    pub fn set(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        let value = value.into();
        match self.headers.iter_mut().find(|(known, _)| known == name) {
            Some((_, there)) => *there = value,
            None => self.headers.push((name.to_owned(), value)),
        }
    }

    fn after_origin(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        rest.find(['/', '?']).map_or("", |at| &rest[at..])
    }
}

impl Incoming for Sent {
    fn method(&self) -> &str {
        &self.method
    }

    fn scheme(&self) -> &str {
        self.url.split("://").next().unwrap_or_default()
    }

    fn authority(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        rest.split(['/', '?']).next().unwrap_or_default()
    }

    fn path(&self) -> &str {
        match self.after_origin().split('?').next() {
            None | Some("") => "/",
            Some(path) => path,
        }
    }

    fn query(&self) -> Option<&str> {
        self.after_origin().split_once('?').map(|(_, query)| query)
    }

    fn header(&self, name: &str) -> Vec<&[u8]> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_slice()).collect()
    }

    fn body(&self) -> Vec<u8> {
        self.body.clone()
    }

    fn json(&self, pointer: &str) -> Option<String> {
        match serde_json::from_slice::<Json>(&self.body).ok()?.pointer(pointer)? {
            Json::String(text) => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            Json::Bool(truth) => Some(truth.to_string()),
            _ => None,
        }
    }

    fn digest(&self, algorithm: &str) -> Option<Vec<u8>> {
        native::hash(algorithm, std::iter::once(self.body.as_slice()))
    }
}

/// What is new in every event of a provider.
struct Fresh {
    now: u64,
    uuid: String,
    event: String,
}

impl Fresh {
    fn text(&self, template: &str) -> String {
        let iso = || iso(self.now);
        let mut text = template.to_owned();
        for (name, value) in [
            ("{uuid}", self.uuid.clone()),
            ("{event}", self.event.clone()),
            ("{id}", format!("msg_{}", native::random_text(24))),
            ("{now}", (self.now / 1_000).to_string()),
            ("{now-ms}", self.now.to_string()),
            ("{now-iso}", iso()),
        ] {
            if text.contains(name) {
                text = text.replace(name, &value);
            }
        }
        while text.contains("{random}") {
            text = text.replacen("{random}", &native::random_text(24), 1);
        }
        text
    }
}

fn iso(millis: u64) -> String {
    let time = jiff::Timestamp::from_millisecond(i64::try_from(millis).unwrap_or_default()).unwrap_or_default();
    format!("{time:.3}")
}

/// An event of a provider with everything but its signature. Without an event the provider's first sample; the error says
/// which there are.
pub fn event(provider: &str, event: Option<&str>, url: &str, now: u64) -> Result<Sent, String> {
    let habits = habits(provider).ok_or_else(|| format!("there is no provider `{provider}`"))?;
    let known = || habits.events.join(", ");
    let name = match event {
        Some(name) => name,
        None => habits.events.first().ok_or_else(|| format!("{provider} has no sample"))?,
    };
    let sample = sample(provider, name).ok_or_else(|| format!("{provider} has no event `{name}`: {}", known()))?;
    let fresh = Fresh { now, uuid: native::random_uuid(), event: name.to_owned() };
    let body = match sample.form {
        true => sample.body.to_vec(),
        false => freshened(sample.body, &habits, &fresh),
    };
    let kind = if sample.form { "application/x-www-form-urlencoded" } else { "application/json" };
    let method = habits.method.clone().unwrap_or_else(|| "POST".to_owned());
    let mut sent = Sent { method, url: url.to_owned(), headers: Vec::new(), body };
    sent.set("content-type", kind);
    for (name, value) in &habits.headers {
        sent.set(name, fresh.text(value));
    }
    if let Some(query) = &habits.query {
        let none = BTreeMap::new();
        let query = query.text(&Request::new(&sent.clone(), None, &none), Beside::default());
        let between = if sent.url.contains('?') { "&" } else { "?" };
        sent.url.push_str(between);
        sent.url.push_str(&String::from_utf8_lossy(&query));
    }
    Ok(sent)
}

/// The sample with new ids and times; its bytes as they are if there is nothing new.
fn freshened(body: &[u8], habits: &Habits, fresh: &Fresh) -> Vec<u8> {
    let Ok(mut json) = serde_json::from_slice::<Json>(body) else { return body.to_vec() };
    let mut changed = false;
    for (pointer, template) in &habits.fresh {
        let Some(there) = json.pointer_mut(pointer) else { continue };
        let text = fresh.text(template);
        // What was a number stays one.
        let number = there.is_number().then(|| text.parse::<u64>().ok()).flatten();
        *there = number.map_or(Json::String(text), Json::from);
        changed = true;
    }
    if changed { serde_json::to_vec(&json).expect("JSON is JSON") } else { body.to_vec() }
}

/// Signs a request by the scheme with this number, from 0.
pub fn sign(provider: &str, scheme: usize, signer: &Signer<'_>, sent: &mut Sent) -> Result<(), String> {
    let recipe = recipe(provider).ok_or_else(|| format!("there is no provider `{provider}`"))?;
    let scheme =
        recipe.schemes.get(scheme).ok_or_else(|| format!("{provider} has {} schemes", recipe.schemes.len()))?;
    sign_by(&recipe, scheme, signer, sent)
}

/// Signs by a scheme of any recipe.
pub fn sign_by(recipe: &Recipe, scheme: &Scheme, signer: &Signer<'_>, sent: &mut Sent) -> Result<(), String> {
    give_id(recipe, sent);
    // What tells the scheme from others: HubSpot says in a header which version its signature has.
    if let Some(Condition(Test::Is(value, is))) = &scheme.when
        && let Some(Source::Header(name)) = value.0.first()
    {
        sent.set(name, is.as_bytes());
    }
    match scheme.algorithm {
        Algorithm::Code => return code::sign(scheme, signer, sent),
        Algorithm::Jwt => return jwt::sign(scheme, signer, sent),
        Algorithm::Token => return put(scheme, &format!("{}{}", scheme.prefix, signer.secret), signer, sent),
        Algorithm::Basic => {
            return put(scheme, &format!("Basic {}", encode(Encoding::Base64, signer.secret.as_bytes())), signer, sent);
        }
        _ => {}
    }
    let time = scheme.timestamp.as_ref().map(|when| (&when.0, time(signer.now, scheme.unit)));
    if let Some((Clock::At(value), time)) = &time
        && value
            .find(&Request::new(&sent.clone(), None, signer.settings))
            .is_none_or(|_| !matches!(value.0[0], Source::Setting(_)))
    {
        put_value(value, time, signer, sent)?;
    }
    if let Some(digest) = &scheme.digest {
        let own = sent.digest(&digest.algorithm).ok_or("the digest is none that is known")?;
        put_value(&digest.of, &encode(digest.encoding, &own), signer, sent)?;
    }
    let time = time.map(|(clock, time)| (clock.clone(), time));
    let signature = {
        let message = scheme.message.as_ref().ok_or("the scheme has no message")?;
        if message.of_sorted_form() && !is_form(sent) {
            return Err("the scheme is for forms, and the body is none".to_owned());
        }
        let incoming = sent.clone();
        let request = Request::new(&incoming, None, signer.settings);
        let timestamp = time.as_ref().map(|(_, time)| time.as_bytes());
        let parts = message.render(&request, Beside { timestamp, id: recipe.id.as_ref(), mac: None });
        signature(scheme, signer, &parts, &incoming)?
    };
    let signature = encode(scheme.encoding, &signature);
    let text = match (&scheme.pairs, &scheme.split, &time) {
        (Some(between), _, Some((Clock::Pair(name), time))) => {
            let pair = scheme.pair.as_deref().unwrap_or_default();
            format!("{name}={time}{between}{pair}={}{signature}", scheme.prefix)
        }
        (Some(_), _, _) => format!("{}={}{signature}", scheme.pair.as_deref().unwrap_or_default(), scheme.prefix),
        (None, Some(between), Some((Clock::Position(_), time))) => {
            format!("{time}{between}{}{signature}", scheme.prefix)
        }
        _ => format!("{}{signature}", scheme.prefix),
    };
    put(scheme, &text, signer, sent)
}

fn signature(scheme: &Scheme, signer: &Signer<'_>, parts: &[Part<'_>], incoming: &Sent) -> Result<Vec<u8>, String> {
    let key = native::derive(signer.secret.as_bytes(), &scheme.key_prefix, scheme.key);
    match scheme.algorithm {
        Algorithm::HmacSha1 | Algorithm::HmacSha256 | Algorithm::HmacSha384 | Algorithm::HmacSha512 => {
            let key = key?;
            let bytes = bytes(parts, &key, &incoming.body);
            Ok(native::mac(scheme.algorithm.name(), &key, bytes.into_iter()).expect("is known"))
        }
        Algorithm::Sha256 => {
            let key = key?;
            let bytes = bytes(parts, &key, &incoming.body);
            Ok(native::hash("sha256", bytes.into_iter()).expect("is known"))
        }
        other => {
            let private =
                signer.private.ok_or_else(|| format!("a private key is needed to sign with {}", other.name()))?;
            private.sign(other.name(), &bytes(parts, b"", &incoming.body).concat())
        }
    }
}

/// Where the parts' bytes are.
pub(crate) fn bytes<'a>(parts: &'a [Part<'_>], secret: &'a [u8], body: &'a [u8]) -> Vec<&'a [u8]> {
    let bytes = |part: &'a Part<'_>| match part {
        Part::Bytes(bytes) => bytes.as_ref(),
        Part::Body => body,
        Part::Secret => secret,
    };
    parts.iter().map(bytes).collect()
}

pub(crate) fn time(now: u64, unit: Unit) -> String {
    match unit {
        Unit::Seconds => (now / 1_000).to_string(),
        Unit::Milliseconds => now.to_string(),
        Unit::Iso => iso(now),
    }
}

/// A delivery's id in its header, where the sample has none.
fn give_id(recipe: &Recipe, sent: &mut Sent) {
    let Some(Named(pieces)) = &recipe.id else { return };
    let [Piece::Value(value, _)] = pieces.as_slice() else { return };
    let none = BTreeMap::new();
    if value.find(&Request::new(&sent.clone(), None, &none)).is_some() {
        return;
    }
    if let Some(Source::Header(name)) = value.0.first() {
        sent.set(name, format!("msg_{}", native::random_text(24)));
    }
}

/// Puts a signature where the scheme has it.
pub(crate) fn put(scheme: &Scheme, text: &str, signer: &Signer<'_>, sent: &mut Sent) -> Result<(), String> {
    match scheme.signature.as_ref().map(|place| &place.0) {
        Some(Spot::Numbered(prefix)) => {
            sent.set(&format!("{prefix}1"), text);
            Ok(())
        }
        Some(Spot::Headers(names)) => {
            sent.set(&names[0], text);
            Ok(())
        }
        Some(Spot::At(value)) => put_value(value, text, signer, sent),
        None => Err("the scheme does not say where its signature is".to_owned()),
    }
}

fn is_form(sent: &Sent) -> bool {
    sent.header("content-type").first().is_some_and(|kind| kind.starts_with(b"application/x-www-form-urlencoded"))
}

fn put_value(value: &Value, text: &str, signer: &Signer<'_>, sent: &mut Sent) -> Result<(), String> {
    match &value.0[0] {
        Source::Header(name) => sent.set(name, text),
        Source::HeaderOfSetting(setting) => {
            let name = signer.settings.get(setting).ok_or_else(|| format!("the setting {setting} is missing"))?;
            sent.set(&name.to_ascii_lowercase(), text);
        }
        Source::Body => sent.body = text.as_bytes().to_vec(),
        Source::Json(pointer) => {
            let mut json: Json = serde_json::from_slice(&sent.body).map_err(|error| format!("the body: {error}"))?;
            let there = json.pointer_mut(pointer).ok_or_else(|| format!("the body has no {pointer}"))?;
            let number = there.is_number().then(|| text.parse::<u64>().ok()).flatten();
            *there = number.map_or_else(|| Json::from(text), Json::from);
            sent.body = serde_json::to_vec(&json).expect("JSON is JSON");
        }
        Source::Query(name) => {
            let between = if sent.url.contains('?') { "&" } else { "?" };
            let text: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
            sent.url.push_str(&format!("{between}{name}={text}"));
        }
        Source::Form(name) => {
            if !is_form(sent) {
                return Err("the body is no form".to_owned());
            }
            let pairs = form_urlencoded::parse(&sent.body).into_owned().filter(|(known, _)| known != name);
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(pairs).append_pair(name, text);
            sent.body = form.finish().into_bytes();
        }
        other => return Err(format!("nothing can be put into {other}")),
    }
    Ok(())
}

/// A made-up secret of the form that a scheme takes, for trials.
pub fn secret_for(scheme: &Scheme, seed: &str) -> String {
    let bytes = format!("{seed}-0123456789-0123456789");
    let form = match scheme.code {
        Some(Code::Adyen) => KeyForm::Hex,
        Some(Code::Rfc9421) => KeyForm::Base64,
        _ => scheme.key,
    };
    let text = match form {
        KeyForm::Base64 => encode(Encoding::Base64, bytes.as_bytes()),
        KeyForm::Hex => encode(Encoding::Hex, bytes.as_bytes()),
        _ => format!("{bytes}:x"),
    };
    format!("{}{text}", scheme.key_prefix)
}

/// Made-up settings that a recipe needs, for trials.
pub fn settings_for(recipe: &Recipe) -> BTreeMap<String, String> {
    let value = |name: &str| match name {
        "domain" => Some("example.kinde.com"),
        "jwks_url" => Some("https://auth.example.com/.well-known/jwks.json"),
        "header" => Some("X-Chosen"),
        "algorithm" | "components" | "label" | "keyid" | "window" | "environment" => None,
        _ => Some("made-up"),
    };
    recipe.settings.keys().filter_map(|name| Some((name.clone(), value(name)?.to_owned()))).collect()
}

/// A new private key, where a scheme signs with one.
pub fn private_key_for(scheme: &Scheme) -> Option<Result<PrivateKey, String>> {
    let first = scheme.algorithms.first().map(String::as_str);
    let algorithm = match (scheme.algorithm, first, scheme.code) {
        (Algorithm::Ed25519, ..) | (_, Some("EdDSA"), _) => "ed25519",
        (Algorithm::EcdsaP256Sha256 | Algorithm::EcdsaP256Sha1, ..)
        | (_, Some("ES256"), _)
        | (.., Some(Code::Ebay | Code::Plaid)) => "ecdsa-p256",
        (Algorithm::RsaPkcs1Sha256 | Algorithm::RsaPkcs1Sha1, ..) | (_, Some("RS256"), _) | (.., Some(Code::Sns)) => {
            "rsa"
        }
        _ => return None,
    };
    Some(PrivateKey::generate(algorithm).map(|(key, _)| key))
}

/// The public key as one stores it for a scheme that keeps it like a secret.
pub fn public_secret_for(scheme: &Scheme, key: &PrivateKey) -> Result<String, String> {
    Ok(match scheme.key {
        KeyForm::Hex => encode(Encoding::Hex, &key.public_raw()),
        KeyForm::Base64 if scheme.algorithm == Algorithm::Ed25519 => {
            format!("{}{}", scheme.key_prefix, encode(Encoding::Base64, &key.public_raw()))
        }
        KeyForm::Base64 => key.public_pem()?.lines().filter(|line| !line.starts_with("--")).collect(),
        _ => key.public_pem()?,
    })
}

impl From<Trouble> for String {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Invalid(what) | Trouble::Unavailable(what) | Trouble::Denied(what) => what,
        }
    }
}
