//! What is written in well-known headers.

use crate::event::Event;

/// The media type of the body in lower case, without parameters: `application/json`.
pub fn content_type(event: &Event) -> Option<String> {
    let value = event.header("content-type")?;
    let essence = value.split(';').next().unwrap_or_default().trim();
    (!essence.is_empty()).then(|| essence.to_ascii_lowercase())
}

/// The token of `Authorization: Bearer TOKEN` (RFC 6750).
pub fn bearer(event: &Event) -> Option<&str> {
    let (scheme, token) = event.header("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The elements of a header that holds a list (RFC 9110, section 5.6.1), over all its values; empty ones are left out,
/// and values that are not UTF-8.
pub fn list<'a>(event: &'a Event, name: &'a str) -> impl Iterator<Item = &'a str> {
    event
        .header_values(name)
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|element| !element.is_empty())
}
