//! The rewrite by JSON pointers: the host parses, and no parser runs in the guest.

use snaphook_sdk::{json, prelude::*};

/// The few values that a destination wants, as `{"repository":…,"sender":…,"ref":…,"action":…,"commits":[…]}`; `null`
/// for what is missing. The same bytes as `parsed::rewrite`.
pub(crate) fn rewrite(body: &Body) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(512);
    for (name, pointer) in [
        (r#"{"repository":"#, "/repository/full_name"),
        (r#","sender":"#, "/sender/login"),
        (r#","ref":"#, "/ref"),
        (r#","action":"#, "/action"),
    ] {
        out.extend_from_slice(name.as_bytes());
        write_text(body, pointer, &mut out)?;
    }
    out.extend_from_slice(br#","commits":["#);
    let mut index = 0;
    while write_commit(body, index, &mut out)? {
        index += 1;
    }
    out.extend_from_slice(b"]}");
    Ok(out)
}

/// Whether there is a commit at the index.
fn write_commit(body: &Body, index: usize, out: &mut Vec<u8>) -> Result<bool> {
    let commit = ["/commits/", &index.to_string()].concat();
    let start = out.len();
    out.extend_from_slice(if index == 0 { r#"{"id":"# } else { r#",{"id":"# }.as_bytes());
    let found = write_text(body, &[&commit, "/id"].concat(), out)?;
    if !found && body.json_text(&commit)?.is_none() {
        out.truncate(start);
        return Ok(false);
    }
    for (name, member) in [(r#","message":"#, "/message"), (r#","author":"#, "/author/name")] {
        out.extend_from_slice(name.as_bytes());
        write_text(body, &[&commit, member].concat(), out)?;
    }
    out.push(b'}');
    Ok(true)
}

/// Writes the string at the pointer, or `null`; whether anything is there.
fn write_text(body: &Body, pointer: &str, out: &mut Vec<u8>) -> Result<bool> {
    let written = body.json_text(pointer).or_refuse(400, "the body is not JSON")?;
    match written.as_deref() {
        None | Some("null") => out.extend_from_slice(b"null"),
        // As it stands there, unless it is escaped in a way that a writer of JSON would not choose.
        Some(text) if text.starts_with('"') && !text.contains("\\u") && !text.contains("\\/") => {
            out.extend_from_slice(text.as_bytes());
        }
        Some(text) if text.starts_with('"') => {
            let decoded = body.pointer(pointer).unwrap_or_default();
            out.extend_from_slice(&json::to_vec(&decoded)?);
        }
        Some(_) => return Err(Refusal::new(400, [pointer, " is no string"].concat()).into()),
    }
    Ok(written.is_some())
}
