use snaphook_sdk::{json::json, testing::Test};

use super::Bench;

const PUSH: &str = r#"{"ref":"refs\/heads\/main","repository":{"full_name":"octo-org/\u00e9","id":7},
    "sender":{"login":"octo\"cat"},"commits":[
    {"id":"a1","message":"one\ntwo\u0001\t\\u","author":{"name":"Ada"}},
    {"message":null,"author":{}},
    {"id":null}]}"#;

fn test(job: &str) -> Test {
    Test::new::<Bench>().config(json!({ "job": job })).secret("webhook", "key").body(PUSH)
}

#[test]
fn both_rewrites_write_the_same_bytes() {
    let bodies = [PUSH, "{}", r#"{"commits":[]}"#, r#"{"action":"opened","sender":null,"ref":null}"#];
    for body in bodies {
        let [pointers, parsed] = ["pointers", "json"].map(|job| test(job).body(body).run().event().body.clone());
        assert_eq!(String::from_utf8_lossy(&pointers), String::from_utf8_lossy(&parsed), "{body}");
    }
    let outcome = test("J2").signed("webhook").run();
    assert_eq!(
        outcome.event().json(),
        json!({
            "repository": "octo-org/é", "sender": "octo\"cat", "ref": "refs/heads/main", "action": null,
            "commits": [
                {"id": "a1", "message": "one\ntwo\u{1}\t\\u", "author": "Ada"},
                {"id": null, "message": null, "author": null},
                {"id": null, "message": null, "author": null},
            ],
        })
    );
}

#[test]
fn neither_rewrite_takes_what_is_no_push() {
    for body in ["", "{", r#"{"ref":1}"#] {
        for job in ["pointers", "json"] {
            assert_eq!(test(job).body(body).run().status(), Some(400), "{job} {body}");
        }
    }
}

#[test]
fn signed_events_are_marked_and_others_refused() {
    for job in ["J1", "J2", "H"] {
        assert_eq!(test(job).signed("webhook").run().event().header("x-verified"), Some("1"), "{job}");
        assert_eq!(test(job).run().status(), Some(401), "{job}");
    }
    assert_eq!(test("J1L").run().status(), Some(401));
    assert_eq!(test("J1L").signed("webhook").run().answer_text(), "ok\n");
    let swapped = test("J1").config(json!({"job": "J1", "verified": "2"})).signed("webhook").run();
    assert_eq!(swapped.event().header("x-verified"), Some("2"));
}
