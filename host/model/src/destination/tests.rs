use serde_json::json;

use super::*;

fn read(spec: serde_json::Value) -> Result<Destination, Faults> {
    let spec: DestinationSpec = serde_json::from_value(spec).unwrap();
    spec.read(&"team".parse().unwrap(), &"ci".parse().unwrap())
}

#[test]
fn what_is_left_out_has_its_default() {
    let destination = read(json!({ "url": "https://ci.example.com:8443/hooks?a=b" })).unwrap();
    assert_eq!((destination.project.as_str(), destination.name.as_str()), ("team", "ci"));
    assert_eq!(destination.http.url, "https://ci.example.com:8443/hooks?a=b");
    assert_eq!(destination.http.path, PathRule::Fixed);
    assert_eq!(destination.http.connect_timeout, Duration::from_secs(5));
    assert_eq!(destination.http.first_byte_timeout, Duration::from_secs(10));
    assert_eq!(destination.http.total_timeout, Duration::from_secs(30));
    let all = json!({ "url": "http://a", "path": "append", "connect_timeout_ms": 1, "total_timeout_ms": 600_000 });
    let destination = read(all).unwrap();
    assert_eq!(destination.http.path, PathRule::Append);
    assert_eq!(destination.http.connect_timeout, Duration::from_millis(1));
    assert_eq!(destination.http.total_timeout, Duration::from_mins(10));
    for url in ["http://a:/", "http://a:1", "http://a:65535", "http://[::1]", "http://[::ffff:127.0.0.1]:8080/x"] {
        assert_eq!(read(json!({ "url": url })).map(|read| read.http.url), Ok(url.parse().unwrap()));
    }
}

#[test]
fn what_is_no_endpoint_is_refused() {
    for (url, problem) in [
        ("ftp://a/", "must begin with http:// or https://"),
        ("/hooks", "must begin with http:// or https://"),
        ("a.example.com:80", "must begin with http:// or https://"),
        ("https://user:pass@a/", "must not carry a user or password"),
        ("https://a/#part", "must not carry a fragment"),
        ("http://a:65536/", "must name a host, and behind a colon a port from 1 to 65535"),
        ("http://a:0/", "must name a host, and behind a colon a port from 1 to 65535"),
        ("http://a:+80/", "must name a host, and behind a colon a port from 1 to 65535"),
        ("http://a:b/", "must name a host, and behind a colon a port from 1 to 65535"),
        ("http://:80/", "must name a host, and behind a colon a port from 1 to 65535"),
        ("http://[a]/", "must name a host, and behind a colon a port from 1 to 65535"),
        ("https://", "is no URL"),
        ("https:///path", "is no URL"),
        ("https://a b/", "is no URL"),
        ("", "is no URL"),
    ] {
        let said = read(json!({ "url": url })).unwrap_err().to_string();
        assert!(said.starts_with(&format!("url: `{url}` {problem}")), "{said}");
    }
}

#[test]
fn every_fault_is_reported() {
    let wrong = json!({ "url": "x", "connect_timeout_ms": 0, "first_byte_timeout_ms": 600_001, "total_timeout_ms": 0 });
    let places: Vec<String> = read(wrong).unwrap_err().0.into_iter().map(|fault| fault.at).collect();
    assert_eq!(places, ["url", "connect_timeout_ms", "first_byte_timeout_ms", "total_timeout_ms"]);
    assert!(serde_json::from_value::<DestinationSpec>(json!({ "url": "http://a", "paht": "fixed" })).is_err());
}

fn of(more: serde_json::Value) -> Result<Destination, Faults> {
    let mut spec = json!({ "url": "https://a" });
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    read(spec)
}

fn said(more: serde_json::Value) -> String {
    of(more).unwrap_err().to_string()
}

#[test]
fn deliveries_have_rules_if_nothing_is_written() {
    let policy = of(json!({})).unwrap().policy;
    assert_eq!(policy, Policy::default());
    assert_eq!((policy.concurrency, policy.slow_downs), (16, 20));
    assert_eq!(policy.retry_after_most, Duration::from_hours(24));
    assert_eq!(
        policy.breaker,
        Some(Breaker { failures: 10, pause: Duration::from_secs(30), most: Duration::from_hours(1) })
    );
    assert_eq!(policy.success, Statuses::successful());
    assert!(policy.rate.is_none() && policy.failover.is_none());
}

#[test]
fn rules_are_taken_as_they_are_written() {
    let policy = of(json!({
        "retry": { "delays_seconds": [1, 2] }, "success": ["2xx", "409"], "concurrency": 1024,
        "rate": { "events": 5, "per_seconds": 60 }, "breaker": { "failures": 3, "pause_seconds": 7200 },
        "slow_downs": 0, "retry_after_most_seconds": 604_800,
        "failover": { "to": "spare", "after_attempts": 2, "when_breaker_open": false, "on_status": ["404"],
                      "come_back": "next-attempt" },
    }))
    .unwrap()
    .policy;
    assert_eq!(policy.retry.attempts(), 3);
    assert!(policy.success.has(409) && policy.success.has(204) && !policy.success.has(410));
    assert_eq!(policy.rate, Some(Rate { events: 5, per: Duration::from_mins(1) }));
    let hours = Duration::from_hours(2);
    assert_eq!(policy.breaker, Some(Breaker { failures: 3, pause: hours, most: hours }));
    let failover = policy.failover.unwrap();
    assert_eq!((failover.to.as_str(), failover.after_attempts), ("spare", Some(2)));
    assert!(!failover.when_breaker_open && failover.on_status.has(404));
    assert_eq!(failover.come_back, ComeBack::NextAttempt);
    assert_eq!(of(json!({ "breaker": { "off": true } })).unwrap().policy.breaker, None);
    assert_eq!(of(json!({ "rate": { "events": 2 } })).unwrap().policy.rate.unwrap().per, Duration::from_secs(1));
}

#[test]
fn rules_that_cannot_be_are_refused() {
    for (spec, expected) in [
        (
            json!({ "retry": { "delays_seconds": [0] } }),
            "retry.delays_seconds[0]: 0 is out of range: 1 to 604800 seconds",
        ),
        (json!({ "success": [] }), "success: is empty, so that nothing could ever arrive; write at least one status"),
        (json!({ "success": ["2xx", "ok"] }), "success[1]: `ok` is no status"),
        (json!({ "concurrency": 0 }), "concurrency: 0 is out of range: 1 to 1024"),
        (json!({ "concurrency": 1025 }), "concurrency: 1025 is out of range: 1 to 1024"),
        (json!({ "rate": { "events": 0, "per_seconds": 1 } }), "rate.events: 0 is out of range: 1 to 1000000"),
        (json!({ "rate": { "events": 1, "per_seconds": 0 } }), "rate.per_seconds: 0 is out of range: 1 to 86400"),
        (json!({ "breaker": { "off": true, "failures": 1 } }), "breaker.off: stands beside settings"),
        (json!({ "breaker": { "failures": 0 } }), "breaker.failures: 0 is out of range: 1 to 10000"),
        (json!({ "breaker": { "pause_seconds": 9, "most_seconds": 8 } }), "breaker.most_seconds: 8 is less than"),
        (json!({ "slow_downs": 1001 }), "slow_downs: 1001 is out of range: 0 to 1000"),
        (json!({ "retry_after_most_seconds": 0 }), "retry_after_most_seconds: 0 is out of range: 1 to 604800"),
        (json!({ "failover": { "to": "ci" } }), "failover.to: `ci` is this destination itself; name another"),
        (json!({ "failover": { "to": "" } }), "failover.to: `` is not a name"),
        (
            json!({ "failover": { "to": "b", "after_attempts": 0 } }),
            "failover.after_attempts: 0 is out of range: 1 to 100",
        ),
        (json!({ "failover": { "to": "b", "on_status": ["x"] } }), "failover.on_status[0]: `x` is no status"),
        (json!({ "failover": { "to": "b", "when_breaker_open": false } }), "failover: never happens"),
    ] {
        let said = said(spec);
        assert!(said.starts_with(expected), "{said}");
    }
}

#[test]
fn static_headers_are_those_that_are_nobody_elses() {
    let http = of(json!({ "headers": { "X-Key": "a b", "user-agent": "me" } })).unwrap().http;
    let headers: Vec<_> = http.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(headers, [("x-key", "a b"), ("user-agent", "me")]);
    for name in [
        "Host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "proxy-authorization",
        "proxy-authenticate",
        "webhook-id",
        "Webhook-Anything",
    ] {
        let expected = format!("headers.{name}: is set by the host and cannot be chosen");
        assert_eq!(said(json!({ "headers": { (name): "x" } })), expected);
    }
    for (headers, expected) in [
        (json!({ "a b": "x" }), "headers.a b: is not the name of a header"),
        (json!({ "": "x" }), "headers: is not the name of a header"),
        (json!({ "a": "x\ny: z" }), "headers.a: has a value that no header can carry"),
        (json!({ "A": "1", "a": "2" }), "headers.a: is there twice"),
        (json!({ "a": "x".repeat(16 << 10) }), "headers: are 1 of 16385 bytes: at most 64 of 16384"),
    ] {
        let said = said(json!({ "headers": headers }));
        assert!(said.starts_with(expected), "{said}");
    }
}

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n";

#[test]
fn certificates_are_read_from_pem() {
    let spec = json!({ "ca": CERTIFICATE.repeat(2), "client_certificate": { "certificate": CERTIFICATE, "key": "k" } });
    let trust = of(spec).unwrap().http.trust;
    assert_eq!(trust.roots.iter().map(|root| root.as_ref()).collect::<Vec<_>>(), [[1, 2, 3], [1, 2, 3]]);
    let client = trust.client_certificate.unwrap();
    assert_eq!((client.chain.len(), client.key.as_str()), (1, "k"));
    assert!(of(json!({})).unwrap().http.trust.is_default());
    let key = "-----BEGIN PRIVATE KEY-----\nAQID\n-----END PRIVATE KEY-----\n";
    for (pem, expected) in [
        (String::new(), "holds no certificate"),
        ("AQID".to_owned(), "holds no certificate"),
        ("-----BEGIN CERTIFICATE-----\nAQID\n".to_owned(), "is no PEM"),
        (format!("{CERTIFICATE}{key}"), "holds a private key, which must be a secret"),
        (CERTIFICATE.repeat(2_000), "is longer than 65536 bytes"),
    ] {
        let fault = said(json!({ "ca": pem }));
        assert!(fault.starts_with(&format!("ca: {expected}")), "{fault}");
        let fault = said(json!({ "client_certificate": { "certificate": pem, "key": "" } }));
        assert!(fault.starts_with(&format!("client_certificate.certificate: {expected}")), "{fault}");
        assert!(fault.contains("; client_certificate.key: `` is not a name"), "{fault}");
    }
}

#[test]
fn what_it_names_is_told() {
    let spec = json!({
        "url": "https://a", "sign": { "secret": "out" }, "failover": { "to": "spare" },
        "client_certificate": { "certificate": CERTIFICATE, "key": "key" },
    });
    let spec: DestinationSpec = serde_json::from_value(spec).unwrap();
    assert_eq!(spec.secrets().collect::<Vec<_>>(), ["out", "key"]);
    assert_eq!(spec.destinations().collect::<Vec<_>>(), ["spare"]);
    let none: DestinationSpec = serde_json::from_value(json!({ "url": "https://a" })).unwrap();
    assert_eq!((none.secrets().count(), none.destinations().count()), (0, 0));
    let v1a = of(json!({ "sign": { "scheme": "v1a", "secret": "out" } })).unwrap().http.sign.unwrap();
    assert_eq!((v1a.scheme, v1a.secret.as_str()), (SignatureScheme::V1a, "out"));
    assert!(
        serde_json::from_value::<DestinationSpec>(json!({ "url": "https://a", "sign": { "scheme": "v2" } })).is_err()
    );
}

#[test]
fn what_is_written_is_kept_as_it_is() {
    let spec = json!({
        "url": "https://a", "path": "fixed", "headers": { "a": "b" }, "success": ["2xx"],
        "rate": { "events": 1 }, "breaker": { "off": true }, "failover": { "to": "b", "come_back": "next-attempt" },
    });
    let read: DestinationSpec = serde_json::from_value(spec.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), spec);
}
