//! The API as a client sees it, with real operations on a real store behind it.

mod apply;
mod description;
mod door;
mod events;
mod modules;
mod writes;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Body};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use model::{
    Digest, EventId, Name, Timestamp,
    record::{Disposition, Record, Wanted},
};
use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};

use super::{Admin, Token};
use crate::control::{Recent, fixture};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A host of which only the API is there.
struct Host {
    admin: Admin,
    router: Router,
    ready: watch::Sender<bool>,
    events: Arc<Remembered>,
    _folder: tempfile::TempDir,
}

/// A request to it, by default with the token and with the body's type.
struct Ask {
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Body,
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Host {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let events = Arc::new(Remembered { records: Mutex::default(), tail: broadcast::Sender::new(2) });
        let (ready, is_ready) = watch::channel(true);
        let admin = Admin {
            control: fixture::open_with(folder.path(), Arc::clone(&events) as Arc<dyn Recent>).await,
            token: Arc::new(Token::new(TOKEN)),
            ready: is_ready,
            listen: "127.0.0.1:8081".parse().unwrap(),
            names: Vec::new(),
            gateway: "127.0.0.1:8080".parse().unwrap(),
            metrics: Arc::default(),
        };
        Self { router: super::router(admin.clone()), admin, ready, events, _folder: folder }
    }

    async fn send(&self, ask: Ask) -> http::Response<Body> {
        let mut request = Request::new(ask.body);
        *request.method_mut() = ask.method;
        *request.uri_mut() = ask.target.parse().unwrap();
        *request.headers_mut() = ask.headers;
        TowerToHyperService::new(self.router.clone()).call(request).await.unwrap()
    }

    async fn ask(&self, ask: Ask) -> Answer {
        let (head, body) = self.send(ask).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body =
            serde_json::from_slice(&body).unwrap_or_else(|_| Value::String(String::from_utf8(body.into()).unwrap()));
        Answer { status: head.status, headers: head.headers, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(Ask::new(Method::GET, path)).await
    }

    async fn put(&self, path: &str, body: Value) -> Answer {
        self.ask(Ask::new(Method::PUT, path).json(&body)).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Ask::new(Method::POST, path).json(&body)).await
    }

    async fn delete(&self, path: &str) -> Answer {
        self.ask(Ask::new(Method::DELETE, path)).await
    }

    async fn push(&self, path: &str, bytes: impl Into<Body>) -> Answer {
        self.ask(Ask::new(Method::POST, path).of_type("application/wasm").body(bytes)).await
    }

    async fn revision(&self) -> u64 {
        self.get("/v1/status").await.body["revision"].as_u64().unwrap()
    }
}

impl Ask {
    /// A path that does not begin with `/v1` or a dot is below the project `default`; one that begins with a dot is at the
    /// top.
    fn new(method: Method, path: &str) -> Self {
        let target = match path.strip_prefix('.') {
            Some(top) => top.to_owned(),
            None if path.starts_with("/v1") => path.to_owned(),
            None => format!("/v1/projects/default{path}"),
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "localhost:8081".parse().unwrap());
        headers.insert(header::AUTHORIZATION, format!("Bearer {TOKEN}").parse().unwrap());
        Self { method, target, headers, body: Body::empty() }
    }

    fn json(self, body: &Value) -> Self {
        self.of_type("application/json").body(body.to_string())
    }

    fn body(self, body: impl Into<Body>) -> Self {
        Self { body: body.into(), ..self }
    }

    fn of_type(self, kind: &str) -> Self {
        self.with("content-type", kind)
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.parse().unwrap());
        self
    }

    fn without(mut self, name: &'static str) -> Self {
        self.headers.remove(name);
        self
    }
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// As it is meant to be, with these faults: the place and the beginning of the problem.
    #[track_caller]
    fn refuses(&self, status: u16, faults: &[(&str, &str)]) {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["type"], "about:blank");
        assert_eq!(self.body["title"], self.status.canonical_reason().unwrap());
        assert_ne!(self.body["detail"], "");
        let given = self.body["faults"].as_array().cloned().unwrap_or_default();
        assert_eq!(given.len(), faults.len(), "{given:#?}");
        for (given, (at, problem)) in given.iter().zip(faults) {
            assert_eq!(given["at"], *at, "{given}");
            assert!(given["problem"].as_str().unwrap().starts_with(problem), "{given}");
        }
    }

    #[track_caller]
    fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap()
    }
}

fn destination() -> Value {
    json!({ "url": "https://ci.example.com/hooks" })
}

/// A route without filters.
fn route(path: &str) -> Value {
    json!({ "match": { "path": path }, "forward": { "candidates": ["ci"] } })
}

/// What tests say has happened.
#[derive(Debug)]
struct Remembered {
    records: Mutex<Vec<Record>>,
    tail: broadcast::Sender<Arc<Record>>,
}

impl Remembered {
    fn add(&self, project: &str, route: &str, disposition: Disposition) {
        let mut records = self.records.lock().unwrap();
        let record = Record {
            id: EventId::new(Timestamp::from_millis(records.len() as u64), 0).to_string(),
            project: project.to_owned(),
            route: route.to_owned(),
            received: 0,
            source: "127.0.0.1".to_owned(),
            method: "POST".to_owned(),
            path: "/".to_owned(),
            revision: 1,
            disposition,
            status: 200,
            reason: None,
            destination: None,
            labels: Vec::new(),
            idempotency_key: None,
            order_key: None,
            duration_us: 0,
            destination_us: None,
            body_bytes: None,
            filters: Vec::new(),
            capture: None,
        };
        records.push(record.clone());
        _ = self.tail.send(Arc::new(record));
    }
}

impl Recent for Remembered {
    fn latest(&self, wanted: &Wanted) -> Vec<Record> {
        let records = self.records.lock().unwrap();
        records.iter().rev().filter(|record| wanted.takes(record)).take(wanted.at_most).cloned().collect()
    }

    fn find(&self, project: &Name, event: EventId) -> Option<Record> {
        let records = self.records.lock().unwrap();
        records.iter().find(|known| known.id == event.to_string() && known.project == project.as_str()).cloned()
    }

    fn refers_to_module(&self, _: &Digest) -> bool {
        false
    }

    fn configurations(&self, _: &Name) -> HashSet<Digest> {
        HashSet::new()
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<Record>> {
        self.tail.subscribe()
    }
}

/// Nothing that ends.
fn endless() -> Body {
    let piece = Bytes::from(vec![b' '; 1 << 20]);
    Body::from_stream(futures_util::stream::repeat_with(move || Ok::<_, std::io::Error>(piece.clone())))
}
