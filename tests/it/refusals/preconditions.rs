//! Writes that hold only if nothing changed meanwhile, and writes that are only tried.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Destination, Platform, guest};

const JSON: (&str, &str) = ("content-type", "application/json");

async fn put(platform: &Platform, path: &str, condition: (&str, &str), body: &Value) -> Answer {
    platform.api.ask(Method::PUT, path, &[JSON, condition], body.to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_on_what_was_changed_meanwhile_is_refused() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let route = json!({"match": {"path": "/hook"}, "forward": {"candidates": ["ci"]}, "filters": []});
    for (path, body) in [
        ("/destinations/ci", json!({"url": "http://127.0.0.1:2/"})),
        ("/secrets/webhook", json!({"value": "new"})),
        ("/routes/hooks", route),
        ("/modules/told/aliases/stable", json!({"version": 1})),
    ] {
        platform.api.put(path, &body).await.expect(200);
        let answer = platform.api.put(path, &body).await.expect(200);
        let tag = answer.header("etag").to_owned();
        let quoted = tag.trim_matches('"');
        assert!(quoted.parse::<u64>().is_ok(), "{path}: {tag}");
        // What was not changed keeps its tag.
        put(&platform, path, ("if-match", &tag), &body).await.expect(200);
        let said = put(&platform, path, ("if-match", "\"1\""), &body).await.faults(412);
        assert!(
            said.ends_with(&format!(
                "is at revision {quoted}, not at revision 1: it was changed meanwhile; look again and repeat"
            )),
            "{said}"
        );
        let said = put(&platform, path, ("if-none-match", "*"), &body).await.faults(412);
        assert!(said.ends_with("of project `default` exists already"), "{said}");
        let missing = format!("{path}-none");
        if !path.starts_with("/modules") {
            let said = put(&platform, &missing, ("if-match", "\"1\""), &body).await.faults(412);
            assert!(
                said.ends_with("is not there, not at revision 1: it was changed meanwhile; look again and repeat"),
                "{said}"
            );
            put(&platform, &missing, ("if-none-match", "*"), &body).await;
        }
        let gone = platform.api.ask(Method::DELETE, path, &[("if-match", "\"1\"")], "").await;
        gone.expect(412);
    }
    platform.stop().await;
}

/// A dry run says what would be, refuses what would be refused, and changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_keeps_nothing() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let status = async || platform.api.get("/v1/status").await.json();
    let before = status().await;
    let revision = before["revision"].as_u64().unwrap();
    let mut filter = platform.told();
    filter["config"] = json!({"do": "drop", "reason": "dry"});
    let spec = json!({"match": {"path": "/hook"}, "forward": {"candidates": ["ci"]}, "filters": [filter]});
    let answer = platform.api.put("/routes/hooks?dry_run=true", &spec).await.expect(200);
    assert_eq!(answer.header("snaphook-revision"), (revision + 1).to_string());
    assert_eq!(answer.json()["spec"]["filters"][0]["config"]["reason"], "dry");
    platform
        .api
        .put("/routes/new?dry_run=true", &json!({"match": {"path": "/new"}, "forward": {"candidates": ["ci"]}}))
        .await
        .expect(200);
    platform.api.put("/destinations/new?dry_run=true", &json!({"url": "http://a/"})).await.expect(200);
    platform.api.put("/secrets/new?dry_run=true", &json!({"value": "x"})).await.expect(200);
    platform.api.upload("new?dry_run=true", guest("hello")).await.expect(201);
    platform.api.delete("/routes/hooks?dry_run=true").await.expect(204);
    platform.api.put("/v1/projects/new?dry_run=true", &json!({})).await.expect(201);
    assert_eq!(
        platform.api.delete("/destinations/ci?dry_run=true").await.faults(409),
        "destination `ci` is in use by route `hooks`; change or remove that first"
    );
    let mut wrong = spec;
    wrong["filters"][0]["config"] = json!({"do": "refuse-configure", "reason": "no"});
    let said = platform.api.put("/routes/hooks?dry_run=true", &wrong).await.faults(422);
    assert_eq!(said, "routes.hooks.filters[0].config: the filter refuses its configuration: no");
    assert_eq!(status().await, before);
    platform.tell(json!({"do": "pass"})).await.expect(200);
    for path in ["/routes/new", "/destinations/new", "/secrets/new", "/modules/new", "/v1/projects/new/routes"] {
        platform.api.get(path).await.expect(404);
    }
    platform.stop().await;
}

/// A trial runs the real chain and tells what would be sent and answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_trial_forwards_nothing() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let trial = async |told: Value| {
        let event = json!({"path": "/hook", "query": "q=1", "headers": [["x-do", told.to_string()], ["x-a", "1"]], "body": {"a": 1}});
        platform.api.post("/routes/hooks/test", &event).await.expect(200).json()
    };
    let edits = json!([{"set-header": ["x-new", "1"]}, {"json-set": ["/b", "2"]}, {"set-path": "/else"}]);
    let edited = trial(json!({"do": "edit", "edits": edits})).await;
    let forward = &edited["forward"];
    assert_eq!((&forward["destination"], &forward["method"]), (&json!("ci"), &json!("POST")));
    assert_eq!(crate::support::unbase64(&forward["body_base64"]), br#"{"a":1,"b":2}"#);
    let headers = forward["headers"].as_array().unwrap();
    assert!(headers.contains(&json!(["x-new", "1"])) && headers.contains(&json!(["x-a", "1"])));
    assert_eq!(edited["record"]["disposition"], "forwarded");
    assert_eq!(edited["record"]["filters"][0]["outcome"]["edits"][0], "set header x-new: 1");
    assert_eq!(edited["answer"], Value::Null);
    for (told, disposition, status) in [
        (json!({"do": "reject", "status": 403, "reason": "r"}), "rejected", 403),
        (json!({"do": "drop", "reason": "r"}), "dropped", 202),
        (json!({"do": "respond", "status": 201, "body": "b"}), "responded", 201),
        (json!({"do": "retry-later", "seconds": 3}), "rejected", 503),
        (json!({"do": "trap"}), "failed", 500),
        (json!({"do": "fail", "reason": "r"}), "failed", 500),
    ] {
        let ended = trial(told).await;
        assert_eq!(ended["forward"], Value::Null);
        assert_eq!(
            (&ended["record"]["disposition"], &ended["answer"]["status"]),
            (&json!(disposition), &json!(status)),
            "{ended}"
        );
    }
    assert_eq!(destination.received(), []);
    assert_eq!(platform.records("").await, [""; 0], "a trial is no event");
    platform.stop().await;
}
