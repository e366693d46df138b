//! Order where it is promised.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use serde_json::json;

use super::{destination, post, route, settled};
use crate::support::{Destination, Platform, Received, Reply, eventually};

/// Bodies in the order in which they were taken.
fn taken(received: &[Received]) -> Vec<String> {
    received.iter().map(Received::text).collect()
}

/// Refuses the first event with key `a` until it is told otherwise.
async fn refuses_first() -> (Destination, Arc<AtomicBool>) {
    let takes_it = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&takes_it);
    let script = move |received: &Received| match received.text().as_str() {
        r#"{"k":"a","n":0}"# if !told.load(Relaxed) => Reply::status(503).header("retry-after", "1"),
        _ => Reply::ok(),
    };
    (Destination::start(script).await, takes_it)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_with_one_key_arrive_in_order_and_others_go_on() {
    let (ci, takes_it) = refuses_first().await;
    let platform = Platform::start().await;
    destination(&platform, "ci", &ci, json!({})).await;
    route(&platform, &["ci"], json!({ "order": { "by": "key", "key": { "json": "/k" } } })).await;
    let mut last = String::new();
    for number in 0..4 {
        for key in ["a", "b"] {
            let body = format!("{{\"k\":\"{key}\",\"n\":{number}}}");
            last = post(&platform, &body).await.expect(202).event().to_owned();
        }
    }
    eventually("all of `b` came", async || {
        let came = taken(&ci.received());
        assert!(!came.iter().any(|body| body.contains(r#""k":"a","n":1"#)), "it came before the first: {came:?}");
        (came.iter().filter(|body| body.contains(r#""k":"b""#)).count() == 4).then_some(())
    })
    .await;
    takes_it.store(true, Relaxed);
    eventually("all of `a` came", async || {
        taken(&ci.received()).iter().any(|body| body.contains(r#""k":"a","n":3"#)).then_some(())
    })
    .await;
    settled(&platform, &last).await;
    for key in ["a", "b"] {
        let came = taken(&ci.received());
        let mut came: Vec<&String> = came.iter().filter(|body| body.contains(&format!("\"k\":\"{key}\""))).collect();
        came.dedup();
        let expected: Vec<String> = (0..4).map(|number| format!("{{\"k\":\"{key}\",\"n\":{number}}}")).collect();
        assert_eq!(came, expected.iter().collect::<Vec<_>>());
    }
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_exhausted_makes_way_or_is_waited_for() {
    for (exhausted, passes) in [("dead-letter", true), ("wait", false)] {
        let ci = Destination::start(|received| match received.text().as_str() {
            "0" => Reply::status(500),
            _ => Reply::ok(),
        })
        .await;
        let platform = Platform::start().await;
        destination(&platform, "ci", &ci, json!({})).await;
        let rule = json!({ "order": { "by": "route", "exhausted": exhausted }, "retry": { "delays_seconds": [] } });
        route(&platform, &["ci"], rule).await;
        let first = post(&platform, "0").await.expect(202).event().to_owned();
        let second = post(&platform, "1").await.expect(202).event().to_owned();
        let story = settled(&platform, &first).await;
        assert_eq!(story["deliveries"][0]["status"], "dead");
        if !passes {
            let story = platform.api.get(&format!("/events/{second}")).await.json();
            assert_eq!(story["deliveries"][0]["status"], "waiting");
            assert!(story["deliveries"][0].get("due").is_none(), "{story}");
            assert_eq!(taken(&ci.received()), ["0"]);
            // Nobody decides about a dead one but people: giving it up makes way.
            let dead = settled(&platform, &first).await["deliveries"][0]["id"].as_str().unwrap().to_owned();
            platform.api.post(&format!("/deliveries/{dead}/cancel"), &json!({})).await.expect(200);
        }
        settled(&platform, &second).await;
        assert_eq!(taken(&ci.received()), ["0", "1"]);
        platform.stop().await;
    }
}
