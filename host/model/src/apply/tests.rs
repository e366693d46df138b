use std::{net::Ipv4Addr, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, Method, uri::PathAndQuery};
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{Edit, Event, EventId, Rejection, Response, Timestamp, event::Scheme, limits, verdict::Header};

fn draft_of(headers: &[(&str, &str)], body: &str) -> Draft {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap());
    }
    Draft::new(Event {
        id: EventId::new(Timestamp::from_millis(1), 1),
        project: "team".parse().unwrap(),
        route: "hooks".parse().unwrap(),
        received: Timestamp::from_millis(1),
        source: Ipv4Addr::LOCALHOST.into(),
        scheme: Scheme::Https,
        method: Method::POST,
        authority: "hooks.example.com".to_owned(),
        path: "/hooks".to_owned(),
        query: Some("a=b".to_owned()),
        headers: Arc::new(map),
        body: Some(Bytes::copy_from_slice(body.as_bytes())),
        replay: false,
        attributes: Vec::new(),
    })
}

fn draft() -> Draft {
    draft_of(&[("content-type", "application/json"), ("x-a", "1"), ("x-b", "2"), ("x-a", "3")], r#"{"a": 1}"#)
}

const TO_DESTINATION: fn() -> Phase = || Phase::Destination { name: "ci".parse().unwrap(), attempt: 1 };

#[derive(Clone)]
struct Setting {
    phase: Phase,
    destinations: Vec<Name>,
    exactly_one: bool,
    limits: Limits,
    body_limit: u64,
}

impl Default for Setting {
    fn default() -> Self {
        let destinations = ["ci", "chat", "billing"].map(|name| name.parse().unwrap()).to_vec();
        let (limits, body_limit) = (Limits::default(), limits::BODY_BYTES);
        Self { phase: Phase::Route, destinations, exactly_one: true, limits, body_limit }
    }
}

impl Setting {
    fn apply(&self, draft: &mut Draft, verdict: Verdict) -> Result<Step, BadOutput> {
        let Self { phase, destinations, exactly_one, limits, body_limit } = self;
        let rules = Rules { phase, destinations, exactly_one: *exactly_one, limits, body_limit: *body_limit };
        apply(draft, verdict, &rules)
    }
}

/// All that edits can change.
fn shown(draft: &Draft) -> String {
    let event = &draft.current;
    let query = event.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
    let headers = event.headers.iter().map(|(name, value)| format!("{name}: {}", value.as_bytes().escape_ascii()));
    let headers: Vec<String> = headers.collect();
    let body = event.body.as_ref().map(|body| body.escape_ascii().to_string());
    let chosen = &draft.chosen;
    format!("{} {}{query} {} {body:?} {chosen:?}", event.method, event.path, headers.join(", "))
}

fn header_lines(draft: &Draft) -> String {
    let lines = draft.current.headers.iter().map(|(name, value)| format!("{name}={}", value.to_str().unwrap()));
    lines.collect::<Vec<_>>().join(" ")
}

fn header(name: &str, value: &str) -> Header {
    (name.to_owned(), value.as_bytes().to_vec())
}

fn set(name: &str, value: &str) -> Edit {
    Edit::SetHeader(header(name, value))
}

fn append(name: &str, value: &str) -> Edit {
    Edit::AppendHeader(header(name, value))
}

fn remove(name: &str) -> Edit {
    Edit::RemoveHeader(name.to_owned())
}

fn json_set(pointer: &str, value: &str) -> Edit {
    Edit::JsonSet { pointer: pointer.to_owned(), value: value.to_owned() }
}

fn json_remove(pointer: &str) -> Edit {
    Edit::JsonRemove { pointer: pointer.to_owned() }
}

fn choose(names: &[&str]) -> Edit {
    Edit::Choose(names.iter().map(|&name| name.to_owned()).collect())
}

#[track_caller]
fn edited(edits: Vec<Edit>) -> Draft {
    let mut draft = draft();
    assert_eq!(Setting::default().apply(&mut draft, Verdict::Edit(edits)), Ok(Step::Next));
    draft
}

/// The error of an edit behind one that is right, which must not be made.
#[track_caller]
fn refused_in(setting: &Setting, edit: Edit) -> String {
    let mut draft = draft();
    let before = shown(&draft);
    let edits = vec![set("x-new", "1"), Edit::ReplaceBody("[]".into()), edit];
    let said = setting.apply(&mut draft, Verdict::Edit(edits)).unwrap_err().to_string();
    assert_eq!(shown(&draft), before);
    said
}

#[track_caller]
fn refused(edit: Edit) -> String {
    refused_in(&Setting::default(), edit)
}

#[test]
fn passing_changes_nothing() {
    for verdict in [Verdict::Pass, Verdict::Edit(Vec::new())] {
        let mut draft = draft();
        let before = shown(&draft);
        let body = draft.body().as_ptr();
        assert_eq!(Setting::default().apply(&mut draft, verdict), Ok(Step::Next));
        assert_eq!(shown(&draft), before);
        assert_eq!(draft.body().as_ptr(), body);
    }
}

#[test]
fn every_edit_does_what_it_says() {
    let draft = edited(vec![
        set("X-A", "9"),
        append("X-B", "3"),
        remove("Content-Type"),
        Edit::SetMethod("PUT".to_owned()),
        Edit::SetPath("/other/%20path".to_owned()),
        Edit::SetQuery(Some("q={1}?".to_owned())),
        Edit::ReplaceBody("[1]".into()),
        choose(&["chat"]),
    ]);
    assert_eq!(shown(&draft), "PUT /other/%20path?q={1}? x-a: 9, x-b: 2, x-b: 3 Some(\"[1]\") Some([Name(\"chat\")])");
    assert_eq!(&draft.original[..], br#"{"a": 1}"#);
    assert_eq!(edited(vec![Edit::SetQuery(None)]).current.query, None);
    assert_eq!(edited(vec![Edit::SetQuery(Some(String::new()))]).current.query.as_deref(), Some(""));
}

#[test]
fn a_choice_of_several_is_for_modes_that_take_several() {
    let setting = Setting { exactly_one: false, ..Setting::default() };
    let mut draft = draft();
    setting.apply(&mut draft, Verdict::Edit(vec![choose(&["chat", "ci"])])).unwrap();
    assert_eq!(draft.chosen, Some(vec!["chat".parse().unwrap(), "ci".parse().unwrap()]));
    setting.apply(&mut draft, Verdict::Edit(vec![set("x", "1")])).unwrap();
    assert_eq!(draft.chosen.as_ref().map(Vec::len), Some(2));
    setting.apply(&mut draft, Verdict::Edit(vec![choose(&["chat"]), choose(&["billing"])])).unwrap();
    assert_eq!(draft.chosen, Some(vec!["billing".parse().unwrap()]));
    assert_eq!(
        refused_in(&setting, choose(&["ci", "chat", "ci"])),
        "edits[2] (choose ci, chat, ci): `ci` is there twice"
    );
}

#[test]
fn what_cannot_be_chosen_is_refused() {
    assert_eq!(
        refused(choose(&["ci", "chat"])),
        "edits[2] (choose ci, chat): 2 destinations are too many: in mode `forward` choose one"
    );
    for name in ["elsewhere", "CI", "", "\n"] {
        let shown = name.escape_default();
        assert_eq!(
            refused(choose(&[name])),
            format!(
                "edits[2] (choose {shown}): `{shown}` is not one of the route's destinations, `ci`, `chat`, `billing`"
            )
        );
    }
    assert_eq!(refused(choose(&[])), "edits[2] (choose ): name at least one destination, or drop the event");
    let setting = Setting { phase: TO_DESTINATION(), ..Setting::default() };
    assert_eq!(
        refused_in(&setting, choose(&["ci"])),
        "edits[2] (choose ci): in phase `destination` the choice is made"
    );
}

#[test]
fn removing_a_header_keeps_the_order_of_the_others() {
    let after = |edits: Vec<Edit>| {
        let mut draft = draft_of(&[("a", "1"), ("b", "2"), ("a", "3"), ("c", "4"), ("d", "5"), ("c", "6")], "");
        Setting::default().apply(&mut draft, Verdict::Edit(edits)).unwrap();
        header_lines(&draft)
    };
    assert_eq!(after(vec![remove("b")]), "a=1 a=3 c=4 c=6 d=5");
    assert_eq!(after(vec![remove("a")]), "b=2 c=4 c=6 d=5");
    assert_eq!(after(vec![remove("d")]), "a=1 a=3 b=2 c=4 c=6");
    assert_eq!(after(vec![remove("a"), remove("d"), remove("none")]), "b=2 c=4 c=6");
    assert_eq!(
        after(vec![append("e", "7"), remove("a"), append("f", "8"), append("e", "9")]),
        "b=2 c=4 c=6 d=5 e=7 e=9 f=8"
    );
    assert_eq!(after(vec![remove("a"), append("e", "7"), remove("b"), set("f", "8"), remove("e")]), "c=4 c=6 d=5 f=8");
    assert_eq!(after(vec![set("a", "0"), remove("c"), append("b", "3")]), "a=0 b=2 b=3 d=5");
    assert_eq!(
        after(vec![remove("d"), set("e", "7"), set("d", "8"), remove("b"), set("b", "9")]),
        "a=1 a=3 c=4 c=6 e=7 d=8 b=9"
    );
    assert_eq!(after(["a", "b", "c", "d"].map(remove).to_vec()), "");
}

#[test]
fn headers_that_nobody_shares_are_changed_in_place() {
    let mut draft = draft();
    let place = Arc::as_ptr(&draft.current.headers);
    Setting::default().apply(&mut draft, Verdict::Edit(vec![set("x-a", "9"), remove("x-b")])).unwrap();
    assert_eq!(Arc::as_ptr(&draft.current.headers), place);
    let shared = Arc::clone(&draft.current.headers);
    Setting::default().apply(&mut draft, Verdict::Edit(vec![set("x-a", "10")])).unwrap();
    assert_eq!((&shared["x-a"], &draft.current.headers["x-a"]), (&"9".parse().unwrap(), &"10".parse().unwrap()));
}

#[test]
fn header_values_keep_their_bytes() {
    let mut draft = draft();
    let value = b"\x80\xff\tx ".to_vec();
    let edit = Edit::SetHeader(("x-raw".to_owned(), value.clone()));
    Setting::default().apply(&mut draft, Verdict::Edit(vec![edit])).unwrap();
    assert_eq!(draft.current.headers["x-raw"].as_bytes(), value);
}

#[test]
fn headers_of_the_host_are_refused() {
    for name in [
        "Connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "Transfer-Encoding",
        "upgrade",
        "content-length",
        "HOST",
        "expect",
        "forwarded",
        "x-forwarded-for",
        "X-Forwarded-Anything",
        "traceparent",
        "via",
    ] {
        let problem = format!("`{}` is set by the host alone", name.to_ascii_lowercase());
        assert_eq!(refused(set(name, "1")), format!("edits[2] (set header {name}: 1): {problem}"));
        assert_eq!(refused(append(name, "1")), format!("edits[2] (append header {name}: 1): {problem}"));
        assert_eq!(refused(remove(name)), format!("edits[2] (remove header {name}): {problem}"));
        let rejection =
            Rejection { status: 401, headers: vec![header("x", "1"), header(name, "1")], reason: String::new() };
        let said = Setting::default().apply(&mut draft(), Verdict::Reject(rejection)).unwrap_err().to_string();
        assert_eq!(said, format!("reject.headers[1] ({name}): {problem}"));
    }
}

#[test]
fn what_is_no_header_is_refused() {
    for name in ["", " ", "a b", "a:b", ":path", "é", "a\r\nb", "a\0"] {
        let said = refused(set(name, "1"));
        assert!(said.contains("is no header name: letters, digits and"), "{said}");
        assert!(!said.contains(['\r', '\n', '\0']), "{said}");
        assert!(refused(remove(name)).contains("is no header name"));
    }
    for value in ["a\r\nx-b: 1", "\n", "\r", "\0", "\u{7f}", "\u{1b}"] {
        let said = refused(append("X-C", value));
        assert!(said.ends_with("the value of `x-c` holds a control character; only tab is allowed"), "{said}");
        assert!(!said.contains(char::is_control), "{said}");
    }
    let long = refused(set(&"x".repeat(30_000), "\n"));
    assert!(long.len() < 400 && long.contains("x…` holds a control character"), "{long}");
}

#[test]
fn the_headers_after_the_edits_are_within_the_limits() {
    let limits = Limits { headers: 5, header_bytes: 60, ..Limits::default() };
    let setting = Setting { limits, ..Setting::default() };
    let apply = |edits: Vec<Edit>| {
        let mut draft = draft();
        let before = shown(&draft);
        let step = setting.apply(&mut draft, Verdict::Edit(edits)).map_err(|error| error.to_string());
        assert!(step.is_ok() || shown(&draft) == before);
        step.map(|_| header_lines(&draft))
    };
    let kept = "content-type=application/json x-a=1 x-a=3 x-b=2";
    assert_eq!(apply(vec![append("x-b", "4")]), Ok(format!("{kept} x-b=4")));
    assert_eq!(apply(vec![append("x", "4"), append("y", "4"), remove("x")]), Ok(format!("{kept} y=4")));
    assert_eq!(apply(vec![set("x-a", "4"), append("x", "4"), append("y", "4")]).map(|_| ()), Ok(()));
    assert_eq!(
        apply(vec![append("x", "4"), append("y", "4")]),
        Err("edits: 6 headers are too many: `limits.headers` is 5".to_owned())
    );
    assert_eq!(
        apply(vec![set("x-b", &"2".repeat(100))]),
        Err("edits: 139 bytes of headers are too many: `limits.header_bytes` is 60".to_owned())
    );
    // What came with the event is not the filter's fault.
    let limits = Limits { headers: 2, header_bytes: 10, ..Limits::default() };
    let setting = Setting { limits, ..Setting::default() };
    for fine in [vec![remove("x-b")], vec![set("x-b", "3")], vec![Edit::SetPath("/".to_owned())]] {
        assert_eq!(setting.apply(&mut draft(), Verdict::Edit(fine)), Ok(Step::Next));
    }
    assert!(setting.apply(&mut draft(), Verdict::Edit(vec![append("x", "")])).is_err());
}

#[test]
fn more_headers_than_a_map_holds_are_refused() {
    let limits = Limits { headers: 100_000, header_bytes: 10 << 20, edits: 100_000, ..Limits::default() };
    let setting = Setting { limits, ..Setting::default() };
    let mut draft = draft();
    let before = shown(&draft);
    let edits = (0..40_000).map(|index| append(&format!("x-{index}"), "")).collect();
    let said = setting.apply(&mut draft, Verdict::Edit(edits)).unwrap_err().to_string();
    assert_eq!(said, "edits: the headers are too many");
    assert_eq!(shown(&draft), before);
}

#[test]
fn what_is_no_method_is_refused() {
    let long = "A".repeat(limits::METHOD_BYTES_MOST + 1);
    for method in ["", "A B", "é", "GET\r\n", &long] {
        let said = refused(Edit::SetMethod(method.to_owned()));
        assert!(said.ends_with("` is no method: a word such as `POST`"), "{said}");
    }
    assert!(refused(Edit::SetMethod("CONNECT".to_owned())).ends_with("asks for a tunnel, and the host makes none"));
    assert_eq!(edited(vec![Edit::SetMethod("x-Custom".to_owned())]).current.method.as_str(), "x-Custom");
}

#[test]
fn what_is_no_path_or_query_is_refused() {
    for path in ["", "a", "*", "?a", "http://x/"] {
        let said = refused(Edit::SetPath(path.to_owned()));
        assert!(said.ends_with("is no path: it must begin with `/`"), "{said}");
    }
    for path in ["/a b", "/a?b", "/a#b", "/é", "/a\r\nb", "/\0", "/\u{7f}", "/<", "/>", "/`"] {
        let said = refused(Edit::SetPath(path.to_owned()));
        assert!(said.ends_with("is no path: percent-encode spaces, `?#<>`, backticks and non-ASCII"), "{said}");
    }
    for query in ["a b", "a#b", "é", "a\nb", "<", ">", "\""] {
        let said = refused(Edit::SetQuery(Some(query.to_owned())));
        assert!(said.ends_with("is no query: percent-encode spaces, `\"#<>` and non-ASCII"), "{said}");
    }
    // Whatever else can be typed is fine.
    let typed: String = (b'!'..=b'~').map(char::from).collect();
    edited(vec![Edit::SetPath(format!("/{}", typed.replace(['?', '#', '<', '>', '`'], "")))]);
    edited(vec![Edit::SetQuery(Some(typed.replace(['"', '#', '<', '>'], "")))]);
}

#[test]
fn path_and_query_are_not_too_long() {
    let half = "a".repeat(limits::TARGET_BYTES_MOST / 2);
    edited(vec![Edit::SetPath(format!("/{}", &half[2..])), Edit::SetQuery(Some(half.clone()))]);
    for edits in [
        vec![Edit::SetPath(format!("/{half}")), Edit::SetQuery(Some(half.clone()))],
        vec![Edit::SetPath(format!("/{half}{half}"))],
        vec![Edit::SetQuery(Some(half.repeat(10)))],
    ] {
        let mut draft = draft();
        let said = Setting::default().apply(&mut draft, Verdict::Edit(edits)).unwrap_err().to_string();
        assert!(said.ends_with("bytes of path and query are too many: at most 32768"), "{said}");
        assert_eq!(draft.current.path, "/hooks");
    }
}

#[test]
fn body_edits_are_made_in_order() {
    let mut draft = edited(vec![
        json_set("/b", "[]"),
        Edit::ReplaceBody(r#"{"x": {"y": 1.50}, "z": 2}"#.into()),
        json_set("/x/w", "\"é\""),
        json_remove("/z"),
        json_remove("/nothing"),
        set("x-c", "1"),
    ]);
    assert_eq!(&draft.body()[..], r#"{"x": {"y": 1.50,"w":"é"}}"#.as_bytes());
    assert_eq!(draft.current.headers["content-type"], "application/json");
    assert_eq!(draft.document().unwrap().text("/x/w").unwrap().as_deref(), Some("é"));
    Setting::default().apply(&mut draft, Verdict::Edit(vec![Edit::ReplaceBody("[7]".into())])).unwrap();
    assert_eq!(draft.document().unwrap().get("/0"), Ok(Some("7")));
    Setting::default().apply(&mut draft, Verdict::Edit(vec![json_set("/0", "8")])).unwrap();
    assert_eq!(draft.document().unwrap().get(""), Ok(Some("[8]")));
    assert_eq!(&draft.original[..], br#"{"a": 1}"#);
}

#[test]
fn removing_nothing_keeps_the_hosts_own_bytes() {
    let mut draft = draft();
    let body = draft.body().as_ptr();
    Setting::default().apply(&mut draft, Verdict::Edit(vec![json_remove("/nothing")])).unwrap();
    assert_eq!(draft.body().as_ptr(), body);
}

#[test]
fn json_edits_that_cannot_be_made_say_why() {
    assert_eq!(
        refused(json_set("/5", "1")),
        "edits[2] (set json /5: 1): `/5` leads into an array of 0: write an index up to 0, or `-` to append"
    );
    assert_eq!(
        refused(json_set("/-", "{")),
        "edits[2] (set json /-: {): the value `{` is not JSON: a key in quotes should be at line 1 column 2"
    );
    assert_eq!(
        refused(json_remove("a")),
        "edits[2] (remove json a): `a` is no JSON pointer: it must be empty or begin with `/`"
    );
    let mut draft = draft_of(&[], "a=1");
    let said = Setting::default().apply(&mut draft, Verdict::Edit(vec![json_set("/a", "1")])).unwrap_err();
    assert_eq!(
        said.to_string(),
        "edits[0] (set json /a: 1): the body is not JSON: a value should be at line 1 column 1"
    );
    draft.current.body = None;
    draft.document = None;
    assert!(Setting::default().apply(&mut draft, Verdict::Edit(vec![json_set("/a", "1")])).is_err());
    Setting::default().apply(&mut draft, Verdict::Edit(vec![Edit::ReplaceBody("x".into())])).unwrap();
    assert_eq!(draft.current.body.as_deref(), Some(&b"x"[..]));
}

#[test]
fn bodies_are_within_the_limits() {
    let setting = Setting { body_limit: 10, ..Setting::default() };
    assert_eq!(
        refused_in(&setting, Edit::ReplaceBody(vec![0; 11].into())),
        "edits[2] (replace body (11 bytes)): a body of 11 bytes is too long: the route allows 10"
    );
    assert_eq!(
        refused_in(&setting, json_set("/-", "123456789")),
        "edits[2] (set json /-: 123456789): a body of 11 bytes is too long: the route allows 10"
    );
    let limits = Limits { output_bytes: 10, ..Limits::default() };
    let setting = Setting { limits, ..Setting::default() };
    // Two bytes were handed over before.
    assert_eq!(
        refused_in(&setting, json_set("/-", "1234567")),
        "edits[2] (set json /-: 1234567): 11 bytes handed over are too many: `limits.output_bytes` is 10"
    );
    let response = Response { status: 200, headers: Vec::new(), body: vec![0; 11].into() };
    let said = setting.apply(&mut draft(), Verdict::Respond(response)).unwrap_err().to_string();
    assert_eq!(said, "respond.body: 11 bytes handed over are too many: `limits.output_bytes` is 10");
}

#[test]
fn edits_are_not_too_many() {
    let limits = Limits { edits: 2, ..Limits::default() };
    let setting = Setting { limits, ..Setting::default() };
    assert_eq!(refused_in(&setting, remove("x")), "edits: 3 are too many: `limits.edits` is 2");
}

#[test]
fn json_edits_of_a_long_body_are_bounded() {
    let body = format!("[\"{}\"]", "a".repeat(20 << 20));
    let most = limits::JSON_EDIT_BYTES_MOST / body.len();
    let setting = Setting { body_limit: limits::BODY_BYTES_MOST, ..Setting::default() };
    let mut draft = draft_of(&[], &body);
    setting.apply(&mut draft, Verdict::Edit(vec![json_set("/-", "1"); most])).unwrap();
    let error = setting.apply(&mut draft, Verdict::Edit(vec![json_set("/-", "1"); most + 1])).unwrap_err();
    assert!(error.problem.starts_with("too many JSON edits of a body this long"), "{error}");
}

#[test]
fn answers_are_checked() {
    let respond = |status: u16, headers: Vec<Header>, body: &'static str| {
        let response = Response { status, headers, body: body.into() };
        Setting::default().apply(&mut draft(), Verdict::Respond(response)).map_err(|error| error.to_string())
    };
    let Ok(Step::Respond { answer }) = respond(200, vec![header("X-A", "1"), header("x-a", "2")], "challenge") else {
        panic!("a right response");
    };
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b"challenge"[..]));
    assert_eq!(answer.headers.get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
    assert!(respond(599, vec![], "").is_ok() && respond(304, vec![], "").is_ok());
    for status in [0, 99, 100, 101, 199, 600, 999, 1000, u16::MAX] {
        assert_eq!(respond(status, vec![], ""), Err(format!("respond.status: {status} is not one of 200 to 599")));
    }
    for status in [204, 205, 304] {
        assert_eq!(respond(status, vec![], "x"), Err(format!("respond.body: an answer with status {status} has none")));
    }
    assert_eq!(
        respond(200, vec![header("x", "\n")], ""),
        Err("respond.headers[0] (x): the value of `x` holds a control character; only tab is allowed".to_owned())
    );
    assert_eq!(
        respond(200, vec![header("x", "1"); 257], ""),
        Err("respond.headers: 257 headers are too many: `limits.headers` is 256".to_owned())
    );
    assert_eq!(
        respond(200, vec![header("x", &"y".repeat(65_536))], ""),
        Err("respond.headers: 65537 bytes of headers are too many: `limits.header_bytes` is 65536".to_owned())
    );
    let setting = Setting { phase: TO_DESTINATION(), ..Setting::default() };
    let response = Response { status: 200, headers: Vec::new(), body: Bytes::new() };
    assert_eq!(
        setting.apply(&mut draft(), Verdict::Respond(response)).unwrap_err().to_string(),
        "respond: in phase `destination` no sender waits for an answer"
    );
}

#[test]
fn rejections_are_checked() {
    let reject = |status: u16| {
        let rejection =
            Rejection { status, headers: vec![header("www-authenticate", "x")], reason: "no\nsignature".into() };
        Setting::default().apply(&mut draft(), Verdict::Reject(rejection)).map_err(|error| error.to_string())
    };
    for status in [400, 401, 503, 599] {
        let Ok(Step::Reject { answer, reason }) = reject(status) else { panic!("{status} rejects") };
        assert_eq!((answer.status.as_u16(), answer.headers.len(), answer.body.len()), (status, 1, 0));
        assert_eq!(reason, "no signature");
    }
    for status in [0, 200, 302, 399, 600] {
        assert_eq!(reject(status), Err(format!("reject.status: {status} is not one of 400 to 599")));
    }
}

#[test]
fn the_other_verdicts_become_steps() {
    for phase in [Phase::Route, TO_DESTINATION()] {
        let setting = Setting { phase, ..Setting::default() };
        let step = |verdict: Verdict| setting.apply(&mut draft(), verdict).unwrap();
        assert_eq!(step(Verdict::Drop { reason: "a\0b".to_owned() }), Step::Drop { reason: "a b".to_owned() });
        assert_eq!(step(Verdict::RetryLater { seconds: 7 }), Step::RetryLater { seconds: 7 });
    }
}

#[test]
fn reasons_are_cut_between_characters() {
    assert_eq!(cut_reason("bad\tsignature\r\n"), "bad signature  ");
    assert_eq!(cut_reason(&"a".repeat(2_000)).len(), limits::REASON_BYTES_MOST);
    let cut = cut_reason(&format!("a{}", "é".repeat(2_000)));
    assert_eq!((cut.len(), cut.chars().last()), (limits::REASON_BYTES_MOST - 1, Some('é')));
}

#[test]
fn labels_and_keys_are_checked() {
    assert_eq!(check_label("team.a_b-1", &"é".repeat(128)), Ok(()));
    assert_eq!(check_label(&"a".repeat(64), ""), Ok(()));
    for name in ["", "A", "a b", "é", "a/b", &"a".repeat(65)] {
        assert!(check_label(name, "").unwrap_err().to_string().starts_with("name: `"), "{name}");
    }
    assert_eq!(
        check_label("a", &"b".repeat(257)).unwrap_err().to_string(),
        "value: 257 bytes are too many for a label: at most 256"
    );
    assert_eq!((check_key("a"), check_key(&"a".repeat(255))), (Ok(()), Ok(())));
    assert_eq!(check_key("").unwrap_err().to_string(), "key: 0 bytes is no length of a key: 1 to 255");
    assert!(check_key(&"a".repeat(256)).is_err());
}

#[test]
fn edits_are_described_in_a_line() {
    for (edit, line) in [
        (set("X-Verified", "1"), "set header X-Verified: 1"),
        (append("x", ""), "append header x: "),
        (Edit::SetHeader(("x".to_owned(), b"a\xff\n".to_vec())), "set header x: a\u{fffd}\\n"),
        (set("Authorization", "Bearer x"), "set header Authorization: (8 bytes)"),
        (append("x-api-key", "x"), "append header x-api-key: (1 bytes)"),
        (remove("x"), "remove header x"),
        (Edit::SetMethod("PUT".to_owned()), "set method PUT"),
        (Edit::SetPath("/x".to_owned()), "set path /x"),
        (Edit::SetQuery(Some("a=b".to_owned())), "set query a=b"),
        (Edit::SetQuery(None), "remove query"),
        (Edit::ReplaceBody(vec![0; 123].into()), "replace body (123 bytes)"),
        (json_set("/a", "{\n}"), "set json /a: {\\n}"),
        (json_remove("/a"), "remove json /a"),
        (choose(&["a", "b"]), "choose a, b"),
    ] {
        assert_eq!(describe(&edit), line);
        assert_eq!(Described::new(&edit).to_string(), line);
    }
    assert!(describe(&json_set("/a", &"é".repeat(1 << 20))).len() < 120);
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "x-[abc]",
        1 => Just("Content-Type".to_owned()),
        1 => proptest::sample::select(vec!["host", "Transfer-Encoding", "content-length", "x-forwarded-for", "te"])
            .prop_map(str::to_owned),
        1 => "\\PC{0,3}",
    ]
}

fn some_header() -> impl Strategy<Value = Header> {
    (name(), prop_oneof![4 => "[a-z]{0,20}".prop_map(String::into_bytes), 1 => vec(any::<u8>(), 0..4)])
}

fn some_edit() -> impl Strategy<Value = Edit> {
    let pointer = "(/[ab0-]){0,2}";
    let path = prop_oneof![4 => "/[a-z/%{}]{0,5}", 1 => ".{0,4}"];
    prop_oneof![
        3 => some_header().prop_map(Edit::SetHeader),
        3 => some_header().prop_map(Edit::AppendHeader),
        3 => name().prop_map(Edit::RemoveHeader),
        1 => prop_oneof![4 => "[A-Z]{1,5}", 1 => ".{0,4}"].prop_map(Edit::SetMethod),
        1 => path.prop_map(Edit::SetPath),
        1 => proptest::option::of(prop_oneof![4 => "[a-z=&?]{0,5}", 1 => ".{0,4}"]).prop_map(Edit::SetQuery),
        1 => prop_oneof![Just("{}"), Just("[1]"), Just("no")].prop_map(|body| Edit::ReplaceBody(body.into())),
        2 => (pointer, prop_oneof![4 => Just("{\"b\":[]}"), 1 => Just("1"), 1 => Just("{")])
            .prop_map(|(pointer, value)| json_set(&pointer, value)),
        1 => pointer.prop_map(|pointer| json_remove(&pointer)),
        1 => vec(proptest::sample::select(vec!["ci", "chat", "billing", "none"]), 0..2).prop_map(|names| choose(&names)),
    ]
}

/// Names in order with their values, changed one edit at a time.
fn headers_by_hand(before: &HeaderMap, edits: &[Edit]) -> Vec<(String, Vec<Vec<u8>>)> {
    let mut by_name: Vec<(String, Vec<Vec<u8>>)> = Vec::new();
    let append = |by_name: &mut Vec<(String, Vec<Vec<u8>>)>, name: &str, value: &[u8]| match by_name
        .iter_mut()
        .find(|(known, _)| known == name)
    {
        Some((_, values)) => values.push(value.to_vec()),
        None => by_name.push((name.to_owned(), vec![value.to_vec()])),
    };
    for (name, value) in before {
        append(&mut by_name, name.as_str(), value.as_bytes());
    }
    for edit in edits {
        match edit {
            Edit::SetHeader((name, value)) => {
                let name = name.to_ascii_lowercase();
                if let Some((_, values)) = by_name.iter_mut().find(|(known, _)| *known == name) {
                    values.clear();
                }
                append(&mut by_name, &name, value);
            }
            Edit::AppendHeader((name, value)) => append(&mut by_name, &name.to_ascii_lowercase(), value),
            Edit::RemoveHeader(name) => by_name.retain(|(known, _)| *known != name.to_ascii_lowercase()),
            _ => {}
        }
    }
    by_name
}

fn by_name(headers: &HeaderMap) -> Vec<(String, Vec<Vec<u8>>)> {
    let values = |name: &HeaderName| headers.get_all(name).iter().map(|value| value.as_bytes().to_vec()).collect();
    headers.keys().map(|name| (name.as_str().to_owned(), values(name))).collect()
}

proptest! {
    #[test]
    fn any_edits_are_made_whole_or_not_at_all(edits in vec(some_edit(), 0..6), shared: bool, headers_most in 3..9_usize) {
        let limits = Limits { headers: headers_most, ..Limits::default() };
        let setting = Setting { limits, ..Setting::default() };
        let mut draft = draft_of(
            &[("content-type", "application/json"), ("x-a", "1"), ("host", "h"), ("x-b", "2"), ("x-a", "3")],
            r#"{"a": {"b": [0]}, "b": 1}"#,
        );
        let (before, old) = (shown(&draft), HeaderMap::clone(&draft.current.headers));
        let other = shared.then(|| Arc::clone(&draft.current.headers));
        let applied = setting.apply(&mut draft, Verdict::Edit(edits.clone()));
        if let Some(other) = other {
            prop_assert_eq!(by_name(&other), by_name(&old));
        }
        if let Err(error) = applied {
            prop_assert!(!error.to_string().contains(char::is_control));
            prop_assert_eq!(shown(&draft), before);
            return Ok(());
        }
        let event = &draft.current;
        prop_assert_eq!(by_name(&event.headers), headers_by_hand(&old, &edits));
        prop_assert!(event.headers.len() <= old.len().max(headers_most));
        for (name, _) in event.headers.iter().filter(|(name, _)| *name != "host") {
            prop_assert!(check_header_name(name.as_str()).is_ok());
        }
        prop_assert_eq!(event.headers.get_all("host").iter().collect::<Vec<_>>(), ["h"]);
        let target = event.query.as_ref().map_or(event.path.clone(), |query| format!("{}?{query}", event.path));
        let parsed = PathAndQuery::try_from(target.as_str()).unwrap();
        prop_assert_eq!((parsed.path(), parsed.query()), (event.path.as_str(), event.query.as_deref()));
        http::Request::builder().method(event.method.as_str()).uri(target).body(()).unwrap();
        if let Some(Ok(document)) = &draft.document {
            prop_assert_eq!(document.source(), draft.body());
        }
        if let Some(chosen) = &draft.chosen {
            prop_assert!(chosen.len() == 1 && setting.destinations.contains(&chosen[0]));
        }
    }

    #[test]
    fn any_answer_is_right_or_refused(
        status: u16,
        near in 190..610_u16,
        headers in vec(some_header(), 0..4),
        body in vec(any::<u8>(), 0..3),
        reason: String,
    ) {
        for status in [status, near] {
            let response = Response { status, headers: headers.clone(), body: body.clone().into() };
            let rejection = Rejection { status, headers: headers.clone(), reason: reason.clone() };
            for verdict in [Verdict::Respond(response), Verdict::Reject(rejection)] {
                let answer = match Setting::default().apply(&mut draft(), verdict) {
                    Ok(Step::Respond { answer }) => answer,
                    Ok(Step::Reject { answer, reason }) => {
                        prop_assert!(answer.status.as_u16() >= 400 && !reason.contains(char::is_control));
                        answer
                    }
                    Ok(step) => panic!("{step:?}"),
                    Err(_) => continue,
                };
                prop_assert!((200..600).contains(&answer.status.as_u16()));
                prop_assert!(answer.headers.keys().all(|name| check_header_name(name.as_str()).is_ok()));
                prop_assert_eq!(answer.headers.len(), headers.len());
            }
        }
    }
}
