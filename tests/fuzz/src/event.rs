//! Events as senders may send them, and what filters may say about them, made out of the input's bytes.

use std::{net::Ipv4Addr, sync::Arc};

use arbitrary::{Result, Unstructured};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, uri::PathAndQuery};
use model::{
    Draft, Edit, Event, EventId, Limits, Name, Rejection, Response, Scheme, Timestamp, Verdict, headers::are_tokens,
    verdict::Header,
};

/// Words that are worth trying: those that are right, and all the others.
pub(crate) type Words = (&'static [&'static str], &'static [&'static str]);

/// The host's own headers among the wrong ones.
const NAMES: Words = (
    &["x-a", "X-A", "x-b", "content-type", "set-cookie"],
    &[
        "content-length",
        "Content-Length",
        "transfer-encoding",
        "host",
        "Host",
        "connection",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "forwarded",
        "x-forwarded-for",
        "X-Forwarded-Other",
        "via",
        "traceparent",
        "snaphook-event",
        "",
        "a b",
        "a:b",
        "a\r\nb",
        "é",
        "a\"b",
    ],
);
const VALUES: Words =
    (&["", "1", " a ", "a\tb", "é", "chunked"], &["a\r\nx-smuggled: 1", "a\nb", "a\0b", "\u{7f}", "\u{1b}[31m"]);
const METHODS: Words = (&["GET", "POST", "post", "M-SEARCH"], &["CONNECT", "", "A B", "GET / HTTP/1.1\r\n", "é"]);
const PATHS: Words = (
    &["/", "/hook", "//", "/%zz", "/..", "/\"{}"],
    &["/a?b", "/a#b", "/a b", "hook", "", "*", "/é", "/a\r\nb", "/`<>", "http://a/"],
);
const QUERIES: Words = (&["", "a=b", "a?b", "`{}|"], &["a#b", "a b", "é", "a\r\nb", "\"", "<>"]);
const POINTERS: Words = (&["/a", "/a/0", "/a/-", "/b", "/~0"], &["", "/a/b", "/-", "/~2", "a", "/a/b/c/d/e"]);
const JSON: Words = (
    &["{}", "[]", "1", "{\"a\":[1,{\"b\":null}]}", "{\"a\":1,\"a\":2}", "\"é\"", " [ ] "],
    &["{", "", "\"", "01", "[1,]"],
);
const DESTINATIONS: Words = (&["ci", "chat", "files"], &["nowhere", "", "CI", "ci "]);

/// A word, mostly a right one, or what chance makes of one.
pub(crate) fn text(input: &mut Unstructured<'_>, (right, wrong): Words) -> Result<String> {
    let word = *input.choose(right)?;
    Ok(match input.int_in_range(0..=19)? {
        0..=14 => word.to_owned(),
        15..=16 => (*input.choose(wrong)?).to_owned(),
        17 => format!("{word}{}", input.arbitrary::<&str>()?),
        18 => word.repeat(input.int_in_range(0..=2_000)?),
        _ => input.arbitrary::<&str>()?.to_owned(),
    })
}

fn bytes(input: &mut Unstructured<'_>, words: Words) -> Result<Vec<u8>> {
    if input.ratio(1, 12)? { Ok(input.arbitrary::<&[u8]>()?.to_vec()) } else { Ok(text(input, words)?.into_bytes()) }
}

/// A list of up to so many.
pub(crate) fn list<'a, T>(
    input: &mut Unstructured<'a>,
    most: usize,
    mut one: impl FnMut(&mut Unstructured<'a>) -> Result<T>,
) -> Result<Vec<T>> {
    let length = input.int_in_range(0..=most)?;
    (0..length).map(|_| one(input)).collect()
}

/// The event as the gateway hands it on, with this body.
pub(crate) fn event(input: &mut Unstructured<'_>, body: Option<Bytes>) -> Result<Event> {
    let name = |text: &str| text.parse::<Name>().expect("a name");
    let target = format!("{}?{}", text(input, PATHS)?, text(input, QUERIES)?);
    let target: PathAndQuery = target.parse().unwrap_or_else(|_| PathAndQuery::from_static("/"));
    let path = if target.path().starts_with('/') { target.path() } else { "/" };
    let mut headers = HeaderMap::new();
    // Senders say what the host alone may say to others.
    let sent = |input: &mut Unstructured<'_>| Ok(((*input.choose(NAMES.1)?).to_owned(), bytes(input, VALUES)?));
    for (name, value) in list(input, 6, header)?.into_iter().chain(list(input, 6, sent)?) {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(&value)) {
            headers.append(name, value);
        }
    }
    assert!(are_tokens(&headers), "{headers:?}");
    Ok(Event {
        id: EventId::new(Timestamp::from_millis(1_790_000_000_000), 7),
        project: name("default"),
        route: name("hooks"),
        received: Timestamp::from_millis(1_790_000_000_000),
        source: Ipv4Addr::LOCALHOST.into(),
        scheme: Scheme::Http,
        method: Method::from_bytes(text(input, METHODS)?.as_bytes()).unwrap_or(Method::POST),
        authority: "hooks.example.com".to_owned(),
        path: path.to_owned(),
        query: target.query().map(str::to_owned),
        headers: Arc::new(headers),
        body,
        replay: false,
        attributes: vec![("path.team".to_owned(), "a".to_owned())],
    })
}

/// An event on its way, with the body of a webhook or of anything.
pub(crate) fn draft(input: &mut Unstructured<'_>) -> Result<Draft> {
    let body = if input.ratio(1, 8)? { None } else { Some(bytes(input, JSON)?.into()) };
    let mut draft = Draft::new(event(input, body)?);
    if input.arbitrary()? {
        draft.chosen = Some(vec!["ci".parse().expect("a name")]);
    }
    if input.arbitrary()? {
        // What an earlier filter looked at is kept.
        _ = draft.document();
    }
    Ok(draft)
}

/// Those of a route, as often as not smaller than what a filter hands over.
pub(crate) fn limits(input: &mut Unstructured<'_>) -> Result<Limits> {
    let mut limits = Limits::default();
    if input.arbitrary()? {
        limits.edits = input.int_in_range(1..=8)?;
        limits.headers = input.int_in_range(1..=12)?;
        limits.header_bytes = input.int_in_range(1..=200)?;
        limits.output_bytes = input.int_in_range(1..=100)?;
    }
    Ok(limits)
}

/// The destinations that a route lists.
pub(crate) fn destinations() -> Vec<Name> {
    ["ci", "chat", "files"].map(|name| name.parse().expect("a name")).into()
}

/// A header as a guest may write it.
pub(crate) fn header(input: &mut Unstructured<'_>) -> Result<Header> {
    Ok((text(input, NAMES)?, bytes(input, VALUES)?))
}

pub(crate) fn response(input: &mut Unstructured<'_>) -> Result<Response> {
    let status = *input.choose(&[200, 200, 204, 304, 400, 400, 404, 503, 599, 100, 199, 600, 0, u16::MAX])?;
    Ok(Response { status, headers: list(input, 6, header)?, body: bytes(input, JSON)?.into() })
}

pub(crate) fn verdict(input: &mut Unstructured<'_>) -> Result<Verdict> {
    Ok(match input.int_in_range(0..=11)? {
        0 => Verdict::Pass,
        1 => {
            let Response { status, headers, .. } = response(input)?;
            Verdict::Reject(Rejection { status, headers, reason: text(input, VALUES)? })
        }
        2 => Verdict::Respond(response(input)?),
        3 => Verdict::Drop { reason: text(input, VALUES)? },
        4 => Verdict::RetryLater { seconds: input.arbitrary()? },
        _ => Verdict::Edit(list(input, 8, edit)?),
    })
}

fn edit(input: &mut Unstructured<'_>) -> Result<Edit> {
    Ok(match input.int_in_range(0..=11)? {
        0 | 1 => Edit::SetHeader(header(input)?),
        2 | 3 => Edit::AppendHeader(header(input)?),
        4 => Edit::RemoveHeader(text(input, NAMES)?),
        5 => Edit::SetMethod(text(input, METHODS)?),
        6 => Edit::SetPath(text(input, PATHS)?),
        7 => Edit::SetQuery(if input.arbitrary()? { Some(text(input, QUERIES)?) } else { None }),
        8 => Edit::ReplaceBody(bytes(input, JSON)?.into()),
        9 => Edit::JsonSet { pointer: text(input, POINTERS)?, value: text(input, JSON)? },
        10 => Edit::JsonRemove { pointer: text(input, POINTERS)? },
        _ => Edit::Choose(list(input, 3, |input| text(input, DESTINATIONS))?),
    })
}
