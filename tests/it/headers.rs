//! Headers keep their exact values, their duplicates and their order; what belongs to one hop stays on it.

use serde_json::{Value, json};

use crate::support::{Destination, Platform, Received, Reply};

/// The names of what the sender sent, without what the host adds, in order.
fn sent(received: &Received) -> Vec<(&str, &[u8])> {
    let own = ["host", "content-length", "forwarded", "via", "traceparent", "x-request-id"];
    let of_sender = |name: &str| !own.contains(&name) && !name.starts_with("x-forwarded-");
    let headers = received.headers.iter().filter(|(name, _)| of_sender(name));
    headers.map(|(name, value)| (name.as_str(), value.as_slice())).collect()
}

async fn platform(destination: &Destination) -> Platform {
    let platform = Platform::with_told(destination).await;
    platform.route("stream", "/stream", &["ci"], json!([])).await;
    platform
}

#[tokio::test(flavor = "multi_thread")]
async fn keep_their_bytes_their_duplicates_and_their_order() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    for way in ["/stream", "/hook"] {
        let mut wire = platform.wire().await;
        wire.write(format!("POST {way} HTTP/1.1\r\nHost: a\r\n")).await;
        wire.write(b"X-Twice: one\r\nConnection: x-hop\r\nX-Raw: \x80\xff caf\xc3\xa9\r\nX-Hop: 1\r\nx-twice: two\r\n")
            .await;
        wire.write(b"X-Tab: a\tb\r\nX-Empty:\r\nX-TWICE: one\r\nKeep-Alive: 9\r\nX-Last: , ;\"\r\n\r\n").await;
        wire.answer().await.expect(200);
        let expected: [(&str, &[u8]); 7] = [
            ("x-twice", b"one"),
            ("x-twice", b"two"),
            ("x-twice", b"one"),
            ("x-raw", b"\x80\xff caf\xc3\xa9"),
            ("x-tab", b"a\tb"),
            ("x-empty", b""),
            ("x-last", b", ;\""),
        ];
        assert_eq!(sent(&destination.only()), expected, "{way}");
        destination.forget();
    }
    platform.stop().await;
}

/// What a filter is given is what was sent: the same bytes in the same order.
#[tokio::test(flavor = "multi_thread")]
async fn reach_a_filter_as_they_were_sent() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    let mut wire = platform.wire().await;
    wire.write("POST /hook HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nX-Do: {\"do\": \"inspect\"}\r\n").await;
    wire.write(b"X-A: 1\r\nX-B: \x80\xff\r\nX-A: 2\r\nTE: trailers\r\nX-C: \r\nContent-Length: 2\r\n\r\n{}").await;
    let seen: Value = wire.answer().await.expect(200).json();
    let names = [
        ["host", "a"],
        ["x-do", "{\"do\": \"inspect\"}"],
        ["x-a", "1"],
        ["x-a", "2"],
        ["x-b", "\u{80}\u{ff}"],
        ["x-c", ""],
        ["content-length", "2"],
    ];
    assert_eq!(seen["headers"], json!(names));
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_arrive() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    for way in ["/stream", "/hook"] {
        let mut wire = platform.wire().await;
        let many: String = (0..100).map(|index| format!("x-{index}: value {index}\r\n")).collect();
        wire.write(format!("POST {way} HTTP/1.1\r\nhost: a\r\n{many}\r\n")).await;
        wire.answer().await.expect(200);
        let received = destination.only();
        let expected: Vec<_> = (0..100).map(|index| (format!("x-{index}"), format!("value {index}"))).collect();
        let expected: Vec<_> = expected.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(sent(&received), expected);
        destination.forget();
    }
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_or_too_long_are_refused() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    let many: String = (0..300).map(|index| format!("x-{index}: 1\r\n")).collect();
    let long = format!("x-long: {}\r\n", "x".repeat(80 << 10));
    for headers in [many, long] {
        let mut wire = platform.wire().await;
        wire.try_write(format!("POST /hook HTTP/1.1\r\nhost: a\r\n{headers}\r\n")).await;
        wire.answer().await.expect(431);
    }
    assert_eq!(destination.received(), []);
    platform.stop().await;
}

/// What comes back is the destination's answer: its status, its headers with their duplicates, its bytes.
#[tokio::test(flavor = "multi_thread")]
async fn of_the_answer_come_back() {
    let destination = Destination::start(|_| {
        let reply =
            Reply::status(207).header("Set-Cookie", "a=1").header("X-Raw", b"\x80\xff").header("Set-Cookie", "b=2");
        reply.header("Connection", "x-inside").header("X-Inside", "1").body(b"\0\xff")
    });
    let destination = destination.await;
    let platform = platform(&destination).await;
    for way in ["/stream", "/hook"] {
        let answer = platform.post(way, &[], "{}").await.expect(207);
        let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
        assert_eq!(answer.headers["x-raw"].as_bytes(), b"\x80\xff");
        assert!(!answer.headers.contains_key("x-inside"));
        assert_eq!(&answer.body[..], b"\0\xff");
        assert_eq!(platform.record(&answer).await["status"], 207);
    }
    platform.stop().await;
}

/// Nobody is believed about where an event came from, unless the settings say so.
#[tokio::test(flavor = "multi_thread")]
async fn about_the_way_are_the_hosts_own() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    let lies = [
        ("forwarded", "for=10.9.8.7"),
        ("x-forwarded-for", "10.9.8.7"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "bank.example"),
    ];
    platform.post("/stream", &lies, "").await.expect(200);
    let received = destination.only();
    let gateway = platform.gateway().to_string();
    assert_eq!(received.header("x-forwarded-for"), "127.0.0.1");
    assert_eq!(received.header("x-forwarded-proto"), "http");
    assert_eq!(received.header("x-forwarded-host"), gateway);
    assert_eq!(received.header("forwarded"), format!("for=127.0.0.1;host=\"{gateway}\";proto=http"));
    assert_eq!(received.header("host"), destination.address.to_string());
    platform.stop().await;

    let platform = Platform::with(&[("gateway.trusted_proxies", "127.0.0.1")]).await;
    destination.forget();
    platform.bring_told(&destination).await;
    let answer = platform.post("/hook", &lies[1..], "").await.expect(200);
    let received = destination.only();
    assert_eq!(received.header("x-forwarded-for"), "10.9.8.7, 127.0.0.1");
    assert_eq!(received.header("x-forwarded-host"), "bank.example");
    assert_eq!(platform.record(&answer).await["source"], "10.9.8.7");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn carry_trace_and_request_on() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    platform.post("/stream", &[("traceparent", trace), ("x-request-id", "r-1")], "").await.expect(200);
    let received = destination.only();
    assert!(received.header("traceparent").starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
    assert!(!received.header("traceparent").contains("b7ad6b7169203331"));
    assert_eq!(received.header("x-request-id"), "r-1");
    destination.forget();
    let answer = platform.post("/stream", &[], "").await.expect(200);
    assert_eq!(destination.only().header("x-request-id"), answer.event());
    assert_eq!(destination.only().header("traceparent").len(), 55);
    platform.stop().await;
}
