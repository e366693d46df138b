use std::sync::Arc;

use super::*;
use crate::{
    gateway::tests::gateway,
    snapshot::{self, Snapshot},
};

const PROXIES: [&str; 2] = ["10.0.0.0/8", "2001:db8::/32"];

fn proxies() -> Vec<IpNet> {
    PROXIES.iter().map(|net| net.parse().unwrap()).collect()
}

fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn sender(source: &str, host: &'static str) -> Sender {
    let authority = Authority::read(HeaderValue::from_static(host)).unwrap();
    Sender { source: source.parse().unwrap(), scheme: Scheme::Http, authority }
}

/// Source, scheme and host of what comes from the proxy 10.0.0.1 with these headers.
fn believed(lines: &[(HeaderName, &str)]) -> (String, &'static str, String) {
    let sender = believe(&headers(lines), sender("10.0.0.1", "direct"), &proxies());
    (sender.source.to_string(), sender.scheme.as_str(), sender.authority.as_str().to_owned())
}

fn expect(source: &str, scheme: &'static str, host: &str) -> (String, &'static str, String) {
    (source.to_owned(), scheme, host.to_owned())
}

#[test]
fn the_sender_is_the_rightmost_address_that_is_no_proxy() {
    let direct = expect("10.0.0.1", "http", "direct");
    assert_eq!(believed(&[]), direct);
    assert_eq!(believed(&[(FOR, "")]), direct);
    assert_eq!(believed(&[(FOR, "unknown")]), direct);
    assert_eq!(believed(&[(FOR, "198.51.100.7")]).0, "198.51.100.7");
    assert_eq!(believed(&[(FOR, "1.1.1.1, 198.51.100.7")]).0, "198.51.100.7");
    assert_eq!(believed(&[(FOR, "1.1.1.1, 198.51.100.7, 10.9.9.9")]).0, "198.51.100.7");
    assert_eq!(believed(&[(FOR, "1.1.1.1, 198.51.100.7"), (FOR, "2001:db8::9 ,10.9.9.9")]).0, "198.51.100.7");
    // Proxies alone: the first of them.
    assert_eq!(believed(&[(FOR, "10.7.7.7, 10.8.8.8")]).0, "10.7.7.7");
    // What cannot be read ends the way.
    assert_eq!(believed(&[(FOR, "1.1.1.1, _hidden, 10.9.9.9")]).0, "10.9.9.9");
    assert_eq!(believed(&[(FOR, "198.51.100.7:4711")]).0, "198.51.100.7");
    assert_eq!(believed(&[(FOR, "[2001:4::7]:4711")]).0, "2001:4::7");
    assert_eq!(believed(&[(FOR, "::ffff:198.51.100.7")]).0, "198.51.100.7");
}

#[test]
fn scheme_and_host_are_those_of_the_same_hop() {
    let lists = [
        (FOR, "1.1.1.1, 198.51.100.7, 10.9.9.9"),
        (PROTO, "http, https, http"),
        (HOST, "forged, hooks.example.com, inner"),
    ];
    assert_eq!(believed(&lists), expect("198.51.100.7", "https", "hooks.example.com"));
    let single = [(FOR, "1.1.1.1, 198.51.100.7"), (PROTO, "HTTPS"), (HOST, "hooks.example.com:8443")];
    assert_eq!(believed(&single), expect("198.51.100.7", "https", "hooks.example.com:8443"));
    let wrong = [(FOR, "198.51.100.7"), (PROTO, "gopher"), (HOST, "a b")];
    assert_eq!(believed(&wrong), expect("198.51.100.7", "http", "direct"));
    assert_eq!(believed(&[(PROTO, "https")]), expect("10.0.0.1", "https", "direct"));
}

#[test]
fn forwarded_is_read_where_it_is_alone() {
    let hops = r#"for=1.1.1.1;host=forged, For="198.51.100.7:99";Proto=https;host="hooks.example.com:8443", for="[2001:db8::9]""#;
    assert_eq!(believed(&[(FORWARDED, hops)]), expect("198.51.100.7", "https", "hooks.example.com:8443"));
    assert_eq!(believed(&[(FORWARDED, hops), (FOR, "203.0.113.1")]).0, "203.0.113.1");
    assert_eq!(believed(&[(FORWARDED, "for=unknown;proto=https")]), expect("10.0.0.1", "http", "direct"));
    assert_eq!(believed(&[(FORWARDED, "nonsense")]), expect("10.0.0.1", "http", "direct"));
    assert_eq!(believed(&[(FORWARDED, r#"for="198.51.100.7";host="a\"b, c""#)]).0, "198.51.100.7");
}

fn told(peer: &str, sender: &Sender, lines: &[(HeaderName, &str)]) -> Vec<String> {
    let settings = crate::gateway::Settings { trusted_proxies: proxies(), ..Default::default() };
    let gateway = gateway(settings, snapshot::serve(Snapshot::empty()).1);
    let deadline = Arc::new(crate::gateway::deadline::Clock::default()).deadline();
    let peer =
        Peer::new(Arc::clone(&gateway), gateway.client(), SocketAddr::new(peer.parse().unwrap(), 4711), deadline);
    let mut headers = headers(lines);
    tell(&mut headers, &peer, sender);
    let shown = |name: HeaderName| {
        let values: Vec<_> = headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
        values.join(" | ")
    };
    [FORWARDED, FOR, PROTO, HOST].map(shown).into()
}

#[tokio::test]
async fn an_untrusted_peer_is_told_as_it_is() {
    let forged = [(FOR, "1.1.1.1"), (FORWARDED, "for=1.1.1.1"), (PROTO, "https"), (HOST, "forged")];
    let direct = sender("198.51.100.7", "hooks.example.com:80");
    assert_eq!(
        told("198.51.100.7", &direct, &forged),
        [r#"for=198.51.100.7;host="hooks.example.com:80";proto=http"#, "198.51.100.7", "http", "hooks.example.com:80"]
    );
    assert_eq!(
        told("2001:4::7", &sender("2001:4::7", ""), &forged),
        [r#"for="[2001:4::7]";proto=http"#, "2001:4::7", "http", ""]
    );
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_way_is_continued() {
    let sent = [(FOR, "1.1.1.1"), (FOR, "198.51.100.7"), (PROTO, "https"), (HOST, "outer")];
    let mut behind = sender("198.51.100.7", "outer");
    behind.scheme = Scheme::Https;
    assert_eq!(
        told("10.0.0.1", &behind, &sent),
        [
            r#"for=198.51.100.7;host="outer";proto=https, for=10.0.0.1"#,
            "1.1.1.1, 198.51.100.7, 10.0.0.1",
            "https",
            "outer"
        ]
    );
    assert_eq!(
        told("10.0.0.1", &behind, &[(FORWARDED, "for=198.51.100.7;proto=https")]),
        ["for=198.51.100.7;proto=https, for=10.0.0.1", "198.51.100.7, 10.0.0.1", "https", "outer"]
    );
    let alone = sender("10.0.0.1", "inner");
    let told = told("10.0.0.1", &alone, &[]);
    assert_eq!(told, [r#"for=10.0.0.1;host="inner";proto=http"#, "10.0.0.1", "http", "inner"]);
}
