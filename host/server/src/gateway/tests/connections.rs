//! Connections: their protocols, their limits, and their end.

use std::sync::atomic::Ordering::Relaxed;

use super::*;

#[tokio::test]
async fn http_2_is_spoken_with_prior_knowledge() {
    let (address, mut received) = told().await;
    let host = Host::to(address).await;
    let tcp = TcpStream::connect(host.address).await.unwrap();
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(tcp)).await.unwrap();
    tokio::spawn(connection);
    let request = |method: &str, path: &str, body: &'static str| {
        let uri = format!("https://hooks.example.com:8443{path}");
        Request::builder().method(method).uri(uri).header("x-two", "2").body(Full::new(Bytes::from(body))).unwrap()
    };
    let first = client.send_request(request("POST", "/a?b", "one"));
    let second = client.send_request(request("POST", "/c", ""));
    for answer in [first.await.unwrap(), second.await.unwrap()] {
        assert_eq!((answer.status(), answer.version()), (StatusCode::OK, http::Version::HTTP_2));
        assert!(answer.headers().contains_key("snaphook-event"));
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "ok");
    }
    let mut arrived = [received.recv().await.unwrap(), received.recv().await.unwrap()];
    arrived.sort_by_key(|received| received.head.uri.to_string());
    assert_eq!((arrived[0].head.uri.to_string().as_str(), &arrived[0].body[..]), ("/a?b", &b"one"[..]));
    assert_eq!(arrived[1].body, "");
    let headers = &arrived[0].head.headers;
    assert_eq!(
        (&headers["x-forwarded-host"], &headers["via"]),
        (&"hooks.example.com:8443".parse().unwrap(), &"2 snaphook".parse().unwrap())
    );
    // The scheme is what the listener speaks, not what the sender claims.
    assert_eq!(headers["x-forwarded-proto"], "http");
    let head = client.send_request(request("HEAD", "/", "")).await.unwrap();
    assert_eq!(head.into_body().collect().await.unwrap().to_bytes(), "");
}

#[tokio::test]
async fn http_2_bodies_have_the_same_limits() {
    let (address, mut received) = told().await;
    let route = served("all", &format!("http://{address}"), json!({ "body_limit_bytes": 1_000 }));
    let settings = Settings { body_idle_timeout: Duration::from_millis(50), ..Settings::default() };
    let host = Host::start(settings, vec![route]).await;
    let tcp = TcpStream::connect(host.address).await.unwrap();
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(tcp)).await.unwrap();
    tokio::spawn(connection);
    let large = Full::new(Bytes::from(vec![b'x'; 1_001])).map_err(|never| match never {}).boxed();
    // One that never ends, with one byte at its beginning.
    let begun = futures_util::stream::unfold(true, |first| async move {
        match first {
            true => Some((Ok::<_, hyper::Error>(hyper::body::Frame::data(Bytes::from_static(b"x"))), false)),
            false => std::future::pending().await,
        }
    });
    let slow: BoxBody<Bytes, hyper::Error> = BodyExt::boxed(http_body_util::StreamBody::new(begun));
    for (body, status) in [(large, 413), (slow, 408)] {
        let request = Request::post("http://hooks.example.com/").body(body).unwrap();
        let answer = timeout(STUCK, client.send_request(request)).await.unwrap().unwrap();
        assert_eq!(answer.status(), status);
    }
    assert!(received.try_recv().is_err());
    // The connection outlives its streams.
    let small = Full::new(Bytes::from_static(b"x")).map_err(|never| match never {}).boxed();
    let request = Request::post("http://hooks.example.com/").body(small).unwrap();
    assert_eq!(client.send_request(request).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_head_that_does_not_come_closes_the_connection() {
    let settings = Settings {
        header_read_timeout: Duration::from_millis(50),
        keep_alive_idle: Duration::from_millis(50),
        ..Settings::default()
    };
    let (address, _received) = told().await;
    let host = Host::start(settings, vec![served("all", &format!("http://{address}"), json!({}))]).await;
    let mut silent = host.connect().await;
    let mut slow = host.connect().await;
    slow.write("GET / HT").await;
    let mut idle = host.connect().await;
    assert_eq!(idle.ask(post("/", "{}")).await.status, 200);
    silent.closed().await;
    slow.closed().await;
    idle.closed().await;
    eventually(|| host.gateway.counters().connections_open.load(Relaxed) == 0).await;
    assert_eq!(host.gateway.counters().connections.load(Relaxed), 3);
}

#[tokio::test]
async fn connections_past_the_limit_wait() {
    let (address, _received) = told().await;
    let settings = Settings { connections_most: 1, ..Settings::default() };
    let host = Host::start(settings, vec![served("all", &format!("http://{address}"), json!({}))]).await;
    let mut first = host.connect().await;
    assert_eq!(first.ask(post("/", "{}")).await.status, 200);
    let mut second = host.connect().await;
    second.write(post("/", "{}")).await;
    assert_eq!(first.ask(post("/", "{}")).await.status, 200);
    assert_eq!(host.gateway.counters().connections.load(Relaxed), 1);
    drop(first);
    assert_eq!(second.reply().await.status, 200);
}

#[tokio::test]
async fn stopping_lets_requests_end_and_takes_no_more() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let go = Arc::new(tokio::sync::Notify::new());
    let waits = Arc::clone(&go);
    let address = upstream(move |_| {
        let (tell, waits) = (tell.clone(), Arc::clone(&waits));
        async move {
            tell.send(()).unwrap();
            waits.notified().await;
            whole("late")
        }
    })
    .await;
    let host = Host::to(address).await;
    let mut idle = host.connect().await;
    idle.write("GET /").await;
    let mut busy = host.connect().await;
    busy.write(post("/", "{}")).await;
    told.recv().await.unwrap();
    host.stop.cancel();
    eventually(|| std::net::TcpStream::connect(host.address).is_err()).await;
    assert!(!host.serving.is_finished());
    go.notify_one();
    let reply = busy.reply().await;
    assert_eq!((reply.status, &reply.body[..]), (200, &b"late"[..]));
    busy.closed().await;
    drop(idle);
    timeout(STUCK, host.serving).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn what_does_not_end_is_cut_off() {
    let address = upstream(|_| std::future::pending::<Answer>()).await;
    let settings = Settings { drain: Duration::from_millis(20), ..Settings::default() };
    let host = Host::start(settings, vec![served("all", &format!("http://{address}"), json!({}))]).await;
    let mut sender = host.connect().await;
    sender.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n").await;
    eventually(|| host.gateway.counters().connections_open.load(Relaxed) == 1).await;
    host.stop.cancel();
    timeout(STUCK, host.serving).await.unwrap().unwrap().unwrap();
    sender.closed().await;
}
