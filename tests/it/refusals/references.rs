//! Things that name each other: what does not exist cannot be named, and what is named cannot go.

use serde_json::{Value, json};

use crate::support::{Destination, Platform, guest};

async fn platform(destination: &Destination) -> Platform {
    Platform::with_told(destination).await
}

async fn refused(platform: &Platform, candidates: Value, filter: Value) -> String {
    let spec = json!({"match": {"path": "/orders"}, "forward": {"candidates": candidates}, "filters": [filter]});
    platform.api.put("/routes/orders", &spec).await.faults(422)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_cannot_be_named() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    let filter = |change: Value| {
        let mut filter = platform.told();
        for (key, value) in change.as_object().unwrap() {
            filter[key] = value.clone();
        }
        filter
    };
    assert_eq!(
        refused(&platform, json!(["ci", "billing"]), filter(json!({}))).await,
        "routes.orders.forward.candidates: destination `billing` does not exist; create it first: snaphook destination set billing URL"
    );
    let at = "routes.orders.filters[0]";
    let digest = format!("sha256:{}", "0".repeat(64));
    for (change, said) in [
        (
            json!({"module": "none"}),
            format!("{at}.module: module `none` does not exist; push it first: snaphook module push none FILE.wasm"),
        ),
        (json!({"module": "told@7"}), format!("{at}.module: `told@7` does not exist; there are versions 1")),
        (json!({"module": "told@stable"}), format!("{at}.module: `told@stable` does not exist; there are versions 1")),
        (
            json!({"module": digest}),
            format!("{at}.module: no module of this project has the digest {digest}; push it first"),
        ),
        (
            json!({"candidate": "none", "mode": "shadow"}),
            format!("{at}.candidate: module `none` does not exist; push it first: snaphook module push none FILE.wasm"),
        ),
        (
            json!({"grants": {"secrets": {"webhook": "none"}, "reveal": {"token": "token"}}}),
            format!(
                "{at}.grants.secrets.webhook: secret `none` does not exist; create it first: snaphook secret set none"
            ),
        ),
        (
            json!({"grants": {"secrets": {"webhook": "webhook"}}}),
            format!(
                "{at}.grants.reveal.token: the module asks for secret `token`: grant it one of the project's, `reveal = {{ token = \"SECRET\" }}`"
            ),
        ),
    ] {
        assert_eq!(refused(&platform, json!(["ci"]), filter(change)).await, said);
    }
    // What is right and probably not meant is a warning.
    let grants = json!({"secrets": {"webhook": "webhook", "other": "token"}, "reveal": {"token": "token"}});
    let spec = json!({"match": {"path": "/orders"}, "forward": {"candidates": ["ci"]}, "filters": [filter(json!({"grants": grants}))]});
    let written = platform.put_route("orders", spec).await;
    let warnings: Vec<&str> =
        written["warnings"].as_array().unwrap().iter().map(|one| one["problem"].as_str().unwrap()).collect();
    assert_eq!(
        warnings,
        [
            "secrets.other is granted, but the module does not ask for it",
            "the module asks for key-value namespace `store`, which is not granted"
        ]
    );
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_use_cannot_go() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    for (path, said) in [
        ("/destinations/ci", "destination `ci` is in use by route `hooks`; change or remove that first"),
        ("/secrets/webhook", "secret `webhook` is in use by route `hooks`; change or remove that first"),
        ("/secrets/token", "secret `token` is in use by route `hooks`; change or remove that first"),
    ] {
        assert_eq!(platform.api.delete(path).await.faults(409), said);
    }
    for path in ["/modules/told", "/modules/told/1"] {
        let said = platform.api.delete(path).await.faults(409);
        assert!(said.starts_with("module `told") && said.contains("is in use by route `hooks`"), "{path}: {said}");
    }
    // A version that an alias names, and one that a route may go back to.
    platform.api.upload("version", guest("v1")).await.expect(201);
    platform.api.upload("version", guest("v2")).await.expect(201);
    platform.api.put("/modules/version/aliases/stable", &json!({"version": 1})).await.expect(200);
    let said = platform.api.delete("/modules/version/1").await.faults(409);
    assert!(said.contains("in use by") && said.contains("stable"), "{said}");
    platform.route("versions", "/versions", &["ci"], json!([{"name": "version", "module": "version@stable"}])).await;
    platform.route("versions", "/versions", &["ci"], json!([{"name": "version", "module": "version@2"}])).await;
    platform.api.delete("/modules/version/aliases/stable").await.expect(204);
    let said = platform.api.delete("/modules/version/1").await.faults(409);
    assert!(said.contains("in use by") && said.contains("versions"), "{said}");

    // What an event that is still kept ran on.
    let answer = platform.tell(json!({"do": "pass"})).await.expect(200);
    platform.record(&answer).await;
    platform.api.delete("/routes/hooks").await.expect(204);
    let said = platform.api.delete("/modules/told").await.faults(409);
    assert!(said.contains("ran for events that are still kept; it can go once they are gone"), "{said}");
    // Everything else may go now.
    for path in ["/routes/versions", "/destinations/ci", "/secrets/webhook", "/secrets/token", "/modules/version"] {
        platform.api.delete(path).await.expect(204);
    }
    assert_eq!(
        platform.api.delete("/destinations/ci").await.faults(404),
        "destination `ci` of project `default` does not exist"
    );
    platform.stop().await;
}

/// An alias is looked up when a route is written, and not for each event.
#[tokio::test(flavor = "multi_thread")]
async fn an_alias_counts_when_the_route_is_written() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    platform.api.upload("version", guest("v1")).await.expect(201);
    platform.api.upload("version", guest("v2")).await.expect(201);
    let alias = async |version: u64| {
        platform.api.put("/modules/version/aliases/stable", &json!({"version": version})).await.expect(200);
    };
    let filters = json!([{"name": "version", "module": "version@stable"}]);
    let version = async || {
        destination.forget();
        platform.post("/versions", &[], "").await.expect(200);
        destination.only().header("x-version")
    };
    alias(1).await;
    platform.route("versions", "/versions", &["ci"], filters.clone()).await;
    assert_eq!(version().await, "1");
    alias(2).await;
    assert_eq!(version().await, "1");
    platform.route("versions", "/versions", &["ci"], filters).await;
    assert_eq!(version().await, "2");
    platform.stop().await;
}

/// The operations on a route's chain, and what they refuse.
#[tokio::test(flavor = "multi_thread")]
async fn filters_are_attached_moved_and_detached() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    platform.push("headers-only").await;
    let attach = async |name: &str, position: Value| {
        let filter = json!({"name": name, "module": "headers-only"});
        let mut body = json!({"filter": filter});
        if !position.is_null() {
            body["position"] = position;
        }
        platform.api.post("/routes/hooks/filters", &body).await
    };
    let chain = async || -> Vec<String> {
        let route = platform.api.get("/routes/hooks").await.json();
        let filters = route["spec"]["filters"].as_array().unwrap();
        filters.iter().map(|filter| filter["name"].as_str().unwrap().to_owned()).collect()
    };
    attach("last", Value::Null).await.expect(200);
    attach("first", json!(0)).await.expect(200);
    assert_eq!(chain().await, ["first", "told", "last"]);
    attach("first", Value::Null).await.expect(200);
    attach("last", json!(1)).await.expect(200);
    assert_eq!(chain().await, ["first", "last", "told"]);
    let order = async |order: Value| platform.api.put("/routes/hooks/order", &json!({"order": order})).await;
    order(json!(["told", "first", "last"])).await.expect(200);
    assert_eq!(chain().await, ["told", "first", "last"]);
    let answer = platform.tell(json!({"do": "pass"})).await.expect(200);
    let record = platform.record(&answer).await;
    let ran: Vec<&str> =
        record["filters"].as_array().unwrap().iter().map(|run| run["filter"].as_str().unwrap()).collect();
    assert_eq!(ran, ["told", "first", "last"]);
    assert_eq!(
        order(json!(["told", "first"])).await.faults(422),
        "order: lacks `last`: name every filter of the route"
    );
    assert_eq!(
        order(json!(["told", "told", "first"])).await.faults(422),
        "order: `told` is no filter of the route, or is there twice"
    );
    platform.api.delete("/routes/hooks/filters/first").await.expect(200);
    assert_eq!(chain().await, ["told", "last"]);
    let none = platform.api.delete("/routes/hooks/filters/first").await;
    assert_eq!(none.faults(404), "filter `first` of route `hooks` does not exist");
    platform.stop().await;
}

/// A whole configuration is applied whole, or not at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_with_one_fault_changes_nothing() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    let digest = format!("sha256:{}", "0".repeat(64));
    let route = |candidate: &str| json!({"match": {"path": "/new"}, "forward": {"candidates": [candidate]}});
    let configuration = |part: Value| {
        let mut whole = json!({"secrets": {"new": {"value": "x"}}, "destinations": {"new": {"url": "http://a/"}}});
        whole.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        whole
    };
    for (part, said) in [
        (
            json!({"routes": {"new": route("none")}}),
            "routes.new.forward.candidates: destination `none` does not exist; create it first: snaphook destination set none URL",
        ),
        (
            json!({"modules": {"new": {"digest": digest}}}),
            "modules.new.digest: no module of this project has these bytes; push them first: snaphook module push new FILE.wasm",
        ),
        (json!({"routes": {"New": route("new")}}), "routes.New: `New` is not a name: "),
    ] {
        let faults = platform.api.post("/apply", &configuration(part)).await.faults(422);
        assert!(faults.starts_with(said), "{faults}");
        platform.api.get("/destinations/new").await.expect(404);
        platform.api.get("/secrets/new").await.expect(404);
    }
    // What the same change brings may be named in it, and it is one revision.
    let before = platform.api.get("/v1/status").await.json()["revision"].as_u64().unwrap();
    let applied =
        platform.api.post("/apply", &configuration(json!({"routes": {"new": route("new")}}))).await.expect(200).json();
    assert_eq!(applied["revision"], before + 1);
    let changed: Vec<_> =
        applied["changes"].as_array().unwrap().iter().map(|change| change["change"].clone()).collect();
    assert_eq!(changed, ["created"; 3]);
    platform.stop().await;
}
