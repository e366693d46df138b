//! `event`: what became of the events that came in.

mod export;
mod tail;

use model::{
    EventId, Name,
    story::{EventListed, EventStory, Replayed},
};
use serde_json::json;

pub(crate) use tail::{Tail, record};

use super::{
    Global,
    failure::Failure,
    query::{self, Events},
    show, story,
};

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
    let mut tail = Tail::open(&global.client()?, route.as_ref()).await?;
    if !global.json {
        show::print(&format!("{}\n", story::event_heading()))?;
    }
    loop {
        let value = tail.next().await?;
        if global.json {
            show::print_json_line(&value)?;
        } else {
            show::print(&format!("{}\n", story::event(&record(value)?)))?;
        }
    }
}
