//! A host that is killed under load has lost nothing that it acknowledged.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use serde_json::json;
use tempfile::TempDir;
use tokio::{sync::Mutex, task::JoinSet};

use crate::support::{Api, Destination, Host, Reply, Wire, eventually};

/// How often it is killed; `CRASH_ROUNDS=50` for the long form.
fn kills() -> usize {
    std::env::var("CRASH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3)
}

/// Events between two kills.
const EVENTS: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_event_arrives_after_a_kill() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    // Every third is refused, so that some wait when the host is killed.
    let turn = Arc::new(AtomicUsize::new(0));
    let ci = Destination::start(move |_| match turn.fetch_add(1, Relaxed) % 3 {
        0 => Reply::status(500),
        _ => Reply::ok(),
    })
    .await;
    let acknowledged: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let mut host = Host::start(&data).await;
    let api = Api::new(host.admin, &host.token);
    let retry = json!({ "delays_seconds": vec![1; 60], "jitter_percent": 0 });
    let spec = json!({ "url": ci.url("/"), "retry": retry, "breaker": { "off": true } });
    api.put("/destinations/ci", &spec).await.expect(200);
    let order = json!({ "by": "key", "key": { "header": "x-sender" } });
    let spec = json!({ "match": { "path": "/hook" }, "deliver": { "destinations": ["ci"], "order": order } });
    api.put("/routes/hooks", &spec).await.expect(200);
    for kill in 0..kills() {
        let enough = acknowledged.lock().await.len() + EVENTS;
        let mut senders = JoinSet::new();
        for sender in 0..8 {
            senders.spawn(send_on(host.gateway, format!("{kill}-{sender}"), Arc::clone(&acknowledged)));
        }
        eventually("enough is acknowledged", async || (acknowledged.lock().await.len() >= enough).then_some(())).await;
        host.kill().await;
        senders.join_all().await;
        host = Host::start(&data).await;
    }
    let acknowledged = acknowledged.lock().await.clone();
    eventually("everything acknowledged arrived", async || {
        let came: BTreeSet<String> = ci.received().iter().map(|received| received.text()).collect();
        acknowledged.is_subset(&came).then_some(())
    })
    .await;
    in_order(&ci);
    let api = Api::new(host.admin, &host.token);
    eventually("everything is settled", async || {
        let waiting = api.get("/deliveries?status=waiting").await.expect(200).json();
        waiting["items"].as_array().unwrap().is_empty().then_some(())
    })
    .await;
    let dead = api.get("/deliveries?status=dead").await.expect(200).json();
    assert_eq!(dead["items"], json!([]));
    assert_eq!(api.get("/readyz").await.status, 200);
    host.kill().await;
}

/// Each sender's events came in its order; one may come again, but none before an earlier one has come.
fn in_order(ci: &Destination) {
    let mut newest: BTreeMap<String, usize> = BTreeMap::new();
    for received in ci.received() {
        let text = received.text();
        let (sender, number) = text.rsplit_once('-').unwrap();
        let number: usize = number.parse().unwrap();
        let newest = newest.entry(sender.to_owned()).or_default();
        assert!(number <= *newest + 1, "{text} came when {newest} was the newest of its sender");
        *newest = number.max(*newest);
    }
}

/// Sends one event after the other until the host is gone.
async fn send_on(gateway: std::net::SocketAddr, name: String, acknowledged: Arc<Mutex<BTreeSet<String>>>) {
    let mut wire = Wire::to(gateway).await;
    for number in 0.. {
        let body = format!("{name}-{number}");
        let length = body.len();
        let head = format!("POST /hook HTTP/1.1\r\nhost: a\r\nx-sender: {name}\r\ncontent-length: {length}");
        let request = format!("{head}\r\n\r\n{body}");
        let Some(status) = wire.try_exchange(request).await else { return };
        if status == 202 {
            acknowledged.lock().await.insert(body);
        }
    }
}
