//! What the host makes of a verdict, with its checks of what a filter hands over.

use serde_json::Value;

use super::{document, outcome::Sent};
use crate::{
    event::{Head, Phase},
    verdict::{Decision, Edit, Header},
};

/// Headers that the host alone sets: what belongs to one connection (RFC 9110 section 7.6.1), what frames the body, and
/// what says which way the event came. With these, all that begins with `x-forwarded-`.
const OF_THE_HOST: [&str; 15] = [
    "connection",
    "content-length",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "traceparent",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// The decision and, if the event goes on, the event as it does; or why the decision cannot be applied.
pub(super) fn apply(
    decision: Decision,
    head: &Head,
    body: &[u8],
    destinations: &[String],
) -> Result<(Decision, Option<Sent>), String> {
    let mut sent = Sent {
        method: head.method.clone(),
        path: head.path.clone(),
        query: head.query.clone(),
        headers: head.headers.clone(),
        body: body.to_vec(),
        destinations: None,
    };
    let checked = match &decision {
        Decision::Pass => return Ok((decision, Some(sent))),
        Decision::Edit(edits) => {
            for edit in edits {
                change(&mut sent, edit, head, destinations).map_err(|problem| format!("bad output: {problem}"))?;
            }
            return Ok((decision, Some(sent)));
        }
        Decision::Reject(refusal) => check_answer(refusal.status, 400, &refusal.headers),
        Decision::Respond(_) if matches!(head.phase, Phase::Destination(_)) => {
            Err("a filter of a destination cannot respond".to_owned())
        }
        Decision::Respond(response) => check_answer(response.status, 200, &response.headers),
        Decision::Drop { .. } | Decision::RetryLater { .. } => Ok(()),
    };
    checked.map(|()| (decision, None)).map_err(|problem| format!("bad output: {problem}"))
}

fn check_answer(status: u16, least: u16, headers: &[Header]) -> Result<(), String> {
    if !(least..=599).contains(&status) {
        return Err(format!("status {status} is not from {least} to 599"));
    }
    headers.iter().try_for_each(check_header)
}

fn check_header((name, value): &Header) -> Result<(), String> {
    check_name(name)?;
    let wrong = value.iter().find(|byte| matches!(byte, 0..=8 | 10..=31 | 127));
    wrong.map_or(Ok(()), |byte| Err(format!("the value of header `{name}` holds byte {byte}")))
}

fn check_name(name: &str) -> Result<(), String> {
    if !is_token(name) {
        return Err(format!("`{name}` is no name of a header"));
    }
    let lower = name.to_ascii_lowercase();
    if OF_THE_HOST.contains(&lower.as_str()) || lower.starts_with("x-forwarded-") {
        return Err(format!("`{name}` is set by the host alone"));
    }
    Ok(())
}

fn change(sent: &mut Sent, edit: &Edit, head: &Head, destinations: &[String]) -> Result<(), String> {
    match edit {
        Edit::SetHeader(header) | Edit::AppendHeader(header) => {
            check_header(header)?;
            let name = header.0.to_ascii_lowercase();
            if matches!(edit, Edit::SetHeader(_)) {
                sent.headers.retain(|(known, _)| *known != name);
            }
            sent.headers.push((name, header.1.clone()));
        }
        Edit::RemoveHeader(name) => {
            check_name(name)?;
            sent.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        }
        Edit::SetMethod(method) => {
            if !is_token(method) || method == "CONNECT" {
                return Err(format!("`{method}` is no method"));
            }
            sent.method.clone_from(method);
        }
        Edit::SetPath(path) => {
            if !path.starts_with('/') || path.contains('?') || !is_target(path) {
                return Err(format!("`{path}` is no path"));
            }
            sent.path.clone_from(path);
        }
        Edit::SetQuery(query) => {
            if let Some(wrong) = query.as_ref().filter(|query| !is_target(query)) {
                return Err(format!("`{wrong}` is no query"));
            }
            sent.query.clone_from(query);
        }
        Edit::ReplaceBody(body) => sent.body.clone_from(body),
        Edit::JsonSet(pointer, text) => {
            let value: Value = serde_json::from_str(text)
                .map_err(|error| format!("the value for `{pointer}` is not JSON: {error}"))?;
            let mut document = parsed(&sent.body)?;
            document::set(&mut document, pointer, value)?;
            sent.body = document.to_string().into_bytes();
        }
        Edit::JsonRemove(pointer) => {
            let mut document = parsed(&sent.body)?;
            document::remove(&mut document, pointer)?;
            sent.body = document.to_string().into_bytes();
        }
        Edit::Choose(names) => {
            if matches!(head.phase, Phase::Destination(_)) {
                return Err("a filter of a destination cannot choose another".to_owned());
            }
            let unknown = names.iter().find(|name| !destinations.is_empty() && !destinations.contains(name));
            if let Some(unknown) = unknown {
                return Err(format!("`{unknown}` is not one of the route's destinations"));
            }
            if names.is_empty() {
                return Err("no destination is chosen".to_owned());
            }
            sent.destinations = Some(names.clone());
        }
    }
    Ok(())
}

/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(letter)
}

fn is_target(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !b"#<>".contains(&byte))
}

fn parsed(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))
}
