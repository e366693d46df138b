//! The whole program, in this process, on ports and in a folder of its own.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use server::{
    run::{self, Running},
    settings::{Settings, Strictness},
};
use tempfile::TempDir;

use super::{Answer, Api, Destination, Wire, eventually, guest};

pub(crate) struct Platform {
    running: Running,
    folder: TempDir,
    typed: Vec<(String, String)>,
    token: String,
    pub(crate) api: Api,
    http: Client<HttpConnector, Full<Bytes>>,
}

/// The header that tells filter `told` what to do.
pub(crate) fn told(what: &Value) -> (&'static str, String) {
    ("x-do", what.to_string())
}

impl Platform {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With these settings beside those that every story has.
    pub(crate) async fn with(set: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("data");
        let mut typed = vec![
            ("data".to_owned(), data.to_str().unwrap().to_owned()),
            ("gateway.listen".to_owned(), "127.0.0.1:0".to_owned()),
            ("admin.listen".to_owned(), "127.0.0.1:0".to_owned()),
            ("egress.allow".to_owned(), "127.0.0.1".to_owned()),
        ];
        typed.extend(set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Self::in_folder(folder, typed).await
    }

    async fn in_folder(folder: TempDir, typed: Vec<(String, String)>) -> Self {
        let settings = Settings::load(None, &typed, Strictness::KnownVariables).unwrap();
        let running = run::start(settings).await.unwrap();
        let token = std::fs::read_to_string(folder.path().join("data/admin-token")).unwrap().trim().to_owned();
        let api = Api::new(running.admin, &token);
        Self { running, folder, typed, token, api, http: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// With filter `told` on route `hooks` at `/hook`, which does what header `x-do` says, and then one destination.
    pub(crate) async fn with_told(destination: &Destination) -> Self {
        let platform = Self::start().await;
        platform.bring_told(destination).await;
        platform
    }

    pub(crate) async fn bring_told(&self, destination: &Destination) {
        self.push("told").await;
        self.secret("webhook", "It's a Secret to Everybody").await;
        self.secret("token", "shown").await;
        self.destination("ci", destination).await;
        self.route("hooks", "/hook", &["ci"], json!([self.told()])).await;
    }

    /// Filter `told`, with everything granted that it asks for.
    #[expect(clippy::unused_self, reason = "it can be attached only where its module and secrets are")]
    pub(crate) fn told(&self) -> Value {
        json!({
            "name": "told",
            "module": "told",
            "config": {"do": "as-told"},
            "grants": {"secrets": {"webhook": "webhook"}, "reveal": {"token": "token"}, "kv": ["store"]},
        })
    }

    /// Stops the host and starts it again on the same folder.
    pub(crate) async fn restart(self) -> Self {
        self.restart_after(|_| ()).await
    }

    /// While it is stopped, `meanwhile` may do something to the folder.
    pub(crate) async fn restart_after(self, meanwhile: impl FnOnce(&Path)) -> Self {
        let data = self.folder();
        self.running.stop().await.unwrap();
        meanwhile(&data);
        Self::in_folder(self.folder, self.typed).await
    }

    pub(crate) async fn stop(self) {
        self.running.stop().await.unwrap();
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn gateway(&self) -> SocketAddr {
        self.running.gateway
    }

    pub(crate) fn admin(&self) -> SocketAddr {
        self.running.admin
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Uploads a guest under its own name.
    pub(crate) async fn push(&self, name: &str) -> Value {
        let answer = self.api.upload(name, guest(name)).await;
        assert!(matches!(answer.status, 200 | 201), "{name}: {}", answer.text());
        answer.json()
    }

    pub(crate) async fn secret(&self, name: &str, value: &str) {
        self.api.put(&format!("/secrets/{name}"), &json!({"value": value})).await.expect(200);
    }

    /// A destination that takes path and query of the event.
    pub(crate) async fn destination(&self, name: &str, destination: &Destination) {
        let spec = json!({"url": destination.url(""), "path": "append"});
        self.api.put(&format!("/destinations/{name}"), &spec).await.expect(200);
    }

    /// Destination `ci`, and route `hooks` at `/hook` that sends everything there.
    pub(crate) async fn route_to(&self, destination: &Destination) {
        self.destination("ci", destination).await;
        self.route("hooks", "/hook", &["ci"], json!([])).await;
    }

    /// A route with its filters.
    pub(crate) async fn route(&self, name: &str, path: &str, candidates: &[&str], filters: Value) -> Value {
        let spec = json!({"match": {"path": path}, "forward": {"candidates": candidates}, "filters": filters});
        self.put_route(name, spec).await
    }

    /// A machine with much to do is not the filters' fault: where a story says nothing about time they get plenty of it.
    pub(crate) async fn put_route(&self, name: &str, mut spec: Value) -> Value {
        for filter in spec["filters"].as_array_mut().into_iter().flatten() {
            let limits = &mut filter["limits"];
            let wall = limits["wall_ms"].as_u64().unwrap_or(20_000);
            let time = limits["time_ms"].as_u64().unwrap_or(wall.min(5_000));
            (limits["wall_ms"], limits["time_ms"]) = (json!(wall), json!(time));
        }
        self.api.put(&format!("/routes/{name}"), &spec).await.expect(200).json()
    }

    /// Sends an event as most senders would.
    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        let mut request = Request::post(format!("http://{}{path}", self.gateway()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.ask(request.body(Full::new(body.into())).unwrap()).await
    }

    /// Sends an event to `/hook` with the order what to do with it.
    pub(crate) async fn tell(&self, what: Value) -> Answer {
        let (name, value) = told(&what);
        self.post("/hook", &[(name, &value)], "{}").await
    }

    /// What `told` found out, as it answered it.
    pub(crate) async fn learn(&self, what: Value) -> Value {
        self.tell(what).await.expect(200).json()
    }

    pub(crate) async fn ask(&self, request: Request<Full<Bytes>>) -> Answer {
        let what = format!("{} {}", request.method(), request.uri());
        let answer = self.http.request(request).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        Answer::read(answer).await.unwrap_or_else(|error| panic!("{what}: {error:?}"))
    }

    /// Sends a request over HTTP/2 without TLS, with prior knowledge.
    pub(crate) async fn ask_h2(&self, request: Request<Full<Bytes>>) -> Answer {
        let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
        let answer = client.request(request).await.unwrap();
        assert_eq!(answer.version(), Version::HTTP_2);
        Answer::read(answer).await.unwrap()
    }

    pub(crate) async fn wire(&self) -> Wire {
        Wire::to(self.gateway()).await
    }

    /// The record of the event that this answers.
    pub(crate) async fn record(&self, answer: &Answer) -> Value {
        let event = answer.event();
        eventually("the event's record", async || self.record_of(event).await).await
    }

    async fn record_of(&self, event: &str) -> Option<Value> {
        let records = self.records("?limit=1000").await;
        records.into_iter().find(|record| record["id"] == event)
    }

    /// The newest first.
    pub(crate) async fn records(&self, query: &str) -> Vec<Value> {
        let answer = self.api.get(&format!("/events{query}")).await.expect(200);
        answer.json()["items"].as_array().unwrap().clone()
    }
}
