//! What the operations on events and deliveries refuse, and what they say.

use serde_json::json;

use super::{platform, post, settled};
use crate::support::Destination;

#[tokio::test(flavor = "multi_thread")]
async fn with_a_reason() {
    let ci = Destination::ok().await;
    let platform = platform(&ci).await;
    let event = post(&platform, "{}").await.expect(202).event().to_owned();
    let story = settled(&platform, &event).await;
    let delivered = story["deliveries"][0]["id"].as_str().unwrap().to_owned();
    let (no_event, no_delivery) = ("evt_01ARZ3NDEKTSV4RRFFQ69G5FAV", "dlv_01ARZ3NDEKTSV4RRFFQ69G5FAV");
    for (path, status, said) in [
        ("/events?label=x", 422, "`x` is no pair: write `NAME:VALUE`"),
        ("/events?header=x", 422, "`x` is no pair: write `NAME:VALUE`"),
        ("/events?before=x", 422, "`x` is no event id"),
        ("/events?disposition=x", 400, "unknown variant `x`"),
        ("/events?nonsense=1", 400, "unknown field `nonsense`"),
        ("/deliveries?label=x", 422, "`x` is no pair: write `NAME:VALUE`"),
        ("/deliveries?header=x", 422, "`x` is no pair: write `NAME:VALUE`"),
        ("/deliveries?event=x", 422, "`x` is no event id"),
        ("/deliveries?route=%20", 422, "is not a name"),
        ("/deliveries?status=x", 400, "unknown variant `x`"),
        (&format!("/events/{no_event}"), 404, no_event),
        (&format!("/deliveries/{no_delivery}"), 404, no_delivery),
    ] {
        let answer = platform.api.get(path).await;
        let problem = answer.problem(status).to_string();
        assert!(problem.contains(said), "{path}: {problem}");
    }
    for (path, body, status, said) in [
        ("/deliveries/redrive", json!({ "per_second": 0 }), 422, "is out of range: 1 to 1000"),
        ("/deliveries/redrive", json!({ "per_second": 1_001 }), 422, "is out of range: 1 to 1000"),
        ("/deliveries/redrive", json!({ "delivery": "x" }), 422, "`x` is no delivery id"),
        ("/deliveries/redrive", json!({ "nonsense": 1 }), 400, "unknown field `nonsense`"),
        (&format!("/events/{no_event}/replay"), json!({}), 404, no_event),
        (&format!("/events/{event}/replay"), json!({ "to": ["nobody"] }), 422, "nobody"),
        ("/events/replay", json!({ "label": "x" }), 422, "`x` is no pair: write `NAME:VALUE`"),
        ("/events/replay", json!({ "how": { "per_second": 0 } }), 422, "is out of range"),
        (&format!("/deliveries/{no_delivery}/retry"), json!({}), 404, no_delivery),
        (&format!("/deliveries/{no_delivery}/cancel"), json!({}), 404, no_delivery),
        (&format!("/deliveries/{delivered}/cancel"), json!({}), 409, "only one that waits can be given up"),
        ("/v1/acknowledge-loss", json!({}), 409, "no event is lost: there is nothing to take note of"),
    ] {
        let answer = platform.api.post(path, &body).await;
        let problem = answer.problem(status).to_string();
        assert!(problem.contains(said), "{path} {body}: {problem}");
    }
    platform.stop().await;
}
