//! JSON as filters read and edit it: `model::json::Document` beside serde_json, which goes another way to the same end.
//!
//! The input is texts with a NUL byte between them: the document, then for each edit a pointer and a value, where an empty
//! value removes.

use bytes::Bytes;
use model::{
    json::{Document, EditError},
    limits::JSON_DEPTH_MOST,
};
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

/// Words that are worth trying.
pub const WORDS: &[&str] = &[
    "\0",
    "\0/a\0",
    "\0/-\0",
    "\0/a/0\0{}",
    "/~0",
    "/~1",
    "/01",
    "[",
    "]",
    "{",
    "}",
    "{}",
    "[]",
    "\"",
    "\\\"",
    "\\u00e9",
    "\\ud83d",
    "\\ude00",
    "\":",
    "\"a\":",
    ",",
    "1e5",
    "-0",
    "0.1",
    "1e999",
    "true",
    "null",
    "é",
    "\u{7f}",
    "\n",
    "\t",
    " ",
];

/// A document of so many bytes, and so many edits, are enough to find what there is to find.
const BYTES_MOST: usize = 1 << 16;
const EDITS_MOST: usize = 16;

pub fn run(bytes: &[u8]) {
    let mut texts = bytes[..bytes.len().min(BYTES_MOST)].split(|byte| *byte == 0);
    let text = texts.next().unwrap_or_default();
    let Some(mut document) = parsed(text) else { return };
    let mut tree = tree(text);
    for _ in 0..EDITS_MOST {
        let Some(pointer) = texts.next().and_then(|pointer| str::from_utf8(pointer).ok()) else { return };
        let Some(value) = texts.next().and_then(|value| str::from_utf8(value).ok()) else {
            return found(&document, tree.as_ref(), pointer);
        };
        found(&document, tree.as_ref(), pointer);
        let changed = if value.is_empty() {
            removed(&document, &mut tree, pointer)
        } else {
            set(&document, &mut tree, pointer, value)
        };
        let Some(changed) = changed else { continue };
        // The index that was carried over is that of the new text: every lookup goes by it.
        let anew = parsed(changed.source()).expect("what edits make of a document is one");
        assert_eq!(anew.get(pointer), changed.get(pointer), "after the edit at {pointer:?}");
        document = changed;
    }
}

/// The document, if the text is one; that it is one, both say.
fn parsed(text: &[u8]) -> Option<Document> {
    let document = Document::parse(Bytes::copy_from_slice(text));
    let right = str::from_utf8(text).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
    match document {
        Ok(document) => {
            assert!(right, "serde_json says that this is no JSON");
            assert!(depth(text) <= JSON_DEPTH_MOST, "this is nested too deep");
            assert_eq!(document.source(), text);
            Some(document)
        }
        Err(problem) => {
            assert!(!right || depth(text) > JSON_DEPTH_MOST, "serde_json says that this is JSON, and not `{problem}`");
            line(&problem.to_string());
            None
        }
    }
}

/// As serde_json keeps it; none for what it does not keep: half a surrogate pair, a number past those of 64 bits, depth.
fn tree(text: &[u8]) -> Option<Value> {
    serde_json::from_slice(text).ok()
}

/// Deeper than serde_json follows.
fn deep(text: &[u8]) -> bool {
    depth(text) > 120
}

/// How deep brackets are nested.
fn depth(text: &[u8]) -> usize {
    let (mut depth, mut most, mut string, mut escaped) = (0_usize, 0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if string => escaped = true,
            b'"' => string = !string,
            b'[' | b'{' if !string => depth += 1,
            b']' | b'}' if !string => depth = depth.saturating_sub(1),
            _ => {}
        }
        most = most.max(depth);
    }
    most
}

/// A message is one line, whatever it is about.
fn line(message: &str) {
    assert!(!message.contains(char::is_control) && message.len() < 1_000, "{message:?}");
}

/// RFC 6901, section 3.
fn is_pointer(pointer: &str) -> bool {
    let escapes = pointer.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
    escapes && (pointer.is_empty() || pointer.starts_with('/'))
}

fn found(document: &Document, tree: Option<&Value>, pointer: &str) {
    let (value, text) = (document.get(pointer), document.text(pointer));
    assert_eq!(value.is_ok(), is_pointer(pointer), "{pointer:?}");
    let Ok(value) = value.inspect_err(|error| line(&error.to_string())) else { return };
    let text = text.expect("what is a pointer for one is one for the other");
    let Some(tree) = tree else { return };
    let expected = tree.pointer(pointer);
    let read = value.map(|value| serde_json::from_str::<Value>(value).expect("a part of a document is JSON"));
    assert_eq!(read.as_ref(), expected, "at {pointer:?}");
    match expected {
        Some(Value::String(expected)) => assert_eq!(text.as_deref(), Some(expected.as_str())),
        Some(Value::Bool(_) | Value::Number(_)) => assert_eq!(text.as_deref(), value),
        _ => assert_eq!(text, None),
    }
}

fn removed(document: &Document, tree: &mut Option<Value>, pointer: &str) -> Option<Document> {
    let changed = match document.remove(pointer) {
        Ok(changed) => changed,
        Err(error) => {
            line(&error.to_string());
            assert!(pointer.is_empty() || !is_pointer(pointer), "removing {pointer:?}: {error}");
            return None;
        }
    };
    assert!(is_pointer(pointer));
    if let Some(tree) = tree {
        let was_there = remove_in(tree, pointer);
        // Of equal keys on the way the earlier ones go, which the tree never had.
        let only_earlier = || changed.as_ref().is_some_and(|changed| matches!(changed.remove(pointer), Ok(None)));
        assert!(changed.is_some() == was_there || only_earlier(), "removing {pointer:?}");
    }
    let changed = changed?;
    assert!(changed.source().len() < document.source().len());
    follow(tree, &changed, pointer);
    Some(changed)
}

fn set(document: &Document, tree: &mut Option<Value>, pointer: &str, value: &str) -> Option<Document> {
    let json = serde_json::from_str::<IgnoredAny>(value).is_ok();
    let changed = match document.set(pointer, value) {
        Ok(changed) => changed,
        Err(error) => {
            line(&error.to_string());
            let depth = depth(value.as_bytes()) + pointer.matches('/').count();
            let right = match &error {
                EditError::Pointer(_) => !is_pointer(pointer),
                EditError::Value { .. } => !json || depth > JSON_DEPTH_MOST,
                EditError::Depth(_) => depth > JSON_DEPTH_MOST,
                EditError::Whole | EditError::Length => false,
                EditError::Scalar(_) | EditError::Index { .. } | EditError::NoArray(_) => {
                    tree.as_ref().is_none_or(|tree| set_in(&mut tree.clone(), &tokens(pointer), Value::Null).is_none())
                }
            };
            assert!(right, "setting {pointer:?} to {value:?}: {error}");
            return None;
        }
    };
    assert!(json && is_pointer(pointer), "setting {pointer:?} to {value:?}");
    let new = value.trim_matches([' ', '\t', '\n', '\r']);
    if let Ok(Some(old)) = document.get(pointer) {
        // Nothing beside the value was touched.
        let start = old.as_ptr() as usize - document.source().as_ptr() as usize;
        let (before, after) = (&document.source()[..start], &document.source()[start + old.len()..]);
        let touched = [before, new.as_bytes(), after].concat();
        if changed.source() != &touched {
            // But for earlier ones of equal keys on the way, which are gone: again there are none.
            assert!(changed.source().len() < touched.len(), "setting {pointer:?} to {value:?}");
            assert_eq!(changed.set(pointer, value).expect("it was set").source(), changed.source());
        }
    }
    match (&mut *tree, self::tree(new.as_bytes())) {
        (Some(known), Some(new)) => {
            assert!(set_in(known, &tokens(pointer), new).is_some(), "setting {pointer:?} to {value:?} should fail");
        }
        _ => *tree = None,
    }
    follow(tree, &changed, pointer);
    Some(changed)
}

/// The edited tree is the edited text's, or there is none as long as serde_json does not keep what is in the text.
fn follow(tree: &mut Option<Value>, changed: &Document, pointer: &str) {
    let anew = self::tree(changed.source());
    if tree.is_some() && !deep(changed.source()) {
        assert_eq!(&anew, tree, "after the edit at {pointer:?}");
    }
    *tree = anew;
}

fn tokens(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect()
}

/// The same in the tree of serde_json; none if it cannot be done.
fn set_in(tree: &mut Value, tokens: &[String], value: Value) -> Option<()> {
    let [token, below @ ..] = tokens else {
        *tree = value;
        return Some(());
    };
    match tree {
        Value::Object(members) => match members.get_mut(token) {
            Some(member) => set_in(member, below, value),
            None => {
                members.insert(token.clone(), made(below, value)?);
                Some(())
            }
        },
        Value::Array(elements) => {
            let length = elements.len();
            let index = if token == "-" { length } else { index(token)? };
            if index < length {
                return set_in(&mut elements[index], below, value);
            }
            (index == length).then_some(())?;
            elements.push(made(below, value)?);
            Some(())
        }
        _ => None,
    }
}

/// Objects for what is not there yet. `-` would need an array, and nobody says that there is to be one.
fn made(tokens: &[String], value: Value) -> Option<Value> {
    let [token, below @ ..] = tokens else { return Some(value) };
    if token == "-" {
        return None;
    }
    Some(Value::Object(Map::from_iter([(token.clone(), made(below, value)?)])))
}

/// RFC 6901, section 4: digits without a leading zero.
fn index(token: &str) -> Option<usize> {
    let right = token == "0" || !token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit());
    if right { token.parse().ok() } else { None }
}

/// Whether there was something to remove.
fn remove_in(tree: &mut Value, pointer: &str) -> bool {
    let (parent, last) = pointer.rsplit_once('/').expect("the whole is not removed");
    let token = last.replace("~1", "/").replace("~0", "~");
    match tree.pointer_mut(parent) {
        Some(Value::Object(members)) => members.shift_remove(&token).is_some(),
        Some(Value::Array(elements)) => {
            let index = index(&token).filter(|index| *index < elements.len());
            index.map(|index| elements.remove(index)).is_some()
        }
        _ => false,
    }
}
