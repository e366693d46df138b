//! What goes when its time is over, or when there is too much of it.

use std::sync::Arc;

use model::{
    EventId,
    delivery::{Status, Wanted},
};

use super::{
    events::{
        accept, accept_many, claim, conclude, dead, delivery, delivery_id, event_id, in_lane, new_event, of_route,
        project, run, wait_for,
    },
    journal::after,
    sample::{digest, name},
};
use crate::{
    Journal,
    journal::{EventWanted, NewEvent, Next, Prepared, Retained, Retention},
};

fn none() -> Retention {
    Retention {
        project: project(),
        route: name("orders"),
        before: None,
        bodies_before: None,
        unauthenticated_before: None,
        events: None,
        bytes: None,
    }
}

async fn kept(journal: &Arc<dyn Journal>) -> Vec<EventId> {
    let page = journal.events(&EventWanted::of(project()), None, 16).await.unwrap();
    page.entries.into_iter().rev().map(|kept| kept.record.id.parse().unwrap()).collect()
}

fn ids(seconds: impl IntoIterator<Item = u64>) -> Vec<EventId> {
    seconds.into_iter().map(event_id).collect()
}

/// Delivers all that is due at `billing` then.
async fn deliver(journal: &Arc<dyn Journal>, second: u64) {
    for lease in &claim(journal, "billing", second, 100).await.leases {
        conclude(journal, lease, second, Next::Delivered).await;
    }
}

async fn retain(journal: &Arc<dyn Journal>, retention: &Retention, at_most: u32) -> (u32, u32) {
    let Retained { events, bodies } = journal.retain(retention, at_most).await.unwrap();
    (events, bodies)
}

pub async fn the_oldest_go_in_slices(journal: Arc<dyn Journal>) {
    accept_many(&journal, 1..10).await;
    accept(&journal, of_route(new_event(0, "{}"), "other"), vec![delivery(0, 1, "billing")]).await;
    deliver(&journal, 10).await;
    let by_time = Retention { before: Some(after(6)), ..none() };
    assert_eq!(retain(&journal, &none(), 10).await, (0, 0));
    assert_eq!(retain(&journal, &by_time, 3).await, (3, 0));
    assert_eq!(kept(&journal).await, ids([0].into_iter().chain(4..10)));
    assert_eq!(retain(&journal, &by_time, 3).await, (2, 0));
    assert_eq!(kept(&journal).await, ids([0].into_iter().chain(6..10)));
    // With all that belongs to them.
    assert!(journal.event(&project(), event_id(1)).await.unwrap().is_none());
    assert!(journal.delivery(&project(), delivery_id(1, 0)).await.unwrap().is_none());
    assert_eq!(journal.count(&project(), &Wanted::default()).await.unwrap(), 5);
    let elsewhere = Retention { project: name("team"), before: Some(after(100)), ..none() };
    assert_eq!(retain(&journal, &elsewhere, 3).await, (0, 0));
}

pub async fn what_waits_stays(journal: Arc<dyn Journal>) {
    accept_many(&journal, 1..4).await;
    let all = Retention { before: Some(after(100)), bodies_before: Some(after(100)), events: Some(0), ..none() };
    assert_eq!(retain(&journal, &all, 10).await, (0, 0));
    let leases = claim(&journal, "billing", 5, 2).await.leases;
    assert_eq!(retain(&journal, &all, 10).await, (0, 0));
    conclude(&journal, &leases[0], 6, Next::Delivered).await;
    conclude(&journal, &leases[1], 6, dead(1, false)).await;
    assert_eq!(retain(&journal, &all, 10).await, (2, 0));
    assert_eq!(kept(&journal).await, ids([3]));
}

pub async fn who_holds_a_lane_stays_while_others_wait(journal: Arc<dyn Journal>) {
    for second in 1..=2 {
        accept(&journal, new_event(second, "{}"), vec![in_lane(delivery(second, 0, "billing"), "l")]).await;
    }
    let lease = claim(&journal, "billing", 5, 2).await.leases.remove(0);
    conclude(&journal, &lease, 6, dead(1, true)).await;
    let all = Retention { before: Some(after(100)), ..none() };
    assert_eq!(retain(&journal, &all, 10).await, (0, 0));
    assert!(journal.cancel(&project(), delivery_id(2, 0), "enough", after(7)).await.unwrap());
    assert_eq!(retain(&journal, &all, 10).await, (2, 0));
    // Nobody holds it any more.
    accept(&journal, new_event(8, "{}"), vec![in_lane(delivery(8, 0, "billing"), "l")]).await;
    assert_eq!(claim(&journal, "billing", 8, 2).await.leases.len(), 1);
}

pub async fn only_so_many_are_kept(journal: Arc<dyn Journal>) {
    accept_many(&journal, 1..7).await;
    deliver(&journal, 10).await;
    let few = Retention { events: Some(4), ..none() };
    assert_eq!(retain(&journal, &few, 10).await, (2, 0));
    assert_eq!(retain(&journal, &few, 10).await, (0, 0));
    assert_eq!(kept(&journal).await, ids(3..7));
    // What time takes counts too.
    let both = Retention { events: Some(3), before: Some(after(4)), ..none() };
    assert_eq!(retain(&journal, &both, 10).await, (1, 0));
    assert_eq!(kept(&journal).await, ids(4..7));
}

pub async fn only_so_many_bytes_are_kept(journal: Arc<dyn Journal>) {
    for second in 1..=5 {
        let mut new = new_event(second, "");
        new.received.body = Some(vec![b'x'; 10_000].into());
        new.made.body = new.received.body.clone();
        accept(&journal, new, vec![delivery(second, 0, "billing")]).await;
    }
    // What was made for a destination counts.
    for lease in &claim(&journal, "billing", 5, 10).await.leases {
        if lease.delivery.event == event_id(5) {
            let mut made = new_event(5, "").made;
            made.body = Some(vec![b'y'; 10_000].into());
            journal.prepare(lease.delivery.id, lease.fence, Prepared { made, runs: Vec::new() }).await.unwrap();
        }
        conclude(&journal, lease, 5, Next::Delivered).await;
    }
    let few = |bytes| Retention { bytes: Some(bytes), ..none() };
    assert_eq!(retain(&journal, &few(70_000), 10).await, (0, 0));
    assert_eq!(retain(&journal, &few(45_000), 10).await, (2, 0));
    assert_eq!(retain(&journal, &few(45_000), 10).await, (0, 0));
    assert_eq!(kept(&journal).await, ids(3..6));
    // Without the bodies there is room.
    let bodies = Retention { bodies_before: Some(after(5)), ..none() };
    assert_eq!(retain(&journal, &bodies, 10).await, (0, 2));
    assert_eq!(retain(&journal, &few(25_000), 10).await, (0, 0));
    assert_eq!(retain(&journal, &few(0), 10).await, (3, 0));
    accept_many(&journal, 6..7).await;
    deliver(&journal, 6).await;
    assert_eq!(retain(&journal, &few(1_000), 10).await, (0, 0));
}

pub async fn bodies_go_first(journal: Arc<dyn Journal>) {
    accept_many(&journal, 1..5).await;
    let lease = claim(&journal, "billing", 1, 1).await.leases.remove(0);
    let prepared = Prepared { made: new_event(1, "made").made, runs: vec![run("one", "a")] };
    journal.prepare(lease.delivery.id, lease.fence, prepared).await.unwrap();
    conclude(&journal, &lease, 1, Next::Delivered).await;
    deliver(&journal, 5).await;
    let bodies = Retention { bodies_before: Some(after(4)), ..none() };
    assert_eq!(retain(&journal, &bodies, 2).await, (0, 2));
    assert_eq!(retain(&journal, &bodies, 2).await, (0, 1));
    assert_eq!(retain(&journal, &bodies, 2).await, (0, 0));
    for (second, there) in [(1, false), (2, false), (3, false), (4, true)] {
        let stored = journal.event(&project(), event_id(second)).await.unwrap().unwrap();
        assert_eq!(stored.has_body, there);
        assert_eq!(stored.made.body.unwrap(), if there { "{}" } else { "" });
        assert_eq!(stored.received.headers.len(), 3);
    }
    // So does what was made of them.
    assert!(journal.prepared(lease.delivery.id).await.unwrap().is_none());
    assert!(journal.configurations(&project()).await.unwrap().is_empty());
    assert_eq!(kept(&journal).await, ids(1..5));
    let all = Retention { before: Some(after(4)), ..bodies };
    assert_eq!(retain(&journal, &all, 10).await, (3, 0));
}

pub async fn unauthenticated_ones_live_shorter(journal: Arc<dyn Journal>) {
    for second in 1..=4 {
        assert!(journal.keep(NewEvent { authenticated: second == 2, ..new_event(second, "{}") }));
        wait_for(&journal, event_id(second)).await;
    }
    let short = Retention { unauthenticated_before: Some(after(4)), ..none() };
    assert_eq!(retain(&journal, &short, 1).await, (1, 0));
    assert_eq!(retain(&journal, &short, 5).await, (1, 0));
    assert_eq!(kept(&journal).await, ids([2, 4]));
}

pub async fn what_went_is_named_no_more(journal: Arc<dyn Journal>) {
    for (second, configuration) in [(1, "a"), (2, "a"), (3, "b")] {
        let mut new = new_event(second, "{}");
        new.record.filters = vec![run("one", configuration)];
        new.record.labels = vec![("kind".to_owned(), "order".to_owned())];
        accept(&journal, new, vec![delivery(second, 0, "billing")]).await;
    }
    deliver(&journal, 5).await;
    let configurations = async || journal.configurations(&project()).await.unwrap();
    let before = |second| Retention { before: Some(after(second)), ..none() };
    retain(&journal, &before(2), 10).await;
    assert_eq!(configurations().await, ["a", "b"].map(digest).into());
    retain(&journal, &before(3), 10).await;
    assert_eq!(configurations().await, ["b"].map(digest).into());
    assert!(journal.refers_to_module(&digest("one")).await.unwrap());
    let labelled = EventWanted { label: Some(("kind".to_owned(), "order".to_owned())), ..EventWanted::of(project()) };
    assert_eq!(journal.events(&labelled, None, 10).await.unwrap().entries.len(), 1);
    retain(&journal, &before(4), 10).await;
    assert!(!journal.refers_to_module(&digest("one")).await.unwrap());
    let page = journal.events(&labelled, None, 10).await.unwrap();
    assert!(page.entries.is_empty() && page.next.is_none());
}

pub async fn free_space_goes_back(journal: Arc<dyn Journal>) {
    for second in 1..=20 {
        let mut new = new_event(second, "");
        new.received.body = Some(vec![b'x'; 20_000].into());
        new.made.body = new.received.body.clone();
        accept(&journal, new, vec![delivery(second, 0, "billing")]).await;
    }
    deliver(&journal, 20).await;
    let before = journal.give_back(0).await.unwrap();
    assert_eq!(retain(&journal, &Retention { before: Some(after(50)), ..none() }, 100).await, (20, 0));
    let free = journal.give_back(0).await.unwrap();
    assert!(free > before + 20, "{before} {free}");
    assert_eq!(journal.give_back(10).await.unwrap(), free - 10);
    assert_eq!(journal.give_back(u32::MAX).await.unwrap(), 0);
    assert_eq!(
        journal.count(&project(), &Wanted { status: Some(Status::Waiting), ..Wanted::default() }).await.unwrap(),
        0
    );
}
