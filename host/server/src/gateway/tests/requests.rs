//! What a destination gets of a request, and which requests get nowhere.

use super::*;

#[tokio::test]
async fn a_request_arrives_as_it_was_sent() {
    let (address, mut received) = told().await;
    let host = Host::to(address).await;
    let mut sender = host.connect().await;
    let reply = sender
        .ask(
            b"PATCH /a/../%2e%2e/b%20c?q=%41&q HTTP/1.1\r\nHost: Hooks.Example.com:8443\r\nX-Twice: 1\r\nx-one: \xff\xe9\r\n\
              x-twice: 2\r\nX-Twice: 3\r\nConnection: x-hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n\
              TE: trailers\r\nExpect: nothing-much\r\nx-forwarded-for: 1.2.3.4\r\nContent-Length: 4\r\n\r\n\x00\xff\r\n",
        )
        .await;
    assert_eq!((reply.status, &reply.body[..]), (200, &b"ok"[..]));
    let event = reply.headers["snaphook-event"].to_str().unwrap().to_owned();
    assert!(event.parse::<EventId>().is_ok());

    let Received { head, body, .. } = received.recv().await.unwrap();
    assert_eq!(body[..], b"\x00\xff\r\n"[..]);
    assert_eq!((head.method.as_str(), head.uri.to_string().as_str()), ("PATCH", "/a/../%2e%2e/b%20c?q=%41&q"));
    let values =
        |name: &str| -> Vec<&[u8]> { head.headers.get_all(name).iter().map(|value| value.as_bytes()).collect() };
    assert_eq!(values("x-twice"), [b"1", b"2", b"3"]);
    assert_eq!(values("x-one"), [b"\xff\xe9"]);
    assert_eq!(values("host"), [address.to_string().as_bytes()]);
    assert_eq!(values("content-length"), [b"4"]);
    assert_eq!(values("x-forwarded-for"), [b"127.0.0.1"]);
    assert_eq!(values("x-forwarded-host"), [b"Hooks.Example.com:8443"]);
    assert_eq!(values("x-forwarded-proto"), [b"http"]);
    assert_eq!(values("forwarded"), [&br#"for=127.0.0.1;host="Hooks.Example.com:8443";proto=http"#[..]]);
    assert_eq!(values("via"), [b"1.1 snaphook"]);
    assert_eq!(values("x-request-id"), [event.as_bytes()]);
    assert_eq!(values("traceparent").len(), 1);
    for gone in ["x-hop", "keep-alive", "expect", "connection"] {
        assert_eq!(values(gone), [] as [&[u8]; 0], "{gone}");
    }

    let record = &host.records()[0];
    assert_eq!((record.id.as_str(), record.status, record.revision), (event.as_str(), 200, 7));
    assert_eq!((record.disposition, record.destination.as_deref()), (Disposition::Forwarded, Some("up")));
    assert_eq!((record.method.as_str(), record.path.as_str()), ("PATCH", "/a/../%2e%2e/b%20c"));
    assert_eq!((record.source.as_str(), record.capture.is_none()), ("127.0.0.1", true));
}

#[tokio::test]
async fn what_a_sender_says_about_trace_and_request_goes_on() {
    let (address, mut received) = told().await;
    let host = Host::to(address).await;
    let sent = "GET / HTTP/1.1\r\nhost: a\r\nx-request-id: mine\r\ntracestate: a=1\r\n\
                traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n";
    assert_eq!(host.connect().await.ask(sent).await.status, 200);
    let head = received.recv().await.unwrap().head;
    assert_eq!(
        (&head.headers["x-request-id"], &head.headers["tracestate"]),
        (&"mine".parse().unwrap(), &"a=1".parse().unwrap())
    );
    let parent = head.headers["traceparent"].to_str().unwrap();
    assert!(parent.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && parent.ends_with("-01"), "{parent}");
    assert!(!parent.contains("b7ad6b7169203331"));
}

#[tokio::test]
async fn a_trusted_proxy_is_believed() {
    let (address, mut received) = told().await;
    let settings = Settings { trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()], ..Settings::default() };
    let routes = vec![served("all", &format!("http://{address}"), json!({ "match": { "host": "hooks.example.com" } }))];
    let host = Host::start(settings, routes).await;
    let sent = "GET / HTTP/1.1\r\nhost: inside\r\nx-forwarded-for: 198.51.100.7\r\nx-forwarded-proto: https\r\n\
                x-forwarded-host: hooks.example.com\r\n\r\n";
    let mut sender = host.connect().await;
    assert_eq!(sender.ask(sent).await.status, 200);
    let head = received.recv().await.unwrap().head;
    assert_eq!(head.headers["x-forwarded-for"], "198.51.100.7, 127.0.0.1");
    assert_eq!(head.headers["x-forwarded-proto"], "https");
    assert_eq!(host.records()[0].source, "198.51.100.7");
    assert_eq!(sender.ask("GET / HTTP/1.1\r\nhost: inside\r\n\r\n").await.status, 404);
}

#[tokio::test]
async fn a_host_is_asked_for_clearly_or_refused() {
    let (address, mut received) = told().await;
    let routes = vec![served("all", &format!("http://{address}"), json!({ "match": { "host": "hooks.example.com" } }))];
    let host = Host::start(Settings::default(), routes).await;
    for (request, status) in [
        ("GET / HTTP/1.1\r\nhost: HOOKS.example.com:1234\r\n\r\n", 200),
        ("GET http://hooks.example.com:1/ HTTP/1.1\r\nhost: other\r\n\r\n", 200),
        ("OPTIONS / HTTP/1.1\r\nhost: hooks.example.com\r\n\r\n", 200),
        ("OPTIONS * HTTP/1.1\r\nhost: hooks.example.com\r\n\r\n", 404),
        ("GET / HTTP/1.1\r\nhost: other\r\n\r\n", 404),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: hooks.example.com\r\nhost: hooks.example.com\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: user@hooks.example.com\r\n\r\n", 400),
        ("GET ftp://hooks.example.com/ HTTP/1.1\r\nhost: hooks.example.com\r\n\r\n", 400),
        ("CONNECT hooks.example.com:443 HTTP/1.1\r\nhost: hooks.example.com\r\n\r\n", 501),
    ] {
        let reply = host.connect().await.ask(request).await;
        assert_eq!(reply.status, status, "{request}");
        if status != 200 {
            reply.problem();
        }
    }
    drop(host);
    let mut paths = Vec::new();
    while let Ok(received) = received.try_recv() {
        paths.push(received.head.uri.to_string());
    }
    assert_eq!(paths, ["/", "/", "/"]);
}

#[tokio::test]
async fn no_route_is_404_and_no_method_405() {
    let (address, _received) = told().await;
    let to = format!("http://{address}");
    let only = |methods: Value| json!({ "match": { "path": "/hooks/{team}", "methods": methods } });
    let routes = vec![served("post", &to, only(json!(["POST"]))), served("put", &to, only(json!(["PUT"])))];
    let host = Host::start(Settings::default(), routes).await;
    let mut sender = host.connect().await;
    let missed = sender.ask("GET /elsewhere HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!((missed.status, missed.problem()["title"].as_str()), (404, Some("Not Found")));
    let method = sender.ask("GET /hooks/a HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!((method.status, &method.headers[header::ALLOW]), (405, &"POST, PUT".parse().unwrap()));
    assert_eq!(sender.ask(post("/hooks/a", "{}")).await.status, 200);
    assert_eq!(host.gateway.counters().unrouted.load(std::sync::atomic::Ordering::Relaxed), 2);
    assert_eq!(host.records().len(), 1);
}

#[tokio::test]
async fn a_hundred_headers_are_taken_and_too_many_refused() {
    let (address, mut received) = told().await;
    let host = Host::to(address).await;
    let with = |count: usize| {
        let lines: String = (0..count).map(|index| format!("x-{index}: {index}\r\n")).collect();
        format!("GET / HTTP/1.1\r\nhost: a\r\n{lines}\r\n")
    };
    assert_eq!(host.connect().await.ask(with(100)).await.status, 200);
    assert_eq!(received.recv().await.unwrap().head.headers["x-99"], "99");
    assert_eq!(host.connect().await.ask(with(200)).await.status, 431);
    let long = format!("GET / HTTP/1.1\r\nhost: a\r\nx-long: {}\r\n\r\n", "x".repeat(70_000));
    assert_eq!(host.connect().await.ask(long).await.status, 431);
}
