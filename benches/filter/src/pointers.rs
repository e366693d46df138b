//! The rewrite by JSON pointers: the host parses, and no parser runs in the guest.

use snaphook_sdk::{json, prelude::*};

/// Members of the whole, and what leads to their values.
const WHOLE: [(&str, &str); 4] = [
    (r#"{"repository":"#, "/repository/full_name"),
    (r#","sender":"#, "/sender/login"),
    (r#","ref":"#, "/ref"),
    (r#","action":"#, "/action"),
];
/// Members of a commit, and what leads there from it.
const COMMIT: [(&str, &str); 3] =
    [(r#"{"id":"#, "/id"), (r#","message":"#, "/message"), (r#","author":"#, "/author/name")];
/// Commits that are asked for at a time.
const COMMITS: usize = 2;

/// The few values that a destination wants, as `{"repository":…,"sender":…,"ref":…,"action":…,"commits":[…]}`; `null`
/// for what is missing. The same bytes as `parsed::rewrite`.
pub(crate) fn rewrite(body: &Body) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(512);
    let mut index = 0;
    loop {
        let pointers: Vec<String> = (index..index + COMMITS)
            .flat_map(|index| COMMIT.map(|(_, pointer)| ["/commits/", &index.to_string(), pointer].concat()))
            .collect();
        let whole = WHOLE.iter().map(|(_, pointer)| *pointer).filter(|_| index == 0);
        let asked: Vec<&str> = whole.chain(pointers.iter().map(String::as_str)).collect();
        let mut found = body.json_texts(&asked).or_refuse(400, "the body is not JSON")?.into_iter();
        if index == 0 {
            for ((name, pointer), value) in WHOLE.iter().zip(&mut found) {
                out.extend_from_slice(name.as_bytes());
                write_text(body, pointer, value.as_deref(), &mut out)?;
            }
            out.extend_from_slice(br#","commits":["#);
        }
        let found: Vec<Option<String>> = found.collect();
        for (commit, pointers) in found.chunks(COMMIT.len()).zip(pointers.chunks(COMMIT.len())) {
            if commit.iter().all(Option::is_none)
                && body.json_text(&["/commits/", &index.to_string()].concat())?.is_none()
            {
                out.extend_from_slice(b"]}");
                return Ok(out);
            }
            if index > 0 {
                out.push(b',');
            }
            for ((name, _), (value, pointer)) in COMMIT.iter().zip(commit.iter().zip(pointers)) {
                out.extend_from_slice(name.as_bytes());
                write_text(body, pointer, value.as_deref(), &mut out)?;
            }
            out.push(b'}');
            index += 1;
        }
    }
}

/// Writes a string, or `null`.
fn write_text(body: &Body, pointer: &str, written: Option<&str>, out: &mut Vec<u8>) -> Result<()> {
    match written {
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
    Ok(())
}
