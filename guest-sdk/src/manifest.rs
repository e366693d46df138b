//! What a module says about itself: written at compile time into its custom section `snaphook:manifest`.

use crate::Filter;

/// What a filter asks for. It requests, it never grants. Made by [`export!`](crate::export).
#[derive(Debug, Clone, Copy)]
pub struct Manifest {
    body: BodyNeed,
    secrets: &'static [&'static str],
    reveal: &'static [&'static str],
    kv: &'static [&'static str],
    optional_secrets: &'static [&'static str],
    optional_kv: &'static [&'static str],
    keys: &'static [&'static str],
    config_schema: Option<&'static str>,
}

/// Whether the host must have read the body before it calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyNeed {
    /// Never looked at: the host may stream it past the filter.
    None,
    /// Read whole before the call.
    Buffered,
}

/// A filter with its manifest. [`export!`](crate::export) implements it.
pub trait Module: Filter {
    const MANIFEST: Manifest;
}

#[expect(clippy::new_without_default, reason = "a default cannot be const")]
impl Manifest {
    pub const fn new() -> Self {
        Self {
            body: BodyNeed::Buffered,
            secrets: &[],
            reveal: &[],
            kv: &[],
            optional_secrets: &[],
            optional_kv: &[],
            keys: &[],
            config_schema: None,
        }
    }

    #[must_use]
    pub const fn body(mut self, need: BodyNeed) -> Self {
        self.body = need;
        self
    }

    #[must_use]
    pub const fn secrets(mut self, names: &'static [&'static str]) -> Self {
        self.secrets = names;
        self
    }

    #[must_use]
    pub const fn reveal(mut self, names: &'static [&'static str]) -> Self {
        self.reveal = names;
        self
    }

    #[must_use]
    pub const fn kv(mut self, namespaces: &'static [&'static str]) -> Self {
        self.kv = namespaces;
        self
    }

    #[must_use]
    pub const fn optional_secrets(mut self, names: &'static [&'static str]) -> Self {
        self.optional_secrets = names;
        self
    }

    #[must_use]
    pub const fn optional_kv(mut self, namespaces: &'static [&'static str]) -> Self {
        self.optional_kv = namespaces;
        self
    }

    #[must_use]
    pub const fn keys(mut self, urls: &'static [&'static str]) -> Self {
        self.keys = urls;
        self
    }

    #[must_use]
    pub const fn config_schema(mut self, schema: &'static str) -> Self {
        self.config_schema = Some(schema);
        self
    }

    /// Bytes of [`Manifest::json`].
    pub const fn length(&self) -> usize {
        self.write(Writer { out: &mut [], at: 0 })
    }

    /// The manifest as JSON; `N` is [`Manifest::length`].
    pub const fn json<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.write(Writer { out: &mut out, at: 0 });
        out
    }

    /// The manifest as JSON.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn text(&self) -> String {
        let mut out = vec![0; self.length()];
        self.write(Writer { out: &mut out, at: 0 });
        String::from_utf8(out).expect("is made of strings")
    }

    const fn write(&self, mut writer: Writer<'_>) -> usize {
        writer.push(concat!(r#"{"sdk":"rust-"#, env!("CARGO_PKG_VERSION"), r#"","body":""#));
        writer.push(match self.body {
            BodyNeed::None => "none",
            BodyNeed::Buffered => "buffered",
        });
        writer.push(r#"","secrets":"#);
        writer.push_names(self.secrets);
        writer.push(r#","reveal":"#);
        writer.push_names(self.reveal);
        writer.push(r#","kv":"#);
        writer.push_names(self.kv);
        if !self.optional_secrets.is_empty() {
            writer.push(r#","optional_secrets":"#);
            writer.push_names(self.optional_secrets);
        }
        if !self.optional_kv.is_empty() {
            writer.push(r#","optional_kv":"#);
            writer.push_names(self.optional_kv);
        }
        if !self.keys.is_empty() {
            writer.push(r#","keys":"#);
            writer.push_urls(self.keys);
        }
        if let Some(schema) = self.config_schema {
            writer.push(r#","config_schema":"#);
            writer.push(schema);
        }
        writer.push("}");
        writer.at
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) const fn needs_body(&self) -> bool {
        matches!(self.body, BodyNeed::Buffered)
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn namespaces(&self) -> impl Iterator<Item = &'static str> {
        self.kv.iter().chain(self.optional_kv).copied()
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn asks_to_reveal(&self, name: &str) -> bool {
        self.reveal.contains(&name)
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn asks_for_secret(&self, name: &str) -> bool {
        self.secrets.contains(&name) || self.optional_secrets.contains(&name)
    }
}

/// Writes where there is room and counts everywhere, so that one function tells the length and fills it.
struct Writer<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Writer<'_> {
    const fn push(&mut self, text: &str) {
        let text = text.as_bytes();
        let mut index = 0;
        while index < text.len() {
            if self.at < self.out.len() {
                self.out[self.at] = text[index];
            }
            self.at += 1;
            index += 1;
        }
    }

    const fn push_names(&mut self, names: &[&str]) {
        let mut index = 0;
        while index < names.len() {
            check_name(names[index]);
            index += 1;
        }
        self.push_list(names);
    }

    const fn push_urls(&mut self, urls: &[&str]) {
        let mut index = 0;
        while index < urls.len() {
            check_url(urls[index]);
            index += 1;
        }
        self.push_list(urls);
    }

    const fn push_list(&mut self, names: &[&str]) {
        self.push("[");
        let mut index = 0;
        while index < names.len() {
            self.push(if index == 0 { "\"" } else { ",\"" });
            self.push(names[index]);
            self.push("\"");
            index += 1;
        }
        self.push("]");
    }
}

const fn check_url(url: &str) {
    let url = url.as_bytes();
    let mut index = 0;
    while index < url.len() {
        assert!(
            url[index].is_ascii_graphic() && !matches!(url[index], b'"' | b'\\'),
            "a URL in `export!` has no spaces, quotes or backslashes"
        );
        index += 1;
    }
}

const fn check_name(name: &str) {
    let name = name.as_bytes();
    assert!(!name.is_empty() && name.len() <= 63, "a name in `export!` has 1 to 63 characters");
    let mut index = 0;
    while index < name.len() {
        assert!(
            matches!(name[index], b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'),
            "a name in `export!` consists of a-z, 0-9, `-`, `_` and `.`"
        );
        index += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_is_json_of_exactly_its_length() {
        const MANIFEST: Manifest = Manifest::new()
            .body(BodyNeed::None)
            .secrets(&["a", "b.c"])
            .kv(&["seen"])
            .optional_kv(&["rates"])
            .config_schema(r#"{"type":"object"}"#);
        let json: [u8; MANIFEST.length()] = MANIFEST.json();
        assert_eq!(MANIFEST.text().as_bytes(), json);
        let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(
            value,
            serde_json::json!({
                "sdk": concat!("rust-", env!("CARGO_PKG_VERSION")), "body": "none", "secrets": ["a", "b.c"],
                "reveal": [], "kv": ["seen"], "optional_kv": ["rates"], "config_schema": {"type": "object"},
            })
        );
    }
}
