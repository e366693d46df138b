//! Writes: preconditions, dry runs, and what is said about what is wrong.

use std::time::Duration;

use futures_util::FutureExt;

use super::*;

#[tokio::test]
async fn two_writers_do_not_undo_each_other() {
    let host = Host::start().await;
    let put = |tag: &str, url: &str| {
        let ask = Ask::new(Method::PUT, "/destinations/ci").json(&json!({ "url": url }));
        host.ask(if tag == "*" { ask.with("if-none-match", tag) } else { ask.with("if-match", tag) })
    };
    let made = put("*", "https://one.example/").await.is(200);
    let first = made.header("etag").to_owned();
    assert_eq!(first, format!("\"{}\"", made.body["revision"]));
    assert_eq!(made.header("snaphook-revision"), made.body["revision"].to_string());
    let again = put("*", "https://two.example/").await;
    again.refuses(412, &[]);
    assert_eq!(again.detail(), "destination `ci` of project `default` exists already");

    let second = put(&first, "https://two.example/").await.is(200);
    assert_ne!(second.header("etag"), first);
    let late = put(&first, "https://three.example/").await;
    late.refuses(412, &[]);
    let changed = second.body["revision"].as_u64().unwrap();
    assert_eq!(
        late.detail(),
        format!(
            "destination `ci` of project `default` is at revision {changed}, not at revision {}: it was changed \
             meanwhile; look again and repeat",
            changed - 1
        )
    );
    let known = host.get("/destinations/ci").await;
    assert_eq!(known.body["spec"]["url"], "https://two.example/");
    assert_eq!(known.header("etag"), second.header("etag"));

    let delete = |tag: &str| host.ask(Ask::new(Method::DELETE, "/destinations/ci").with("if-match", tag));
    delete(&first).await.refuses(412, &[]);
    put("7", "https://two.example/").await.refuses(400, &[]);
    assert_ne!(delete(second.header("etag")).await.is(204).header("snaphook-revision"), "");
    put(second.header("etag"), "https://two.example/").await.refuses(412, &[]);
    host.delete("/destinations/ci").await.refuses(404, &[]);
}

#[tokio::test]
async fn a_precondition_is_looked_at_before_what_is_written() {
    let host = Host::start().await;
    host.put("/destinations/ci", destination()).await.is(200);
    let wrong = json!({ "url": "ftp://x" });
    let late = Ask::new(Method::PUT, "/destinations/ci").json(&wrong).with("if-match", "\"9999\"");
    host.ask(late).await.refuses(412, &[]);
}

#[tokio::test]
async fn what_others_use_stays() {
    let host = Host::start().await;
    host.put("/destinations/ci", destination()).await.is(200);
    host.put("/routes/github", route("/github")).await.is(200);
    for query in ["", "?dry_run=true"] {
        let refused = host.delete(&format!("/destinations/ci{query}")).await;
        refused.refuses(409, &[]);
        assert_eq!(refused.detail(), "destination `ci` is in use by route `github`; change or remove that first");
    }
}

#[tokio::test]
async fn a_dry_run_keeps_nothing() {
    let host = Host::start().await;
    host.put("/destinations/ci", destination()).await.is(200);
    let before = host.revision().await;

    let tried = host.put("/routes/github?dry_run=true", route("/github")).await.is(200);
    assert_eq!(tried.body["spec"]["forward"]["candidates"], json!(["ci"]));
    assert_eq!(tried.header("snaphook-revision"), (before + 1).to_string());
    host.get("/routes/github").await.refuses(404, &[]);

    let secret = host.put("/secrets/webhook?dry_run=true", json!({ "value": "hush" })).await.is(200);
    assert_eq!(secret.body["values"], 1);
    assert_eq!(host.get("/secrets").await.body["items"], json!([]));
    host.ask(Ask::new(Method::PUT, "/v1/projects/other?dry_run=true")).await.is(201);
    host.get("/v1/projects/other/routes").await.refuses(404, &[]);
    host.delete("/destinations/ci?dry_run=true").await.is(204);
    host.get("/destinations/ci").await.is(200);

    host.delete("/routes/github?dry_run=true").await.refuses(404, &[]);
    let exists = Ask::new(Method::PUT, "/destinations/ci?dry_run=true").json(&destination()).with("if-none-match", "*");
    host.ask(exists).await.refuses(412, &[]);
    let same = host.put("/destinations/ci?dry_run=true", destination()).await.is(200);
    assert_eq!(same.header("snaphook-revision"), before.to_string());
    host.put("/destinations/ci?dry_run=true", json!({ "url": "x" }))
        .await
        .refuses(422, &[("destinations.ci.url", "`x`")]);
    assert_eq!(host.revision().await, before);

    // A misspelt one must not be taken for the real thing.
    let misspelt = host.put("/routes/github?dryrun=true", route("/github")).await;
    misspelt.refuses(400, &[("query", "dryrun: unknown field `dryrun`, expected `dry_run`")]);
    host.get("/routes/github").await.refuses(404, &[]);
}

#[tokio::test]
async fn every_fault_is_told_with_its_place() {
    let host = Host::start().await;
    let spec = json!({
        "match": { "path": "github" },
        "forward": { "candidates": ["ci"], "default": "other" },
        "filters": [{ "name": "Verify", "module": "verify" }, { "name": "x", "module": "y@0x", "limits": { "time_ms": 0 } }],
        "acknowledgement": 700,
    });
    let refused = host.put("/routes/github", spec).await;
    let places: Vec<&str> =
        refused.body["faults"].as_array().unwrap().iter().map(|fault| fault["at"].as_str().unwrap()).collect();
    for place in [
        "routes.github.match.path",
        "routes.github.forward.default",
        "routes.github.filters[0].name",
        "routes.github.filters[1].limits.time_ms",
        "routes.github.acknowledgement",
    ] {
        assert!(places.contains(&place), "{place} is not in {places:?}");
    }
    assert_eq!(refused.status, 422);
    host.get("/routes/github").await.refuses(404, &[]);

    let missing = host.put("/routes/github", route("/github")).await;
    missing.refuses(
        422,
        &[(
            "routes.github.forward.candidates",
            "destination `ci` does not exist; create it first: snaphook destination set ci URL",
        )],
    );
    let name = "is not a name: 1 to 63 of a-z, 0-9, `-`, `_` and `.`, beginning with a letter or digit";
    let refused = host.get("/v1/projects/Team%20A/routes/-x").await;
    refused.refuses(422, &[("project", &format!("`Team A` {name}")), ("name", &format!("`-x` {name}"))]);
}

#[tokio::test]
async fn json_that_cannot_be_read_is_refused_with_its_place() {
    let host = Host::start().await;
    let put =
        |text: &str| host.ask(Ask::new(Method::PUT, "/routes/x").of_type("application/json").body(text.to_owned()));
    put(r#"{"forward": {"candidates": ["ci", 7]}}"#)
        .await
        .refuses(400, &[("forward.candidates[1]", "invalid type: integer `7`, expected a string")]);
    put(r#"{"filters": [{"name": "a", "module": "b", "colour": 1}]}"#)
        .await
        .refuses(400, &[("filters[0].colour", "unknown field `colour`, expected one of `name`, `module`, ")]);
    put("{\n  \"forward\": }").await.refuses(400, &[("forward", "expected value at line 2 column 14")]);
    put("{} x").await.refuses(400, &[("", "trailing characters at line 1 column 4")]);
    put("").await.refuses(400, &[("", "EOF while parsing a value at line 1 column 0")]);

    let untyped = host.ask(Ask::new(Method::PUT, "/routes/x").body("{}")).await;
    untyped.refuses(415, &[]);
    assert_eq!(untyped.detail(), "the body must come with `Content-Type: application/json`, there is none");
    let form = Ask::new(Method::PUT, "/routes/x").of_type("application/x-www-form-urlencoded").body("a=b");
    host.ask(form).await.refuses(415, &[]);
    let typed = Ask::new(Method::PUT, "/destinations/ci").of_type("Application/JSON; charset=utf-8");
    host.ask(typed.body(destination().to_string())).await.is(200);

    let endless = host.ask(Ask::new(Method::PUT, "/routes/x").of_type("application/json").body(endless())).await;
    endless.refuses(413, &[]);
    assert_eq!(endless.detail(), "the body is longer than 1048576 bytes");
}

#[tokio::test]
async fn secrets_go_in_and_never_come_out() {
    let host = Host::start().await;
    let put = async |body: Value| host.put("/secrets/webhook", body).await;
    let made = put(json!({ "value": "first secret" })).await.is(200);
    assert_eq!(made.body["values"], 1);
    let rotated = put(json!({ "value_base64": "AAH/", "keep_previous": true })).await.is(200);
    assert_eq!(rotated.body["values"], 2);
    assert_eq!(
        put(json!({ "value_base64": "AAH/", "keep_previous": true })).await.header("etag"),
        rotated.header("etag")
    );
    let shown = host.get("/secrets/webhook").await.is(200);
    assert_eq!(shown.body, rotated.body);
    assert_eq!(
        shown.body.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["name", "values", "created", "updated", "revision"]
    );
    assert_eq!(put(json!({ "value": "third" })).await.body["values"], 1);

    put(json!({})).await.refuses(422, &[("", "write one of `value` and `value_base64`")]);
    put(json!({ "value": "a", "value_base64": "YQ==" })).await.refuses(422, &[("", "write one of")]);
    put(json!({ "value": "" })).await.refuses(422, &[("value", "has 0 bytes: 1 to 4096 are right")]);
    put(json!({ "value": "a".repeat(4097) })).await.refuses(422, &[("value", "has 4097 bytes")]);
    put(json!({ "value_base64": "hush?" })).await.refuses(422, &[("value_base64", "is no base64 with padding")]);
    host.delete("/secrets/webhook").await.is(204);
}

#[tokio::test]
async fn projects_are_borders_and_changes_are_remembered() {
    let host = Host::start().await;
    host.ask(Ask::new(Method::PUT, "/v1/projects/other")).await.is(201);
    let there = host.ask(Ask::new(Method::PUT, "/v1/projects/other")).await.is(200);
    assert_eq!(there.header("etag"), format!("\"{}\"", there.body["revision"]));
    let names: Vec<Value> =
        host.get("/v1/projects").await.body["items"].as_array().unwrap().iter().map(|p| p["name"].clone()).collect();
    assert_eq!(names, ["default", "other"]);
    host.put("/destinations/ci", destination()).await.is(200);
    let cli = Ask::new(Method::PUT, "/routes/github").json(&route("/github")).with("user-agent", "snaphook-cli/0.1.0");
    host.ask(cli).await.is(200);
    host.get("/v1/projects/other/destinations/ci").await.refuses(404, &[]);

    let changes = host.get("/changes?limit=2").await.is(200).body["items"].clone();
    assert_eq!(changes[0]["what"], json!([{ "action": "put", "kind": "route", "name": "github" }]));
    assert_eq!((&changes[0]["actor"], &changes[1]["actor"]), (&json!("cli"), &json!("api")));
    let before = changes[0]["revision"].as_u64().unwrap();
    let older = host.get(&format!("/changes?before={before}")).await.body["items"].clone();
    assert_eq!(older[0], changes[1]);
    assert_eq!(host.get("/v1/projects/other/changes").await.body["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_route_is_tried_without_forwarding() {
    let host = Host::start().await;
    host.put("/destinations/ci", destination()).await.is(200);
    host.put("/routes/github", route("/github")).await.is(200);
    let file = json!({ "path": "/github", "headers": [["x-github-event", "push"]], "body": { "ref": "main" } });
    let tried = host.post("/routes/github/test", file).await.is(200).body;
    assert_eq!(tried["record"]["disposition"], "forwarded");
    assert_eq!(tried["forward"]["destination"], "ci");
    assert_eq!(tried["answer"], Value::Null);
    host.post("/routes/github/test", json!({ "body": 1, "body_text": "1" }))
        .await
        .refuses(422, &[("body", "there may be only one of `body`, `body_text` and `body_base64`")]);
    host.post("/routes/none/test", json!({})).await.refuses(404, &[]);
}

#[tokio::test]
async fn a_write_is_finished_though_its_caller_goes_away() {
    let host = Host::start().await;
    let mut asking = Box::pin(host.put("/destinations/ci", destination()));
    assert!(asking.as_mut().now_or_never().is_none());
    drop(asking);
    let kept = tokio::time::timeout(Duration::from_secs(60), async {
        while host.get("/destinations/ci").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    kept.await.unwrap();
}
