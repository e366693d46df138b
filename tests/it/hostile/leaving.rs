//! How a call ends: what was said before does not count, what was taken is given back, nobody hears what went wrong, and
//! who is gone is not waited for.

use serde_json::{Value, json};

use super::{Arena, made};
use crate::support::{assert_no_inside, eventually, guest};

/// Every way in which guest `hostile` ends without a verdict that counts, and the class of the failure.
const WAYS: [(&str, &str); 10] = [
    ("panic", "trap"),
    ("abort", "trap"),
    ("exit", "trap"),
    ("stack", "trap"),
    ("astray", "trap"),
    ("spin", "time"),
    ("memory", "memory"),
    ("fail", "failed"),
    ("denied", "denied"),
    ("bad-output", "bad-output"),
];

fn limits() -> Value {
    json!({"time_ms": 100, "memory_bytes": 16 << 20})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_before_does_not_count() {
    let arena = Arena::with_hostile().await;
    arena.bring("attributes", made::written("attributes")).await;
    let first = json!({"module": "hostile", "limits": limits()});
    arena.attach(json!([first])).await.expect(200);
    // It would count.
    let answer = arena.tell("say-all pass", "").await.expect(201);
    assert_eq!((answer.header("x-said"), answer.text()), ("before", "said before".to_owned()));
    assert_eq!(arena.record(&answer).await["labels"], json!([["said", "before"]]));
    assert_eq!(arena.destination.only().header("x-left"), "1");
    arena.destination.forget();
    let nothing_said = |record: &Value| {
        for field in ["labels", "idempotency_key", "order_key"] {
            assert_eq!(record[field], Value::Null, "{record}");
        }
    };
    for (way, class) in WAYS {
        let answer = arena.tell(&format!("say-all {way}"), "").await;
        arena.failed(way, &answer, class).await;
        assert_no_inside(&answer, &["said", "before"]);
        nothing_said(&arena.record(&answer).await);
    }
    // Where the chain goes on, the next filter sees an event that nothing happened to, and the destination too.
    let mut open = first;
    open["on_failure"] = json!({"default": "open"});
    arena.attach(json!([open, {"module": "attributes"}])).await.expect(200);
    arena.tell("say-all pass", "").await.expect(299);
    for (way, class) in WAYS {
        let answer = arena.tell(&format!("say-all {way}"), "").await.expect(200);
        assert_no_inside(&answer, &["said", "before"]);
        let record = arena.record(&answer).await;
        assert_eq!(record["filters"][0]["outcome"]["class"], class, "{way}");
        nothing_said(&record);
        let sent = arena.destination.only();
        assert!(
            sent.headers.iter().all(|(name, _)| !name.starts_with("x-said") && name != "x-left"),
            "{way}: {sent:?}"
        );
        assert_eq!((sent.method.as_str(), sent.target.as_str(), sent.body.as_slice()), ("POST", "/evil", &b""[..]));
        arena.destination.forget();
    }
    arena.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_is_given_back() {
    let arena = Arena::with_hostile().await;
    arena.attach(json!([{"module": "hostile", "limits": limits()}])).await.expect(200);
    let is_free = async |what: &str| {
        eventually(&format!("the key free again: {what}"), async || {
            let answer = arena.tell("take respond", "").await.expect(200);
            let label = arena.record(&answer).await["labels"][0][1].as_str().unwrap().to_owned();
            assert_ne!(label, "Known", "{what}");
            (label == "First").then_some(())
        })
        .await;
    };
    for (way, class) in WAYS {
        let answer = arena.tell(&format!("take {way}"), "").await;
        arena.failed(way, &answer, class).await;
        is_free(way).await;
    }
    arena.attach(json!([{"module": "hostile"}])).await.expect(200);
    // Its time may be over before anybody looks.
    let gone = eventually("the key taken", async || {
        let gone = arena.begin("take spin").await;
        for _ in 0..20 {
            let answer = arena.tell("take respond", "").await.expect(200);
            if arena.record(&answer).await["labels"][0][1] == "Pending" {
                return Some(gone);
            }
        }
        None
    })
    .await;
    drop(gone);
    is_free("its sender is gone").await;
    // It is taken for good once an event is accepted.
    arena.tell("take pass", "").await.expect(200);
    let answer = arena.tell("take respond", "").await.expect(200);
    assert_eq!(arena.record(&answer).await["labels"], json!([["once", "Known"]]));
    arena.close().await;
}

/// The value of a secret, its name and everything around it stay inside, however the filter says them.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_hears_a_secret() {
    let arena = Arena::with_hostile().await;
    arena.attach(json!([{"module": "hostile"}])).await.expect(200);
    for (way, status, class) in [
        ("panic", 500, "trap"),
        ("fail", 500, "failed"),
        ("bad-output", 500, "bad-output"),
        ("choice", 500, "bad-output"),
        ("denied", 500, "denied"),
        ("reject", 403, ""),
        ("drop", 202, ""),
    ] {
        let answer = arena.tell(&format!("tell {way}"), "").await;
        assert_eq!(answer.status, status, "{way}");
        assert_no_inside(&answer, &["secret", "token", "correct horse", "battery", "staple", "hostile", "panic"]);
        if !class.is_empty() {
            arena.failed(way, &answer, class).await;
        }
        // Its author finds it where it was said.
        let record = arena.record(&answer).await;
        let logs = record["filters"][0]["logs"].to_string();
        assert!(logs.contains("secret token is correct horse battery staple"), "{way}: {logs}");
    }
    arena.close().await;
}

/// One place for the project, so that what still ran would keep everybody else out.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_gone_is_not_waited_for() {
    let arena = Arena::with(&[("filters.calls_per_project", "1")]).await;
    arena.bring("hostile", guest("hostile")).await;
    let most = json!({"time_ms": 10_000, "wall_ms": 30_000});
    arena.attach(json!([{"module": "hostile", "limits": most}])).await.expect(200);
    arena.route("probe", json!([{"module": "hostile", "limits": {"wall_ms": 30, "time_ms": 30}}])).await.expect(200);
    arena.route("after", json!([{"module": "hostile", "limits": {"wall_ms": 5_000}}])).await.expect(200);
    for told in ["spin", "sleep 60000", "nap", "spin-clock", "fill spin", "take spin"] {
        let gone = arena.begin(told).await;
        let answer = eventually("an event that finds no place", async || {
            let answer = arena.post("/probe", "fail", "").await;
            (answer.status == 503).then_some(answer)
        });
        arena.failed(told, &answer.await, "overload").await;
        drop(gone);
        // In far less time than the call would have had.
        arena.post("/after", "fill pass", "").await.expect(200);
        arena.destination.forget();
        let abandoned = eventually("the record of an event whose sender is gone", async || {
            let records = arena.records().await;
            records.into_iter().find(|record| record["route"] == "evil" && record["status"] == 0)
        });
        assert_eq!(abandoned.await["reason"], "the sender went away before it was answered", "{told}");
    }
    arena.close().await;
}
