//! Destinations that step in one after the other.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use delivery::destinations::End;
use model::{
    DeliveryId,
    delivery::{Breaker, Status},
    destination::{self, ComeBack, Failover, Policy, Statuses},
};

use crate::{
    flow::{MOMENT, policy},
    world::{World, name, seconds, status},
};

/// Hands on to that one while it is left alone; tried after 5 seconds, up to ten times.
fn to(next: &str, change: impl FnOnce(&mut Failover)) -> Policy {
    let mut failover = Failover {
        to: name(next),
        after_attempts: None,
        when_breaker_open: true,
        on_status: Statuses::none(),
        come_back: ComeBack::NextDelivery,
    };
    change(&mut failover);
    Policy { failover: Some(failover), breaker: None, ..policy(&[5; 9]) }
}

fn after(next: &str, attempts: u32) -> Policy {
    to(next, |failover| failover.after_attempts = Some(attempts))
}

/// Opens after one failure, for 100 seconds.
fn opens(policy: Policy) -> Policy {
    let breaker =
        destination::Breaker { failures: 1, pause: Duration::from_secs(100), most: Duration::from_secs(1_000) };
    Policy { breaker: Some(breaker), ..policy }
}

fn always(code: u16) -> impl FnMut(&crate::world::Said) -> (Duration, End) + Send {
    move |_| (MOMENT, status(code))
}

/// Where its attempts were made.
async fn made(world: &World, id: DeliveryId) -> Vec<String> {
    world.delivery(id).await.1.iter().map(|attempt| attempt.target.to_string()).collect()
}

async fn disable(world: &World, of: &str) {
    world.engine.disable(&name("team"), &name(of), "moving house").await.unwrap();
}

async fn enable(world: &World, of: &str) {
    world.engine.enable(&name("team"), &name(of)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn each_hands_on_by_its_own_rule() {
    let mut world = World::new();
    world.has("a", after("b", 2), always(500));
    let on_404 = to("c", |failover| {
        failover.after_attempts = Some(3);
        failover.on_status = Statuses::read(&["404".to_owned()]).unwrap();
    });
    let mut answers = [500, 404].into_iter();
    world.has("b", on_404, move |_| (MOMENT, status(answers.next().unwrap())));
    world.has("c", Policy::default(), always(200));
    world.start();
    let ids = world.take(&["a"]).await;
    seconds(100).await;
    assert_eq!(made(&world, ids[0]).await, ["a", "a", "b", "b", "c"]);
    assert_eq!((world.began("a"), world.began("b"), world.began("c")), (vec![0, 5], vec![5, 10], vec![10]));
    let (delivery, _) = world.delivery(ids[0]).await;
    assert_eq!((delivery.status, delivery.attempts, delivery.target), (Status::Delivered, 5, name("c")));
    assert_eq!(world.engine.counters().failed_over.load(Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn attempts_count_where_they_are_made_and_the_pauses_are_those_of_the_first() {
    let mut world = World::new();
    world.has("a", Policy { retry: policy(&[5, 10, 20, 40]).retry, ..after("b", 3) }, always(500));
    world.has("b", Policy { retry: policy(&[]).retry, ..after("c", 2) }, always(500));
    world.has("c", policy(&[1; 50]), always(500));
    world.start();
    let ids = world.take(&["a"]).await;
    seconds(500).await;
    assert_eq!((world.began("a"), world.began("b"), world.began("c")), (vec![0, 5, 15], vec![15, 55], vec![55]));
    let (delivery, _) = world.delivery(ids[0]).await;
    // The fifth attempt was the last one, but those that step in have theirs.
    assert_eq!((delivery.status, delivery.attempts), (Status::Dead, 6));
    // Sent again it begins anew.
    let now = world.clock.now();
    let wanted = model::delivery::Wanted::default();
    store::Journal::redrive(world.journal.as_ref(), &name("team"), &wanted, None, now, 0, 10).await.unwrap();
    world.tell(&["a"]);
    seconds(500).await;
    assert_eq!(made(&world, ids[0]).await[6..], ["a", "a", "a", "b", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn those_that_are_unwell_are_passed_over() {
    let mut world = World::new();
    world.has("a", to("b", |_| ()), always(500));
    world.has("b", opens(to("c", |_| ())), always(500));
    world.has("c", Policy::default(), always(200));
    world.start();
    disable(&world, "a").await;
    // The breaker opens with its own.
    let own = world.take(&["b"]).await;
    seconds(1).await;
    let ids = world.take(&["a"]).await;
    seconds(1).await;
    assert_eq!(made(&world, ids[0]).await, ["c"]);
    assert_eq!(world.delivery(ids[0]).await.0.status, Status::Delivered);
    seconds(10).await;
    assert_eq!(made(&world, own[0]).await, ["b", "c"]);
    // With attempts as well.
    enable(&world, "a").await;
    world.has("a", after("b", 1), always(500));
    let ids = world.take(&["a"]).await;
    seconds(1).await;
    assert_eq!(made(&world, ids[0]).await, ["a", "c"]);
}

#[tokio::test(start_paused = true)]
async fn one_that_keeps_its_deliveries_is_not() {
    let mut world = World::new();
    world.has("a", after("b", 1), |said| (MOMENT, status(if said.at < 20_000 { 500 } else { 200 })));
    let keeps = to("c", |failover| {
        failover.when_breaker_open = false;
        failover.after_attempts = Some(1);
    });
    world.has("b", keeps, always(200));
    world.has("c", Policy::default(), always(200));
    world.start();
    disable(&world, "b").await;
    let ids = world.take(&["a"]).await;
    seconds(60).await;
    // It waits at home, and arrives there.
    assert_eq!(made(&world, ids[0]).await, ["a"; 5]);
    assert_eq!(world.delivery(ids[0]).await.0.status, Status::Delivered);
}

#[tokio::test(start_paused = true)]
async fn if_none_is_well_they_wait_at_home_and_one_finds_out() {
    let mut world = World::new();
    let answers = |said: &crate::world::Said| (MOMENT, status(if said.at < 150_000 { 500 } else { 200 }));
    world.has("a", opens(to("b", |_| ())), always(500));
    world.has("b", opens(to("c", |_| ())), answers);
    world.has("c", opens(policy(&[5; 9])), always(500));
    world.start();
    disable(&world, "a").await;
    for of in ["b", "c"] {
        world.take(&[of]).await;
    }
    seconds(10).await;
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.extend(world.take(&["a"]).await);
    }
    seconds(60).await;
    for id in &ids {
        let (delivery, attempts) = world.delivery(*id).await;
        assert_eq!((delivery.target, attempts.len()), (name("a"), 0));
    }
    seconds(400).await;
    // A few probes, then all at once; nobody has enabled the first one.
    assert!(world.began("b").len() + world.began("c").len() < 25, "{:?} {:?}", world.began("b"), world.began("c"));
    for id in ids {
        assert_eq!(world.delivery(id).await.0.status, Status::Delivered);
    }
    assert!(world.began("a").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_delivery_comes_back_to_the_first_that_is_well() {
    let mut world = World::new();
    let back = to("b", |failover| {
        failover.after_attempts = Some(1);
        failover.come_back = ComeBack::NextAttempt;
    });
    world.has("a", back, always(500));
    world.has("b", to("c", |failover| failover.after_attempts = Some(1)), always(500));
    world.has("c", Policy::default(), always(500));
    world.start();
    let ids = world.take(&["a"]).await;
    seconds(7).await;
    assert_eq!(made(&world, ids[0]).await, ["a", "b", "c", "a", "b", "c"]);
    // While the first is disabled, its next attempt is made at the second, and so on.
    disable(&world, "a").await;
    seconds(5).await;
    assert_eq!(made(&world, ids[0]).await[6..], ["b", "c"]);
    disable(&world, "b").await;
    seconds(5).await;
    assert_eq!(made(&world, ids[0]).await[8..], ["c"]);
    enable(&world, "a").await;
    world.has("a", Policy::default(), always(200));
    seconds(10).await;
    assert_eq!(made(&world, ids[0]).await[9..], ["a"]);
    assert_eq!(world.delivery(ids[0]).await.0.status, Status::Delivered);
}

#[tokio::test(start_paused = true)]
async fn what_goes_round_is_not_followed() {
    for (of_c, come_back) in
        [("a", ComeBack::NextDelivery), ("b", ComeBack::NextDelivery), ("a", ComeBack::NextAttempt)]
    {
        let mut world = World::new();
        let next = |next: &str| {
            opens(to(next, |failover| {
                failover.after_attempts = Some(1);
                failover.come_back = come_back;
            }))
        };
        world.has("a", next("b"), always(500));
        world.has("b", next("c"), always(500));
        world.has("c", next(of_c), always(500));
        world.start();
        let ids = world.take(&["a"]).await;
        seconds(60).await;
        assert_eq!(made(&world, ids[0]).await, ["a", "b", "c"]);
        assert_eq!(world.delivery(ids[0]).await.0.target, name("a"));
        for _ in 0..50 {
            seconds(1_000).await;
        }
        let (delivery, attempts) = world.delivery(ids[0]).await;
        assert_eq!(delivery.status, Status::Dead);
        assert!(attempts.len() <= 13, "{}", attempts.len());
        // It was not sent from one to the next all the time.
        assert!(world.engine.counters().failed_over.load(Relaxed) <= 40, "{:?}", world.engine.counters());
    }
}

#[tokio::test(start_paused = true)]
async fn guests_do_not_wait_at_one_that_becomes_unwell() {
    for restart in [false, true] {
        let mut world = World::new();
        world.has("a", to("b", |_| ()), always(200));
        world.has("b", Policy { concurrency: 1, ..policy(&[5]) }, |_| (Duration::from_secs(20), status(200)));
        world.start();
        disable(&world, "a").await;
        for _ in 0..100 {
            world.take(&["a"]).await;
        }
        seconds(5).await;
        assert!(world.all().await.iter().all(|(delivery, _)| delivery.target == name("b")));
        disable(&world, "b").await;
        let own = world.take(&["b"]).await;
        if restart {
            // What was under way is made again, at the one that is enabled first.
            world = world.crash().await;
        }
        seconds(60).await;
        // At home they wait.
        let at_home = world.all().await.iter().filter(|(delivery, _)| delivery.target == name("a")).count();
        assert!(at_home >= 99, "{at_home}");
        enable(&world, "a").await;
        seconds(20).await;
        assert_eq!(world.count(Status::Delivered).await, 100);
        assert_eq!(world.delivery(own[0]).await.0.status, Status::Waiting);
        // That one is looked at no more than it has to be, and tried as soon as it is wanted.
        let claims = world.disturbed.claims.load(Relaxed);
        seconds(1_000).await;
        assert!(world.disturbed.claims.load(Relaxed) <= claims + 1);
        enable(&world, "b").await;
        seconds(21).await;
        assert_eq!(world.delivery(own[0]).await.0.status, Status::Delivered);
    }
}

#[tokio::test(start_paused = true)]
async fn nor_at_one_that_is_not_configured_any_more() {
    let mut world = World::new();
    world.has("a", to("b", |_| ()), always(200));
    world.has("b", Policy { concurrency: 1, ..policy(&[5]) }, |_| (Duration::from_secs(20), status(200)));
    world.start();
    disable(&world, "a").await;
    for _ in 0..10 {
        world.take(&["a"]).await;
    }
    seconds(5).await;
    world.has("a", policy(&[5]), always(200));
    world.removes("b");
    enable(&world, "a").await;
    seconds(30).await;
    assert_eq!(world.count(Status::Delivered).await, 10);
    assert_eq!((world.began("a").len(), world.began("b").len()), (9, 1));
}

#[tokio::test(start_paused = true)]
async fn whose_home_is_not_configured_any_more_waits_where_it_is() {
    let mut world = World::new();
    world.has("a", to("b", |_| ()), always(200));
    world.has("b", policy(&[5; 9]), always(500));
    world.start();
    disable(&world, "a").await;
    let ids = world.take(&["a"]).await;
    seconds(1).await;
    assert_eq!(made(&world, ids[0]).await, ["b"]);
    world.removes("a");
    disable(&world, "b").await;
    seconds(60).await;
    assert_eq!(world.all().await[0].0.target, name("b"));
    // Until there is one of that name again.
    world.has("a", policy(&[5]), always(200));
    world.engine.forget(&name("team"), &name("a")).await.unwrap();
    world.engine.wake_all();
    seconds(10).await;
    assert_eq!(made(&world, ids[0]).await, ["b", "a"]);
    assert_eq!(world.delivery(ids[0]).await.0.status, Status::Delivered);
}

#[tokio::test(start_paused = true)]
async fn one_that_was_left_alone_is_tried_again_by_those_that_go_over() {
    let mut world = World::new();
    world.has("a", after("b", 1), always(500));
    world.has("b", opens(policy(&[])), |said| (MOMENT, status(if said.at < 1_000 { 500 } else { 200 })));
    world.start();
    world.take(&["b"]).await;
    seconds(200).await;
    assert!(matches!(world.engine.condition(&name("team"), &name("b")).breaker, Breaker::Open { .. }));
    let ids = world.take(&["a"]).await;
    seconds(10).await;
    assert_eq!(made(&world, ids[0]).await, ["a", "b"]);
    assert_eq!(world.engine.condition(&name("team"), &name("b")).breaker, Breaker::default());
}
