//! Events like those that GitHub sends.

use std::{net::Ipv4Addr, sync::Arc};

use aws_lc_rs::hmac;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use model::{Event, EventId, Scheme, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

/// The value of the secret that signs.
pub const SECRET: &str = "Its-a-Secret-to-Everybody";

/// A push of exactly so many bytes: as many commits as fit, the rest padding. At least 1,024.
pub fn push(bytes: usize) -> Bytes {
    let mut push = json!({
        "ref": "refs/heads/main",
        "before": "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
        "after": "0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c",
        "repository": {"id": 186_853_002, "full_name": "octo-org/hooks", "private": false,
            "owner": {"login": "octo-org", "id": 21_031_067}, "html_url": "https://github.com/octo-org/hooks"},
        "sender": {"login": "mona", "id": 21_031_067, "type": "User", "site_admin": false},
        "commits": [],
        "padding": "",
    });
    let length = |value: &Value| value.to_string().len();
    let commits = bytes.saturating_sub(length(&push)) / (length(&commit(0)) + 1);
    push["commits"] = (0..commits).map(commit).collect();
    push["padding"] = "x".repeat(bytes - length(&push)).into();
    push.to_string().into()
}

/// Of the same length for every number below a million.
fn commit(number: usize) -> Value {
    let id = format!("0d1a26e67d8f5eaf1f6ba5c57fc3c7d91a{number:06}");
    let author = json!({"name": "Mona Lisa", "email": "mona@example.com", "username": "mona"});
    json!({
        "id": id,
        "distinct": true,
        "message": format!("Update README.md (#{number:06})\n\nIt said \"webhook\"."),
        "timestamp": "2026-11-22T03:00:00Z",
        "url": format!("https://github.com/octo-org/hooks/commit/{id}"),
        "author": author,
        "committer": author,
        "modified": ["README.md", "src/lib.rs"],
    })
}

/// What GitHub sends, `x-hub-signature-256` included.
pub fn headers(body: &[u8]) -> HeaderMap {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = format!("sha256={}", hex::encode(hmac::sign(&key, body)));
    let length = body.len().to_string();
    let pairs = [
        ("host", "hooks.example.com"),
        ("user-agent", "GitHub-Hookshot/044aadd"),
        ("content-length", &length),
        ("accept", "*/*"),
        ("accept-encoding", "gzip"),
        ("content-type", "application/json"),
        ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        ("x-github-event", "push"),
        ("x-github-hook-id", "292430182"),
        ("x-github-hook-installation-target-id", "79929171"),
        ("x-github-hook-installation-target-type", "repository"),
        ("x-hub-signature-256", &signature),
    ];
    let header = |(name, value): (&'static str, &str)| {
        let value = HeaderValue::from_str(value).expect("plain text");
        (HeaderName::from_static(name), value)
    };
    pairs.map(header).into_iter().collect()
}

/// The event that the gateway makes of such a request.
pub fn event(body: Bytes) -> Event {
    let name = |text: &str| text.parse().expect("a name");
    Event {
        id: EventId::new(Timestamp::now(), 7),
        project: name("default"),
        route: name("github"),
        received: Timestamp::now(),
        source: Ipv4Addr::LOCALHOST.into(),
        scheme: Scheme::Http,
        method: Method::POST,
        authority: "hooks.example.com".to_owned(),
        path: "/github".to_owned(),
        query: None,
        headers: Arc::new(headers(&body)),
        body: Some(body),
        replay: false,
        attributes: Vec::new(),
    }
}

/// GitHub's examples of one kind of event, as npm's `@octokit/webhooks-examples` has them.
#[derive(Debug, Deserialize)]
pub struct Examples {
    name: String,
    examples: Vec<Value>,
}

/// The body of an example, compact: `push` with one commit (7.7 KB), `issues` when one is opened (11.6 KB), `small` (0.9 KB).
pub fn example(kinds: &[Examples], which: &str) -> Option<Bytes> {
    let of_kind = |name: &str| kinds.iter().find(|kind| kind.name == name).map_or(&[][..], |kind| &kind.examples);
    let wanted = |example: &&Value| match which {
        "push" => example["commits"].get(0).is_some() && (7_000..8_200).contains(&example.to_string().len()),
        "issues" => example["action"] == "opened",
        _ => true,
    };
    let kind = if which == "small" { "github_app_authorization" } else { which };
    of_kind(kind).iter().find(wanted).map(|example| example.to_string().into())
}
