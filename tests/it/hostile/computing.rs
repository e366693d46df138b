//! Time: what does not end is ended, wherever it does not end, and whoever waits beside it is served.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Arena, Row, made};
use crate::support::guest;

const COMPUTED: &str = "computed longer than 50ms";

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_end_is_ended() {
    let arena = Arena::with_hostile().await;
    let time = json!({"time_ms": 50});
    let (list, large) = (vec![b' '; 1 << 20], format!("[{}0]", "0,".repeat(400_000)));
    let spins = [
        Row::fails("spin", "time", COMPUTED),
        // With a host that does most of the work.
        Row::fails("spin-clock", "time", COMPUTED),
        Row::fails("spin-random", "time", COMPUTED),
        Row::fails("spin-read", "time", COMPUTED).with_body(list.clone()),
        Row::fails("spin-json", "time", COMPUTED).with_body(large),
        Row::fails("spin-digest", "time", COMPUTED).with_body(list.clone()),
        Row::fails("spin-mac", "time", COMPUTED).with_body(list),
        Row::fails("nap", "time", COMPUTED),
    ];
    arena.run("hostile", &spins.map(|row| row.within(time.clone()))).await;
    let wall = json!({"wall_ms": 300});
    arena
        .run("hostile", &[Row::fails("sleep 60000", "time", "no verdict after 300ms on the clock").within(wall.clone())])
        .await;
    for name in ["start_later", "realloc", "after", "fill"] {
        arena.bring(name, made::written(name)).await;
        arena.run(name, &[Row::fails("", "time", COMPUTED).within(time.clone())]).await;
    }
    arena.bring("poll", made::written("poll")).await;
    let by = |length: usize, class, detail| Row::fails("", class, detail).with_body(vec![b'x'; length]);
    let polls = [
        by(0, "time", COMPUTED).within(time.clone()),
        by(1, "time", COMPUTED).within(time),
        by(2, "trap", "…"),
        by(3, "time", "no verdict after 300ms on the clock").within(wall.clone()),
        by(4, "trap", "…"),
        by(5, "time", "no verdict after 300ms on the clock").within(wall),
    ];
    arena.run("poll", &polls).await;
    arena.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_has_an_end() {
    let arena = Arena::with_hostile().await;
    arena.run("hostile", &[Row::fails("stack", "trap", "out of bounds memory access")]).await;
    arena.bring("recursion", made::written("recursion")).await;
    arena.bring("huge-frame", made::huge_frame()).await;
    for name in ["recursion", "huge-frame"] {
        arena.run(name, &[Row::fails("", "trap", "call stack exhausted")]).await;
    }
    arena.close().await;
}

/// Six filters that only burn time, on however few cores, again and again.
#[tokio::test(flavor = "multi_thread")]
async fn six_at_once_hold_nobody_up() {
    const ROUNDS: usize = 2;
    let arena = Arena::with_neighbour(&[], 4, Duration::ZERO).await;
    arena.bring("hostile", guest("hostile")).await;
    arena.attach(json!([{"module": "hostile", "limits": {"time_ms": 300, "wall_ms": 30_000}}])).await.expect(200);
    let start = Instant::now();
    let spin = async || {
        for _ in 0..ROUNDS {
            let answer = arena.tell("spin", "").await;
            let outcome = arena.failed("spin", &answer, "time").await;
            assert_eq!(outcome["detail"], "computed longer than 300ms");
        }
    };
    tokio::join!(spin(), spin(), spin(), spin(), spin(), spin());
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

/// A component that never comes up holds up who uploads it, and no other upload.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_does_not_end_is_refused() {
    let arena = Arena::open().await;
    let never = arena.api.upload("start", made::written("start"));
    let meanwhile = async {
        for name in ["configure", "recursion"] {
            arena.bring(name, made::written(name)).await;
        }
        // What misbehaves while it is configured is not attached.
        for (way, said) in [
            (1, "the filter failed to check its configuration (time): computed longer than 300ms"),
            (11, "the filter failed to check its configuration (memory): asked for more than 67108864 bytes"),
            (111, "the filter failed to check its configuration (trap): "),
            (1111, "the filter failed to check its configuration (trap): "),
        ] {
            let filter = json!({"module": "configure", "config": {"way": way}, "limits": {"time_ms": 300}});
            let faults = arena.attach(json!([filter])).await.faults(422);
            assert!(faults.starts_with(&format!("routes.evil.filters[0].config: {said}")), "{way}: {faults}");
        }
    };
    let (refused, ()) = tokio::join!(never, meanwhile);
    assert_eq!(
        refused.faults(422),
        "the component does not come up under the default limits (time): computed longer than 10s"
    );
    arena.api.get("/modules/start").await.expect(404);
    arena.close().await;
}
