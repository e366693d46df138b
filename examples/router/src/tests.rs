use serde_json::{Value, json};
use snaphook_sdk::{serde_json, testing::Test};

use super::Router;

fn config() -> Value {
    json!({
        "rules": [
            {"name": "urgent", "events": ["issues"], "actions": ["opened", "reopened"],
             "body": [{"at": "/issue/labels/0/name", "equals": "urgent"}], "to": ["pager"]},
            {"events": ["push"], "repositories": ["octo-org/*"],
             "body": [{"at": "/ref", "in": ["refs/heads/main", "refs/heads/next"]}], "to": ["ci"]},
            {"headers": {"X-Team": "blue"}, "to": ["blue"]},
            {"body": [{"at": "/release/tag_name", "like": "v*.0.0"}, {"at": "/release/draft", "equals": "false"}],
             "to": ["announce"]},
            {"events": ["push"], "body": [{"at": "/head_commit", "exists": false}], "to": ["odd"]},
        ],
        "otherwise": "drop",
    })
}

fn routed(kind: &str, body: Value) -> Option<String> {
    routed_by(Test::new::<Router>().config(config()).header("x-github-event", kind).json(body))
}

fn routed_by(test: Test) -> Option<String> {
    let outcome = test.destinations(["pager", "ci", "blue", "announce", "odd"]).run();
    match outcome.name() {
        "drop" => None,
        _ => outcome.event().destinations.clone().map(|names| names.join(",")),
    }
}

#[test]
fn the_first_rule_that_holds_decides() {
    let urgent = json!({"action": "opened", "issue": {"labels": [{"name": "urgent"}]}});
    assert_eq!(routed("issues", urgent.clone()).as_deref(), Some("pager"));
    assert_eq!(routed("issue_comment", urgent), None);
    assert_eq!(routed("issues", json!({"action": "closed", "issue": {"labels": [{"name": "urgent"}]}})), None);

    let push = |reference: &str, repository: &str| json!({"ref": reference, "repository": {"full_name": repository}, "head_commit": {"id": "1"}});
    assert_eq!(routed("push", push("refs/heads/next", "octo-org/app")).as_deref(), Some("ci"));
    assert_eq!(routed("push", push("refs/heads/next", "other/app")), None);
    assert_eq!(routed("push", push("refs/heads/topic", "octo-org/app")), None);
    assert_eq!(routed("push", json!({})).as_deref(), Some("odd"));

    let release = |tag: &str, draft: bool| json!({"release": {"tag_name": tag, "draft": draft}});
    assert_eq!(routed("release", release("v2.0.0", false)).as_deref(), Some("announce"));
    assert_eq!(routed("release", release("v2.0.0", true)), None);
    assert_eq!(routed("release", release("v2.0.1", false)), None);
}

#[test]
fn the_rule_is_labelled() {
    let test = || Test::new::<Router>().config(config());
    assert_eq!(test().header("x-team", "blue").run().label("router.rule"), Some("2"));
    let urgent = json!({"action": "opened", "issue": {"labels": [{"name": "urgent"}]}});
    let outcome = test().header("x-github-event", "issues").json(urgent).run();
    assert_eq!(outcome.label("router.rule"), Some("urgent"));
    assert_eq!(test().run().label("router.rule"), None);
}

#[test]
fn a_body_that_is_not_json_is_routed_by_its_headers() {
    let test = || Test::new::<Router>().config(config()).body("not json");
    assert_eq!(routed_by(test().header("x-team", "blue")).as_deref(), Some("blue"));
    assert_eq!(routed_by(test().header("x-team", "red").append_header("x-team", "blue")).as_deref(), Some("blue"));
    assert_eq!(routed_by(test().header("x-team", "red")), None);
    assert_eq!(routed_by(test().header("x-github-event", "push")).as_deref(), Some("odd"));
}

#[test]
fn otherwise_is_pass_drop_or_somewhere() {
    let run = |otherwise: Value| Test::new::<Router>().config(json!({"rules": [], "otherwise": otherwise})).run();
    assert_eq!(run(json!("pass")).name(), "pass");
    assert_eq!((run(json!("drop")).name(), run(json!("drop")).reason()), ("drop", "no rule holds"));
    assert_eq!(run(json!({"to": ["a", "b"]})).event().destinations, Some(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(Test::new::<Router>().config(json!({"rules": []})).run().name(), "pass");
}

#[test]
fn refuses_configurations_with_their_fault() {
    for (config, fault) in [
        (json!({}), "missing field `rules`"),
        (json!({"rules": [{"to": []}]}), "rules[0].to: is empty: name at least one destination"),
        (
            json!({"rules": [{"to": ["a"], "body": [{"at": "/x"}]}]}),
            "rules[0].body[0]: write one of `equals`, `in`, `like` and `exists`",
        ),
        (
            json!({"rules": [{"to": ["a"], "body": [{"at": "/x", "equals": "1", "exists": true}]}]}),
            "rules[0].body[0]: write one of `equals`, `in`, `like` and `exists`",
        ),
        (
            json!({"rules": [{"to": ["a"]}, {"to": ["a"], "body": [{"at": "x", "equals": "1"}]}]}),
            "rules[1].body[0].at: is no JSON pointer: begin with `/`",
        ),
        (
            json!({"rules": [{"to": ["a"], "body": [{"at": "/x", "equals": 1}]}]}),
            "rules[0].body[0].equals: invalid type: integer `1`, expected a string",
        ),
        (json!({"rules": [], "otherwise": {"to": []}}), "otherwise.to: is empty: write `pass` or `drop`"),
        (
            json!({"rules": [], "otherwise": "keep"}),
            "otherwise: unknown variant `keep`, expected one of `pass`, `drop`, `to`",
        ),
    ] {
        assert_eq!(Test::new::<Router>().config(config).configure(), Err(fault.to_owned()));
    }
}

#[test]
fn the_samples_are_routed_as_the_readme_says() {
    let route: toml::Table = toml::from_str(include_str!("../route.toml")).expect("is TOML");
    let config = &route["routes"]["github"]["filters"][0]["config"];
    let run = |file: &str| {
        let outcome = Test::new::<Router>().config(config).event(file).run();
        outcome.event().destinations.clone().expect("chosen")
    };
    assert_eq!(run(include_str!("../events/push-main.json")), ["ci"]);
    assert_eq!(run(include_str!("../events/issue-opened.json")), ["chat"]);
}
