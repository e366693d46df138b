//! Requests out and answers back, when all goes well.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use delivery::destinations::http::{Client, EventBody, Pool};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use model::destination::PathRule;
use tokio::{io::AsyncWriteExt, sync::mpsc};

use crate::{NEVER, client, connector, destination, post, server, target, text};

/// A body whose pieces come while it is sent.
struct Pieces {
    pieces: mpsc::Receiver<Bytes>,
    left: Option<u64>,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.pieces.poll_recv(cx).map(|piece| {
            let piece = piece?;
            self.left = self.left.map(|left| left - piece.len() as u64);
            Some(Ok(Frame::data(piece)))
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map(SizeHint::with_exact).unwrap_or_default()
    }
}

/// Answers with the request's head as it came.
async fn mirror() -> std::net::SocketAddr {
    server::raw(|mut tcp| async move {
        loop {
            let head = server::read_head(&mut tcp).await;
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{head}", head.len());
            tcp.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await
}

/// Answers with the request's body as it came.
async fn echo() -> std::net::SocketAddr {
    server::http(|_, request| async move { Response::new(request.into_body()) }).await
}

#[tokio::test]
async fn the_request_arrives_as_it_was_made() {
    let address = mirror().await;
    let mut request = post("/hooks/x?q=1&q=2", "");
    request.headers_mut().append("x-twice", HeaderValue::from_static("1"));
    request.headers_mut().append("x-twice", HeaderValue::from_static("2"));
    request.headers_mut().insert("x-bytes", HeaderValue::from_bytes(b"caf\xc3\xa9").unwrap());
    // These belong to the connection of the sender.
    request.headers_mut().insert(header::HOST, HeaderValue::from_static("gateway.example"));
    request.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("77"));
    request.headers_mut().insert(header::EXPECT, HeaderValue::from_static("100-continue"));
    *request.version_mut() = Version::HTTP_2;
    let answer = client(&["127.0.0.1"]).send(&target(&format!("http://{address}/in?k=1")), request).await.unwrap();

    let head = text(answer).await;
    let mut lines: Vec<_> = head.trim_end().lines().collect();
    assert_eq!(lines.remove(0), "POST /in/hooks/x?k=1&q=1&q=2 HTTP/1.1");
    lines.sort_unstable();
    let host = format!("host: {address}");
    assert_eq!(lines, ["content-length: 0", &host, "x-bytes: café", "x-twice: 1", "x-twice: 2"]);
}

#[tokio::test]
async fn a_fixed_url_is_kept() {
    let address = mirror().await;
    let mut destination = destination(&format!("http://{address}/only/this?k"));
    destination.path = PathRule::Fixed;
    let target = delivery::destinations::http::Target::new(&destination).unwrap();
    let answer = client(&["127.0.0.1"]).send(&target, post("/other?q", "")).await.unwrap();
    assert!(text(answer).await.starts_with("POST /only/this?k HTTP/1.1\r\n"));
}

#[tokio::test]
async fn bodies_are_framed_by_what_is_known_of_them() {
    let address = mirror().await;
    let client = Client::<Pieces>::new(connector(&["127.0.0.1"]), Pool::default());
    let rows = [
        (Method::POST, Some(0), None, "content-length: 0"),
        (Method::GET, Some(0), Some("5"), ""),
        (Method::DELETE, Some(0), Some("5"), ""),
        (Method::POST, Some(3), Some("5"), "content-length: 3"),
        (Method::GET, Some(3), None, "content-length: 3"),
        (Method::PUT, None, Some("5"), "transfer-encoding: chunked"),
        (Method::GET, None, None, "transfer-encoding: chunked"),
    ];
    for (method, length, written, expected) in rows {
        let (pieces, receiver) = mpsc::channel(1);
        let body = match length {
            Some(0) => EventBody::whole(Bytes::new()),
            left => EventBody::streamed(Pieces { pieces: receiver, left }),
        };
        let mut request = Request::builder().method(method.clone()).uri("/").body(body).unwrap();
        if let Some(written) = written {
            request.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static(written));
        }
        // The mirror reads no bodies, so each is sent over a connection of its own and never finished.
        request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        let answer = client.send(&target(&format!("http://{address}")), request).await.unwrap();
        let head = text(answer).await;
        let framing: Vec<_> =
            head.lines().filter(|line| line.starts_with("content-length") || line.starts_with("transfer")).collect();
        assert_eq!(framing.join("|"), expected, "{method} with {length:?} bytes, announced {written:?}");
        drop(pieces);
    }
}

#[tokio::test]
async fn the_answer_comes_back_as_it_was_made() {
    let address = server::says(
        "HTTP/1.1 207 Quite So\r\ncontent-length: 2\r\nset-cookie: a\r\nx-other: o\r\nset-cookie: b\r\n\
         connection: keep-alive, x-private\r\nx-private: p\r\nkeep-alive: timeout=5\r\nproxy-connection: x\r\n\
         te: trailers\r\nupgrade: h2c\r\nproxy-authenticate: Basic\r\n\r\nok",
    )
    .await;
    let answer = client(&["127.0.0.1"]).send(&target(&format!("http://{address}")), post("/", "{}")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::MULTI_STATUS);
    let headers: Vec<_> = answer.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let expected: [(&str, &[u8]); 4] =
        [("content-length", b"2"), ("set-cookie", b"a"), ("set-cookie", b"b"), ("x-other", b"o")];
    assert_eq!(headers, expected);
    assert_eq!(text(answer).await, "ok");
}

#[tokio::test]
async fn an_old_answer_is_handed_on_as_http_1_1() {
    let address = server::says_and_closes("HTTP/1.0 200 OK\r\n\r\nuntil closed").await;
    let answer = client(&["127.0.0.1"]).send(&target(&format!("http://{address}")), post("/", "{}")).await.unwrap();
    assert_eq!(answer.version(), Version::HTTP_11);
    assert_eq!(text(answer).await, "until closed");
}

#[tokio::test]
async fn the_answer_to_head_keeps_its_length() {
    let address = server::says("HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n").await;
    let request = Request::head("/").body(EventBody::whole(Bytes::new())).unwrap();
    let answer = client(&["127.0.0.1"]).send(&target(&format!("http://{address}")), request).await.unwrap();
    assert_eq!(answer.headers()[header::CONTENT_LENGTH], "1234");
    assert_eq!(text(answer).await, "");
}

#[tokio::test]
async fn the_answer_is_streamed() {
    let (pieces, receiver) = mpsc::channel(1);
    let receiver = std::sync::Arc::new(std::sync::Mutex::new(Some(receiver)));
    let address = server::http(move |_, _| {
        let pieces = receiver.lock().unwrap().take().unwrap();
        async { Response::new(Pieces { pieces, left: None }) }
    })
    .await;
    let answer = client(&["127.0.0.1"]).send(&target(&format!("http://{address}")), post("/", "{}")).await.unwrap();
    let mut body = answer.into_body();
    // The second piece is made only once the first was received.
    for piece in ["one", "two"] {
        pieces.send(Bytes::from_static(piece.as_bytes())).await.unwrap();
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), piece);
    }
    drop(pieces);
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn big_bodies_go_both_ways() {
    let address = echo().await;
    let sent: Bytes = (0..9_000_001u32).map(|n| (n % 251) as u8).collect();
    let answer =
        client(&["127.0.0.1"]).send(&target(&format!("http://{address}")), post("/", sent.clone())).await.unwrap();
    assert_eq!(answer.headers()[header::CONTENT_LENGTH], "9000001");
    let received = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(received == sent, "{} of {} bytes came back, or others", received.len(), sent.len());
}

#[tokio::test]
async fn what_comes_in_can_be_streamed_out() {
    let destination = echo().await;
    let client = std::sync::Arc::new(client(&["127.0.0.1"]));
    let gateway = server::http(move |_, request: Request<Incoming>| {
        let client = std::sync::Arc::clone(&client);
        async move {
            client.send(&target(&format!("http://{destination}")), request.map(EventBody::streamed)).await.unwrap()
        }
    })
    .await;
    let outside = Client::<Pieces>::new(connector(&["127.0.0.1"]), Pool::default());
    for left in [None, Some(6)] {
        let (pieces, receiver) = mpsc::channel(1);
        let request = Request::post("/").body(EventBody::streamed(Pieces { pieces: receiver, left })).unwrap();
        pieces.send(Bytes::from_static(b"one")).await.unwrap();
        let gateway = target(&format!("http://{gateway}"));
        let answer = outside.send(&gateway, request).await.unwrap();
        let mut body = answer.into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "one");
        // The first piece made the whole way and back before the second exists.
        pieces.send(Bytes::from_static(b"two")).await.unwrap();
        drop(pieces);
        assert_eq!(body.collect().await.unwrap().to_bytes(), "two");
    }
}

#[tokio::test]
async fn a_slow_sender_is_not_held_against_the_destination() {
    let address = server::http(|_, request| async move {
        Response::new(Full::new(request.into_body().collect().await.unwrap().to_bytes()))
    })
    .await;
    for left in [None, Some(3)] {
        let (pieces, receiver) = mpsc::channel(1);
        let client = Client::<Pieces>::new(connector(&["127.0.0.1"]), Pool::default());
        let mut destination = destination(&format!("http://{address}"));
        destination.first_byte_timeout = Duration::from_secs(1);
        let target = delivery::destinations::http::Target::new(&destination).unwrap();
        let request = Request::post("/").body(EventBody::streamed(Pieces { pieces: receiver, left })).unwrap();
        let upload = async {
            tokio::time::sleep(destination.first_byte_timeout * 3 / 2).await;
            pieces.send(Bytes::from_static(b"abc")).await.unwrap();
            drop(pieces);
        };
        let (answer, ()) = tokio::join!(client.send(&target, request), upload);
        assert_eq!(text(answer.unwrap()).await, "abc");
    }
}

#[tokio::test]
async fn redirects_are_handed_back() {
    let address = server::http(|_, request| async move {
        assert_eq!(request.uri(), "/old", "a redirect was followed");
        let answer = Response::builder().status(StatusCode::PERMANENT_REDIRECT).header(header::LOCATION, "/new");
        answer.body(Full::new(Bytes::from_static(b"moved"))).unwrap()
    })
    .await;
    let answer = client(&["127.0.0.1"]).send(&target(&format!("http://{address}")), post("/old", "{}")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(answer.headers()[header::LOCATION], "/new");
    assert_eq!(text(answer).await, "moved");
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let address =
        server::http(|connection, _| async move { Response::new(Full::new(Bytes::from(connection.to_string()))) })
            .await;
    let client = client(&["127.0.0.1"]);
    let target = target(&format!("http://{address}"));
    assert_eq!(text(client.send(&target, post("/", "{}")).await.unwrap()).await, "1");
    for _ in 0..20 {
        // The connection goes back to the pool in a task of its own.
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(text(client.send(&target, post("/", "{}")).await.unwrap()).await, "1");
    }
}

#[tokio::test]
async fn a_pooled_connection_that_was_closed_is_replaced() {
    let (closed, mut is_closed) = mpsc::channel(1);
    let address = server::raw(move |mut tcp| {
        let closed = closed.clone();
        async move {
            server::read_head(&mut tcp).await;
            tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
            drop(tcp);
            closed.send(()).await.unwrap();
        }
    })
    .await;
    let client = client(&["127.0.0.1"]);
    let target = target(&format!("http://{address}"));
    for _ in 0..5 {
        let answer = client.send(&target, post("/", "")).await.unwrap();
        assert_eq!(text(answer).await, "ok");
        is_closed.recv().await.unwrap();
        // So that the client's side hears of it; a request that crosses the closing may not be sent again.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_raw_connection_goes_the_same_way() {
    let address = server::says("hello").await;
    let mut tcp = connector(&["127.0.0.1"]).connect("127.0.0.1", address.port(), NEVER).await.unwrap();
    assert!(tcp.nodelay().unwrap());
    tcp.write_all(b"\r\n\r\n").await.unwrap();
    let mut hello = [0; 5];
    tokio::io::AsyncReadExt::read_exact(&mut tcp, &mut hello).await.unwrap();
    assert_eq!(&hello, b"hello");
}
