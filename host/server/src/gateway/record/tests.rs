use http::{HeaderMap, HeaderValue};
use model::{
    Scheme,
    record::{Outcome, Seed},
};

use super::*;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn entry(millis: u64) -> Entry {
    let received = Timestamp::from_millis(millis);
    Entry {
        id: EventId::new(received, 0),
        project: name("default"),
        route: name("github"),
        received,
        source: [198, 51, 100, 7].into(),
        method: Method::POST,
        path: "/hooks".to_owned(),
        revision: 3,
        disposition: Disposition::Forwarded,
        status: 200,
        reason: None,
        destination: Some(name("ci")),
        labels: Vec::new(),
        idempotency_key: None,
        order_key: None,
        duration: Duration::from_micros(1_500),
        destination_duration: Some(Duration::from_millis(1)),
        body_bytes: Some(2),
        filters: Vec::new(),
        capture: None,
    }
}

fn captured(authenticated: bool, bytes: usize) -> Captured {
    let mut received = received();
    received.body = Some(Bytes::from(vec![b'b'; bytes]));
    Captured::new(authenticated, &received, 100)
}

/// Without a body.
fn received() -> Event {
    let mut headers = HeaderMap::new();
    headers.insert("x-strange", HeaderValue::from_bytes(b"a\xff").unwrap());
    Event {
        id: EventId::new(Timestamp::from_millis(1), 1),
        project: name("default"),
        route: name("github"),
        received: Timestamp::from_millis(1),
        source: [127, 0, 0, 1].into(),
        scheme: Scheme::Http,
        method: Method::POST,
        authority: String::new(),
        path: "/".to_owned(),
        query: Some("q=1".to_owned()),
        headers: Arc::new(headers),
        body: None,
        replay: false,
        attributes: Vec::new(),
    }
}

fn wanted() -> Wanted {
    Wanted { project: name("default"), route: None, disposition: None, at_most: 10_000 }
}

const LATER: Timestamp = Timestamp::from_millis(1_000_000_000);

#[test]
fn the_newest_are_kept_and_come_first() {
    let recorder = Recorder::new(Limits { events: 8, ..Limits::default() });
    for millis in 1..=20 {
        recorder.record(entry(millis));
    }
    let received: Vec<u64> = recorder.latest(&wanted(), LATER).iter().map(|record| record.received).collect();
    assert_eq!(received, [20, 19, 18, 17, 16, 15, 14, 13]);
    assert_eq!(recorder.latest(&Wanted { at_most: 3, ..wanted() }, LATER).len(), 3);
    let id = EventId::new(Timestamp::from_millis(15), 0);
    let found = recorder.find(&name("default"), id, LATER).unwrap();
    assert_eq!((found.id, found.duration_us, found.destination_us), (id.to_string(), 1_500, Some(1_000)));
    assert_eq!(recorder.find(&name("other"), id, LATER), None);
    assert_eq!(recorder.lost(), 0);
}

#[test]
fn nothing_of_another_project_route_or_disposition_is_shown() {
    let recorder = Recorder::new(Limits::default());
    recorder.record(entry(1));
    recorder.record(Entry { project: name("other"), ..entry(2) });
    recorder.record(Entry { route: name("stripe"), ..entry(3) });
    recorder.record(Entry { disposition: Disposition::Dropped, ..entry(4) });
    let shown = |wanted: Wanted| -> Vec<u64> {
        let records = recorder.latest(&wanted, LATER);
        assert!(records.iter().all(|record| wanted.takes(record)));
        records.iter().map(|record| record.received).collect()
    };
    assert_eq!(shown(wanted()), [4, 3, 1]);
    assert_eq!(shown(Wanted { route: Some(name("stripe")), ..wanted() }), [3]);
    assert_eq!(shown(Wanted { disposition: Some(Disposition::Dropped), ..wanted() }), [4]);
    assert_eq!(shown(Wanted { project: name("other"), ..wanted() }), [2]);
}

#[test]
fn bytes_are_bounded() {
    let limits = Limits { bytes: SHARDS * 10_000, ..Limits::default() };
    let recorder = Recorder::new(limits);
    for millis in 1..=100 {
        recorder.record(Entry { reason: Some("r".repeat(2_000)), ..entry(millis) });
    }
    let kept = recorder.latest(&wanted(), LATER);
    assert!((SHARDS..=SHARDS * 5).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept[0].received, 100);
    for shard in &recorder.shards {
        let shard = shard.lock().unwrap();
        assert!(shard.bytes <= 10_000);
        assert_eq!(shard.bytes, shard.entries.iter().map(|(_, entry)| entry.bytes()).sum::<usize>());
    }
}

#[test]
fn a_captured_body_is_cut_and_says_so() {
    let short = captured(true, 100).to_capture();
    assert_eq!(short.body_truncated_at, None);
    assert_eq!(STANDARD.decode(&short.body).unwrap(), [b'b'; 100]);
    assert_eq!(short.headers, [("x-strange".to_owned(), "a\u{fffd}".to_owned())]);
    assert_eq!(short.query.as_deref(), Some("q=1"));
    let long = captured(true, 101).to_capture();
    assert_eq!(long.body_truncated_at, Some(100));
    assert_eq!(STANDARD.decode(&long.body).unwrap().len(), 100);
    let unread = Captured::new(false, &received(), 100).to_capture();
    assert_eq!((unread.body_truncated_at, unread.body.as_str()), (Some(0), ""));
}

#[test]
fn what_no_filter_let_through_has_little_room_and_a_short_life() {
    let limits = Limits { unauthenticated_bytes: SHARDS * 1_000, ..Limits::default() };
    let recorder = Recorder::new(limits);
    for millis in 1..=100 {
        recorder.record(Entry { capture: Some(captured(false, 100)), ..entry(millis) });
    }
    recorder.record(Entry { capture: Some(captured(true, 100)), ..entry(101) });
    let records = recorder.latest(&wanted(), Timestamp::from_millis(102));
    assert_eq!(records.len(), 101);
    let shown = records.iter().filter(|record| record.capture.is_some()).count();
    assert!((SHARDS..SHARDS * 10).contains(&shown), "{shown}");
    assert!(records[1].capture.is_some());
    for shard in &recorder.shards {
        let shard = shard.lock().unwrap();
        assert!(shard.unauthenticated_bytes <= 1_000);
        assert_eq!(shard.bytes, shard.entries.iter().map(|(_, entry)| entry.bytes()).sum::<usize>());
    }
    let old = recorder.latest(&wanted(), LATER);
    assert_eq!(old.iter().filter(|record| record.capture.is_some()).count(), 1);
}

#[test]
fn a_record_that_finds_no_place_is_counted_and_not_waited_for() {
    let recorder = Recorder::new(Limits::default());
    let locks: Vec<_> = recorder.shards.iter().map(|shard| shard.lock().unwrap()).collect();
    recorder.record(entry(1));
    assert_eq!(recorder.lost(), 1);
    drop(locks);
    let one = recorder.shards[0].lock().unwrap();
    for millis in 2..=9 {
        recorder.record(entry(millis));
    }
    drop(one);
    assert_eq!((recorder.lost(), recorder.latest(&wanted(), LATER).len()), (1, 8));
}

#[test]
fn modules_and_configurations_of_remembered_events_are_known() {
    let recorder = Recorder::new(Limits { events: SHARDS, ..Limits::default() });
    let (used, unused) = (Digest([1; 32]), Digest([2; 32]));
    let run = Run {
        filter: "verify".parse().unwrap(),
        digest: used,
        config_digest: unused,
        outcome: Outcome::Verdict { verdict: "pass".into(), edits: Vec::new(), reason: None },
        time_us: 1,
        memory_bytes: 1,
        logs: Vec::new(),
        logs_left_out: 0,
        clock: 1,
        seed: Seed::default(),
        denied: Vec::new(),
    };
    recorder.record(Entry { filters: vec![run], ..entry(1) });
    let project = entry(1).project;
    assert_eq!(recorder.configurations(&project), [unused].into());
    assert!(recorder.configurations(&"other".parse().unwrap()).is_empty());
    assert!(recorder.refers_to_module(&used) && !recorder.refers_to_module(&unused));
    for millis in 2..=9 {
        recorder.record(entry(millis));
    }
    assert!(!recorder.refers_to_module(&used));
    assert!(recorder.configurations(&project).is_empty());
}

#[tokio::test]
async fn subscribers_are_told_of_every_record() {
    let recorder = Recorder::new(Limits::default());
    recorder.record(entry(1));
    let mut tail = recorder.subscribe();
    recorder.record(Entry { capture: Some(captured(false, 10)), ..entry(2) });
    let told = tail.recv().await.unwrap();
    assert_eq!(told.received, 2);
    assert!(told.capture.is_some());
    assert!(tail.is_empty());
}
