//! A whole host in this process, with a destination of ours.

use std::{
    net::SocketAddr,
    panic,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use serde_json::json;
use server::{
    run::{self, Running},
    settings::{Settings, Strictness},
};
use tokio::runtime::Runtime;

use super::{PATIENCE, sink::Sink, spoken};
use crate::handover::puppet;

/// Panics of any thread of this process, as the host catches those of its own.
static PANICS: AtomicUsize = AtomicUsize::new(0);

pub(super) struct Host {
    pub(super) gateway: SocketAddr,
    sink: Arc<Sink>,
    _runtime: Runtime,
    _running: Running,
}

impl Host {
    /// With a route that a filter judges, at `/hook`, and one that bodies stream through, at `/stream`.
    pub(super) fn start() -> Self {
        let told = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            PANICS.fetch_add(1, Relaxed);
            told(panicked);
        }));
        let folder = tempfile::tempdir().expect("a folder");
        let typed = [
            ("data", folder.path().to_str().expect("a path that is text")),
            ("gateway.listen", "127.0.0.1:0"),
            ("gateway.threads", "1"),
            ("admin.listen", "127.0.0.1:0"),
            ("egress.allow", "127.0.0.1"),
            ("filters.calls", "4"),
        ];
        let typed = typed.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings::load(None, &typed, Strictness::KnownVariables).expect("settings");
        let runtime = Runtime::new().expect("a runtime");
        let running = runtime.block_on(run::start(settings)).expect("a host");
        let token = std::fs::read_to_string(folder.path().join("admin-token")).expect("a token");
        let sink = Sink::open();
        let ask = |method: &str, path: &str, kind: &str, body: &[u8]| {
            let head = format!(
                "{method} /v1/projects/default/{path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
                 content-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                token.trim(),
                body.len()
            );
            let answer = spoken(running.admin, &[head.as_bytes(), body].concat(), PATIENCE);
            assert!(answer.starts_with(b"HTTP/1.1 20"), "{path}: {}", answer.escape_ascii());
        };
        ask("POST", "modules/pass", "application/wasm", &puppet::pass());
        let put =
            |path: &str, spec: serde_json::Value| ask("PUT", path, "application/json", spec.to_string().as_bytes());
        put("destinations/sink", json!({"url": format!("http://{}", sink.address), "path": "append"}));
        let forward = json!({"candidates": ["sink"]});
        // Time is not what this is about.
        let filter = json!({"name": "pass", "module": "pass", "limits": {"time_ms": 10_000, "wall_ms": 30_000}});
        put("routes/hook", json!({"match": {"path": "/hook"}, "forward": forward, "filters": [filter]}));
        put("routes/stream", json!({"match": {"path": "/stream/{*rest}"}, "forward": forward, "capture": "all"}));
        // What is still needed of the folder is open, and nobody would be there to remove it when this process ends.
        drop(folder);
        Self { gateway: running.gateway, sink, _runtime: runtime, _running: running }
    }

    /// Panics if a part of the host did, or if the destination got what is no request.
    pub(super) fn was_well(&self) {
        assert_eq!(PANICS.swap(0, Relaxed), 0, "a thread panicked");
        let wrong = self.sink.wrong();
        assert!(wrong.is_empty(), "the destination got {wrong:?}");
    }
}
