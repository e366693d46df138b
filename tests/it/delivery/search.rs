//! Words of bodies are found, where the route says so.

use serde_json::{Value, json};

use super::{destination, fickle, post, settled};
use crate::support::{Platform, eventually};

async fn found(platform: &Platform, query: &str) -> Vec<Value> {
    let listed = platform.api.get(&format!("/events?{query}")).await.expect(200).json();
    listed["items"].as_array().unwrap().iter().map(|event| event["id"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_found_by_their_words() {
    let (ci, _) = fickle(200).await;
    let platform = Platform::start().await;
    destination(&platform, "ci", &ci, json!({})).await;
    let spec = |search: bool| json!({ "match": { "path": "/hook" }, "deliver": { "destinations": ["ci"] }, "filters": [], "search": search });
    platform.put_route("hooks", spec(false)).await;
    let old = post(&platform, "{\"customer\":\"Müller\",\"order\":1}").await.expect(202).event().to_owned();
    settled(&platform, &old).await;
    let refused = platform.api.get("/events?text=m%C3%BCller&route=hooks").await.problem(422);
    assert_eq!(refused["faults"][0]["at"], "route");
    // What came before is found as well.
    platform.put_route("hooks", spec(true)).await;
    let new = post(&platform, "{\"customer\":\"Meyer\",\"order\":2}").await.expect(202).event().to_owned();
    for (words, event) in [("m%C3%BCller%20customer", &old), ("MEYER", &new)] {
        eventually("it is found", async || {
            (found(&platform, &format!("text={words}")).await == [json!(event)]).then_some(())
        })
        .await;
    }
    assert_eq!(found(&platform, "text=customer").await, [json!(new), json!(old)]);
    assert_eq!(found(&platform, "text=customer&status=dead").await, [] as [Value; 0]);
    assert_eq!(found(&platform, "text=%22%20OR%20%28").await, [] as [Value; 0]);
    platform.api.post("/v1/reindex", &json!({})).await.expect(204);
    let platform = platform.restart().await;
    eventually("it is found again", async || (found(&platform, "text=meyer").await == [json!(new)]).then_some(()))
        .await;
    assert_eq!(platform.api.get("/v1/status").await.json()["search_lag"], 0);
    platform.stop().await;
}
