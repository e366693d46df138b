//! Modules to upload: those that `cargo guests` built, and some that are made here.

use std::path::PathBuf;

use super::program;

/// A guest's bytes by its name, `github-verify` or `told`.
#[track_caller]
pub(crate) fn guest(name: &str) -> Vec<u8> {
    let path = guest_file(name);
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!("{} cannot be read ({error}): run `cargo guests` first", path.display());
    })
}

pub(crate) fn guest_file(name: &str) -> PathBuf {
    let folder = program::target().join("wasm32-wasip2/guest");
    let file = format!("{}.wasm", name.replace('-', "_"));
    let example = folder.join("examples").join(&file);
    if example.exists() { example } else { folder.join(file) }
}

/// The bytes of a component or module that is written as text.
#[track_caller]
pub(crate) fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}
