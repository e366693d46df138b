//! When the journal fails, the clock is set, or a destination's code does.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use model::{delivery::Status, destination::Policy};

use crate::{
    flow::{MOMENT, policy},
    world::{World, seconds, status},
};

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_down_for_a_while_is_not_sent_again() {
    let mut world = World::new();
    world.has("ci", Policy::default(), |_| (Duration::from_secs(2), status(200)));
    world.start();
    world.take(&["ci"]).await;
    seconds(1).await;
    world.disturbed.failing.store(true, Relaxed);
    seconds(20).await;
    world.disturbed.failing.store(false, Relaxed);
    seconds(300).await;
    assert_eq!(world.began("ci"), [0]);
    assert_eq!(world.statuses().await, [Status::Delivered]);
    assert!(world.engine.counters().journal_errors.load(Relaxed) > 3);
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_fails_is_not_asked_all_the_time() {
    let mut world = World::new();
    world.has("ci", Policy::default(), |_| (MOMENT, status(200)));
    world.start();
    seconds(1).await;
    world.disturbed.failing.store(true, Relaxed);
    world.take(&["ci"]).await;
    seconds(600).await;
    assert!(world.disturbed.claims.load(Relaxed) < 80, "{:?}", world.disturbed.claims);
    world.disturbed.failing.store(false, Relaxed);
    seconds(20).await;
    assert_eq!(world.statuses().await, [Status::Delivered]);
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_is_confused_is_not_asked_all_the_time() {
    let mut world = World::new();
    world.has("ci", Policy::default(), |_| (MOMENT, status(200)));
    world.start();
    seconds(1).await;
    world.disturbed.confused.store(true, Relaxed);
    world.take(&["ci"]).await;
    // If it is asked without a pause, time does not go on.
    let asked = tokio::time::timeout(Duration::from_secs(10), seconds(20)).await;
    assert!(asked.is_err() && world.disturbed.claims.load(Relaxed) <= 101, "{:?}", world.disturbed.claims);
    world.disturbed.confused.store(false, Relaxed);
    seconds(1).await;
    assert_eq!(world.statuses().await, [Status::Delivered]);
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_fails_at_the_start_is_waited_for() {
    let mut world = World::new();
    world.has("ci", Policy::default(), |_| (MOMENT, status(200)));
    world.accept(&["ci"], None).await;
    world.disturbed.failing.store(true, Relaxed);
    world.start();
    seconds(100).await;
    world.disturbed.failing.store(false, Relaxed);
    seconds(20).await;
    assert_eq!(world.statuses().await, [Status::Delivered]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_gone_or_damaged_is_told() {
    let mut world = World::new();
    world.has("ci", Policy::default(), |_| panic!("nothing is to be sent"));
    let gone = world.accept(&["ci"], None).await;
    let damaged = world.accept(&["ci"], None).await;
    let event = world.delivery(gone[0]).await.0.event;
    world.disturbed.forgotten.lock().unwrap().insert(event);
    let of_damaged = world.delivery(damaged[0]).await.0.event;
    world.disturbed.damaged.lock().unwrap().insert(of_damaged);
    world.start();
    seconds(10).await;
    let (delivery, _) = world.delivery(gone[0]).await;
    assert_eq!(delivery.status, Status::Dead);
    assert_eq!(delivery.reason.unwrap(), format!("its event `{event}` is not kept any more"));
    let (delivery, _) = world.delivery(damaged[0]).await;
    assert_eq!((delivery.status, delivery.attempts), (Status::Dead, 0));
    assert_eq!(delivery.reason.as_deref(), Some("its event cannot be read: a checksum is wrong"));
}

#[tokio::test(start_paused = true)]
async fn of_two_attempts_only_the_one_with_the_lease_counts() {
    let mut world = World::new();
    let mut first = true;
    world.has("ci", Policy::default(), move |_| {
        let slow = std::mem::replace(&mut first, false);
        (Duration::from_secs(if slow { 25 } else { 1 }), status(if slow { 500 } else { 200 }))
    });
    world.start();
    let ids = world.take(&["ci"]).await;
    seconds(5).await;
    // The clock is set by an hour: the lease of the first one is over before it is.
    world.set.store(3_600_000, Relaxed);
    seconds(60).await;
    let (delivery, attempts) = world.delivery(ids[0]).await;
    assert_eq!((delivery.status, delivery.attempts, attempts.len()), (Status::Delivered, 1, 1));
    assert_eq!(world.log.began.lock().unwrap().len(), 2);
    assert_eq!(world.engine.counters().late.load(Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_stops_nothing_that_is_new() {
    let mut world = World::new();
    world.has("ci", policy(&[10]), |_| (MOMENT, status(200)));
    world.start();
    seconds(100).await;
    world.set.store(-50_000, Relaxed);
    world.take(&["ci"]).await;
    seconds(10).await;
    assert_eq!(world.statuses().await, [Status::Delivered]);
}

#[tokio::test(start_paused = true)]
async fn code_that_panics_stops_nothing_else() {
    let mut world = World::new();
    world.has("ci", Policy::default(), |said| {
        assert!(said.at > 30_000, "a defect");
        (MOMENT, status(200))
    });
    world.has("other", Policy::default(), |_| (MOMENT, status(200)));
    world.start();
    world.take(&["ci", "other"]).await;
    seconds(10).await;
    assert_eq!(world.count(Status::Delivered).await, 1);
    seconds(200).await;
    // When its lease is over.
    assert_eq!(world.count(Status::Delivered).await, 2);
    assert!(world.engine.counters().lost.load(Relaxed) >= 1);
}
