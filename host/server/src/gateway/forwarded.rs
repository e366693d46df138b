//! Which way a request came: `Forwarded` (RFC 7239) and the `X-Forwarded-*` that most proxies set, believed from
//! trusted proxies alone.

use std::net::{IpAddr, SocketAddr};

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{FORWARDED, GetAll},
};
use ipnet::IpNet;
use model::{Scheme, headers::leave_out};

use super::{
    peer::Peer,
    sender::{Authority, Sender},
};

#[cfg(test)]
mod tests;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

pub(super) fn is_trusted(ip: IpAddr, proxies: &[IpNet]) -> bool {
    proxies.iter().any(|net| net.contains(&ip))
}

/// Removes what an untrusted peer says about its way here, so that nobody takes it for true.
pub(super) fn clean(headers: &mut HeaderMap) {
    leave_out(headers, |name| *name == FORWARDED || name.as_str().starts_with("x-forwarded-"));
}

/// The sender behind trusted proxies: the rightmost address that is not one of theirs, with the scheme and host of the
/// same hop. `X-Forwarded-*` is read before `Forwarded`, because a proxy that sets the one lets the other through
/// more often than the reverse.
pub(super) fn believe(headers: &HeaderMap, direct: Sender, proxies: &[IpNet]) -> Sender {
    let forms = [FOR, HOST, PROTO];
    if forms.iter().any(|name| headers.contains_key(name)) {
        return believe_x_forwarded(headers, direct, proxies);
    }
    let mut sender = direct;
    for element in members(headers.get_all(FORWARDED)).rev() {
        let Some(hop) = Hop::read(element) else { break };
        let Some(ip) = hop.ip else { break };
        sender.source = ip;
        sender.scheme = hop.scheme.unwrap_or(sender.scheme);
        sender.authority = hop.host.unwrap_or(sender.authority);
        if !is_trusted(ip, proxies) {
            break;
        }
    }
    sender
}

fn believe_x_forwarded(headers: &HeaderMap, direct: Sender, proxies: &[IpNet]) -> Sender {
    let mut sender = direct;
    let hops: Vec<&str> = members(headers.get_all(FOR)).collect();
    let mut hop = hops.len();
    // The last one is the peer's own word; each before it is that of the hop after it.
    while hop > 0 && (hop == hops.len() || is_trusted(sender.source, proxies)) {
        let Some(ip) = address(hops[hop - 1]) else { break };
        sender.source = ip;
        hop -= 1;
    }
    // A proxy that keeps lists adds to all of them alike; one that does not leaves a single value.
    let same_hop = |name: HeaderName| {
        let values: Vec<&str> = members(headers.get_all(name)).collect();
        let listed = values.get(hop).filter(|_| values.len() == hops.len());
        listed.or(values.last()).copied()
    };
    sender.scheme = same_hop(PROTO).and_then(scheme).unwrap_or(sender.scheme);
    sender.authority = same_hop(HOST).and_then(host).unwrap_or(sender.authority);
    sender
}

/// What an element of `Forwarded` says.
#[derive(Debug, Default)]
struct Hop {
    ip: Option<IpAddr>,
    host: Option<Authority>,
    scheme: Option<Scheme>,
}

impl Hop {
    fn read(element: &str) -> Option<Self> {
        let mut hop = Self::default();
        for pair in split_outside_quotes(element, b';') {
            let (name, value) = pair.trim().split_once('=')?;
            let value = unquote(value);
            match name.to_ascii_lowercase().as_str() {
                "for" => hop.ip = address(&value),
                "host" => hop.host = host(&value),
                "proto" => hop.scheme = scheme(&value),
                _ => {}
            }
        }
        Some(hop)
    }
}

fn unquote(value: &str) -> String {
    let Some(inside) = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut text = String::with_capacity(inside.len());
    let mut escaped = false;
    for character in inside.chars() {
        escaped = !escaped && character == '\\';
        if !escaped {
            text.push(character);
        }
    }
    text
}

/// With or without port, IPv6 with or without brackets. None for `unknown` and made-up names.
fn address(written: &str) -> Option<IpAddr> {
    let bare = written.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(written);
    let address = bare.parse::<IpAddr>().or_else(|_| written.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|ip| ip.to_canonical())
}

fn host(written: &str) -> Option<Authority> {
    HeaderValue::from_str(written).ok().and_then(Authority::read).filter(|host| !host.is_empty())
}

fn scheme(written: &str) -> Option<Scheme> {
    match written {
        _ if written.eq_ignore_ascii_case("https") => Some(Scheme::Https),
        _ if written.eq_ignore_ascii_case("http") => Some(Scheme::Http),
        _ => None,
    }
}

/// The members of a list that may stand in several header lines. A line that is not text counts as one strange member.
fn members<'a>(values: GetAll<'a, HeaderValue>) -> impl DoubleEndedIterator<Item = &'a str> {
    let lines = values.iter().map(|value| value.to_str().unwrap_or("?"));
    lines.flat_map(|line| split_outside_quotes(line, b',')).map(str::trim).filter(|member| !member.is_empty())
}

fn split_outside_quotes(text: &str, separator: u8) -> std::vec::IntoIter<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == separator && !quoted => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.into_iter()
}

/// Tells the destination which way the event came: anew, or after what trusted proxies said.
pub(super) fn tell(headers: &mut HeaderMap, peer: &Peer, sender: &Sender) {
    let scheme = HeaderValue::from_static(sender.scheme.as_str());
    let host = sender.authority.value();
    if !peer.trusted {
        headers.insert(FORWARDED, value(element(&peer.node, sender)));
        headers.insert(FOR, peer.address.clone());
        headers.insert(PROTO, scheme);
        match host.is_empty() {
            true => _ = headers.remove(HOST),
            false => _ = headers.insert(HOST, host.clone()),
        }
        return;
    }
    let forwarded = match joined(headers.get_all(FORWARDED)) {
        Some(before) => format!("{before}, for={}", peer.node),
        None if sender.source == peer.ip => element(&peer.node, sender),
        None => format!("{}, for={}", element(&node(sender.source), sender), peer.node),
    };
    let addresses = match joined(headers.get_all(FOR)) {
        Some(before) => value(format!("{before}, {}", peer.ip)),
        None if sender.source == peer.ip => peer.address.clone(),
        None => value(format!("{}, {}", sender.source, peer.ip)),
    };
    headers.insert(FORWARDED, value(forwarded));
    headers.insert(FOR, addresses);
    headers.entry(PROTO).or_insert(scheme);
    if !host.is_empty() {
        headers.entry(HOST).or_insert_with(|| host.clone());
    }
}

fn joined(values: GetAll<'_, HeaderValue>) -> Option<String> {
    let lines: Vec<&str> = values.iter().filter_map(|value| value.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

/// A sender as an element of `Forwarded`.
fn element(node: &str, sender: &Sender) -> String {
    let (host, scheme) = (sender.authority.as_str(), sender.scheme.as_str());
    let mut element = String::with_capacity(32 + node.len() + host.len());
    element.push_str("for=");
    element.push_str(node);
    if !host.is_empty() {
        // Quotes are needed only around some hosts, and never wrong.
        element.push_str(";host=\"");
        element.push_str(host);
        element.push('"');
    }
    element.push_str(";proto=");
    element.push_str(scheme);
    element
}

/// An address as `Forwarded` has it.
pub(super) fn node(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("\"[{ip}]\""),
    }
}

fn value(text: String) -> HeaderValue {
    HeaderValue::from_maybe_shared(bytes::Bytes::from(text)).expect("made of header values and addresses")
}
