//! Each way in which sending fails.

use std::{
    error::Error,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use delivery::{
    connector,
    destinations::http::{ANSWER_HEAD_BYTES_MAX, Client, EventBody, Kind, Pool, Target},
};
use http::{Method, Request};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::{io::AsyncWriteExt, net::TcpSocket};

use crate::{NEVER, client, connector, destination, post, server, target};

const SOON: Duration = Duration::from_millis(200);

/// Sends something small with `change`d limits, and tells how that failed.
async fn failure(url: &str, change: impl FnOnce(&mut model::destination::Http)) -> Kind {
    let mut destination = destination(url);
    change(&mut destination);
    let sending = client(&["127.0.0.1", "localhost"]);
    sending.send(&Target::new(&destination).unwrap(), post("/", "{}")).await.expect_err(url).kind
}

/// A port that is taken and refuses connections as long as this lives.
fn deaf() -> (TcpSocket, u16) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

#[tokio::test]
async fn nobody_listens() {
    let (_deaf, port) = deaf();
    assert_eq!(failure(&format!("http://127.0.0.1:{port}"), |_| ()).await, Kind::Connect);
    assert_eq!(failure(&format!("https://localhost:{port}"), |_| ()).await, Kind::Connect);
}

#[tokio::test]
async fn a_name_that_cannot_be() {
    // A label has at most 63 characters, so no name server is asked.
    assert_eq!(failure(&format!("http://{}/", "x".repeat(64)), |_| ()).await, Kind::Resolve);
}

#[tokio::test]
async fn connecting_has_its_limit() {
    // Linux lets connections wait in vain once the queue of those that nobody accepts is full.
    let (full, port) = deaf();
    let _full = full.listen(1).unwrap();
    let connector = connector(&["127.0.0.1"]);
    let mut taken = Vec::new();
    let error = loop {
        match connector.connect("127.0.0.1", port, SOON).await {
            Ok(tcp) => taken.push(tcp),
            Err(error) => break error,
        }
        assert!(taken.len() < 100, "the queue is never full");
    };
    assert!(matches!(error, connector::Error::Timeout { limit: SOON, .. }), "{error}");
    let kind = failure(&format!("http://127.0.0.1:{port}"), |destination| destination.connect_timeout = SOON).await;
    assert_eq!(kind, Kind::ConnectTimeout);
}

#[tokio::test]
async fn agreeing_on_tls_counts_as_connecting() {
    let address = server::raw(|tcp| async move {
        let _open = tcp;
        std::future::pending().await
    })
    .await;
    let kind = failure(&format!("https://{address}"), |destination| destination.connect_timeout = SOON).await;
    assert_eq!(kind, Kind::ConnectTimeout);
}

#[tokio::test]
async fn the_head_of_the_answer_has_its_limit() {
    let silent = server::says("").await;
    let begun = server::says("HTTP/1.1 200 O").await;
    for url in [format!("http://{silent}"), format!("http://{begun}")] {
        let kind = failure(&url, |destination| destination.first_byte_timeout = SOON).await;
        assert_eq!(kind, Kind::FirstByteTimeout);
    }
    let client = client(&["127.0.0.1"]);
    let mut destination = destination(&format!("http://{silent}"));
    destination.first_byte_timeout = SOON;
    let target = Target::new(&destination).unwrap();
    for method in [Method::GET, Method::HEAD, Method::POST] {
        let request = Request::builder().method(method).body(EventBody::whole(Bytes::new())).unwrap();
        assert_eq!(client.send(&target, request).await.unwrap_err().kind, Kind::FirstByteTimeout);
    }
}

#[tokio::test]
async fn the_whole_has_its_limit_before_the_head() {
    let address = server::says("").await;
    let kind = failure(&format!("http://{address}"), |destination| destination.total_timeout = SOON).await;
    assert_eq!(kind, Kind::TotalTimeout);
}

/// Sends to an answer that begins well and tells how reading its body failed, after how many bytes.
async fn body_failure(address: std::net::SocketAddr, total: Duration) -> (Kind, usize) {
    let mut destination = destination(&format!("http://{address}"));
    destination.total_timeout = total;
    let client = client(&["127.0.0.1"]);
    let answer = client.send(&Target::new(&destination).unwrap(), post("/", "{}")).await.unwrap();
    let mut body = answer.into_body();
    let mut read = 0;
    loop {
        match body.frame().await.expect("the body ended as if it were whole") {
            Ok(frame) => read += frame.into_data().unwrap().len(),
            Err(error) => return (error.kind, read),
        }
    }
}

#[tokio::test]
async fn the_whole_has_its_limit_while_the_answer_streams() {
    let address = server::says("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf.").await;
    assert_eq!(body_failure(address, Duration::from_secs(2)).await, (Kind::TotalTimeout, 5));
    let endless = server::raw(|mut tcp| async move {
        server::read_head(&mut tcp).await;
        tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999\r\n\r\n").await.unwrap();
        while tcp.write_all(&[b'x'; 4096]).await.is_ok() {}
    })
    .await;
    assert_eq!(body_failure(endless, Duration::from_secs(2)).await.0, Kind::TotalTimeout);
}

#[tokio::test]
async fn the_answer_breaks_off() {
    let short = server::says_and_closes("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf.").await;
    assert_eq!(body_failure(short, NEVER).await, (Kind::Broken, 5));
    let chunked = server::says_and_closes("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhalf.\r\n").await;
    assert_eq!(body_failure(chunked, NEVER).await, (Kind::Broken, 5));
}

#[tokio::test]
async fn the_head_is_broken() {
    for answer in
        ["", "HTTP/1.1 200 OK\r\nconte", "220 mail.example ESMTP\r\n", "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"]
    {
        let address = server::says_and_closes(answer).await;
        assert_eq!(failure(&format!("http://{address}"), |_| ()).await, Kind::Broken, "{answer:?}");
    }
}

#[tokio::test]
async fn the_head_is_longer_than_it_may_be() {
    let head = format!("HTTP/1.1 200 OK\r\nx-long: {}\r\n\r\n", "x".repeat(2 * ANSWER_HEAD_BYTES_MAX as usize));
    let address = server::says_and_closes(head.leak()).await;
    assert_eq!(failure(&format!("http://{address}"), |_| ()).await, Kind::Broken);
}

#[tokio::test]
async fn a_switch_of_protocols_that_nobody_asked_for() {
    let address =
        server::says("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n").await;
    assert_eq!(failure(&format!("http://{address}"), |_| ()).await, Kind::Broken);
}

#[tokio::test]
async fn a_tunnel_is_not_asked_for() {
    let request = Request::builder().method(Method::CONNECT).body(EventBody::whole(Bytes::new())).unwrap();
    let error = client(&["127.0.0.1"]).send(&target("http://127.0.0.1:1"), request).await.unwrap_err();
    assert_eq!((error.kind, error.status().as_u16()), (Kind::Unsendable, 400));
}

/// An event's body that fails when its second piece is asked for.
#[derive(Default)]
struct Failing(bool);

#[derive(Debug, thiserror::Error)]
#[error("the sender went away")]
struct SenderGone;

impl Body for Failing {
    type Data = Bytes;
    type Error = SenderGone;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, SenderGone>>> {
        let first = !std::mem::replace(&mut self.0, true);
        Poll::Ready(Some(if first { Ok(Frame::data(Bytes::from_static(b"one"))) } else { Err(SenderGone) }))
    }
}

#[tokio::test]
async fn the_event_s_own_body_fails() {
    let address = server::says("").await;
    let client = Client::<Failing>::new(connector(&["127.0.0.1"]), Pool::default());
    let request = Request::post("/").body(EventBody::streamed(Failing::default())).unwrap();
    let error = client.send(&target(&format!("http://{address}")), request).await.unwrap_err();
    assert_eq!(error.kind, Kind::Body);
    let mut source: &(dyn Error + 'static) = &error;
    while let Some(next) = source.source() {
        source = next;
    }
    assert!(source.is::<SenderGone>(), "{source}");
    assert!(error.reason().ends_with("the sender went away"), "{}", error.reason());
}

#[tokio::test]
async fn the_reason_has_every_cause_once() {
    let (_deaf, port) = deaf();
    let error =
        client(&["127.0.0.1"]).send(&target(&format!("http://127.0.0.1:{port}")), post("/", "{}")).await.unwrap_err();
    assert_eq!(error.status(), 503);
    let reason = error.reason();
    assert!(reason.contains(&format!("cannot connect to `127.0.0.1` port {port}")), "{reason}");
    let refused = io::Error::from_raw_os_error(111).to_string();
    assert_eq!(reason.matches(&refused).count(), 1, "{reason}");
}
