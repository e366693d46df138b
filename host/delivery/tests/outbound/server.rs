//! Destinations to send to.

use std::{convert::Infallible, net::SocketAddr};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Answers with `answer`, which is told the number of the connection, from 1, and the request.
pub(crate) async fn http<F, A, B>(answer: F) -> SocketAddr
where
    F: Fn(usize, Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B::Data: Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for connection in 1.. {
            let (tcp, _) = listener.accept().await.unwrap();
            let answer = answer.clone();
            let service = service_fn(move |request| {
                let answering = answer(connection, request);
                async move { Ok::<_, Infallible>(answering.await) }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(tcp), service));
        }
    });
    address
}

/// Hands each connection to `talk`, which may break every rule.
pub(crate) async fn raw<F, T>(talk: F) -> SocketAddr
where
    F: Fn(TcpStream) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            tokio::spawn(talk(tcp));
        }
    });
    address
}

/// Reads a request's head, answers with exactly `answer`, and keeps the connection open.
pub(crate) async fn says(answer: &'static str) -> SocketAddr {
    raw(move |mut tcp| async move {
        read_head(&mut tcp).await;
        tcp.write_all(answer.as_bytes()).await.unwrap();
        std::future::pending().await
    })
    .await
}

/// Reads a request's head, answers with exactly `answer`, and closes.
pub(crate) async fn says_and_closes(answer: &'static str) -> SocketAddr {
    raw(move |mut tcp| async move {
        read_head(&mut tcp).await;
        tcp.write_all(answer.as_bytes()).await.unwrap();
        tcp.shutdown().await.unwrap();
        // Until the other side closes too, so that nothing is reset.
        let _ = tokio::io::copy(&mut tcp, &mut tokio::io::sink()).await;
    })
    .await
}

/// The head as text; what follows of the body in the same read is lost.
pub(crate) async fn read_head(tcp: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        assert_ne!(tcp.read_buf(&mut head).await.unwrap(), 0, "closed before the head's end");
    }
    String::from_utf8(head).unwrap()
}
