//! `new`: a folder with a filter that builds, has a test, and needs nothing but its language.

mod scripted;
mod sdk;

use std::path::{Path, PathBuf};

use model::Name;
use serde_json::json;

use super::{Global, failure::Failure, show};

#[derive(Debug, clap::Args)]
pub(crate) struct New {
    /// The filter's name: a-z, 0-9, - and _.
    #[arg(value_parser = filter_name)]
    name: String,
    /// The folder to make; by default one of the filter's name.
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// What it is written in.
    #[arg(long, value_name = "LANGUAGE", value_enum, default_value_t)]
    lang: Language,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Language {
    #[default]
    Rust,
    /// JavaScript or TypeScript.
    #[value(aliases = ["javascript", "ts", "typescript"])]
    Js,
    #[value(alias = "py")]
    Python,
}

impl Language {
    fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Js => "JavaScript",
            Self::Python => "Python",
        }
    }

    /// What most likely comes next.
    fn next(self) -> &'static str {
        match self {
            Self::Rust => "cargo test\nsnaphook build",
            Self::Js => "snaphook build\nnpm test",
            Self::Python => "snaphook build\n.venv/bin/python -m unittest",
        }
    }
}

/// Where each file goes, and what is in it before the name is put in.
const TEMPLATE: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("template/Cargo.toml")),
    ("src/lib.rs", include_str!("template/src/lib.rs")),
    ("README.md", include_str!("template/README.md")),
    ("events/example.json", include_str!("template/events/example.json")),
    ("route.toml", include_str!("template/route.toml")),
    (".gitignore", include_str!("template/gitignore")),
];

/// Where the SDK goes.
const VENDOR: &str = "vendor/snaphook-sdk";

impl New {
    pub(crate) fn run(self, global: &Global) -> Result<(), Failure> {
        let folder = self.dir.unwrap_or_else(|| PathBuf::from(&self.name));
        let shown = folder.display().to_string();
        if std::fs::read_dir(&folder).is_ok_and(|mut inside| inside.next().is_some()) {
            return Err(Failure::usage(format!("the folder `{shown}` is not empty: name another one with --dir")));
        }
        let files = files(self.lang, &self.name).ok_or_else(|| {
            Failure::failed(format!("this program was built without the SDK for {}", self.lang.name()))
        })?;
        for (path, text) in &files {
            write(&folder.join(path), text)
                .map_err(|error| Failure::failed(format!("cannot write `{shown}/{path}`: {error}")))?;
        }
        let own: Vec<&str> =
            files.iter().map(|(path, _)| path.as_str()).filter(|path| !path.starts_with(VENDOR)).collect();
        if global.json {
            return show::print_json(&json!({ "folder": shown, "files": own }));
        }
        let mut facts = vec![("filter", self.name), ("folder", shown.clone())];
        facts.push(("files", [own.as_slice(), &[VENDOR]].concat().join("\n")));
        facts.push(("next", format!("cd {shown}\n{}", self.lang.next())));
        show::print(&show::facts(&facts))
    }
}

/// A name of the house that is also one of a package, in each of the languages.
fn filter_name(text: &str) -> Result<String, String> {
    const TAKEN: &[&str] = &["alloc", "core", "proc-macro", "serde", "snaphook-sdk", "std", "test"];

    text.parse::<Name>()?;
    if !text.starts_with(|first: char| first.is_ascii_lowercase()) || text.contains('.') {
        return Err(format!("`{text}` is no name for a package: begin with a letter, and use no `.`"));
    }
    if TAKEN.contains(&text) {
        return Err(format!("`{text}` is the name of a crate that every filter uses: choose another one"));
    }
    Ok(text.to_owned())
}

/// Paths and texts; none if this program does not carry the language.
fn files(language: Language, name: &str) -> Option<Vec<(String, String)>> {
    let library = name.replace('-', "_");
    let kind = type_name(name);
    let named = |text: &str| text.replace("{{name}}", name).replace("{{lib}}", &library).replace("{{type}}", &kind);
    if language != Language::Rust {
        return scripted::files(language, named);
    }
    let own = TEMPLATE.iter().map(|(path, text)| ((*path).to_owned(), named(text)));
    Some(own.chain(sdk::files().into_iter().map(|(path, text)| (format!("{VENDOR}/{path}"), text))).collect())
}

/// `my-filter` → `MyFilter`.
fn type_name(name: &str) -> String {
    /// What `snaphook_sdk::prelude` brings.
    const TAKEN: &[&str] = &["Body", "Error", "Event", "Filter", "OrRefuse", "Phase", "Refusal", "Result", "Verdict"];

    let words = name.split(['-', '_']).filter_map(|word| word.split_at_checked(1));
    let camel: String = words.flat_map(|(first, rest)| [first.to_ascii_uppercase(), rest.to_owned()]).collect();
    if TAKEN.contains(&camel.as_str()) { format!("{camel}Filter") } else { camel }
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_put_in_everywhere() {
        let files = files(Language::Rust, "my-filter").unwrap();
        let text = |wanted: &str| files.iter().find(|(path, _)| path == wanted).map(|(_, text)| text.as_str()).unwrap();
        assert!(text("Cargo.toml").contains("name = \"my-filter\""));
        assert!(text("route.toml").contains("file = \"my_filter.wasm\""));
        assert!(text("src/lib.rs").contains("impl Filter for MyFilter {"));
        assert!(
            files.iter().all(|(path, text)| path.starts_with(VENDOR) || !text.contains("{{")),
            "a placeholder is left"
        );
        assert!(text("vendor/snaphook-sdk/src/lib.rs").contains("pub mod testing"));
    }

    #[test]
    fn types_are_named_after_the_filter() {
        let names = ["my-filter", "a_b", "x--1", "event", "or-refuse"].map(type_name);
        assert_eq!(names, ["MyFilter", "AB", "X1", "EventFilter", "OrRefuseFilter"]);
    }

    #[test]
    fn names_fit_rust() {
        assert_eq!(filter_name("my-filter_2"), Ok("my-filter_2".to_owned()));
        for (name, problem) in [
            ("2fast", "`2fast` is no name for a package: begin with a letter, and use no `.`"),
            ("a.b", "`a.b` is no name for a package: begin with a letter, and use no `.`"),
            ("serde", "`serde` is the name of a crate that every filter uses: choose another one"),
        ] {
            assert_eq!(filter_name(name), Err(problem.to_owned()));
        }
        assert!(filter_name("My Filter").unwrap_err().starts_with("`My Filter` is not a name: "));
    }
}
