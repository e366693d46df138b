//! The files of the repository that people wrote.

use std::path::{Path, PathBuf};

use crate::support::repository;

/// A file with its path from the root and its text.
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
}

impl File {
    /// Lines of code with their numbers: what stands before `//` on each.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines.map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default()))
    }

    pub(super) fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }
}

/// Every file of these kinds below a folder of the repository.
pub(super) fn below(folder: &str, kinds: &[&str]) -> Vec<File> {
    let root = repository();
    let mut paths = Vec::new();
    walk(&root.join(folder), kinds, &mut paths);
    paths.sort();
    assert!(!paths.is_empty(), "there is nothing in `{folder}`");
    let read = |path: PathBuf| File {
        text: std::fs::read_to_string(&path).unwrap(),
        path: path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned(),
    };
    paths.into_iter().map(read).collect()
}

fn walk(folder: &Path, kinds: &[&str], found: &mut Vec<PathBuf>) {
    const NOT_OURS: [&str; 3] = ["target", "node_modules", "vendor"];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !NOT_OURS.contains(&name) && !name.starts_with('.') {
                walk(&path, kinds, found);
            }
        } else if path.extension().is_some_and(|kind| kinds.contains(&kind.to_str().unwrap())) {
            found.push(path);
        }
    }
}

/// Whether the path begins somewhere in the code: `store::` does in `use store::Registry` and not in `my_store::x`.
pub(super) fn mentions(code: &str, path: &str) -> bool {
    let part_of_a_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    code.match_indices(path).any(|(place, _)| {
        let (before, after) = (&code.as_bytes()[..place], &code.as_bytes()[place + path.len()..]);
        let begins = before.last().is_none_or(|byte| !part_of_a_word(*byte) && *byte != b':');
        let ends = path.ends_with(':') || after.first().is_none_or(|byte| !part_of_a_word(*byte));
        begins && ends
    })
}

#[test]
fn a_path_is_found_where_it_begins() {
    for (code, path, found) in [
        ("use store::Registry;", "store::", true),
        ("    store::{Registry, Journal},", "store::", true),
        ("use my_store::Registry;", "store::", false),
        ("use crate::store::Registry;", "store::", false),
        ("use crate::admin;", "crate::admin", true),
        ("use crate::administer;", "crate::admin", false),
        ("let admin = crate::admin::openapi();", "crate::admin", true),
    ] {
        assert_eq!(mentions(code, path), found, "{code}");
    }
}
