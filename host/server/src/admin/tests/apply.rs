//! A whole configuration at once.

use model::module::Manifest;

use super::*;

fn configuration() -> Value {
    json!({
        "secrets": { "webhook": { "value": "very hush" } },
        "destinations": { "ci": destination() },
        "routes": { "github": route("/github"), "gitlab": route("/gitlab") },
    })
}

/// Kind, name and what became of it.
fn changes(answer: &Answer) -> Vec<String> {
    let text = |change: &Value, key: &str| change[key].as_str().unwrap().to_owned();
    let changes = answer.body["changes"].as_array().unwrap().iter();
    changes
        .map(|change| format!("{} {} {}", text(change, "kind"), text(change, "name"), text(change, "change")))
        .collect()
}

#[tokio::test]
async fn the_second_time_nothing_changes() {
    let host = Host::start().await;
    let before = host.revision().await;
    let tried = host.post("/apply?dry_run=true", configuration()).await.is(200);
    assert_eq!(host.revision().await, before);
    let first = host.post("/apply", configuration()).await.is(200);
    assert_eq!(first.body, tried.body);
    let created = ["secret webhook created", "destination ci created", "route github created", "route gitlab created"];
    assert_eq!(changes(&first), created);
    assert_eq!(first.body["revision"], before + 1);
    assert_eq!(first.header("snaphook-revision"), (before + 1).to_string());
    assert_eq!(first.body["changes"][0].get("diff"), None);
    assert!(!first.body.to_string().contains("hush"));

    for query in ["", "?dry_run=true", "?prune=true"] {
        let again = host.post(&format!("/apply{query}"), configuration()).await.is(200);
        assert!(changes(&again).iter().all(|change| change.ends_with(" unchanged")), "{:?}", changes(&again));
        assert_eq!(again.body["revision"], before + 1);
    }
}

#[tokio::test]
async fn what_differs_is_shown_line_by_line() {
    let host = Host::start().await;
    host.post("/apply", configuration()).await.is(200);
    let mut other = configuration();
    other["destinations"]["ci"]["url"] = json!("https://ci.example.com/other");
    other["routes"].as_object_mut().unwrap().remove("gitlab");
    let changed = host.post("/apply", other.clone()).await.is(200);
    assert_eq!(changes(&changed), ["secret webhook unchanged", "destination ci updated", "route github unchanged"]);
    assert_eq!(
        changed.body["changes"][1]["diff"],
        json!([
            " {",
            "-  \"url\": \"https://ci.example.com/hooks\",",
            "+  \"url\": \"https://ci.example.com/other\",",
            "   \"path\": \"fixed\"",
            " }"
        ])
    );
    host.get("/routes/gitlab").await.is(200);
    let pruned = host.post("/apply?prune=true", other).await.is(200);
    assert_eq!(changes(&pruned).last().unwrap(), "route gitlab deleted");
    assert_eq!(pruned.body["changes"][3]["diff"][0], "-{");
    host.get("/routes/gitlab").await.refuses(404, &[]);
    host.get("/secrets/webhook").await.is(200);
}

#[tokio::test]
async fn it_is_all_of_it_or_nothing() {
    let host = Host::start().await;
    let mut wrong = configuration();
    wrong["routes"]["gitlab"]["forward"]["candidates"] = json!(["nowhere"]);
    wrong["destinations"]["ci"]["connect_timeout_ms"] = json!(0);
    let refused = host.post("/apply", wrong).await;
    refused.refuses(
        422,
        &[
            ("destinations.ci.connect_timeout_ms", "0 is out of range: 1 to 600000 milliseconds"),
            ("routes.gitlab.forward.candidates", "destination `nowhere` does not exist"),
        ],
    );
    let names = json!({ "routes": { "Git Hub": route("/") }, "secrets": { "a": {} } });
    let refused = host.post("/apply", names).await;
    refused.refuses(422, &[("secrets.a", "write one of"), ("routes.Git Hub", "`Git Hub` is not a name")]);
    host.post("/apply", json!({ "route": {} }))
        .await
        .refuses(400, &[("route", "unknown field `route`, expected one of")]);
    assert_eq!(host.get("/destinations").await.body["items"], json!([]));
    assert_eq!(host.get("/secrets").await.body["items"], json!([]));
}

#[tokio::test]
async fn modules_are_named_by_their_digest() {
    let host = Host::start().await;
    let manifest = |sdk: &str| Manifest { sdk: Some(sdk.to_owned()), ..Manifest::default() };
    let (one, two) = (fixture::component(&manifest("one")), fixture::component(&manifest("two")));
    let nobodys = json!({ "modules": { "verify": { "digest": format!("sha256:{}", "ab".repeat(32)) } } });
    let unknown = host.post("/apply", nobodys).await;
    unknown.refuses(422, &[("modules.verify.digest", "no module of this project has these bytes; push them first")]);
    // What a dry run brought may be named by what is applied next.
    let tried = host.push("/modules/verify?dry_run=true", one.clone()).await.is(201);
    let wanted = json!({ "modules": { "verify": { "digest": tried.body["digest"] } } });
    let tried = host.post("/apply?dry_run=true", wanted.clone()).await.is(200);
    assert_eq!(changes(&tried), ["module verify created"]);
    host.get("/modules/verify").await.refuses(404, &[]);

    assert_eq!(changes(&host.post("/apply", wanted.clone()).await), ["module verify created"]);
    host.push("/modules/verify", one).await.is(200);
    assert_eq!(changes(&host.post("/apply", wanted.clone()).await), ["module verify unchanged"]);
    host.push("/modules/verify", two).await.is(201);
    assert_eq!(changes(&host.post("/apply", wanted.clone()).await.is(200)), ["module verify updated"]);
    assert_eq!(host.get("/modules/verify/latest").await.body["version"], 3);
    assert_eq!(changes(&host.post("/apply", wanted).await), ["module verify unchanged"]);
    let digest = json!({ "modules": { "verify": { "digest": "sha256:xyz" } } });
    host.post("/apply", digest).await.refuses(400, &[("modules.verify.digest", "`sha256:xyz` is no digest")]);
}
