//! JSON pointers (RFC 6901) on the bytes of a body: reading keeps them exactly; changing writes the document anew.

use std::collections::BTreeMap;

use serde_json::{Value, value::RawValue};

use crate::error::CallError;

/// The text at a pointer, exactly as it stands there.
pub(crate) fn at<'a>(body: &'a [u8], pointer: &str) -> Result<Option<&'a str>, CallError> {
    let tokens = tokens(pointer).map_err(CallError::Invalid)?;
    let not_json = |error: serde_json::Error| CallError::Invalid(format!("not JSON: {error}"));
    let mut value: &RawValue = serde_json::from_slice(body).map_err(not_json)?;
    for token in &tokens {
        let Some(below) = child(value, token) else { return Ok(None) };
        value = below;
    }
    Ok(Some(value.get()))
}

fn child<'a>(value: &'a RawValue, token: &str) -> Option<&'a RawValue> {
    if value.get().starts_with('[') {
        let elements: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
        return elements.get(index(token)?).copied();
    }
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(value.get()).ok()?;
    members.get(token).copied()
}

/// What `body.text` says of a JSON text: strings decoded, numbers and booleans as they stand.
pub(crate) fn text(json: &str) -> Option<String> {
    match json.as_bytes().first()? {
        b'"' => serde_json::from_str(json).ok(),
        b'{' | b'[' | b'n' => None,
        _ => Some(json.to_owned()),
    }
}

/// Sets or adds a value; missing parent objects are made, `-` appends to an array.
pub(crate) fn set(document: &mut Value, pointer: &str, value: Value) -> Result<(), String> {
    let mut place = document;
    let mut tokens = tokens(pointer)?.into_iter();
    while let Some(token) = tokens.next() {
        match place {
            Value::Object(members) if !members.contains_key(&token) => {
                members.insert(token, below(tokens, pointer, value)?);
                return Ok(());
            }
            Value::Object(members) => place = &mut members[&token],
            Value::Array(elements) => {
                let at = if token == "-" { Some(elements.len()) } else { index(&token) };
                match at {
                    Some(at) if at < elements.len() => place = &mut elements[at],
                    Some(at) if at == elements.len() => {
                        elements.push(below(tokens, pointer, value)?);
                        return Ok(());
                    }
                    _ => return Err(format!("`{pointer}` leads past the end of an array")),
                }
            }
            _ => return Err(format!("`{pointer}` leads into a value that is neither object nor array")),
        }
    }
    *place = value;
    Ok(())
}

/// The value inside of new objects, one for each token that leads to it.
fn below(tokens: impl DoubleEndedIterator<Item = String>, pointer: &str, value: Value) -> Result<Value, String> {
    tokens.rev().try_fold(value, |value, token| {
        if token == "-" {
            return Err(format!("`{pointer}` appends to an array that is not there"));
        }
        Ok(Value::Object(serde_json::Map::from_iter([(token, value)])))
    })
}

/// Removes a value, if it is there.
pub(crate) fn remove(document: &mut Value, pointer: &str) -> Result<(), String> {
    let mut tokens = tokens(pointer)?;
    let Some(last) = tokens.pop() else { return Err("the whole body cannot be removed".to_owned()) };
    let mut place = document;
    for token in tokens {
        let below = match place {
            Value::Object(members) => members.get_mut(&token),
            Value::Array(elements) => index(&token).and_then(|at| elements.get_mut(at)),
            _ => None,
        };
        let Some(below) = below else { return Ok(()) };
        place = below;
    }
    match place {
        Value::Object(members) => drop(members.shift_remove(&last)),
        Value::Array(elements) => drop(index(&last).filter(|at| *at < elements.len()).map(|at| elements.remove(at))),
        _ => {}
    }
    Ok(())
}

fn tokens(pointer: &str) -> Result<Vec<String>, String> {
    match pointer.strip_prefix('/') {
        Some(rest) => Ok(rest.split('/').map(|token| token.replace("~1", "/").replace("~0", "~")).collect()),
        None if pointer.is_empty() => Ok(Vec::new()),
        None => Err(format!("`{pointer}` is no JSON pointer, which is empty or begins with `/`")),
    }
}

fn index(token: &str) -> Option<usize> {
    let digits = token.bytes().all(|byte| byte.is_ascii_digit());
    (digits && (token == "0" || !token.starts_with('0'))).then(|| token.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BODY: &[u8] = br#"{ "a": [ 1.50, {"b/c": "\u00e9"} ], "n": null, "~": true }"#;

    #[test]
    fn reads_exactly_what_stands_at_a_pointer() {
        for (pointer, json, plain) in [
            ("/a/0", Some("1.50"), Some("1.50")),
            ("/a/1/b~1c", Some(r#""\u00e9""#), Some("é")),
            ("/a/1", Some(r#"{"b/c": "\u00e9"}"#), None),
            ("/n", Some("null"), None),
            ("/~0", Some("true"), Some("true")),
            ("/a/01", None, None),
            ("/a/-", None, None),
            ("/a/0/x", None, None),
            ("/none", None, None),
        ] {
            assert_eq!(at(BODY, pointer), Ok(json), "{pointer}");
            assert_eq!(json.and_then(text).as_deref(), plain, "{pointer}");
        }
        assert_eq!(at(BODY, "").unwrap().map(str::len), Some(BODY.len()));
        assert!(matches!(at(BODY, "a"), Err(CallError::Invalid(_))));
        assert!(matches!(at(b"{", ""), Err(CallError::Invalid(_))));
        assert!(matches!(at(b"\"\xff\"", ""), Err(CallError::Invalid(_))));
    }

    #[test]
    fn sets_and_removes() {
        let mut document = json!({"a": [1]});
        set(&mut document, "/a/-", json!(2)).unwrap();
        set(&mut document, "/a/0", json!("x")).unwrap();
        set(&mut document, "/b/c/d", json!(true)).unwrap();
        assert_eq!(document, json!({"a": ["x", 2], "b": {"c": {"d": true}}}));
        remove(&mut document, "/a/1").unwrap();
        remove(&mut document, "/b/c").unwrap();
        remove(&mut document, "/b/none/deeper").unwrap();
        assert_eq!(document, json!({"a": ["x"], "b": {}}));
        assert!(set(&mut document, "/a/5", json!(0)).is_err());
        assert!(set(&mut document, "/a/0/b", json!(0)).is_err());
        assert!(set(&mut document, "/new/-", json!(0)).is_err());
        assert!(remove(&mut document, "").is_err());
    }
}
