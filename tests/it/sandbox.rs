//! What a filter gets of the machine: nothing. And what the host keeps of what it says.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Destination, Platform};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_the_machine_is_inside() {
    let destination = Destination::ok().await;
    let platform = Platform::start().await;
    platform.destination("ci", &destination).await;
    platform.push("escape").await;
    platform.route("hooks", "/hook", &["ci"], json!([{"name": "escape", "module": "escape"}])).await;
    let address = destination.address.to_string();
    let found: Value = platform.post("/hook", &[("x-connect", &address)], "").await.expect(200).json();
    assert_eq!((&found["environment"], &found["arguments"]), (&json!(0), &json!(0)));
    for door in ["directory", "read", "write", "connect"] {
        assert!(found[door]["error"].is_string(), "{door}: {found}");
    }
    assert_eq!(found["input"], json!({"ok": 0}), "standard input is empty");
    assert_eq!(destination.connections(), 0);
    assert!(!std::path::Path::new("/tmp/escaped").exists());
    platform.stop().await;
}

/// Every call that needs a grant says which one is missing, and the record lists them.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_given_without_a_grant() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let answer = platform.tell(json!({"do": "ungranted"})).await.expect(200);
    let record = platform.record(&answer).await;
    assert_eq!(record["filters"][0]["denied"], json!(["secrets.ungranted", "reveal.ungranted", "kv.ungranted"]));
    // A secret to verify with is not one to read.
    let refused = platform.learn(json!({"do": "reveal", "secret": "webhook"})).await;
    assert_eq!(refused, json!({"error": "no grant for reveal.webhook"}));
    assert_eq!(platform.learn(json!({"do": "reveal", "secret": "token"})).await, json!({"ok": "shown"}));
    platform.stop().await;
}

fn lines(record: &Value) -> Vec<(String, String)> {
    let logs = record["filters"][0]["logs"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    logs.iter().map(|line| (text(&line["level"]), text(&line["message"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_prints_and_logs_is_in_the_record() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let answer = platform.tell(json!({"do": "print"})).await.expect(200);
    let mut lines = lines(&platform.record(&answer).await);
    lines.sort();
    let expected = [
        ("debug", "debug"),
        ("error", "error"),
        ("info", "info"),
        ("stderr", "to standard error"),
        ("stdout", "to standard output"),
        ("trace", "trace"),
        ("warn", "warn"),
    ];
    assert_eq!(lines, expected.map(|(level, message)| (level.to_owned(), message.to_owned())));
    platform.stop().await;
}

/// A panic's message is in the log of the filter, and nowhere else.
#[tokio::test(flavor = "multi_thread")]
async fn a_panic_says_what_happened_to_its_author() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let answer = platform.tell(json!({"do": "trap"})).await.expect(500);
    let lines = lines(&platform.record(&answer).await);
    assert!(lines.iter().any(|(level, message)| level == "stderr" && message.contains("told to trap")), "{lines:?}");
    assert!(!answer.text().contains("told"));
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_log_is_bounded() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let mut filter = platform.told();
    filter["limits"] = json!({"log_lines": 5, "log_bytes": 100, "time_ms": 5000});
    platform.route("hooks", "/hook", &["ci"], json!([filter])).await;
    for (count, bytes, kept) in [(3, 10, 3), (8, 10, 5), (8, 30, 3), (2, 101, 0), (10_000, 1, 5)] {
        let answer = platform.tell(json!({"do": "log", "lines": count, "bytes": bytes})).await.expect(200);
        let record = platform.record(&answer).await;
        assert_eq!(lines(&record).len(), kept, "{count} lines of {bytes} bytes");
        assert_eq!(record["filters"][0]["logs_left_out"], count - kept, "{count} lines of {bytes} bytes");
    }
    platform.stop().await;
}

/// Clock and random numbers are of the host's making, so that a run can be repeated.
#[tokio::test(flavor = "multi_thread")]
async fn its_clock_stands_still_and_its_seed_is_known() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let mut seeds = Vec::new();
    let mut random = Vec::new();
    for _ in 0..3 {
        let answer = platform.tell(json!({"do": "clock-random"})).await.expect(200);
        let (seen, record) = (answer.json(), platform.record(&answer).await);
        let run = &record["filters"][0];
        assert_eq!(seen["clock"], json!([run["clock"], run["clock"]]));
        assert_eq!(run["clock"], record["received"]);
        assert_ne!(seen["random"][0], seen["random"][1]);
        seeds.push(run["seed"].as_str().unwrap().to_owned());
        random.push(seen["random"][0].as_str().unwrap().to_owned());
    }
    for values in [&mut seeds, &mut random] {
        values.sort();
        values.dedup();
        assert_eq!(values.len(), 3, "each call has a seed of its own");
    }
    assert_eq!(seeds[0].len(), 64);
    let refused = platform.learn(json!({"do": "random", "bytes": 65_537})).await;
    assert_eq!(refused["error"], "invalid argument: 65537 random bytes are too many: at most 65536 a call");
    platform.stop().await;
}

/// Compiled code runs as native code does: what somebody else wrote into its folder is not loaded.
#[tokio::test(flavor = "multi_thread")]
async fn compiled_code_of_strangers_is_not_run() {
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let read = |folder: &Path| {
        let files = std::fs::read_dir(folder.join("code")).unwrap().map(|entry| entry.unwrap().path());
        let read = |path: PathBuf| (path.clone(), std::fs::read(path).unwrap());
        files.map(read).collect::<Vec<_>>()
    };
    let platform = platform.restart_after(|folder| {
        let kept = read(folder);
        assert_eq!(kept.len(), 1, "what was compiled is kept");
        for (path, mut bytes) in kept {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(path, bytes).unwrap();
        }
    });
    let platform = platform.await;
    platform.tell(json!({"do": "pass"})).await.expect(200);
    let compiled_again = read(&platform.folder());
    // What the host wrote itself is loaded as it is.
    let platform = platform.restart().await;
    platform.tell(json!({"do": "pass"})).await.expect(200);
    assert!(read(&platform.folder()) == compiled_again);
    platform.stop().await;
}
