//! `send`: an event of a file, or one that is made up, goes to a route as its provider would send it.

mod faults;
mod listing;
mod signing;

use std::{path::Path, time::Duration};

use aws_lc_rs::hmac;
use bytes::Bytes;
use faults::{Answered, Faults};
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Uri,
    header::{CONTENT_TYPE, USER_AGENT},
};
use model::{Secret, event_file::Parts};
use serde_json::json;
use signatures::send::{self, Sent};
use signing::{Signing, Way};

use super::{
    Global,
    answers::Status,
    event_file,
    failure::{Exit, Failure},
    show, story,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Send {
    /// An event file: JSON with method, path, query, headers and one of body, body_text, body_base64. Or a provider, whose
    /// event is made up: stripe, github, … (--list says which).
    #[arg(value_name = "FILE|PROVIDER", required_unless_present = "list")]
    what: Option<String>,
    /// With a provider: which of its events. By default its first (--list says which there are).
    event: Option<String>,
    /// List the providers, or a provider's events.
    #[arg(long)]
    list: bool,
    /// Where to: a URL, or a path on the host's gateway. By default the event's own path there, or /PROVIDER.
    #[arg(long, value_name = "URL|PATH")]
    to: Option<String>,
    /// With a file: sign it as this provider does. By default as GitHub, if the event has the header x-github-event or there
    /// is a secret to sign with.
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<String>,
    #[command(flatten)]
    signing: Signing,
    /// A header, in place of what the file or the provider says: `x-github-delivery: 1`.
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(HeaderName, HeaderValue)>,
    #[command(flatten)]
    faults: Faults,
    /// The status that is right. Any other one exits with 1.
    #[arg(long, value_name = "STATUS")]
    expect: Option<u16>,
}

impl Send {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        if self.list {
            return listing::list(global, self.what.as_deref());
        }
        let what = self.what.as_deref().expect("is required");
        let file = Path::new(what);
        let known = signatures::names().any(|name| name == what);
        if !known && !file.exists() && !what.contains(['/', '.']) {
            return Err(Failure::usage(format!(
                "`{what}` is neither an event file nor a provider: `snaphook send --list` lists the providers"
            )));
        }
        let event = if known && !file.is_file() { None } else { Some(event_file::open(file)?) };
        if let (Some(name), Some(_)) = (&self.event, &event) {
            return Err(Failure::usage(format!("`{name}`: an event file is one event; leave that out")));
        }
        let provider = if event.is_some() { self.provider.as_deref() } else { Some(what) };
        if event.is_none() && self.provider.is_some() {
            return Err(Failure::usage(format!("--provider is for an event file; `{what}` is a provider itself")));
        }
        if event.is_none() && self.signing.has_recipe() {
            return Err(Failure::usage(format!("--recipe is for an event file; `{what}` has a recipe of its own")));
        }
        let way = self.signing.way(provider)?;
        let secret = self.signing.secret()?;
        if let Some(way) = &way {
            let notes = self.signing.notes(way, secret.as_ref(), self.faults.stale);
            notes.iter().for_each(|note| show::note(&format!("{} {note}", show::styled(show::ODD, "note:"))));
        }
        let url = self.url(global, event.as_ref()).await?;
        let mut requests = Vec::new();
        for _ in 0..self.faults.count.max(1) {
            requests.push(match &event {
                Some(event) => self.of_file(event, way.as_ref(), &url, secret.as_ref())?,
                None => self.made_up(what, way.as_ref().expect("a provider's"), &url, secret.as_ref())?,
            });
        }
        let answers = self.faults.send(requests, &url).await?;
        self.tell(global, &answers)?;
        if answers.iter().any(|answer| answer.status() == 404) {
            show::note(&format!("{} it went to {url}; --to says where else", show::styled(show::ODD, "note:")));
        }
        let wrong = |answer: &&Answered| self.expect.is_some_and(|expected| answer.status() != expected);
        match (answers.iter().find(wrong), self.expect) {
            (Some(answer), Some(expected)) => {
                Err(Failure::new(Exit::Failed, format!("expected status {expected}, got {}", answer.status())))
            }
            _ => Ok(()),
        }
    }

    fn tell(&self, global: &Global, answers: &[Answered]) -> Result<(), Failure> {
        if let [Answered { answer, took, .. }] = answers {
            return match global.json {
                true => show::print_json(&told_as_json(answer, *took)),
                false => show::print(&told(answer, *took)),
            };
        }
        if global.json {
            let all: Vec<_> = answers.iter().map(|answered| told_as_json(&answered.answer, answered.took)).collect();
            return show::print_json(&json!(all));
        }
        if answers.is_empty() {
            return Ok(());
        }
        let mut text = String::new();
        let mut counts = std::collections::BTreeMap::<u16, usize>::new();
        for Answered { number, answer, took } in answers {
            *counts.entry(answer.status().as_u16()).or_default() += 1;
            let event = answer.headers().get("snaphook-event").and_then(|id| id.to_str().ok()).unwrap_or_default();
            let took = show::micros(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
            text.push_str(&format!("{number}  {}  {event}  {took}\n", answer.status()));
        }
        let counts: Vec<String> = counts.iter().map(|(status, count)| format!("{count} × {status}")).collect();
        show::print(&format!("{text}{}\n", counts.join(", ")))
    }

    /// Where the event goes; where the gateway is, the host says.
    async fn url(&self, global: &Global, event: Option<&Parts>) -> Result<Uri, Failure> {
        let query = event.and_then(|event| event.query.as_deref());
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let url = match self.to.as_deref() {
            Some(url) if !url.starts_with('/') => url.to_owned(),
            path => {
                let status: Status = global.client()?.get("/v1/status").await?.read()?;
                let gateway = status
                    .gateway
                    .ok_or_else(|| Failure::failed("the host does not say where its gateway is: use --to URL"))?;
                let gateway = gateway.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]");
                let own =
                    event.map(|event| event.path.clone()).or_else(|| self.what.as_ref().map(|name| format!("/{name}")));
                format!("http://{gateway}{}{query}", path.unwrap_or(&own.unwrap_or_default()))
            }
        };
        match url.parse::<Uri>() {
            Ok(uri) if uri.scheme_str() == Some("http") && uri.authority().is_some() => Ok(uri),
            _ => Err(Failure::usage(format!("--to: `{url}` is no URL that begins with http://, and no path"))),
        }
    }

    fn of_file(
        &self,
        event: &Parts,
        way: Option<&Way>,
        url: &Uri,
        secret: Option<&Secret>,
    ) -> Result<Request<Bytes>, Failure> {
        let Parts { method, headers, body, .. } = event;
        let mut headers = headers.clone();
        let like_github = headers.contains_key("x-github-event") || secret.is_some();
        if let Some(way) = way.filter(|way| !way.is_github()) {
            let mut sent = Sent {
                method: method.to_string(),
                url: self.signing.public_url(url),
                headers: headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect(),
                body: body.to_vec(),
            };
            self.signing.sign(way, &mut sent, secret, self.faults.stale)?;
            return self.finished(sent, url);
        }
        if way.is_some() || like_github {
            // Each time another one, as when something happens again.
            headers.remove(GITHUB_DELIVERY);
            sign_for_github(&mut headers, body, secret, rand::random());
        }
        let headers = headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
        let sent = Sent { method: method.to_string(), url: url.to_string(), headers, body: body.to_vec() };
        self.finished(sent, url)
    }

    fn made_up(
        &self,
        provider: &str,
        way: &Way,
        url: &Uri,
        secret: Option<&Secret>,
    ) -> Result<Request<Bytes>, Failure> {
        let now = self.signing.now(way, self.faults.stale);
        let public = self.signing.public_url(url);
        let mut sent = send::event(provider, self.event.as_deref(), &public, now).map_err(Failure::usage)?;
        self.signing.sign(way, &mut sent, secret, self.faults.stale)?;
        self.finished(sent, url)
    }

    /// As it goes out, to where the URL says. What was signed may have another query by now.
    fn finished(&self, sent: Sent, url: &Uri) -> Result<Request<Bytes>, Failure> {
        let wrong = |what: &str| Failure::failed(format!("the event's {what} cannot be sent"));
        let query = sent.url.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
        let target = format!("{}://{}{}{query}", url.scheme_str().unwrap_or("http"), authority(url), url.path());
        let mut body = Bytes::from(sent.body);
        if self.faults.tamper {
            body = tampered(&body)?;
        }
        let mut request =
            Request::builder().method(sent.method.as_str()).uri(target).body(body).map_err(|_| wrong("URL"))?;
        for (name, value) in sent.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("header"))?;
            let value = HeaderValue::from_bytes(&value).map_err(|_| wrong("header"))?;
            request.headers_mut().append(name, value);
        }
        for (name, value) in &self.header {
            request.headers_mut().insert(name, value.clone());
        }
        Ok(request)
    }
}

fn authority(url: &Uri) -> &str {
    url.authority().map_or("", |authority| authority.as_str())
}

const GITHUB_DELIVERY: &str = "x-github-delivery";

/// What GitHub puts beside an event; `delivery` is what the id of the delivery is made of, if it has none yet. Source:
/// <https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers>
pub(crate) fn sign_for_github(headers: &mut HeaderMap, body: &[u8], secret: Option<&Secret>, delivery: u128) {
    let text = |text: &str| HeaderValue::from_str(text).expect("digits and letters");
    headers.entry(GITHUB_DELIVERY).or_insert(text(&uuid(delivery)));
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    headers.entry(USER_AGENT).or_insert(HeaderValue::from_static("GitHub-Hookshot/snaphook"));
    if let Some(secret) = secret {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.expose()), body);
        headers.insert("x-hub-signature-256", text(&format!("sha256={}", hex::encode(tag))));
    }
}

/// A UUID of version 4 (RFC 9562) out of random bits.
fn uuid(random: u128) -> String {
    let bits = random & !(0xf << 76) & !(0b11 << 62) | 0x4 << 76 | 0b10 << 62;
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// One bit of the first letter or digit changed, so that JSON most likely stays JSON.
fn tampered(body: &Bytes) -> Result<Bytes, Failure> {
    let mut bytes = body.to_vec();
    let digit_or_letter = bytes.iter().position(u8::is_ascii_alphanumeric).or(bytes.len().checked_sub(1));
    match digit_or_letter {
        Some(place) => bytes[place] ^= 1,
        None => return Err(Failure::usage("--tamper: the event has no body to change")),
    }
    Ok(bytes.into())
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) =
        text.split_once(':').ok_or_else(|| format!("`{text}` has no `:`: write it like `x-name: value`"))?;
    let name = name.trim().parse().map_err(|_| format!("`{name}` is no header name"))?;
    let value = value.trim().parse().map_err(|_| format!("the value of `{name}` has control characters"))?;
    Ok((name, value))
}

fn told(answer: &http::Response<Bytes>, took: Duration) -> String {
    let status = answer.status();
    let style = if status.is_success() { show::GOOD } else { show::BAD };
    let took = show::micros(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    let mut text = format!("{}  {}\n", show::styled(style, &status.to_string()), show::styled(show::FAINT, &took));
    for (name, value) in answer.headers() {
        text.push_str(&format!("{name}: {}\n", show::line(&String::from_utf8_lossy(value.as_bytes()))));
    }
    if !answer.body().is_empty() {
        text.push_str(&format!("\n{}", show::lines(&story::body_bytes(answer.body()))));
    }
    text
}

fn told_as_json(answer: &http::Response<Bytes>, took: Duration) -> serde_json::Value {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    let value = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: Vec<_> = answer.headers().iter().map(|(name, shown)| (name.as_str(), value(shown))).collect();
    json!({
        "status": answer.status().as_u16(),
        "event": answer.headers().get("snaphook-event").map(value),
        "took_us": u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "headers": headers,
        "body_base64": STANDARD.encode(answer.body()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn github_signs_the_body() {
        // The secret, body and signature of GitHub's page "Validating webhook deliveries".
        let mut headers = HeaderMap::new();
        let secret = Secret::new(b"It's a Secret to Everybody".to_vec());
        sign_for_github(&mut headers, b"Hello, World!", Some(&secret), 7);
        assert_eq!(
            headers["x-hub-signature-256"],
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["x-github-delivery"].len(), 36);
        let mut unsigned = HeaderMap::new();
        sign_for_github(&mut unsigned, b"", None, 7);
        assert!(!unsigned.contains_key("x-hub-signature-256"));
    }

    #[test]
    fn a_uuid_is_of_version_four() {
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    #[test]
    fn tampering_changes_one_bit() {
        let body = Bytes::from_static(b"{\"a\":1}");
        let changed = tampered(&body).unwrap();
        let bits: u32 = body.iter().zip(&changed).map(|(one, other)| (one ^ other).count_ones()).sum();
        assert_eq!((bits, changed.len()), (1, body.len()));
        assert!(serde_json::from_slice::<serde_json::Value>(&changed).is_ok());
        assert_eq!(tampered(&Bytes::new()).unwrap_err().to_string(), "--tamper: the event has no body to change");
    }

    #[test]
    fn headers_are_read() {
        let (name, value) = header("X-A: b: c").unwrap();
        assert_eq!((name.as_str(), value.to_str().unwrap()), ("x-a", "b: c"));
        assert_eq!(header("x").unwrap_err(), "`x` has no `:`: write it like `x-name: value`");
        assert_eq!(header("a b: c").unwrap_err(), "`a b` is no header name");
    }
}
