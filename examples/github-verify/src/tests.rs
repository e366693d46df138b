use snaphook_sdk::testing::{Outcome, Test};

use super::GithubVerify;

// Key, body and signature of GitHub's own example:
// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
const KEY: &str = "It's a Secret to Everybody";
const BODY: &str = "Hello, World!";
const SIGNATURE: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

fn test() -> Test {
    Test::new::<GithubVerify>()
        .secret("webhook", KEY)
        .header("x-github-event", "push")
        .header("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
        .header("x-hub-signature-256", SIGNATURE)
        .body(BODY)
}

fn refused(outcome: &Outcome) -> (Option<u16>, &str) {
    assert!(outcome.labels.is_empty(), "nothing is said of an event that is not GitHub's");
    (outcome.status(), outcome.reason())
}

#[test]
fn passes_what_github_signed() {
    let outcome = test().run();
    assert_eq!(outcome.name(), "pass");
    assert_eq!(outcome.label("github.event"), Some("push"));
    assert_eq!(outcome.idempotency_key.as_deref(), Some("72d3162e-cc78-11e3-81ab-4c9367dc0958"));
}

#[test]
fn checks_the_body_as_it_was_received() {
    assert_eq!(test().body("made of it by an earlier filter").original_body(BODY).run().name(), "pass");
    assert_eq!(test().original_body("something else").run().status(), Some(401));
}

#[test]
fn takes_every_valid_value_of_the_secret() {
    assert_eq!(test().secret("webhook", "newer").run().name(), "pass");
    assert_eq!(test().secret("webhook", "newer").signed("webhook").run().name(), "pass");
}

#[test]
fn refuses_what_github_did_not_sign() {
    let mismatch = (Some(401), "signature does not match the body");
    assert_eq!(refused(&test().body("Hello, World?").run()), mismatch);
    assert_eq!(refused(&test().header("x-hub-signature-256", SIGNATURE.replace('7', "8")).run()), mismatch);
    assert_eq!(refused(&Test::new::<GithubVerify>().secret("webhook", KEY).run()).0, Some(401));
    for malformed in ["", "sha256=", "757107ea", &SIGNATURE[..70], "sha1=757107", &format!("{SIGNATURE}00")] {
        let outcome = test().header("x-hub-signature-256", malformed).run();
        assert_eq!(refused(&outcome), (Some(401), "header x-hub-signature-256 is malformed"), "{malformed}");
    }
    let outcome = test().append_header("x-hub-signature-256", SIGNATURE).run();
    assert_eq!(refused(&outcome), (Some(401), "header x-hub-signature-256 is there twice"));
    let unsigned = Test::new::<GithubVerify>().secret("webhook", KEY).body(BODY).run();
    assert_eq!(refused(&unsigned), (Some(401), "header x-hub-signature-256 is missing"));
}

#[test]
fn fails_without_a_grant() {
    let mut test = Test::new::<GithubVerify>().header("x-hub-signature-256", SIGNATURE).body(BODY);
    let outcome = test.run();
    assert_eq!((outcome.name(), outcome.reason()), ("failed", "no grant for secrets.webhook"));
}

#[test]
fn answers_pings_unless_told_otherwise() {
    let ping = || test().header("x-github-event", "ping");
    let outcome = ping().run();
    assert_eq!((outcome.status(), outcome.answer_text()), (Some(200), "pong"));
    assert_eq!(ping().config_text(r#"{"answer_ping": false}"#).run().name(), "pass");
}

#[test]
fn takes_a_delivery_once() {
    let mut test = test().config_text(r#"{"replay_ttl_seconds": 60}"#);
    assert_eq!(test.run().name(), "pass");
    let again = test.run();
    assert_eq!((again.status(), again.answer_text()), (Some(200), "duplicate"));
    test = test.header("x-github-delivery", "another");
    assert_eq!(test.run().name(), "pass");
    test = test.clock_ms(1_790_000_061_000);
    assert_eq!(test.run().name(), "pass", "what has outlived its time is taken again");
}

#[test]
fn needs_a_delivery_to_take_it_once() {
    let signed = || Test::new::<GithubVerify>().secret("webhook", KEY).body(BODY).signed("webhook");
    assert_eq!(signed().run().name(), "pass");
    let outcome = signed().config_text(r#"{"replay_ttl_seconds": 60}"#).run();
    assert_eq!((outcome.status(), outcome.reason()), (Some(400), "header x-github-delivery is missing"));
}

#[test]
fn takes_a_delivery_again_that_was_not_accepted() {
    let mut test = test().config_text(r#"{"replay_ttl_seconds": 60}"#).destinations_refuse();
    assert_eq!(test.run().name(), "pass");
    assert_eq!(test.run().name(), "pass");
}

#[test]
fn asks_to_come_again_while_a_delivery_is_undecided() {
    let test = test().config_text(r#"{"replay_ttl_seconds": 60}"#);
    let outcome = test.reserved("deliveries", "72d3162e-cc78-11e3-81ab-4c9367dc0958").run();
    assert_eq!(outcome.name(), "retry-later");
}

#[test]
fn refuses_configurations_with_their_fault() {
    let configure = |config| Test::new::<GithubVerify>().config_text(config).configure();
    assert!(configure("{}").is_ok());
    for (config, fault) in [
        (r#"{"replay_ttl_seconds": 0}"#, "replay_ttl_seconds: 0 is not from 1 to 34560000"),
        (
            r#"{"replay_ttl": 9}"#,
            "replay_ttl: unknown field `replay_ttl`, expected `replay_ttl_seconds` or `answer_ping`",
        ),
        (r#"{"answer_ping": "no"}"#, r#"answer_ping: invalid type: string "no", expected a boolean"#),
    ] {
        assert_eq!(configure(config), Err(fault.to_owned()));
    }
}

#[test]
fn the_sample_is_taken() {
    let outcome = Test::new::<GithubVerify>()
        .secret("webhook", KEY)
        .event(include_str!("../events/push.json"))
        .signed("webhook")
        .run();
    assert_eq!((outcome.name(), outcome.label("github.event")), ("pass", Some("push")));
}
