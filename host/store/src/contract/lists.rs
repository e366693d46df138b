//! Events and deliveries in pages, newest first, and how many there are.

use std::sync::Arc;

use model::{
    DeliveryId, EventId,
    delivery::{Status, Wanted},
    record::Disposition,
};

use super::{
    events::{
        accept, accept_many, claim, conclude, dead, delivery, delivery_id, event_id, new_event, of_route, project,
        retry,
    },
    journal::after,
    sample::name,
};
use crate::{
    Journal,
    journal::{EventWanted, Next},
};

/// All pages, each at most so long.
async fn events(journal: &Arc<dyn Journal>, wanted: &EventWanted, at_most: u32) -> Vec<EventId> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let page = journal.events(wanted, before, at_most).await.unwrap();
        assert!(page.entries.len() <= at_most as usize);
        all.extend(page.entries.into_iter().map(|kept| kept.record.id.parse::<EventId>().unwrap()));
        if page.next.is_none() {
            return all;
        }
        before = page.next;
    }
}

async fn deliveries(journal: &Arc<dyn Journal>, wanted: &Wanted, at_most: u32) -> Vec<DeliveryId> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let page = journal.deliveries(&project(), wanted, before, at_most).await.unwrap();
        assert!(page.entries.len() <= at_most as usize);
        all.extend(page.entries.into_iter().map(|delivery| delivery.id));
        if page.next.is_none() {
            assert_eq!(journal.count(&project(), wanted).await.unwrap(), all.len() as u64);
            return all;
        }
        before = page.next;
    }
}

fn ids(seconds: impl IntoIterator<Item = u64>) -> Vec<EventId> {
    seconds.into_iter().map(event_id).collect()
}

pub async fn pages_of_events(journal: Arc<dyn Journal>) {
    assert!(events(&journal, &EventWanted::of(project()), 10).await.is_empty());
    // Ids that are not in the order in which they come.
    for second in [3, 1, 5, 2, 4] {
        let route = if second % 2 == 0 { "even" } else { "odd" };
        let mut new = of_route(new_event(second, "{}"), route);
        if second > 3 {
            new.record.disposition = Disposition::Dropped;
        }
        accept(&journal, new, vec![delivery(second, 0, "billing")]).await;
    }
    for at_most in 1..=6 {
        let of = async |wanted| events(&journal, &wanted, at_most).await;
        let all = || EventWanted::of(project());
        assert_eq!(of(all()).await, ids([5, 4, 3, 2, 1]));
        assert_eq!(of(EventWanted { route: Some(name("odd")), ..all() }).await, ids([5, 3, 1]));
        assert_eq!(of(EventWanted { route: Some(name("none")), ..all() }).await, ids([]));
        assert_eq!(of(EventWanted { disposition: Some(Disposition::Dropped), ..all() }).await, ids([5, 4]));
        let from = EventWanted { from: Some(after(2)), until: Some(after(4)), ..all() };
        assert_eq!(of(from.clone()).await, ids([3, 2]));
        assert_eq!(of(EventWanted { route: Some(name("even")), ..from }).await, ids([2]));
        assert_eq!(of(EventWanted::of(name("team"))).await, ids([]));
    }
}

pub async fn events_by_what_is_in_them(journal: Arc<dyn Journal>) {
    for second in 1..=4 {
        let mut new = new_event(second, "{}");
        new.record.labels = vec![
            ("kind".to_owned(), if second == 3 { "refund" } else { "order" }.to_owned()),
            ("second".to_owned(), second.to_string()),
        ];
        let mut headers = (*new.received.headers).clone();
        headers.insert("x-second", (second % 2).into());
        new.received.headers = Arc::new(headers);
        accept(&journal, new, vec![delivery(second, 0, "billing")]).await;
    }
    let pair = |name: &str, value: &str| Some((name.to_owned(), value.to_owned()));
    for at_most in [1, 3] {
        let of = async |wanted| events(&journal, &wanted, at_most).await;
        let all = || EventWanted::of(project());
        assert_eq!(of(EventWanted { label: pair("kind", "order"), ..all() }).await, ids([4, 2, 1]));
        assert_eq!(of(EventWanted { label: pair("second", "2"), ..all() }).await, ids([2]));
        assert_eq!(of(EventWanted { label: pair("kind", "ord"), ..all() }).await, ids([]));
        assert_eq!(of(EventWanted { header: pair("x-second", "1"), ..all() }).await, ids([3, 1]));
        // Any of the values that a header has, as it was received.
        assert_eq!(of(EventWanted { header: pair("x-kind", "second"), ..all() }).await, ids([4, 3, 2, 1]));
        assert_eq!(of(EventWanted { header: pair("X-Kind", "second"), ..all() }).await, ids([]));
        let both =
            EventWanted { label: pair("kind", "order"), header: pair("x-second", "1"), until: Some(after(4)), ..all() };
        assert_eq!(of(both).await, ids([1]));
        let elsewhere = EventWanted { label: pair("kind", "order"), ..EventWanted::of(name("team")) };
        assert_eq!(of(elsewhere).await, ids([]));
        let of = async |wanted| deliveries(&journal, &wanted, at_most).await;
        let to = |seconds: &[u64]| seconds.iter().map(|second| delivery_id(*second, 0)).collect::<Vec<_>>();
        assert_eq!(of(Wanted { label: pair("kind", "order"), ..Wanted::default() }).await, to(&[4, 2, 1]));
        assert_eq!(of(Wanted { header: pair("x-second", "1"), ..Wanted::default() }).await, to(&[3, 1]));
        assert_eq!(of(Wanted { header: pair("X-Kind", "second"), ..Wanted::default() }).await, to(&[]));
        let both = Wanted { label: pair("kind", "refund"), header: pair("x-second", "1"), ..Wanted::default() };
        assert_eq!(of(both.clone()).await, to(&[3]));
        assert_eq!(of(Wanted { destination: Some(name("audit")), ..both }).await, to(&[]));
    }
}

pub async fn events_by_what_became_of_them(journal: Arc<dyn Journal>) {
    for second in 1..=4 {
        let both = vec![delivery(second, 0, "billing"), delivery(second, 1, "audit")];
        accept(&journal, new_event(second, "{}"), both).await;
    }
    for (lease, next) in claim(&journal, "billing", 3, 10).await.leases.iter().zip([
        Next::Delivered,
        dead(1, false),
        Next::Cancelled { reason: "enough".to_owned() },
    ]) {
        conclude(&journal, lease, 3, next).await;
    }
    let of = async |destination: Option<&str>, status| {
        let wanted = EventWanted { destination: destination.map(name), status, ..EventWanted::of(project()) };
        events(&journal, &wanted, 2).await
    };
    assert_eq!(of(None, Some(Status::Delivered)).await, ids([1]));
    assert_eq!(of(None, Some(Status::Waiting)).await, ids([4, 3, 2, 1]));
    assert_eq!(of(Some("billing"), Some(Status::Waiting)).await, ids([4]));
    assert_eq!(of(Some("billing"), Some(Status::Dead)).await, ids([2]));
    assert_eq!(of(Some("audit"), Some(Status::Dead)).await, ids([]));
    assert_eq!(of(Some("audit"), None).await, ids([4, 3, 2, 1]));
    assert_eq!(of(Some("other"), None).await, ids([]));
    let page = journal.events(&EventWanted::of(project()), None, 10).await.unwrap();
    let counts: Vec<[u32; 4]> = page.entries.iter().map(|kept| kept.deliveries).collect();
    assert_eq!(counts, [[2, 0, 0, 0], [1, 0, 0, 1], [1, 0, 1, 0], [1, 1, 0, 0]]);
}

/// Sixteen are looked at for one page.
pub async fn a_page_looks_at_a_bounded_number(journal: Arc<dyn Journal>) {
    accept_many(&journal, 0..40).await;
    let last = EventWanted { disposition: Some(Disposition::Dropped), ..EventWanted::of(project()) };
    let first = journal.events(&last, None, 5).await.unwrap();
    assert_eq!((first.entries.len(), first.next), (0, Some(event_id(24))));
    let second = journal.events(&last, first.next, 5).await.unwrap();
    assert_eq!((second.entries.len(), second.next), (0, Some(event_id(8))));
    let third = journal.events(&last, second.next, 5).await.unwrap();
    assert_eq!((third.entries.len(), third.next), (0, None));
    let elsewhere = Wanted { route: Some(name("other")), status: Some(Status::Waiting), ..Wanted::default() };
    let first = journal.deliveries(&project(), &elsewhere, None, 5).await.unwrap();
    assert_eq!((first.entries.len(), first.next), (0, Some(delivery_id(24, 0))));
}

pub async fn pages_of_deliveries(journal: Arc<dyn Journal>) {
    for second in 1..=6 {
        let route = if second % 2 == 0 { "even" } else { "odd" };
        let both = vec![delivery(second, 0, "billing"), delivery(second, 1, "audit")];
        accept(&journal, of_route(new_event(second, "{}"), route), both).await;
    }
    for (lease, next) in claim(&journal, "billing", 4, 10).await.leases.iter().zip([
        Next::Delivered,
        dead(1, false),
        retry(100, "backup", 1),
        Next::Delivered,
    ]) {
        conclude(&journal, lease, 4, next).await;
    }
    let billing = |seconds: &[u64]| seconds.iter().map(|second| delivery_id(*second, 0)).collect::<Vec<_>>();
    for at_most in [1, 2, 5, 100] {
        let of = async |wanted| deliveries(&journal, &wanted, at_most).await;
        let to_billing = || Wanted { destination: Some(name("billing")), ..Wanted::default() };
        let all: Vec<_> = (1..=6).rev().flat_map(|second| [delivery_id(second, 1), delivery_id(second, 0)]).collect();
        assert_eq!(of(Wanted::default()).await, all);
        // As it was written for, whatever the target is now.
        assert_eq!(of(to_billing()).await, billing(&[6, 5, 4, 3, 2, 1]));
        assert_eq!(of(Wanted { status: Some(Status::Delivered), ..Wanted::default() }).await, billing(&[4, 1]));
        assert_eq!(of(Wanted { status: Some(Status::Dead), ..to_billing() }).await, billing(&[2]));
        let odd = Some(name("odd"));
        assert_eq!(of(Wanted { route: odd.clone(), ..to_billing() }).await, billing(&[5, 3, 1]));
        let delivered = Some(Status::Delivered);
        let odd_delivered = Wanted { route: odd.clone(), status: delivered, ..Wanted::default() };
        assert_eq!(of(odd_delivered).await, billing(&[1]));
        let dead = Wanted { route: odd.clone(), status: Some(Status::Dead), ..Wanted::default() };
        assert_eq!(of(dead).await, []);
        assert_eq!(of(Wanted { route: odd, ..Wanted::default() }).await.len(), 6);
        let of_event = Wanted { event: Some(event_id(3)), ..Wanted::default() };
        assert_eq!(of(of_event.clone()).await, [delivery_id(3, 1), delivery_id(3, 0)]);
        assert_eq!(of(Wanted { status: delivered, ..of_event }).await, []);
        let times = Wanted { from: Some(after(2)), until: Some(after(5)), ..to_billing() };
        assert_eq!(of(times).await, billing(&[4, 3, 2]));
    }
    let elsewhere = journal.deliveries(&name("team"), &Wanted::default(), None, 10).await.unwrap();
    assert!(elsewhere.entries.is_empty() && elsewhere.next.is_none());
    let of_event = Wanted { event: Some(event_id(3)), ..Wanted::default() };
    assert!(journal.deliveries(&name("team"), &of_event, None, 10).await.unwrap().entries.is_empty());
    assert_eq!(journal.count(&name("team"), &of_event).await.unwrap(), 0);
}
