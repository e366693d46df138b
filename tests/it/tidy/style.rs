//! How files look.

use super::files::{File, below};

/// Lines of a file.
const LINES_MOST: usize = 600;

fn rust() -> Vec<File> {
    ["benches", "examples", "guest-sdk", "host", "tests", "xtask"]
        .iter()
        .flat_map(|folder| below(folder, &["rs"]))
        .collect()
}

#[test]
fn files_fit_into_a_head() {
    for file in rust().iter().filter(|file| !file.path.ends_with("/tests.rs")) {
        let lines = file.text.lines().count();
        assert!(lines <= LINES_MOST, "{} has {lines} lines: make two files of it", file.path);
    }
}

#[test]
fn files_say_what_they_are_for() {
    // A `tests.rs` belongs to the file that it tests.
    for file in rust().iter().filter(|file| !file.path.ends_with("/tests.rs")) {
        assert!(file.text.starts_with("//! "), "{} does not open with a `//!` sentence", file.path);
    }
}

#[test]
fn names_say_what_is_inside() {
    const EMPTY: [&str; 8] = ["data", "info", "manager", "util", "utils", "common", "helper", "helpers"];
    for file in rust() {
        let stems = file.path.split('/').map(|name| name.trim_end_matches(".rs"));
        let empty: Vec<&str> = stems.filter(|stem| EMPTY.contains(stem)).collect();
        assert!(empty.is_empty(), "{}: {empty:?} says nothing", file.path);
    }
}

/// A lint that does not hold somewhere is expected not to, and said why.
#[test]
fn exceptions_explain_themselves() {
    for file in rust() {
        for (attribute, remedy) in
            [("allow(", "write `expect`, so that it goes when it is no longer needed"), ("expect(", "")]
        {
            for (place, _) in file.text.match_indices(&format!("[{attribute}")) {
                let written = &file.text[place..];
                let is_attribute = file.text[..place].ends_with(['#', '!']);
                let end = written.find(")]").map_or(written, |end| &written[..end]);
                let explained = end.contains("reason = \"") && remedy.is_empty();
                let line = file.text[..place].lines().count();
                assert!(!is_attribute || explained, "{}:{line}: `{attribute}` without a reason; {remedy}", file.path);
            }
        }
    }
}

#[test]
fn nothing_is_left_for_later() {
    let words = [concat!("to", "do!"), concat!("unimpl", "emented!"), concat!("db", "g!("), concat!("FIX", "ME")];
    for file in rust() {
        for word in words {
            let found = file.text.lines().position(|line| line.contains(word));
            assert_eq!(found, None, "{}: `{word}`", file.path);
        }
    }
}

/// Errors are handled, or it is said why there are none.
#[test]
fn nothing_is_unwrapped_outside_of_tests() {
    for file in below("host", &["rs"]).iter().chain(&below("xtask", &["rs"])).filter(|file| !file.is_test()) {
        let code = file.text.split("#[cfg(test)]").next().unwrap_or_default();
        let of_tests = file.path.starts_with("host/store/src/contract/") || file.path.ends_with("/fixture.rs");
        let found = code.lines().position(|line| line.split("//").next().unwrap_or_default().contains(".unwrap()"));
        assert!(of_tests || found.is_none(), "{}:{}", file.path, found.unwrap_or_default() + 1);
    }
}
