//! What becomes of an event, what its sender is answered, and what is written down about it.

use http_body_util::BodyExt;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::{Value, json};

use crate::support::{Destination, Platform, Reply, told, within};

/// Every verdict: what the sender is answered and what the record says.
#[tokio::test(flavor = "multi_thread")]
async fn end_as_the_verdict_says() {
    let destination = Destination::start(|_| Reply::ok().body("from the destination")).await;
    let platform = Platform::with_told(&destination).await;

    let answer = platform.tell(json!({"do": "pass"})).await.expect(200);
    assert_eq!(answer.text(), "from the destination");
    let record = platform.record(&answer).await;
    assert_eq!((&record["disposition"], &record["destination"]), (&json!("forwarded"), &json!("ci")));
    assert_eq!(record["filters"][0]["outcome"], json!({"kind": "verdict", "verdict": "pass"}));
    destination.forget();

    let reject = json!({"do": "reject", "status": 418, "reason": "not my tea", "headers": [["x-why", "tea"]]});
    let answer = platform.tell(reject).await;
    assert_eq!(answer.refusal(418), "the event was rejected");
    assert_eq!(answer.header("x-why"), "tea");
    assert!(!answer.text().contains("my tea"), "the reason is for the record alone");
    let record = platform.record(&answer).await;
    assert_eq!((&record["disposition"], &record["reason"]), (&json!("rejected"), &json!("not my tea")));

    let respond = json!({"do": "respond", "status": 203, "body": "challenge", "headers": [["x-a", "1"], ["x-a", "2"]]});
    let answer = platform.tell(respond).await.expect(203);
    assert_eq!((answer.text().as_str(), answer.headers.get_all("x-a").iter().count()), ("challenge", 2));
    assert_eq!(platform.record(&answer).await["disposition"], "responded");

    let answer = platform.tell(json!({"do": "drop", "reason": "not interesting"})).await.expect(202);
    assert_eq!(answer.text(), "");
    let record = platform.record(&answer).await;
    assert_eq!((&record["disposition"], &record["reason"]), (&json!("dropped"), &json!("not interesting")));

    let answer = platform.tell(json!({"do": "retry-later", "seconds": 17})).await;
    assert_eq!(answer.refusal(503), "send the event again later");
    assert_eq!(answer.header("retry-after"), "17");
    assert_eq!(platform.record(&answer).await["reason"], "again in 17 s");

    assert_eq!(destination.received(), []);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn that_are_dropped_are_acknowledged_as_the_route_says() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let filters = json!([platform.told()]);
    let spec = json!({"match": {"path": "/hook"}, "forward": {"candidates": ["ci"]}, "filters": filters, "acknowledgement": 204});
    platform.put_route("hooks", spec).await;
    platform.tell(json!({"do": "drop", "reason": ""})).await.expect(204);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn carry_what_filters_say_about_them() {
    let destination = Destination::start(|received| match received.header("x-fail").as_str() {
        "" => Reply::ok().body("from the destination"),
        _ => Reply::status(500).body("from the destination"),
    });
    let destination = destination.await;
    let platform = Platform::with_told(&destination).await;
    let annotate = |answer: Value| {
        told(
            &json!({"do": "annotate", "label": ["kind", "push"], "key": "k-1", "order": "o-1", "after": 7, "answer": answer}),
        )
    };
    let (name, value) = annotate(json!("accepted"));
    let answer = platform.post("/hook", &[(name, &value)], "{}").await.expect(201);
    assert_eq!((answer.text().as_str(), answer.header("x-answer")), ("accepted", "1"));
    let record = platform.record(&answer).await;
    assert_eq!(record["labels"], json!([["kind", "push"]]));
    assert_eq!((&record["idempotency_key"], &record["order_key"]), (&json!("k-1"), &json!("o-1")));
    assert_eq!(destination.received().len(), 1);
    // Not accepted, so the destination's answer stands.
    let answer = platform.post("/hook", &[(name, &value), ("x-fail", "1")], "{}").await.expect(500);
    assert_eq!(answer.text(), "from the destination");

    // A later filter sees the labels of the earlier ones, and the parameters of the path.
    let mut inspect = platform.told();
    inspect["name"] = json!("inspect");
    inspect["config"] = json!({"do": "inspect"});
    platform.route("hooks", "/teams/{team}/{*rest}", &["ci"], json!([platform.told(), inspect])).await;
    let (name, value) = annotate(Value::Null);
    let seen = platform.post("/teams/red/a/b", &[(name, &value)], "{}").await.expect(200).json();
    assert_eq!(seen["attributes"], json!([["path.team", "red"], ["path.rest", "a/b"], ["label.kind", "push"]]));
    // So it is in a trial.
    let event = json!({"path": "/teams/red/a/b", "headers": [[name, value]], "body": {}});
    let trial = platform.api.post("/routes/hooks/test", &event).await.expect(200).json();
    let shown = crate::support::unbase64(&trial["answer"]["body_base64"]);
    assert_eq!(serde_json::from_slice::<Value>(&shown).unwrap()["attributes"], seen["attributes"]);
    platform.stop().await;
}

/// Everything that a filter is given about an event.
#[tokio::test(flavor = "multi_thread")]
async fn are_seen_whole_by_their_filters() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let mut inspect = platform.told();
    inspect["name"] = json!("inspect");
    inspect["config"] = json!({"do": "inspect"});
    let edits = json!([{"replace-body": "changed"}, {"set-header": ["x-new", "1"]}, {"set-path": "/new"}, {"set-query": "n=1"}]);
    platform.route("hooks", "/hook", &["ci"], json!([platform.told(), inspect])).await;
    let (name, value) = told(&json!({"do": "edit", "edits": edits}));
    let answer = platform.post("/hook?old=1", &[(name, &value)], "as it came").await.expect(200);
    let (seen, record) = (answer.json(), platform.record(&answer).await);
    for (field, expected) in [
        ("id", json!(answer.event())),
        ("project", json!("default")),
        ("route", json!("hooks")),
        ("phase", json!("route")),
        ("method", json!("POST")),
        ("scheme", json!("http")),
        ("authority", json!(platform.gateway().to_string())),
        ("path", json!("/new")),
        ("query", json!("n=1")),
        ("source", json!("127.0.0.1")),
        ("received", record["received"].clone()),
        ("attempt", json!(0)),
        ("replay", json!(false)),
        ("body_length", json!(7)),
        ("config", json!({"raw": "{\"do\":\"inspect\"}", "prepared": "{\"do\":\"inspect\"}"})),
    ] {
        assert_eq!(seen[field], expected, "{field}");
    }
    assert_eq!(seen["body"]["length"], 7);
    let digest = |algorithm, bytes: &[u8]| hex::encode(aws_lc_rs::digest::digest(algorithm, bytes));
    assert_eq!(seen["body"]["sha1"], digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, b"changed"));
    assert_eq!(seen["body"]["sha256"], digest(&aws_lc_rs::digest::SHA256, b"changed"));
    assert_eq!(seen["body"]["sha512"], digest(&aws_lc_rs::digest::SHA512, b"changed"));
    assert_eq!(seen["original"], json!({"length": 10, "sha256": digest(&aws_lc_rs::digest::SHA256, b"as it came")}));
    platform.stop().await;
}

/// The record explains an event: who ran, on what, with which configuration, and what it took.
#[tokio::test(flavor = "multi_thread")]
async fn are_written_down() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let digest = platform.api.get("/modules/told/latest").await.json()["digest"].clone();
    let edits =
        json!([{"set-header": ["authorization", "Bearer hush"]}, {"json-set": ["/a", "1"]}, {"remove-header": "x-b"}]);
    let (name, value) = told(&json!({"do": "edit", "edits": edits}));
    let answer = platform.post("/hook?q=1", &[(name, &value)], "{}").await.expect(200);
    let record = platform.record(&answer).await;
    for (field, expected) in [
        ("project", json!("default")),
        ("route", json!("hooks")),
        ("source", json!("127.0.0.1")),
        ("method", json!("POST")),
        ("path", json!("/hook")),
        ("status", json!(200)),
        ("body_bytes", json!(2)),
        ("capture", Value::Null),
        ("revision", platform.api.get("/v1/status").await.json()["revision"].clone()),
    ] {
        assert_eq!(record[field], expected, "{field}");
    }
    let run = &record["filters"][0];
    let edits = ["set header authorization: (11 bytes)", "set json /a: 1", "remove header x-b"];
    assert_eq!(run["outcome"], json!({"kind": "verdict", "verdict": "edit", "edits": edits}));
    assert_eq!((&run["filter"], &run["digest"]), (&json!("told"), &digest));
    let config = hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"{\"do\":\"as-told\"}"));
    assert_eq!(run["config_digest"], format!("sha256:{config}"));
    assert!(run["memory_bytes"].as_u64().unwrap() >= 65_536, "{run}");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keep_their_request_if_the_route_captures_it() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let body = [&b"\xff"[..], &[b'x'; 70_000]].concat();
    let (name, fail) = told(&json!({"do": "fail", "reason": ""}));
    for (capture, kept_if_well, kept_if_failed) in
        [("none", false, false), ("failures", false, true), ("all", true, true)]
    {
        let filters = json!([platform.told()]);
        let spec = json!({"match": {"path": "/hook"}, "forward": {"candidates": ["ci"]}, "filters": filters, "capture": capture});
        platform.put_route("hooks", spec).await;
        let well = platform.post("/hook?q=1", &[("x-a", "1")], body.clone()).await.expect(200);
        let failed = platform.post("/hook?q=1", &[(name, &fail)], body.clone()).await.expect(500);
        for (answer, kept, authenticated) in [(well, kept_if_well, true), (failed, kept_if_failed, false)] {
            let capture = platform.record(&answer).await["capture"].clone();
            assert_eq!(capture.is_object(), kept, "{capture}");
            if kept {
                assert_eq!((&capture["query"], &capture["authenticated"]), (&json!("q=1"), &json!(authenticated)));
                assert_eq!(capture["body_truncated_at"], 65_536);
                assert_eq!(crate::support::unbase64(&capture["body"]), &body[..65_536]);
                assert!(capture["headers"].as_array().unwrap().iter().any(|header| header[0] == "host"));
            }
        }
    }
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn are_listed_newest_first_and_by_what_is_asked_for() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    platform.route("other", "/other", &["ci"], json!([])).await;
    let one = platform.tell(json!({"do": "pass"})).await;
    let two = platform.tell(json!({"do": "drop", "reason": ""})).await;
    let three = platform.post("/other", &[], "").await;
    platform.record(&three).await;
    let ids = async |query: &str| -> Vec<String> {
        let records = platform.records(query).await;
        records.iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("").await, [three.event(), two.event(), one.event()]);
    assert_eq!(ids("?limit=1").await, [three.event()]);
    assert_eq!(ids("?route=hooks").await, [two.event(), one.event()]);
    assert_eq!(ids("?route=hooks&disposition=dropped").await, [two.event()]);
    assert_eq!(ids("?disposition=failed").await, [""; 0]);
    let wrong = platform.api.get("/events?rout=hooks").await;
    assert!(wrong.faults(400).contains("unknown field `rout`"), "{}", wrong.text());
    platform.stop().await;
}

/// Who follows the events sees each as it is decided, and only those of the project.
#[tokio::test(flavor = "multi_thread")]
async fn can_be_followed() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    platform.api.put("/v1/projects/team", &json!({})).await.expect(201);
    let client = Client::builder(TokioExecutor::new()).build_http::<http_body_util::Empty<bytes::Bytes>>();
    let request = |project: &str| {
        let uri = format!("http://{}/v1/projects/{project}/events/tail", platform.admin());
        let request = http::Request::get(uri).header("authorization", format!("Bearer {}", platform.token()));
        request.body(http_body_util::Empty::new()).unwrap()
    };
    let mut stream = client.request(request("default")).await.unwrap().into_body();
    let mut others = client.request(request("team")).await.unwrap().into_body();
    let answers =
        [platform.tell(json!({"do": "pass"})).await, platform.tell(json!({"do": "drop", "reason": "r"})).await];
    let mut text = String::new();
    within("both events on the stream", async {
        while !answers
            .iter()
            .all(|answer| text.contains(&format!("id: {}\n", answer.event())) && text.ends_with("\n\n"))
        {
            let frame = stream.frame().await.unwrap().unwrap();
            text.push_str(str::from_utf8(frame.data_ref().unwrap()).unwrap());
        }
    })
    .await;
    let records: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|json| serde_json::from_str(json).unwrap())
        .collect();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0], platform.record(&answers[0]).await);
    assert_eq!(records[1]["reason"], "r");
    // A host that stops ends the streams; the other project's had nothing to say.
    platform.stop().await;
    let rest = within("the stream's end", async {
        let mut rest = Vec::new();
        while let Some(Ok(frame)) = others.frame().await {
            rest.extend_from_slice(frame.data_ref().unwrap());
        }
        rest
    });
    let rest = String::from_utf8(rest.await).unwrap();
    assert!(!rest.contains("data:"), "{rest}");
}

/// The most specific route takes the event.
#[tokio::test(flavor = "multi_thread")]
async fn go_to_the_most_specific_route() {
    let destination = Destination::ok().await;
    let platform = Platform::start().await;
    platform.destination("ci", &destination).await;
    for (name, matches) in [
        ("any", json!({})),
        ("rest", json!({"path": "/a/{*rest}"})),
        ("param", json!({"path": "/a/{b}"})),
        ("exact", json!({"path": "/a/b"})),
        ("post", json!({"path": "/a/b", "methods": ["POST"]})),
        ("header", json!({"path": "/a/b", "methods": ["POST"], "headers": [{"name": "x-a"}]})),
        ("value", json!({"path": "/a/b", "methods": ["POST"], "headers": [{"name": "x-a", "equals": "1"}]})),
        ("below", json!({"host": "*.example.com", "path": "/a/{*rest}"})),
        ("host", json!({"host": "hooks.example.com", "path": "/a/{*rest}"})),
    ] {
        platform.put_route(name, json!({"match": matches, "forward": {"candidates": ["ci"]}, "filters": []})).await;
    }
    for (method, path, headers, route) in [
        ("POST", "/", "host: a", "any"),
        ("POST", "/a/", "host: a", "rest"),
        ("POST", "/a/x/y", "host: a", "rest"),
        ("POST", "/a/x", "host: a", "param"),
        ("PUT", "/a/b", "host: a", "exact"),
        ("POST", "/a/b", "host: a", "post"),
        ("POST", "/a/b", "host: a\r\nx-a: 2", "header"),
        ("POST", "/a/b", "host: a\r\nx-a: 1", "value"),
        ("POST", "/a/b", "host: x.y.example.com:80", "below"),
        ("POST", "/a/b", "host: HOOKS.example.com", "host"),
        ("POST", "/a/b", "host: example.com", "post"),
        ("POST", "/z", "host: hooks.example.com", "any"),
    ] {
        let mut wire = platform.wire().await;
        wire.write(format!("{method} {path} HTTP/1.1\r\n{headers}\r\ncontent-length: 0\r\n\r\n")).await;
        let answer = wire.answer().await.expect(200);
        assert_eq!(platform.record(&answer).await["route"], route, "{method} {path} {headers}");
    }
    platform.stop().await;
}
