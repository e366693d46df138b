//! `send`: an event of a file goes to a route as its provider would send it.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use aws_lc_rs::hmac;
use bytes::Bytes;
use clap::ValueEnum;
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Uri,
    header::{CONTENT_TYPE, USER_AGENT},
};
use http_body_util::Full;
use model::{Secret, event_file::Parts};
use serde_json::json;

use super::{
    Global,
    answers::Status,
    client::Http,
    event_file,
    failure::{Exit, Failure},
    secret, show, story,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Send {
    /// The event: a JSON file with method, path, query, headers and one of body, body_text, body_base64.
    file: PathBuf,
    /// Where to: a URL, or a path on the host's gateway. By default the event's own path there.
    #[arg(long, value_name = "URL|PATH")]
    to: Option<String>,
    /// Send as this provider does. By default as GitHub, if the event has the header x-github-event or there is a secret
    /// to sign with.
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<Provider>,
    /// An environment variable that holds the secret. Without a secret the event is not signed.
    #[arg(long, value_name = "VARIABLE", conflicts_with = "secret_file")]
    secret_env: Option<String>,
    /// A file that holds the secret; a line break at its end is left out.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// A header, in place of what the file or the provider says: `x-github-delivery: 1`.
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(HeaderName, HeaderValue)>,
    /// Change one bit of the body after it is signed.
    #[arg(long)]
    tamper: bool,
    /// The status that is right. Any other one exits with 1.
    #[arg(long, value_name = "STATUS")]
    expect: Option<u16>,
}

/// Who an event is said to come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Provider {
    Github,
}

impl Send {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        let event = event_file::open(&self.file)?;
        let url = self.url(global, &event).await?;
        let secret = match (&self.secret_env, &self.secret_file) {
            (Some(variable), _) => Some(
                secret::of_variable(variable).map_err(|problem| Failure::usage(format!("--secret-env: {problem}")))?,
            ),
            (None, Some(file)) => {
                Some(secret::of_file(file).map_err(|problem| Failure::usage(format!("--secret-file: {problem}")))?)
            }
            (None, None) => None,
        };
        let request = self.request(event, &url, secret.as_ref())?;
        let start = Instant::now();
        let answer = Http::new().ask(request).await;
        let took = start.elapsed();
        let answer =
            answer.map_err(|problem| Failure::new(Exit::Unreachable, format!("cannot send to {url}: {problem}")))?;
        if global.json {
            show::print_json(&told_as_json(&answer, took))?;
        } else {
            show::print(&told(&answer, took))?;
        }
        let status = answer.status().as_u16();
        match self.expect {
            Some(expected) if expected != status => {
                Err(Failure::new(Exit::Failed, format!("expected status {expected}, got {status}")))
            }
            _ => Ok(()),
        }
    }

    /// Where the event goes; where the gateway is, the host says.
    async fn url(&self, global: &Global, event: &Parts) -> Result<Uri, Failure> {
        let query = event.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
        let url = match self.to.as_deref() {
            Some(url) if !url.starts_with('/') => url.to_owned(),
            path => {
                let status: Status = global.client()?.get("/v1/status").await?.read()?;
                let gateway = status
                    .gateway
                    .ok_or_else(|| Failure::failed("the host does not say where its gateway is: use --to URL"))?;
                let gateway = gateway.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]");
                format!("http://{gateway}{}{query}", path.unwrap_or(&event.path))
            }
        };
        match url.parse::<Uri>() {
            Ok(uri) if uri.scheme_str() == Some("http") && uri.authority().is_some() => Ok(uri),
            _ => Err(Failure::usage(format!("--to: `{url}` is no URL that begins with http://, and no path"))),
        }
    }

    fn request(&self, event: Parts, url: &Uri, secret: Option<&Secret>) -> Result<Request<Full<Bytes>>, Failure> {
        let Parts { method, mut headers, mut body, .. } = event;
        let like_github = headers.contains_key("x-github-event") || secret.is_some();
        match self.provider.or(like_github.then_some(Provider::Github)) {
            Some(Provider::Github) => sign_for_github(&mut headers, &body, secret),
            None => {}
        }
        for (name, value) in &self.header {
            headers.insert(name, value.clone());
        }
        if self.tamper {
            body = tampered(&body)?;
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = url.clone();
        *request.headers_mut() = headers;
        Ok(request)
    }
}

/// What GitHub puts beside an event. Source:
/// <https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers>
pub(crate) fn sign_for_github(headers: &mut HeaderMap, body: &[u8], secret: Option<&Secret>) {
    let text = |text: &str| HeaderValue::from_str(text).expect("digits and letters");
    headers.insert("x-github-delivery", text(&uuid(rand::random())));
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
        sign_for_github(&mut headers, b"Hello, World!", Some(&secret));
        assert_eq!(
            headers["x-hub-signature-256"],
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["x-github-delivery"].len(), 36);
        let mut unsigned = HeaderMap::new();
        sign_for_github(&mut unsigned, b"", None);
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
