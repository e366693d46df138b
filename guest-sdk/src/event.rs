//! The event that a filter judges.

use std::borrow::Cow;

use crate::{
    body::Body,
    error::CallError,
    host,
    verdict::{Header, Response},
};

/// Everything about an event but its body. The fields are those of `head` in `wit/filter.wit`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    pub(crate) event: String,
    pub(crate) project: String,
    pub(crate) route: String,
    pub(crate) phase: Phase,
    pub(crate) method: String,
    pub(crate) scheme: String,
    pub(crate) authority: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: Vec<Header>,
    pub(crate) source: String,
    pub(crate) received: u64,
    pub(crate) attempt: u32,
    pub(crate) replay: bool,
    pub(crate) body_length: Option<u64>,
    pub(crate) attributes: Vec<(String, String)>,
}

/// Where in an event's way the filter is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Phase {
    /// On the route, before a destination is chosen. Once per event.
    #[default]
    Route,
    /// For the destination of this name, before its first attempt.
    Destination(String),
}

/// One received webhook, as earlier filters of the chain left it.
#[derive(Debug)]
pub struct Event {
    head: Head,
    body: Body,
}

impl Event {
    pub(crate) const fn new(head: Head, body: Body) -> Self {
        Self { head, body }
    }

    /// `evt_` and 26 characters, ordered by time.
    pub fn id(&self) -> &str {
        &self.head.event
    }

    pub fn project(&self) -> &str {
        &self.head.project
    }

    pub fn route(&self) -> &str {
        &self.head.route
    }

    pub const fn phase(&self) -> &Phase {
        &self.head.phase
    }

    /// As received, case kept: `POST`.
    pub fn method(&self) -> &str {
        &self.head.method
    }

    /// `http` or `https`, as the sender saw it.
    pub fn scheme(&self) -> &str {
        &self.head.scheme
    }

    /// Host and port, if any, as the sender wrote them: `hooks.example.com:8443`.
    pub fn authority(&self) -> &str {
        &self.head.authority
    }

    /// Begins with `/`; percent-encoding is kept as it came.
    pub fn path(&self) -> &str {
        &self.head.path
    }

    /// What stands for `{name}` in the route's path.
    pub fn path_param(&self, name: &str) -> Option<&str> {
        self.attribute_in("path.", name)
    }

    /// What follows `?`, without it.
    pub fn query(&self) -> Option<&str> {
        self.head.query.as_deref()
    }

    /// The first value of this name in the query, decoded.
    pub fn query_value(&self, name: &str) -> Option<Cow<'_, str>> {
        self.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Names and values of the query in their order, decoded as forms are (`+` is a space, bytes that are not UTF-8
    /// become U+FFFD).
    pub fn query_pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        let pairs = self.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
    }

    /// The first value of a header, if it is UTF-8. Any case finds it.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.header_bytes(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The first value of a header, its exact bytes.
    pub fn header_bytes(&self, name: &str) -> Option<&[u8]> {
        self.header_values(name).next()
    }

    /// All values of a header, in their order.
    pub fn header_values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.headers().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All headers: lower-case names, exact values; duplicates in their order within a name.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.head.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// The sender's IP address; behind a trusted proxy, the one that the proxy names.
    pub fn source(&self) -> &str {
        &self.head.source
    }

    /// When the head arrived, milliseconds since 1970-01-01T00:00:00Z.
    pub const fn received_ms(&self) -> u64 {
        self.head.received
    }

    /// 0 on the route; for a destination the number of the attempt that is prepared, from 1.
    pub const fn attempt(&self) -> u32 {
        self.head.attempt
    }

    /// True if the event is sent again on somebody's request.
    pub const fn is_replay(&self) -> bool {
        self.head.replay
    }

    /// A label that an earlier filter of the chain set.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.attribute_in("label.", name)
    }

    /// A further fact by its full name, such as `path.team` or `label.tenant`.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attribute_in("", name)
    }

    /// All further facts, by their full names.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.head.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn attribute_in(&self, group: &str, name: &str) -> Option<&str> {
        self.attributes().find(|(known, _)| known.strip_prefix(group) == Some(name)).map(|(_, value)| value)
    }

    /// Bytes of the body; `None` if it was not read, because no filter of the route needs it.
    pub const fn body_length(&self) -> Option<u64> {
        self.head.body_length
    }

    /// The body, which stays with the host until some of it is asked for. Empty in a filter that is exported with
    /// `body: none`, unless another filter of the route needs it.
    pub const fn body(&self) -> &Body {
        &self.body
    }
}

/// What a filter says about the event beside its verdict; valid under any verdict. The last value set wins.
impl Event {
    /// A name of 1 to 64 characters of `a-z 0-9 _ . -`, a value of up to 256 bytes. Later filters read it with
    /// [`Event::label`].
    pub fn set_label(&self, name: &str, value: &str) -> Result<(), CallError> {
        host::set_label(name, value)
    }

    /// Two accepted events of a route with the same key are one. 1 to 255 bytes.
    pub fn set_idempotency_key(&self, key: &str) -> Result<(), CallError> {
        host::set_idempotency_key(key)
    }

    /// Events with the same key are delivered in the order in which they were accepted. 1 to 255 bytes.
    pub fn set_order_key(&self, key: &str) -> Result<(), CallError> {
        host::set_order_key(key)
    }

    /// Deliver not before this time, milliseconds since 1970-01-01T00:00:00Z.
    pub fn set_deliver_after(&self, time_ms: u64) -> Result<(), CallError> {
        host::set_deliver_after(time_ms)
    }

    /// What the sender is answered once the event is accepted, instead of the route's own acknowledgement.
    pub fn set_answer(&self, answer: &Response) -> Result<(), CallError> {
        host::set_answer(answer)
    }
}

/// Decodes a part of a query as forms are decoded.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        let pair = (bytes.get(at).copied(), bytes.get(at + 1).copied());
        match (byte, pair) {
            (b'+', _) => plain.push(b' '),
            (b'%', (Some(high), Some(low))) => match crate::hex::byte(high, low) {
                Some(value) => {
                    plain.push(value);
                    at += 2;
                }
                None => plain.push(byte),
            },
            _ => plain.push(byte),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&plain).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded_as_forms() {
        for (text, plain) in [
            ("plain", "plain"),
            ("a+b%20c", "a b c"),
            ("%C3%A9", "é"),
            ("%ff", "\u{fffd}"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("%2B+", "+ "),
        ] {
            assert_eq!(decoded(text), plain, "{text}");
        }
    }
}
