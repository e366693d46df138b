//! The host is gone at each moment at which it could be: before and after everything that it waits for, one run for each.

use std::{collections::HashMap, sync::atomic::Ordering::Relaxed, time::Duration};

use bytes::Bytes;
use delivery::{Preparation, engine::Options};
use model::{DeliveryId, delivery::Status, destination::Failover, destination::Statuses};
use store::journal::Prepared;

use crate::{
    flow::{MOMENT, policy},
    simulation::ends_with_a_reason,
    world::{World, name, seconds, status},
};

/// What is accepted: to whom, and in which lane.
const EVENTS: [(&[&str], Option<&str>); 5] = [
    (&["steady", "flaky"], None),
    (&["flaky"], Some("x")),
    (&["flaky"], Some("x")),
    (&["down"], None),
    (&["steady"], Some("x")),
];

#[test]
fn at_any_moment_lose_nothing() {
    let moments = run(0);
    assert!(moments > 80, "the story has only {moments} moments");
    for last in 1..=moments {
        println!("crash at moment {last} of {moments}");
        run(last);
    }
}

/// A whole story with a crash at a moment, 0 for none; how many moments it had.
fn run(last: u64) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut world = begin();
        world.disturbed.last_moment.store(last, Relaxed);
        world.start();
        let mut acknowledged = Vec::new();
        for (destinations, lane) in EVENTS {
            let disturbed = std::sync::Arc::clone(&world.disturbed);
            let ids = tokio::select! {
                ids = world.accept(destinations, lane) => Some(ids),
                () = disturbed.over.notified() => None,
            };
            match ids {
                Some(ids) => {
                    world.tell(destinations);
                    acknowledged.extend(ids.into_iter().map(|id| (id, lane)));
                }
                // Nobody was told that this one is there, and it may be.
                None => world = world.crash().await,
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        let disturbed = std::sync::Arc::clone(&world.disturbed);
        tokio::select! {
            () = seconds(120) => {}
            () = disturbed.over.notified() => world = world.crash().await,
        }
        seconds(120).await;
        check(&world, &acknowledged).await;
        disturbed.moments.load(Relaxed)
    })
}

/// One destination that is well, one that fails now and then, one that is down and has another one behind it.
fn begin() -> World {
    let world = World::with(Options { drain: Duration::from_secs(5), ..Options::new(7) });
    let mut made = 0;
    let prepared = std::sync::Mutex::new(move || {
        made += 1;
        Bytes::from(format!("made {made}"))
    });
    // Something else each time that it is asked.
    *world.rooms.prepare.lock().unwrap() = Some(Box::new(move |stored, delivery| {
        if delivery.destination != name("flaky") {
            return Preparation::Unchanged;
        }
        let mut made = stored.made.clone();
        made.body = Some((prepared.lock().unwrap())());
        Preparation::Changed(Box::new(Prepared { made, runs: Vec::new() }))
    }));
    let mut asked = 0;
    world.has("steady", policy(&[5; 20]), |_| (MOMENT, status(200)));
    world.has("flaky", policy(&[5; 20]), move |_| {
        asked += 1;
        (MOMENT, status(if asked % 2 == 1 { 500 } else { 200 }))
    });
    let mut down = policy(&[5; 20]);
    down.failover = Some(Failover {
        to: name("steady"),
        after_attempts: Some(2),
        when_breaker_open: false,
        on_status: Statuses::none(),
        come_back: model::destination::ComeBack::NextDelivery,
    });
    world.has("down", down, |_| (MOMENT, status(500)));
    world
}

async fn check(world: &World, acknowledged: &[(DeliveryId, Option<&str>)]) {
    let story = world.log.story.lock().unwrap().clone();
    let all: HashMap<_, _> = world.all().await.into_iter().map(|both| (both.0.id, both)).collect();
    for (delivery, attempts) in all.values() {
        assert_eq!(delivery.status, Status::Delivered, "{delivery:#?} {attempts:#?}");
        ends_with_a_reason(delivery, attempts, &story);
        let mut bodies: Vec<&Bytes> =
            story.iter().filter(|said| said.delivery == delivery.id).map(|said| &said.body).collect();
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "{} went out as {bodies:?}", delivery.id);
    }
    let mut before: HashMap<_, usize> = HashMap::new();
    for (id, lane) in acknowledged {
        let (delivery, _) = all.get(id).unwrap_or_else(|| panic!("{id} was acknowledged and is lost"));
        let Some(lane) = lane else { continue };
        let of = |said: &(usize, &crate::world::Said)| said.1.delivery == *id;
        let began = story.iter().enumerate().find(of).unwrap().0;
        let took = story.iter().enumerate().find(|said| of(said) && said.1.took == Some(true)).unwrap().0;
        let earlier = before.insert((delivery.destination.clone(), lane), took);
        assert!(earlier.is_none_or(|earlier| earlier < began), "{id} began before the one before it had arrived");
    }
}
