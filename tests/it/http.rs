//! HTTP as senders speak it: methods, versions, framings, connections that stay and hosts that stop.

use bytes::Bytes;
use http::{HeaderName, Method, Request};
use http_body_util::Full;
use serde_json::json;

use crate::support::{Destination, Gate, Platform, Reply, Wire, eventually, within};

async fn platform(destination: &Destination) -> Platform {
    let platform = Platform::with_told(destination).await;
    platform.route("stream", "/stream", &["ci"], json!([])).await;
    platform
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_goes_through() {
    let destination = Destination::start(|_| Reply::ok().header("x-made", "1").body("body")).await;
    let platform = platform(&destination).await;
    for way in ["/stream", "/hook"] {
        for method in ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "REPORT", "PURGE"] {
            let mut wire = platform.wire().await;
            wire.write(format!("{method} {way}?a=%20b&c HTTP/1.1\r\nhost: a\r\n\r\n")).await;
            let answer = wire.answer_to(method).await.expect(200);
            assert_eq!((answer.header("x-made"), answer.header("content-length")), ("1", "4"), "{method}");
            let received = destination.only();
            assert_eq!((received.method.as_str(), received.target.as_str()), (method, &*format!("{way}?a=%20b&c")));
            destination.forget();
            // The connection is in order: what follows is the next answer.
            wire.write(format!("POST {way} HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n")).await;
            assert_eq!(wire.answer().await.expect(200).text(), "body", "{method}");
            destination.forget();
        }
    }
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_is_refused() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    let mut wire = platform.wire().await;
    wire.write("CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n").await;
    assert_eq!(wire.answer().await.refusal(501), "tunnels are not made here");
    platform.stop().await;
}

/// RFC 9112, section 3.2, and what request smugglers try.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_clear_is_refused() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    for (head, detail) in [
        ("POST /stream HTTP/1.1\r\n", "there is no Host header"),
        ("POST /stream HTTP/1.1\r\nhost: a\r\nhost: b\r\n", "there is more than one Host header"),
        ("POST /stream HTTP/1.1\r\nhost: a@b\r\n", "the host is not one that HTTP can name"),
    ] {
        let mut wire = platform.wire().await;
        wire.write(format!("{head}content-length: 0\r\n\r\n")).await;
        assert_eq!(wire.answer().await.refusal(400), detail);
    }
    for head in [
        "POST /stream HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        "POST /stream HTTP/1.1\r\nhost: a\r\ncontent-length: +1\r\n\r\n",
        "POST /stream HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n",
        "POST /stream HTTP/1.1\r\nhost: a\r\nx-a : 1\r\n\r\n",
        "POST /stream HTTP/1.1\r\nhost: a\r\nx-a: 1\r\n folded\r\n\r\n",
        "NO REQUEST AT ALL\r\n\r\n",
    ] {
        let mut wire = platform.wire().await;
        wire.write(head).await;
        wire.answer().await.expect(400);
    }
    assert_eq!(destination.received(), []);
    platform.stop().await;
}

/// Both framings at once: chunked counts, and only one of them goes on (RFC 9112, section 6.3).
#[tokio::test(flavor = "multi_thread")]
async fn a_body_framed_twice_is_framed_once_for_the_destination() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    for way in ["/stream", "/hook"] {
        let mut wire = platform.wire().await;
        let framings = "content-length: 3\r\ntransfer-encoding: chunked";
        wire.write(format!("POST {way} HTTP/1.1\r\nhost: a\r\n{framings}\r\n\r\n5\r\nhello\r\n0\r\n\r\n")).await;
        wire.answer().await.expect(200);
        assert_eq!(destination.only().text(), "hello");
        destination.forget();
    }
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_follow_a_streamed_body() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    for (way, expected) in [("/stream", vec![("x-sum".to_owned(), b"1234".to_vec())]), ("/hook", vec![])] {
        let mut wire = platform.wire().await;
        let head = "host: a\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n";
        wire.write(format!("POST {way} HTTP/1.1\r\n{head}5\r\nhello\r\n0\r\nx-sum: 1234\r\n\r\n")).await;
        wire.answer().await.expect(200);
        let received = destination.only();
        assert_eq!((received.text().as_str(), &received.trailers), ("hello", &expected), "{way}");
        destination.forget();
    }
    platform.stop().await;
}

/// Over HTTP/2; over HTTP/1.1 they are left out (RFC 9110, section 6.5.1), and the rest is whole.
#[tokio::test(flavor = "multi_thread")]
async fn trailers_of_the_answer_come_back_over_http_2() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n";
    let destination = Destination::start(move |_| Reply::raw(format!("{head}2\r\nhi\r\n0\r\nx-sum: 77\r\n\r\n"))).await;
    let platform = platform(&destination).await;
    for way in ["/stream", "/hook"] {
        let request = Request::get(format!("http://{}{way}", platform.gateway())).body(Full::default()).unwrap();
        let answer = platform.ask_h2(request).await.expect(200);
        assert_eq!((answer.text().as_str(), &answer.trailers["x-sum"]), ("hi", &"77".parse().unwrap()), "{way}");
        let mut wire = platform.wire().await;
        wire.write(format!("GET {way} HTTP/1.1\r\nhost: a\r\nte: trailers\r\n\r\n")).await;
        let answer = wire.answer().await.expect(200);
        assert_eq!((answer.text().as_str(), answer.trailers.len()), ("hi", 0), "{way}");
    }
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_whether_to_go_on_is_told() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    for way in ["/stream", "/hook"] {
        let mut wire = platform.wire().await;
        wire.write(format!("POST {way} HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n"))
            .await;
        wire.answer().await.expect(100);
        wire.write("hello").await;
        wire.answer().await.expect(200);
        let received = destination.only();
        assert_eq!((received.text().as_str(), received.header("expect").as_str()), ("hello", ""));
        destination.forget();
    }
    // Whoever is refused anyway is told so at once.
    for (target, length, status) in [("/hook", 2_000_000, 413), ("/stream", 2_000_000, 413), ("/nowhere", 5, 404)] {
        let mut wire = platform.wire().await;
        let head = format!("host: a\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n");
        wire.write(format!("POST {target} HTTP/1.1\r\n{head}")).await;
        wire.answer().await.expect(status);
        wire.closed().await;
    }
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_serves_many_requests() {
    let destination = Destination::start(|received| Reply::ok().body(&received.body)).await;
    let platform = platform(&destination).await;
    let mut wire = platform.wire().await;
    for index in 0..20 {
        let body = format!("body {index}");
        let way = if index % 2 == 0 { "/stream" } else { "/hook" };
        wire.write(format!("POST {way} HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await;
        assert_eq!(wire.answer().await.expect(200).text(), body);
    }
    assert_eq!(destination.connections(), 1, "and one connection takes them on");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_sent_ahead_are_answered_in_order() {
    let destination = Destination::start(|received| Reply::ok().body(&received.body)).await;
    let platform = platform(&destination).await;
    let mut wire = platform.wire().await;
    let ahead: String =
        (0..10).map(|index| format!("POST /hook HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\n{index}")).collect();
    wire.write(ahead).await;
    for index in 0..10 {
        assert_eq!(wire.answer().await.expect(200).text(), index.to_string());
    }
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_to_close_is_closed() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    let mut wire = platform.wire().await;
    wire.write("POST /stream HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
    wire.answer().await.expect(200);
    wire.closed().await;
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_without_tls_is_spoken() {
    let destination = Destination::start(|received| Reply::ok().header("x-made", "1").body(&received.body)).await;
    let platform = platform(&destination).await;
    let url = |path: &str| format!("http://{}{path}", platform.gateway());
    for way in ["/stream", "/hook"] {
        let request = Request::post(url(&format!("{way}?q"))).header("x-a", "1").header("x-a", "2");
        let answer = platform.ask_h2(request.body(Full::from(vec![0xfe; 300_000])).unwrap()).await.expect(200);
        assert_eq!((answer.header("x-made"), answer.body.len()), ("1", 300_000));
        let received = destination.only();
        assert_eq!(received.target, format!("{way}?q"));
        assert_eq!(received.values("x-a"), [b"1", b"2"]);
        assert_eq!(received.header("via"), "2 snaphook");
        destination.forget();
        let too_large = Request::post(url(way)).body(Full::from(vec![0; (1 << 20) + 1])).unwrap();
        assert_eq!(platform.ask_h2(too_large).await.refusal(413), "the body is larger than this route takes");
        let head = Request::builder().method(Method::HEAD).uri(url(way)).body(Full::<Bytes>::default()).unwrap();
        assert_eq!(platform.ask_h2(head).await.expect(200).body, "");
        destination.forget();
    }
    platform.stop().await;
}

/// `http` takes such a name over HTTP/2; destinations are spoken to in HTTP/1.1, where it is malformed.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_only_http_2_carries_is_refused() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    for way in ["/stream", "/hook"] {
        let name = HeaderName::from_lowercase(b"x\"y").unwrap();
        let request = Request::post(format!("http://{}{way}", platform.gateway())).header(name, "1");
        let answer = platform.ask_h2(request.body(Full::from("{}")).unwrap()).await;
        assert_eq!(answer.refusal(400), "a header has a name that is none in HTTP");
    }
    assert_eq!(destination.received(), []);
    platform.stop().await;
}

/// Whoever stops sending in the middle does not hold the place for ever.
#[tokio::test(flavor = "multi_thread")]
async fn slow_senders_are_given_up() {
    let destination = Destination::ok().await;
    let platform = Platform::with(&[("gateway.head_timeout_ms", "50"), ("gateway.body_idle_timeout_ms", "50")]).await;
    platform.bring_told(&destination).await;
    platform.route("stream", "/stream", &["ci"], json!([])).await;
    for way in ["/hook", "/stream"] {
        let mut wire = platform.wire().await;
        wire.write(format!("POST {way} HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhel")).await;
        let answer = wire.answer().await;
        assert_eq!(answer.refusal(408), "the body did not come in time", "{way}");
        wire.closed().await;
        assert_eq!(platform.record(&answer).await["reason"], "the body stopped coming");
    }
    let mut wire = platform.wire().await;
    wire.write("POST /hook HTTP/1.1\r\nhost: a\r\n").await;
    wire.closed().await;
    platform.wire().await.closed().await;
    assert_eq!(destination.received(), []);
    platform.stop().await;
}

/// A body that breaks off is no event.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_goes_nowhere() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    for way in ["/hook", "/stream"] {
        let mut wire = platform.wire().await;
        wire.write(format!("POST {way} HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhel")).await;
        wire.end().await;
        let records = eventually("a record of it", async || {
            let records = platform.records("").await;
            (!records.is_empty()).then_some(records)
        });
        assert_eq!(records.await[0]["disposition"], "rejected", "{way}");
    }
    assert_eq!(destination.received(), []);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stops_ends_what_it_began() {
    let gate = Gate::closed();
    let reply = Reply::ok().body("ended").behind(&gate);
    let destination = Destination::start(move |_| reply.clone()).await;
    let platform = platform(&destination).await;
    let address = platform.gateway();
    let mut wire = platform.wire().await;
    let mut idle = platform.wire().await;
    idle.write("GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\n").await;
    idle.answer().await.expect(404);
    wire.write("POST /hook HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").await;
    destination.reached(1).await;
    let api = platform.api.clone();
    api.get("/readyz").await.expect(200);
    let stopping = tokio::spawn(platform.stop());
    // Whoever balances load is told at once, while the rest is still done.
    let answer = eventually("the host not to be ready", async || {
        let answer = api.get("/readyz").await;
        (answer.status != 200).then_some(answer)
    });
    assert_eq!(answer.await.faults(503), "the host is starting or stopping");
    // Connections without a request are closed, new ones refused.
    idle.closed().await;
    within("new connections to be refused", async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!stopping.is_finished());
    gate.open();
    assert_eq!(wire.answer().await.expect(200).text(), "ended");
    within("the host's end", stopping).await.unwrap();
}

/// An answer is passed on as it comes, not when it is whole.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_streamed() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let platform = Platform::start().await;
    platform.api.put("/destinations/slow", &json!({"url": url})).await.expect(200);
    platform.route("stream", "/stream", &["slow"], json!([])).await;
    let mut sender = Wire::to(platform.gateway()).await;
    sender.write("GET /stream HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let (tcp, _) = listener.accept().await.unwrap();
    let mut destination = Wire::over(tcp);
    destination.read_head().await;
    destination.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst").await;
    assert!(sender.read_head().await.starts_with("HTTP/1.1 200"));
    assert_eq!(sender.read_bytes(5).await, b"first");
    destination.write("later").await;
    assert_eq!(sender.read_bytes(5).await, b"later");
    platform.stop().await;
}
