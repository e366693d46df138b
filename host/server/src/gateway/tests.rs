//! The gateway as a whole on loopback, without filters: from a sender's socket to a scripted destination and back.

use std::{net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use delivery::{Connector, Waker, destinations::http::Target, egress::Allow};
use filters::{Chain, kv::Overlay};
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use model::{
    EventId, Name, Timestamp,
    record::{Disposition, Record, Wanted},
    routing::{Entry, Table},
    spec::RouteSpec,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{Gateway, Recorder, Reservations, Settings};
use crate::{
    budget::Budget,
    snapshot::{self, Current, Destinations, Served, Snapshot},
};

mod answers;
mod bodies;
mod connections;
mod requests;

/// Long enough for anything that is not stuck.
const STUCK: Duration = Duration::from_secs(20);

struct NoReservations;

impl Reservations for NoReservations {
    fn settle(&self, _: EventId, _: bool) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async {})
    }
}

pub(super) fn gateway(settings: Settings, current: Current) -> Arc<Gateway> {
    let allow = Allow::read(&["127.0.0.1"]).unwrap();
    let connector = Connector::new(allow, &[]).unwrap();
    let recorder = Arc::new(Recorder::new(settings.records));
    // Its files live as long as it is open: what is told here stores nothing that is read again.
    let folder = tempfile::tempdir().unwrap();
    let (_, journal) = store::embedded::open(&store::embedded::Options::new(folder.path())).unwrap();
    Arc::new(Gateway::new(
        current,
        connector,
        Arc::new(Overlay::default()),
        Arc::new(NoReservations),
        Arc::new(journal),
        Waker::default(),
        recorder,
        settings,
    ))
}

/// A route to this address with what else is written for it; its destination appends path and query.
pub(super) fn served(name: &str, to: &str, route: Value) -> Arc<Served> {
    let project: Name = "default".parse().unwrap();
    let up: Name = "up".parse().unwrap();
    let mut spec: RouteSpec = serde_json::from_value(route).unwrap();
    spec.forward = Some(serde_json::from_value(json!({ "candidates": ["up"] })).unwrap());
    let route = spec.read(&project, &name.parse().unwrap()).unwrap();
    let destination: model::destination::DestinationSpec =
        serde_json::from_value(json!({ "url": to, "path": "append", "first_byte_timeout_ms": 400 })).unwrap();
    let target = Target::new(&destination.read(&project, &up).unwrap().http).unwrap();
    let destinations = vec![(up.clone(), target)];
    let buffer = Arc::new(Budget::new(1 << 30));
    Arc::new(Served {
        route,
        chain: Chain::default(),
        transforms: Vec::new(),
        destinations,
        names: [up].into(),
        buffer,
    })
}

fn snapshot_of(routes: Vec<Arc<Served>>) -> Current {
    let entry = |served: &Arc<Served>| Entry {
        project: served.route.project.clone(),
        route: served.route.name.clone(),
        matches: served.route.matches.clone(),
        target: Arc::clone(served),
    };
    let table = Table::build(routes.iter().map(entry).collect()).unwrap();
    snapshot::serve(Snapshot::new(7, table, routes.into_iter(), Destinations::new())).1
}

/// A gateway that listens.
struct Host {
    gateway: Arc<Gateway>,
    address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Host {
    async fn start(settings: Settings, routes: Vec<Arc<Served>>) -> Self {
        let gateway = gateway(settings, snapshot_of(routes));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(super::serve(listener, Arc::clone(&gateway), stop.clone(), || ()));
        Self { gateway, address, stop, serving }
    }

    /// With one route for everything, to this address.
    async fn to(upstream: SocketAddr) -> Self {
        Self::start(Settings::default(), vec![served("all", &format!("http://{upstream}"), json!({}))]).await
    }

    async fn connect(&self) -> Sender {
        Sender { tcp: TcpStream::connect(self.address).await.unwrap(), read: Vec::new() }
    }

    /// The newest first.
    fn records(&self) -> Vec<Record> {
        let wanted = Wanted { project: "default".parse().unwrap(), route: None, disposition: None, at_most: 100 };
        self.gateway.recorder.latest(&wanted, Timestamp::now())
    }
}

type Answer = Response<BoxBody<Bytes, hyper::Error>>;

fn whole(body: impl Into<Bytes>) -> Answer {
    Response::new(Full::new(body.into()).map_err(|never| match never {}).boxed())
}

/// A destination that answers as it is told.
async fn upstream<F, A>(answer: F) -> SocketAddr
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Answer> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let answer = answer.clone();
            let service = service_fn(move |request| {
                let answer = answer(request);
                async move { Ok::<_, hyper::Error>(answer.await) }
            });
            let mut http = hyper::server::conn::http1::Builder::new();
            tokio::spawn(http.max_headers(500).serve_connection(TokioIo::new(tcp), service));
        }
    });
    address
}

/// What a destination received.
#[derive(Debug)]
struct Received {
    head: http::request::Parts,
    body: Bytes,
    trailers: Option<HeaderMap>,
}

/// A destination that reads everything, answers 200 `ok`, and tells what it received.
async fn told() -> (SocketAddr, mpsc::UnboundedReceiver<Received>) {
    let (tell, received) = mpsc::unbounded_channel();
    let address = upstream(move |request| {
        let tell = tell.clone();
        async move {
            let (head, body) = request.into_parts();
            // A body that breaks off is not received.
            if let Ok(collected) = body.collect().await {
                let trailers = collected.trailers().cloned();
                tell.send(Received { head, body: collected.to_bytes(), trailers }).unwrap();
            }
            whole("ok")
        }
    });
    (address.await, received)
}

/// A sender that speaks HTTP/1.1 byte by byte.
struct Sender {
    tcp: TcpStream,
    read: Vec<u8>,
}

#[derive(Debug)]
struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Reply {
    fn problem(&self) -> Value {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        let problem: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["event"], self.headers["snaphook-event"].to_str().unwrap());
        problem
    }
}

impl Sender {
    async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.tcp.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads until the text has come.
    async fn until(&mut self, text: &str) -> String {
        let found = timeout(STUCK, async {
            loop {
                let read = String::from_utf8_lossy(&self.read).into_owned();
                if let Some(at) = read.find(text) {
                    self.read.drain(..at + text.len());
                    return read[..at + text.len()].to_owned();
                }
                let more = self.tcp.read_buf(&mut self.read).await.unwrap();
                assert!(more > 0, "closed before `{text}`, after: {read}");
            }
        });
        found.await.unwrap_or_else(|_| panic!("`{text}` did not come, but: {}", String::from_utf8_lossy(&self.read)))
    }

    /// One whole answer with a known length. `bare` is an answer to HEAD.
    async fn reply_of(&mut self, bare: bool) -> Reply {
        let head = self.until("\r\n\r\n").await;
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            headers.append(http::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        }
        let length = headers.get(header::CONTENT_LENGTH).map_or(0, |length| length.to_str().unwrap().parse().unwrap());
        let length = if bare { 0 } else { length };
        let rest = timeout(STUCK, async {
            while self.read.len() < length {
                assert!(self.tcp.read_buf(&mut self.read).await.unwrap() > 0);
            }
        });
        rest.await.expect("the whole answer");
        let body = self.read.drain(..length).collect::<Vec<u8>>().into();
        Reply { status, headers, body }
    }

    async fn reply(&mut self) -> Reply {
        self.reply_of(false).await
    }

    /// Sends one request and reads its answer.
    async fn ask(&mut self, request: impl AsRef<[u8]>) -> Reply {
        self.write(request).await;
        self.reply().await
    }

    /// Waits until the other side has closed, and nothing more came.
    async fn closed(&mut self) {
        let mut rest = Vec::new();
        let end = timeout(STUCK, self.tcp.read_to_end(&mut rest)).await.expect("closed");
        // Closed with a reset is closed as well.
        _ = end;
        assert_eq!(String::from_utf8_lossy(&self.read) + String::from_utf8_lossy(&rest), "");
    }
}

fn post(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: hooks.example.com\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// Waits until it is so.
async fn eventually(mut so: impl FnMut() -> bool) {
    let waiting = timeout(STUCK, async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waiting.await.expect("it became so");
}
