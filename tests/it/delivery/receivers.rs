//! What is delivered is signed so that the libraries of others take it for genuine.

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{destination, post, route, settled};
use crate::support::{Destination, Platform, Program, Received, repository, target};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEXT: &str = "whsec_c2VjcmV0LW9mLXR3ZW50eS1mb3VyLWJ5dGVz";

fn told(secret: &str, received: &Received, body: &[u8]) -> String {
    let headers = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers: Value = headers.iter().map(|name| ((*name).to_owned(), Value::from(received.header(name)))).collect();
    json!({ "secret": secret, "headers": headers, "body": STANDARD.encode(body) }).to_string()
}

/// What each library says, in each language.
async fn verified(secret: &str, received: &Received, body: &[u8]) -> Vec<String> {
    let folder = repository().join("tests/receivers");
    let python: PathBuf = target().join("receivers/bin/python");
    let mut said = Vec::new();
    for (program, script) in [(PathBuf::from("node"), "verify.mjs"), (python, "verify.py")] {
        let told = told(secret, received, body);
        let printed = Program::new(program).args([folder.join(script)]).input(told).printed().await;
        said.extend(printed.lines().map(str::to_owned));
    }
    assert_eq!(said.len(), 4, "{said:?}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn the_libraries_of_receivers_take_our_signature() {
    let ci = Destination::ok().await;
    let platform = Platform::start().await;
    platform.secret("signing", SECRET).await;
    destination(&platform, "ci", &ci, json!({ "sign": { "scheme": "v1", "secret": "signing" } })).await;
    route(&platform, &["ci"], json!({})).await;
    let body = "{\"text\":\"Grüße\"}";
    let event = post(&platform, body).await.expect(202).event().to_owned();
    settled(&platform, &event).await;
    let received = ci.only();
    for said in verified(SECRET, &received, body.as_bytes()).await {
        let (library, read) = said.split_once(' ').unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(read).unwrap_or_else(|_| panic!("{said}"))["text"],
            "Grüße",
            "{library}"
        );
    }
    for said in verified(SECRET, &received, b"{\"text\":\"forged\"}").await {
        assert!(said.contains("refused: No matching signature"), "{said}");
    }
    for said in verified(NEXT, &received, body.as_bytes()).await {
        assert!(said.contains("refused: No matching signature"), "{said}");
    }
    // While a secret is rotated both of its values are good.
    let rotated = json!({ "value": NEXT, "keep_previous": true });
    platform.api.put("/secrets/signing", &rotated).await.expect(200);
    ci.forget();
    let event = post(&platform, body).await.expect(202).event().to_owned();
    settled(&platform, &event).await;
    for secret in [SECRET, NEXT] {
        for said in verified(secret, &ci.only(), body.as_bytes()).await {
            assert!(!said.contains("refused"), "{said}");
        }
    }
    platform.stop().await;
}
