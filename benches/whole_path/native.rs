//! The same work without sandbox: a bare hyper proxy, and the destination behind both gateways. As plain as can be, so that
//! what Snaphook costs more is what a gateway is for.

use std::{
    convert::Infallible,
    future::Future,
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use anyhow::Result;
use aws_lc_rs::hmac;
use benches::{event::SECRET, rewrite};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode, Uri,
    header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING},
    uri::{Authority, Scheme},
};
use http_body_util::{BodyExt, Either, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::net::TcpListener;

type Body = Either<Incoming, Full<Bytes>>;

/// Reads what it is sent and answers `ok`.
pub(crate) fn upstream() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(async |request: Request<Incoming>| {
        let mut body = request.into_body();
        while let Some(Ok(_)) = body.frame().await {}
        answer(StatusCode::OK, "ok\n")
    }))
}

struct Proxy {
    client: Client<HttpConnector, Body>,
    upstream: Authority,
    key: hmac::Key,
}

/// Paths are jobs: `/J0` forwards, `/J1` verifies and sets a header, `/J2` rewrites the body as well.
pub(crate) fn proxy(upstream: &str) -> Result<()> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let proxy = Arc::new(Proxy {
        client: Client::builder(TokioExecutor::new()).pool_max_idle_per_host(1_024).build(connector),
        upstream: upstream.parse()?,
        key: hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()),
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(crate::THREADS).enable_all().build()?;
    runtime.block_on(serve(move |request| {
        let proxy = Arc::clone(&proxy);
        async move { proxy.handle(request).await }
    }))
}

impl Proxy {
    async fn handle(&self, request: Request<Incoming>) -> Response<Body> {
        let (mut head, body) = request.into_parts();
        let (verifies, rewrites) = match head.uri.path() {
            "/J1" => (true, false),
            "/J2" => (true, true),
            _ => (false, false),
        };
        let mut uri = head.uri.into_parts();
        (uri.scheme, uri.authority) = (Some(Scheme::HTTP), Some(self.upstream.clone()));
        head.uri = Uri::from_parts(uri).expect("a request's path");
        head.headers.remove(CONNECTION);
        head.headers.remove(HOST);
        let mut body = Either::Left(body);
        if verifies {
            let Ok(read) = body.collect().await else { return answer(StatusCode::BAD_REQUEST, "cut off\n") };
            let mut bytes = read.to_bytes();
            if !self.signed(&head.headers, &bytes) {
                return answer(StatusCode::UNAUTHORIZED, "bad signature\n");
            }
            head.headers.insert("x-verified", HeaderValue::from_static("1"));
            if rewrites {
                let Ok(short) = rewrite::rewrite(&bytes) else { return answer(StatusCode::BAD_REQUEST, "no JSON\n") };
                bytes = short.into();
            }
            head.headers.remove(TRANSFER_ENCODING);
            head.headers.insert(CONTENT_LENGTH, bytes.len().into());
            body = Either::Right(Full::new(bytes));
        }
        match self.client.request(Request::from_parts(head, body)).await {
            Ok(response) => response.map(Either::Left),
            Err(_) => answer(StatusCode::BAD_GATEWAY, "no upstream\n"),
        }
    }

    fn signed(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let hex = headers.get("x-hub-signature-256").and_then(|value| value.as_bytes().strip_prefix(b"sha256="));
        let signature = hex.and_then(|hex| hex::decode(hex).ok());
        signature.is_some_and(|signature| hmac::verify(&self.key, body, &signature).is_ok())
    }
}

fn answer(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut answer = Response::new(Either::Right(Full::new(Bytes::from_static(text.as_bytes()))));
    *answer.status_mut() = status;
    answer
}

/// Listens on a free port of loopback, says which, and answers for ever.
async fn serve<F, A>(handle: F) -> Result<()>
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Response<Body>> + Send + 'static,
{
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let handle = handle.clone();
        let service = service_fn(move |request| {
            let answer = handle(request);
            async move { Ok::<_, Infallible>(answer.await) }
        });
        tokio::spawn(async move {
            // Connections break off when the load is over.
            _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
