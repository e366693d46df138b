//! Room: memory, tables, handles, lines of the log, keys. There is some of each, and it has an end.

use serde_json::json;

use super::{Arena, Row, made};

const MEMORY: &str = "asked for more than 67108864 bytes of memory or 10000 table elements";

#[tokio::test(flavor = "multi_thread")]
async fn memory_has_an_end() {
    let arena = Arena::with_hostile().await;
    arena.run("hostile", &[Row::fails("memory", "memory", MEMORY)]).await;
    // Who takes no for an answer goes on with what it has.
    arena.attach(json!([{"module": "hostile"}])).await.expect(200);
    let answer = arena.tell("memory-politely", "").await.expect(200);
    let got: usize = answer.text().parse().unwrap();
    assert!((32..64).contains(&got), "{got} MiB");
    let used = arena.record(&answer).await["filters"][0]["memory_bytes"].as_u64().unwrap();
    assert!(used <= 64 << 20, "{used} bytes");
    for (name, component, row) in [
        ("table", made::written("table"), Row::fails("", "memory", MEMORY)),
        ("table_at_once", made::written("table_at_once"), Row::answers("", 200, "")),
        // Many memories may have together what one may have.
        ("memories", made::greedy(), Row::answers("", 200, "")),
    ] {
        arena.bring(name, component).await;
        arena.run(name, &[row]).await;
    }
    // Four at a time, each with all that it may have.
    arena.attach(json!([{"module": "hostile"}])).await.expect(200);
    let take = async || {
        let answer = arena.tell("memory", "").await;
        arena.failed("memory", &answer, "memory").await
    };
    tokio::join!(take(), take(), take(), take());
    arena.close_within(600 << 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pointers_of_one_call_have_an_end() {
    let arena = Arena::open().await;
    arena.bring("each", made::written("each")).await;
    let row = |bytes, status| Row::answers("", status, "").with_body(vec![b'1'; bytes]);
    // Of a body of 900 KiB four times the whole, which is more than 64 of a short one.
    arena.run("each", &[row(1, 200), row(64, 200), row(65, 201), row(900 << 10, 201)]).await;
    arena.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handles_have_an_end() {
    let arena = Arena::with_hostile().await;
    arena
        .run("hostile", &[Row::fails("handles", "trap", "cannot allocate another handle: store handle limit exceeded")])
        .await;
    arena.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_has_an_end() {
    let arena = Arena::with_hostile().await;
    arena.attach(json!([{"module": "hostile"}])).await.expect(200);
    for (told, level, kept, left_out) in [
        ("log 50000 10", "info", 100, 49_900),
        ("log 4 1000000", "info", 0, 4),
        ("print 50000 10", "stdout", 100, 49_900),
        // What is printed in one go is cut where there is no more room; it has no lines to leave out.
        ("print-on 2000", "stderr", 1, 0),
    ] {
        let answer = arena.tell(told, "").await.expect(200);
        let run = &arena.record(&answer).await["filters"][0];
        let lines: Vec<_> = run["logs"].as_array().into_iter().flatten().collect();
        assert_eq!((lines.len(), run["logs_left_out"].as_u64().unwrap()), (kept, left_out), "{told}");
        let bytes: usize = lines.iter().map(|line| line["message"].as_str().unwrap().len()).sum();
        assert!(bytes <= 16 << 10 && lines.iter().all(|line| line["level"] == level), "{told}");
        arena.destination.forget();
    }
    arena.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_has_an_end() {
    let arena = Arena::with_hostile().await;
    let kv = Row::answers("kv 1000 65536", 200, "100 limit reached: kv_calls: at most 100 for one event");
    let all = json!({"kv_calls": 10_000});
    arena
        .run(
            "hostile",
            &[
                kv,
                Row::answers("kv 100 65537", 200, "0 invalid argument: a value has at most 65536 bytes"),
                Row::answers("kv 1000 10", 200, "1000").within(all),
                Row::answers("labels 100", 200, "32 limit reached: at most 32 labels on one event"),
            ],
        )
        .await;
    arena.close().await;
}
