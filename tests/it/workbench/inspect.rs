//! `snaphook module inspect`.

use serde_json::json;

use super::Bench;
use crate::support::{component, guest, guest_file};

#[tokio::test(flavor = "multi_thread")]
async fn a_component_is_looked_into_without_a_host() {
    let bench = Bench::new();
    let file = guest_file("github-verify");
    let file = file.to_str().unwrap();
    let (shown, errors) = bench.runs(&["module", "inspect", file], 0).await;
    assert_eq!(errors, "");
    for part in [
        "world      snaphook:filter@0.1.0\n",
        "language   Rust, SDK 0.1.0\n",
        "exports    snaphook:filter/handler@0.1.0\n",
        "needs      secret webhook\n           kv namespace deliveries\n           a configuration that fits its schema\n",
        " at the start, 64.0 MiB unless its limits say otherwise\n",
        "\nwould be accepted\n",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let seen = bench.json(&["module", "inspect", file], 0).await;
    assert_eq!((&seen["accepted"], &seen["refusals"]), (&json!(true), &json!([])));
    assert_eq!(seen["size"], guest("github-verify").len());
    assert_eq!(seen["manifest"]["secrets"], json!(["webhook"]));
    assert!(seen["memories"][0]["initial"].as_u64().unwrap() >= 1 << 16, "{seen}");
    assert!(seen["code_bytes"].as_u64().unwrap() > 0 && seen["compile_us"].as_u64().unwrap() > 0, "{seen}");
}

/// Where an upload ends at the first reason, all are told.
#[tokio::test(flavor = "multi_thread")]
async fn every_reason_to_refuse_it_is_told() {
    let bench = Bench::new();
    let text = r#"(component
        (import "other:host/a" (instance))
        (import "other:host/b" (instance))
        (@custom "snaphook:manifest" "{\"secrets\":[\"a\"],\"kv\":[\"b\"],\"hosts\":[\"c\"]}"))"#;
    bench.write("strange.wasm", component(text));
    let (shown, errors) = bench.runs(&["module", "inspect", "strange.wasm"], 1).await;
    assert_eq!(errors, "error: a host would refuse `strange.wasm`\n");
    let reasons: Vec<&str> = shown.split("would be refused\n").nth(1).unwrap().lines().collect();
    for (reason, start) in reasons.iter().zip([
        "  the component imports `other:host/a`, which this host does not offer; ",
        "  the component imports `other:host/b`, which this host does not offer; ",
        "  the component does not export `snaphook:filter/handler@0.1.0`, so it is no filter of a known world; it exports []",
        "  the manifest asks for secrets [\"a\"], but the module does not import `crypto@` or `body@`",
        "  the manifest asks for key-value namespaces [\"b\"], but the module does not import `kv@`",
        "  the manifest asks for the hosts [\"c\"], but filters cannot call out in this version",
    ]) {
        assert!(reason.starts_with(start), "{start}: {shown}");
    }
    assert_eq!(reasons.len(), 6, "{shown}");

    bench.write("text.wasm", "hello");
    let (shown, _) = bench.runs(&["module", "inspect", "text.wasm"], 1).await;
    assert!(
        shown.ends_with(
            "would be refused\n  this is no WebAssembly: it does not begin with the bytes `\\0asm` of a binary\n"
        ),
        "{shown}"
    );
    assert!(!shown.contains("imports"), "{shown}");
    bench.write("broken.wasm", &guest("hello")[..2_000]);
    let seen = bench.json(&["module", "inspect", "broken.wasm"], 1).await;
    assert_eq!((&seen["accepted"], seen["refusals"].as_array().unwrap().len()), (&json!(false), 1), "{seen}");
    assert!(seen["refusals"][0].as_str().unwrap().starts_with("the component is not valid: "), "{seen}");
    let (_, errors) = bench.runs(&["module", "inspect", "none.wasm"], 2).await;
    assert!(errors.starts_with("error: `none.wasm` cannot be read: "), "{errors}");
}

/// What a host with less room would refuse, is refused for its settings.
#[tokio::test(flavor = "multi_thread")]
async fn the_settings_of_the_host_count() {
    let bench = Bench::new();
    let heavy = guest_file("hello");
    bench.write("snaphook.toml", "[filters]\ncalls = 1\ncalls_per_project = 1\n");
    let seen = bench.json(&["module", "inspect", heavy.to_str().unwrap()], 0).await;
    assert_eq!(seen["accepted"], true);
    bench.write("snaphook.toml", "[filters]\ncalls = 0\n");
    let (_, errors) = bench.runs(&["module", "inspect", heavy.to_str().unwrap()], 2).await;
    assert!(errors.contains("snaphook.toml:2: filters.calls"), "{errors}");
}
