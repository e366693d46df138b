//! Searching in what is in events: which are searched, what is found, and what is found no more.

use std::sync::Arc;

use model::{EventId, Name, delivery::Status, record::Disposition};

use super::{
    events::{accept, claim, conclude, delivery, event_id, new_event, of_route, project},
    journal::after,
    sample::name,
};
use crate::{
    Journal,
    journal::{EventWanted, Indexed, NewEvent, Next, Retention},
};

/// Of project `default`.
fn routes<const N: usize>(routes: [&str; N]) -> Vec<(Name, Name)> {
    routes.map(|route| (project(), name(route))).into()
}

/// Slice after slice until there is nothing to do; how many events these were about.
async fn index(journal: &Arc<dyn Journal>, routes: &[(Name, Name)], at_most: u32) -> u32 {
    let mut all = 0;
    for _ in 0..1_000 {
        let Indexed { events, lag } = journal.index(routes, at_most).await.unwrap();
        assert_eq!(journal.search_lag(), lag);
        assert!(events <= at_most, "{events}");
        all += events;
        if (events, lag) == (0, 0) {
            return all;
        }
    }
    panic!("there is always something to do");
}

/// All pages, each at most so long.
async fn pages(journal: &Arc<dyn Journal>, wanted: &EventWanted, text: &str, at_most: u32) -> Vec<EventId> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let page = journal.search(wanted, text, before, at_most).await.unwrap();
        assert!(page.entries.len() <= at_most as usize);
        all.extend(page.entries.into_iter().map(|kept| kept.record.id.parse::<EventId>().unwrap()));
        if page.next.is_none() {
            return all;
        }
        assert!(before.is_none_or(|before| page.next.unwrap() < before));
        before = page.next;
    }
}

async fn found(journal: &Arc<dyn Journal>, text: &str) -> Vec<EventId> {
    pages(journal, &EventWanted::of(project()), text, 10).await
}

fn ids(seconds: impl IntoIterator<Item = u64>) -> Vec<EventId> {
    seconds.into_iter().map(event_id).collect()
}

/// What goes out has another body than what came in, which is the one that is searched.
fn with_body(second: u64, body: impl Into<Vec<u8>>) -> NewEvent {
    let mut new = new_event(second, "made of it");
    new.received.body = Some(body.into().into());
    new
}

async fn put(journal: &Arc<dyn Journal>, new: NewEvent) {
    let second = (new.received.received.as_millis() - after(0).as_millis()) / 1_000;
    accept(journal, new, vec![delivery(second, 0, "billing")]).await;
}

pub async fn words_are_found(journal: Arc<dyn Journal>) {
    put(&journal, with_body(1, r#"{"id":"cus_9Xy-7.2","name":"M\u00fcller\nSohn","email":"a.b@example.com"}"#)).await;
    put(&journal, with_body(2, "Grüße, müller: the end.")).await;
    put(&journal, with_body(3, &b"\xffmuller end"[..])).await;
    let mut labelled = with_body(4, "");
    labelled.record.labels = vec![("kind".to_owned(), "refund".to_owned())];
    labelled.record.path = "/hooks/special/7".to_owned();
    put(&journal, labelled).await;
    put(&journal, with_body(5, format!("{} late", "x ".repeat(200_000)))).await;
    let mut without = new_event(6, "");
    (without.received.body, without.made.body) = (None, None);
    put(&journal, without).await;
    assert_eq!(index(&journal, &routes(["orders"]), 10).await, 6);
    for (text, seconds) in [
        ("cus_9Xy-7.2", &[1][..]),
        ("CUS_9XY", &[1]),
        ("9xy_7", &[1]),
        ("9Xy_cus", &[]),
        ("cus sohn", &[1]),
        ("sohn müller", &[1]),
        ("example.com", &[1]),
        ("MÜLLER", &[2, 1]),
        ("muller", &[2, 1]),
        ("mull", &[]),
        ("end", &[2]),
        ("grüße", &[2]),
        ("refund", &[4]),
        ("special/7", &[4]),
        ("hooks", &[6, 5, 4, 3, 2, 1]),
        ("x", &[5]),
        ("late", &[]),
        ("made", &[]),
        // Where names are kept nothing is searched.
        ("orders", &[]),
        ("default", &[]),
    ] {
        assert_eq!(found(&journal, text).await, ids(seconds.iter().copied()), "{text}");
    }
}

pub async fn no_text_is_an_error(journal: Arc<dyn Journal>) {
    put(&journal, with_body(1, r#"say "near" AND (not) a*b: c^2 OR"#)).await;
    index(&journal, &routes(["orders"]), 10).await;
    for text in [
        "\"near\"",
        "near",
        "AND",
        "NOT",
        "OR (",
        "(not)",
        "a*",
        "a*b",
        "c^2",
        "say AND OR",
        "near\0",
        "\0near",
        "body:say",
        "{body}:say",
        "-say",
        "+say",
        "say)",
        "^say",
        "'say'",
        "say;--",
        "\"say",
        "say\"",
        "NEAR(and",
        "say \u{1f600} \u{7f}",
    ] {
        // Operators are words like others.
        let expected = if text.contains("body") { vec![] } else { ids([1]) };
        assert_eq!(found(&journal, text).await, expected, "{text}");
    }
    let odd: String = (0..0x250).filter_map(char::from_u32).collect();
    for text in ["", " \n", "\0", "\"", "\"\"", "''", "* ^ - :", "\u{1f600}", &odd, &odd[..200], "\u{fffe}\u{10ffff}"] {
        assert_eq!(found(&journal, text).await, [], "{text}");
    }
    for long in
        ["say ".repeat(100_000), "say-".repeat(120), "\"".repeat(100_000), "(".repeat(500), "say OR ".repeat(70)]
    {
        found(&journal, &long).await;
    }
    assert_eq!(found(&journal, &"say ".repeat(100_000)).await, ids([1]));
    assert_eq!(found(&journal, &"a ".repeat(256)).await, ids([1]));
    assert_eq!(found(&journal, &"y".repeat(100_000)).await, []);
}

pub async fn routes_are_opted_in_and_out(journal: Arc<dyn Journal>) {
    for second in 0..9 {
        let route = ["orders", "other", "third"][(second % 3) as usize];
        put(&journal, of_route(with_body(second, "word"), route)).await;
    }
    assert_eq!(journal.index(&[], 4).await.unwrap(), Indexed { events: 0, lag: 0 });
    assert_eq!(found(&journal, "word").await, []);
    // What was there before is put in too, newest first.
    assert_eq!(journal.index(&routes(["orders"]), 2).await.unwrap(), Indexed { events: 2, lag: 1 });
    assert_eq!(found(&journal, "word").await, ids([6, 3]));
    assert_eq!(journal.index(&routes(["orders"]), 2).await.unwrap(), Indexed { events: 1, lag: 0 });
    assert_eq!(found(&journal, "word").await, ids([6, 3, 0]));
    // What comes goes before it.
    for second in 9..15 {
        let route = ["orders", "other", "third"][(second % 3) as usize];
        put(&journal, of_route(with_body(second, "word"), route)).await;
    }
    let both = routes(["orders", "other"]);
    assert_eq!(journal.index(&both, 2).await.unwrap(), Indexed { events: 2, lag: 9 });
    assert_eq!(found(&journal, "word").await, ids([10, 9, 6, 3, 0]));
    assert_eq!(index(&journal, &both, 2).await, 5);
    assert_eq!(found(&journal, "word").await, ids([13, 12, 10, 9, 7, 6, 4, 3, 1, 0]));
    // Opted out it is not found, and goes bit by bit.
    let other = routes(["other"]);
    let slice = journal.index(&other, 2).await.unwrap();
    assert_eq!(slice, Indexed { events: 2, lag: 0 });
    let rest = ids([13, 10, 7, 4, 1]);
    assert_eq!(found(&journal, "word").await, rest);
    assert_eq!(index(&journal, &other, 2).await, 3);
    assert_eq!(found(&journal, "word").await, rest);
    // And in again, also before the rest has gone.
    assert_eq!(index(&journal, &both, 3).await, 5);
    journal.index(&other, 2).await.unwrap();
    index(&journal, &both, 2).await;
    assert_eq!(found(&journal, "word").await, ids([13, 12, 10, 9, 7, 6, 4, 3, 1, 0]));
    index(&journal, &[], 100).await;
    assert_eq!(found(&journal, "word").await, []);
}

pub async fn what_is_searched_is_filtered_too(journal: Arc<dyn Journal>) {
    for second in 0..12 {
        let route = if second % 2 == 0 { "orders" } else { "other" };
        let mut new = of_route(with_body(second, if second == 7 { "nothing" } else { "word" }), route);
        new.record.labels = vec![("third".to_owned(), (second % 3).to_string())];
        if second > 8 {
            new.record.disposition = Disposition::Dropped;
        }
        put(&journal, new).await;
    }
    for lease in &claim(&journal, "billing", 1, 10).await.leases {
        conclude(&journal, lease, 1, Next::Delivered).await;
    }
    index(&journal, &routes(["orders", "other"]), 5).await;
    let all = || EventWanted::of(project());
    let pair = |name: &str, value: &str| Some((name.to_owned(), value.to_owned()));
    for at_most in [1, 2, 5, 100] {
        let of = async |wanted| pages(&journal, &wanted, "word", at_most).await;
        assert_eq!(of(all()).await, ids([11, 10, 9, 8, 6, 5, 4, 3, 2, 1, 0]));
        assert_eq!(of(EventWanted { route: Some(name("other")), ..all() }).await, ids([11, 9, 5, 3, 1]));
        assert_eq!(of(EventWanted { route: Some(name("none")), ..all() }).await, []);
        assert_eq!(of(EventWanted { label: pair("third", "1"), ..all() }).await, ids([10, 4, 1]));
        assert_eq!(
            of(EventWanted { header: pair("x-kind", "second"), until: Some(after(2)), ..all() }).await,
            ids([1, 0])
        );
        assert_eq!(of(EventWanted { header: pair("X-Kind", "second"), ..all() }).await, []);
        assert_eq!(of(EventWanted { disposition: Some(Disposition::Dropped), ..all() }).await, ids([11, 10, 9]));
        assert_eq!(of(EventWanted { status: Some(Status::Delivered), ..all() }).await, ids([1, 0]));
        assert_eq!(of(EventWanted { from: Some(after(3)), until: Some(after(6)), ..all() }).await, ids([5, 4, 3]));
        assert_eq!(of(EventWanted { from: Some(after(30)), ..all() }).await, []);
    }
    let page = journal.search(&all(), "word", Some(event_id(5)), 2).await.unwrap();
    let counts: Vec<[u32; 4]> = page.entries.iter().map(|kept| kept.deliveries).collect();
    assert_eq!(counts, [[1, 0, 0, 0], [1, 0, 0, 0]]);
    assert_eq!(page.next.unwrap().time(), after(3));
}

/// Sixteen are looked at for one page, and a bounded number is passed over.
pub async fn a_page_of_a_search_is_bounded(journal: Arc<dyn Journal>) {
    for second in 0..40 {
        put(&journal, with_body(second, "word")).await;
    }
    index(&journal, &routes(["orders"]), 7).await;
    let none = EventWanted { disposition: Some(Disposition::Dropped), ..EventWanted::of(project()) };
    let first = journal.search(&none, "word", None, 5).await.unwrap();
    assert_eq!((first.entries.len(), first.next.unwrap().time()), (0, after(24)));
    let second = journal.search(&none, "word", first.next, 5).await.unwrap();
    assert_eq!((second.entries.len(), second.next.unwrap().time()), (0, after(8)));
    let third = journal.search(&none, "word", second.next, 5).await.unwrap();
    assert_eq!((third.entries.len(), third.next), (0, None));
    assert_eq!(pages(&journal, &EventWanted::of(project()), "word", 3).await, ids((0..40).rev()));
}

pub async fn projects_are_searched_apart(journal: Arc<dyn Journal>) {
    let projects = ["default", "team", "team-a", "a-team-a"];
    for (second, of) in (0..12).zip(projects.iter().cycle()) {
        let mut new = with_body(second, "word");
        (new.received.project, new.made.project, new.record.project) = (name(of), name(of), (*of).to_owned());
        accept(&journal, new, vec![delivery(second, 0, "billing")]).await;
    }
    let all: Vec<_> = projects.iter().map(|project| (name(project), name("orders"))).collect();
    index(&journal, &all, 5).await;
    for (first, of) in (0..).zip(projects) {
        let wanted = EventWanted::of(name(of));
        let by_route = EventWanted { route: Some(name("orders")), ..wanted.clone() };
        for wanted in [wanted, by_route] {
            assert_eq!(pages(&journal, &wanted, "word", 2).await, ids([first + 8, first + 4, first]), "{of}");
        }
    }
    // A route of the same name elsewhere stays out.
    index(&journal, &all[..1], 5).await;
    assert_eq!(pages(&journal, &EventWanted::of(name("team")), "word", 2).await, []);
    assert_eq!(found(&journal, "word").await, ids([8, 4, 0]));
}

pub async fn what_retention_removes_is_not_found(journal: Arc<dyn Journal>) {
    for second in 0..6 {
        put(&journal, with_body(second, "word")).await;
    }
    for lease in &claim(&journal, "billing", 4, 10).await.leases {
        conclude(&journal, lease, 4, Next::Delivered).await;
    }
    index(&journal, &routes(["orders"]), 10).await;
    let none = Retention {
        project: project(),
        route: name("orders"),
        before: None,
        bodies_before: None,
        unauthenticated_before: None,
        events: None,
        bytes: None,
    };
    journal.retain(&Retention { before: Some(after(2)), ..none.clone() }, 10).await.unwrap();
    assert_eq!(found(&journal, "word").await, ids([5, 4, 3, 2]));
    journal.retain(&Retention { bodies_before: Some(after(3)), ..none.clone() }, 10).await.unwrap();
    assert_eq!(found(&journal, "word").await, ids([5, 4, 3]));
    // One that waits stays.
    journal.retain(&Retention { before: Some(after(9)), ..none.clone() }, 10).await.unwrap();
    assert_eq!(found(&journal, "word").await, ids([5]));
    assert_eq!(index(&journal, &routes(["orders"]), 10).await, 0);
    assert_eq!(found(&journal, "word").await, ids([5]));
    // What has lost its body is not put in either.
    journal.reindex().await.unwrap();
    assert_eq!(found(&journal, "word").await, []);
    assert_eq!(index(&journal, &routes(["orders"]), 10).await, 1);
    assert_eq!(found(&journal, "word").await, ids([5]));
}

pub async fn bodies_that_went_by_themselves_are_not_found(journal: Arc<dyn Journal>) {
    // Unauthenticated ones have a quota, which three of these fill.
    for second in 1..=5 {
        assert!(
            journal.keep(NewEvent { authenticated: false, ..with_body(second, format!("word {}", "x".repeat(330))) })
        );
        super::events::wait_for(&journal, event_id(second)).await;
        index(&journal, &routes(["orders"]), 1).await;
    }
    let kept = found(&journal, "word").await;
    assert_eq!(kept, ids(kept.len() as u64 + 1..=5).into_iter().rev().take(kept.len()).collect::<Vec<_>>());
    assert!(!kept.is_empty() && kept.len() < 5, "{kept:?}");
}

pub async fn everything_is_forgotten_and_filled_again(journal: Arc<dyn Journal>) {
    for second in 0..20 {
        put(&journal, with_body(second, "word")).await;
    }
    index(&journal, &routes(["orders"]), 7).await;
    journal.reindex().await.unwrap();
    assert_eq!(found(&journal, "word").await, []);
    let slice = journal.index(&routes(["orders"]), 5).await.unwrap();
    assert_eq!(slice, Indexed { events: 5, lag: 15 });
    assert_eq!(found(&journal, "word").await, ids((15..20).rev()));
    put(&journal, with_body(20, "word")).await;
    assert_eq!(index(&journal, &routes(["orders"]), 5).await, 16);
    assert_eq!(found(&journal, "word").await, ids((0..21).rev()));
}
