//! What is searched of an event, and how what somebody searches for is put to SQLite.

use std::borrow::Cow;

use model::record::Record;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{accept::body, database::prepare, failure::Result};
use crate::journal::EventWanted;

/// Bytes of a body that are searched, from its beginning.
const BODY_MOST: u32 = 256 << 10;

/// Bytes of what somebody searches for.
const WANTED_MOST: usize = 512;

/// An event's text.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) path: String,
    pub(super) labels: String,
    pub(super) body: String,
}

impl Text {
    pub(super) fn size(&self) -> usize {
        self.path.len() + self.labels.len() + self.body.len()
    }

    /// Of an event that has, or had, such a body. None if there is nothing to read: it is damaged, or its body was removed.
    pub(super) fn read(connection: &Connection, number: i64, kept: u8) -> Result<Option<Self>> {
        if kept == body::REMOVED {
            return Ok(None);
        }
        let record: Option<String> = prepare(connection, "SELECT record FROM contents WHERE event = ?1")?
            .query_row([number], |row| row.get(0))
            .optional()?;
        let Some(record) = record.and_then(|json| serde_json::from_str::<Record>(&json).ok()) else { return Ok(None) };
        let received: Option<Option<Vec<u8>>> =
            prepare(connection, "SELECT substr(received, 1, ?2) FROM bodies WHERE event = ?1")?
                .query_row(params![number, BODY_MOST], |row| row.get(0))
                .optional()?;
        let labels: Vec<_> = record.labels.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let body = received.flatten().unwrap_or_default();
        Ok(Some(Self { path: record.path, labels: labels.join("\n"), body: readable(&body).into_owned() }))
    }
}

/// The text that is in a body: all of it, in JSON without its escapes; nothing if it is no UTF-8.
fn readable(body: &[u8]) -> Cow<'_, str> {
    let text = match std::str::from_utf8(body) {
        Ok(text) => text,
        // Cut off in the middle of a character.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&body[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => "",
    };
    if text.trim_start().starts_with(['{', '[', '"']) && text.contains('\\') {
        unescape(text).into()
    } else {
        text.into()
    }
}

/// A word is whole though the sender wrote `M\u00fcller`, and begins after `\n`.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, escaped)) = rest.split_once('\\') {
        out.push_str(before);
        let mut units = Vec::new();
        rest = escaped;
        while let Some(unit) = rest.strip_prefix('u').and_then(|rest| rest.get(..4)) {
            let Ok(unit) = u16::from_str_radix(unit, 16) else { break };
            units.push(unit);
            rest = &rest[5..];
            match rest.strip_prefix('\\') {
                Some(next) if next.starts_with('u') => rest = next,
                _ => break,
            }
        }
        if units.is_empty() {
            let escaped = rest.chars().next();
            out.push(escaped.filter(|escaped| !escaped.is_alphanumeric()).unwrap_or(' '));
            rest = &rest[escaped.map_or(0, char::len_utf8)..];
        }
        out.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
    }
    out.push_str(rest);
    out
}

/// What FTS5 is asked for: every word of `text` in what is read, of this project and route. A name is asked for as words
/// too, which others may have as well. None if there is no word in the text.
pub(super) fn query(wanted: &EventWanted, text: &str) -> Option<String> {
    let mut room = WANTED_MOST;
    // NUL would end the expression.
    let words = text.split(|letter: char| letter.is_whitespace() || letter == '\0').take_while(|word| {
        let fits = word.len() <= room;
        room -= word.len().min(room);
        fits
    });
    let words: Vec<String> = words.filter(|word| word.contains(char::is_alphanumeric)).map(quoted).collect();
    if words.is_empty() {
        return None;
    }
    let route = wanted.route.as_ref().map(|route| format!("route : {} AND ", quoted(route.as_str())));
    let project = quoted(wanted.project.as_str());
    let words = words.join(" ");
    Some(format!("project : {project} AND {}{{path labels body}} : ({words})", route.unwrap_or_default()))
}

/// A phrase, whatever is in it.
fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::sample::name;

    #[test]
    fn escapes_are_resolved_in_json_only() {
        let escaped = r#"{"a":"M\u00fcller\nB\"c\" \ud83d\ude00\u00e4 \\d\/e \ud83d \u12"}"#;
        assert_eq!(readable(escaped.as_bytes()), "{\"a\":\"Müller B\"c\" 😀ä \\d/e \u{fffd}  12\"}");
        assert_eq!(readable(br"a\nb"), r"a\nb");
        for text in [r#"{"a":"\"#, r#""\u"#, r#""\uü123"#, r#""\u00e"#, r#""\u00e4\"#, r#""\u00e4\uzzzz"#] {
            assert!(!readable(text.as_bytes()).contains('\\'), "{text}");
        }
    }

    #[test]
    fn what_is_no_text_is_nothing() {
        assert_eq!(readable(b"\xff\xfeabc"), "");
        assert_eq!(readable(b"abc\xffdef"), "");
        assert_eq!(readable("abü".as_bytes()), "abü");
        assert_eq!(readable(&"abü".as_bytes()[..3]), "ab");
    }

    #[test]
    fn every_word_is_quoted() {
        let wanted = EventWanted::of(name("team"));
        let asked = |text: &str| query(&wanted, text);
        let of = |words: &str| Some(format!("project : \"team\" AND {{path labels body}} : ({words})"));
        assert_eq!(asked("a\t\"b\" OR c*"), of(r#""a" """b""" "OR" "c*""#));
        assert_eq!(asked("a\0b - ü"), of(r#""a" "b" "ü""#));
        for text in ["", " \n\0", "\"", "- * :", &"a".repeat(WANTED_MOST + 1)] {
            assert_eq!(asked(text), None);
        }
        assert_eq!(
            asked(&format!("{} b c", "a".repeat(WANTED_MOST - 1))),
            of(&format!("\"{}\" \"b\"", "a".repeat(511)))
        );
    }
}
