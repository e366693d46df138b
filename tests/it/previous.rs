//! Policy `previous`: where a new version of a filter fails, the one that ran before is called for the same event.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Answer, Api, Destination, Host, Platform, Wire, guest, told};

/// Filter `told`, which calls the version before whatever goes wrong.
fn filter(platform: &Platform) -> Value {
    let mut filter = platform.told();
    filter["on_failure"] = json!({"default": "previous"});
    filter
}

/// With `told` in two versions, the second of which is worse; and their digests. Route `hooks` has gone from the one to
/// the other.
async fn platform(destination: &Destination) -> (Platform, [Value; 2]) {
    let platform = Platform::with_told(destination).await;
    let first = platform.push("told").await["digest"].clone();
    let second = platform.api.upload("told", guest("worse")).await.expect(201).json()["digest"].clone();
    let written = platform.route("hooks", "/hook", &["ci"], json!([filter(&platform)])).await;
    assert_eq!(written["resolutions"][0], json!({"active": second, "previous": first}));
    assert_eq!(notes(&written), [""; 0]);
    (platform, [first, second])
}

/// What was noted about the old version when the route was written.
fn notes(written: &Value) -> Vec<&str> {
    let noted = written["warnings"].as_array().into_iter().flatten();
    let noted = noted.filter(|noted| noted["at"] == "routes.hooks.filters[0].on_failure");
    noted.map(|noted| noted["problem"].as_str().unwrap()).collect()
}

/// An event for which the new version does one thing, and the old one another.
async fn post(platform: &Platform, worse: &str, what: &Value) -> Answer {
    let (name, value) = told(what);
    platform.post("/hook", &[("x-worse", worse), (name, &value)], "{}").await
}

/// What was written down about the calls for an event: module, outcome, class or verdict, policy.
async fn runs(platform: &Platform, answer: &Answer) -> Vec<(Value, String)> {
    let record = platform.record(answer).await;
    let runs = record["filters"].as_array().unwrap().iter().map(|run| {
        assert_eq!(run["filter"], "told");
        let outcome = &run["outcome"];
        let text = |field: &str| outcome[field].as_str().unwrap().to_owned();
        let became = match text("kind").as_str() {
            "verdict" => text("verdict"),
            _ => format!("{} {}", text("class"), text("policy")),
        };
        (run["digest"].clone(), became)
    });
    runs.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_new_version_cannot_do_the_old_one_does() {
    let destination = Destination::ok().await;
    let (platform, [first, second]) = platform(&destination).await;
    let limits = json!({"time_ms": 200, "memory_bytes": 4 << 20});
    let by_default = filter(&platform);
    for (worse, class) in [
        ("trap", "trap"),
        ("spin", "time"),
        ("memory", "memory"),
        ("denied", "denied"),
        ("fail", "failed"),
        ("bad-output", "bad-output"),
    ] {
        for policies in [json!({"default": "previous"}), json!({class: "previous"})] {
            let mut filter = by_default.clone();
            (filter["limits"], filter["on_failure"]) = (limits.clone(), policies);
            platform.route("hooks", "/hook", &["ci"], json!([filter])).await;
            let answer = post(&platform, worse, &json!({"do": "version", "value": "before"})).await.expect(200);
            let received = destination.only();
            assert_eq!([received.header("x-version"), received.header("x-half")], ["before", ""], "{worse}");
            destination.forget();
            let expected = [(second.clone(), format!("{class} previous")), (first.clone(), "edit".to_owned())];
            assert_eq!(runs(&platform, &answer).await, expected, "{worse}");
            let record = platform.record(&answer).await;
            assert_eq!((&record["disposition"], &record["status"]), (&json!("forwarded"), &json!(200)));
            let [failed, decided] = [0, 1].map(|run| record["filters"][run].clone());
            assert_eq!(failed["config_digest"], decided["config_digest"]);
            assert_ne!(failed["seed"], decided["seed"], "each call has its own chance");
        }
    }
    // What the new version can do is its own; and what the old one needs of the event is there.
    let answer = post(&platform, "", &json!({"do": "trap"})).await.expect(200);
    assert_eq!(destination.only().header("x-version"), "worse");
    assert_eq!(runs(&platform, &answer).await, [(second, "edit".to_owned())]);
    let read = post(&platform, "bad-output", &json!({"do": "read", "offset": 0, "max": 9})).await.expect(200);
    assert_eq!(read.json(), "{}", "the body, which only the old version reads");
    platform.stop().await;
}

/// The old version decides as if it were the only one: with every verdict, grant and limit.
#[tokio::test(flavor = "multi_thread")]
async fn the_old_version_decides() {
    let destination = Destination::ok().await;
    let (platform, _) = platform(&destination).await;
    let rejected = post(&platform, "trap", &json!({"do": "reject", "status": 401, "reason": "no"})).await;
    assert_eq!(rejected.refusal(401), "the event was rejected");
    let revealed = post(&platform, "trap", &json!({"do": "reveal", "secret": "token"})).await.expect(200);
    assert_eq!(revealed.json(), json!({"ok": "shown"}));
    let denied = post(&platform, "trap", &json!({"do": "reveal", "secret": "other"})).await.expect(200);
    assert!(denied.json()["error"].is_string(), "{}", denied.text());
    let mut slow = filter(&platform);
    slow["limits"] = json!({"time_ms": 20});
    platform.route("hooks", "/hook", &["ci"], json!([slow])).await;
    let answer = post(&platform, "trap", &json!({"do": "spin"})).await.expect(500);
    let record = platform.record(&answer).await;
    assert_eq!(record["filters"][1]["outcome"]["detail"], "computed longer than 20ms");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_old_version_the_event_is_refused() {
    let destination = Destination::ok().await;
    let (platform, [_, second]) = platform(&destination).await;
    // Here it never was another one.
    platform.route("hooks", "/hook", &["ci"], json!([])).await;
    platform.route("hooks", "/hook", &["ci"], json!([filter(&platform)])).await;
    let answer = post(&platform, "trap", &json!({"do": "pass"})).await;
    assert_eq!(answer.refusal(500), "the event could not be judged");
    assert_eq!(runs(&platform, &answer).await, [(second, "trap closed".to_owned())]);
    assert_eq!(destination.received(), []);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_both_fail_the_event_is_refused() {
    let destination = Destination::ok().await;
    let (platform, [first, second]) = platform(&destination).await;
    // An old version that fails is not skipped either, and calls no third one.
    for policies in [json!({"default": "previous"}), json!({"default": "open", "trap": "previous", "time": "previous"})]
    {
        let mut filter = filter(&platform);
        (filter["limits"], filter["on_failure"]) = (json!({"time_ms": 200}), policies);
        platform.route("hooks", "/hook", &["ci"], json!([filter])).await;
        for (worse, class, status) in [("trap", "trap", 500), ("spin", "time", 503)] {
            let answer = post(&platform, worse, &json!({"do": "fail", "reason": "no luck"})).await;
            assert_eq!(answer.refusal(status), "the event could not be judged");
            let expected = [(second.clone(), format!("{class} previous")), (first.clone(), "failed closed".to_owned())];
            assert_eq!(runs(&platform, &answer).await, expected);
            let record = platform.record(&answer).await;
            assert_eq!(record["disposition"], "failed");
            let reason = record["reason"].as_str().unwrap();
            assert!(reason.starts_with(&format!("filter told: {class}: ")), "{reason}");
            assert!(reason.ends_with("; the previous version: failed: no luck"), "{reason}");
        }
    }
    assert_eq!(destination.received(), []);
    platform.stop().await;
}

/// An old version that does not fit what is written now is not called, and whoever writes is told so.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_version_that_does_not_fit_is_noted() {
    let destination = Destination::ok().await;
    let (platform, [first, second]) = platform(&destination).await;
    let short = &first.as_str().unwrap()["sha256:".len()..][..12];
    let (mut refused, mut ungranted, mut unknown) = (filter(&platform), filter(&platform), filter(&platform));
    refused["config"] = json!({"do": "refuse-configure", "reason": "too new"});
    ungranted["grants"]["secrets"] = json!({});
    unknown["config"] = json!({"colour": "red"});
    for (filter, said) in [
        (refused, "config: the filter refuses its configuration: too new"),
        (ungranted, "grants.secrets.webhook: the module asks for secret `webhook`: grant it one of the project's, "),
        (unknown, "config: the filter refuses its configuration: "),
    ] {
        // Written again it is noted again.
        for _ in 0..2 {
            let written = platform.route("hooks", "/hook", &["ci"], json!([filter])).await;
            let [problem] = notes(&written)[..] else { panic!("{written}") };
            let start = format!(
                "`previous` is `closed` for now, because the version that ran before ({short}) cannot be called: {said}"
            );
            assert!(problem.starts_with(&start), "{problem}");
        }
        post(&platform, "", &json!({"do": "pass"})).await.expect(200);
        let answer = post(&platform, "trap", &json!({"do": "pass"})).await.expect(500);
        assert_eq!(runs(&platform, &answer).await, [(second.clone(), "trap closed".to_owned())]);
    }
    // Once it fits it is called; and with another policy nobody asks it.
    platform.route("hooks", "/hook", &["ci"], json!([filter(&platform)])).await;
    post(&platform, "trap", &json!({"do": "pass"})).await.expect(200);
    let mut closed = platform.told();
    closed["config"] = json!({"do": "refuse-configure", "reason": "too new"});
    let written = platform.route("hooks", "/hook", &["ci"], json!([closed])).await;
    assert_eq!(notes(&written), [""; 0]);
    platform.stop().await;
}

/// What the failed call said is forgotten; what it reserved is decided with the event.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_failed_call_left_is_put_in_order() {
    let (refusing, accepting) =
        (Destination::start(|_| crate::support::Reply::status(500)).await, Destination::ok().await);
    let (platform, _) = platform(&refusing).await;
    let once = json!({"do": "once", "namespace": "store", "key": "key", "ttl": 60});
    let decided = async |worse: &str, what: &Value, status: u16| {
        let answer = post(&platform, worse, what).await.expect(status);
        platform.record(&answer).await
    };
    for _ in 0..2 {
        // The key is this event's, whichever of the two asks; and free again when the event was not accepted.
        let record = decided("say-and-trap", &once, 500).await;
        assert_eq!((&record["labels"], &record["idempotency_key"]), (&json!([["once", "First"]]), &Value::Null));
    }
    decided("say-and-trap", &json!({"do": "fail", "reason": "no luck"}), 500).await;
    assert_eq!(decided("trap", &once, 500).await["labels"], json!([["once", "First"]]));
    platform.destination("ci", &accepting).await;
    assert_eq!(decided("say-and-trap", &json!({"do": "pass"}), 200).await["labels"], Value::Null);
    assert_eq!(decided("trap", &once, 200).await["labels"], json!([["once", "Known"]]));
    platform.stop().await;
}

/// The old version has a breaker and instances of its own; that of the new one spares its calls.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_that_is_called_off_is_replaced_for_as_long() {
    let destination = Destination::ok().await;
    let (platform, [first, second]) = platform(&destination).await;
    let mut warm = filter(&platform);
    warm["instance"] = json!("warm");
    platform.route("hooks", "/hook", &["ci"], json!([warm])).await;
    for events in 1..=21 {
        let answer = post(&platform, "trap", &json!({"do": "remember"})).await.expect(200);
        assert_eq!(answer.json()["events"], events);
        let record = platform.record(&answer).await;
        assert_eq!([0, 1].map(|run| &record["filters"][run]["digest"]), [&second, &first]);
        let detail = record["filters"][0]["outcome"]["detail"].as_str().unwrap();
        assert_eq!(detail.starts_with("not called for another "), events == 21, "{detail}");
    }
    platform.stop().await;
}

/// An event that found no place takes one for the old version only if it is free at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_room_has_none_for_the_old_version() {
    let destination = Destination::ok().await;
    let platform = Platform::with(&[("filters.calls", "1"), ("filters.calls_per_project", "1")]).await;
    platform.bring_told(&destination).await;
    let mut long = platform.told();
    long["limits"] = json!({"wall_ms": 30_000});
    platform.route("long", "/long", &["ci"], json!([long])).await;
    platform.api.upload("told", guest("worse")).await.expect(201);
    let mut short = filter(&platform);
    short["limits"] = json!({"wall_ms": 50});
    platform.route("hooks", "/hook", &["ci"], json!([short])).await;
    let mut wire = platform.wire().await;
    wire.write(
        "POST /long HTTP/1.1\r\nhost: a\r\nx-do: {\"do\": \"sleep\", \"ms\": 30000}\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    let refused = crate::support::eventually("an event for which there is no room", async || {
        let answer = post(&platform, "", &json!({"do": "pass"})).await;
        (answer.status != 200).then_some(answer)
    });
    let refused = refused.await;
    assert_eq!(refused.refusal(503), "the event could not be judged");
    let runs: Vec<String> = runs(&platform, &refused).await.into_iter().map(|(_, became)| became).collect();
    assert_eq!(runs, ["overload previous", "overload closed"]);
    drop(wire);
    platform.stop().await;
}

/// What the old version prepared is on disk with the rest.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_host_calls_it_again() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let destination = Destination::ok().await;
    let host = Host::start(&data).await;
    let api = Api::new(host.admin, &host.token);
    api.put("/destinations/ci", &json!({"url": destination.url("")})).await.expect(200);
    for secret in ["webhook", "token"] {
        api.put(&format!("/secrets/{secret}"), &json!({"value": "secret"})).await.expect(200);
    }
    for version in ["told", "worse"] {
        api.upload("told", guest(version)).await.expect(201);
        let filter = json!({
            "name": "told",
            "module": "told",
            "config": {"do": "version", "value": "before"},
            "grants": {"secrets": {"webhook": "webhook"}, "reveal": {"token": "token"}, "kv": ["store"]},
            "limits": {"time_ms": 5_000, "wall_ms": 20_000},
            "on_failure": {"default": "closed", "trap": "previous"},
        });
        let route = json!({"match": {"path": "/hook"}, "forward": {"candidates": ["ci"]}, "filters": [filter]});
        api.put("/routes/hooks", &route).await.expect(200);
    }
    host.kill().await;
    let host = Host::start(&data).await;
    let mut wire = Wire::to(host.gateway).await;
    for (worse, status, version) in [("trap", 200, "before"), ("", 200, "worse"), ("fail", 500, "")] {
        destination.forget();
        wire.write(format!("POST /hook HTTP/1.1\r\nhost: a\r\nx-worse: {worse}\r\ncontent-length: 0\r\n\r\n")).await;
        wire.answer().await.expect(status);
        let versions: Vec<String> =
            destination.received().iter().map(|received| received.header("x-version")).collect();
        assert_eq!(versions.concat(), version, "{worse}");
    }
    host.kill().await;
}
