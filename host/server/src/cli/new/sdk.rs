//! The guest SDK, carried along so that a new filter builds without a registry that has it.

use toml::{Table, Value};

/// Files of the SDK as they are.
macro_rules! sources {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../../../../guest-sdk/", $path)))),*]
    };
}

const SOURCES: &[(&str, &str)] = sources![
    "README.md",
    "src/allocator.rs",
    "src/body.rs",
    "src/clock.rs",
    "src/config.rs",
    "src/crypto.rs",
    "src/error.rs",
    "src/event.rs",
    "src/export.rs",
    "src/filter.rs",
    "src/headers.rs",
    "src/hex.rs",
    "src/hmac.rs",
    "src/host.rs",
    "src/host/component.rs",
    "src/host/fake.rs",
    "src/json.rs",
    "src/keys.rs",
    "src/kv.rs",
    "src/lib.rs",
    "src/log.rs",
    "src/manifest.rs",
    "src/random.rs",
    "src/secrets.rs",
    "src/testing.rs",
    "src/testing/apply.rs",
    "src/testing/document.rs",
    "src/testing/outcome.rs",
    "src/testing/sample.rs",
    "src/verdict.rs",
    "src/verify.rs",
    "wit/filter.wit",
];

const MANIFEST: &str = include_str!("../../../../../guest-sdk/Cargo.toml");
const WORKSPACE: &str = include_str!("../../../../../Cargo.toml");

/// Paths and texts.
pub(super) fn files() -> Vec<(String, String)> {
    let sources = SOURCES.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    sources.chain([("Cargo.toml".to_owned(), manifest())]).collect()
}

/// The SDK's manifest with everything put in that it takes from the workspace.
fn manifest() -> String {
    let mut manifest: Table = MANIFEST.parse().expect("the SDK's manifest is TOML");
    let workspace: Table = WORKSPACE.parse().expect("the workspace's manifest is TOML");
    let shared = &workspace["workspace"];
    for part in ["lints", "dev-dependencies", "example", "bench"] {
        manifest.remove(part);
    }
    if let Some(Value::Table(package)) = manifest.get_mut("package") {
        put_in(package, &shared["package"]);
    }
    if let Some(Value::Table(dependencies)) = manifest.get_mut("dependencies") {
        put_in(dependencies, &shared["dependencies"]);
    }
    for target in manifest.get_mut("target").and_then(Value::as_table_mut).into_iter().flat_map(|all| all.iter_mut()) {
        if let Some(Value::Table(dependencies)) = target.1.get_mut("dependencies") {
            put_in(dependencies, &shared["dependencies"]);
        }
    }
    manifest.to_string()
}

/// `x.workspace = true` becomes what the workspace says about `x`, with what else is said beside it.
fn put_in(table: &mut Table, shared: &Value) {
    for (name, value) in table {
        let Value::Table(own) = value else { continue };
        if own.remove("workspace") != Some(Value::Boolean(true)) {
            continue;
        }
        let meant = shared.get(name).unwrap_or_else(|| panic!("the workspace says nothing about `{name}`")).clone();
        *value = match (meant, std::mem::take(own)) {
            (meant, own) if own.is_empty() => meant,
            (Value::Table(meant), own) => Value::Table(meant.into_iter().chain(own).collect()),
            (version, own) => Value::Table(own.into_iter().chain([("version".to_owned(), version)]).collect()),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_of_the_sdk_is_carried() {
        fn walk(folder: &Path, found: &mut Vec<String>, root: &Path) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, found, root);
                } else {
                    found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest-sdk");
        let mut found = vec!["README.md".to_owned()];
        ["src", "wit"].iter().for_each(|folder| walk(&root.join(folder), &mut found, &root));
        found.sort();
        assert_eq!(SOURCES.iter().map(|(path, _)| *path).collect::<Vec<_>>(), found);
    }

    #[test]
    fn the_manifest_stands_alone() {
        let manifest = manifest();
        assert!(!manifest.contains("workspace"), "{manifest}");
        let manifest: Table = manifest.parse().unwrap();
        assert_eq!(manifest["package"]["name"].as_str(), Some("snaphook-sdk"));
        assert_eq!(manifest["package"]["edition"].as_str(), Some("2024"));
        assert!(manifest["dependencies"]["serde"]["version"].is_str());
        let targets = manifest["target"].as_table().unwrap();
        assert!(targets.values().any(|target| target["dependencies"].get("wit-bindgen").is_some()));
    }
}
