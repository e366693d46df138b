//! Projects in JavaScript and Python: the template and the SDK of each, as they are in this repository.

mod carried {
    include!(concat!(env!("OUT_DIR"), "/sdks.rs"));
}

use super::{Language, VENDOR};

/// Where the template is in an SDK.
const TEMPLATE: &str = "template/";

/// Paths and texts before the name is put in; those of the SDK keep everything as it is. None if this program does not carry
/// the language.
pub(super) fn files(language: Language, name: impl Fn(&str) -> String) -> Option<Vec<(String, String)>> {
    let carried = match language {
        Language::Rust => return None,
        Language::Js => carried::JAVASCRIPT,
        Language::Python => carried::PYTHON,
    };
    put_together(carried, name)
}

fn put_together(carried: &[(&str, &str)], name: impl Fn(&str) -> String) -> Option<Vec<(String, String)>> {
    let own = |(path, text): &(&str, &str)| match path.strip_prefix(TEMPLATE) {
        // Under its own name it would keep the template itself out of the repository.
        Some("gitignore") => (".gitignore".to_owned(), name(text)),
        Some(path) => (name(path), name(text)),
        None => (format!("{VENDOR}/{path}"), (*text).to_owned()),
    };
    let has_template = carried.iter().any(|(path, _)| path.starts_with(TEMPLATE));
    has_template.then(|| carried.iter().map(own).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_becomes_a_project_with_its_sdk() {
        let carried = [
            ("README.md", "{{name}} stays"),
            ("src/index.js", "x"),
            ("template/gitignore", "/{{lib}}.wasm"),
            ("template/src/{{name}}.js", "// {{name}}"),
        ];
        let named = |text: &str| text.replace("{{name}}", "my-filter").replace("{{lib}}", "my_filter");
        let files = put_together(&carried, named).unwrap();
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        assert_eq!(
            files,
            [
                ("vendor/snaphook-sdk/README.md", "{{name}} stays"),
                ("vendor/snaphook-sdk/src/index.js", "x"),
                (".gitignore", "/my_filter.wasm"),
                ("src/my-filter.js", "// my-filter"),
            ]
        );
        assert_eq!(put_together(&carried[..2], named), None);
    }

    /// What stands in the repository fits.
    #[test]
    fn no_placeholder_is_left() {
        for language in [Language::Js, Language::Python] {
            let Some(files) = super::super::files(language, "my-filter") else { continue };
            let own: Vec<_> = files.iter().filter(|(path, _)| !path.starts_with(VENDOR)).collect();
            for wanted in ["README.md", "route.toml", ".gitignore", "events/example.json"] {
                assert!(own.iter().any(|(path, _)| path == wanted), "{language:?} has no {wanted}");
            }
            assert!(own.iter().all(|(path, text)| !path.contains("{{") && !text.contains("{{")), "{language:?}");
        }
    }
}
