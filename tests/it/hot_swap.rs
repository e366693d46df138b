//! A new version of a filter takes over under load: no event is lost, none is served half by the one and half by the other.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Destination, Platform, Wire, eventually};

/// Senders at the same time.
const SENDERS: usize = 4;
/// New versions.
const SWAPS: usize = 50;
/// Events that are answered between two versions, at least.
const EVENTS: usize = 10;

/// A chain of two filters that both say which version they are: one by its module, one by its configuration.
fn chain(platform: &Platform, version: usize) -> Value {
    let mut second = platform.told();
    second["config"] = json!({"do": "edit", "edits": [{"append-header": ["x-version", version.to_string()]}]});
    json!([{"name": "version", "module": format!("version@{version}")}, second])
}

#[tokio::test(flavor = "multi_thread")]
async fn no_event_is_lost_or_served_by_two() {
    let destination = Destination::ok().await;
    let platform = Arc::new(Platform::with_told(&destination).await);
    let mut digests = Vec::new();
    for guest in ["v1", "v2"] {
        let answer = platform.api.upload("version", crate::support::guest(guest)).await.expect(201);
        digests.push(answer.json()["digest"].clone());
    }
    platform.route("hooks", "/hook", &["ci"], chain(&platform, 1)).await;

    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
        let mut wire = Wire::to(platform.gateway()).await;
        senders.spawn(async move {
            let mut sent = 0;
            while !stop.load(Relaxed) {
                wire.write("POST /hook HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}").await;
                wire.answer().await.expect(200);
                answered.fetch_add(1, Relaxed);
                sent += 1;
            }
            sent
        });
    }
    let mut revisions = Vec::new();
    for swap in 0..SWAPS {
        let version = 1 + (swap + 1) % 2;
        let route = platform.route("hooks", "/hook", &["ci"], chain(&platform, version)).await;
        revisions.push((route["revision"].as_u64().unwrap(), version));
        let wanted = answered.load(Relaxed) + EVENTS;
        eventually("more events", async || (answered.load(Relaxed) >= wanted).then_some(())).await;
    }
    stop.store(true, Relaxed);
    let sent: usize = senders.join_all().await.into_iter().sum();

    let received = destination.received();
    assert_eq!(received.len(), sent);
    for event in &received {
        let versions = event.values("x-version");
        assert!(versions == [b"1", b"1"] || versions == [b"2", b"2"], "served by two versions: {versions:?}");
    }
    // What is written down agrees: the snapshot's revision says which version it was.
    let records = platform.records("?limit=1000").await;
    assert!(records.len() >= 200, "{}", records.len());
    for record in records {
        let revision = record["revision"].as_u64().unwrap();
        let of_swap = revisions.iter().rfind(|(made, _)| *made <= revision);
        let version = of_swap.map_or(1, |(_, version)| *version);
        assert_eq!(record["filters"][0]["digest"], digests[version - 1], "at revision {revision}");
        let edits = format!("append header x-version: {version}");
        assert_eq!(record["filters"][1]["outcome"]["edits"], json!([edits]), "at revision {revision}");
    }
    // Each version is the way back from the other.
    let route = platform.api.get("/routes/hooks").await.json();
    assert_eq!(route["resolutions"][0]["previous"], digests[1 - (SWAPS % 2)].clone());
    Arc::into_inner(platform).unwrap().stop().await;
}
