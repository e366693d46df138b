//! Writing events: all or nothing, once, exactly as they came.

use std::sync::Arc;

use bytes::Bytes;
use model::{
    Event,
    delivery::{Status, Wanted},
    record::{Capture, Disposition},
};

use super::{
    events::{
        accept, delivery, delivery_id, event, event_id, look, new_event, of_route, project, record, run, to, wait_for,
    },
    journal::{SCOPE, after},
    sample::{TIME, digest, name},
};
use crate::{
    Error, Journal,
    journal::{Accept, Accepted, Again, Idempotency, NewDelivery, NewEvent, Prepared, Reservation},
};

/// `Event` has no equality: this is all of it.
fn whole(event: &Event) -> String {
    format!("{event:?}")
}

pub async fn an_event_is_read_as_it_was_written(journal: Arc<dyn Journal>) {
    let received = event(1, "{\"a\": 1}");
    let mut headers = (*received.headers).clone();
    headers.insert("x-kind", "made".parse().unwrap());
    let made = Event {
        headers: Arc::new(headers),
        body: Some(Bytes::from_static(b"\0\xff")),
        path: "/made".to_owned(),
        query: None,
        ..received.clone()
    };
    let mut written = record(&received, Disposition::Accepted);
    written.labels = vec![("kind".to_owned(), "order".to_owned())];
    written.filters = vec![run("one", "a")];
    let capture =
        Capture { authenticated: true, query: None, headers: Vec::new(), body: String::new(), body_truncated_at: None };
    let with_capture = model::record::Record { capture: Some(capture), ..written.clone() };
    let replayed = Event { replay: true, ..received.clone() };
    let new = NewEvent { received: replayed, made: made.clone(), record: with_capture, authenticated: false };
    accept(&journal, new, vec![delivery(1, 1, "billing")]).await;

    let stored = journal.event(&project(), event_id(1)).await.unwrap().unwrap();
    assert_eq!(whole(&stored.received), whole(&received));
    assert_eq!(whole(&stored.made), whole(&made));
    assert_eq!(stored.record, written);
    assert!(!stored.authenticated && stored.has_body);
    assert!(journal.event(&name("team"), event_id(1)).await.unwrap().is_none());
    assert!(journal.event(&project(), event_id(2)).await.unwrap().is_none());

    let (found, attempts) = journal.delivery(&project(), delivery_id(1, 1)).await.unwrap().unwrap();
    let expected = model::Delivery {
        id: delivery_id(1, 1),
        event: event_id(1),
        project: project(),
        route: name("orders"),
        destination: name("billing"),
        target: name("billing"),
        status: Status::Waiting,
        attempts: 0,
        due: Some(after(1)),
        under_way: false,
        lane: None,
        replay: false,
        created: after(1),
        reason: None,
    };
    assert_eq!(found, expected);
    assert!(attempts.is_empty());
    assert!(journal.delivery(&name("team"), delivery_id(1, 1)).await.unwrap().is_none());
}

pub async fn bodies_of_every_kind(journal: Arc<dyn Journal>) {
    let empty = Some(Bytes::new());
    let long = Some(Bytes::from(vec![7; 100_000]));
    let cases = [(None, None), (None, empty.clone()), (empty.clone(), empty), (long.clone(), long.clone())];
    for (second, (received, made)) in (0..).zip(cases) {
        let mut new = new_event(second, "");
        new.received.body = received.clone();
        new.made.body = made.clone();
        accept(&journal, new, vec![delivery(second, 1, "billing")]).await;
        let stored = journal.event(&project(), event_id(second)).await.unwrap().unwrap();
        assert!(stored.has_body);
        assert_eq!((stored.received.body, stored.made.body), (received, made), "{second}");
    }
}

pub async fn without_deliveries_nothing_is_accepted(journal: Arc<dyn Journal>) {
    let refused = journal.accept(to(new_event(1, "{}"), Vec::new())).await.unwrap_err();
    assert!(matches!(refused, Error::Invalid { .. }), "{refused}");
    assert!(journal.event(&project(), event_id(1)).await.unwrap().is_none());
}

pub async fn accepting_is_all_or_nothing(journal: Arc<dyn Journal>) {
    accept(&journal, new_event(1, "{}"), vec![delivery(1, 1, "billing")]).await;
    // The second of its deliveries has an id that is taken.
    let mut deliveries = vec![delivery(2, 1, "billing"), delivery(2, 2, "billing")];
    deliveries[1].id = delivery_id(1, 1);
    let key = Idempotency { key: "k".to_owned(), now: after(2), until: after(100) };
    let new = Accept { idempotency: Some(key.clone()), ..to(new_event(2, "{}"), deliveries) };
    journal.accept(new).await.unwrap_err();
    assert!(journal.event(&project(), event_id(2)).await.unwrap().is_none());
    assert!(journal.delivery(&project(), delivery_id(2, 1)).await.unwrap().is_none());
    let again = Accept { idempotency: Some(key), ..to(new_event(3, "{}"), vec![delivery(3, 1, "billing")]) };
    assert_eq!(journal.accept(again).await.unwrap(), Accepted::New);
}

pub async fn a_key_is_accepted_once_in_its_window(journal: Arc<dyn Journal>) {
    let with = |second: u64, key: &str, route: &str| Accept {
        idempotency: Some(Idempotency { key: key.to_owned(), now: after(second), until: after(second + 10) }),
        ..to(of_route(new_event(second, "{}"), route), vec![delivery(second, 1, "billing")])
    };
    assert_eq!(journal.accept(with(1, "k", "orders")).await.unwrap(), Accepted::New);
    assert_eq!(journal.accept(with(2, "k", "orders")).await.unwrap(), Accepted::Duplicate(event_id(1)));
    assert!(journal.event(&project(), event_id(2)).await.unwrap().is_none());
    assert!(journal.delivery(&project(), delivery_id(2, 1)).await.unwrap().is_none());
    assert_eq!(journal.accept(with(3, "k", "other")).await.unwrap(), Accepted::New);
    assert_eq!(journal.accept(with(4, "K", "orders")).await.unwrap(), Accepted::New);
    // Asking does not make the window longer.
    assert_eq!(journal.accept(with(11, "k", "orders")).await.unwrap(), Accepted::New);
    assert_eq!(journal.accept(with(12, "k", "orders")).await.unwrap(), Accepted::Duplicate(event_id(11)));
    // The same event once more, by somebody who was not told how it ended.
    assert_eq!(journal.accept(with(11, "k", "orders")).await.unwrap(), Accepted::Duplicate(event_id(11)));
    assert_eq!(journal.kv_expire(after(14), 10).await.unwrap(), 2);
    assert_eq!(journal.accept(with(15, "k", "orders")).await.unwrap(), Accepted::Duplicate(event_id(11)));
}

pub async fn of_many_with_one_key_one_is_accepted(journal: Arc<dyn Journal>) {
    let mut senders = tokio::task::JoinSet::new();
    for second in 0..32 {
        let journal = Arc::clone(&journal);
        let key = Idempotency { key: "k".to_owned(), now: TIME, until: after(100) };
        let new =
            Accept { idempotency: Some(key), ..to(new_event(second, "{}"), vec![delivery(second, 1, "billing")]) };
        senders.spawn(async move { journal.accept(new).await.unwrap() });
    }
    let ended = senders.join_all().await;
    assert_eq!(ended.iter().filter(|accepted| **accepted == Accepted::New).count(), 1);
    let first = ended.iter().find_map(|accepted| match accepted {
        Accepted::Duplicate(first) => Some(*first),
        Accepted::New => None,
    });
    assert!(journal.event(&project(), first.unwrap()).await.unwrap().is_some());
    assert_eq!(journal.count(&project(), &Wanted::default()).await.unwrap(), 1);
}

pub async fn what_filters_reserved_is_known_with_the_event(journal: Arc<dyn Journal>) {
    let reserve = async |key, second| journal.reserve(SCOPE, key, event_id(second), after(500), TIME).await.unwrap();
    assert_eq!(reserve("a", 1).await, Reservation::First);
    assert_eq!(reserve("b", 1).await, Reservation::First);
    let key = Idempotency { key: "k".to_owned(), now: TIME, until: after(100) };
    let with = |second| Accept {
        reserved: true,
        idempotency: Some(key.clone()),
        ..to(new_event(second, "{}"), vec![delivery(second, 1, "billing")])
    };
    assert_eq!(journal.accept(with(1)).await.unwrap(), Accepted::New);
    assert_eq!(reserve("a", 9).await, Reservation::Known);
    assert_eq!(reserve("b", 9).await, Reservation::Known);
    // What a duplicate reserved is not decided by it.
    assert_eq!(reserve("c", 2).await, Reservation::First);
    assert_eq!(journal.accept(with(2)).await.unwrap(), Accepted::Duplicate(event_id(1)));
    assert_eq!(reserve("c", 9).await, Reservation::Pending);
    journal.settle(event_id(2), crate::journal::Settled::Release).await.unwrap();
    assert_eq!(reserve("c", 9).await, Reservation::First);
}

pub async fn more_deliveries_of_a_kept_event(journal: Arc<dyn Journal>) {
    accept(&journal, new_event(1, "{}"), vec![delivery(1, 1, "billing")]).await;
    let again = |of, second| {
        let delivery = NewDelivery { replay: true, ..delivery(second, 1, "audit") };
        let prepared = Prepared { made: event(second, "[]"), runs: Vec::new() };
        Again { event: of, delivery, prepared: Some(prepared) }
    };
    journal.add_deliveries(&project(), vec![again(event_id(1), 5), again(event_id(1), 6)]).await.unwrap();
    assert_eq!(journal.prepared(delivery_id(6, 1)).await.unwrap().unwrap().made.body, event(6, "[]").body);
    let found = look(&journal, delivery_id(5, 1)).await;
    assert_eq!((found.event, found.route, found.replay), (event_id(1), name("orders"), true));
    for (project, event) in [(name("team"), event_id(1)), (project(), event_id(2))] {
        let refused = journal.add_deliveries(&project, vec![again(event_id(1), 7), again(event, 8)]).await.unwrap_err();
        assert!(matches!(refused, Error::NotFound { .. }), "{refused}");
        assert!(journal.delivery(&project, delivery_id(7, 1)).await.unwrap().is_none(), "all or none");
    }
    let kept = journal.kept_routes().await.unwrap();
    assert_eq!(kept, [(self::project(), name("orders"))]);
}

pub async fn what_goes_nowhere_is_kept(journal: Arc<dyn Journal>) {
    for second in 1..=3 {
        let mut new = new_event(second, "{}");
        new.record.disposition = Disposition::Rejected;
        assert!(journal.keep(new));
    }
    for second in 1..=3 {
        wait_for(&journal, event_id(second)).await;
    }
    let stored = journal.event(&project(), event_id(3)).await.unwrap().unwrap();
    assert_eq!(stored.record.disposition, Disposition::Rejected);
    assert_eq!(whole(&stored.received), whole(&event(3, "{}")));
    // One that is too large beside what waits, or that is there already, is given up and counted.
    assert_eq!(journal.health().given_up, 0);
    journal.keep(new_event(3, "{}"));
    for _ in 0..1_000 {
        if journal.health().given_up == 1 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("nothing was counted");
}

/// The quota is 1024 bytes.
pub async fn unauthenticated_bodies_have_a_quota(journal: Arc<dyn Journal>) {
    const BODY: &str = match str::from_utf8(&[b'x'; 400]) {
        Ok(text) => text,
        Err(_) => "",
    };
    let unknown = |second: u64, body: &'static str| NewEvent { authenticated: false, ..new_event(second, body) };
    for second in 1..=4 {
        assert!(journal.keep(unknown(second, BODY)));
        wait_for(&journal, event_id(second)).await;
    }
    // One that was authenticated, or accepted, does not count.
    assert!(journal.keep(new_event(5, BODY)));
    wait_for(&journal, event_id(5)).await;
    accept(&journal, unknown(6, BODY), vec![delivery(6, 1, "billing")]).await;
    for (second, there) in [(1, false), (2, false), (3, true), (4, true), (5, true), (6, true)] {
        let stored = journal.event(&project(), event_id(second)).await.unwrap().unwrap();
        assert_eq!(stored.has_body, there, "{second}");
        assert_eq!(stored.received.body.unwrap().len(), if there { BODY.len() } else { 0 });
        assert_eq!(stored.received.headers, event(second, "").headers);
    }
    // What is larger than all of it is kept without.
    let mut large = unknown(7, "");
    large.received.body = Some(Bytes::from(vec![1; 2_000]));
    assert!(journal.keep(large));
    wait_for(&journal, event_id(7)).await;
    assert!(!journal.event(&project(), event_id(7)).await.unwrap().unwrap().has_body);
    assert!(journal.event(&project(), event_id(4)).await.unwrap().unwrap().has_body);
}

pub async fn what_events_ran_on_is_known(journal: Arc<dyn Journal>) {
    let mut new = new_event(1, "{}");
    new.record.filters = vec![run("one", "a"), run("two", "b"), run("one", "a")];
    accept(&journal, new, vec![delivery(1, 1, "billing")]).await;
    let mut new = new_event(2, "{}");
    new.record.filters = vec![run("one", "c")];
    accept(&journal, new, vec![delivery(2, 1, "billing")]).await;
    let configurations = journal.configurations(&project()).await.unwrap();
    assert_eq!(configurations, ["a", "b", "c"].map(digest).into());
    assert!(journal.configurations(&name("team")).await.unwrap().is_empty());
    assert!(journal.refers_to_module(&digest("one")).await.unwrap());
    assert!(journal.refers_to_module(&digest("two")).await.unwrap());
    assert!(!journal.refers_to_module(&digest("a")).await.unwrap());
}
