//! Filter `verify` on a real host: every provider's events as the simulator signs them, and keys that are fetched.

use serde_json::{Value, json};
use signatures::{
    Recipe,
    native::PrivateKey,
    send::{self, Sent, Signer},
};

use crate::support::{Answer, Destination, Platform, Reply};

/// Under which the providers know the host.
const ORIGIN: &str = "https://hooks.example.com";

fn now() -> u64 {
    model::Timestamp::now().as_millis()
}

/// A route at `/NAME` that verifies so.
async fn route(platform: &Platform, name: &str, config: Value, grants: Value) {
    let filter = json!({ "name": "verify", "module": "verify", "config": config, "grants": grants });
    let spec = json!({
        "match": { "path": format!("/{name}") }, "filters": [filter],
        "forward": { "candidates": ["ok"] },
    });
    platform.put_route(name, spec).await;
}

async fn post(platform: &Platform, sent: &Sent) -> Answer {
    let target = sent.url.strip_prefix(ORIGIN).unwrap();
    let mut request =
        http::Request::builder().method(sent.method.as_str()).uri(format!("http://{}{target}", platform.gateway()));
    for (name, value) in &sent.headers {
        request = request.header(name, value.as_slice());
    }
    platform.ask(request.body(bytes::Bytes::from(sent.body.clone()).into()).unwrap()).await
}

/// Whether a provider's keys are at the provider's.
fn fetches(recipe: &Recipe) -> bool {
    let scheme = &recipe.schemes[0];
    scheme.keys.is_some()
        || matches!(scheme.code, Some(signatures::Code::Ebay | signatures::Code::Plaid | signatures::Code::Sns))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_providers_events_are_taken_and_no_others() {
    let ok = Destination::ok().await;
    let platform = Platform::start().await;
    platform.push("verify").await;
    platform.api.put("/destinations/ok", &json!({ "url": ok.url("/") })).await.expect(200);
    let mut tried = 0;
    for provider in signatures::names() {
        let recipe = signatures::recipe(provider).unwrap();
        if fetches(&recipe) {
            continue;
        }
        let scheme = &recipe.schemes[0];
        let private = send::private_key_for(scheme).map(Result::unwrap);
        let secret = send::secret_for(scheme, "right");
        let stored = match &private {
            Some(key) => send::public_secret_for(scheme, key).unwrap(),
            None => secret.clone(),
        };
        platform.secret(provider, &stored).await;
        let settings = send::settings_for(&recipe);
        let config = json!({ "provider": provider, "settings": settings, "public_urls": [ORIGIN] });
        route(&platform, provider, config, json!({ "secrets": { "secret": provider } })).await;
        let mut sent = send::event(provider, None, &format!("{ORIGIN}/{provider}"), now()).unwrap();
        let signer = Signer { secret: &secret, private: private.as_ref(), settings: &settings, now: now() };
        send::sign(provider, 0, &signer, &mut sent).unwrap_or_else(|problem| panic!("{provider}: {problem}"));
        let answer = post(&platform, &sent).await;
        let record = platform.record(&answer).await;
        assert_eq!(answer.status, 200, "{provider}: {record}");
        let label = record["labels"].as_array().unwrap().iter().find(|pair| pair[0] == "verify").unwrap()[1].clone();
        if label == "verified" && scheme.code != Some(signatures::Code::Adyen) {
            let middle = sent.body.len() / 2;
            sent.body[middle] ^= 1;
            assert_eq!(post(&platform, &sent).await.status, 401, "{provider} with another body");
        }
        tried += 1;
    }
    assert!(tried > 115, "{tried} providers only");
    let metrics = platform.api.get("/metrics").await;
    let metrics = metrics.expect(200).text();
    for (verdict, cause) in [("verified", ""), ("failed", "mismatch")] {
        let line = format!(
            r#"snaphook_verifications_total{{project="default",route="github",verdict="{verdict}",cause="{cause}"}} 1"#
        );
        assert!(metrics.lines().any(|found| found == line), "{line} is missing in\n{metrics}");
    }
    let forwarded = format!(r#"snaphook_events_total{{disposition="forwarded"}} {tried}"#);
    assert!(metrics.lines().any(|found| found == forwarded), "{forwarded} is missing in\n{metrics}");
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    platform.stop().await;
}

/// A token whose key is published by a server of the test's.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_fetched_once_and_only_where_that_is_granted() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let (key, _) = PrivateKey::generate("ed25519").unwrap();
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(key.public_raw()) });
    let set = json!({ "keys": [jwk] }).to_string();
    let publisher = Destination::start(move |_| Reply::ok().body(&set)).await;
    let ok = Destination::ok().await;
    let platform = Platform::start().await;
    platform.push("verify").await;
    platform.api.put("/destinations/ok", &json!({ "url": ok.url("/") })).await.expect(200);
    let scheme = json!({
        "algorithm": "jwt", "signature": "header x-token", "algorithms": ["EdDSA"],
        "claims": { "body": { "claim": "digest", "algorithm": "sha256" } },
        "keys": { "url": publisher.url("/keys"), "format": "jwks", "pinned": [publisher.url("/")] },
    });
    let recipe = json!({ "scheme": [scheme] });
    let config = json!({ "provider": "custom", "recipe": recipe });
    route(&platform, "granted", config.clone(), json!({ "keys": [publisher.url("/")] })).await;
    route(&platform, "other", config.clone(), json!({ "keys": ["https://elsewhere.example/"] })).await;
    route(&platform, "none", config, json!({})).await;
    let recipe: Recipe = serde_json::from_value(recipe).unwrap();
    let settings = std::collections::BTreeMap::new();
    let signer = Signer { secret: "", private: Some(&key), settings: &settings, now: now() };
    let mut sent =
        Sent { method: "POST".to_owned(), url: format!("{ORIGIN}/granted"), headers: Vec::new(), body: b"{}".to_vec() };
    send::sign_by(&recipe, &recipe.schemes[0], &signer, &mut sent).unwrap();
    for _ in 0..3 {
        assert_eq!(post(&platform, &sent).await.status, 200);
    }
    assert_eq!(publisher.received().len(), 1, "the key is kept");
    for name in ["other", "none"] {
        sent.url = format!("{ORIGIN}/{name}");
        let answer = post(&platform, &sent).await;
        assert_eq!(answer.status, 500, "{}", answer.text());
        let record = platform.record(&answer).await.to_string();
        assert!(record.contains(r#""class":"denied""#) && record.contains("keys="), "{record}");
    }
    assert_eq!(publisher.received().len(), 1, "nothing is asked for without a grant");
    platform.stop().await;
}
