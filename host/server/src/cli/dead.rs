//! `dead`: what could not be delivered.

use model::{DeliveryId, story::Redriven};
use serde_json::json;

use super::{Global, failure::Failure, query::Deliveries, show};
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Dead {
    /// List what has no attempt left, newest first.
    List {
        /// How many at most.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        #[command(flatten)]
        deliveries: Deliveries,
    },
    /// Send it again: one delivery by its id, or all that the options take, oldest first.
    Redrive {
        /// Just this one.
        #[arg(conflicts_with_all = ["event", "route", "destination", "label", "header", "since", "until"])]
        id: Option<DeliveryId>,
        #[command(flatten)]
        deliveries: Deliveries,
        /// At most so many a second.
        #[arg(long, value_name = "N")]
        per_second: Option<u32>,
        /// Only say how many there are.
        #[arg(long)]
        dry_run: bool,
        /// Without any option that says which: really all of them.
        #[arg(long)]
        all: bool,
    },
}

impl Dead {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        match self {
            Self::List { limit, deliveries } => deliveries.list(global, Some("dead"), limit).await,
            Self::Redrive { id, deliveries, per_second, dry_run, all } => {
                let mut asked = json!({
                    "delivery": id.map(|id| id.to_string()),
                    "event": deliveries.event.map(|id| id.to_string()),
                    "route": deliveries.route,
                    "destination": deliveries.destination,
                    "label": deliveries.label,
                    "header": deliveries.header,
                    "from": deliveries.time.since,
                    "until": deliveries.time.until,
                });
                let asked_map = asked.as_object_mut().expect("is one");
                asked_map.retain(|_, value| !value.is_null());
                if asked_map.is_empty() && !all {
                    return Err(Failure::usage(
                        "which deliveries? name one by its id, or say with --destination, --since, … or --all",
                    ));
                }
                asked_map.insert("dry_run".to_owned(), dry_run.into());
                if let Some(per_second) = per_second {
                    asked_map.insert("per_second".to_owned(), per_second.into());
                }
                let answer = global.client()?.post("/deliveries/redrive", &asked).await?;
                global.show(&answer, |redriven: Redriven| {
                    let verb = if redriven.dry_run { "would be sent" } else { "sent" };
                    format!("{verb} again: {}\n", show::count(redriven.deliveries, "delivery", "deliveries"))
                })
            }
        }
    }
}
