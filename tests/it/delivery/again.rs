//! What is sent again: by hand, from the dead letter, or as a replay.

use std::sync::atomic::Ordering::Relaxed;

use serde_json::{Value, json};

use super::{destination, fickle, platform, post, route, settled};
use crate::support::{Destination, Platform, Reply, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_attempt_left_is_dead_until_somebody_sends_it_again() {
    let (ci, says) = fickle(400).await;
    let platform = platform(&ci).await;
    route(&platform, &["ci"], json!({ "retry": { "delays_seconds": [] } })).await;
    let mut events = Vec::new();
    for number in 0..3 {
        events.push(post(&platform, &number.to_string()).await.expect(202).event().to_owned());
    }
    for event in &events {
        let story = settled(&platform, event).await;
        assert_eq!(story["deliveries"][0]["status"], "dead", "{story}");
    }
    let dead = platform.api.get("/deliveries?status=dead&destination=ci").await.expect(200).json();
    assert_eq!(dead["items"].as_array().unwrap().len(), 3);
    let dry =
        platform.api.post("/deliveries/redrive", &json!({ "destination": "ci", "dry_run": true })).await.expect(200);
    assert_eq!(dry.json(), json!({ "deliveries": 3, "dry_run": true }));
    says.store(200, Relaxed);
    let one = dead["items"][0]["id"].as_str().unwrap();
    platform.api.post(&format!("/deliveries/{one}/retry"), &json!({})).await.expect(200);
    eventually("it is delivered", async || {
        let known = platform.api.get(&format!("/deliveries/{one}")).await.expect(200).json();
        (known["status"] == "delivered" && known["attempts"] == 1).then_some(())
    })
    .await;
    let redriven = platform.api.post("/deliveries/redrive", &json!({ "per_second": 1000 })).await.expect(200).json();
    assert_eq!(redriven, json!({ "deliveries": 2, "dry_run": false }));
    for event in &events {
        eventually("it is delivered", async || {
            (settled(&platform, event).await["deliveries"][0]["status"] == "delivered").then_some(())
        })
        .await;
    }
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_waits_can_be_given_up() {
    let (ci, _) = fickle(500).await;
    let platform = Platform::start().await;
    destination(&platform, "ci", &ci, json!({ "retry": { "delays_seconds": [3600] } })).await;
    route(&platform, &["ci"], json!({})).await;
    let event = post(&platform, "{}").await.expect(202).event().to_owned();
    ci.reached(1).await;
    let id = eventually("the attempt is written down", async || {
        let story = platform.api.get(&format!("/events/{event}")).await.json();
        let delivery = &story["deliveries"][0];
        (delivery["attempts"] == 1).then(|| delivery["id"].as_str().unwrap().to_owned())
    })
    .await;
    let given_up = platform.api.post(&format!("/deliveries/{id}/cancel"), &json!({})).await.expect(200).json();
    assert_eq!(given_up["status"], "cancelled");
    let again = platform.api.post(&format!("/deliveries/{id}/cancel"), &json!({})).await;
    let said = format!("delivery `{id}` is cancelled: only one that waits can be given up");
    assert_eq!(again.problem(409)["detail"], said);
    platform.api.get("/deliveries/dlv_00000000000000000000000000").await.problem(404);
    platform.api.get("/deliveries/nonsense").await.problem(422);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_is_gone_is_disabled_and_keeps_its_backlog() {
    let (ci, says) = fickle(410).await;
    let platform = platform(&ci).await;
    let event = post(&platform, "{}").await.expect(202).event().to_owned();
    let condition = eventually("it is disabled", async || {
        let condition = platform.api.get("/destinations/ci/condition").await.expect(200).json();
        condition["disabled"].is_object().then_some(condition)
    })
    .await;
    assert!(condition["disabled"]["reason"].as_str().unwrap().contains("410"), "{condition}");
    says.store(200, Relaxed);
    let platform = platform.restart().await;
    post(&platform, "{}").await.expect(202);
    assert_eq!(ci.received().len(), 1, "it is left alone");
    platform.api.post("/destinations/ci/enable", &json!({})).await.expect(200);
    ci.reached(3).await;
    let story = settled(&platform, &event).await;
    assert_eq!(story["deliveries"][0]["status"], "delivered");
    platform.api.post("/destinations/ci/disable", &json!({ "reason": "maintenance" })).await.expect(200);
    let condition = platform.api.get("/destinations/ci/condition").await.expect(200).json();
    assert_eq!(condition["disabled"]["reason"], "maintenance");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_replayed_through_the_filters_as_they_are_now() {
    let (ci, other) = (Destination::ok().await, Destination::ok().await);
    let platform = Platform::start().await;
    platform.push("told").await;
    platform.secret("webhook", "It's a Secret to Everybody").await;
    platform.secret("token", "shown").await;
    destination(&platform, "ci", &ci, json!({})).await;
    destination(&platform, "other", &other, json!({})).await;
    let spec = |first: Value| {
        let mut told = platform.told();
        told["config"] = first;
        json!({ "match": { "path": "/hook" }, "deliver": { "destinations": ["ci"] }, "filters": [told] })
    };
    platform.put_route("hooks", spec(json!({ "do": "as-told" }))).await;
    let event = platform.tell(json!({ "do": "edit", "edits": [{ "set-header": ["x-a", "then"] }] })).await.expect(202);
    let event = event.event().to_owned();
    settled(&platform, &event).await;
    platform.put_route("hooks", spec(json!({ "do": "edit", "edits": [{ "set-header": ["x-a", "now"] }] }))).await;
    let path = format!("/events/{event}/replay");
    let dry = platform.api.post(&path, &json!({ "dry_run": true })).await.expect(200).json();
    assert_eq!((&dry["events"], ci.received().len()), (&json!(1), 1));
    let now = platform.api.post(&path, &json!({ "to": ["other"] })).await.expect(200).json();
    assert_eq!(now["deliveries"].as_array().unwrap().len(), 1);
    other.reached(1).await;
    assert_eq!(other.only().header("x-a"), "now");
    platform.api.post(&path, &json!({ "through": "stored" })).await.expect(200);
    ci.reached(2).await;
    let received = ci.received();
    assert_eq!(received[1].header("x-a"), "then");
    assert_ne!(received[0].header("webhook-id"), received[1].header("webhook-id"));
    platform.api.post(&path, &json!({ "through": "then", "to": ["other"] })).await.expect(200);
    other.reached(2).await;
    assert_eq!(other.received()[1].header("x-a"), "then");
    let story = settled(&platform, &event).await;
    let replays: Vec<&Value> = story["deliveries"].as_array().unwrap().iter().map(|known| &known["replay"]).collect();
    assert_eq!(replays, [&json!(false), &json!(true), &json!(true), &json!(true)]);
    // Many at a time.
    let many = json!({ "route": "hooks", "how": { "to": ["other"] } });
    let many = platform.api.post("/events/replay", &many).await.expect(200).json();
    assert_eq!(many["events"], 1);
    let unknown = platform.api.post(&path, &json!({ "to": ["nowhere"] })).await.problem(422);
    assert_eq!(unknown["faults"][0]["at"], "to[0]");
    platform.stop().await;
}

/// Clock, random numbers and configuration of then; keys are neither found nor taken.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_repeated_as_it_was_comes_out_the_same() {
    let ci = Destination::ok().await;
    let platform = Platform::start().await;
    platform.push("told").await;
    platform.secret("webhook", "It's a Secret to Everybody").await;
    platform.secret("token", "shown").await;
    destination(&platform, "ci", &ci, json!({})).await;
    let spec = |what: Value| {
        let mut told = platform.told();
        told["config"] = what;
        json!({ "match": { "path": "/hook" }, "deliver": { "destinations": ["ci"] }, "filters": [told] })
    };
    let once = json!({ "do": "once", "namespace": "store", "key": "k", "ttl": 3600 });
    platform.put_route("hooks", spec(once)).await;
    let first = post(&platform, "{}").await.expect(202).event().to_owned();
    settled(&platform, &first).await;
    platform.put_route("hooks", spec(json!({ "do": "pass" }))).await;
    for _ in 0..2 {
        let again = json!({ "through": "then" });
        let again = platform.api.post(&format!("/events/{first}/replay"), &again).await.expect(200).json();
        assert_eq!((&again["events"], &again["left_out"]), (&json!(1), &json!([])));
    }
    ci.reached(3).await;
    let bodies: Vec<Vec<u8>> = ci.received().into_iter().map(|received| received.body).collect();
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    // Without the filter's rights it cannot be repeated, which is told.
    let bare = json!({ "match": { "path": "/hook" }, "deliver": { "destinations": ["ci"] }, "filters": [] });
    platform.put_route("hooks", bare).await;
    let again = json!({ "through": "then" });
    let again = platform.api.post(&format!("/events/{first}/replay"), &again).await.expect(200).json();
    let said = "filter told is not on its route any more, so that nobody knows its rights";
    assert_eq!(again["left_out"], json!([{ "event": first, "reason": said }]));
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_remembered_up_to_its_bound() {
    let ci = Destination::start(|_| Reply::status(200).header("x-a", "b").body("x".repeat(20_000))).await;
    let platform = platform(&ci).await;
    let event = post(&platform, "{}").await.expect(202).event().to_owned();
    let answer = settled(&platform, &event).await["deliveries"][0]["attempts_made"][0]["answer"].clone();
    assert_eq!(answer["truncated"], true);
    assert_eq!(crate::support::unbase64(&answer["body"]).len(), 16 << 10);
    assert!(answer["headers"].as_array().unwrap().contains(&json!(["x-a", "b"])), "{answer}");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn destinations_step_in_one_after_the_other_and_in_no_circle() {
    let ((first, _), (second, _), third) = (fickle(500).await, fickle(500).await, Destination::ok().await);
    let platform = Platform::start().await;
    destination(&platform, "third", &third, json!({})).await;
    destination(&platform, "second", &second, json!({ "failover": { "to": "third", "after_attempts": 1 } })).await;
    destination(&platform, "first", &first, json!({ "failover": { "to": "second", "after_attempts": 1 } })).await;
    let circle = json!({ "url": third.url(""), "failover": { "to": "first", "after_attempts": 1 } });
    let refused = platform.api.put("/destinations/third", &circle).await.problem(422);
    let said = refused["faults"][0]["problem"].as_str().unwrap();
    assert!(said.contains("comes back to where it was"), "{said}");
    route(&platform, &["first"], json!({})).await;
    let event = post(&platform, "{}").await.expect(202).event().to_owned();
    let story = settled(&platform, &event).await;
    let delivery = &story["deliveries"][0];
    assert_eq!((&delivery["status"], &delivery["target"]), (&json!("delivered"), &json!("third")));
    let tried: Vec<&Value> = delivery["attempts_made"].as_array().unwrap().iter().map(|made| &made["target"]).collect();
    assert_eq!(tried, ["first", "second", "third"]);
    platform.stop().await;
}
