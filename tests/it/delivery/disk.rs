//! A disk that takes no more: nothing is acknowledged that is not stored, and it goes on by itself when there is room again.

use std::collections::BTreeSet;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Api, Destination, Host, Wire, eventually};

/// How long a file of the host may be: as if the disk were full beyond.
fn bound(host: &Host, bytes: Option<u64>) {
    let pid = Pid::from_raw(host.process().try_into().unwrap()).unwrap();
    prlimit(Some(pid), Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
}

async fn send(wire: &mut Wire, body: &str) -> (u16, String) {
    let length = body.len();
    wire.write(format!("POST /hook HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{body}")).await;
    let answer = wire.answer().await;
    (answer.status, answer.header("retry-after").to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_gone_over() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let ci = Destination::ok().await;
    let host = Host::start(&data).await;
    let api = Api::new(host.admin, &host.token);
    api.put("/destinations/ci", &json!({ "url": ci.url("/"), "breaker": { "off": true } })).await.expect(200);
    let spec = json!({ "match": { "path": "/hook" }, "deliver": { "destinations": ["ci"] } });
    api.put("/routes/hooks", &spec).await.expect(200);
    let mut wire = Wire::to(host.gateway).await;
    assert_eq!(send(&mut wire, "first").await.0, 202);
    let length = ["events.db", "events.db-wal"].iter().map(|file| std::fs::metadata(data.join(file)).unwrap().len());
    bound(&host, Some(length.max().unwrap() + (64 << 10)));
    let mut accepted = BTreeSet::from(["first".to_owned()]);
    let mut refused = None;
    for number in 0..500 {
        let body = format!("{number} {}", "x".repeat(4_000));
        match send(&mut wire, &body).await {
            (202, _) => _ = accepted.insert(body),
            (503, again) => {
                refused = Some(again);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(refused.as_deref(), Some("2"), "the disk is full, which is told with when to come again");
    // Now there is not even room for something smaller, which what the host tries now and then or a settled delivery may be:
    // either makes it ready again, until the next event finds no room.
    bound(&host, Some(0));
    let ready = eventually("it is not ready", async || {
        assert_eq!(send(&mut wire, "without room").await.0, 503);
        let ready = api.get("/readyz").await;
        (ready.status == 503).then_some(ready)
    })
    .await;
    let said = ready.problem(503)["detail"].as_str().unwrap().to_owned();
    assert!(said.starts_with("events cannot be stored: "), "{said}");
    let status = api.get("/v1/status").await.expect(200).json();
    assert!(status["trouble"].as_str().unwrap().starts_with("events cannot be stored: "), "{status}");
    bound(&host, None);
    eventually("it is ready again", async || (api.get("/readyz").await.status == 200).then_some(())).await;
    let body = "last".to_owned();
    assert_eq!(send(&mut wire, &body).await.0, 202);
    accepted.insert(body);
    eventually("everything acknowledged arrived", async || {
        let came: BTreeSet<String> = ci.received().iter().map(|received| received.text()).collect();
        accepted.is_subset(&came).then_some(())
    })
    .await;
    host.kill().await;
}
