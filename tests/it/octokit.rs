//! Every real payload that GitHub's own examples have, signed by GitHub's own library, through the example filters.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{Answer, Destination, Platform, Program, repository};

const SECRET: &str = "It's a Secret to Everybody";
const DESTINATIONS: [&str; 5] = ["archive", "bots", "chat", "octo", "releases"];

/// A line of `sign.mjs`: what is sent, and what must be made of it, worked out there a second time.
#[derive(Debug, Deserialize)]
struct Payload {
    name: String,
    event: String,
    signature: String,
    #[serde(deserialize_with = "base64")]
    body: Vec<u8>,
    /// Where the router must send it.
    destination: String,
    /// The Slack message that it must become, in base64; none if it must stay as it is.
    message: Option<String>,
}

fn base64<'de, D: serde::Deserializer<'de>>(text: D) -> Result<Vec<u8>, D::Error> {
    STANDARD.decode(String::deserialize(text)?).map_err(serde::de::Error::custom)
}

async fn payloads() -> Vec<Payload> {
    let folder = repository().join("tests/octokit");
    assert!(
        folder.join("node_modules/@octokit/webhooks-examples").exists(),
        "the payloads are not there: run `npm ci --prefix tests/octokit` (`cargo verify` does it; npm comes with Node.js 20 or newer)"
    );
    let printed = Program::new("node").args(["sign.mjs", SECRET]).folder(&folder).printed().await;
    let payloads: Vec<Payload> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(payloads.len() > 300, "{}", payloads.len());
    payloads
}

/// `/exact` verifies and routes, `/slack` also rewrites.
async fn platform(destination: &Destination) -> Platform {
    let platform = Platform::start().await;
    for module in ["github-verify", "router", "rewrite"] {
        platform.push(module).await;
    }
    platform.secret("github", SECRET).await;
    for name in DESTINATIONS {
        let spec = json!({"url": destination.url(&format!("/{name}"))});
        platform.api.put(&format!("/destinations/{name}"), &spec).await.expect(200);
    }
    let rules = json!([
        {"name": "tags", "events": ["push"], "body": [{"at": "/ref", "like": "refs/tags/*"}], "to": ["releases"]},
        {"name": "new issues", "events": ["issues"], "actions": ["opened", "reopened"], "to": ["chat"]},
        {"name": "octo-org", "repositories": ["octo-org/*"], "to": ["octo"]},
        {"name": "bots", "body": [{"at": "/sender/type", "equals": "Bot"}], "to": ["bots"]},
    ]);
    let verify = json!({"name": "verify", "module": "github-verify", "grants": {"secrets": {"webhook": "github"}}});
    let router = json!({"name": "router", "module": "router", "config": {"rules": rules}});
    let rewrite = json!({"name": "rewrite", "module": "rewrite"});
    platform.route("exact", "/exact", &DESTINATIONS, json!([verify, router])).await;
    platform.route("slack", "/slack", &DESTINATIONS, json!([verify, router, rewrite])).await;
    platform
}

async fn send(platform: &Platform, route: &str, payload: &Payload, signature: &str, body: impl Into<Bytes>) -> Answer {
    let delivery = format!("{route} {}", payload.name);
    let headers = [
        ("content-type", "application/json"),
        ("user-agent", "GitHub-Hookshot/044aadd"),
        ("x-github-event", &payload.event),
        ("x-github-delivery", &delivery),
        ("x-hub-signature-256", signature),
    ];
    platform.post(&format!("/{route}"), &headers, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_payload_arrives_as_it_must() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    let payloads = payloads().await;
    for route in ["exact", "slack"] {
        let sent = stream::iter(&payloads).map(|payload| async {
            let answer = send(&platform, route, payload, &payload.signature, payload.body.clone()).await.expect(200);
            // Pings are answered by the filter that verifies them.
            let expected = if payload.event == "ping" { "pong" } else { "" };
            assert_eq!(answer.text(), expected, "{}", payload.name);
        });
        sent.buffer_unordered(8).collect::<Vec<_>>().await;
    }
    let mut received = std::collections::HashMap::new();
    for event in destination.received() {
        let double = received.insert(event.header("x-github-delivery"), event);
        assert_eq!(double, None, "sent twice");
    }
    for payload in &payloads {
        for route in ["exact", "slack"] {
            let delivery = format!("{route} {}", payload.name);
            let Some(event) = received.remove(&delivery) else {
                assert_eq!(payload.event, "ping", "{delivery} did not arrive");
                continue;
            };
            assert_eq!(event.target, format!("/{}", payload.destination), "{delivery}");
            assert_eq!(event.header("content-type"), "application/json", "{delivery}");
            let message = payload.message.as_ref().filter(|_| route == "slack");
            let expected = message.map_or_else(|| payload.body.clone(), |message| STANDARD.decode(message).unwrap());
            assert!(
                event.body == expected,
                "{delivery} arrived as\n{}\nand not as\n{}",
                String::from_utf8_lossy(&event.body),
                String::from_utf8_lossy(&expected)
            );
            // What was signed is signed; a body of our own does not pass for theirs.
            let signature = if message.is_some() { "" } else { payload.signature.as_str() };
            assert_eq!(event.header("x-hub-signature-256"), signature, "{delivery}");
        }
    }
    assert!(received.is_empty());
    platform.stop().await;
}

/// One byte of the body, of the signature or of the secret: it is somebody else's then.
#[tokio::test(flavor = "multi_thread")]
async fn every_payload_that_was_tampered_with_is_refused() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    let payloads = payloads().await;
    let refused = async |payload: &Payload, signature: &str, body: Vec<u8>| {
        let answer = send(&platform, "slack", payload, signature, body).await;
        assert_eq!(answer.refusal(401), "the event was rejected", "{}", payload.name);
    };
    let with_both = stream::iter(payloads.iter().enumerate()).map(|(index, payload)| async move {
        let mut body = payload.body.clone();
        let place = index * 7919 % body.len();
        body[place] ^= 1 << (index % 8);
        refused(payload, &payload.signature, body).await;
        let mut signature = payload.signature.clone().into_bytes();
        let place = "sha256=".len() + index % 64;
        signature[place] = if signature[place] == b'0' { b'1' } else { b'0' };
        refused(payload, str::from_utf8(&signature).unwrap(), payload.body.clone()).await;
    });
    with_both.buffer_unordered(8).collect::<Vec<_>>().await;
    platform.secret("github", "It's a Secret to Everybodz").await;
    let with_secret = stream::iter(&payloads).map(|payload| refused(payload, &payload.signature, payload.body.clone()));
    with_secret.buffer_unordered(8).collect::<Vec<_>>().await;
    assert_eq!(destination.received(), []);
    let record = platform.records("?limit=1").await.remove(0);
    assert_eq!((&record["disposition"], &record["destination"]), (&json!("rejected"), &Value::Null));
    platform.stop().await;
}

/// No signature, half a one, one of another algorithm, two at once.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_signature_is_refused() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    let right = crate::secrets::signature(SECRET, b"{}");
    let digits = right.strip_prefix("sha256=").unwrap();
    let signed = async |signatures: &[&str]| {
        let mut headers = vec![("x-github-event", "push"), ("x-github-delivery", "1")];
        headers.extend(signatures.iter().map(|signature| ("x-hub-signature-256", *signature)));
        platform.post("/exact", &headers, "{}").await.status
    };
    for wrong in [
        &right[..39],
        digits,
        &format!("sha1={digits}"),
        "sha256=",
        "",
        &format!("{right}00"),
        &format!("{right},{right}"),
    ] {
        assert_eq!(signed(&[wrong]).await, 401, "{wrong:?}");
    }
    assert_eq!(signed(&[]).await, 401);
    let zeros = format!("sha256={}", "0".repeat(64));
    assert_eq!(signed(&[&zeros, &right]).await, 401, "the first one counts");
    assert_eq!(destination.received(), []);
    assert_eq!(signed(&[&right]).await, 200);
    platform.stop().await;
}
