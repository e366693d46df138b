//! What becomes of deliveries, and when.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use bytes::Bytes;
use delivery::engine::Options;
use model::{
    delivery::{Outcome, Status, Wanted},
    destination::{Policy, Rate},
    retry::RetrySpec,
};
use serde_json::json;
use store::Journal as _;

use crate::world::{World, busy, name, seconds, status};

pub(crate) fn policy(delays: &[u64]) -> Policy {
    let retry: RetrySpec = serde_json::from_value(json!({ "delays_seconds": delays, "jitter_percent": 0 })).unwrap();
    Policy { retry: retry.read().unwrap(), ..Policy::default() }
}

pub(crate) const MOMENT: Duration = Duration::from_millis(10);

#[tokio::test(start_paused = true)]
async fn what_is_accepted_is_delivered_at_once() {
    let mut world = World::new();
    world.has("ci", Policy::default(), |_| (MOMENT, status(200)));
    world.start();
    seconds(1).await;
    let ids = world.take(&["ci"]).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (delivery, attempts) = world.delivery(ids[0]).await;
    assert_eq!((delivery.status, delivery.attempts, delivery.due), (Status::Delivered, 1, None));
    assert_eq!((attempts.len(), attempts[0].number, attempts[0].outcome), (1, 1, Outcome::Delivered));
    assert_eq!(attempts[0].answer.as_ref().unwrap().status, 200);
    assert_eq!(world.began("ci"), [1]);
    assert_eq!(world.engine.counters().attempts_delivered.load(Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_told_is_found() {
    let mut world = World::new();
    world.has("ci", Policy::default(), |_| (MOMENT, status(200)));
    world.accept(&["ci"], None).await;
    world.start();
    seconds(1).await;
    assert_eq!(world.began("ci"), [0]);
    world.accept(&["ci"], None).await;
    seconds(5).await;
    assert_eq!(world.began("ci"), [0, 5]);
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_again_until_it_is_dead() {
    let mut world = World::new();
    world.has("ci", Policy { breaker: None, ..policy(&[5, 300]) }, |_| (MOMENT, status(500)));
    world.start();
    let ids = world.take(&["ci"]).await;
    seconds(1_000).await;
    assert_eq!(world.began("ci"), [0, 5, 305]);
    let (delivery, attempts) = world.delivery(ids[0]).await;
    assert_eq!((delivery.status, delivery.attempts), (Status::Dead, 3));
    assert_eq!(delivery.reason.as_deref(), Some("3 attempts failed, the last one: answered 500"));
    assert_eq!(attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_again_goes_on_counting() {
    let mut world = World::new();
    world.has("ci", policy(&[5]), |said| (MOMENT, status(if said.at < 50_000 { 500 } else { 200 })));
    world.start();
    let ids = world.take(&["ci"]).await;
    seconds(100).await;
    assert_eq!(world.delivery(ids[0]).await.0.status, Status::Dead);
    let (team, now) = (name("team"), world.clock.now());
    let redriven = world.journal.redrive(&team, &Wanted::default(), None, now, 0, 10).await.unwrap();
    assert_eq!(redriven.deliveries, 1);
    world.tell(&["ci"]);
    seconds(1).await;
    let (delivery, attempts) = world.delivery(ids[0]).await;
    assert_eq!((delivery.status, delivery.attempts), (Status::Delivered, 1));
    assert_eq!(attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn patience_has_a_bound_and_is_for_all() {
    let mut world = World::new();
    let policy = Policy { slow_downs: 2, breaker: None, concurrency: 1, ..policy(&[]) };
    world.has("ci", policy, |said| (MOMENT, if said.at < 50_000 { busy(429, 20) } else { busy(503, 1) }));
    world.start();
    let first = world.take(&["ci"]).await;
    seconds(5).await;
    world.take(&["ci"]).await;
    seconds(600).await;
    // The second one waits although nobody told it to.
    assert_eq!(world.began("ci")[0], 0);
    assert!(world.began("ci")[1] >= 20, "{:?}", world.began("ci"));
    let (delivery, attempts) = world.delivery(first[0]).await;
    assert_eq!((delivery.status, delivery.attempts), (Status::Dead, 1));
    let outcomes: Vec<Outcome> = attempts.iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, [Outcome::Slowed, Outcome::Slowed, Outcome::Failed]);
    assert_eq!(attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn who_enables_a_destination_wants_it_tried() {
    let mut world = World::new();
    world.has("ci", policy(&[5]), |said| (MOMENT, if said.at < 1_000 { busy(503, 3_000) } else { status(200) }));
    world.start();
    world.take(&["ci"]).await;
    seconds(10).await;
    let later = world.take(&["ci"]).await;
    seconds(10).await;
    assert_eq!(world.began("ci"), [0]);
    world.engine.enable(&name("team"), &name("ci")).await.unwrap();
    seconds(1).await;
    assert_eq!(world.delivery(later[0]).await.0.status, Status::Delivered);
}

#[tokio::test(start_paused = true)]
async fn no_more_at_a_time_than_the_destination_takes() {
    let mut world = World::new();
    world.has("ci", Policy { concurrency: 5, ..Policy::default() }, |_| (Duration::from_secs(1), status(200)));
    for _ in 0..50 {
        world.accept(&["ci"], None).await;
    }
    world.start();
    seconds(11).await;
    assert_eq!(world.count(Status::Delivered).await, 50);
    assert_eq!(world.most("ci"), 5);
}

#[tokio::test(start_paused = true)]
async fn no_more_in_some_time_than_the_destination_takes() {
    let mut world = World::new();
    let rate = Rate { events: 10, per: Duration::from_secs(10) };
    world.has("ci", Policy { rate: Some(rate), ..Policy::default() }, |_| (MOMENT, status(200)));
    for _ in 0..40 {
        world.accept(&["ci"], None).await;
    }
    world.start();
    seconds(60).await;
    assert_eq!(world.count(Status::Delivered).await, 40);
    let began = world.began("ci");
    assert_eq!(began.iter().filter(|at| **at == 0).count(), 10);
    assert_eq!(began[10..], (1..=30).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_slow_destination_holds_up_no_other() {
    let mut world = World::with(Options { in_flight: 8, ..Options::new(1) });
    for slow in ["slow-1", "slow-2", "slow-3"] {
        world.has(slow, Policy { concurrency: 100, ..Policy::default() }, |_| (Duration::from_secs(30), status(200)));
        for _ in 0..50 {
            world.accept(&[slow], None).await;
        }
    }
    world.has("quick", Policy::default(), |_| (MOMENT, status(200)));
    world.start();
    seconds(3).await;
    for _ in 0..10 {
        world.take(&["quick"]).await;
    }
    seconds(1).await;
    assert_eq!(world.began("quick").len(), 10);
    let slow: usize = ["slow-1", "slow-2", "slow-3"].iter().map(|slow| world.most(slow)).sum();
    assert!((8..=11).contains(&slow), "{slow}");
    seconds(20 * 30).await;
    assert_eq!(world.count(Status::Delivered).await, 160);
}

#[tokio::test(start_paused = true)]
async fn those_that_wait_for_room_have_it_in_turn() {
    let mut world = World::with(Options { in_flight: 4, ..Options::new(1) });
    for busy in ["a", "b", "c"] {
        world.has(busy, Policy { concurrency: 100, ..Policy::default() }, |_| (Duration::from_secs(1), status(200)));
        for _ in 0..100 {
            world.accept(&[busy], None).await;
        }
    }
    world.start();
    seconds(40).await;
    let made: Vec<usize> = ["a", "b", "c"].iter().map(|busy| world.began(busy).len()).collect();
    assert!(made.iter().all(|made| (40..70).contains(made)), "{made:?}");
}

#[tokio::test(start_paused = true)]
async fn no_more_bytes_at_a_time_than_there_is_room_for() {
    let mut world = World::with(Options { in_flight_bytes: 100 << 10, ..Options::new(1) });
    world.has("large", Policy { concurrency: 100, ..Policy::default() }, |_| (Duration::from_secs(20), status(200)));
    world.has("small", Policy::default(), |_| (MOMENT, status(200)));
    // Two of them fit; of the last one not even one.
    for _ in 0..6 {
        world.accept_body(&["large"], None, Bytes::from(vec![0; 48 << 10])).await;
    }
    world.accept_body(&["large"], None, Bytes::from(vec![0; 1 << 20])).await;
    world.start();
    seconds(1).await;
    world.take(&["small"]).await;
    seconds(1).await;
    assert_eq!((world.began("large").len(), world.began("small").len()), (2, 1));
    seconds(150).await;
    assert_eq!((world.count(Status::Delivered).await, world.most("large")), (8, 2));
    // As soon as there is room, and nothing is made twice.
    assert_eq!(world.began("large"), [0, 0, 20, 20, 40, 40, 60]);
}

#[tokio::test(start_paused = true)]
async fn a_lane_is_made_in_order() {
    let mut world = World::new();
    let mut failures = 3;
    world.has("ci", Policy { breaker: None, ..policy(&[1, 1, 1, 1]) }, move |said| {
        let fails = &said.body[..] == b"2" && failures > 0;
        failures -= u32::from(fails);
        (Duration::from_millis(100), status(if fails { 500 } else { 200 }))
    });
    for number in 0..10 {
        world.accept(&["ci"], (number % 2 == 1).then_some("lane")).await;
    }
    world.start();
    seconds(20).await;
    assert_eq!(world.count(Status::Delivered).await, 10);
    let bodies: Vec<String> = world
        .log
        .ended
        .lock()
        .unwrap()
        .iter()
        .map(|said| String::from_utf8(said.body.to_vec()).unwrap())
        .filter(|body| body.parse::<u32>().unwrap() % 2 == 0)
        .collect();
    assert_eq!(bodies, ["2", "2", "2", "2", "4", "6", "8", "10"]);
}

#[tokio::test(start_paused = true)]
async fn a_dead_head_holds_its_lane_if_the_house_says_so() {
    for holds in [false, true] {
        let mut world = World::new();
        world.rooms.holds_lane.store(holds, Relaxed);
        world.has("ci", policy(&[]), |said| (MOMENT, status(if &said.body[..] == b"1" { 500 } else { 200 })));
        let first = world.accept(&["ci"], Some("lane")).await;
        let second = world.accept(&["ci"], Some("lane")).await;
        world.start();
        seconds(60).await;
        let status = world.delivery(second[0]).await.0.status;
        assert_eq!(status, if holds { Status::Waiting } else { Status::Delivered });
        if holds {
            assert!(world.journal.cancel(&name("team"), first[0], "by hand", world.clock.now()).await.unwrap());
            seconds(10).await;
            assert_eq!(world.delivery(second[0]).await.0.status, Status::Delivered);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_nothing_to_do_does_nothing() {
    let mut world = World::new();
    world.has("ci", policy(&[3_000]), |_| (MOMENT, status(500)));
    world.start();
    world.take(&["ci"]).await;
    seconds(60).await;
    let (claims, looks) = (world.disturbed.claims.load(Relaxed), world.disturbed.looks.load(Relaxed));
    seconds(2_000).await;
    // One look may have seen the lease of the first attempt, and its end is then looked at.
    assert!(world.disturbed.claims.load(Relaxed) - claims <= 1);
    assert!(world.disturbed.looks.load(Relaxed) - looks <= 401);
}

#[tokio::test(start_paused = true)]
async fn deliveries_wait_for_a_destination_that_is_not_configured() {
    let mut world = World::new();
    world.start();
    world.take(&["ci"]).await;
    seconds(1_000).await;
    // Once to see that they are its own.
    assert_eq!(world.disturbed.claims.load(Relaxed), 1);
    world.has("ci", Policy::default(), |_| (MOMENT, status(200)));
    world.engine.wake_all();
    seconds(1).await;
    assert_eq!(world.began("ci"), [1_000]);
    world.removes("ci");
    world.take(&["ci"]).await;
    seconds(60).await;
    assert_eq!(world.statuses().await, [Status::Delivered, Status::Waiting]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_end_what_is_under_way() {
    let mut world = World::new();
    world.has("ci", Policy::default(), |said| {
        (Duration::from_secs(if &said.body[..] == b"1" { 10 } else { 500 }), status(200))
    });
    world.start();
    let ids = world.take(&["ci", "ci"]).await;
    let more = world.take(&["ci"]).await;
    seconds(1).await;
    world.take(&["nowhere"]).await;
    world.stop().await;
    // The drain time of 30 seconds is used up by the long one.
    assert!((31..=32).contains(&((world.clock.now().as_millis() - crate::world::BEGIN) / 1_000)));
    for id in ids {
        assert_eq!(world.delivery(id).await.0.status, Status::Delivered);
    }
    let (cut, attempts) = world.delivery(more[0]).await;
    assert_eq!((cut.status, cut.attempts, attempts.len()), (Status::Waiting, 0, 0));
    assert_eq!(world.engine.counters().cut.load(Relaxed), 1);
    // It is due at once, not when a lease ends.
    world.has("ci", Policy::default(), |_| (MOMENT, status(200)));
    world.start();
    seconds(1).await;
    assert_eq!(world.delivery(more[0]).await.0.status, Status::Delivered);
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_while_it_stops_is_given_back() {
    let mut world = World::new();
    world.has("ci", Policy::default(), |_| (MOMENT, status(200)));
    world.start();
    seconds(1).await;
    world.disturbed.slow.store(true, Relaxed);
    let ids = world.take(&["ci"]).await;
    tokio::time::sleep(MOMENT).await;
    world.stop().await;
    assert!(world.began("ci").is_empty());
    let (delivery, attempts) = world.delivery(ids[0]).await;
    assert_eq!((delivery.status, delivery.attempts, attempts.len()), (Status::Waiting, 0, 0));
    assert!(delivery.due.unwrap() <= world.clock.now());
}

#[tokio::test(start_paused = true)]
async fn many_events_for_many_destinations() {
    let mut world = World::new();
    let names: Vec<String> = (0..50).map(|number| format!("d{number}")).collect();
    for destination in &names {
        world.has(destination, Policy::default(), |_| (Duration::from_millis(200), status(204)));
    }
    world.start();
    for _ in 0..20 {
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        world.take(&all).await;
    }
    seconds(20).await;
    assert_eq!(world.count(Status::Delivered).await, 1_000);
    assert_eq!(world.log.began.lock().unwrap().len(), 1_000);
}
