//! What is right in what a guest hands over, one thing at a time.

use std::ops::RangeInclusive;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, uri::PathAndQuery};

use super::BadOutput;
use crate::{Limits, excerpt::excerpt, limits, verdict::Header};

/// Statuses of a rejection.
pub const REJECTION_STATUSES: RangeInclusive<u16> = 400..=599;
/// Statuses of a response, and of the answer that a sender gets once its event is accepted.
pub const RESPONSE_STATUSES: RangeInclusive<u16> = 200..=599;

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

/// An answer to the sender, right in every part.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedAnswer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// An answer that a guest wants the sender to get.
pub fn check_answer(
    status: u16,
    statuses: RangeInclusive<u16>,
    headers: &[Header],
    body: Bytes,
    limits: &Limits,
) -> Result<CheckedAnswer, BadOutput> {
    let status = check_status(status, statuses).map_err(|problem| BadOutput::new("status", problem))?;
    if matches!(status.as_u16(), 204 | 205 | 304) && !body.is_empty() {
        return Err(BadOutput::new("body", format!("an answer with status {} has none", status.as_u16())));
    }
    if body.len() > limits.output_bytes {
        return Err(BadOutput::new("body", too_much_output(body.len(), limits)));
    }
    let bytes = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    check_header_room(headers.len(), bytes, limits).map_err(|problem| BadOutput::new("headers", problem))?;
    let mut checked = HeaderMap::with_capacity(headers.len());
    for (index, (name, value)) in headers.iter().enumerate() {
        let wrong = |problem| BadOutput::new(format!("headers[{index}] ({})", excerpt(name)), problem);
        let (name, value) = check_header(name, value).map_err(wrong)?;
        checked.append(name, value);
    }
    Ok(CheckedAnswer { status, headers: checked, body })
}

pub fn check_status(status: u16, statuses: RangeInclusive<u16>) -> Result<StatusCode, String> {
    let wrong = || format!("{status} is not one of {} to {}", statuses.start(), statuses.end());
    StatusCode::from_u16(status).ok().filter(|_| statuses.contains(&status)).ok_or_else(wrong)
}

/// A header that a guest may set; the name in lower case.
pub fn check_header(name: &str, value: &[u8]) -> Result<(HeaderName, HeaderValue), String> {
    let name = check_header_name(name)?;
    let value = HeaderValue::from_bytes(value).map_err(|_| {
        format!("the value of `{}` holds a control character; only tab is allowed", excerpt(name.as_str()))
    })?;
    Ok((name, value))
}

/// The name, in lower case, of a header that a guest may set and remove.
pub fn check_header_name(name: &str) -> Result<HeaderName, String> {
    let name = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| format!("`{}` is no header name: letters, digits and `!#$%&'*+-.^_`|~`", excerpt(name)))?;
    if OF_THE_HOST.contains(&name.as_str()) || name.as_str().starts_with("x-forwarded-") {
        return Err(format!("`{}` is set by the host alone", excerpt(name.as_str())));
    }
    Ok(name)
}

/// Whether so many headers, with so many bytes of names and values, are within the limits.
pub(super) fn check_header_room(count: usize, bytes: usize, limits: &Limits) -> Result<(), String> {
    if count > limits.headers {
        return Err(format!("{count} headers are too many: `limits.headers` is {}", limits.headers));
    }
    if bytes > limits.header_bytes {
        return Err(format!("{bytes} bytes of headers are too many: `limits.header_bytes` is {}", limits.header_bytes));
    }
    Ok(())
}

pub(super) fn too_much_output(bytes: usize, limits: &Limits) -> String {
    format!("{bytes} bytes handed over are too many: `limits.output_bytes` is {}", limits.output_bytes)
}

pub(super) fn check_method(method: &str) -> Result<Method, String> {
    let wrong = || format!("`{}` is no method: a word such as `POST`", excerpt(method));
    if method.len() > limits::METHOD_BYTES_MOST {
        return Err(wrong());
    }
    match Method::from_bytes(method.as_bytes()) {
        Ok(Method::CONNECT) => Err("`CONNECT` asks for a tunnel, and the host makes none".to_owned()),
        Ok(method) => Ok(method),
        Err(_) => Err(wrong()),
    }
}

pub(super) fn check_path(path: &str) -> Result<(), String> {
    check_target_length(path.len())?;
    if !path.starts_with('/') {
        return Err(format!("`{}` is no path: it must begin with `/`", excerpt(path)));
    }
    if path.contains('?') || !is_target(path) {
        return Err(format!("`{}` is no path: percent-encode spaces, `?#<>`, backticks and non-ASCII", excerpt(path)));
    }
    Ok(())
}

pub(super) fn check_query(query: &str) -> Result<(), String> {
    check_target_length(query.len())?;
    if !is_target(&format!("/?{query}")) {
        return Err(format!("`{}` is no query: percent-encode spaces, `\"#<>` and non-ASCII", excerpt(query)));
    }
    Ok(())
}

/// Whether a request can carry this path and query as they are.
fn is_target(path_and_query: &str) -> bool {
    let printable = path_and_query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    printable && PathAndQuery::try_from(path_and_query).is_ok()
}

pub(super) fn check_target_length(bytes: usize) -> Result<(), String> {
    let most = limits::TARGET_BYTES_MOST;
    if bytes > most { Err(format!("{bytes} bytes of path and query are too many: at most {most}")) } else { Ok(()) }
}

/// A label's name (1 to 64 of `a-z 0-9 _ . -`) and value (up to 256 bytes).
pub fn check_label(name: &str, value: &str) -> Result<(), BadOutput> {
    let right = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    if name.is_empty() || name.len() > 64 || !name.bytes().all(right) {
        let problem = format!("`{}` is no label name: 1 to 64 of a-z, 0-9, `_`, `.` and `-`", excerpt(name));
        return Err(BadOutput::new("name", problem));
    }
    if value.len() > 256 {
        return Err(BadOutput::new("value", format!("{} bytes are too many for a label: at most 256", value.len())));
    }
    Ok(())
}

/// An idempotency or order key: 1 to 255 bytes.
pub fn check_key(key: &str) -> Result<(), BadOutput> {
    match key.len() {
        1..=255 => Ok(()),
        length => Err(BadOutput::new("key", format!("{length} bytes is no length of a key: 1 to 255"))),
    }
}

/// A reason or error text as it is kept: at most `limits::REASON_BYTES_MOST` bytes, control characters become spaces.
pub fn cut_reason(reason: &str) -> String {
    let kept = &reason[..reason.floor_char_boundary(limits::REASON_BYTES_MOST)];
    kept.replace(char::is_control, " ")
}
