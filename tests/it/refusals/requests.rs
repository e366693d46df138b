//! Requests that belong to no route, and callers of the admin API who may not call.

use http::Method;
use serde_json::json;

use crate::support::{Destination, Platform, Wire};

#[tokio::test(flavor = "multi_thread")]
async fn what_no_route_takes_is_404_and_the_wrong_method_405() {
    let destination = Destination::ok().await;
    let platform = Platform::start().await;
    assert_eq!(platform.post("/hook", &[], "{}").await.refusal(404), "no route takes this host and path");
    platform.destination("ci", &destination).await;
    let matches = json!({"host": "hooks.example.com", "path": "/hook", "methods": ["POST", "PUT"]});
    platform.put_route("hooks", json!({"match": matches, "forward": {"candidates": ["ci"]}, "filters": []})).await;
    for (method, target, host, status) in [
        ("POST", "/hook", "hooks.example.com", 200),
        ("POST", "/hook", "other.example.com", 404),
        ("POST", "/hook/", "hooks.example.com", 404),
        ("POST", "/Hook", "hooks.example.com", 404),
        ("GET", "/hook", "hooks.example.com", 405),
        ("OPTIONS", "*", "hooks.example.com", 404),
    ] {
        let mut wire = platform.wire().await;
        wire.write(format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\n\r\n")).await;
        let answer = wire.answer().await;
        match status {
            404 => assert_eq!(answer.refusal(404), "no route takes this host and path"),
            405 => {
                assert_eq!(answer.refusal(405), "no route takes this method here");
                assert_eq!(answer.header("allow"), "POST, PUT");
            }
            status => assert_eq!(answer.status, status),
        }
    }
    assert_eq!(destination.received().len(), 1);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_signature_is_401_and_nothing_more_is_said() {
    let destination = Destination::ok().await;
    let platform = Platform::start().await;
    platform.push("github-verify").await;
    platform.secret("github", "right").await;
    platform.destination("ci", &destination).await;
    let filter = json!({"name": "verify", "module": "github-verify", "grants": {"secrets": {"webhook": "github"}}});
    platform.route("hooks", "/hook", &["ci"], json!([filter])).await;
    let signature = crate::secrets::signature("wrong", b"{}");
    let headers = [("x-github-event", "push"), ("x-github-delivery", "1"), ("x-hub-signature-256", &*signature)];
    let wrong = platform.post("/hook", &headers, "{}").await;
    assert_eq!(wrong.refusal(401), "the event was rejected");
    let missing = platform.post("/hook", &headers[..2], "{}").await;
    assert_eq!(missing.refusal(401), "the event was rejected");
    let reason = async |answer| platform.record(answer).await["reason"].as_str().unwrap().to_owned();
    assert_eq!(reason(&wrong).await, "signature does not match the body");
    assert_eq!(reason(&missing).await, "header x-hub-signature-256 is missing");
    assert_eq!(destination.received(), []);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_api_asks_for_its_token() {
    let platform = Platform::start().await;
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        platform.api.with_token("").get(path).await.expect(200);
    }
    for (method, path) in [
        (Method::GET, "/v1/status"),
        (Method::GET, "/v1/projects"),
        (Method::GET, "/routes"),
        (Method::PUT, "/routes/a"),
        (Method::POST, "/modules/a"),
        (Method::PUT, "/secrets/a"),
        (Method::GET, "/events/tail"),
        (Method::GET, "/nowhere"),
    ] {
        let missing = platform.api.with_token("").ask(method.clone(), path, &[], "").await;
        let said = "send `Authorization: Bearer TOKEN`; the token is in the file `admin-token` in the data folder";
        assert_eq!(missing.faults(401), said, "{path}");
        assert_eq!(missing.header("www-authenticate"), r#"Bearer realm="snaphook""#);
        for wrong in [&platform.token()[1..], "x", &format!("{}0", platform.token())] {
            let wrong = platform.api.with_token(wrong).ask(method.clone(), path, &[], "").await;
            assert_eq!(
                wrong.faults(401),
                "the token is not this host's: it is in the file `admin-token` in the data folder"
            );
        }
    }
    // The token's file says what it says.
    let file = std::fs::read_to_string(platform.folder().join("admin-token")).unwrap();
    assert_eq!(file.trim(), platform.token());
    platform.stop().await;
}

/// A page of a stranger cannot have a browser call the API by a name of its own.
#[tokio::test(flavor = "multi_thread")]
async fn the_admin_api_answers_only_to_its_own_names() {
    let platform = Platform::start().await;
    let mut wire = Wire::to(platform.admin()).await;
    wire.write("GET /healthz HTTP/1.1\r\nhost: evil.example\r\n\r\n").await;
    let said = "this API is not called `evil.example`: call it by its address, or as `localhost`";
    assert_eq!(wire.answer().await.faults(421), said);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_admin_api_cannot_read_is_refused() {
    let platform = Platform::start().await;
    let json = ("content-type", "application/json");
    for (method, path, headers, body, status, said) in [
        (
            Method::GET,
            "/nowhere",
            vec![],
            "",
            404,
            "there is nothing at `/v1/projects/default/nowhere`; see /openapi.json",
        ),
        (
            Method::PATCH,
            "/routes",
            vec![],
            "",
            405,
            "`/v1/projects/default/routes` does not take PATCH; see /openapi.json",
        ),
        (
            Method::PUT,
            "/routes/A",
            vec![json],
            "{}",
            422,
            "`A` is not a name: 1 to 63 of a-z, 0-9, `-`, `_` and `.`, beginning with a letter or digit",
        ),
        (
            Method::PUT,
            "/routes/a",
            vec![],
            "{}",
            415,
            "the body must come with `Content-Type: application/json`, there is none",
        ),
        (Method::PUT, "/routes/a", vec![json], "{", 400, "EOF while parsing an object at line 1 column 1"),
        (
            Method::PUT,
            "/routes/a",
            vec![json],
            r#"{"filters": [{"nme": "x"}]}"#,
            400,
            "filters[0].nme: unknown field `nme`",
        ),
        (
            Method::PUT,
            "/destinations/a",
            vec![json],
            r#"{"url": 7}"#,
            400,
            "url: invalid type: integer `7`, expected a string",
        ),
        (
            Method::PUT,
            "/routes/a?dryrun=true",
            vec![json],
            "{}",
            400,
            "query: dryrun: unknown field `dryrun`, expected `dry_run`",
        ),
        (
            Method::PUT,
            "/routes/a",
            vec![json, ("if-match", "7")],
            "{}",
            400,
            "`If-Match` takes one ETag as it was answered, such as `\"7\"`",
        ),
        (Method::GET, "/routes/a", vec![], "", 404, "route `a` does not exist"),
        (Method::GET, "/v1/projects/none/routes", vec![], "", 404, "project `none` does not exist"),
    ] {
        let answer = platform.api.ask(method, path, &headers, body).await;
        let faults = answer.faults(status);
        assert!(faults.contains(said), "{path} {body}: {faults}");
    }
    let large = platform.api.ask(Method::PUT, "/routes/a", &[json], vec![b' '; (1 << 20) + 1]).await;
    assert_eq!(large.faults(413), "the body is longer than 1048576 bytes");
    platform.stop().await;
}
