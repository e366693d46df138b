use snaphook_sdk::{
    json::{Value, json},
    serde_json,
    testing::{Outcome, Test},
};

use super::Told;

fn told(what: Value) -> Outcome {
    let text = what.to_string();
    let mut test =
        Test::new::<Told>().secret("webhook", "key").reveal("token", "shown").config(json!({"do": "as-told"}));
    test = test.header("x-do", text).path("/hook?a=b").json(json!({"a": {"b": 1.50}}));
    test.run()
}

fn answer(what: Value) -> Value {
    serde_json::from_str(told(what).answer_text()).expect("the answer is JSON")
}

#[test]
fn verdicts_are_as_told() {
    assert_eq!(told(json!({"do": "drop", "reason": "x"})).reason(), "x");
    assert_eq!(told(json!({"do": "fail", "reason": "x"})).reason(), "x");
    assert_eq!(told(json!({"do": "reject", "status": 99, "reason": ""})).name(), "failed");
    let outcome = told(json!({"do": "edit", "edits": [{"set-header": ["content-length", "1"]}]}));
    assert_eq!(outcome.reason(), "bad output: `content-length` is set by the host alone");
    let outcome = told(json!({"do": "edit", "edits": [{"set-header": ["x-a", "\u{ff}"]}, {"set-query": null}]}));
    assert_eq!(
        (outcome.event().query.as_deref(), outcome.event().headers.last().unwrap().1.as_slice()),
        (None, &[255][..])
    );
}

#[test]
fn everything_is_edited() {
    let outcome = told(json!({"do": "everything"}));
    assert_eq!(outcome.event().method, "PUT");
    assert_eq!(outcome.event().json(), json!({"kept": 1.0, "made": {"here": [1, "two"]}}));
}

#[test]
fn what_it_saw_is_told() {
    let seen = answer(json!({"do": "inspect"}));
    assert_eq!((&seen["query"], &seen["body"]["length"]), (&json!("a=b"), &json!(15)));
    assert_eq!(answer(json!({"do": "json", "pointer": "/a/b"})), json!({"json": "1.5", "text": "1.5"}));
    assert_eq!(answer(json!({"do": "read", "offset": 13, "max": 9})), json!("}}"));
}

#[test]
fn calls_are_answered() {
    assert_eq!(answer(json!({"do": "reveal", "secret": "token"})), json!({"ok": "shown"}));
    assert_eq!(answer(json!({"do": "reveal", "secret": "webhook"})), json!({"error": "no grant for reveal.webhook"}));
    let increment = json!({"do": "increment", "namespace": "store", "key": "n", "delta": 2, "ttl": null});
    assert_eq!(answer(increment), json!({"ok": 2}));
    assert_eq!(told(json!({"do": "ungranted"})).name(), "pass");
    assert_eq!(told(json!({"do": "once", "namespace": "store", "key": "k", "ttl": 9})).label("once"), Some("First"));
}

#[test]
fn while_it_is_configured_everything_is_denied() {
    let refused = Test::new::<Told>().config(json!({"do": "call-configure"})).configure().unwrap_err();
    assert_eq!(refused.matches("no grant for").count(), 9, "{refused}");
}
