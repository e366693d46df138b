//! Verdicts, good and bad.

use serde::Deserialize;
use snaphook_sdk::{prelude::*, verdict::Edit};

/// An edit as it is told. In header values and bodies, characters up to U+00FF stand for one byte each.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Change {
    SetHeader(String, String),
    AppendHeader(String, String),
    RemoveHeader(String),
    SetMethod(String),
    SetPath(String),
    SetQuery(Option<String>),
    ReplaceBody(String),
    /// The value is JSON text, right or wrong.
    JsonSet(String, String),
    JsonRemove(String),
    Choose(Vec<String>),
}

fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|letter| u8::try_from(letter).unwrap_or(b'?')).collect()
}

pub(crate) fn edit(changes: &[Change]) -> Verdict {
    Verdict::edit().edits(changes.iter().map(|change| match change {
        Change::SetHeader(name, value) => Edit::SetHeader((name.clone(), bytes(value))),
        Change::AppendHeader(name, value) => Edit::AppendHeader((name.clone(), bytes(value))),
        Change::RemoveHeader(name) => Edit::RemoveHeader(name.clone()),
        Change::SetMethod(method) => Edit::SetMethod(method.clone()),
        Change::SetPath(path) => Edit::SetPath(path.clone()),
        Change::SetQuery(query) => Edit::SetQuery(query.clone()),
        Change::ReplaceBody(body) => Edit::ReplaceBody(bytes(body)),
        Change::JsonSet(pointer, text) => Edit::JsonSet(pointer.clone(), text.clone()),
        Change::JsonRemove(pointer) => Edit::JsonRemove(pointer.clone()),
        Change::Choose(names) => Edit::Choose(names.clone()),
    }))
}

pub(crate) fn with_headers(verdict: Verdict, headers: &[(String, String)]) -> Verdict {
    headers.iter().fold(verdict, |verdict, (name, value)| verdict.header(name, bytes(value)))
}

/// One of each kind of edit, but the choice of a destination.
pub(crate) fn everything() -> Verdict {
    Verdict::edit()
        .set_header("x-set", "1")
        .append_header("x-append", "1")
        .append_header("x-append", vec![0x80, 0xff])
        .remove_header("x-remove")
        .set_method("PUT")
        .set_path("/everything")
        .set_query(Some("a=b".to_owned()))
        .set_body(r#"{ "kept":  1.0, "gone": true }"#)
        .json_set_text("/made/here", "[1]")
        .json_set_text("/made/here/-", "\"two\"")
        .json_remove("/gone")
}

pub(crate) fn many_edits(count: usize) -> Verdict {
    (0..count).fold(Verdict::edit(), |verdict, index| verdict.set_header("x-index", index.to_string()))
}

pub(crate) fn many_headers(count: usize) -> Verdict {
    (0..count).fold(Verdict::edit(), |verdict, index| verdict.set_header(format!("x-{index}"), "1"))
}
