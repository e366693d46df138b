//! A fixed number of requests over kept-alive connections.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use benches::event;
use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet};

pub(crate) const CONNECTIONS: usize = 32;

/// One request, to be sent again and again.
pub(crate) struct Load {
    address: SocketAddr,
    path: &'static str,
    headers: HeaderMap,
    body: Bytes,
}

impl Load {
    pub(crate) fn new(address: SocketAddr, path: &'static str, body: &Bytes) -> Self {
        Self { address, path, headers: event::headers(body), body: body.clone() }
    }

    /// How long it took until all were answered. Every answer must be 200.
    pub(crate) async fn send(&self, requests: usize) -> Result<Duration> {
        let mut connections = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            connections.push(connect(self.address).await?);
        }
        let left = Arc::new(AtomicUsize::new(requests));
        let start = Instant::now();
        let mut senders = JoinSet::new();
        for connection in connections {
            senders.spawn(send_all(connection, self.request(), Arc::clone(&left)));
        }
        while let Some(sender) = senders.join_next().await {
            sender??;
        }
        Ok(start.elapsed())
    }

    fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.path.parse().expect("a path");
        *request.headers_mut() = self.headers.clone();
        request
    }
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn send_all(
    mut connection: SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
    left: Arc<AtomicUsize>,
) -> Result<()> {
    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
        connection.ready().await?;
        let response = connection.send_request(request.clone()).await.context("no answer")?;
        let status = response.status();
        let answer = response.into_body().collect().await?.to_bytes();
        ensure!(status.is_success(), "answered {status}: {}", String::from_utf8_lossy(&answer));
    }
    Ok(())
}
