//! Who is let in, and what is said to the others.

use super::*;

#[tokio::test]
async fn without_the_token_nothing_is_told() {
    let host = Host::start().await;
    for path in ["/v1/status", "/routes", "/v1/nothing", ".//"] {
        let refused = host.ask(Ask::new(Method::GET, path).without("authorization")).await;
        refused.refuses(401, &[]);
        assert_eq!(refused.header("www-authenticate"), r#"Bearer realm="snaphook""#);
        assert_eq!(
            refused.detail(),
            "send `Authorization: Bearer TOKEN`; the token is in the file `admin-token` in the data folder"
        );
    }
    for wrong in ["Bearer 0123456789abcdef0123456789abcdeg", "Bearer ", "bearer x"] {
        let refused = host.ask(Ask::new(Method::GET, "/v1/status").with("authorization", wrong)).await;
        refused.refuses(401, &[]);
        assert_eq!(refused.header("www-authenticate"), r#"Bearer realm="snaphook", error="invalid_token""#, "{wrong}");
    }
    for other in ["Basic YTpi", TOKEN] {
        host.ask(Ask::new(Method::GET, "/v1/status").with("authorization", other)).await.refuses(401, &[]);
    }
    let status = host.ask(Ask::new(Method::GET, "/v1/status").with("authorization", &format!("bearer {TOKEN}"))).await;
    assert_eq!(status.is(200).header("cache-control"), "no-store");
}

#[tokio::test]
async fn health_and_description_are_free() {
    let host = Host::start().await;
    for path in ["./healthz", "./readyz", "./openapi.json"] {
        host.ask(Ask::new(Method::GET, path).without("authorization")).await.is(200);
    }
    host.ready.send(false).unwrap();
    let stopping = host.ask(Ask::new(Method::GET, "./readyz").without("authorization")).await;
    stopping.refuses(503, &[]);
    assert_eq!(stopping.detail(), "the host is starting or stopping");
    host.get("./healthz").await.is(200);
}

#[tokio::test]
async fn a_strangers_name_for_loopback_is_not_answered() {
    let host = Host::start().await;
    for path in ["/v1/status", "./healthz", "./openapi.json"] {
        let refused = host.ask(Ask::new(Method::GET, path).with("host", "rebound.example:8081")).await;
        refused.refuses(421, &[]);
        assert_eq!(
            refused.detail(),
            "this API is not called `rebound.example`: call it by its address, or as `localhost`"
        );
        assert_eq!(refused.header("access-control-allow-origin"), "");
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_as_problem() {
    let host = Host::start().await;
    let missing = host.get("/nothing").await;
    missing.refuses(404, &[]);
    assert_eq!(missing.detail(), "there is nothing at `/v1/projects/default/nothing`; see /openapi.json");
    let wrong = host.post("/routes/github", json!({})).await;
    wrong.refuses(405, &[]);
    assert_eq!(wrong.header("allow"), "GET,HEAD,PUT,DELETE");
    let missing = host.get("/routes/github").await;
    missing.refuses(404, &[]);
    assert_eq!(missing.detail(), "route `github` does not exist");
    host.get("/v1/projects/other/routes").await.refuses(404, &[]);
}

#[tokio::test]
async fn the_status_says_what_is_served() {
    let host = Host::start().await;
    host.put("/destinations/ci", destination()).await.is(200);
    host.put("/routes/github", route("/github")).await.is(200);
    let status = host.get("/v1/status").await.is(200).body;
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["gateway"], "127.0.0.1:8080");
    assert_eq!((&status["projects"], &status["routes"], &status["modules"]), (&json!(1), &json!(1), &json!(0)));
}
