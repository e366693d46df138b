//! Where guests that mean harm are let loose: a host as a process, a route for them, a neighbour.

use std::{
    net::SocketAddr,
    pin::pin,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::neighbour::Neighbour;
use crate::support::{Answer, Api, Destination, Host, Program, Wire, assert_no_inside, eventually, guest};

/// What a host may have needed of memory at its worst, if nobody says otherwise. What an unoptimised host needs at rest is
/// under 100 MiB, and one call of a filter may have 64.
const PEAK_MOST: usize = 300 << 20;

pub(super) struct Arena {
    host: Host,
    folder: TempDir,
    http: Client<HttpConnector, Full<Bytes>>,
    neighbour: Neighbour,
    /// Where the evil route sends events.
    pub(super) destination: Destination,
    pub(super) api: Api,
}

/// A deed and its end.
pub(super) struct Row {
    told: String,
    limits: Value,
    body: Bytes,
    end: End,
}

enum End {
    /// Class and the beginning of the detail, after a `…` any part of it; the policy is `closed`.
    Failure { class: &'static str, detail: &'static str },
    /// The status, and all of the body; after a `…` the beginning of it.
    Answer { status: u16, body: String },
}

impl Row {
    pub(super) fn fails(told: impl Into<String>, class: &'static str, detail: &'static str) -> Self {
        Self::new(told, End::Failure { class, detail })
    }

    /// The filter's own answer, or the destination's.
    pub(super) fn answers(told: impl Into<String>, status: u16, body: impl Into<String>) -> Self {
        Self::new(told, End::Answer { status, body: body.into() })
    }

    fn new(told: impl Into<String>, end: End) -> Self {
        Self { told: told.into(), limits: json!({}), body: Bytes::from_static(b"{}"), end }
    }

    /// Time is plenty if nothing is said about it: a machine with much to do is not what stops a guest then.
    pub(super) fn within(mut self, limits: Value) -> Self {
        self.limits = limits;
        self
    }

    pub(super) fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}

impl Arena {
    pub(super) async fn open() -> Self {
        Self::with(&[]).await
    }

    pub(super) async fn with(settings: &[(&str, &str)]) -> Self {
        Self::with_neighbour(settings, 1, Duration::from_millis(5)).await
    }

    pub(super) async fn with_neighbour(settings: &[(&str, &str)], senders: usize, pause: Duration) -> Self {
        let folder = TempDir::new().unwrap();
        let host = Host::with(&folder.path().join("data"), settings).await;
        let api = Api::new(host.admin, &host.token);
        let neighbour = Neighbour::moves_in(&api, host.gateway, senders, pause).await;
        let destination = Destination::ok().await;
        api.put("/destinations/ci", &json!({"url": destination.url(""), "path": "append"})).await.expect(200);
        for (name, value) in [("webhook", "It's a Secret to Everybody"), ("token", "correct horse battery staple")] {
            api.put(&format!("/secrets/{name}"), &json!({"value": value})).await.expect(200);
        }
        let http = Client::builder(TokioExecutor::new()).build_http();
        Self { host, folder, http, neighbour, destination, api }
    }

    /// The same with guest `hostile`.
    pub(super) async fn with_hostile() -> Self {
        let arena = Self::open().await;
        arena.bring("hostile", guest("hostile")).await;
        arena
    }

    pub(super) fn gateway(&self) -> SocketAddr {
        self.host.gateway
    }

    pub(super) fn admin(&self) -> SocketAddr {
        self.host.admin
    }

    pub(super) fn process(&self) -> u32 {
        self.host.process()
    }

    pub(super) fn token(&self) -> &str {
        &self.host.token
    }

    pub(super) fn neighbour(&self) -> &Neighbour {
        &self.neighbour
    }

    pub(super) async fn bring(&self, name: &str, bytes: Vec<u8>) {
        let answer = self.api.upload(name, bytes).await;
        assert!(matches!(answer.status, 200 | 201), "{name}: {}", answer.text());
    }

    /// Puts these filters on route `evil` at `/evil`, with all that they may be granted.
    pub(super) async fn attach(&self, filters: Value) -> Answer {
        self.route("evil", filters).await
    }

    pub(super) async fn route(&self, name: &str, mut filters: Value) -> Answer {
        for filter in filters.as_array_mut().unwrap() {
            filter["name"] = if filter["name"].is_null() { filter["module"].clone() } else { filter["name"].take() };
            filter["grants"] =
                json!({"secrets": {"webhook": "webhook"}, "reveal": {"token": "token"}, "kv": ["store"]});
            let limits = &mut filter["limits"];
            let wall = limits["wall_ms"].as_u64().unwrap_or(20_000);
            let time = limits["time_ms"].as_u64().unwrap_or(wall.min(5_000));
            (limits["wall_ms"], limits["time_ms"]) = (json!(wall), json!(time));
        }
        let matches = json!({"path": format!("/{name}")});
        let spec = json!({"match": matches, "forward": {"candidates": ["ci"]}, "filters": filters});
        self.api.put(&format!("/routes/{name}"), &spec).await
    }

    /// Sends an event to `/evil`.
    pub(super) async fn tell(&self, told: &str, body: impl Into<Bytes>) -> Answer {
        self.post("/evil", told, body).await
    }

    pub(super) async fn post(&self, path: &str, told: &str, body: impl Into<Bytes>) -> Answer {
        let request = Request::post(format!("http://{}{path}", self.gateway())).header("x-do", told);
        let answer = self.http.request(request.body(Full::new(body.into())).unwrap()).await;
        let answer = answer.unwrap_or_else(|error| panic!("{told}: {error:?}"));
        Answer::read(answer).await.unwrap_or_else(|error| panic!("{told}: {error:?}"))
    }

    /// Sends the head of an event to `/evil` and leaves the connection to the story.
    pub(super) async fn begin(&self, told: &str) -> Wire {
        let mut wire = Wire::to(self.gateway()).await;
        wire.write(format!("POST /evil HTTP/1.1\r\nhost: evil\r\nx-do: {told}\r\ncontent-length: 0\r\n\r\n")).await;
        wire
    }

    pub(super) async fn record(&self, answer: &Answer) -> Value {
        let event = answer.event();
        eventually("the event's record", async || self.records().await.into_iter().find(|record| record["id"] == event))
            .await
    }

    /// The newest first.
    pub(super) async fn records(&self) -> Vec<Value> {
        let answer = self.api.get("/events?limit=20").await.expect(200);
        answer.json()["items"].as_array().unwrap().clone()
    }

    /// Lets the module do each of these, one after the other.
    pub(super) async fn run(&self, module: &str, rows: &[Row]) {
        let mut limits = None;
        for row in rows {
            if limits != Some(&row.limits) {
                self.attach(json!([{"module": module, "limits": row.limits}])).await.expect(200);
                limits = Some(&row.limits);
            }
            let served = self.neighbour.served();
            let answer = self.tell(&row.told, row.body.clone()).await;
            self.ended(module, row, &answer).await;
            self.neighbour.is_served_after(served).await;
        }
    }

    async fn ended(&self, module: &str, row: &Row, answer: &Answer) {
        let what = format!("{module}: {} ({} bytes)", row.told, row.body.len());
        match &row.end {
            End::Failure { class, detail } => {
                let outcome = self.failed(&what, answer, class).await;
                let said = outcome["detail"].as_str().unwrap();
                let fits = detail.strip_prefix('…').map_or(said.starts_with(detail), |part| said.contains(part));
                assert!(fits, "{what}: {said}\nand not {detail}");
            }
            End::Answer { status, body } => {
                let said = answer.text();
                let fits = body.strip_prefix('…').map_or(said == *body, |start| said.starts_with(start));
                assert!(answer.status == *status && fits, "{what}: {} {said}\nand not {status} {body}", answer.status);
                let record = self.record(answer).await;
                assert_eq!(record["filters"][0]["outcome"]["kind"], "verdict", "{what}: {record}");
                self.destination.forget();
            }
        }
    }

    /// The event failed for this reason, its sender learned nothing of it, and nothing was forwarded. The outcome of the
    /// filter.
    pub(super) async fn failed(&self, what: &str, answer: &Answer, class: &str) -> Value {
        let status = if matches!(class, "time" | "memory" | "overload") { 503 } else { 500 };
        let record = self.record(answer).await;
        let outcome = record["filters"][0]["outcome"].clone();
        assert_eq!((answer.status, &outcome["class"]), (status, &json!(class)), "{what}: {outcome}");
        assert_eq!(answer.refusal(status), "the event could not be judged", "{what}");
        assert_no_inside(answer, &["hostile", "wasm", "guest", "trap", "memory", "secret", "token", class]);
        assert_eq!((&record["disposition"], &record["status"]), (&json!("failed"), &json!(status)), "{what}");
        assert_eq!(self.destination.received(), [], "{what}");
        outcome
    }

    /// The host lives, answers everybody, and never had more memory than this.
    pub(super) async fn close_within(self, peak_most: usize) -> Vec<(Instant, Duration)> {
        self.api.get("/healthz").await.expect(200);
        self.neighbour.is_served_after(self.neighbour.served()).await;
        let (peak, now) = (self.memory("VmHWM"), self.memory("VmRSS"));
        println!("the host had {} MiB at most and has {} MiB now", peak >> 20, now >> 20);
        assert!(peak <= peak_most, "{peak} bytes of memory, at most {peak_most} were expected");
        let waited = self.neighbour.moves_out().await;
        self.host.kill().await;
        drop(self.folder);
        waited
    }

    /// Told to stop, and again, the host ends, whatever it is about.
    pub(super) async fn stops(self) {
        self.neighbour.moves_out().await;
        let process = self.host.process().to_string();
        let tell = async || {
            Program::new("kill").args(["-TERM", &process]).printed().await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        tell().await;
        let mut ended = pin!(self.host.ended());
        let status = loop {
            tokio::select! {
                status = &mut ended => break status,
                () = tell() => {}
            }
        };
        assert!(status.success(), "{status}");
        drop(self.folder);
    }

    pub(super) async fn close(self) {
        self.close_within(PEAK_MOST).await;
    }

    /// A line of what the kernel says about the host's memory, in bytes.
    pub(super) fn memory(&self, line: &str) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.host.process())).unwrap();
        let line = status.lines().find_map(|known| known.strip_prefix(line)?.strip_prefix(':')).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() << 10
    }
}
