//! Uploads that are no filters: the answer says which import or limit, and what to do.

use serde_json::json;

use crate::support::{Platform, Wire, component, guest};

async fn refused(platform: &Platform, bytes: Vec<u8>) -> String {
    let answer = platform.api.upload("bad", bytes).await;
    let said = answer.faults(422);
    platform.api.get("/modules/bad").await.expect(404);
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_component_is_refused() {
    let platform = Platform::start().await;
    for bytes in [Vec::new(), b"hello".to_vec(), b"#!/bin/sh\n".to_vec(), b"(component)".to_vec()] {
        assert_eq!(
            refused(&platform, bytes).await,
            "this is no WebAssembly: it does not begin with the bytes `\\0asm` of a binary"
        );
    }
    assert_eq!(
        refused(&platform, component("(module)")).await,
        "this is a core module, not a component: build for target wasm32-wasip2, or wrap it with `wasm-tools component new`"
    );
    let whole = guest("hello");
    let said = refused(&platform, whole[..whole.len() / 2].to_vec()).await;
    assert!(said.starts_with("the component is not valid: unexpected end"), "{said}");
    let mut damaged = whole;
    let place = damaged.len() / 3;
    damaged[place..place + 64].fill(0xff);
    let said = refused(&platform, damaged).await;
    assert!(said.starts_with("the component is not valid: "), "{said}");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_filter_is_refused() {
    let platform = Platform::start().await;
    assert_eq!(
        refused(&platform, component("(component)")).await,
        "the component does not export `snaphook:filter/handler@0.1.0`, so it is no filter of a known world; it exports []. \
         Build it with the guest SDK, or against wit/filter.wit"
    );
    assert_eq!(
        refused(&platform, component(r#"(component (import "acme:billing/orders@1.2.0" (instance)))"#)).await,
        "the component imports `acme:billing/orders@1.2.0`, which this host does not offer; it offers \
         `snaphook:filter/*@0.1.0` and WASI 0.2 cli, clocks, filesystem, io, random and sockets (all empty)"
    );
    let said =
        refused(&platform, component(r#"(component (import "wasi:http/outgoing-handler@0.2.0" (instance)))"#)).await;
    assert!(
        said.starts_with("the component imports `wasi:http/outgoing-handler@0.2.0`, which this host does not offer"),
        "{said}"
    );
    // Of the right name and the wrong shape.
    let handler = r#"(instance $none) (export "snaphook:filter/handler@0.1.0" (instance $none))"#;
    let clock = r#"(import "snaphook:filter/clock@0.1.0" (instance (export "now" (func (result string)))))"#;
    let said = refused(&platform, component(&format!("(component {clock} {handler})"))).await;
    assert!(said.starts_with("the component's imports do not fit what this host offers: "), "{said}");
    assert!(said.contains("snaphook:filter/clock@0.1.0"), "{said}");
    let later = r#"(import "snaphook:filter/clock@0.2.0" (instance (export "now" (func (result u64)))))"#;
    let said = refused(&platform, component(&format!("(component {later} {handler})"))).await;
    assert!(said.contains("snaphook:filter/clock@0.2.0"), "{said}");
    let unknown = r#"(import "snaphook:filter/clock@0.1.0" (instance (export "sleep" (func))))"#;
    let said = refused(&platform, component(&format!("(component {unknown} {handler})"))).await;
    assert!(said.contains("sleep"), "{said}");
    let said = refused(&platform, component(&format!("(component {handler})"))).await;
    assert!(said.starts_with("the component's exports do not fit world `snaphook:filter/filter@0.1.0`: "), "{said}");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_before_it_is_read() {
    let platform = Platform::start().await;
    let mut wire = Wire::to(platform.admin()).await;
    let head =
        format!("host: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/wasm", platform.token());
    wire.write(format!("POST /v1/projects/default/modules/bad HTTP/1.1\r\n{head}\r\ncontent-length: 67108865\r\n\r\n"))
        .await;
    assert_eq!(wire.answer().await.faults(413), "the body is longer than 67108864 bytes");
    let of_text = platform.api.ask(http::Method::POST, "/modules/bad", &[("content-type", "text/plain")], "x").await;
    assert_eq!(of_text.faults(415), "the body must come with `Content-Type: application/wasm`, not `text/plain`");
    platform.stop().await;
}

/// What takes more than a filter gets before it does anything would fail at every event.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_come_up_is_refused() {
    let platform = Platform::start().await;
    assert_eq!(
        refused(&platform, guest("heavy")).await,
        "the component does not come up under the default limits (memory): asked for more than 67108864 bytes of memory or \
         10000 table elements"
    );
    platform.stop().await;
}

/// A manifest requests; it must be one, and its module must have a use for what it requests.
#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_cannot_be_right_is_refused() {
    let platform = Platform::start().await;
    // `headers-only` carries a manifest already; `bare` has none.
    let with = |guest_name: &str, manifest: &str| {
        let mut bytes = guest(guest_name);
        let name = "snaphook:manifest";
        let mut section = vec![u8::try_from(name.len()).unwrap()];
        section.extend_from_slice(name.as_bytes());
        section.extend_from_slice(manifest.as_bytes());
        bytes.push(0);
        let mut length = section.len();
        while length >= 0x80 {
            bytes.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        bytes.push(u8::try_from(length).unwrap());
        bytes.extend(section);
        bytes
    };
    for (bytes, said) in [
        (with("bare", "{"), "the custom section `snaphook:manifest` cannot be read: "),
        (
            with("bare", r#"{"colour": 1}"#),
            "the custom section `snaphook:manifest` cannot be read: unknown field `colour`",
        ),
        (with("headers-only", "{}"), "the custom section `snaphook:manifest` is there more than once"),
        (
            with("bare", r#"{"hosts": ["a.example"]}"#),
            "the manifest asks for the hosts [\"a.example\"], but filters cannot call out in this version: remove the request",
        ),
        (
            with("bare", r#"{"kv": ["store"]}"#),
            "the manifest asks for key-value namespaces [\"store\"], but the module does not import `kv",
        ),
        (
            with("bare", r#"{"reveal": ["token"]}"#),
            "the manifest asks for secrets in the clear [\"token\"], but the module does not import `secrets",
        ),
        (with("bare", r#"{"config_schema": {"type": 7}}"#), "the manifest's JSON Schema is no schema: "),
    ] {
        let faults = refused(&platform, bytes).await;
        assert!(faults.starts_with(said), "{faults}");
    }
    platform.stop().await;
}

/// The answer to an upload says what the operator needs to know before attaching it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_is_described() {
    let platform = Platform::start().await;
    let bytes = guest("github-verify");
    let digest = format!("sha256:{}", hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes)));
    let module = platform.api.upload("verify", bytes.clone()).await.expect(201).json();
    for (field, expected) in [
        ("name", json!("verify")),
        ("version", json!(1)),
        ("digest", json!(digest)),
        ("size", json!(bytes.len())),
        ("world", json!("snaphook:filter@0.1.0")),
        ("grants", json!({"secrets": ["webhook"], "reveal": [], "kv": ["deliveries"]})),
    ] {
        assert_eq!(module[field], expected, "{field}");
    }
    assert!(module["imports"].as_array().unwrap().contains(&json!("snaphook:filter/body@0.1.0")), "{module}");
    assert_eq!(module["manifest"]["body"], "buffered");
    assert_eq!(module["manifest"]["config_schema"]["title"], "github-verify");
    // The same bytes are the same version; other bytes the next one.
    let again = platform.api.upload("verify", bytes).await.expect(200).json();
    assert_eq!(again, module);
    assert_eq!(platform.api.upload("verify", guest("hello")).await.expect(201).json()["version"], 2);
    let named = platform.api.get("/modules/verify").await.json();
    assert_eq!(named["versions"].as_array().unwrap().len(), 2);
    for name in ["told", "router", "rewrite", "hello", "bare", "headers-only", "v1", "v2", "escape"] {
        platform.push(name).await;
    }
    platform.stop().await;
}
