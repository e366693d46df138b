//! Fresh instances and such as are used again: what one event leaves behind is there for the next one only where somebody
//! asked for that, and never for another attachment.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::support::{Destination, Platform, told};

async fn attach(platform: &Platform, route: &str, instance: &str) {
    let mut filter = platform.told();
    filter["instance"] = json!(instance);
    platform.route(route, &format!("/{route}"), &["ci"], json!([filter])).await;
}

async fn remember(platform: &Platform, route: &str) -> Value {
    let (name, value) = told(&json!({"do": "remember"}));
    platform.post(&format!("/{route}"), &[(name, &value)], "{}").await.expect(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_one_remembers_nothing() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    // A compiled guest is quick to bring up, so `auto` means the same.
    for policy in ["fresh", "auto"] {
        attach(&platform, policy, policy).await;
        for _ in 0..5 {
            assert_eq!(remember(&platform, policy).await["events"], 1, "{policy}");
        }
    }
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_one_is_used_again_and_by_nobody_else() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    attach(&platform, "one", "warm").await;
    attach(&platform, "two", "warm").await;
    let (mut random, mut records) = (HashSet::new(), Vec::new());
    for events in 1..=20 {
        for route in ["one", "two"] {
            let (name, value) = told(&json!({"do": "remember"}));
            let answer = platform.post(&format!("/{route}"), &[(name, &value)], "{}").await.expect(200);
            let said = answer.json();
            assert_eq!(said["events"], events, "{route}");
            // Clock and chance are each event's own; both clocks are the same.
            assert_eq!(said["now"], said["since"]);
            assert!(random.insert(said["random"].as_str().unwrap().to_owned()));
            records.push((events, said["now"].clone(), platform.record(&answer).await));
        }
    }
    for (events, now, record) in records {
        let run = &record["filters"][0];
        assert_eq!(run["clock"], now);
        let printed = json!([{"level": "stdout", "message": format!("event {events}")}]);
        assert_eq!(run["logs"], printed, "each event has its own log");
    }
    platform.stop().await;
}

/// Whatever did not come to a result ends the instance.
#[tokio::test(flavor = "multi_thread")]
async fn a_warm_one_ends_with_a_call_that_fails() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let mut filter = platform.told();
    filter["instance"] = json!("warm");
    filter["limits"] = json!({"time_ms": 50, "memory_bytes": 16 << 20});
    platform.route("own", "/own", &["ci"], json!([filter])).await;
    for (bad, status) in [("trap", 500), ("spin", 503), ("memory", 503), ("stack", 500)] {
        assert_eq!(remember(&platform, "own").await["events"], 1, "before {bad}");
        assert_eq!(remember(&platform, "own").await["events"], 2, "before {bad}");
        let (name, value) = told(&json!({"do": bad}));
        platform.post("/own", &[(name, &value)], "{}").await.expect(status);
        assert_eq!(remember(&platform, "own").await["events"], 1, "after {bad}");
        // Ends it for the next round.
        let (name, value) = told(&json!({"do": "trap"}));
        platform.post("/own", &[(name, &value)], "{}").await.expect(500);
    }
    // The filter's own word does not.
    assert_eq!(remember(&platform, "own").await["events"], 1);
    let (name, value) = told(&json!({"do": "fail", "reason": "no"}));
    platform.post("/own", &[(name, &value)], "{}").await.expect(500);
    assert_eq!(remember(&platform, "own").await["events"], 2);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_one_has_a_bounded_life() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    attach(&platform, "own", "warm").await;
    let mut before = 0;
    for _ in 0..1_001 {
        let events = remember(&platform, "own").await["events"].as_u64().unwrap();
        if events == 1 && before > 0 {
            assert!((500..=1_000).contains(&before), "it served {before}");
            platform.stop().await;
            return;
        }
        before = events;
    }
    panic!("one instance served all events");
}

/// A filter that fails every time is called off for a while, and is back when its route is written again.
#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_always_fails_is_not_called() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    platform.route("own", "/own", &["ci"], json!([platform.told()])).await;
    platform.route("other", "/other", &["ci"], json!([platform.told()])).await;
    let (name, trap) = told(&json!({"do": "trap"}));
    for _ in 0..20 {
        platform.post("/own", &[(name, &trap)], "{}").await.expect(500);
    }
    let answer = platform.post("/own", &[], "{}").await.expect(500);
    let outcome = platform.record(&answer).await["filters"][0]["outcome"].clone();
    assert_eq!(outcome["class"], "trap");
    let detail = outcome["detail"].as_str().unwrap();
    assert!(detail.starts_with("not called for another ") && detail.contains("failed time after time"), "{detail}");
    // The same module elsewhere is another attachment.
    platform.post("/other", &[], "{}").await.expect(200);
    // It is tried again.
    crate::support::eventually("the filter's next chance", async || {
        (platform.post("/own", &[], "{}").await.status == 200).then_some(())
    })
    .await;
    platform.post("/own", &[], "{}").await.expect(200);
    platform.stop().await;
}
