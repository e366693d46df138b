//! Which usual mistake would explain a signature that does not match. Only for the log: the sender learns nothing of it.

use std::io::{Result, Write};

use serde::Serialize;
use serde_json::{
    Serializer, Value,
    ser::{Formatter, PrettyFormatter},
};
use signatures::{Encoding, Judgement, KeyForm, Options, Recipe, Request, judge};
use snaphook_sdk::Event;

use crate::{config::Meant, host::Received};

/// Longer bodies are not looked at: each try hashes it once more.
const BODY_BYTES_MOST: u64 = 64 << 10;

/// What would have matched, in words.
pub(crate) fn diagnose(event: &Event, config: &Meant) -> String {
    if event.body().original().len() > BODY_BYTES_MOST {
        return format!("bodies of more than {BODY_BYTES_MOST} bytes are not looked at for usual mistakes");
    }
    mistake(event, config).unwrap_or_else(|| "no usual mistake would explain it".to_owned())
}

fn mistake(event: &Event, config: &Meant) -> Option<String> {
    let tried = Tried { config, recipe: &config.recipe, options: config.options() };
    let received = Received::new(event);
    for secret in &config.rest.other_secrets {
        if (Tried { options: Options { secret, ..tried.options }, ..tried }).holds(&received) {
            return Some(format!("it is right under the secret `{secret}`: another one than this route has was used"));
        }
    }
    let original = event.body().original().bytes();
    for (what, body) in bodies(&original) {
        if tried.holds(&Received::with_body(event, body)) {
            return Some(format!(
                "it is right for {what}: something between the sender and this host changes the body"
            ));
        }
    }
    let urls = urls(event, config);
    for url in &urls {
        let public_urls = std::slice::from_ref(url);
        if (Tried { options: Options { public_urls, ..tried.options }, ..tried }).holds(&received) {
            return Some(format!("it is right for the URL {url}: put that into public_urls"));
        }
    }
    for (what, recipe) in encodings(&config.recipe) {
        if (Tried { recipe: &recipe, ..tried }).holds(&received) {
            return Some(format!("it is right {what}"));
        }
    }
    None
}

/// What is taken for right, for once.
#[derive(Clone, Copy)]
struct Tried<'a> {
    config: &'a Meant,
    recipe: &'a Recipe,
    options: Options<'a>,
}

impl Tried<'_> {
    fn holds(self, received: &Received<'_>) -> bool {
        let Self { config, recipe, options } = self;
        let request = Request::new(received, options.public_urls.first().map(String::as_str), &config.rest.settings);
        // What is too old by now matched nevertheless.
        let options = Options { window: Some(u64::MAX / 1_000), ..options };
        let judged = judge(recipe, options, &request, received);
        matches!(judged, Ok(Judgement::Verified | Judgement::Authenticated))
    }
}

/// The recipe, with its keys and signatures written in other ways.
fn encodings(recipe: &Recipe) -> Vec<(String, Recipe)> {
    let mut others = Vec::new();
    for form in [KeyForm::Utf8, KeyForm::Base64, KeyForm::Hex] {
        let mut other = recipe.clone();
        other.schemes.iter_mut().for_each(|scheme| scheme.key = form);
        let how = match form {
            KeyForm::Utf8 => "if the secret's text is the key, as it is".to_owned(),
            form => format!("if the secret's text is decoded as {} first", form.name()),
        };
        others.push((format!("{how}: store it as the provider shows it"), other));
    }
    for (encoding, name) in
        [(Encoding::Hex, "hexadecimal"), (Encoding::Base64, "base64"), (Encoding::Base64url, "base64url")]
    {
        let mut other = recipe.clone();
        other.schemes.iter_mut().for_each(|scheme| scheme.encoding = encoding);
        others.push((format!("if the signature is read as {name}: say `encoding` in the recipe"), other));
    }
    others
}

fn bodies(original: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut bodies = Vec::new();
    bodies.push(("the body with a line feed at its end", [original, b"\n"].concat()));
    bodies.push(("the body with CR and LF at its end", [original, b"\r\n"].concat()));
    if let Some(shorter) = original.strip_suffix(b"\r\n").or_else(|| original.strip_suffix(b"\n")) {
        bodies.push(("the body without the line break at its end", shorter.to_vec()));
    }
    if let Ok(json) = serde_json::from_slice::<Value>(original) {
        bodies.push(("the same JSON without spaces", serde_json::to_vec(&json).unwrap_or_default()));
        bodies.push(("the same JSON indented", serde_json::to_vec_pretty(&json).unwrap_or_default()));
        bodies.push(("the same JSON indented by four", written(&json, PrettyFormatter::with_indent(b"    "))));
        bodies.push(("the same JSON with a space behind each comma and colon", written(&json, Spaced)));
    }
    bodies.push(("an empty body", Vec::new()));
    bodies.retain(|(_, body)| body != original);
    bodies
}

fn written(json: &Value, formatter: impl Formatter) -> Vec<u8> {
    let mut text = Vec::new();
    // What is written into memory does not fail.
    _ = json.serialize(&mut Serializer::with_formatter(&mut text, formatter));
    text
}

/// As Python writes JSON.
struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        out.write_all(b": ")
    }
}

/// The request's URL in other ways.
fn urls(event: &Event, config: &Meant) -> Vec<String> {
    let host = event.authority().split(':').next().unwrap_or_default();
    let origins = ["https", "http"].map(|scheme| format!("{scheme}://{}", event.authority()));
    let without_port = ["https", "http"].map(|scheme| format!("{scheme}://{host}"));
    let mut urls: Vec<String> = Vec::new();
    for origin in origins.into_iter().chain(without_port) {
        let path = event.path();
        let other = path.strip_suffix('/').map_or_else(|| format!("{path}/"), str::to_owned);
        urls.extend([format!("{origin}{path}"), format!("{origin}{other}")]);
    }
    urls.retain(|url| !config.rest.public_urls.contains(url));
    urls.dedup();
    urls
}
