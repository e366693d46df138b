//! Who may know whom: between crates by their manifests, between the modules of the program by the paths in their code.

use toml::Table;

use super::files::{below, mentions};
use crate::support::repository;

/// Each crate of the host, the crates of the house that it may use, and heavy ones that it must not.
const CRATES: [(&str, &[&str], &[&str]); 6] = [
    ("host/model", &[], &["tokio", "hyper", "wasmtime", "rusqlite", "axum"]),
    ("host/filters", &["model", "wasi"], &["hyper", "rusqlite", "axum", "delivery", "store"]),
    ("host/filters/wasi", &[], &["hyper", "rusqlite", "axum"]),
    ("host/store", &["model"], &["hyper", "wasmtime", "axum", "filters", "delivery"]),
    ("host/delivery", &["model", "store"], &["wasmtime", "rusqlite", "axum", "filters"]),
    ("host/server", &["delivery", "filters", "model", "store"], &["wasmtime", "rusqlite"]),
];

const HOUSE: [&str; 6] = ["delivery", "filters", "model", "server", "store", "wasi"];

fn dependencies(folder: &str) -> Vec<String> {
    let manifest = std::fs::read_to_string(repository().join(folder).join("Cargo.toml")).unwrap();
    let manifest: Table = manifest.parse().unwrap();
    manifest["dependencies"].as_table().unwrap().keys().cloned().collect()
}

#[test]
fn crates_depend_one_way() {
    for (folder, allowed, forbidden) in CRATES {
        for dependency in dependencies(folder) {
            let of_the_house = HOUSE.contains(&&*dependency);
            assert!(!of_the_house || allowed.contains(&&*dependency), "{folder} must not know {dependency}");
            assert!(!forbidden.contains(&&*dependency), "{folder} must not pull in {dependency}");
        }
    }
    for dependency in dependencies("guest-sdk") {
        assert!(
            !HOUSE.contains(&&*dependency) && !dependency.starts_with("snaphook"),
            "the SDK must not know {dependency}"
        );
    }
}

/// Parts of the program, what they must not name, and exceptions: a file, and what it may name all the same.
const PARTS: [(&str, &[&str]); 8] = [
    (
        "gateway",
        &["crate::admin", "crate::cli", "crate::control", "crate::run", "store::Registry", "store::registry", "axum"],
    ),
    ("control", &["crate::admin", "crate::cli", "crate::gateway", "crate::run", "axum", "hyper", "hyper_util"]),
    ("admin", &["crate::cli", "crate::gateway", "crate::run", "crate::snapshot", "store::", "filters::", "delivery::"]),
    (
        "cli",
        &[
            "crate::control",
            "crate::gateway",
            "crate::snapshot",
            "crate::kept",
            "store::",
            "delivery::",
            "filters::",
            "crate::admin",
        ],
    ),
    ("settings", &["crate::admin", "crate::cli", "crate::control", "crate::gateway", "crate::run", "crate::snapshot"]),
    ("snapshot", &["crate::admin", "crate::cli", "crate::control", "crate::gateway", "crate::run", "store::"]),
    ("kept", &["crate::admin", "crate::cli", "crate::control", "crate::gateway", "crate::run"]),
    ("telemetry", &["crate::admin", "crate::cli", "crate::control", "crate::run"]),
];

/// `snaphook test` runs a filter without a host, `snaphook module inspect` looks into one, `snaphook compile` compiles one
/// for it, `snaphook serve` is the host, `snaphook openapi` prints its description.
const EXCEPTIONS: [(&str, &str); 7] = [
    ("host/server/src/cli/compile.rs", "filters::"),
    ("host/server/src/cli/exercise.rs", "filters::"),
    ("host/server/src/cli/exercise/expected.rs", "filters::"),
    ("host/server/src/cli/exercise/rig.rs", "filters::"),
    ("host/server/src/cli/exercise/suite.rs", "filters::"),
    ("host/server/src/cli/inspect.rs", "filters::"),
    ("host/server/src/cli/mod.rs", "crate::admin"),
];

#[test]
fn parts_of_the_program_keep_to_themselves() {
    for (part, forbidden) in PARTS {
        let inside = format!("host/server/src/{part}");
        let files = below("host/server/src", &["rs"]);
        let files = files
            .iter()
            .filter(|file| file.path.starts_with(&format!("{inside}/")) || file.path == format!("{inside}.rs"));
        let mut seen = 0;
        for file in files.filter(|file| !file.is_test()) {
            seen += 1;
            let mut of_the_model = false;
            for (number, code) in file.code() {
                // A module of the model may be called like a crate.
                of_the_model |= code.starts_with("use model::{");
                if of_the_model {
                    of_the_model = !code.ends_with("};");
                    continue;
                }
                let named = forbidden.iter().find(|path| mentions(code, path));
                let named = named.filter(|path| !EXCEPTIONS.contains(&(&*file.path, path)));
                assert_eq!(named, None, "{}:{number}: `{part}` must not know this: {}", file.path, code.trim());
            }
        }
        assert!(seen > 0, "there is no `{part}` any more: change this list");
    }
}

/// What one crate hides, nobody else names.
#[test]
fn nothing_of_a_library_leaves_its_room() {
    for (library, room) in [
        ("wasmtime", "host/filters/"),
        ("wasmtime_wasi", "host/filters/wasi/"),
        ("rusqlite", "host/store/src/embedded/"),
    ] {
        for file in below("host", &["rs"]).iter().filter(|file| !file.path.starts_with(room)) {
            let named = file.code().find(|(_, code)| mentions(code, &format!("{library}::")));
            let named = named.filter(|_| !(library == "rusqlite" && file.path.starts_with("host/store/")));
            assert!(named.is_none(), "{} names {library}: {named:?}", file.path);
        }
    }
}

/// The data plane holds no handle that could change the configuration.
#[test]
fn only_control_publishes_a_snapshot() {
    for file in below("host/server/src", &["rs"]) {
        let own =
            file.path.starts_with("host/server/src/control") || file.path.ends_with("/snapshot.rs") || file.is_test();
        let named = file.code().find(|(_, code)| mentions(code, "Publisher"));
        assert!(own || named.is_none(), "{}: {named:?}", file.path);
    }
}
