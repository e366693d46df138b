//! `event`: what became of the events that came in.

mod export;

use http_body_util::BodyExt as _;
use model::{
    EventId, Name,
    record::Record,
    story::{EventListed, EventStory, Replayed},
};
use serde_json::{Value, json};

use super::{
    Global,
    failure::{Exit, Failure},
    query::{self, Events},
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
    /// List events, newest first.
    List {
        /// How many at most.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Only those with each of these words in their body, path or labels; of routes with `search = true`.
        #[arg(long, value_name = "WORDS")]
        text: Option<String>,
        #[command(flatten)]
        events: Events,
    },
    /// Forget what the search knows, and fill it again.
    Reindex,
    /// Show everything about one event: what came, what each filter did with it, each attempt to deliver it.
    Show {
        /// Its id.
        id: EventId,
    },
    /// Write events into files as they were received, for `snaphook test` and `snaphook send`: one by its id, or all that the
    /// options take. Routes keep what they deliver, and what `capture` says.
    Export(export::Export),
    /// Take note that acknowledged events were lost because the journal's file was damaged: `snaphook status` says how many.
    AcknowledgeLoss,
    /// Deliver events again: one by its id, or all that the options take, oldest first.
    Replay(Replay),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// Just this one.
    #[arg(conflicts_with_all = ["route", "became", "label", "header", "destination", "status", "since", "until"])]
    id: Option<EventId>,
    #[command(flatten)]
    events: Events,
    /// To this destination, instead of those that the filters choose; may be given several times.
    #[arg(long, value_name = "DESTINATION")]
    to: Vec<Name>,
    /// What is sent: `now` runs the route's filters as they are now, `then` those of the event's record with their
    /// configurations, clock and random numbers, `stored` takes what they made of it then.
    #[arg(long, default_value = "now", value_parser = ["now", "then", "stored"])]
    through: String,
    /// At most so many events a second.
    #[arg(long, value_name = "N")]
    per_second: Option<u32>,
    /// Only say how many there are.
    #[arg(long)]
    dry_run: bool,
    /// Without any option that says which: really all events that are kept.
    #[arg(long)]
    all: bool,
}

impl Event {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        match self {
            Self::Tail { route } => tail(global, route).await,
            Self::Reindex => {
                let answer = global.client()?.post("/v1/reindex", &json!({})).await?;
                global.done(&answer, "the search is filled anew; `snaphook status` says how many events are left")
            }
            Self::List { limit, text, events } => {
                let query = events.query().with("text", text.as_ref());
                let items = query::gather(&global.client()?, "/events", query, limit).await?;
                global.list(items, |events: Vec<EventListed>| {
                    let line = |event: &EventListed| {
                        let standing = event.deliveries.map(|standing| format!("  {}", story::standing(&standing)));
                        format!("{}{}\n", story::event(&event.record), standing.unwrap_or_default())
                    };
                    let lines: String = events.iter().map(line).collect();
                    format!("{}\n{lines}", story::event_heading())
                })
            }
            Self::Show { id } => {
                let answer = global.client()?.get(&format!("/events/{id}")).await?;
                global.show(&answer, |event: EventStory| story::whole(&event))
            }
            Self::Replay(replay) => replay.run(global).await,
            Self::Export(export) => export.run(global).await,
            Self::AcknowledgeLoss => {
                let answer = global.client()?.post("/v1/acknowledge-loss", &json!({})).await?;
                global.done(&answer, "the loss is taken note of; the host is ready again")
            }
        }
    }
}

impl Replay {
    async fn run(self, global: &Global) -> Result<(), Failure> {
        let mut how = json!({ "to": self.to, "through": self.through, "dry_run": self.dry_run });
        if let Some(per_second) = self.per_second {
            how["per_second"] = per_second.into();
        }
        let client = global.client()?;
        let answer = match self.id {
            Some(id) => client.post(&format!("/events/{id}/replay"), &how).await?,
            None => {
                let mut document = self.events.document();
                if document.as_object().is_some_and(serde_json::Map::is_empty) && !self.all {
                    return Err(Failure::usage(
                        "which events? name one by its id, or say with --route, --since, … or --all",
                    ));
                }
                document["how"] = how;
                client.post("/events/replay", &document).await?
            }
        };
        global.show(&answer, |replayed: Replayed| {
            let verb = if replayed.dry_run { "would be delivered" } else { "delivered" };
            let events = show::count(replayed.events, "event", "events");
            let deliveries = show::count(replayed.deliveries.len() as u64, "delivery", "deliveries");
            let mut text = format!("{verb} again: {events}, by {deliveries}\n");
            for left_out in &replayed.left_out {
                text.push_str(&format!("{}  {}\n", left_out.event, show::line(&left_out.reason)));
            }
            text
        })
    }
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
