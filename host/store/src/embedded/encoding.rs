//! How the head of a request is kept: its parts in order, each with its length before it, every byte as it was.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use model::{Event, EventId, Name, Scheme, Timestamp};

/// The first byte, should there ever be another way.
const VERSION: u8 = 1;
/// In the second byte.
const HTTPS: u8 = 1;
const QUERY: u8 = 2;
const BODY: u8 = 4;

/// All of an event but its id, whose it is, and the bytes of its body.
pub(super) fn head(event: &Event) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    out.push(VERSION);
    out.push(
        flag(event.scheme == Scheme::Https, HTTPS)
            | flag(event.query.is_some(), QUERY)
            | flag(event.body.is_some(), BODY),
    );
    number(&mut out, event.received.as_millis());
    match event.source {
        IpAddr::V4(address) => text(&mut out, &address.octets()),
        IpAddr::V6(address) => text(&mut out, &address.octets()),
    }
    text(&mut out, event.method.as_str().as_bytes());
    text(&mut out, event.authority.as_bytes());
    text(&mut out, event.path.as_bytes());
    if let Some(query) = &event.query {
        text(&mut out, query.as_bytes());
    }
    number(&mut out, event.headers.len() as u64);
    for (name, value) in event.headers.iter() {
        text(&mut out, name.as_str().as_bytes());
        text(&mut out, value.as_bytes());
    }
    number(&mut out, event.attributes.len() as u64);
    for (name, value) in &event.attributes {
        text(&mut out, name.as_bytes());
        text(&mut out, value.as_bytes());
    }
    out
}

/// Whose event a head belongs to.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    pub(super) id: EventId,
    pub(super) project: Name,
    pub(super) route: Name,
}

/// None if the bytes are no head. Of a body that was read but is not given here nothing is there: it is empty.
pub(super) fn event(head: &[u8], owner: Owner, body: Option<Bytes>) -> Option<Event> {
    let mut rest = Rest(head);
    let (version, flags) = (rest.byte()?, rest.byte()?);
    if version != VERSION {
        return None;
    }
    let Owner { id, project, route } = owner;
    let received = Timestamp::from_millis(rest.number()?);
    let source = match rest.bytes()? {
        &[a, b, c, d] => IpAddr::from([a, b, c, d]),
        long => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(long).ok()?)),
    };
    let method = Method::from_bytes(rest.bytes()?).ok()?;
    let (authority, path) = (rest.text()?, rest.text()?);
    let query = if flags & QUERY > 0 { Some(rest.text()?) } else { None };
    let count = rest.count()?;
    let mut headers = HeaderMap::with_capacity(count);
    for _ in 0..count {
        let name = HeaderName::from_lowercase(rest.bytes()?).ok()?;
        headers.append(name, HeaderValue::from_bytes(rest.bytes()?).ok()?);
    }
    let attributes = (0..rest.count()?).map(|_| Some((rest.text()?, rest.text()?))).collect::<Option<_>>()?;
    let scheme = if flags & HTTPS > 0 { Scheme::Https } else { Scheme::Http };
    let body = if flags & BODY > 0 { Some(body.unwrap_or_default()) } else { None };
    let headers = Arc::new(headers);
    rest.0.is_empty().then_some(Event {
        id,
        project,
        route,
        received,
        source,
        scheme,
        method,
        authority,
        path,
        query,
        headers,
        body,
        replay: false,
        attributes,
    })
}

/// Of all the parts, so that no byte can move from one to the next.
pub(super) fn checksum<'a>(parts: impl IntoIterator<Item = Option<&'a [u8]>>) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in parts {
        hasher.update(&part.map_or(u64::MAX, |part| part.len() as u64).to_le_bytes());
        hasher.update(part.unwrap_or_default());
    }
    hasher.finalize()
}

/// Seven bits in each byte, the lowest first; the eighth says that there are more.
fn number(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

fn text(out: &mut Vec<u8>, text: &[u8]) {
    number(out, text.len() as u64);
    out.extend_from_slice(text);
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let low = u64::from(byte & 0x7f);
            if low << shift >> shift != low {
                return None;
            }
            number |= low << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// Of things that have at least two bytes each.
    fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= self.0.len() / 2).then_some(count)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event_of(headers: &[(&str, &[u8])], query: Option<&str>, body: Option<Bytes>) -> Event {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_lowercase(name.as_bytes()).unwrap();
            map.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        Event {
            id: EventId::new(Timestamp::from_millis(5), 1),
            project: "team".parse().unwrap(),
            route: "hooks".parse().unwrap(),
            received: Timestamp::from_millis(u64::MAX),
            source: "2001:db8::1".parse().unwrap(),
            scheme: Scheme::Https,
            method: Method::from_bytes(b"REPORT").unwrap(),
            authority: "example.com:8443".to_owned(),
            path: "/a%20b".to_owned(),
            query: query.map(str::to_owned),
            headers: Arc::new(map),
            body,
            replay: true,
            attributes: vec![("path.id".to_owned(), "ü".to_owned())],
        }
    }

    fn owner(of: &Event) -> Owner {
        Owner { id: of.id, project: of.project.clone(), route: of.route.clone() }
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let headers: &[(&str, &[u8])] = &[("b", b"1"), ("a", b"\xff\t"), ("b", b""), ("x\"y", b"2")];
        for (query, body) in
            [(None, None), (Some(""), Some(Bytes::new())), (Some("a=%00"), Some(Bytes::from_static(b"\0body")))]
        {
            let written = event_of(headers, query, body.clone());
            let read = event(&head(&written), owner(&written), body).unwrap();
            assert_eq!(format!("{read:?}"), format!("{:?}", Event { replay: false, ..written }));
        }
    }

    #[test]
    fn a_body_that_was_removed_is_empty_and_one_that_was_not_read_is_none() {
        for (body, there) in [(Some(Bytes::from_static(b"1")), Some(Bytes::new())), (None, None)] {
            let written = event_of(&[], None, body);
            assert_eq!(event(&head(&written), owner(&written), None).unwrap().body, there);
        }
    }

    #[test]
    fn what_is_cut_off_or_goes_on_is_no_head() {
        let written = event_of(&[("a", b"1"), ("b", b"2")], Some("q"), None);
        let mut bytes = head(&written);
        for length in 0..bytes.len() {
            assert!(event(&bytes[..length], owner(&written), None).is_none(), "{length}");
        }
        bytes.push(0);
        assert!(event(&bytes, owner(&written), None).is_none());
        // A count that would take all memory.
        assert!(Rest(&[0xff, 0xff, 0xff, 0xff, 0x7f, 0]).count().is_none());
    }

    #[test]
    fn numbers_of_every_length() {
        for expected in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            number(&mut bytes, expected);
            assert_eq!(Rest(&bytes).number(), Some(expected));
        }
        assert_eq!(Rest(&[0xff; 10]).number(), None);
    }

    #[test]
    fn a_byte_that_moves_changes_the_checksum() {
        let sums = [
            checksum([Some(&b"ab"[..]), Some(b"c")]),
            checksum([Some(&b"a"[..]), Some(b"bc")]),
            checksum([Some(&b"abc"[..]), Some(b"")]),
            checksum([Some(&b"abc"[..]), None]),
        ];
        let apart: std::collections::HashSet<u32> = sums.into_iter().collect();
        assert_eq!(apart.len(), sums.len());
    }
}
