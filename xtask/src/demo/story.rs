//! The webhooks of the demo, and what becomes of each.

use std::{path::PathBuf, process::Stdio, time::Duration};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::host::Host;

/// One webhook, and what must happen to it.
struct Chapter {
    title: &'static str,
    file: &'static str,
    /// How it is sent, beside being signed.
    how: &'static [&'static str],
    status: u64,
    /// Where it must arrive.
    arrives: Option<&'static str>,
}

const FIRST: &[&str] = &["--header", "x-github-delivery: 72d3162e-cc78-11e3-81ab-4c9367dc0958"];

const STORY: &[Chapter] = &[
    Chapter { title: "a ping", file: "ping.json", how: &[], status: 200, arrives: None },
    Chapter { title: "a push", file: "push.json", how: FIRST, status: 200, arrives: Some("/ci") },
    Chapter { title: "the same delivery again", file: "push.json", how: FIRST, status: 200, arrives: None },
    Chapter { title: "a push, one byte changed", file: "push.json", how: &["--tamper"], status: 401, arrives: None },
    Chapter { title: "a new issue", file: "issue-opened.json", how: &[], status: 200, arrives: Some("/chat") },
    Chapter { title: "a push of 2 MiB", file: OVERSIZED, how: &[], status: 413, arrives: None },
];

/// Made for the demo: the repository need not hold 2 MiB of nothing.
const OVERSIZED: &str = "oversized.json";

/// Sends them one after the other and shows what the host recorded and the destination received.
pub(crate) fn tell(host: &Host) -> Result<()> {
    eprintln!("\n── webhooks, signed as GitHub signs them\n");
    println!("{:<26} {:>6}  {:<10} {:<22} filters (µs)", "webhook", "answer", "became", "arrived");
    let mut wrong = Vec::new();
    for chapter in STORY {
        let answer = send(host, chapter)?;
        let record = answer["event"].as_str().map(|id| record(host, id)).transpose()?.flatten();
        let arrived = chapter.arrives.map(|_| host.received.recv_timeout(Duration::from_secs(10)));
        let arrived = arrived.and_then(Result::ok).map(|line| serde_json::from_str::<Value>(&line)).transpose();
        let arrived = arrived.context("the destination did not print JSON")?;
        let path = arrived.as_ref().and_then(|request| request["path"].as_str());
        show(chapter, &answer, record.as_ref(), arrived.as_ref());
        if answer["status"].as_u64() != Some(chapter.status) || path != chapter.arrives {
            wrong.push(format!(
                "{}: {} instead of {}, arrived at {path:?}",
                chapter.title, answer["status"], chapter.status
            ));
        }
    }
    if let Ok(line) = host.received.recv_timeout(Duration::from_millis(100)) {
        wrong.push(format!("the destination received what it should not: {line}"));
    }
    if !wrong.is_empty() {
        bail!("not as it should be:\n  {}", wrong.join("\n  "));
    }
    Ok(())
}

fn send(host: &Host, chapter: &Chapter) -> Result<Value> {
    let file = if chapter.file == OVERSIZED { oversized(host)? } else { events().join(chapter.file) };
    let file = file.display().to_string();
    let to = host.url("/github");
    let mut arguments = vec!["send", &file, "--to", &to, "--json", "--provider", "github"];
    arguments.extend(["--secret-env", "GITHUB_WEBHOOK_SECRET"]);
    arguments.extend(chapter.how);
    let output = host.snaphook(&arguments).stderr(Stdio::inherit()).output().context("cannot send")?;
    serde_json::from_slice(&output.stdout).context("`snaphook send --json` did not print JSON")
}

fn events() -> PathBuf {
    crate::root().join("examples/github-chain/events")
}

fn oversized(host: &Host) -> Result<PathBuf> {
    let text = std::fs::read_to_string(events().join("push.json")).context("cannot read the example's event")?;
    let mut event: Value = serde_json::from_str(&text).context("the example's event is no JSON")?;
    event["body"]["padding"] = "x".repeat(2 << 20).into();
    let file = host.folder().join(OVERSIZED);
    std::fs::write(&file, event.to_string()).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// What the host wrote down; it does so after it answered.
fn record(host: &Host, id: &str) -> Result<Option<Value>> {
    for _ in 0..50 {
        let events = host.json(&["event", "list", "--json"])?;
        let found = events["items"].as_array().into_iter().flatten().find(|record| record["id"] == *id);
        if let Some(found) = found {
            return Ok(Some(found.clone()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(None)
}

fn show(chapter: &Chapter, answer: &Value, record: Option<&Value>, arrived: Option<&Value>) {
    let became = record.and_then(|record| record["disposition"].as_str()).unwrap_or("refused");
    let arrived = arrived.map_or("–".to_owned(), |request| {
        format!("{} ({} bytes)", request["path"].as_str().unwrap_or("?"), request["body_bytes"])
    });
    let filters = record.and_then(|record| record["filters"].as_array()).into_iter().flatten();
    let filters = filters.map(|run| format!("{} {}", run["filter"].as_str().unwrap_or("?"), run["time_us"]));
    let filters: Vec<String> = filters.collect();
    println!("{:<26} {:>6}  {became:<10} {arrived:<22} {}", chapter.title, answer["status"], filters.join("  "));
    if let Some(reason) = record.and_then(|record| record["reason"].as_str()) {
        println!("{:<26}         {reason}", "");
    }
}
