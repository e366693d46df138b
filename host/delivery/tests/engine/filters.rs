//! What a destination's filters make of an event.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;
use delivery::Preparation;
use model::{
    delivery::{Outcome, Status},
    destination::Policy,
};
use store::journal::Prepared;

use crate::{
    flow::{MOMENT, policy},
    world::{Prepare, World, seconds, status},
};

fn with(prepare: Box<Prepare>) -> World {
    let world = World::new();
    *world.rooms.prepare.lock().unwrap() = Some(prepare);
    world
}

/// Something else each time.
fn changes() -> Box<Prepare> {
    let calls = AtomicU64::new(0);
    Box::new(move |stored, _| {
        let mut made = stored.made.clone();
        made.body = Some(Bytes::from(format!("made {}", calls.fetch_add(1, Relaxed))));
        Preparation::Changed(Box::new(Prepared { made, runs: Vec::new() }))
    })
}

#[tokio::test(start_paused = true)]
async fn every_attempt_sends_the_same_bytes() {
    let mut world = with(changes());
    world.has("ci", policy(&[5, 5, 5]), |said| (MOMENT, status(if said.at < 12_000 { 500 } else { 200 })));
    world.start();
    world.take(&["ci"]).await;
    seconds(7).await;
    let world = world.crash().await;
    seconds(60).await;
    let bodies: Vec<Bytes> = world.log.began.lock().unwrap().iter().map(|said| said.body.clone()).collect();
    assert_eq!(bodies, ["made 0"; 4]);
    assert_eq!(world.rooms.prepared.load(Relaxed), 1);
    assert_eq!(world.statuses().await, [Status::Delivered]);
}

#[tokio::test(start_paused = true)]
async fn also_if_the_host_crashes_while_it_sends() {
    let mut world = with(changes());
    world.has("ci", Policy::default(), |_| (Duration::from_secs(20), status(200)));
    world.start();
    world.take(&["ci"]).await;
    seconds(5).await;
    let world = world.crash().await;
    seconds(60).await;
    let bodies: Vec<Bytes> = world.log.began.lock().unwrap().iter().map(|said| said.body.clone()).collect();
    assert_eq!(bodies, ["made 0"; 2]);
    assert_eq!(world.statuses().await, [Status::Delivered]);
}

#[tokio::test(start_paused = true)]
async fn a_filter_may_end_it() {
    let (not_for_them, unreadable) = ("filter `mask` dropped it: not for them", "filter `mask` failed: no JSON");
    let cancelled = Preparation::Cancelled { reason: not_for_them.to_owned() };
    let dead = Preparation::Dead { reason: unreadable.to_owned() };
    for (preparation, status, reason) in
        [(cancelled, Status::Cancelled, not_for_them), (dead, Status::Dead, unreadable)]
    {
        let mut world = with(Box::new(move |_, _| preparation.clone()));
        world.has("ci", Policy::default(), |_| panic!("nothing is to be sent"));
        world.start();
        let ids = world.take(&["ci"]).await;
        seconds(10).await;
        let (delivery, attempts) = world.delivery(ids[0]).await;
        assert_eq!((delivery.status, delivery.reason.as_deref(), attempts.len()), (status, Some(reason), 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_filter_may_put_it_off_for_some_time() {
    let calls = AtomicU64::new(0);
    let mut world = with(Box::new(move |_, _| match calls.fetch_add(1, Relaxed) {
        0 | 1 => Preparation::Later { after: Duration::from_secs(60), reason: "not yet".to_owned() },
        _ => Preparation::Unchanged,
    }));
    world.has("ci", policy(&[5, 100, 100]), |_| (MOMENT, status(200)));
    world.start();
    let ids = world.take(&["ci"]).await;
    seconds(300).await;
    assert_eq!(world.began("ci"), [160]);
    let (delivery, attempts) = world.delivery(ids[0]).await;
    assert_eq!((delivery.status, attempts.len()), (Status::Delivered, 3));
    assert_eq!((attempts[0].outcome, attempts[0].reason.as_deref()), (Outcome::Failed, Some("not yet")));
    // That is nothing which the destination has done.
    assert!(world.engine.conditions().is_empty());
}
