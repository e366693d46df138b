//! Time: what does not end is ended, wherever it does not end, and whoever waits beside it is served.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Arena, Row, made};
use crate::support::guest;

const COMPUTED: &str = "computed longer than 50ms";
const CLOCK: &str = "no verdict after 300ms on the clock";

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_end_is_ended() {
    let arena = Arena::with_hostile().await;
    let time = json!({"time_ms": 50});
    let wall = json!({"time_ms": 50, "wall_ms": 300});
    let large = format!("[{}0]", "0,".repeat(400_000));
    let spins = [
        Row::fails("spin", "time", COMPUTED),
        // With a host that does most of the work.
        Row::fails("spin-clock", "time", COMPUTED),
        Row::fails("spin-random", "time", COMPUTED),
        Row::fails("spin-read", "time", COMPUTED).with_body(large.clone()),
        Row::fails("spin-json", "time", COMPUTED).with_body(large.clone()),
        Row::fails("spin-digest", "time", COMPUTED).with_body(large.clone()),
        Row::fails("spin-mac", "time", COMPUTED).with_body(large),
    ];
    arena.run("hostile", &spins.map(|row| row.within(time.clone()))).await;
    // What the host does in one call is bounded as well.
    let macs = [
        Row::answers("mac 1", 200, "false"),
        Row::answers("mac 2", 200, "invalid argument: the body is 2 parts of the message: at most one may be"),
        Row::answers("mac 33", 200, "invalid argument: 33 parts are too many: at most 32"),
    ];
    arena.run("hostile", &macs).await;
    // Who waits does not compute, and has the clock against it.
    let waits = ["sleep 60000", "nap"].map(|told| Row::fails(told, "time", CLOCK).within(wall.clone()));
    arena.run("hostile", &waits).await;
    for name in ["start_later", "realloc", "after", "fill"] {
        arena.bring(name, made::written(name)).await;
        arena.run(name, &[Row::fails("", "time", COMPUTED).within(time.clone())]).await;
    }
    arena.bring("poll", made::written("poll")).await;
    let polls = [
        ("time", CLOCK),
        ("time", COMPUTED),
        ("trap", "resource table has no free keys"),
        ("trap", "cannot lend resource: store handle limit exceeded"),
        ("trap", "empty poll list"),
        ("time", CLOCK),
    ];
    let row = |(length, (class, detail))| {
        // The clock is short only for those that it is to stop: on a busy machine it is ahead of what is computed.
        let limits = if detail == CLOCK { &wall } else { &time };
        Row::fails("", class, detail).with_body(vec![b'x'; length]).within(limits.clone())
    };
    let polls: Vec<Row> = polls.into_iter().enumerate().map(row).collect();
    arena.run("poll", &polls).await;
    arena.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_has_an_end() {
    let arena = Arena::with_hostile().await;
    arena.run("hostile", &[Row::fails("stack", "trap", "wasm trap: out of bounds memory access")]).await;
    arena.bring("recursion", made::written("recursion")).await;
    arena.bring("huge-frame", made::huge_frame()).await;
    for name in ["recursion", "huge-frame"] {
        arena.run(name, &[Row::fails("", "trap", "wasm trap: call stack exhausted")]).await;
    }
    arena.close().await;
}

/// Six filters that only burn time, on however few cores, again and again; each an attachment of its own.
#[tokio::test(flavor = "multi_thread")]
async fn six_at_once_hold_nobody_up() {
    const ROUNDS: usize = 3;
    let arena = Arena::with_neighbour(&[], 4, Duration::ZERO).await;
    arena.bring("hostile", guest("hostile")).await;
    for index in 0..6 {
        let filter = json!({"module": "hostile", "limits": {"time_ms": 200, "wall_ms": 30_000}});
        arena.route(&format!("evil{index}"), json!([filter])).await.expect(200);
    }
    let start = Instant::now();
    let spin = async |path: &str| {
        for _ in 0..ROUNDS {
            let answer = arena.post(path, "spin", "").await;
            let outcome = arena.failed("spin", &answer, "time").await;
            assert_eq!(outcome["detail"], "computed longer than 200ms");
        }
    };
    tokio::join!(spin("/evil0"), spin("/evil1"), spin("/evil2"), spin("/evil3"), spin("/evil4"), spin("/evil5"));
    let end = Instant::now();
    let answers = arena.close_within(400 << 20).await;
    let meanwhile = answers.iter().filter(|(answered, waited)| *answered - *waited >= start && *answered <= end);
    let mut waited: Vec<Duration> = meanwhile.map(|(_, waited)| *waited).collect();
    assert!(!waited.is_empty(), "nobody was served while six filters computed");
    waited.sort_unstable();
    let at = |part: usize| waited[(waited.len() - 1) * part / 100];
    println!(
        "{} answers for the neighbour beside six filters that compute: half of them came within {:?}, 99 of 100 within \
         {:?}, the last within {:?}",
        waited.len(),
        at(50),
        at(99),
        at(100),
    );
}
