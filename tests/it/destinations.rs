//! Where events go, what comes back, and what a sender is told when nothing does.

use serde_json::{Value, json};

use crate::support::{Answer, Destination, Platform, Reply, assert_no_inside, told};

async fn platform(destination: &Destination) -> Platform {
    let platform = Platform::start().await;
    platform.route_to(destination).await;
    platform
}

/// The event failed: the sender learns no more than the status says, the record has all of it.
async fn failed(platform: &Platform, status: u16, detail: &str, inside: &[&str]) -> String {
    let answer: Answer = platform.post("/hook", &[], "{}").await;
    assert_eq!(answer.refusal(status), detail);
    assert_no_inside(&answer, &["127.0.0.1", "refused", "allow"]);
    let record = platform.record(&answer).await;
    assert_eq!((&record["disposition"], &record["status"]), (&json!("failed"), &json!(status)));
    assert_eq!(record["destination"], "ci");
    let reason = record["reason"].as_str().unwrap().to_owned();
    for word in inside {
        assert!(reason.contains(word), "`{word}` is not in the record: {reason}");
    }
    reason
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_down_is_503() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let platform = Platform::start().await;
    platform.api.put("/destinations/ci", &json!({"url": format!("http://{address}/")})).await.expect(200);
    platform.route("hooks", "/hook", &["ci"], json!([])).await;
    let detail = "the destination cannot be reached; send the event again later";
    failed(
        &platform,
        503,
        detail,
        &["the destination cannot be connected to", &format!("`127.0.0.1` port {}", address.port())],
    )
    .await;
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_answers_no_http_is_502() {
    let detail = "the destination gave no answer that can be passed on";
    for answer in ["", "HTTP/1.1 2", "+OK this is POP3\r\n", "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"] {
        let destination = Destination::start(move |_| Reply::raw(answer)).await;
        let platform = platform(&destination).await;
        failed(&platform, 502, detail, &[]).await;
        assert_eq!(destination.received().len(), 1, "an event that may have arrived is not sent again");
        platform.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_does_not_answer_is_504() {
    let destination = Destination::start(|_| Reply::nothing()).await;
    let platform = platform(&destination).await;
    let detail = "the destination took too long";
    for (limit, reason) in [
        ("first_byte_timeout_ms", "the destination did not begin to answer in time"),
        ("total_timeout_ms", "the destination's answer was not complete in time"),
    ] {
        let mut spec = json!({"url": destination.url("/")});
        spec[limit] = json!(60);
        platform.api.put("/destinations/ci", &spec).await.expect(200);
        failed(&platform, 504, detail, &[reason]).await;
    }
    platform.stop().await;
}

/// What is not the public internet cannot be called unless it was allowed by the operator.
#[tokio::test(flavor = "multi_thread")]
async fn one_on_this_machine_is_denied_unless_allowed() {
    let destination = Destination::ok().await;
    let platform = Platform::with(&[("egress.allow", "10.0.0.0/8")]).await;
    platform.route_to(&destination).await;
    let detail = "the destination gave no answer that can be passed on";
    let address = destination.address;
    let reason = failed(&platform, 502, detail, &[]).await;
    let denied = format!("`127.0.0.1` is at {address}, which is denied (");
    assert!(reason.starts_with("the destination's address is denied") && reason.contains(&denied), "{reason}");
    assert!(reason.ends_with(&format!("if it is meant, add `{address}` or `127.0.0.1` to `egress.allow`")), "{reason}");
    let port = address.port();
    for url in [
        format!("http://localhost:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://0.0.0.0:{port}/"),
        format!("http://2130706433:{port}/"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        format!("http://[64:ff9b::7f00:1]:{port}/"),
    ] {
        platform.api.put("/destinations/ci", &json!({"url": url})).await.expect(200);
        failed(&platform, 502, detail, &["the destination's address is denied"]).await;
    }
    assert_eq!(destination.connections(), 0);
    platform.stop().await;

    for allow in [address.to_string(), "127.0.0.0/8".to_owned()] {
        let platform = Platform::with(&[("egress.allow", &allow)]).await;
        platform.route_to(&destination).await;
        platform.post("/hook", &[], "{}").await.expect(200);
        platform.stop().await;
    }
}

/// The destination's owner chose its URL, not who answers there.
#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_answers_and_not_followed() {
    let other = Destination::ok().await;
    let url = other.url("/elsewhere");
    let destination = Destination::start(move |_| Reply::status(307).header("location", &url)).await;
    let platform = platform(&destination).await;
    let answer = platform.post("/hook", &[], "{}").await.expect(307);
    assert_eq!(answer.header("location"), other.url("/elsewhere"));
    assert_eq!((destination.received().len(), other.connections()), (1, 0));
    platform.stop().await;
}

/// A destination's refusal is its answer, and not taken for a failure of ours.
#[tokio::test(flavor = "multi_thread")]
async fn their_errors_are_passed_on() {
    let destination = Destination::start(|_| Reply::status(503).header("retry-after", "7").body("busy")).await;
    let platform = platform(&destination).await;
    let answer = platform.post("/hook", &[], "{}").await.expect(503);
    assert_eq!((answer.text().as_str(), answer.header("retry-after")), ("busy", "7"));
    let record = platform.record(&answer).await;
    assert_eq!((&record["disposition"], &record["status"]), (&json!("forwarded"), &json!(503)));
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn get_the_events_path_only_if_they_ask_for_it() {
    let destination = Destination::ok().await;
    let platform = platform(&destination).await;
    platform.route("all", "/all/{*rest}", &["ci"], json!([])).await;
    for (url, rule, target) in [
        ("/fixed?k=1", "fixed", "/fixed?k=1"),
        ("/under/?k=1", "append", "/under/all/a%2Fb/?k=1&q=%20"),
        ("", "append", "/all/a%2Fb/?q=%20"),
        ("", "fixed", "/"),
    ] {
        let spec = json!({"url": destination.url(url), "path": rule});
        platform.api.put("/destinations/ci", &spec).await.expect(200);
        platform.post("/all/a%2Fb/?q=%20", &[], "").await.expect(200);
        assert_eq!(destination.only().target, target);
        destination.forget();
    }
    let spec = json!({"url": destination.url("/under"), "path": "append"});
    platform.api.put("/destinations/ci", &spec).await.expect(200);
    for path in ["/all/../../secret", "/all/%2e%2e/x", "/all/.."] {
        let mut wire = platform.wire().await;
        wire.write(format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n")).await;
        let answer = wire.answer().await;
        assert_eq!(answer.refusal(400), "the request cannot be passed on");
        let reason = platform.record(&answer).await["reason"].as_str().unwrap().to_owned();
        assert_eq!(
            reason,
            format!("the request cannot be sent to the destination: `{path}` would leave the destination's path")
        );
    }
    assert_eq!(destination.received(), []);
    platform.stop().await;
}

/// The chain picks one of the candidates; without a choice the default gets the event.
#[tokio::test(flavor = "multi_thread")]
async fn are_chosen_by_the_chain() {
    let (one, two) = (Destination::ok().await, Destination::ok().await);
    let platform = Platform::with_told(&one).await;
    platform.destination("two", &two).await;
    let route = |default: Value| {
        let filters = json!([platform.told()]);
        json!({"match": {"path": "/hook"}, "forward": {"candidates": ["ci", "two"], "default": default}, "filters": filters})
    };
    let choose = |name: &str| json!({"do": "edit", "edits": [{"choose": [name]}]});
    for (default, told_to, count) in [
        (Value::Null, json!({"do": "pass"}), (1, 0)),
        (json!("two"), json!({"do": "pass"}), (1, 1)),
        (json!("two"), choose("ci"), (2, 1)),
        (json!("ci"), choose("two"), (2, 2)),
    ] {
        platform.put_route("hooks", route(default)).await;
        let answer = platform.tell(told_to).await.expect(200);
        assert_eq!((one.received().len(), two.received().len()), count);
        let destination = platform.record(&answer).await["destination"].clone();
        assert!(destination == "ci" || destination == "two");
    }
    // What was not offered cannot be chosen, and neither can several.
    for (names, said) in [
        (json!(["three"]), "edits[0] (choose three): `three` is not one of the route's destinations"),
        (json!(["ci", "two"]), "edits[0] (choose ci, two):"),
        (json!([]), "edits[0] (choose ):"),
    ] {
        let answer = platform.tell(json!({"do": "edit", "edits": [{"choose": names}]})).await;
        assert_eq!(answer.refusal(500), "the event could not be judged");
        let outcome = platform.record(&answer).await["filters"][0]["outcome"].clone();
        assert_eq!(outcome["class"], "bad-output");
        assert!(outcome["detail"].as_str().unwrap().starts_with(said), "{outcome}");
    }
    assert_eq!((one.received().len(), two.received().len()), (2, 2));
    platform.stop().await;
}

/// The whole of an edit reaches the destination: method, path, query, headers, body.
#[tokio::test(flavor = "multi_thread")]
async fn get_what_the_filters_made_of_the_event() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let (name, value) = told(&json!({"do": "everything"}));
    platform.post("/hook?old=1", &[(name, &value), ("x-remove", "1"), ("x-append", "0")], "{}").await.expect(200);
    let received = destination.only();
    assert_eq!((received.method.as_str(), received.target.as_str()), ("PUT", "/everything?a=b"));
    assert_eq!(received.values("x-append"), [&b"0"[..], b"1", b"\x80\xff"]);
    assert_eq!((received.header("x-set").as_str(), received.values("x-remove").len()), ("1", 0));
    assert_eq!(received.text(), r#"{ "kept":  1.0, "made":{"here":[1,"two"]} }"#);
    assert_eq!(received.header("content-length"), received.body.len().to_string());
    platform.stop().await;
}
