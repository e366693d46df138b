//! `snaphook test` with cases: what comes in, what is to come of it, and what it may cost.

use serde_json::{Value, json};

use super::Bench;
use crate::support::guest_file;

/// A machine with much to do is not the filter's fault.
const PATIENT: &str = "[limits]\ntime_ms = 5000\nwall_ms = 20000\n";

fn told(bench: &Bench, cases: &[(&str, Value, &str)]) {
    bench.write(
        "cases/defaults.toml",
        format!(
            "config = {{ do = \"as-told\" }}\ndestinations = [\"ci\", \"chat\"]\n{PATIENT}\
             [secrets]\nwebhook = \"hush\"\n[reveal]\ntoken = \"shown\"\n[kv.store]\n"
        ),
    );
    for (name, what, text) in cases {
        let event = json!({"path": "/a", "query": "q=1", "headers": [["x-do", what.to_string()], ["x-remove", "1"]],
            "body": {"gone": 1, "n": 1}});
        bench.write(&format!("cases/{name}.json"), event.to_string());
        bench.write(&format!("cases/{name}.toml"), format!("event = \"{name}.json\"\n{text}"));
    }
}

fn component() -> String {
    guest_file("told").to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_is_blessed_once_and_right_from_then_on() {
    let bench = Bench::new();
    let annotate =
        json!({"do": "annotate", "label": ["kind", "push"], "key": "k", "order": "o", "after": 7, "answer": "ok"});
    told(
        &bench,
        &[
            ("everything", json!({"do": "everything"}), "# every edit\n"),
            ("choose", json!({"do": "edit", "edits": [{"choose": ["chat"]}]}), ""),
            ("reject", json!({"do": "reject", "status": 418, "reason": "no tea", "headers": [["x-why", "tea"]]}), ""),
            ("respond", json!({"do": "respond", "status": 203, "body": "{\"ok\":1}"}), ""),
            ("drop", json!({"do": "drop", "reason": "dull"}), ""),
            ("later", json!({"do": "retry-later", "seconds": 17}), ""),
            ("fail", json!({"do": "fail", "reason": "broken"}), ""),
            ("annotate", annotate, ""),
            ("once", json!({"do": "once", "namespace": "store", "key": "k", "ttl": 60}), "times = 2\n"),
            (
                "count",
                json!({"do": "increment", "namespace": "store", "key": "n", "delta": 2}),
                "[kv.store]\nn = \"40\"\n",
            ),
            ("random", json!({"do": "clock-random"}), "time = \"2026-11-26T10:00:00Z\"\n"),
        ],
    );
    let component = component();
    let test = |more: &[&'static str]| {
        [&["test", component.as_str(), "--runs", "3"], more]
            .concat()
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let run = async |more: &[&'static str], code: i32| {
        let arguments = test(more);
        bench.runs(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), code).await
    };
    // Nothing is expected yet, so nothing can pass.
    let (shown, errors) = run(&[], 1).await;
    assert!(shown.contains("    nothing is expected; with --bless it is this:\n    + [expect]\n"), "{shown}");
    assert!(shown.ends_with("\n11 cases: 0 passed, 11 failed\n"), "{shown}");
    assert_eq!(errors, "error: 11 cases did not come out as expected\n");
    let (shown, _) = run(&["--bless"], 0).await;
    assert!(
        shown.contains("    + verdict = \"reject\"\n") && shown.ends_with("11 passed, 0 failed, 11 blessed\n"),
        "{shown}"
    );

    let (shown, errors) = run(&[], 0).await;
    assert!(shown.ends_with("\n11 cases: 11 passed, 0 failed\n"), "{shown}");
    assert_eq!(errors, "");
    let blessed: Vec<String> =
        ["everything", "choose", "reject", "respond", "later", "fail", "annotate", "once", "count"]
            .map(|name| bench.read(&format!("cases/{name}.toml")))
            .into();
    for (text, parts) in blessed.iter().zip([
        &[
            "# every edit\n",
            "verdict = \"edit\"",
            "x-append = [\n",
            "{ base64 = \"gP8=\" }",
            "x-remove = false",
            "path = \"/everything\"",
        ][..],
        &["chosen = [\"chat\"]"],
        &["reason = \"no tea\"", "status = 418", "x-why = \"tea\""],
        &["body_json = ", "\"ok\": 1", "status = 203"],
        &["retry_seconds = 17"],
        &["failure = \"failed\"", "reason = \"broken\"", "status = 500"],
        &["idempotency_key = \"k\"", "order_key = \"o\"", "deliver_after = 7", "kind = \"push\"", "status = 201"],
        &["x-once = \"Known\"", "once = \"Known\""],
        &["[expect.kv.store]\nn = \"42\""],
    ]) {
        parts.iter().for_each(|part| assert!(text.contains(part), "{part}: {text}"));
    }
    let one = bench.json(&["test", &component, "--cases", "cases/count.toml"], 0).await;
    assert_eq!((&one["passed"], &one["failed"], &one["items"][0]["case"]), (&json!(1), &json!(0), &json!("count")));
    assert!(one["items"][0]["memory_bytes"].as_u64().unwrap() > 0, "{one}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_shown_and_only_what_is_written_counts() {
    let bench = Bench::new();
    let set = json!({"do": "edit", "edits": [{"set-header": ["x-a", "1"]}, {"json-set": ["/n", "2"]}]});
    told(
        &bench,
        &[
            ("little", set.clone(), "[expect]\nverdict = \"edit\"\n"),
            (
                "right",
                set.clone(),
                "[expect.event]\npath = \"/a\"\nbody_json = '{ \"n\": 2, \"gone\": 1 }'\nheaders = { X-A = \"1\", x-remove = [\"1\"] }\n",
            ),
            (
                "wrong",
                set,
                "[expect]\nverdict = \"edit\"\nevent.headers = { x-a = \"2\", x-b = \"1\" }\nlabels = { a = \"b\" }\n",
            ),
            ("other", json!({"do": "drop", "reason": "dull"}), "[expect]\nverdict = \"pass\"\nevent.path = \"/a\"\n"),
        ],
    );
    let component = component();
    let (shown, _) = bench.runs(&["test", &component], 1).await;
    assert!(shown.ends_with("\n4 cases: 2 passed, 2 failed\n"), "{shown}");
    // The order of members is as little looked at as spaces are.
    let wrong = shown.split("wrong").nth(1).unwrap();
    for line in ["- x-a = \"2\"", "+ x-a = \"1\"", "- x-b = \"1\"", "+ x-b = false", "- a = \"b\""] {
        assert!(wrong.contains(line), "{line}: {wrong}");
    }
    assert!(shown.contains("- verdict = \"pass\"\n") && shown.contains("+ verdict = \"drop\"\n"), "{shown}");
    // Another verdict is blessed whole, the same one as far as it was written.
    bench.runs(&["test", &component, "--bless"], 0).await;
    assert!(bench.read("cases/other.toml").contains("reason = \"dull\""));
    assert!(!bench.read("cases/wrong.toml").contains("edits"));
    assert_eq!(bench.read("cases/little.toml"), "event = \"little.json\"\n[expect]\nverdict = \"edit\"\n");
    bench.runs(&["test", &component], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_is_not_kept_fails() {
    let bench = Bench::new();
    let pass = json!({"do": "pass"});
    let expect = "[expect]\nverdict = \"pass\"\n";
    told(
        &bench,
        &[
            ("roomy", pass.clone(), &format!("[budget]\nmax_us = 60000000\nmax_memory_kib = 65536\n{expect}")),
            ("tight", pass, &format!("[budget]\nmax_us = 0\nmax_memory_kib = 1\n{expect}")),
        ],
    );
    let (shown, _) = bench.runs(&["test", &component(), "--runs", "3"], 1).await;
    assert!(shown.contains("µs, the median of 3 runs; its budget is 0 µs\n"), "{shown}");
    assert!(shown.contains("KiB of memory; its budget is 1 KiB\n"), "{shown}");
    assert!(shown.ends_with("\n2 cases: 1 passed, 1 failed\n"), "{shown}");
    // Blessing is about what comes, not about what it costs.
    bench.runs(&["test", &component(), "--bless"], 1).await;
}

/// The instances are the host's, and so is what they may remember.
#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_remembers_is_found_out() {
    let bench = Bench::new();
    let expect = "[expect]\nverdict = \"respond\"\n";
    told(
        &bench,
        &[
            ("fresh", json!({"do": "remember"}), &format!("instance = \"fresh\"\n{expect}")),
            ("warm", json!({"do": "remember"}), &format!("instance = \"warm\"\n{expect}")),
        ],
    );
    let (shown, _) = bench.runs(&["test", &component()], 1).await;
    assert!(shown.contains("was not the same each time it was run: "), "{shown}");
    assert!(shown.ends_with("\n2 cases: 1 passed, 1 failed\n"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_case_is_told_before_any_is_run() {
    let bench = Bench::new();
    let component = component();
    let (_, errors) = bench.runs(&["test", &component], 2).await;
    assert_eq!(errors, "error: what is the filter to be run with? name an event with --event, or cases with --cases\n");
    bench.write("cases/defaults.toml", "expect.verdict = \"pass\"\n");
    let (_, errors) = bench.runs(&["test", &component], 2).await;
    assert_eq!(errors, "error: there is no case in `cases`: write one, NAME.toml\n");
    bench.write("cases/a.toml", "event = \"none.json\"\ncolour = \"red\"\n");
    bench.write("cases/b.toml", "event = \"none.json\"\n");
    bench.write("cases/c.toml", "event = { path = \"no\" }\n[limits]\ntime_ms = 0\n");
    let (output, errors) = bench.runs(&["test", &component], 2).await;
    assert_eq!(output, "");
    for line in [
        "cases/defaults.toml: expect: each case says its own\n",
        "cases/a.toml:2: colour: unknown field `colour`, expected one of ",
        "cases/b.toml: event: `cases/none.json` cannot be read: ",
        "cases/c.toml:1: event.path: `no` must begin with `/` and hold no query\n",
    ] {
        assert!(errors.contains(line), "{line}: {errors}");
    }
    std::fs::remove_file(bench.folder().join("cases/defaults.toml")).unwrap();
    bench.write("event.json", "{}");
    std::fs::remove_file(bench.folder().join("cases/a.toml")).unwrap();
    bench.write("cases/b.toml", "event = \"../event.json\"\nconfig = { do = \"trap-configure\" }\n");
    bench.write("cases/c.toml", "event = {}\n[limits]\ntime_ms = 0\n");
    let (_, errors) = bench.runs(&["test", &component, "--cases", "cases/b.toml"], 2).await;
    assert!(
        errors.starts_with("error: cases/b.toml: config: the filter failed to check its configuration (trap): "),
        "{errors}"
    );
    let (_, errors) = bench.runs(&["test", &component, "--cases", "cases/c.toml"], 2).await;
    assert!(errors.starts_with("error: cases/c.toml: limits.time_ms: "), "{errors}");
    let (_, errors) = bench.runs(&["test", &component, "--cases", "cases", "--event", "event.json"], 2).await;
    assert!(errors.contains("cannot be used with"), "{errors}");
}
