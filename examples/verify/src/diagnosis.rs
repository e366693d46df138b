//! Which usual mistake would explain a signature that does not match. Only for the log: the sender learns nothing of it.

use signatures::{Judgement, Options, Request, judge};
use snaphook_sdk::Event;

use crate::{config::Meant, host::Received};

/// Longer bodies are not looked at: each try hashes it once more.
const BODY_BYTES_MOST: u64 = 64 << 10;

/// What would have matched, in words; none if nothing that is known does.
pub(crate) fn diagnose(event: &Event, config: &Meant) -> Option<String> {
    if event.body().original().len() > BODY_BYTES_MOST {
        return None;
    }
    let options = config.options();
    let original = event.body().original().bytes();
    for (what, body) in bodies(&original) {
        if holds(&Received::with_body(event, body), config, options) {
            return Some(format!(
                "it is right for {what}: something between the sender and this host changes the body"
            ));
        }
    }
    let urls = urls(event, config);
    for url in &urls {
        let public_urls = std::slice::from_ref(url);
        if holds(&Received::new(event), config, Options { public_urls, ..options }) {
            return Some(format!("it is right for the URL {url}: put that into public_urls"));
        }
    }
    None
}

fn holds(received: &Received<'_>, config: &Meant, options: Options<'_>) -> bool {
    let request = Request::new(received, options.public_urls.first().map(String::as_str), &config.rest.settings);
    // What is too old by now matched nevertheless.
    let options = Options { window: Some(u64::MAX / 1_000), ..options };
    let judged = judge(&config.recipe, options, &request, received);
    matches!(judged, Ok(Judgement::Verified | Judgement::Authenticated))
}

fn bodies(original: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut bodies = Vec::new();
    bodies.push(("the body with a line feed at its end", [original, b"\n"].concat()));
    bodies.push(("the body with CR and LF at its end", [original, b"\r\n"].concat()));
    if let Some(shorter) = original.strip_suffix(b"\r\n").or_else(|| original.strip_suffix(b"\n")) {
        bodies.push(("the body without the line break at its end", shorter.to_vec()));
    }
    if let Ok(json) = serde_json::from_slice::<serde_json::Value>(original) {
        bodies.push(("the same JSON without spaces", serde_json::to_vec(&json).unwrap_or_default()));
        bodies.push(("the same JSON indented", serde_json::to_vec_pretty(&json).unwrap_or_default()));
    }
    bodies.push(("an empty body", Vec::new()));
    bodies.retain(|(_, body)| body != original);
    bodies
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
