//! What is taken once: a reservation commits when the event was accepted, and only then.

use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering::Relaxed},
};

use serde_json::json;

use crate::{
    secrets::signature,
    support::{Answer, Destination, Gate, Platform, Reply},
};

const SECRET: &str = "It's a Secret to Everybody";

/// A route that takes each delivery of GitHub's once.
async fn platform(destination: &Destination) -> Platform {
    let platform = Platform::start().await;
    platform.push("github-verify").await;
    platform.secret("github", SECRET).await;
    platform.destination("ci", destination).await;
    let filter = json!({
        "name": "verify",
        "module": "github-verify",
        "config": {"replay_ttl_seconds": 3600},
        "grants": {"secrets": {"webhook": "github"}, "kv": ["deliveries"]},
    });
    platform.route("hooks", "/hook", &["ci"], json!([filter])).await;
    platform
}

async fn deliver(platform: &Platform, delivery: &str) -> Answer {
    let body = r#"{"zen": "Keep it logically awesome."}"#;
    let signature = signature(SECRET, body.as_bytes());
    let headers = [("x-github-event", "push"), ("x-github-delivery", delivery), ("x-hub-signature-256", &signature)];
    platform.post("/hook", &headers, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_taken_once() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    deliver(&platform, "one").await.expect(200);
    for _ in 0..3 {
        let answer = deliver(&platform, "one").await.expect(200);
        assert_eq!(answer.text(), "duplicate");
        let record = platform.record(&answer).await;
        assert_eq!((&record["disposition"], &record["idempotency_key"]), (&json!("responded"), &json!("one")));
    }
    deliver(&platform, "two").await.expect(200);
    assert_eq!(destination.received().len(), 2);
    // What is known stays known when the host starts anew.
    let platform = platform.restart().await;
    assert_eq!(deliver(&platform, "one").await.expect(200).text(), "duplicate");
    assert_eq!(destination.received().len(), 2);
    platform.stop().await;
}

/// A provider's retry after our or the destination's failure is no replay.
#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_was_not_accepted_may_come_again() {
    let status = Arc::new(AtomicU16::new(500));
    let script = Arc::clone(&status);
    let destination = Destination::start(move |_| match script.load(Relaxed) {
        0 => Reply::raw(""),
        status => Reply::status(status),
    });
    let destination = destination.await;
    let platform = platform(&destination).await;
    for (says, answered) in [(500, 500), (503, 503), (404, 404), (302, 302), (0, 502), (204, 204)] {
        status.store(says, Relaxed);
        deliver(&platform, "one").await.expect(answered);
    }
    assert_eq!(destination.received().len(), 6);
    assert_eq!(deliver(&platform, "one").await.expect(200).text(), "duplicate");
    assert_eq!(destination.received().len(), 6);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_wait_for_each_other() {
    let gate = Gate::closed();
    let reply = Reply::ok().behind(&gate);
    let destination = Destination::start(move |_| reply.clone()).await;
    let platform = platform(&destination).await;
    let (first, second) = tokio::join!(deliver(&platform, "one"), async {
        destination.reached(1).await;
        let second = deliver(&platform, "one").await;
        gate.open();
        second
    });
    assert_eq!(second.refusal(503), "send the event again later");
    assert_eq!(second.header("retry-after"), "1");
    first.expect(200);
    assert_eq!(deliver(&platform, "one").await.expect(200).text(), "duplicate");
    assert_eq!(destination.received().len(), 1);
    platform.stop().await;
}

/// Whoever reserves and goes away before the answer has taken nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_sender_who_goes_away_leaves_no_reservation() {
    let first = Arc::new(AtomicU16::new(0));
    let script = Arc::clone(&first);
    let destination =
        Destination::start(move |_| if script.fetch_add(1, Relaxed) == 0 { Reply::nothing() } else { Reply::ok() });
    let destination = destination.await;
    let platform = platform(&destination).await;
    let body = "{}";
    let mut wire = platform.wire().await;
    let headers =
        format!("x-github-event: push\r\nx-github-delivery: one\r\nx-hub-signature-256: {}", signature(SECRET, b"{}"));
    wire.write(format!("POST /hook HTTP/1.1\r\nhost: a\r\n{headers}\r\ncontent-length: 2\r\n\r\n{body}")).await;
    destination.reached(1).await;
    deliver(&platform, "one").await.expect(503);
    drop(wire);
    crate::support::eventually("the delivery to be free again", async || {
        let answer = deliver(&platform, "one").await;
        (answer.status == 200 && answer.text().is_empty()).then_some(())
    })
    .await;
    platform.stop().await;
}

/// A trial of a route neither uses up a delivery nor leaves anything behind.
#[tokio::test(flavor = "multi_thread")]
async fn a_trial_keeps_nothing() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    let body = "{}";
    let event = json!({
        "path": "/hook",
        "headers": [
            ["x-github-event", "push"],
            ["x-github-delivery", "one"],
            ["x-hub-signature-256", signature(SECRET, body.as_bytes())],
        ],
        "body_text": body,
    });
    for _ in 0..2 {
        let trial = platform.api.post("/routes/hooks/test", &event).await.expect(200).json();
        assert_eq!(trial["forward"]["destination"], "ci", "{trial}");
    }
    assert_eq!(destination.received(), []);
    deliver(&platform, "one").await.expect(200);
    assert_eq!(destination.received().len(), 1);
    platform.stop().await;
}
