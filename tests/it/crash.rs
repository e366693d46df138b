//! A host that is killed has lost nothing that it acknowledged.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::json;
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::{
    secrets::signature,
    support::{Api, Destination, Host, Wire, eventually, guest},
};

/// Control writes in all: a secret, a destination and a route each turn.
const WRITES: usize = 200;
/// After so many acknowledged writes the host is killed.
const KILLS: [usize; 2] = [61, 134];

type Acknowledged = Arc<Mutex<BTreeMap<usize, String>>>;

fn secret(turn: usize) -> String {
    format!("secret of turn {turn}")
}

/// One write; None if the host did not acknowledge it.
async fn write(api: &Api, destination: &str, index: usize) -> Option<String> {
    let turn = index / 3;
    let (path, body) = match index % 3 {
        0 => (format!("/secrets/s{turn}"), json!({"value": secret(turn)})),
        1 => (format!("/destinations/d{turn}"), json!({"url": format!("{destination}/{turn}")})),
        _ => {
            let grants = json!({"secrets": {"webhook": format!("s{turn}")}});
            let limits = json!({"time_ms": 5_000, "wall_ms": 20_000});
            let filter = json!({"name": "verify", "module": "github-verify", "grants": grants, "limits": limits});
            let matches = json!({"path": format!("/{turn}")});
            let forward = json!({"candidates": [format!("d{turn}")]});
            (format!("/routes/r{turn}"), json!({"match": matches, "forward": forward, "filters": [filter]}))
        }
    };
    let headers = [("content-type", "application/json")];
    let answer = api.try_ask(http::Method::PUT, &path, &headers, body.to_string()).await.ok()?;
    Some(answer.expect(200).header("snaphook-revision").to_owned())
}

/// Writes on from `index` until all is written or the host is gone.
async fn write_on(api: Api, destination: String, acknowledged: Acknowledged, mut index: usize) {
    while index < WRITES {
        let Some(revision) = write(&api, &destination, index).await else { return };
        acknowledged.lock().await.insert(index, revision);
        index += 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_write_is_there_after_a_kill() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let destination = Destination::ok().await;
    let acknowledged = Acknowledged::default();
    let mut host = Host::start(&data).await;
    Api::new(host.admin, &host.token).upload("github-verify", guest("github-verify")).await.expect(201);
    for kill in KILLS {
        let next = acknowledged.lock().await.last_key_value().map_or(0, |(last, _)| last + 1);
        let api = Api::new(host.admin, &host.token);
        let writing = tokio::spawn(write_on(api, destination.url(""), Arc::clone(&acknowledged), next));
        let what = format!("{kill} acknowledged writes");
        eventually(&what, async || (acknowledged.lock().await.len() >= kill).then_some(())).await;
        host.kill().await;
        writing.await.unwrap();
        assert!(acknowledged.lock().await.len() < WRITES, "it was killed in the middle");
        host = Host::start(&data).await;
        check(&host, &destination, &acknowledged).await;
    }
    let next = acknowledged.lock().await.last_key_value().map_or(0, |(last, _)| last + 1);
    let api = Api::new(host.admin, &host.token);
    write_on(api, destination.url(""), Arc::clone(&acknowledged), next).await;
    assert_eq!(acknowledged.lock().await.len(), WRITES);
    host.kill().await;
    let host = Host::start(&data).await;
    check(&host, &destination, &acknowledged).await;
    host.kill().await;
}

/// Everything acknowledged is listed, and the last routes of it serve: with their own secret and to their own destination.
async fn check(host: &Host, destination: &Destination, acknowledged: &Acknowledged) {
    let acknowledged = acknowledged.lock().await;
    let api = Api::new(host.admin, &host.token);
    let newest: u64 = acknowledged.values().map(|revision| revision.parse().unwrap()).max().unwrap();
    assert!(api.get("/v1/status").await.json()["revision"].as_u64().unwrap() >= newest);
    for (kind, letter, which) in [("secrets", 's', 0), ("destinations", 'd', 1), ("routes", 'r', 2)] {
        let listed = api.get(&format!("/{kind}")).await.expect(200).json();
        let names: Vec<&str> =
            listed["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
        for index in acknowledged.keys().filter(|index| *index % 3 == which) {
            let name = format!("{letter}{}", index / 3);
            assert!(names.contains(&&*name), "{kind} lacks {name}, which was acknowledged: {names:?}");
        }
    }
    destination.forget();
    let mut wire = Wire::to(host.gateway).await;
    for turn in acknowledged.keys().filter(|index| *index % 3 == 2).map(|index| index / 3) {
        for (secret, status) in [(secret(turn), 200), (secret(turn + 1), 401)] {
            let signature = signature(&secret, b"{}");
            let headers = format!("x-github-event: push\r\nx-github-delivery: 1\r\nx-hub-signature-256: {signature}");
            wire.write(format!("POST /{turn} HTTP/1.1\r\nhost: a\r\n{headers}\r\ncontent-length: 2\r\n\r\n{{}}")).await;
            wire.answer().await.expect(status);
        }
        let received = destination.received();
        assert_eq!(received.last().map(|received| received.target.clone()), Some(format!("/{turn}")));
        destination.forget();
    }
}

/// Told to stop, the host ends by itself and in order.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_told_to_stop_ends() {
    let folder = TempDir::new().unwrap();
    for signal in ["TERM", "INT"] {
        let host = Host::start(&folder.path().join("data")).await;
        let process = host.process().to_string();
        crate::support::Program::new("kill").args([&format!("-{signal}"), &process]).printed().await;
        assert!(host.ended().await.success(), "SIG{signal}");
    }
}

/// One folder is one host's.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_host_on_the_same_folder_is_refused() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let host = Host::start(&data).await;
    let set = [
        format!("data={}", data.display()),
        "gateway.listen=127.0.0.1:0".to_owned(),
        "admin.listen=127.0.0.1:0".to_owned(),
    ];
    let second = crate::support::Program::new(crate::support::snaphook());
    let ended = second.args(["serve"]).args(set.iter().flat_map(|set| ["--set", set])).run().await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.errors.contains(&format!("cannot open {}", data.display())), "{}", ended.errors);
    host.kill().await;
}
