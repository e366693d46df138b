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

/// Whatever a change leaves as it is, it leaves in place.
#[tokio::test(flavor = "multi_thread")]
async fn a_warm_one_stays_over_changes_of_other_things() {
    let (destination, other) = (Destination::ok().await, Destination::ok().await);
    let platform = Platform::with_told(&destination).await;
    attach(&platform, "own", "warm").await;
    let mut events = 0;
    let mut served_before = async |what: &str| {
        events += 1;
        assert_eq!(remember(&platform, "own").await["events"], events, "{what}");
    };
    served_before("at first").await;
    platform.secret("unrelated", "value").await;
    served_before("a secret that it has no grant for").await;
    platform.destination("unrelated", &other).await;
    served_before("a destination that it does not have").await;
    platform.push("v1").await;
    served_before("a module").await;
    attach(&platform, "another", "warm").await;
    served_before("another route").await;
    platform.api.delete("/routes/another").await.expect(204);
    served_before("one that went").await;
    attach(&platform, "own", "warm").await;
    served_before("the same, written again").await;
    // The route is another one then; its filter is not.
    platform.destination("ci", &other).await;
    served_before("its destination").await;
    let last = json!({"name": "last", "module": "v1"});
    let mut filter = platform.told();
    filter["instance"] = json!("warm");
    platform.route("own", "/elsewhere", &["ci", "unrelated"], json!([last, filter])).await;
    platform.route("own", "/own", &["ci"], json!([filter])).await;
    served_before("all of the route but the filter").await;
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_one_ends_with_what_it_was_made_of() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let mut filter = platform.told();
    filter["instance"] = json!("warm");
    let begins_anew = async |what: &str| {
        assert_eq!(remember(&platform, "own").await["events"], 1, "{what}");
        assert_eq!(remember(&platform, "own").await["events"], 2, "{what}");
    };
    platform.route("own", "/own", &["ci"], json!([filter])).await;
    begins_anew("at first").await;
    platform.secret("webhook", "rotated").await;
    begins_anew("a secret that it verifies with").await;
    platform.secret("token", "another").await;
    let (name, reveal) = told(&json!({"do": "reveal", "secret": "token"}));
    let revealed = platform.post("/own", &[(name, &reveal)], "{}").await.expect(200).json();
    assert_eq!(revealed, json!({"ok": "another"}));
    platform.secret("token", "a third one").await;
    begins_anew("a secret that it reads").await;
    for (part, value) in [
        ("limits", json!({"log_lines": 7})),
        ("on_failure", json!({"default": "open"})),
        ("grants", json!({"secrets": {"webhook": "webhook"}, "reveal": {"token": "webhook"}, "kv": ["store"]})),
        ("config", json!({"do": "remember"})),
    ] {
        filter[part] = value;
        platform.route("own", "/own", &["ci"], json!([filter])).await;
        begins_anew(part).await;
    }
    platform.stop().await;
}

/// The version that ran before keeps what it has when a new one comes, and again on the way back.
#[tokio::test(flavor = "multi_thread")]
async fn a_warm_one_stays_where_its_version_is_only_called_when_another_fails() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let mut filter = platform.told();
    (filter["instance"], filter["on_failure"]) = (json!("warm"), json!({"default": "previous"}));
    platform.route("own", "/own", &["ci"], json!([filter])).await;
    assert_eq!(remember(&platform, "own").await["events"], 1);
    platform.api.upload("told", crate::support::guest("worse")).await.expect(201);
    platform.route("own", "/own", &["ci"], json!([filter])).await;
    let (name, value) = told(&json!({"do": "remember"}));
    let answer = platform.post("/own", &[("x-worse", "trap"), (name, &value)], "{}").await.expect(200);
    assert_eq!(answer.json()["events"], 2);
    filter["module"] = json!("told@1");
    platform.route("own", "/own", &["ci"], json!([filter])).await;
    assert_eq!(remember(&platform, "own").await["events"], 3);
    platform.stop().await;
}

/// A filter that fails every time is called off for a while, and changes of other things make it no better.
#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_always_fails_is_not_called() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    platform.route("own", "/own", &["ci"], json!([platform.told()])).await;
    platform.route("other", "/other", &["ci"], json!([platform.told()])).await;
    let (name, trap) = told(&json!({"do": "trap"}));
    for failures in 1..=20 {
        platform.post("/own", &[(name, &trap)], "{}").await.expect(500);
        if failures == 10 || failures == 20 {
            platform.secret("unrelated", &format!("after {failures}")).await;
        }
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
