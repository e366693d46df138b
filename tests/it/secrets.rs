//! Secrets: used by name, rotated without a gap, shown to nobody.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::support::{Answer, Destination, Platform};

/// As GitHub makes it: `sha256=` and the digits.
pub(crate) fn signature(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("sha256={}", hex::encode(hmac::sign(&key, body)))
}

async fn platform(destination: &Destination) -> Platform {
    let platform = Platform::start().await;
    platform.push("github-verify").await;
    platform.secret("github", "old").await;
    platform.destination("ci", destination).await;
    let filter = json!({"name": "verify", "module": "github-verify", "grants": {"secrets": {"webhook": "github"}}});
    platform.route("hooks", "/hook", &["ci"], json!([filter])).await;
    platform
}

async fn signed_with(platform: &Platform, secret: &str) -> Answer {
    let signature = signature(secret, b"{}");
    let headers = [("x-github-event", "push"), ("x-github-delivery", "1"), ("x-hub-signature-256", &signature)];
    platform.post("/hook", &headers, "{}").await
}

#[tokio::test(flavor = "multi_thread")]
async fn are_rotated_without_a_gap() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    signed_with(&platform, "old").await.expect(200);
    signed_with(&platform, "new").await.expect(401);

    let rotate = json!({"value": "new", "keep_previous": true});
    assert_eq!(platform.api.put("/secrets/github", &rotate).await.expect(200).json()["values"], 2);
    signed_with(&platform, "old").await.expect(200);
    signed_with(&platform, "new").await.expect(200);

    // Both stay valid over a restart, which reads them from where they are kept sealed.
    let platform = platform.restart().await;
    signed_with(&platform, "old").await.expect(200);
    signed_with(&platform, "new").await.expect(200);

    platform.api.put("/secrets/github", &json!({"value": "new"})).await.expect(200);
    signed_with(&platform, "old").await.expect(401);
    signed_with(&platform, "new").await.expect(200);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn are_not_shown() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    let value = "a value that nobody may see";
    platform.api.put("/secrets/github", &json!({"value": value})).await.expect(200);
    signed_with(&platform, "wrong").await.expect(401);
    for path in ["/secrets", "/secrets/github", "/routes", "/events", "/changes", "/v1/status"] {
        let answer = platform.api.get(path).await;
        assert!(!answer.text().contains(value), "{path}: {}", answer.text());
    }
    for file in std::fs::read_dir(platform.folder()).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file())
    {
        let bytes = std::fs::read(file.path()).unwrap();
        let found = bytes.windows(value.len()).any(|window| window == value.as_bytes());
        assert!(!found, "{} holds the value in the clear", file.path().display());
    }
    platform.stop().await;
}

/// The files that hold keys and token are their owner's alone.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn lie_in_files_of_their_owner() {
    use std::os::unix::fs::PermissionsExt;
    let platform = Platform::start().await;
    for file in ["admin-token", "master.key", "code.key"] {
        let mode = std::fs::metadata(platform.folder().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    platform.stop().await;
}

/// Every algorithm over the body and over its parts, against what this test computes itself.
#[tokio::test(flavor = "multi_thread")]
async fn verify_and_sign_with_every_algorithm() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let body = b"\xff\0 exactly these bytes";
    let secret = b"It's a Secret to Everybody";
    let tell = async |what: Value| {
        let headers = [("x-do", &*what.to_string()), ("x-time", "1790000000")];
        platform.post("/hook", &headers, &body[..]).await.expect(200).json()
    };
    for (name, algorithm) in [
        ("hmac-sha1", hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        ("hmac-sha256", hmac::HMAC_SHA256),
        ("hmac-sha512", hmac::HMAC_SHA512),
    ] {
        let key = hmac::Key::new(algorithm, secret);
        let right = hex::encode(hmac::sign(&key, body));
        let verify = json!({"do": "verify", "secret": "webhook", "algorithm": name, "signature": right});
        assert_eq!(tell(verify).await, json!({"ok": {"whole": true, "parts": true}}), "{name}");
        for wrong in [format!("00{}", &right[2..]), right[2..].to_owned(), String::new()] {
            let verify = json!({"do": "verify", "secret": "webhook", "algorithm": name, "signature": wrong});
            let expected = wrong == right;
            assert_eq!(tell(verify).await, json!({"ok": {"whole": expected, "parts": expected}}), "{name} {wrong}");
        }
        let message = [b"1790000000.", &body[..]].concat();
        let signed = tell(json!({"do": "sign", "secret": "webhook", "algorithm": name})).await;
        assert_eq!(signed, json!({"ok": hex::encode(hmac::sign(&key, &message))}), "{name}");
    }
    platform.stop().await;
}
