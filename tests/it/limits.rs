//! What no filter may do to anybody: each failure has a class, a policy that the attachment chose, and an answer that
//! tells nothing of the inside.

use serde_json::{Value, json};

use crate::support::{Answer, Destination, Gate, Platform, Received, Reply, assert_no_inside, eventually};

/// The answer to an event that a filter of policy `closed` failed, and the filter's outcome in the record.
async fn closed(platform: &Platform, answer: &Answer, status: u16, class: &str) -> Value {
    assert_eq!(answer.refusal(status), "the event could not be judged", "{class}");
    assert_no_inside(answer, &["told", "wasm", "guest", "trap", "memory", "secret", class]);
    let record = platform.record(answer).await;
    assert_eq!((&record["disposition"], &record["status"]), (&json!("failed"), &json!(status)));
    let outcome = record["filters"][0]["outcome"].clone();
    assert_eq!(
        (&outcome["kind"], &outcome["class"], &outcome["policy"]),
        (&json!("failure"), &json!(class), &json!("closed"))
    );
    let detail = outcome["detail"].as_str().unwrap();
    assert_eq!(record["reason"], format!("filter told: {class}: {detail}"));
    outcome
}

/// What a filter is told, its limits, and the class, status and detail that come of it.
fn failures() -> Vec<(Value, Value, &'static str, u16, &'static str)> {
    let spin = "computed longer than 20ms";
    let memory = "asked for more than 4194304 bytes of memory or 10000 table elements";
    let huge = json!({"do": "edit", "edits": [{"set-header": ["host", "example.com"]}]});
    let framing = "edits[0] (set header host: example.com): `host` is set by the host alone";
    vec![
        (json!({"do": "trap"}), json!({}), "trap", 500, "unreachable"),
        (json!({"do": "stack"}), json!({"time_ms": 2000}), "trap", 500, "out of bounds memory access"),
        (json!({"do": "exit", "code": 1}), json!({}), "trap", 500, "exit"),
        (json!({"do": "exit", "code": 0}), json!({}), "trap", 500, "exit"),
        (json!({"do": "spin"}), json!({"time_ms": 20}), "time", 503, spin),
        (
            json!({"do": "sleep", "ms": 60_000}),
            json!({"wall_ms": 50}),
            "time",
            503,
            "no verdict after 50ms on the clock",
        ),
        (json!({"do": "memory"}), json!({"memory_bytes": 4 << 20, "time_ms": 5000}), "memory", 503, memory),
        (json!({"do": "once", "namespace": "other", "key": "k", "ttl": 9}), json!({}), "denied", 500, "kv.other"),
        (json!({"do": "fail", "reason": "no luck"}), json!({}), "failed", 500, "no luck"),
        (json!({"do": "no such thing"}), json!({}), "failed", 500, "unknown variant"),
        (huge, json!({}), "bad-output", 500, framing),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_filter_fails_its_event_alone() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    for (told, limits, class, status, detail) in failures() {
        let mut filter = platform.told();
        filter["limits"] = limits;
        platform.route("hooks", "/hook", &["ci"], json!([filter])).await;
        let answer = platform.tell(told.clone()).await;
        let outcome = closed(&platform, &answer, status, class).await;
        assert!(outcome["detail"].as_str().unwrap().contains(detail), "{told}: {outcome}");
        assert_eq!(destination.received(), []);
        // The next event is served as if nothing had been.
        platform.tell(json!({"do": "pass"})).await.expect(200);
        destination.forget();
    }
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_filter_is_skipped_when_it_fails() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    for (told, limits, class, _, detail) in failures() {
        for policy in [json!({"default": "open"}), json!({class: "open"})] {
            let mut filter = platform.told();
            filter["limits"] = limits.clone();
            filter["on_failure"] = policy;
            let last = json!({"name": "last", "module": "told", "config": {"do": "version", "value": "kept"}, "grants": filter["grants"]});
            platform.route("hooks", "/hook", &["ci"], json!([filter, last])).await;
            let answer = platform.tell(told.clone()).await.expect(200);
            assert_eq!(destination.only().header("x-version"), "kept", "the chain goes on");
            destination.forget();
            let record = platform.record(&answer).await;
            assert_eq!(record["disposition"], "forwarded");
            let outcome = &record["filters"][0]["outcome"];
            assert_eq!((&outcome["class"], &outcome["policy"]), (&json!(class), &json!("open")));
            assert!(outcome["detail"].as_str().unwrap().contains(detail), "{told}: {outcome}");
            assert_eq!(record["filters"][1]["outcome"]["verdict"], "edit");
        }
    }
    platform.stop().await;
}

/// A policy for one class says nothing about the others.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_for_its_class() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let mut filter = platform.told();
    filter["on_failure"] = json!({"default": "open", "trap": "closed"});
    platform.route("hooks", "/hook", &["ci"], json!([filter])).await;
    platform.tell(json!({"do": "fail", "reason": "no luck"})).await.expect(200);
    let answer = platform.tell(json!({"do": "trap"})).await;
    closed(&platform, &answer, 500, "trap").await;
    assert_eq!(destination.received().len(), 1);
    platform.stop().await;
}

/// When every place to run is taken, an event waits as long as its filter may take, and no longer.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_room_says_so() {
    let destination = Destination::ok().await;
    let platform = Platform::with(&[("filters.calls", "1"), ("filters.calls_per_project", "1")]).await;
    platform.bring_told(&destination).await;
    let mut filter = platform.told();
    filter["limits"] = json!({"wall_ms": 30_000});
    platform.route("long", "/long", &["ci"], json!([filter])).await;
    filter["limits"] = json!({"wall_ms": 50});
    platform.route("hooks", "/hook", &["ci"], json!([filter])).await;
    let mut long = platform.wire().await;
    long.write(
        "POST /long HTTP/1.1\r\nhost: a\r\nx-do: {\"do\": \"sleep\", \"ms\": 30000}\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    let answer = eventually("an event for which there is no room", async || {
        let answer = platform.tell(json!({"do": "pass"})).await;
        (answer.status != 200).then_some(answer)
    });
    let outcome = closed(&platform, &answer.await, 503, "overload").await;
    assert_eq!(outcome["detail"], "no place to run became free in time");
    // The sender who holds the place goes away, and its place is free.
    drop(long);
    eventually("room again", async || (platform.tell(json!({"do": "pass"})).await.status == 200).then_some(())).await;
    platform.stop().await;
}

/// Bodies that wait in memory have a budget; who finds none is told to come again.
#[tokio::test(flavor = "multi_thread")]
async fn a_buffer_that_is_full_refuses() {
    for setting in ["gateway.buffer_bytes", "gateway.buffer_bytes_per_project"] {
        let gate = Gate::closed();
        let held = Reply::ok().behind(&gate);
        let script = move |received: &Received| if received.body.len() < 500_000 { Reply::ok() } else { held.clone() };
        let destination = Destination::start(script).await;
        let platform = Platform::with(&[(setting, "1048576")]).await;
        platform.bring_told(&destination).await;
        let mut first = platform.wire().await;
        first.write("POST /hook HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n").await;
        first.write(vec![b'x'; 1_000_000]).await;
        destination.reached(1).await;
        let answer = platform.post("/hook", &[], vec![b'x'; 100_000]).await;
        assert_eq!(answer.refusal(503), "too many bodies at a time; send it again", "{setting}");
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(platform.record(&answer).await["reason"], "the buffer for bodies is full");
        platform.post("/hook", &[], "small").await.expect(200);
        gate.open();
        first.answer().await.expect(200);
        platform.post("/hook", &[], vec![b'x'; 100_000]).await.expect(200);
        platform.stop().await;
    }
}

/// What a filter hands over is counted before it is taken.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_handed_over_is_bounded() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let mut filter = platform.told();
    filter["limits"] = json!({"edits": 10, "headers": 20, "header_bytes": 2000, "output_bytes": 5000, "time_ms": 5000});
    platform.route("hooks", "/hook", &["ci"], json!([filter])).await;
    for (told, detail) in [
        (json!({"do": "many-edits", "count": 11}), "edits: 11 are too many: `limits.edits` is 10"),
        (json!({"do": "many-headers", "count": 10}), ""),
        (json!({"do": "long-header", "bytes": 2000}), "bytes of headers are too many: `limits.header_bytes` is 2000"),
        (
            json!({"do": "large-body", "bytes": 5001}),
            "5001 bytes handed over are too many: `limits.output_bytes` is 5000",
        ),
        (json!({"do": "respond", "status": 200, "body": "x".repeat(5001)}), "5001 bytes handed over are too many"),
        (json!({"do": "respond", "status": 99}), "respond.status: 99 is not one of 200 to 599"),
        (json!({"do": "respond", "status": 101}), "respond.status: 101 is not one of 200 to 599"),
        (json!({"do": "respond", "status": 204, "body": "x"}), "respond.body: an answer with status 204 has none"),
        (
            json!({"do": "respond", "status": 200, "headers": [["content-length", "9"]]}),
            "`content-length` is set by the host alone",
        ),
        (
            json!({"do": "respond", "status": 200, "headers": [["x-a", "a\r\nx-b: 1"]]}),
            "the value of `x-a` holds a control character",
        ),
        (json!({"do": "reject", "status": 302, "reason": ""}), "reject.status: 302 is not one of 400 to 599"),
        (json!({"do": "reject", "status": 200, "reason": ""}), "reject.status: 200 is not one of 400 to 599"),
    ] {
        let answer = platform.tell(told.clone()).await;
        if detail.is_empty() {
            answer.expect(200);
            continue;
        }
        let outcome = closed(&platform, &answer, 500, "bad-output").await;
        assert!(outcome["detail"].as_str().unwrap().contains(detail), "{told}: {outcome}");
    }
    // A reason is cut, not refused.
    let answer = platform.tell(json!({"do": "long-reason", "bytes": 4000})).await;
    assert_eq!(answer.refusal(400), "the event was rejected");
    assert_eq!(platform.record(&answer).await["reason"].as_str().unwrap().len(), 1024);
    platform.stop().await;
}

/// Every edit that cannot be made, with its place; and none of the list is made then.
#[tokio::test(flavor = "multi_thread")]
async fn edits_that_cannot_be_made_are_refused() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    for (edit, detail) in [
        (json!({"set-header": ["transfer-encoding", "chunked"]}), "`transfer-encoding` is set by the host alone"),
        (json!({"remove-header": "content-length"}), "`content-length` is set by the host alone"),
        (json!({"append-header": ["x-forwarded-for", "1.2.3.4"]}), "`x-forwarded-for` is set by the host alone"),
        (json!({"set-header": ["a b", "1"]}), "`a b` is no header name"),
        (json!({"set-header": ["x-a", "1\r\nx-b: 2"]}), "holds a control character"),
        (json!({"set-method": "GET /"}), "`GET /` is no method"),
        (json!({"set-method": "CONNECT"}), "`CONNECT` asks for a tunnel"),
        (json!({"set-path": "a"}), "`a` is no path: it must begin with `/`"),
        (json!({"set-path": "/a?b"}), "`/a?b` is no path"),
        (json!({"set-path": "/a\r\nx: 1"}), "is no path"),
        (json!({"set-query": "a b"}), "`a b` is no query"),
        (json!({"json-set": ["a", "1"]}), "a"),
        (json!({"json-set": ["/a", "{"]}), "JSON"),
        (json!({"json-remove": "a"}), "a"),
    ] {
        let edits = json!([{"set-header": ["x-first", "1"]}, edit]);
        let answer = platform.tell(json!({"do": "edit", "edits": edits})).await;
        let outcome = closed(&platform, &answer, 500, "bad-output").await;
        let said = outcome["detail"].as_str().unwrap();
        assert!(said.starts_with("edits[1] (") && said.contains(detail), "{said}");
    }
    assert_eq!(destination.received(), []);
    // Skipped, it has changed nothing.
    let mut filter = platform.told();
    filter["on_failure"] = json!({"bad-output": "open"});
    platform.route("hooks", "/hook", &["ci"], json!([filter])).await;
    let edits = json!([{"set-header": ["x-first", "1"]}, {"set-path": "a"}]);
    platform.tell(json!({"do": "edit", "edits": edits})).await.expect(200);
    assert_eq!(destination.only().header("x-first"), "");
    platform.stop().await;
}

/// What `configure` may use is bounded like a call, and what it refuses is told to who attached it.
#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_misbehaves_while_it_is_configured_is_not_attached() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    for (config, said) in [
        (
            json!({"do": "refuse-configure", "reason": "no such colour"}),
            "the filter refuses its configuration: no such colour",
        ),
        (json!({"do": "nothing"}), "the filter refuses its configuration: "),
        (json!({"do": "spin-configure"}), "the filter failed to check its configuration (time): computed longer than "),
        (json!({"do": "trap-configure"}), "the filter failed to check its configuration (trap): "),
        (
            json!({"do": "memory-configure"}),
            "the filter failed to check its configuration (memory): asked for more than ",
        ),
        (
            json!({"do": "large-configure", "bytes": 300_000}),
            "the filter prepared 300000 bytes out of its configuration, at most 262144 are kept",
        ),
        (json!({"do": "call-configure"}), "the filter refuses its configuration: "),
    ] {
        let mut filter = platform.told();
        filter["config"] = config.clone();
        filter["limits"] = json!({"memory_bytes": 8 << 20, "time_ms": 300, "wall_ms": 20_000});
        let spec = json!({"match": {"path": "/other"}, "forward": {"candidates": ["ci"]}, "filters": [filter]});
        let faults = platform.api.put("/routes/other", &spec).await.faults(422);
        assert!(faults.starts_with(&format!("routes.other.filters[0].config: {said}")), "{config}: {faults}");
    }
    platform.api.get("/routes/other").await.expect(404);
    platform.tell(json!({"do": "pass"})).await.expect(200);
    platform.stop().await;
}
