//! Mode `deliver`: what is acknowledged arrives, whatever happens to destinations and to the host.

mod again;
mod crash;
#[cfg(target_os = "linux")]
mod disk;
mod order;
mod receivers;
mod refused;
mod search;

use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering::Relaxed},
};

use serde_json::{Value, json};

use crate::support::{Answer, Destination, Platform, Reply, eventually};

/// Attempts follow each other quickly, and there are many.
fn quick() -> Value {
    json!({ "delays_seconds": vec![1; 60], "jitter_percent": 0 })
}

/// A destination with what else is written for it; an open breaker would only slow the stories down.
async fn destination(platform: &Platform, name: &str, destination: &Destination, more: Value) {
    let mut spec =
        json!({ "url": destination.url(""), "path": "append", "retry": quick(), "breaker": { "off": true } });
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    platform.api.put(&format!("/destinations/{name}"), &spec).await.expect(200);
}

/// A route in mode `deliver` at `/hook`.
async fn route(platform: &Platform, destinations: &[&str], more: Value) {
    let mut deliver = json!({ "destinations": destinations });
    deliver.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    platform.put_route("hooks", json!({ "match": { "path": "/hook" }, "deliver": deliver, "filters": [] })).await;
}

/// Destination `ci` and a route to it.
async fn platform(ci: &Destination) -> Platform {
    let platform = Platform::start().await;
    destination(&platform, "ci", ci, json!({})).await;
    route(&platform, &["ci"], json!({})).await;
    platform
}

/// A destination whose answer can be changed.
async fn fickle(status: u16) -> (Destination, Arc<AtomicU16>) {
    let says = Arc::new(AtomicU16::new(status));
    let script = Arc::clone(&says);
    (Destination::start(move |_| Reply::status(script.load(Relaxed))).await, says)
}

/// The event as it is told once all its deliveries are decided.
async fn settled(platform: &Platform, event: &str) -> Value {
    eventually("all deliveries are decided", async || {
        let story = platform.api.get(&format!("/events/{event}")).await.expect(200).json();
        let deliveries = story["deliveries"].as_array()?;
        deliveries.iter().all(|delivery| delivery["status"] != "waiting").then_some(story)
    })
    .await
}

async fn post(platform: &Platform, body: &str) -> Answer {
    platform.post("/hook", &[("content-type", "application/json"), ("x-github-event", "push")], body.to_owned()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_stored_acknowledged_and_delivered() {
    let ci = Destination::ok().await;
    let platform = platform(&ci).await;
    let body = "{ \"a\" :1, \"é\": \"\\u0000\" }\r\n";
    let answer = platform
        .post("/hook?q=%20", &[("x-github-event", "push"), ("connection", "x-hop"), ("x-hop", "1")], body)
        .await;
    let answer = answer.expect(202);
    assert_eq!(answer.json(), json!({ "event": answer.event() }));
    let story = settled(&platform, answer.event()).await;
    let received = ci.only();
    assert_eq!((received.method.as_str(), received.target.as_str()), ("POST", "/hook?q=%20"));
    assert_eq!(received.text(), body);
    assert_eq!(received.header("x-github-event"), "push");
    assert!(received.values("x-hop").is_empty() && received.values("webhook-signature").is_empty());
    assert!(received.header("user-agent").starts_with("snaphook/"));
    assert!(received.header("traceparent").starts_with("00-"));
    let delivery = &story["deliveries"][0];
    assert_eq!(received.header("webhook-id"), delivery["id"].as_str().unwrap());
    let age = received
        .header("webhook-timestamp")
        .parse::<u64>()
        .unwrap()
        .abs_diff(delivery["created"].as_u64().unwrap() / 1_000);
    assert!(age < 60, "{age}");
    assert_eq!((&delivery["status"], &delivery["attempts"]), (&json!("delivered"), &json!(1)));
    let attempt = &delivery["attempts_made"][0];
    assert_eq!((&attempt["outcome"], &attempt["answer"]["status"]), (&json!("delivered"), &json!(200)));
    assert!(attempt["timings"]["total_us"].as_u64().unwrap() > 0 && attempt["timings"]["connect_us"].is_u64());
    assert_eq!((&story["record"]["disposition"], &story["record"]["status"]), (&json!("accepted"), &json!(202)));
    assert_eq!(story["received"]["query"], "q=%20");
    assert!(story.get("made").is_none(), "nothing changed it: {story}");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_holds_up_nobody_and_gets_it_once_it_is_back() {
    let (up, (down, says)) = (Destination::ok().await, fickle(500).await);
    let platform = Platform::start().await;
    destination(&platform, "up", &up, json!({})).await;
    destination(&platform, "down", &down, json!({ "concurrency": 1 })).await;
    route(&platform, &["down", "up"], json!({})).await;
    let mut events = Vec::new();
    for number in 0..20 {
        events.push(post(&platform, &format!("{{\"n\":{number}}}")).await.expect(202).event().to_owned());
    }
    up.reached(20).await;
    down.reached(2).await;
    let story = platform.api.get(&format!("/events/{}", events[0])).await.json();
    let waiting = story["deliveries"].as_array().unwrap().iter().find(|known| known["destination"] == "down").unwrap();
    assert_eq!(waiting["status"], "waiting");
    says.store(200, Relaxed);
    for event in &events {
        let story = settled(&platform, event).await;
        let all = story["deliveries"].as_array().unwrap();
        assert!(all.iter().all(|delivery| delivery["status"] == "delivered"), "{story}");
    }
    let story = settled(&platform, &events[0]).await;
    let down = story["deliveries"].as_array().unwrap().iter().find(|known| known["destination"] == "down").unwrap();
    let failed = &down["attempts_made"][0];
    assert_eq!((&failed["outcome"], &failed["answer"]["status"]), (&json!("failed"), &json!(500)));
    assert_eq!(up.received().len(), 20);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_changes_what_is_delivered_and_says_to_whom() {
    let (one, two) = (Destination::ok().await, Destination::ok().await);
    let platform = Platform::start().await;
    platform.push("told").await;
    platform.secret("webhook", "It's a Secret to Everybody").await;
    platform.secret("token", "shown").await;
    destination(&platform, "one", &one, json!({})).await;
    destination(&platform, "two", &two, json!({})).await;
    let spec = json!({
        "match": { "path": "/hook" },
        "deliver": { "destinations": ["one", "two"] },
        "filters": [platform.told()],
    });
    platform.put_route("hooks", spec).await;
    let edits = json!({ "do": "edit", "edits": [{ "set-header": ["x-a", "b"] }, { "choose": ["two"] }] });
    let answer = platform.tell(edits).await.expect(202);
    let story = settled(&platform, answer.event()).await;
    assert_eq!(story["deliveries"].as_array().unwrap().len(), 1);
    assert_eq!(two.only().header("x-a"), "b");
    assert!(one.received().is_empty());
    let header = |request: &Value| request["headers"].as_array().unwrap().contains(&json!(["x-a", "b"]));
    assert!(header(&story["made"]) && !header(&story["received"]), "{story}");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_event_sent_again_is_answered_alike_and_delivered_once() {
    let ci = Destination::ok().await;
    let platform = platform(&ci).await;
    route(&platform, &["ci"], json!({ "idempotency": { "key": { "json": "/id" } } })).await;
    let first = post(&platform, "{\"id\":\"a\"}").await.expect(202);
    for _ in 0..3 {
        let again = post(&platform, "{\"id\":\"a\",\"more\":1}").await.expect(202);
        assert_eq!((again.event(), again.header("snaphook-duplicate")), (first.event(), "true"));
        assert_eq!(again.json(), json!({ "event": first.event(), "duplicate": true }));
    }
    let other = post(&platform, "{\"id\":\"b\"}").await.expect(202);
    assert_eq!(other.header("snaphook-duplicate"), "");
    // What has no key is no duplicate.
    for _ in 0..2 {
        post(&platform, "{}").await.expect(202);
    }
    ci.reached(4).await;
    let platform = platform.restart().await;
    assert_eq!(post(&platform, "{\"id\":\"a\"}").await.expect(202).header("snaphook-duplicate"), "true");
    assert_eq!(ci.received().len(), 4);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_delivered_when_its_sender_says() {
    let ci = Destination::ok().await;
    let platform = platform(&ci).await;
    route(&platform, &["ci"], json!({ "delay": { "header": "deliver-after", "most_seconds": 3600 } })).await;
    let later = platform.post("/hook", &[("deliver-after", "9999999")], "later").await.expect(202);
    let refused = platform.post("/hook", &[("deliver-after", "soon")], "x").await;
    assert_eq!(refused.problem(400)["detail"], "the header that says when to deliver is neither seconds nor a date");
    let soon = platform.post("/hook", &[("deliver-after", "1")], "soon").await.expect(202);
    let story = settled(&platform, soon.event()).await;
    assert_eq!(ci.only().text(), "soon");
    let delivery = &story["deliveries"][0];
    let started = delivery["attempts_made"][0]["started"].as_u64().unwrap();
    assert!(started >= story["record"]["received"].as_u64().unwrap() + 1_000, "{story}");
    let waiting = platform.api.get(&format!("/events/{}", later.event())).await.json();
    let due = waiting["deliveries"][0]["due"].as_u64().unwrap() - waiting["record"]["received"].as_u64().unwrap();
    assert_eq!(due, 3_600_000, "longer waits are cut");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_go_nowhere_are_kept_if_the_route_says_so() {
    let ci = Destination::ok().await;
    let platform = Platform::with_told(&ci).await;
    let spec = json!({
        "match": { "path": "/hook" },
        "forward": { "candidates": ["ci"] },
        "capture": "failures",
        "filters": [platform.told()],
    });
    platform.put_route("hooks", spec).await;
    let rejected = platform.tell(json!({ "do": "reject", "status": 422, "reason": "no" })).await.expect(422);
    let passed = platform.tell(json!({ "do": "pass" })).await.expect(200);
    let (rejected, passed) = (rejected.event().to_owned(), passed.event().to_owned());
    eventually("the event is kept", async || {
        let story = platform.api.get(&format!("/events/{rejected}")).await.json();
        story.get("received").map(|_| ())
    })
    .await;
    let platform = platform.restart().await;
    let story = platform.api.get(&format!("/events/{rejected}")).await.expect(200).json();
    assert_eq!((&story["record"]["disposition"], &story["record"]["status"]), (&json!("rejected"), &json!(422)));
    assert_eq!(story["received"]["body_base64"], "e30=");
    platform.api.get(&format!("/events/{passed}")).await.expect(404);
    platform.stop().await;
}

/// Filter `told` doing this, under a name of its own.
fn doing(platform: &Platform, name: &str, what: Value) -> Value {
    let mut told = platform.told();
    (told["name"], told["config"]) = (json!(name), what);
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn each_destination_has_filters_of_its_own() {
    let (one, (two, says)) = (Destination::ok().await, fickle(500).await);
    let platform = Platform::start().await;
    platform.push("told").await;
    platform.secret("webhook", "It's a Secret to Everybody").await;
    platform.secret("token", "shown").await;
    for (name, to) in [("one", &one), ("two", &two), ("three", &one), ("four", &one)] {
        destination(&platform, name, to, json!({})).await;
    }
    let edit = |value: &str| json!({ "do": "edit", "edits": [{ "set-header": ["x-for", value] }] });
    let spec = json!({
        "match": { "path": "/hook" },
        "deliver": {
            "destinations": ["one", "two", "three", "four"],
            "filters": {
                "two": [doing(&platform, "for-two", edit("two"))],
                "three": [doing(&platform, "for-three", json!({ "do": "drop", "reason": "not wanted" }))],
                "four": [doing(&platform, "for-four", json!({ "do": "reject", "status": 400, "reason": "wrong" }))],
            },
        },
        "filters": [doing(&platform, "for-all", json!({ "do": "edit", "edits": [{ "set-header": ["x-all", "1"] }] }))],
    });
    platform.api.put("/routes/hooks", &spec).await.expect(200);
    let event = post(&platform, "{}").await.expect(202).event().to_owned();
    two.reached(1).await;
    // What was made is made once: another version of the filter changes nothing about it.
    let mut changed = spec.clone();
    changed["deliver"]["filters"]["two"][0]["config"] = edit("changed");
    platform.api.put("/routes/hooks", &changed).await.expect(200);
    says.store(200, Relaxed);
    let story = settled(&platform, &event).await;
    let of = |name: &str| {
        let all = story["deliveries"].as_array().unwrap();
        all.iter().find(|known| known["destination"] == name).unwrap().clone()
    };
    assert_eq!((of("one")["status"].clone(), of("two")["status"].clone()), (json!("delivered"), json!("delivered")));
    let received = one.only();
    assert_eq!((received.header("x-all").as_str(), received.header("x-for").as_str()), ("1", ""));
    for received in two.received() {
        assert_eq!((received.header("x-all").as_str(), received.header("x-for").as_str()), ("1", "two"));
    }
    assert_eq!(
        (&of("three")["status"], &of("three")["reason"]),
        (&json!("cancelled"), &json!("filter for-three dropped it: not wanted"))
    );
    assert_eq!(
        (&of("four")["status"], &of("four")["reason"]),
        (&json!("dead"), &json!("filter for-four rejected it: wrong"))
    );
    let refused = platform.api.delete("/modules/told/1").await;
    assert!(refused.problem(409)["detail"].as_str().unwrap().contains("ran for events that are still kept"));
    let platform = platform.restart().await;
    post(&platform, "{}").await.expect(202);
    eventually("the changed filter is called", async || {
        two.received().iter().any(|received| received.header("x-for") == "changed").then_some(())
    })
    .await;
    // Also for replays, whatever of the chain is run for them.
    for (replays, through) in [(1, "now"), (2, "then"), (3, "stored")] {
        two.forget();
        let replay = json!({ "through": through, "to": ["two"] });
        let replayed = platform.api.post(&format!("/events/{event}/replay"), &replay).await.expect(200).json();
        assert_eq!((&replayed["events"], &replayed["left_out"]), (&json!(1), &json!([])), "{through}");
        eventually(&format!("replay {replays} arrived"), async || {
            let came = two.received().into_iter().find(|received| received.header("x-for") == "changed");
            came.map(|came| assert_eq!(came.header("x-all"), "1", "{through}"))
        })
        .await;
    }
    platform.stop().await;
}
