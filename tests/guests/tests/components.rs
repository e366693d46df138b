//! The built components: what the linker and `strip` left of them.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};
use wasmparser::{Parser, Payload};

struct Component {
    bytes: usize,
    manifests: Vec<Value>,
    /// Interfaces of Snaphook's own.
    imports: BTreeSet<String>,
}

/// A component by its file's name, below the folder that all of them are built into.
fn component(name: &str) -> Component {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("lies in the target folder");
    let file = target.join("wasm32-wasip2/guest").join(name).with_extension("wasm");
    let bytes = fs::read(&file)
        .unwrap_or_else(|error| panic!("{}: {error}; build the filters first: cargo guests", file.display()));
    assert!(Parser::is_component(&bytes));
    let mut component = Component { bytes: bytes.len(), manifests: Vec::new(), imports: BTreeSet::new() };
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload.expect("is valid") {
            Payload::CustomSection(section) if section.name() == "snaphook:manifest" => {
                component.manifests.push(serde_json::from_slice(section.data()).expect("the manifest is JSON"));
            }
            Payload::ComponentImportSection(section) => {
                let names = section.into_iter().map(|import| import.expect("is valid").name.name.to_owned());
                let own = names.filter_map(|name| Some(name.strip_prefix("snaphook:filter/")?.to_owned()));
                component.imports.extend(own);
            }
            _ => {}
        }
    }
    component
}

#[test]
fn a_small_filter_is_small_and_imports_what_it_calls() {
    let hello = component("hello");
    assert!(hello.bytes < 60 << 10, "hello has {} bytes", hello.bytes);
    assert_eq!(hello.imports, BTreeSet::from(["types@0.1.0".to_owned(), "body@0.1.0".to_owned()]));
    assert!(component("github_verify").imports.contains("kv@0.1.0"));
}

#[test]
fn manifests_are_where_the_host_looks() {
    let asks = |body: &str, secrets: Value, reveal: Value, kv: Value| {
        let sdk = concat!("rust-", env!("CARGO_PKG_VERSION"));
        json!({"sdk": sdk, "body": body, "secrets": secrets, "reveal": reveal, "kv": kv})
    };
    for (name, expected) in [
        ("hello", asks("none", json!([]), json!([]), json!([]))),
        ("github_verify", asks("buffered", json!(["webhook"]), json!([]), json!(["deliveries"]))),
        ("router", asks("buffered", json!([]), json!([]), json!([]))),
        ("rewrite", asks("buffered", json!([]), json!([]), json!([]))),
        ("told", asks("buffered", json!(["webhook"]), json!(["token"]), json!(["store"]))),
        ("examples/headers_only", asks("none", json!([]), json!([]), json!([]))),
    ] {
        let mut manifests = component(name).manifests;
        assert_eq!(manifests.len(), 1, "{name}");
        let schema = manifests[0].as_object_mut().and_then(|manifest| manifest.shift_remove("config_schema"));
        assert_eq!(manifests[0], expected, "{name}");
        let configured = matches!(name, "github_verify" | "router" | "rewrite");
        assert_eq!(schema.is_some_and(|schema| schema["type"] == "object"), configured, "{name}");
    }
    assert!(component("examples/bare").manifests.is_empty());
}

#[test]
fn two_versions_are_two_modules() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("lies in the target folder");
    let read = |name: &str| fs::read(target.join("wasm32-wasip2/guest/examples").join(name)).expect("is built");
    assert_ne!(read("v1.wasm"), read("v2.wasm"));
}
