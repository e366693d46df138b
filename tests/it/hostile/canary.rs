//! What one project's filter leaves in memory, no other project's filter ever finds.

use std::time::Duration;

use serde_json::json;

use super::{Arena, made};
use crate::support::{Answer, eventually, guest};

/// Searches after each way to end.
const SEARCHES: usize = 40;

/// How guest `hostile` ends, and the class of the failure; none if it is a verdict.
const IN_RUST: [(&str, &str); 11] = [
    ("panic", "trap"),
    ("abort", "trap"),
    ("exit", "trap"),
    ("stack", "trap"),
    ("astray", "trap"),
    ("spin", "time"),
    ("memory", "memory"),
    ("fail", "failed"),
    ("bad-output", "bad-output"),
    ("respond", ""),
    ("pass", ""),
];
/// How guest `leave` ends, by the length of the event's body: unreachable, no stack, out of bounds, division by zero, wrong
/// type of an indirect call, no memory, no time, the error arm.
const IN_TEXT: [&str; 8] = ["trap", "trap", "trap", "trap", "trap", "memory", "time", "failed"];

/// What `search` does in its own memory, done in another one beside it before it is called: traps if it finds something.
const SEARCH_TOO: &str = "(module
    (memory 128)
    (func $start (local $place i32)
      (loop $on
        (if (i64.eq (i64.load (local.get $place)) (i64.const 0x5ca1ab1e0ddba115)) (then (unreachable)))
        (local.set $place (i32.add (local.get $place) (i32.const 8)))
        (br_if $on (i32.lt_u (local.get $place) (i32.const 0x800000)))))
    (start $start))";

/// With places for two calls, and no instance that waits, the host has just two memories, and whoever searches has both: there
/// is no other place where the pattern could be.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_found_in_fresh_memory() {
    let settings = [("filters.calls", "2"), ("filters.calls_per_project", "2"), ("filters.waiting", "0")];
    let arena = Arena::with_neighbour(&settings, 1, Duration::from_millis(50)).await;
    arena.bring("hostile", guest("hostile")).await;
    arena.bring("leave", made::written("leave")).await;
    let limits = json!({"time_ms": 200});
    arena.attach(json!([{"module": "hostile", "limits": limits}])).await.expect(200);
    arena.route("leave", json!([{"module": "leave", "limits": limits}])).await.expect(200);
    arena.bring("search", searcher("")).await;
    arena.route("search", json!([{"module": "search"}])).await.expect(200);
    arena.route("probe", json!([{"module": "search", "limits": {"wall_ms": 30}}])).await.expect(200);
    bring_searchers(&arena).await;
    let mut searches = 0;
    for (way, class) in IN_RUST {
        let answer = arena.tell(&format!("fill {way}"), "").await;
        left(&arena, &answer, class).await;
        searches += search(&arena, way).await;
    }
    for (way, class) in IN_TEXT.into_iter().enumerate() {
        let answer = arena.post("/leave", "", vec![b'x'; way]).await;
        left(&arena, &answer, class).await;
        searches += search(&arena, &format!("{way} of `leave`")).await;
    }
    // And one that is cut off because its sender is gone.
    arena.attach(json!([{"module": "hostile", "limits": {"time_ms": 10_000}}])).await.expect(200);
    let gone = arena.begin("fill spin").await;
    let full = async || (arena.post("/probe", "", "").await.status == 503).then_some(());
    eventually("an event that finds no place", full).await;
    drop(gone);
    searches += search(&arena, "its sender is gone").await;
    // The same module, in two projects.
    for length in [1, 2] {
        arena.post("/search", "", vec![b'x'; length]).await.expect(299);
        searches += search(&arena, "the same module").await;
    }
    println!("{searches} fresh instances were searched");
    arena.close().await;
}

/// The filter filled its memory and ended like this.
async fn left(arena: &Arena, answer: &Answer, class: &str) {
    if class.is_empty() {
        assert_eq!(answer.status, 200);
        arena.destination.forget();
    } else {
        arena.failed(class, answer, class).await;
    }
    let record = arena.record(answer).await;
    assert!(record["filters"][0]["memory_bytes"].as_u64().unwrap() >= 6 << 20, "{record}");
}

fn searcher(more: &str) -> Vec<u8> {
    let fields = made::fields("search");
    made::beside_it(made::filter(&format!("{fields}\n{more}")), SEARCH_TOO.as_bytes())
}

/// The neighbour's: `plain`, and `image`, whose memory begins with an image.
async fn bring_searchers(arena: &Arena) {
    let api = arena.api.in_project("neighbour");
    let limits = json!({"time_ms": 10_000, "wall_ms": 30_000});
    for (name, bytes) in [("plain", searcher("")), ("image", searcher("(data (i32.const 1024) \"an image\")"))] {
        api.upload(name, bytes).await.expect(201);
        let matches = json!({"path": format!("/{name}")});
        let filter = json!({"name": "search", "module": name, "limits": limits});
        let spec = json!({"match": matches, "forward": {"candidates": ["home"]}, "filters": [filter]});
        api.put(&format!("/routes/{name}"), &spec).await.expect(200);
        // It finds what is there to find, and only then.
        for length in [1, 2] {
            arena.post(&format!("/{name}"), "", vec![b'x'; length]).await.expect(299);
            arena.post(&format!("/{name}"), "", "").await.expect(200);
        }
    }
}

async fn search(arena: &Arena, way: &str) -> usize {
    for index in 0..SEARCHES {
        let path = ["/plain", "/image"][index % 2];
        let answer = arena.post(path, "", "").await;
        assert_eq!(answer.status, 200, "after {way}: search {index} at {path}");
    }
    SEARCHES
}
