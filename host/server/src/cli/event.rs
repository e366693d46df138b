//! `event`: what became of the events that came in.

use http_body_util::BodyExt as _;
use model::{
    Name,
    record::{Disposition, Record},
};
use serde_json::Value;

use super::{
    Global,
    answers::List,
    failure::{Exit, Failure},
    show, story,
};

/// Bytes of one line of the stream; an event with a captured body is the longest.
const LINE_BYTES_MOST: usize = 128 << 20;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Event {
    /// Show each event as it comes in, until Ctrl-C.
    Tail {
        /// Only those of this route.
        #[arg(long)]
        route: Option<Name>,
    },
    /// List the latest events, newest first.
    List {
        /// How many at most.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Only those of this route.
        #[arg(long)]
        route: Option<Name>,
        /// Only those that became this: forwarded, delivered, rejected, dropped, responded, failed.
        #[arg(long, value_name = "DISPOSITION", value_parser = disposition)]
        became: Option<Disposition>,
    },
}

impl Event {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        match self {
            Self::Tail { route } => tail(global, route).await,
            Self::List { limit, route, became } => {
                let mut path = format!("/events?limit={limit}");
                path.extend(route.map(|route| format!("&route={route}")));
                path.extend(became.map(|became| format!("&disposition={}", became.name())));
                let answer = global.client()?.get(&path).await?;
                global.show(&answer, |List { items }: List<Record>| {
                    let lines: String = items.iter().map(|record| format!("{}\n", story::event(record))).collect();
                    format!("{}\n{lines}", story::event_heading())
                })
            }
        }
    }
}

fn disposition(text: &str) -> Result<Disposition, String> {
    serde_json::from_value(Value::from(text)).map_err(|error| error.to_string())
}

async fn tail(global: &Global, route: Option<Name>) -> Result<(), Failure> {
    let query = route.map(|route| format!("?route={route}")).unwrap_or_default();
    let mut stream = global.client()?.tail(&format!("/events/tail{query}")).await?;
    let broken = |problem: &str| Failure::new(Exit::Unreachable, format!("the stream of events ended: {problem}"));
    if !global.json {
        show::print(&format!("{}\n", story::event_heading()))?;
    }
    let mut lines = Lines::default();
    while let Some(frame) = stream.frame().await {
        let frame = frame.map_err(|error| broken(&error.to_string()))?;
        let Ok(bytes) = frame.into_data() else { continue };
        for text in lines.feed(&bytes).map_err(|problem| broken(&problem))? {
            let value: Value = serde_json::from_str(&text).map_err(|error| broken(&error.to_string()))?;
            if let Some(missed) = value["missed"].as_u64() {
                show::note(&format!("{missed} events are left out: they came faster than they could be shown"));
            } else if global.json {
                show::print_json_line(&value)?;
            } else {
                let record: Record = serde_json::from_value(value).map_err(|error| broken(&error.to_string()))?;
                show::print(&format!("{}\n", story::event(&record)))?;
            }
        }
    }
    Err(broken("the host closed it"))
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
