use serde_json::{Value, json};
use snaphook_sdk::{
    serde_json,
    testing::{Outcome, Test},
};

use super::Rewrite;

const PUSH: &str = include_str!("../events/push.json");
const ISSUE: &str = include_str!("../events/issue-opened.json");

fn texts(outcome: &Outcome) -> Vec<String> {
    let message = outcome.event().json();
    let text = |block: &Value| match block["type"].as_str() {
        Some("section") => block["text"]["text"].as_str().unwrap().to_owned(),
        _ => block["elements"][0]["text"].as_str().unwrap().to_owned(),
    };
    message["blocks"].as_array().unwrap().iter().map(text).collect()
}

#[test]
fn a_push_becomes_a_message() {
    let outcome = Test::new::<Rewrite>().event(PUSH).header("x-hub-signature-256", "sha256=00").run();
    assert_eq!(outcome.event().json()["text"], "octocat pushed 2 commits to branch main in octo-org/hello-world");
    assert_eq!(
        texts(&outcome),
        [
            "octocat <https://github.com/octo-org/hello-world/compare/6113728...f95f852|pushed 2 commits to> branch `main`",
            "<https://github.com/octo-org/hello-world/commit/0d1a26e6|0d1a26e> Close doors &amp; windows – Mona\n\
             <https://github.com/octo-org/hello-world/commit/f95f852b|f95f852> Say so if &lt;rain&gt; – Octo Cat",
            "<https://github.com/octo-org/hello-world|octo-org/hello-world>",
        ]
    );
    assert_eq!(outcome.event().header("content-type"), Some("application/json"));
    assert_eq!(outcome.event().header("x-hub-signature-256"), None);
}

#[test]
fn a_push_says_what_became_of_its_branch_or_tag() {
    let summary = |change: Value| {
        let mut body = serde_json::from_str::<Value>(PUSH).unwrap()["body"].take();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let outcome = Test::new::<Rewrite>().header("x-github-event", "push").json(body).run();
        outcome.event().json()["text"].as_str().unwrap().to_owned()
    };
    let one = json!([{"id": "0d1a26e6", "message": "", "url": "", "author": {"name": ""}}]);
    assert_eq!(
        summary(json!({"forced": true, "commits": one})),
        "octocat force-pushed 1 commit to branch main in octo-org/hello-world"
    );
    assert_eq!(summary(json!({"deleted": true, "commits": []})), "octocat deleted branch main in octo-org/hello-world");
    assert_eq!(
        summary(json!({"created": true, "commits": [], "ref": "refs/tags/v1"})),
        "octocat created tag v1 in octo-org/hello-world"
    );
}

#[test]
fn an_issue_becomes_a_message() {
    let outcome = Test::new::<Rewrite>().event(ISSUE).run();
    assert_eq!(
        outcome.event().json()["text"],
        "octocat opened issue #7 Doors stay open &amp; it rains in in octo-org/hello-world"
    );
    assert_eq!(
        texts(&outcome),
        [
            "octocat opened issue <https://github.com/octo-org/hello-world/issues/7|#7 Doors stay open &amp; it rains in>",
            "See &lt;!channel&gt;\nsecond line",
            "<https://github.com/octo-org/hello-world|octo-org/hello-world> · bug · help wanted",
        ]
    );
}

#[test]
fn long_texts_stay_within_slacks_limits() {
    let mut body = serde_json::from_str::<Value>(PUSH).unwrap()["body"].take();
    let commit = json!({"id": "0".repeat(40), "message": "& ".repeat(900), "url": "https://example.com", "author": {"name": "é".repeat(500)}});
    body["commits"] = Value::Array(vec![commit; 2_000]);
    let outcome = Test::new::<Rewrite>().header("x-github-event", "push").json(body).run();
    let texts = texts(&outcome);
    assert!(texts.len() <= 50, "{}", texts.len());
    assert!(texts.iter().all(|text| text.encode_utf16().count() <= 3_000));
    assert!(texts[48].starts_with("… and "), "{}", texts[48]);
}

#[test]
fn other_events_pass_or_drop() {
    let other = || Test::new::<Rewrite>().header("x-github-event", "star").json(json!({}));
    assert_eq!(other().run().name(), "pass");
    let outcome = other().config(json!({"otherwise": "drop"})).run();
    assert_eq!((outcome.name(), outcome.reason()), ("drop", "not an event to rewrite"));
}

#[test]
fn a_body_that_is_not_the_events_is_refused() {
    let outcome = Test::new::<Rewrite>().header("x-github-event", "push").body("payload=%7B%7D").run();
    assert_eq!(outcome.status(), Some(400));
    let outcome = Test::new::<Rewrite>().header("x-github-event", "issues").json(json!({"action": "opened"})).run();
    assert_eq!(outcome.reason(), "the body is not as expected: missing field `issue` at line 1 column 19");
}

#[test]
fn only_events_that_are_named_are_rewritten() {
    let test = || Test::new::<Rewrite>().config(json!({"events": ["issues"]}));
    assert_eq!(test().event(PUSH).run().name(), "pass");
    assert_eq!(test().event(ISSUE).run().name(), "edit");
}

fn mapping() -> Value {
    json!({
        "fields": {"/text": "/head_commit/message", "/from/name": "/pusher/name", "/count": "/size", "/none": "/nowhere"},
        "static": {"/channel": "#builds", "/from/kind": {"id": 1.50}},
        "headers": {"x-source": "github"},
    })
}

#[test]
fn a_mapping_makes_the_body_it_says() {
    let body = r#"{"head_commit": {"message": "caf\u00e9"}, "pusher": {"name": "octocat"}, "size": 1e2}"#;
    let outcome = Test::new::<Rewrite>().config(mapping()).header("content-type", "text/plain").body(body).run();
    assert_eq!(
        outcome.event().json(),
        json!({"channel": "#builds", "from": {"kind": {"id": 1.5}, "name": "octocat"}, "count": 1e2, "text": "café"})
    );
    assert_eq!(outcome.event().header("x-source"), Some("github"));
    assert_eq!(outcome.event().header("content-type"), Some("application/json"));
}

#[test]
fn a_mapping_is_for_the_events_it_names() {
    let mut config = mapping();
    config["events"] = json!(["push"]);
    let test = |kind: &str| Test::new::<Rewrite>().config(&config).header("x-github-event", kind).json(json!({}));
    assert_eq!(test("push").run().name(), "edit");
    assert_eq!(test("star").run().name(), "pass");
}

#[test]
fn a_mapping_refuses_what_is_not_json() {
    let outcome = Test::new::<Rewrite>().config(mapping()).body("{").run();
    assert_eq!((outcome.status(), outcome.reason()), (Some(400), "the body is not JSON"));
}

#[test]
fn refuses_configurations_with_their_fault() {
    for (config, fault) in [
        (json!({"fields": {"text": "/a"}}), "fields: `text` is no JSON pointer: begin with `/`"),
        (json!({"fields": {"/text": "a"}}), "fields./text: `a` is no JSON pointer: begin with `/`"),
        (json!({"static": {"": 1}}), "static: `` is no JSON pointer: begin with `/`"),
        (json!({"otherwise": "keep"}), "otherwise: unknown variant `keep`, expected `pass` or `drop`"),
        (
            json!({"field": {}}),
            "field: unknown field `field`, expected one of `fields`, `static`, `headers`, `events`, `otherwise`",
        ),
    ] {
        assert_eq!(Test::new::<Rewrite>().config(config).configure(), Err(fault.to_owned()));
    }
}

#[test]
fn the_route_file_holds_configurations_that_are_taken() {
    let route: toml::Table = toml::from_str(include_str!("../route.toml")).expect("is TOML");
    for (_, route) in route["routes"].as_table().unwrap() {
        let config = &route["filters"][0]["config"];
        assert!(Test::new::<Rewrite>().config(config).configure().is_ok());
    }
}
