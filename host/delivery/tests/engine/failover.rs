//! Destinations that fail, that want nothing more, and those that step in for them.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use delivery::destinations::{Asks, End};
use model::{
    delivery::{AnswerSeen, Breaker, Status},
    destination::{self, ComeBack, Failover, Policy, Statuses},
};

use crate::{
    flow::{MOMENT, policy},
    world::{World, name, seconds, status},
};

fn failing_over(change: impl FnOnce(&mut Failover)) -> Policy {
    let mut failover = Failover {
        to: name("spare"),
        after_attempts: None,
        when_breaker_open: true,
        on_status: Statuses::none(),
        come_back: ComeBack::NextDelivery,
    };
    change(&mut failover);
    Policy { failover: Some(failover), ..policy(&[5, 5, 5, 5, 5, 5]) }
}

const BREAKER: destination::Breaker =
    destination::Breaker { failures: 3, pause: Duration::from_secs(100), most: Duration::from_secs(1_000) };

#[tokio::test(start_paused = true)]
async fn one_that_fails_is_left_alone_and_probed() {
    let mut world = World::new();
    let policy = Policy { breaker: Some(BREAKER), concurrency: 1, ..policy(&[1; 20]) };
    world.has("ci", policy, |said| (MOMENT, status(if said.at < 350_000 { 500 } else { 200 })));
    world.start();
    for _ in 0..10 {
        world.take(&["ci"]).await;
    }
    seconds(90).await;
    // Three failures open it; then nothing.
    assert_eq!(world.began("ci").len(), 3);
    let (_, _, condition) = world.engine.conditions().remove(0);
    assert!(matches!(condition.breaker, Breaker::Open { times: 1, .. }), "{condition:?}");
    seconds(30).await;
    // One probe, and the next pause is twice as long.
    assert_eq!(world.began("ci").len(), 4);
    seconds(260).await;
    assert_eq!(world.count(Status::Delivered).await, 0);
    seconds(330).await;
    assert_eq!(world.count(Status::Delivered).await, 10);
    assert_eq!(world.engine.condition(&name("team"), &name("ci")).breaker, Breaker::default());
}

#[tokio::test(start_paused = true)]
async fn a_breaker_stays_open_over_a_restart() {
    let mut world = World::new();
    let policy = || Policy { breaker: Some(BREAKER), ..policy(&[1; 20]) };
    world.has("ci", policy(), |_| (MOMENT, status(500)));
    world.start();
    for _ in 0..3 {
        world.take(&["ci"]).await;
    }
    seconds(10).await;
    assert_eq!(world.began("ci").len(), 3);
    let world = world.crash().await;
    seconds(80).await;
    assert_eq!(world.began("ci").len(), 3);
    seconds(15).await;
    assert_eq!(world.began("ci").len(), 4);
}

#[tokio::test(start_paused = true)]
async fn one_that_wants_nothing_more_keeps_its_backlog() {
    let asks = Asks { disable: true, ..Asks::default() };
    let answer = AnswerSeen { status: 500, headers: Vec::new(), body: String::new(), truncated: false };
    for end in [status(410), End::Answered { answer, asks }] {
        let mut world = World::new();
        let answered = end.clone();
        world.has("ci", Policy::default(), move |said| {
            (MOMENT, if said.at < 1_000 { answered.clone() } else { status(200) })
        });
        world.start();
        let ids = world.take(&["ci"]).await;
        seconds(10).await;
        world.take(&["ci"]).await;
        seconds(10_000).await;
        assert_eq!(world.began("ci"), [0]);
        assert_eq!(world.statuses().await, [Status::Waiting, Status::Waiting]);
        let condition = world.engine.condition(&name("team"), &name("ci"));
        assert!(condition.disabled.unwrap().reason.starts_with("answered "));
        let world = world.crash().await;
        seconds(100).await;
        assert_eq!(world.began("ci"), [0]);
        world.engine.enable(&name("team"), &name("ci")).await.unwrap();
        seconds(1).await;
        assert_eq!(world.count(Status::Delivered).await, 2);
        let (_, attempts) = world.delivery(ids[0]).await;
        assert_eq!(attempts.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn by_hand_as_well() {
    let mut world = World::new();
    world.has("ci", Policy::default(), |_| (MOMENT, status(200)));
    world.start();
    let (team, ci) = (name("team"), name("ci"));
    world.engine.disable(&team, &ci, "moving house").await.unwrap();
    world.take(&["ci"]).await;
    seconds(100).await;
    assert!(world.began("ci").is_empty());
    assert_eq!(world.engine.conditions()[0].2.disabled.as_ref().unwrap().reason, "moving house");
    // What cannot be written down has not happened.
    world.disturbed.failing.store(true, Relaxed);
    world.engine.enable(&team, &ci).await.unwrap_err();
    assert!(world.engine.condition(&team, &ci).disabled.is_some());
    world.disturbed.failing.store(false, Relaxed);
    world.engine.enable(&team, &ci).await.unwrap();
    seconds(1).await;
    assert_eq!(world.count(Status::Delivered).await, 1);
    assert!(world.engine.conditions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_under_way_does_not_undo_what_somebody_decides() {
    let mut world = World::new();
    let breaker = Some(destination::Breaker { failures: 1, ..BREAKER });
    world.has("ci", Policy { breaker, ..policy(&[5, 5]) }, |said| match said.at {
        // What they answer after it was enabled is from before.
        0..1_000 => (Duration::from_secs(10), status(if &said.body[..] == b"1" { 410 } else { 500 })),
        _ => (MOMENT, status(200)),
    });
    world.start();
    world.take(&["ci"]).await;
    world.take(&["ci"]).await;
    seconds(5).await;
    let (team, ci) = (name("team"), name("ci"));
    world.engine.disable(&team, &ci, "moving house").await.unwrap();
    world.engine.enable(&team, &ci).await.unwrap();
    seconds(6).await;
    assert!(world.engine.conditions().is_empty(), "{:?}", world.engine.conditions());
    seconds(10).await;
    assert_eq!(world.statuses().await, [Status::Delivered; 2]);
    // Nor does one that arrives enable what was disabled meanwhile.
    world.has("ci", Policy::default(), |_| (Duration::from_secs(10), status(200)));
    world.take(&["ci"]).await;
    seconds(5).await;
    world.engine.disable(&team, &ci, "moving house").await.unwrap();
    seconds(10).await;
    assert_eq!(world.engine.condition(&team, &ci).disabled.unwrap().reason, "moving house");
}

#[tokio::test(start_paused = true)]
async fn one_of_a_name_that_was_there_before_begins_anew() {
    let mut world = World::new();
    world.has("ci", Policy::default(), |said| match said.at {
        0..1_000 => (MOMENT, status(410)),
        _ => (MOMENT, status(200)),
    });
    world.start();
    world.take(&["ci"]).await;
    seconds(5).await;
    let (team, ci) = (name("team"), name("ci"));
    assert!(world.engine.condition(&team, &ci).disabled.is_some());
    world.engine.forget(&team, &ci).await.unwrap();
    seconds(1).await;
    assert_eq!(world.statuses().await, [Status::Delivered]);
    let world = world.crash().await;
    assert!(world.engine.conditions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn another_steps_in_after_attempts_and_stays() {
    let mut world = World::new();
    world.has("ci", failing_over(|failover| failover.after_attempts = Some(2)), |_| (MOMENT, status(500)));
    let mut failures = 1;
    world.has("spare", Policy::default(), move |_| {
        failures -= 1;
        (MOMENT, status(if failures >= 0 { 500 } else { 200 }))
    });
    world.start();
    let ids = world.take(&["ci"]).await;
    seconds(100).await;
    assert_eq!((world.began("ci"), world.began("spare")), (vec![0, 5], vec![5, 10]));
    let (delivery, attempts) = world.delivery(ids[0]).await;
    assert_eq!((delivery.status, delivery.target), (Status::Delivered, name("spare")));
    assert_eq!((delivery.destination, attempts.len()), (name("ci"), 4));
}

#[tokio::test(start_paused = true)]
async fn or_comes_back_with_the_next_attempt() {
    let mut world = World::new();
    let policy = failing_over(|failover| {
        failover.on_status = Statuses::read(&["404".to_owned()]).unwrap();
        failover.come_back = ComeBack::NextAttempt;
    });
    world.has("ci", policy, |said| (MOMENT, status(if said.at < 1_000 { 404 } else { 200 })));
    world.has("spare", Policy::default(), |_| (MOMENT, status(500)));
    world.start();
    let ids = world.take(&["ci"]).await;
    seconds(100).await;
    assert_eq!((world.began("ci"), world.began("spare")), (vec![0, 5], vec![0]));
    assert_eq!(world.delivery(ids[0]).await.0.status, Status::Delivered);
}

#[tokio::test(start_paused = true)]
async fn while_it_is_left_alone_all_goes_to_another() {
    let mut world = World::new();
    let policy = Policy { breaker: Some(BREAKER), ..failing_over(|_| ()) };
    world.has("ci", policy, |said| (MOMENT, status(if said.at < 150_000 { 500 } else { 200 })));
    world.has("spare", Policy::default(), |_| (MOMENT, status(200)));
    world.start();
    for _ in 0..3 {
        world.take(&["ci"]).await;
    }
    seconds(4).await;
    assert_eq!((world.began("ci").len(), world.began("spare").len()), (3, 0));
    let untried = world.take(&["ci"]).await;
    seconds(2).await;
    // The new one at once, those that failed when it is their turn again.
    assert_eq!((world.began("ci").len(), world.began("spare").len()), (3, 4));
    let (delivery, attempts) = world.delivery(untried[0]).await;
    assert_eq!((delivery.status, delivery.attempts, attempts.len()), (Status::Delivered, 1, 1));
    assert_eq!(world.count(Status::Delivered).await, 4);
    assert_eq!(world.engine.counters().failed_over.load(Relaxed), 4);
    // The probe fails, and goes over as well.
    seconds(110).await;
    world.take(&["ci"]).await;
    seconds(10).await;
    assert_eq!((world.began("ci").len(), world.began("spare").len()), (4, 5));
    // It works again.
    seconds(300).await;
    for _ in 0..5 {
        world.take(&["ci"]).await;
        seconds(1).await;
    }
    assert_eq!((world.began("ci").len(), world.began("spare").len()), (9, 5));
    assert_eq!(world.count(Status::Delivered).await, 10);
}

#[tokio::test(start_paused = true)]
async fn if_both_fail_deliveries_wait() {
    let mut world = World::new();
    let breaker = Some(destination::Breaker { failures: 1, ..BREAKER });
    world.has("ci", Policy { breaker, ..failing_over(|_| ()) }, |said| {
        (MOMENT, status(if said.at < 500_000 { 500 } else { 200 }))
    });
    world.has("spare", Policy { breaker, ..policy(&[1; 20]) }, |said| {
        (MOMENT, status(if said.at < 500_000 { 500 } else { 200 }))
    });
    world.start();
    for _ in 0..5 {
        world.take(&["ci"]).await;
        seconds(1).await;
    }
    seconds(400).await;
    assert!(world.all().await.iter().filter(|(delivery, _)| delivery.target == name("ci")).count() >= 4);
    // No storm between the two: probes and nothing else.
    assert!(world.log.began.lock().unwrap().len() < 20, "{:?}", world.log.began.lock().unwrap().len());
    seconds(2_000).await;
    assert_eq!(world.count(Status::Delivered).await, 5);
}
