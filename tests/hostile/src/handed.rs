//! Verdicts that no host should take: too many, too large, too deep, out of place.

use snaphook_sdk::{
    prelude::*,
    verdict::{Edit, Response},
};

use crate::{Deed, answer};

/// None if it is told something else.
pub(crate) fn deed(deed: &Deed<'_>) -> Option<Result<Verdict>> {
    large(deed).or_else(|| many(deed)).or_else(|| deep(deed)).or_else(|| wrong(deed)).map(Ok)
}

fn long(bytes: usize) -> String {
    "x".repeat(bytes)
}

/// One string of so many bytes.
fn large(deed: &Deed<'_>) -> Option<Verdict> {
    let bytes = deed.number(0);
    Some(match deed.name {
        "long-header" => Verdict::edit().set_header("x-long", long(bytes)),
        "long-name" => Verdict::edit().set_header(long(bytes), "x"),
        "long-method" => Verdict::edit().set_method(long(bytes)),
        "long-path" => Verdict::edit().set_path(format!("/{}", long(bytes))),
        "long-query" => Verdict::edit().set_query(Some(long(bytes))),
        "long-choice" => Verdict::edit().choose([long(bytes)]),
        "long-drop" => Verdict::drop(long(bytes)),
        "long-reject" => Verdict::reject(400).reason(long(bytes)),
        "long-label" => told(deed.event.set_label("long", &long(bytes))),
        "long-key" => told(deed.event.set_idempotency_key(&long(bytes))),
        "large-body" => Verdict::edit().set_body(vec![b'x'; bytes]),
        _ => return None,
    })
}

/// So many of one thing.
fn many(deed: &Deed<'_>) -> Option<Verdict> {
    let count = deed.number(0);
    let headers = || (0..count).map(|index| (format!("x-{index}"), b"1".to_vec()));
    Some(match deed.name {
        "edits" => (0..count).fold(Verdict::edit(), |verdict, _| verdict.set_header("x-same", "1")),
        "headers" => Verdict::edit().edits(headers().map(Edit::AppendHeader)),
        "respond-headers" => {
            headers().fold(Verdict::respond(200), |verdict, (name, value)| verdict.header(name, value))
        }
        "reject-headers" => headers().fold(Verdict::reject(400), |verdict, (name, value)| verdict.header(name, value)),
        "say-headers" => say(deed, 200, headers().collect(), Vec::new()),
        "choices" => Verdict::edit().choose((0..count).map(|_| "ci")),
        // The body anew for each of them.
        "json-edits" => {
            (0..count).fold(Verdict::edit(), |verdict, index| verdict.json_set(format!("/n{index}"), &index))
        }
        _ => return None,
    })
}

/// JSON of so many levels.
fn deep(deed: &Deed<'_>) -> Option<Verdict> {
    let levels = deed.number(0);
    Some(match deed.name {
        "deep-pointer" => Verdict::edit().json_set(pointer(levels), &1),
        "deep-value" => Verdict::edit().json_set_text("/a", format!("{}{}", "[".repeat(levels), "]".repeat(levels))),
        // Each edit is right by itself, and puts one level into what the last one made.
        "deep-edits" => {
            (1..=levels).fold(Verdict::edit(), |verdict, level| verdict.json_set_text(pointer(level), "{}"))
        }
        "json-read" => match deed.event.body().json_text("") {
            Ok(text) => answer(text.unwrap_or_default().len()),
            Err(error) => answer(error),
        },
        "json-edit" => Verdict::edit().json_set("/a", &1),
        _ => return None,
    })
}

fn pointer(levels: usize) -> String {
    "/a".repeat(levels)
}

/// Headers and statuses as they are told.
fn wrong(deed: &Deed<'_>) -> Option<Verdict> {
    let (name, value) = (deed.text(0), deed.bytes(1));
    Some(match deed.name {
        "set-header" => Verdict::edit().set_header("x-first", "1").set_header(name, value),
        "append-header" => Verdict::edit().set_header("x-first", "1").append_header(name, value),
        "remove-header" => Verdict::edit().set_header("x-first", "1").remove_header(name),
        "respond-header" => Verdict::respond(200).header("x-first", "1").header(name, value),
        "reject-header" => Verdict::reject(400).header("x-first", "1").header(name, value),
        "say-header" => say(deed, 200, vec![("x-first".to_owned(), b"1".to_vec()), (name, value)], Vec::new()),
        "respond" => Verdict::respond(deed.status(0)).body(vec![b'x'; deed.number(1)]),
        "reject" => Verdict::reject(deed.status(0)),
        "say" => say(deed, deed.status(0), Vec::new(), vec![b'x'; deed.number(1)]),
        _ => return None,
    })
}

/// What the host said to an answer, which is the sender's once the event is accepted.
fn say(deed: &Deed<'_>, status: u16, headers: Vec<(String, Vec<u8>)>, body: Vec<u8>) -> Verdict {
    told(deed.event.set_answer(&Response { status, headers, body }))
}

fn told<T>(result: Result<T, snaphook_sdk::CallError>) -> Verdict {
    match result {
        Ok(_) => answer("taken"),
        Err(error) => answer(error),
    }
}
