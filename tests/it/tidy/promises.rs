//! What is told to people is there: examples can be copied, links lead somewhere, the promise to authors is one text.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::files::below;
use crate::support::repository;

#[test]
fn the_sdk_carries_the_same_interface() {
    let read = |folder: &str| std::fs::read_to_string(repository().join(folder).join("filter.wit")).unwrap();
    assert_eq!(read("guest-sdk/wit"), read("wit"), "copy wit/filter.wit to guest-sdk/wit");
}

/// The interface without its comments: components that were built for it must run on every later host.
#[test]
fn the_released_interface_does_not_change() {
    let text = std::fs::read_to_string(repository().join("wit/filter.wit")).unwrap();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("///"));
    let promised = lines.collect::<Vec<_>>().join("\n");
    let digest = hex::encode(Sha256::digest(promised.as_bytes()));
    let released = "87f694644d7eb7c42f782416209307beac5aa12ef7e91eb32538f8730bc8d6de";
    assert_eq!(digest, released, "snaphook:filter@0.1.0 is frozen: see docs/adr/0019-interface-frozen.md");
}

#[test]
fn every_example_can_be_copied() {
    let folder = repository().join("examples");
    let mut examples = 0;
    for example in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        // Many small ones, with tests of their own.
        if example.ends_with("cookbook") {
            continue;
        }
        for file in ["README.md", "route.toml"] {
            assert!(example.join(file).is_file(), "{} has no {file}", example.display());
        }
        let events =
            std::fs::read_dir(example.join("events")).unwrap_or_else(|_| panic!("{} has no events", example.display()));
        for event in events.map(|entry| entry.unwrap().path()) {
            let text = std::fs::read_to_string(&event).unwrap();
            let read = serde_json::from_str::<model::event_file::EventFile>(&text).map_err(|error| error.to_string());
            let read = read.and_then(|file| file.read().map_err(|faults| faults.to_string()));
            assert!(read.is_ok(), "{}: {}", event.display(), read.unwrap_err());
        }
        examples += 1;
    }
    assert!(examples >= 4);
}

/// What `](…)` points to inside the repository is there.
#[test]
fn links_lead_somewhere() {
    for file in ["", "docs", "examples"].iter().flat_map(|folder| below(folder, &["md"])) {
        let folder = repository().join(&file.path).parent().unwrap().to_owned();
        for link in file.text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next()) {
            let target = link.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            assert!(folder.join(Path::new(target)).exists(), "{}: `{link}` leads nowhere", file.path);
        }
    }
}

/// Whoever installs the packages gets them from wherever their npm is set up to get packages.
#[test]
fn the_lock_file_names_no_registry() {
    let text = std::fs::read_to_string(repository().join("tests/octokit/package-lock.json")).unwrap();
    assert!(!text.contains("\"resolved\"") && !text.contains("https://"), "install with tests/octokit/.npmrc in force");
    assert!(text.matches("\"integrity\": \"sha512-").count() >= 3);
}
