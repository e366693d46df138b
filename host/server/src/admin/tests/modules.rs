//! Uploads, and what is made of them.

use model::module::Manifest;

use super::*;

fn filter(secrets: &[&str]) -> Bytes {
    let secrets = secrets.iter().map(ToString::to_string).collect();
    fixture::component(&Manifest { sdk: Some("rust-0.1.0".to_owned()), secrets, ..Manifest::default() })
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_is_read() {
    let host = Host::start().await;
    let large = Ask::new(Method::POST, "/modules/big").of_type("application/wasm");
    let announced = host.ask(large.body(vec![0; (64 << 20) + 1])).await;
    announced.refuses(413, &[]);
    let streamed = host.push("/modules/big", endless()).await;
    streamed.refuses(413, &[]);
    assert_eq!(streamed.detail(), "the body is longer than 67108864 bytes");
}

#[tokio::test]
async fn what_is_no_component_is_refused_with_what_to_do() {
    let host = Host::start().await;
    let garbage = host.push("/modules/x", "hello").await;
    garbage.refuses(422, &[("", "this is no WebAssembly: it does not begin with the bytes `\\0asm` of a binary")]);
    let core = host.push("/modules/x", &b"\0asm\x01\0\0\0"[..]).await;
    core.refuses(
        422,
        &[(
            "",
            "this is a core module, not a component: build for target wasm32-wasip2, or wrap it with `wasm-tools component \
             new`",
        )],
    );
    let empty = host.push("/modules/x", &b"\0asm\x0d\0\x01\0"[..]).await;
    assert_eq!(empty.status, 422);
    let untyped = host.ask(Ask::new(Method::POST, "/modules/x").body("hello")).await;
    untyped.refuses(415, &[]);
    host.get("/modules/x").await.refuses(404, &[]);
}

#[tokio::test]
async fn versions_count_up_and_have_other_names() {
    let host = Host::start().await;
    let (one, two) = (filter(&["webhook"]), filter(&["webhook", "other"]));
    let first = host.push("/modules/verify", one.clone()).await.is(201);
    assert_eq!(first.body["version"], 1);
    assert_eq!(first.body["size"], one.len());
    assert_eq!(first.body["world"], "snaphook:filter@0.1.0");
    assert_eq!(first.body["grants"], json!({ "secrets": ["webhook"], "reveal": [], "kv": [] }));
    assert!(first.body["imports"].as_array().unwrap().contains(&json!("snaphook:filter/crypto@0.1.0")));
    let again = host.push("/modules/verify", one).await.is(200);
    assert_eq!(again.body["version"], 1);
    assert_eq!(again.header("etag"), first.header("etag"));
    let tried = host.push("/modules/verify?dry_run=true", two.clone()).await.is(201);
    assert_eq!(tried.body["version"], 2);
    let second = host.push("/modules/verify", two).await.is(201);
    assert_eq!(second.body["version"], 2);

    host.put("/modules/verify/aliases/stable", json!({ "version": 1 })).await.is(200);
    host.put("/modules/verify/aliases/stable", json!({ "version": 9 })).await.refuses(404, &[]);
    let named = host.get("/modules/verify").await.is(200);
    assert_eq!(named.body["aliases"], json!({ "stable": 1 }));
    assert_eq!(named.body["versions"].as_array().unwrap().len(), 2);
    for (which, version) in [("stable", 1), ("latest", 2), ("1", 1)] {
        assert_eq!(host.get(&format!("/modules/verify/{which}")).await.body["version"], version);
    }
    host.get("/modules/verify/9").await.refuses(404, &[]);
    assert_eq!(host.get("/modules?name=other").await.body["items"], json!([]));
    assert_eq!(host.get("/modules").await.body["items"].as_array().unwrap().len(), 2);

    for query in ["", "?dry_run=true"] {
        let named = host.delete(&format!("/modules/verify/1{query}")).await;
        named.refuses(409, &[]);
        assert_eq!(named.detail(), "module `verify@1` is in use by alias `verify@stable`; change or remove that first");
    }
    host.delete("/modules/verify/stable").await.refuses(422, &[("version", "`stable` is no number")]);
    host.delete("/modules/verify/aliases/stable").await.is(204);
    host.delete("/modules/verify/1").await.is(204);
    host.delete("/modules/verify").await.is(204);
    host.get("/modules/verify").await.refuses(404, &[]);
}

#[tokio::test]
async fn a_filter_is_attached_only_with_what_it_asks_for() {
    let host = Host::start().await;
    host.push("/modules/verify", filter(&["webhook"])).await.is(201);
    host.put("/destinations/ci", destination()).await.is(200);
    host.put("/routes/github", route("/github")).await.is(200);
    let attach = |filter: Value| host.post("/routes/github/filters", json!({ "filter": filter }));
    attach(json!({ "name": "verify", "module": "verify" })).await.refuses(
        422,
        &[(
            "routes.github.filters[0].grants.secrets.webhook",
            "the module asks for secret `webhook`: grant it one of the project's, `secrets = { webhook = \"SECRET\" }`",
        )],
    );
    let granted = json!({ "name": "verify", "module": "verify", "grants": { "secrets": { "webhook": "hook" } } });
    // The fixture's component traps when it is configured.
    let refused = attach(granted).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.body["faults"][0]["at"], "routes.github.filters[0].grants.secrets.webhook");
    assert_eq!(refused.body["faults"][1]["at"], "routes.github.filters[0].config");
    attach(json!({ "name": "other", "module": "nothing@3" })).await.refuses(
        422,
        &[(
            "routes.github.filters[0].module",
            "module `nothing` does not exist; push it first: snaphook module push nothing FILE.wasm",
        )],
    );
    host.delete("/routes/github/filters/verify").await.refuses(404, &[]);
    host.put("/routes/github/order", json!({ "order": ["verify"] }))
        .await
        .refuses(422, &[("order", "`verify` is no filter")]);
}
