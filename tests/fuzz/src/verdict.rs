//! Applying verdicts: whatever a filter hands over about whatever event, what goes on is well-formed HTTP, and nothing is
//! touched that a filter may not touch.

use arbitrary::{Result, Unstructured};
use http::HeaderMap;
use model::{
    Draft, Edit, Limits, Name, Phase, Verdict,
    apply::{BadOutput, CheckedAnswer, Rules, Step, apply},
    limits::TARGET_BYTES_MOST,
};

use crate::event;

/// Headers that the host alone sets, beside those that begin with `x-forwarded-`.
const OF_THE_HOST: [&str; 15] = [
    "connection",
    "content-length",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "traceparent",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

pub fn run(bytes: &[u8]) {
    // Input that ends too early makes nothing.
    _ = attempt(&mut Unstructured::new(bytes));
}

fn attempt(input: &mut Unstructured<'_>) -> Result<()> {
    let (mut draft, limits) = (event::draft(input)?, event::limits(input)?);
    let phase = match input.ratio(1, 6)? {
        true => Phase::Destination { name: "ci".parse().expect("a name"), attempt: 1 },
        false => Phase::Route,
    };
    // No event is longer than its route allows.
    let body_limit = (*input.choose(&[0, 8, 100, 1 << 20])?).max(draft.body().len() as u64);
    let rules = Rules {
        phase: &phase,
        destinations: &event::destinations(),
        exactly_one: input.arbitrary()?,
        limits: &limits,
        body_limit,
    };
    // A chain: what one filter made is what the next one is given.
    for _ in 0..input.int_in_range(1..=3)? {
        let (before, verdict) = (draft.clone(), event::verdict(input)?);
        let applied = apply(&mut draft, verdict.clone(), &rules);
        holds(&before, &draft, &verdict, &applied, &rules);
    }
    Ok(())
}

/// What must hold after a verdict was applied, or was not.
fn holds(before: &Draft, after: &Draft, verdict: &Verdict, applied: &Result<Step, BadOutput>, rules: &Rules<'_>) {
    untouched(before, after);
    match applied {
        Ok(Step::Next) => {
            let edits = if let Verdict::Edit(edits) = verdict { edits.as_slice() } else { &[] };
            assert!(edits.len() <= rules.limits.edits);
            edited(before, after, edits, rules);
        }
        Ok(step) => {
            unchanged(before, after);
            ended(step, rules.limits);
        }
        Err(bad) => {
            unchanged(before, after);
            let shown = bad.to_string();
            assert!(!bad.at.is_empty() && !bad.problem.is_empty() && !shown.contains(char::is_control), "{shown:?}");
            assert!(shown.len() < 2_000, "{shown:?}");
        }
    }
}

/// What no verdict changes.
fn untouched(before: &Draft, after: &Draft) {
    let (one, other) = (&before.current, &after.current);
    assert_eq!((one.id, &one.project, &one.route), (other.id, &other.project, &other.route));
    assert_eq!((one.received, one.source, one.scheme), (other.received, other.source, other.scheme));
    assert_eq!((&one.authority, one.replay), (&other.authority, other.replay));
    assert_eq!((&one.attributes, &before.original), (&other.attributes, &after.original));
    assert_eq!(before.annotations, after.annotations);
    if let Some(Ok(document)) = &after.document {
        assert_eq!(document.source(), after.body(), "the document is not that of the body");
    }
}

/// The draft is as it was; only its body may have been read as JSON.
pub(crate) fn unchanged(before: &Draft, after: &Draft) {
    let (one, other) = (&before.current, &after.current);
    assert_eq!((&one.method, &one.path, &one.query), (&other.method, &other.path, &other.query));
    assert_eq!((&one.body, &before.chosen), (&other.body, &after.chosen));
    assert_eq!(lines(&one.headers), lines(&other.headers));
}

fn edited(before: &Draft, after: &Draft, edits: &[Edit], rules: &Rules<'_>) {
    let (one, other) = (&before.current, &after.current);
    if other.method != one.method {
        assert!(other.method != http::Method::CONNECT && other.method.as_str().len() <= 32, "{}", other.method);
    }
    if (&other.path, &other.query) != (&one.path, &one.query) {
        let query = other.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        assert!(other.path.len() + query.len() <= TARGET_BYTES_MOST);
    }
    if other.path != one.path {
        assert!(other.path.starts_with('/') && !other.path.contains('?'), "{:?}", other.path);
        plain(&other.path);
    }
    if let (Some(query), true) = (&other.query, other.query != one.query) {
        plain(query);
    }
    if other.body != one.body {
        assert!(after.body().len() as u64 <= rules.body_limit);
    }
    match (&after.chosen, &before.chosen) {
        (now, then) if now == then => {}
        (Some(chosen), _) => {
            assert!(matches!(rules.phase, Phase::Route));
            assert!(!chosen.is_empty() && (chosen.len() == 1 || !rules.exactly_one), "{chosen:?}");
            let listed = |name: &Name| rules.destinations.contains(name);
            let once = |name: &Name| chosen.iter().filter(|other| *other == name).count() == 1;
            assert!(chosen.iter().all(|name| listed(name) && once(name)), "{chosen:?}");
        }
        (None, _) => panic!("a choice was taken back"),
    }
    headers(&one.headers, &other.headers, edits, rules.limits);
    carried(before, after);
}

/// What goes on is well-formed, and the host's own headers are as they were.
pub(crate) fn carried(before: &Draft, after: &Draft) {
    assert_eq!(of_the_host(&before.current.headers), of_the_host(&after.current.headers));
    request(&after.current);
}

/// Nothing that ends a request's line or begins something else in it.
fn plain(text: &str) {
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'), "{text:?}");
}

fn headers(before: &HeaderMap, after: &HeaderMap, edits: &[Edit], limits: &Limits) {
    assert_eq!(lines(after), remade(before, edits));
    let bytes =
        |headers: &HeaderMap| headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>();
    if after.len() > before.len() || bytes(after) > bytes(before) {
        assert!(after.len() <= limits.headers && bytes(after) <= limits.header_bytes, "{after:?}");
    }
}

/// Those that a filter must not set, with exact values.
fn of_the_host(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    let own = |name: &str| OF_THE_HOST.contains(&name) || name.starts_with("x-forwarded-");
    lines(headers).into_iter().filter(|(name, _)| own(name)).collect()
}

fn lines(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect()
}

/// What the edits make of the headers, one after the other: names in the order of their first appearance.
fn remade(before: &HeaderMap, edits: &[Edit]) -> Vec<(String, Vec<u8>)> {
    let mut names: Vec<(String, Vec<Vec<u8>>)> = Vec::new();
    let add = |names: &mut Vec<(String, Vec<Vec<u8>>)>, name: &str, value: &[u8], keep: bool| {
        let name = name.to_ascii_lowercase();
        match names.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) if keep => values.push(value.to_vec()),
            Some((_, values)) => *values = vec![value.to_vec()],
            None => names.push((name, vec![value.to_vec()])),
        }
    };
    before.iter().for_each(|(name, value)| add(&mut names, name.as_str(), value.as_bytes(), true));
    for edit in edits {
        match edit {
            Edit::SetHeader((name, value)) => add(&mut names, name, value, false),
            Edit::AppendHeader((name, value)) => add(&mut names, name, value, true),
            Edit::RemoveHeader(name) => names.retain(|(known, _)| !known.eq_ignore_ascii_case(name)),
            _ => {}
        }
    }
    names.into_iter().flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value))).collect()
}

/// Written down, it is one request that another parser reads as it is meant.
fn request(event: &model::Event) {
    let target = match &event.query {
        Some(query) => format!("{}?{query}", event.path),
        None => event.path.clone(),
    };
    let head = format!("{} {target} HTTP/1.1\r\n", event.method);
    let head = written(head.into_bytes(), &event.headers);
    let mut room = vec![httparse::EMPTY_HEADER; event.headers.len()];
    let mut read = httparse::Request::new(&mut room);
    let parsed = read.parse(&head);
    assert_eq!(parsed, Ok(httparse::Status::Complete(head.len())), "{}", head.escape_ascii());
    assert_eq!((read.method, read.path), (Some(event.method.as_str()), Some(target.as_str())));
    same(read.headers, &event.headers);
}

/// How a chain ends, with an answer that another parser reads as it is meant.
pub(crate) fn ended(step: &Step, limits: &Limits) {
    let (answer, statuses) = match step {
        Step::Reject { answer, reason } => {
            reasoned(reason);
            (answer, 400..=599)
        }
        Step::Respond { answer } => (answer, 200..=599),
        Step::Drop { reason } => return reasoned(reason),
        Step::RetryLater { .. } | Step::Next => return,
    };
    let CheckedAnswer { status, headers, body } = answer;
    assert!(statuses.contains(&status.as_u16()), "{status}");
    assert!(body.len() <= limits.output_bytes && headers.len() <= limits.headers);
    assert!(!matches!(status.as_u16(), 204 | 205 | 304) || body.is_empty(), "{status}");
    assert_eq!(of_the_host(headers), []);
    let head = written(format!("HTTP/1.1 {} Said\r\n", status.as_u16()).into_bytes(), headers);
    let mut room = vec![httparse::EMPTY_HEADER; headers.len()];
    let mut read = httparse::Response::new(&mut room);
    let parsed = read.parse(&head);
    assert_eq!(parsed, Ok(httparse::Status::Complete(head.len())), "{}", head.escape_ascii());
    same(read.headers, headers);
}

/// A reason goes into a line of a log.
fn reasoned(reason: &str) {
    assert!(reason.len() <= 1_024 && !reason.contains(char::is_control), "{reason:?}");
}

fn written(mut head: Vec<u8>, headers: &HeaderMap) -> Vec<u8> {
    for (name, value) in headers {
        head.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    head.extend(b"\r\n");
    head
}

fn same(read: &[httparse::Header<'_>], meant: &HeaderMap) {
    let read: Vec<_> = read.iter().map(|line| (line.name, line.value.trim_ascii())).collect();
    let meant: Vec<_> = meant.iter().map(|(name, value)| (name.as_str(), value.as_bytes().trim_ascii())).collect();
    assert_eq!(read, meant);
}
