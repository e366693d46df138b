//! `delivery`: events on their way to destinations.

use model::{DeliveryId, story::DeliveryStory};

use super::{
    Global,
    failure::Failure,
    query::{self, Deliveries},
};
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Delivery {
    /// List deliveries, newest first.
    List {
        /// How many at most.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        #[command(flatten)]
        deliveries: Deliveries,
        /// Only those that stand so: waiting, delivered, dead, cancelled.
        #[arg(long, value_parser = query::status)]
        status: Option<String>,
    },
    /// Show one delivery with its attempts.
    Show {
        /// Its id.
        id: DeliveryId,
    },
    /// Try a delivery now, also one that is decided.
    Retry {
        /// Its id.
        id: DeliveryId,
    },
    /// Give up a delivery that waits.
    Cancel {
        /// Its id.
        id: DeliveryId,
    },
}

impl Delivery {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = global.client()?;
        let answer = match self {
            Self::List { limit, deliveries, status } => return deliveries.list(global, status.as_deref(), limit).await,
            Self::Show { id } => client.get(&format!("/deliveries/{id}")).await?,
            Self::Retry { id } => client.post(&format!("/deliveries/{id}/retry"), &serde_json::json!({})).await?,
            Self::Cancel { id } => client.post(&format!("/deliveries/{id}/cancel"), &serde_json::json!({})).await?,
        };
        global.show(&answer, |known: DeliveryStory| super::story::delivery_whole(&known))
    }
}
