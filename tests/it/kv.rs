//! Small values that outlive a call, private to project, route and filter.

use serde_json::{Value, json};

use crate::support::{Destination, Platform};

fn set(key: &str, value: &str) -> Value {
    json!({"do": "set", "namespace": "store", "key": key, "value": value, "ttl": null})
}

fn get(key: &str) -> Value {
    json!({"do": "get", "namespace": "store", "key": key})
}

fn increment(key: &str, delta: i64) -> Value {
    json!({"do": "increment", "namespace": "store", "key": key, "delta": delta, "ttl": null})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_event_sets_the_next_one_gets() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    assert_eq!(platform.learn(get("a")).await, json!({"ok": null}));
    assert_eq!(platform.learn(set("a", "one\u{ff}")).await, json!({"ok": null}));
    assert_eq!(platform.learn(get("a")).await["ok"].as_str().unwrap().chars().count(), 5);
    assert_eq!(platform.learn(set("a", "two")).await, json!({"ok": null}));
    assert_eq!(platform.learn(json!({"do": "delete", "namespace": "store", "key": "a"})).await, json!({"ok": null}));
    assert_eq!(platform.learn(get("a")).await, json!({"ok": null}));
    platform.learn(set("kept", "over a restart")).await;
    let platform = platform.restart().await;
    assert_eq!(platform.learn(get("kept")).await, json!({"ok": "over a restart"}));
    platform.stop().await;
}

/// However many count at once, nothing is counted twice or lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_counter_counts_every_event_once() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let counted = futures_util::future::join_all((0..40).map(|_| platform.learn(increment("n", 3)))).await;
    let mut counted: Vec<i64> = counted.iter().map(|value| value["ok"].as_i64().unwrap()).collect();
    counted.sort_unstable();
    assert_eq!(counted, (1..=40).map(|count| 3 * count).collect::<Vec<_>>());
    assert_eq!(platform.learn(increment("n", -121)).await, json!({"ok": -1}));
    platform.learn(set("text", "no number")).await;
    assert!(platform.learn(increment("text", 1)).await["error"].is_string());
    platform.stop().await;
}

/// Of many that swap the same value at once, one wins.
#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_swaps_wins() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    for expected in [Value::Null, json!("winner")] {
        let value = if expected.is_null() { "winner" } else { "again" };
        let swap = json!({"do": "swap", "namespace": "store", "key": "k", "expected": expected, "value": value});
        let swapped = futures_util::future::join_all((0..12).map(|_| platform.learn(swap.clone()))).await;
        assert_eq!(swapped.iter().filter(|value| value["ok"] == true).count(), 1, "{swapped:?}");
    }
    assert_eq!(platform.learn(get("k")).await, json!({"ok": "again"}));
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_sees_it() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let mut second = platform.told();
    second["name"] = json!("second");
    platform.route("other", "/other", &["ci"], json!([platform.told()])).await;
    platform.learn(set("a", "hooks/told")).await;
    let ask = async |path: &str| platform.post(path, &[("x-do", &get("a").to_string())], "").await.expect(200).json();
    assert_eq!(ask("/hook").await, json!({"ok": "hooks/told"}));
    assert_eq!(ask("/other").await, json!({"ok": null}), "another route has another store");
    platform.route("hooks", "/hook", &["ci"], json!([second])).await;
    assert_eq!(ask("/hook").await, json!({"ok": null}), "another filter has another store");

    // A route of the same name in another project as well.
    let team = platform.api.in_project("team");
    team.put("/v1/projects/team", &json!({})).await.expect(201);
    team.upload("told", crate::support::guest("told")).await.expect(201);
    for secret in ["webhook", "token"] {
        team.put(&format!("/secrets/{secret}"), &json!({"value": "of the team"})).await.expect(200);
    }
    team.put("/destinations/ci", &json!({"url": destination.url("/")})).await.expect(200);
    let spec = json!({"match": {"path": "/team"}, "forward": {"candidates": ["ci"]}, "filters": [platform.told()]});
    team.put("/routes/hooks", &spec).await.expect(200);
    assert_eq!(ask("/team").await, json!({"ok": null}), "another project has another store");
    let answer = platform.post("/team", &[("x-do", r#"{"do": "reveal", "secret": "token"}"#)], "").await.expect(200);
    assert_eq!(answer.json(), json!({"ok": "of the team"}), "and other secrets");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_counted_and_arguments_checked() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let mut filter = platform.told();
    filter["limits"] = json!({"kv_calls": 7});
    platform.route("hooks", "/hook", &["ci"], json!([filter])).await;
    let flood = platform.learn(json!({"do": "kv-flood", "namespace": "store", "calls": 9})).await;
    assert_eq!(flood["ok"]["calls"], 7, "{flood}");
    assert!(flood["ok"]["error"].as_str().unwrap().contains("kv_calls: at most 7 for one event"), "{flood}");
    for (told, said) in [
        (get(""), "a key has 1 to 512 bytes"),
        (get(&"k".repeat(513)), "a key has 1 to 512 bytes"),
        (set("k", &"v".repeat(20_000)), ""),
        (
            json!({"do": "set", "namespace": "store", "key": "k", "value": "v", "ttl": 0}),
            "a time to live is 1 to 34560000 seconds",
        ),
    ] {
        let answer = platform.learn(told).await;
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(error.contains(said) && said.is_empty() == error.is_empty(), "{answer}");
    }
    platform.stop().await;
}
