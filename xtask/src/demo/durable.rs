//! A destination that is down, and gets everything once it is back.

use std::{
    process::{Command, Stdio},
    sync::mpsc::RecvTimeoutError,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::host::{Child, Host};

/// Orders that are sent while nobody listens.
const ORDERS: usize = 5;
/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn tell(host: &Host) -> Result<()> {
    host.apply("examples/durable/route.toml", "a ledger that is down: snaphook apply examples/durable/route.toml")?;
    println!();
    for number in 1..=ORDERS {
        let answer = send(host, number)?;
        println!("order {number}  answered {}  event {}", answer["status"], answer["event"].as_str().unwrap_or("?"));
        if answer["status"] != 202 {
            bail!("order {number} was not stored: {answer}");
        }
    }
    let waiting = until(host, "the first attempt failed", |deliveries| {
        deliveries.len() == ORDERS && deliveries.iter().any(|known| known["attempts"].as_u64() >= Some(1))
    })?;
    for known in &waiting {
        let next = if known["due"].is_null() { "behind an earlier one" } else { "soon" };
        println!(
            "{}  {}  attempts {}  next {next}  {}",
            text(known, "id"),
            text(known, "status"),
            known["attempts"],
            text(known, "reason")
        );
    }
    eprintln!("\n── the ledger is back: snaphook listen {}\n", host.ledger());
    let (_ledger, received) = listen(host)?;
    for number in 1..=ORDERS {
        let line = match received.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => bail!("order {number} never arrived"),
        };
        let request: Value = serde_json::from_str(&line).context("the ledger did not print JSON")?;
        let body = STANDARD.decode(text(&request, "body_base64")).context("the ledger's body is no base64")?;
        let order: Value = serde_json::from_slice(&body).context("the ledger got no JSON")?;
        let signed = request["headers"].as_array().into_iter().flatten().any(|header| header[0] == "webhook-signature");
        println!("arrived {}  {}", order["id"], if signed { "signed" } else { "NOT SIGNED" });
        if order["id"] != format!("ord_{number}") || !signed {
            bail!("order {number} should have come now, and signed: {request}");
        }
    }
    until(host, "all are settled", |deliveries| deliveries.iter().all(|known| known["status"] == "delivered"))?;
    println!("all {ORDERS} delivered, in order; none is left in the dead letter");
    Ok(())
}

/// The deliveries, once they are as they should be.
fn until(host: &Host, what: &str, is_so: impl Fn(&[Value]) -> bool) -> Result<Vec<Value>> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let listed = host.json(&["delivery", "list", "--route", "orders", "--json"])?;
        let deliveries = listed["items"].as_array().cloned().unwrap_or_default();
        if is_so(&deliveries) {
            return Ok(deliveries.into_iter().rev().collect());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    bail!("this never came true: {what}")
}

fn send(host: &Host, number: usize) -> Result<Value> {
    let text = std::fs::read_to_string(crate::root().join("examples/durable/events/order.json"));
    let mut event: Value = serde_json::from_str(&text.context("cannot read the example's event")?)?;
    event["body"]["id"] = format!("ord_{number}").into();
    let file = host.folder().join("order.json");
    std::fs::write(&file, event.to_string()).with_context(|| format!("cannot write {}", file.display()))?;
    let (file, to) = (file.display().to_string(), host.url("/orders"));
    let mut send = host.snaphook(&["send", &file, "--to", &to, "--json"]);
    let output = send.stderr(Stdio::inherit()).output().context("cannot send")?;
    serde_json::from_slice(&output.stdout).context("`snaphook send --json` did not print JSON")
}

fn listen(host: &Host) -> Result<(Child, std::sync::mpsc::Receiver<String>)> {
    let mut listen: Command = host.snaphook(&["listen", &host.ledger().to_string(), "--json"]);
    let mut child = Child(super::piped(&mut listen).spawn().context("cannot start the ledger")?);
    let received = super::lines(&mut child.0)?;
    Ok((child, received))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("")
}
