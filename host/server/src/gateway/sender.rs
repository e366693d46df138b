//! Who sent a request, and to which host.

use std::net::IpAddr;

use http::{HeaderValue, Method, Version, header::HOST, request::Parts};
use model::{Scheme, headers::are_tokens};

use super::{answer::Refusal, forwarded, peer::Peer};

/// What is believed about a request beside the request itself.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) source: IpAddr,
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
}

/// Host and port as the sender wrote them; empty if there were none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Authority {
    written: HeaderValue,
    /// Where the host ends in it.
    host_end: usize,
}

impl Sender {
    /// Refuses what does not say clearly which host is meant (RFC 9112, section 3.2; RFC 9113, section 8.3.1), and what
    /// could not be passed on.
    pub(super) fn of(head: &Parts, peer: &Peer) -> Result<Self, Refusal> {
        if head.method == Method::CONNECT {
            return Err(Refusal::not_implemented("tunnels are not made here"));
        }
        if head.headers.len() > peer.gateway.settings.headers_most {
            return Err(Refusal::too_many_headers());
        }
        if head.version == Version::HTTP_2 && !are_tokens(&head.headers) {
            return Err(Refusal::bad_request("a header has a name that is none in HTTP"));
        }
        let sender = Self { source: peer.ip, scheme: Scheme::Http, authority: authority(head)? };
        if !peer.trusted {
            return Ok(sender);
        }
        Ok(forwarded::believe(&head.headers, sender, &peer.gateway.settings.trusted_proxies))
    }
}

impl Authority {
    /// Nothing, or `uri-host [":" port]` (RFC 3986, section 3.2; RFC 9110, section 7.2).
    pub(super) fn read(written: HeaderValue) -> Option<Self> {
        let host_end = host_end(written.as_bytes())?;
        Some(Self { written, host_end })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    pub(super) fn value(&self) -> &HeaderValue {
        &self.written
    }

    pub(super) fn as_str(&self) -> &str {
        self.written.to_str().expect("an authority is ASCII")
    }

    /// Without port.
    pub(super) fn host(&self) -> &str {
        let host = &self.as_str()[..self.host_end];
        host.strip_suffix('.').unwrap_or(host)
    }
}

fn authority(head: &Parts) -> Result<Authority, Refusal> {
    let mut hosts = head.headers.get_all(HOST).iter();
    let (host, another) = (hosts.next(), hosts.next());
    if another.is_some() {
        return Err(Refusal::bad_request("there is more than one Host header"));
    }
    if host.is_none() && head.version == Version::HTTP_11 {
        return Err(Refusal::bad_request("there is no Host header"));
    }
    // A target that names its host wins over the header.
    let authority = match (head.uri.authority(), host) {
        (Some(authority), _) => HeaderValue::from_str(authority.as_str()).ok(),
        (None, Some(host)) => Some(host.clone()),
        (None, None) => Some(HeaderValue::from_static("")),
    };
    let known = head.uri.scheme_str().is_none_or(|scheme| matches!(scheme, "http" | "https"));
    let authority = authority.filter(|_| known).and_then(Authority::read);
    authority.ok_or_else(|| Refusal::bad_request("the host is not one that HTTP can name"))
}

/// Where the host ends in an authority that is right.
fn host_end(authority: &[u8]) -> Option<usize> {
    let end = match authority.first() {
        Some(b'[') => authority.iter().position(|byte| *byte == b']')? + 1,
        _ => authority.iter().position(|byte| *byte == b':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(end);
    let right = match host {
        [] => rest.is_empty(),
        [b'[', address @ .., b']'] => !address.is_empty() && address.iter().all(|byte| is_of_address(*byte)),
        name => name.iter().all(|byte| OF_NAME[usize::from(*byte)]),
    };
    let port = match rest {
        [] => true,
        [b':', port @ ..] => port.len() <= 5 && port.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    (right && port).then_some(end)
}

fn is_of_address(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || byte == b':' || byte == b'.'
}

/// Unreserved characters, sub-delimiters and the percent sign.
const OF_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let marks = b"-._~%!$&'()*+,;=";
    let mut index = 0;
    while index < marks.len() {
        table[marks[index] as usize] = true;
        index += 1;
    }
    let mut byte: u8 = 0;
    while byte < 128 {
        table[byte as usize] |= byte.is_ascii_alphanumeric();
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_host_and_port() {
        let read = |text: &str| Authority::read(HeaderValue::from_bytes(text.as_bytes()).unwrap());
        for (text, host) in [
            ("", ""),
            ("hooks.example.com", "hooks.example.com"),
            ("Hooks.example.com:8443", "Hooks.example.com"),
            ("a.example.:80", "a.example"),
            ("localhost:", "localhost"),
            ("127.0.0.1:80", "127.0.0.1"),
            ("[::1]", "[::1]"),
            ("[::ffff:1.2.3.4]:80", "[::ffff:1.2.3.4]"),
        ] {
            assert_eq!(read(text).map(|read| read.host().to_owned()), Some(host.to_owned()), "{text}");
        }
        for wrong in
            [":80", "a:b", "a:123456", "user@host", "a b", "[::1", "[]", "[::1]x", "::1", "a/b", "a\\b", "é", "a\"b"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    fn head(uri: &str, version: Version, hosts: &[&'static str]) -> Parts {
        let mut request = http::Request::builder().uri(uri).version(version);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_target_names_the_host_before_the_header_does() {
        let of = |uri, version, hosts: &[&'static str]| authority(&head(uri, version, hosts));
        assert_eq!(of("/", Version::HTTP_11, &["a:1"]).unwrap().as_str(), "a:1");
        assert_eq!(of("http://b/x", Version::HTTP_11, &["a"]).unwrap().as_str(), "b");
        assert_eq!(of("http://b/x", Version::HTTP_2, &[]).unwrap().as_str(), "b");
        assert!(of("/", Version::HTTP_10, &[]).unwrap().is_empty());
        assert!(of("/", Version::HTTP_11, &[""]).unwrap().is_empty());
        assert!(of("/", Version::HTTP_11, &[]).is_err());
        assert!(of("http://b/x", Version::HTTP_11, &[]).is_err());
        assert!(of("/", Version::HTTP_11, &["a", "a"]).is_err());
        assert!(of("/", Version::HTTP_11, &["a@b"]).is_err());
        assert!(of("ftp://b/x", Version::HTTP_11, &["b"]).is_err());
    }
}
