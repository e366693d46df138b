//! Events as they are decided: the host's stream of them.

use std::collections::VecDeque;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use model::{Name, record::Record};
use serde_json::Value;

use crate::cli::{
    client::Client,
    failure::{Exit, Failure},
    show,
};

/// Bytes of one line of the stream; an event with a captured body is the longest.
const LINE_BYTES_MOST: usize = 128 << 20;

/// A stream that is open.
#[derive(Debug)]
pub(crate) struct Tail {
    stream: Incoming,
    lines: Lines,
    complete: VecDeque<String>,
}

impl Tail {
    /// Of one route, or of all.
    pub(crate) async fn open(client: &Client, route: Option<&Name>) -> Result<Self, Failure> {
        let query = route.map(|route| format!("?route={route}")).unwrap_or_default();
        let stream = client.tail(&format!("/events/tail{query}")).await?;
        Ok(Self { stream, lines: Lines::default(), complete: VecDeque::new() })
    }

    /// The record of the next event; waits until there is one. Given up while it waits, nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<Value, Failure> {
        loop {
            while let Some(text) = self.complete.pop_front() {
                let value: Value = serde_json::from_str(&text).map_err(|error| broken(&error.to_string()))?;
                match value["missed"].as_u64() {
                    Some(missed) => {
                        show::note(&format!("{missed} events are left out: they came faster than they could be shown"));
                    }
                    None => return Ok(value),
                }
            }
            let frame = self.stream.frame().await.ok_or_else(|| broken("the host closed it"))?;
            let frame = frame.map_err(|error| broken(&error.to_string()))?;
            let Ok(bytes) = frame.into_data() else { continue };
            self.complete.extend(self.lines.feed(&bytes).map_err(|problem| broken(&problem))?);
        }
    }
}

pub(crate) fn record(value: Value) -> Result<Record, Failure> {
    serde_json::from_value(value).map_err(|error| broken(&error.to_string()))
}

fn broken(problem: &str) -> Failure {
    Failure::new(Exit::Unreachable, format!("the stream of events ended: {problem}"))
}

/// Takes the payloads out of a stream of server-sent events (WHATWG HTML, 9.2), as far as this API sends them: an event is
/// one `data` line; comments and other fields are passed over.
#[derive(Debug, Default)]
struct Lines(Vec<u8>);

impl Lines {
    /// What became complete with these bytes.
    fn feed(&mut self, bytes: &[u8]) -> Result<Vec<String>, String> {
        let mut payloads = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.0.extend_from_slice(piece);
            if self.0.len() > LINE_BYTES_MOST {
                return Err(format!("a line is longer than {LINE_BYTES_MOST} bytes"));
            }
            if piece.ends_with(b"\n") {
                let line = String::from_utf8_lossy(&self.0);
                payloads.extend(line.strip_prefix("data:").map(|payload| payload.trim().to_owned()));
                self.0.clear();
            }
        }
        Ok(payloads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_come_out_whole() {
        let mut lines = Lines::default();
        assert_eq!(lines.feed(b": keep-alive\n\ndata: {\"a\"").unwrap(), Vec::<String>::new());
        assert_eq!(lines.feed(b":1}\r\n\r\nevent: x\ndata:{}\n\nda").unwrap(), ["{\"a\":1}", "{}"]);
        assert_eq!(lines.feed(b"ta: 2\n").unwrap(), ["2"]);
    }
}
