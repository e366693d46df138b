//! Filters as authors write them, run by the test harness that authors use.

use serde::Deserialize;
use serde_json::json;
use snaphook_sdk::{
    body::Hash,
    clock, config, headers, hex,
    hmac::{self, Algorithm, Part},
    json,
    kv::{self, Reservation},
    log::Level,
    prelude::*,
    random, secrets,
    testing::Test,
    verdict::Response,
};

/// Does what a test wants, in the place of a filter of its own for each.
macro_rules! filter {
    ($name:ident($($manifest:tt)*), |$event:ident| $handle:expr) => {
        struct $name;

        impl Filter for $name {
            type Config = ();

            fn handle($event: &Event, _config: &()) -> Result<Verdict> {
                $handle
            }
        }

        snaphook_sdk::export!($name, $($manifest)*);
    };
}

filter!(Reads(body: buffered), |event| {
    let token = headers::bearer(event).or_refuse(401, "no token")?;
    let accepted: Vec<_> = headers::list(event, "accept").collect();
    let values: Vec<_> = event.header_values("X-Many").map(<[u8]>::to_vec).collect();
    assert_eq!(values, [b"one".to_vec(), vec![0xff]]);
    assert_eq!((event.header("x-many"), event.header("x-binary"), event.header("x-none")), (Some("one"), None, None));
    assert_eq!(headers::content_type(event).as_deref(), Some("application/json"));
    assert_eq!((event.path(), event.query()), ("/hooks/blue", Some("a=1&b=x%20y&a=2")));
    assert_eq!((event.query_value("a").as_deref(), event.query_value("b").as_deref()), (Some("1"), Some("x y")));
    assert_eq!((event.path_param("team"), event.path_param("none")), (Some("blue"), None));
    assert_eq!((event.label("kind"), event.attribute("label.kind")), (Some("push"), Some("push")));
    assert_eq!((event.phase(), event.attempt(), event.is_replay()), (&Phase::Destination("ci".to_owned()), 3, true));
    assert_eq!(event.received_ms(), clock::now_ms());
    Ok(Verdict::edit().set_header("x-seen", format!("{token} {}", accepted.join(" "))))
});

#[test]
fn a_filter_sees_the_event() {
    let outcome = Test::new::<Reads>()
        .path("/hooks/blue?a=1&b=x%20y&a=2")
        .header("Authorization", "bearer t0ken")
        .header("accept", "text/html, ,text/plain")
        .append_header("Accept", "*/*")
        .header("x-many", "one")
        .append_header("x-many", vec![0xff])
        .header("x-binary", vec![0xff])
        .header("content-type", "Application/JSON; charset=utf-8")
        .path_param("team", "blue")
        .label("kind", "push")
        .for_destination("ci", 3)
        .replay()
        .run();
    assert_eq!(outcome.event().header("x-seen"), Some("t0ken text/html text/plain */*"));
}

filter!(Bodies(body: buffered), |event| {
    let body = event.body();
    assert_eq!((body.len(), body.is_empty(), event.body_length()), (34, false, Some(34)));
    assert_eq!((body.read(2, 3), body.read(31, 9), body.read(99, 9)), (b"\"na".to_vec(), b"] }".to_vec(), vec![]));
    assert_eq!(body.text()?.len(), 34);
    assert_eq!((body.pointer("/name").as_deref(), body.pointer("/list")), (Some("ü"), None));
    assert_eq!(body.json_text("/list")?.as_deref(), Some("[1, 2.0]"));
    assert_eq!(body.json_at::<Vec<f64>>("/list")?, Some(vec![1.0, 2.0]));
    assert_eq!(body.json_at::<u8>(&json::pointer(["none"]))?, None);
    let digest = hex::encode(&body.original().digest(Hash::Sha256)?);
    // SHA-256 of "abc". Source: FIPS 180-2, appendix B.1.
    assert_eq!(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    let value: json::Value = body.json()?;
    Ok(Verdict::edit().json_set("/name", &value["list"]).json_remove("/list/0").set_header("x-a", "b"))
});

#[test]
fn a_filter_reads_and_changes_the_body() {
    let test = || Test::new::<Bodies>().original_body("abc");
    let outcome = test().body("{ \"name\": \"ü\", \"list\": [1, 2.0] }").run();
    assert_eq!(outcome.event().json(), json!({"name": [1, 2.0], "list": [2.0]}));
}

filter!(Parses(body: buffered), |event| {
    let number: u8 = event.body().json()?;
    Ok(Verdict::respond(200).body(number.to_string()))
});

#[test]
fn a_body_of_another_form_is_the_senders_fault() {
    assert_eq!(Test::new::<Parses>().body("7").run().answer_text(), "7");
    let outcome = Test::new::<Parses>().body("700").run();
    assert_eq!(outcome.status(), Some(400));
    assert!(outcome.reason().starts_with("the body is not as expected: invalid value"), "{}", outcome.reason());
}

filter!(BodyNone(body: none), |event| {
    Ok(Verdict::edit().set_header("x-length", format!("{} {:?}", event.body().len(), event.body_length())))
});

#[test]
fn a_filter_that_needs_no_body_gets_none_and_leaves_it_alone() {
    let outcome = Test::new::<BodyNone>().body("untouched").run();
    assert_eq!(outcome.event().header("x-length"), Some("0 None"));
    assert_eq!(outcome.event().body, b"untouched");
}

filter!(Fails(body: none), |event| {
    match event.header("x-how").unwrap_or_default() {
        "refusal" => Err(Refusal::new(429, "too many").header("retry-after", "9").into()),
        "text" => Err("it broke".into()),
        "number" => Ok(Verdict::retry_later("x".parse()?)),
        "misuse" => Ok(Verdict::drop("x").body("y")),
        "status" => Ok(Verdict::reject(200)),
        "header" => Ok(Verdict::edit().set_header("a b", "c")),
        "choice" => Ok(Verdict::edit().choose(["elsewhere"])),
        other => Err(Error::failed(other)),
    }
});

#[test]
fn errors_become_the_right_verdict() {
    let run = |how: &str| Test::new::<Fails>().header("x-how", how).destinations(["ci"]).run();
    let refused = run("refusal");
    assert_eq!((refused.name(), refused.status(), refused.reason()), ("reject", Some(429), "too many"));
    for (how, reason) in [
        ("text", "it broke"),
        ("number", "invalid digit found in string"),
        ("misuse", "a body of the answer belongs to respond, not to drop"),
        ("status", "bad output: status 200 is not from 400 to 599"),
        ("header", "bad output: `a b` is no name of a header"),
        ("choice", "bad output: `elsewhere` is not one of the route's destinations"),
        ("else", "else"),
    ] {
        let outcome = run(how);
        assert_eq!((outcome.name(), outcome.reason()), ("failed", reason), "{how}");
    }
}

filter!(Keeps(body: none, kv: ["store"]), |event| {
    let store = kv::namespace("store");
    let count = store.increment("count", 2, Some(60))?;
    let first = store.compare_and_swap("first", None, event.id().as_bytes(), None)?;
    store.set("gone", b"x", None)?;
    store.delete("gone")?;
    assert_eq!(store.get("gone")?, None);
    assert!(store.get("").is_err() && store.set("k", &[0; 65_537], None).is_err() && store.once("k", 0).is_err());
    let reservation = store.once(event.header("x-key").unwrap_or("key"), 60)?;
    let verdict = Verdict::edit().set_header("x-kept", format!("{count} {first} {reservation:?}"));
    Ok(if reservation == Reservation::Known { Verdict::respond(200).body("known") } else { verdict })
});

#[test]
fn what_is_kept_stays_from_run_to_run() {
    let mut test = Test::new::<Keeps>().reserved("store", "held");
    assert_eq!(test.run().event().header("x-kept"), Some("2 true First"));
    assert_eq!(test.run().answer_text(), "known");
    test = test.header("x-key", "held");
    assert_eq!(test.run().event().header("x-kept"), Some("6 false Pending"));
    test = test.header("x-key", "key").clock_ms(1_790_000_060_000);
    assert_eq!(test.run().event().header("x-kept"), Some("2 false First"), "all that had a time to live is gone");
}

filter!(Signs(body: buffered, secrets: ["key", "other"], reveal: ["shown"]), |event| {
    let body = event.body();
    let parts = [Part::Literal(b"v0:"), Part::Header("X-Time"), Part::Literal(b":"), Part::Body(body), Part::Header("no")];
    let mac = hmac::sign("key", Algorithm::HmacSha256, &parts)?;
    assert!(hmac::verify("key", Algorithm::HmacSha256, &parts, &mac)?);
    assert!(!hmac::verify("key", Algorithm::HmacSha512, &parts, &mac)?);
    let shown = secrets::reveal("shown")?;
    assert!(!secrets::equal(&shown, b"other"));
    let missing = secrets::reveal("key").unwrap_err();
    Ok(Verdict::edit().set_header("x-mac", hex::encode(&mac)).set_header("x-missing", missing.to_string()))
});

#[test]
fn signatures_are_made_over_parts() {
    // Slack's worked example. Source: https://docs.slack.dev/authentication/verifying-requests-from-slack
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V\
                &channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=\
                &response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN\
                &trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let outcome = Test::new::<Signs>()
        .secret("key", "8f742231b10e8888abcd99yyyzzz85a5")
        .reveal("shown", "value")
        .header("x-time", "1531420618")
        .body(body)
        .run();
    assert_eq!(
        outcome.event().header("x-mac"),
        Some("a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503")
    );
    assert_eq!(outcome.event().header("x-missing"), Some("no grant for reveal.key"));
    assert_eq!(outcome.denied, ["reveal.key"]);
}

filter!(Says(body: none), |event| {
    event.set_label("kind", "first")?;
    event.set_label("kind", "last")?;
    event.set_idempotency_key("once")?;
    event.set_order_key("line")?;
    event.set_deliver_after(clock::now_ms() + 1)?;
    event.set_answer(&Response { status: 200, headers: vec![], body: b"thanks".to_vec() })?;
    assert!(event.set_label("Kind", "x").is_err() && event.set_order_key("").is_err());
    log::warn!("{} is {}", "it", "so");
    log::line(Level::Trace, format_args!("plain"));
    assert_ne!(random::bytes(8)?, random::bytes(8)?);
    assert!(random::bytes(65_537).is_err() && random::number().is_ok());
    assert_eq!((config::raw().as_str(), config::prepared().len()), ("{}", 0));
    Ok(Verdict::drop("said enough"))
});

#[test]
fn what_is_said_beside_the_verdict_is_kept() {
    let outcome = Test::new::<Says>().run();
    assert_eq!((outcome.name(), outcome.reason(), outcome.label("kind")), ("drop", "said enough", Some("last")));
    assert_eq!((outcome.idempotency_key.as_deref(), outcome.order_key.as_deref()), (Some("once"), Some("line")));
    assert_eq!(outcome.deliver_after, Some(1_790_000_000_001));
    assert_eq!(outcome.answer.map(|answer| answer.body), Some(b"thanks".to_vec()));
    assert_eq!(outcome.logs, [(Level::Warn, "it is so".to_owned()), (Level::Trace, "plain".to_owned())]);
}

#[test]
fn no_configuration_means_none() {
    let configure = |text: &str| Test::new::<Says>().config_text(text).configure();
    assert_eq!(configure(" { } "), Ok(vec![]));
    assert_eq!(configure(r#"{"a": 1}"#), Err("this filter takes no configuration: remove `a`".to_owned()));
    let other = "this filter takes no configuration: write `{}` or leave it out";
    assert_eq!(configure("null"), Err(other.to_owned()));
}

/// Keeps its words sorted and joined, not as JSON.
struct Compact;

#[derive(Deserialize)]
#[serde(from = "Vec<String>")]
struct Words(Vec<String>);

impl From<Vec<String>> for Words {
    fn from(words: Vec<String>) -> Self {
        Self(words)
    }
}

impl Filter for Compact {
    type Config = Words;

    fn handle(event: &Event, Words(words): &Words) -> Result<Verdict> {
        let known = words.binary_search_by(|word| word.as_str().cmp(event.path())).is_ok();
        Ok(if known { Verdict::pass() } else { Verdict::reject(404).reason("unknown") })
    }

    fn validate(Words(words): &Words) -> Result<(), String> {
        if words.is_empty() { Err("name at least one".to_owned()) } else { Ok(()) }
    }

    fn prepare(Words(words): &Words, _json: &str) -> Result<Vec<u8>, String> {
        let mut words = words.clone();
        words.sort();
        Ok(words.join("\n").into_bytes())
    }

    fn restore(prepared: &[u8]) -> Result<Words> {
        Ok(Words(std::str::from_utf8(prepared)?.lines().map(ToOwned::to_owned).collect()))
    }
}

snaphook_sdk::export!(Compact, body: none);

#[test]
fn a_filter_prepares_its_configuration_as_it_likes() {
    let test = || Test::new::<Compact>().config(["/b", "/a"]);
    assert_eq!(test().configure(), Ok(b"/a\n/b".to_vec()));
    assert_eq!((test().path("/a").run().name(), test().path("/c").run().name()), ("pass", "reject"));
    assert_eq!(Test::new::<Compact>().config_text("[]").configure(), Err("name at least one".to_owned()));
    let fault = Test::new::<Compact>().config_text("[1]").configure().unwrap_err();
    assert_eq!(fault, "[0]: invalid type: integer `1`, expected a string");
}

#[test]
#[should_panic(expected = "`export!` does not ask for secret `key`")]
fn a_secret_that_is_not_asked_for_is_not_granted() {
    let _ = Test::new::<Says>().secret("key", "value");
}

filter!(Macs(body: none, secrets: ["key"]), |event| {
    let header = |algorithm: Algorithm| format!("x-{}", algorithm.name());
    for algorithm in [Algorithm::HmacSha1, Algorithm::HmacSha256, Algorithm::HmacSha384, Algorithm::HmacSha512] {
        let mac = event.header(&header(algorithm)).and_then(|mac| hex::decode(mac.as_bytes())).unwrap();
        let parts = [Part::Literal(b"what do ya want for nothing?")];
        assert_eq!((hmac::sign("key", algorithm, &parts)?, algorithm.length()), (mac.clone(), mac.len()));
        assert!(hmac::verify("key", algorithm, &parts, &mac)?);
    }
    Ok(Verdict::pass())
});

#[test]
fn macs_are_those_of_the_standards() {
    // Source: RFC 2202, section 3; RFC 4231, section 4.3.
    let outcome = Test::new::<Macs>()
        .secret("key", "Jefe")
        .header("x-hmac-sha1", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")
        .header("x-hmac-sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        .header(
            "x-hmac-sha384",
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
        )
        .header(
            "x-hmac-sha512",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b\
             636e070a38bce737",
        )
        .run();
    assert_eq!(outcome.name(), "pass");
}

filter!(Passes(body: buffered), |_event| Ok(Verdict::pass()));

#[derive(Deserialize)]
struct EventFiles {
    read: Vec<Case>,
    refused: Vec<String>,
}

#[derive(Deserialize)]
struct Case {
    file: String,
    event: Expected,
}

/// Each character of a header's value and of the body is a byte.
#[derive(Deserialize)]
struct Expected {
    method: String,
    path: String,
    query: Option<String>,
    headers: Vec<(String, String)>,
    body: String,
}

#[test]
fn event_files_are_read() {
    let files: EventFiles = serde_json::from_str(include_str!("event-files.json")).unwrap();
    let bytes = |text: &str| text.chars().map(|byte| u8::try_from(byte).unwrap()).collect::<Vec<u8>>();
    for Case { file, event } in &files.read {
        let outcome = Test::new::<Passes>().event(file).run();
        let sent = outcome.event();
        let seen = (&sent.method, &sent.path, &sent.query);
        assert_eq!(seen, (&event.method, &event.path, &event.query), "{file}");
        assert_eq!(sent.body, bytes(&event.body), "{file}");
        let headers: Vec<_> = event.headers.iter().map(|(name, value)| (name.clone(), bytes(value))).collect();
        assert_eq!(sent.headers, headers, "{file}");
    }
    for file in &files.refused {
        let read = std::panic::catch_unwind(|| Test::new::<Passes>().event(file));
        assert!(read.is_err(), "{file}");
    }
}
