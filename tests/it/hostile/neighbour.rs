//! Who suffers if a host does not hold: senders of another project, who ask all the time.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{Api, Destination, Wire, eventually, guest};

/// When an answer came, and how long it was waited for.
type Waited = (Instant, Duration);

pub(super) struct Neighbour {
    asking: JoinSet<Vec<Waited>>,
    served: Arc<AtomicUsize>,
    enough: Arc<AtomicBool>,
    destination: Destination,
}

impl Neighbour {
    /// Brings project `neighbour` with a route at `/neighbour`, and lets so many senders ask, each with this pause
    /// between an answer and the next request.
    pub(super) async fn moves_in(api: &Api, gateway: SocketAddr, senders: usize, pause: Duration) -> Self {
        let destination = Destination::ok().await;
        api.put("/v1/projects/neighbour", &json!({})).await.expect(201);
        let api = api.in_project("neighbour");
        api.upload("version", guest("v1")).await.expect(201);
        api.put("/destinations/home", &json!({"url": destination.url("")})).await.expect(200);
        let limits = json!({"time_ms": 10_000, "wall_ms": 30_000});
        let filter = json!({"name": "version", "module": "version", "limits": limits});
        let spec = json!({"match": {"path": "/neighbour"}, "forward": {"candidates": ["home"]}, "filters": [filter]});
        api.put("/routes/home", &spec).await.expect(200);
        let (served, enough) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let mut asking = JoinSet::new();
        for _ in 0..senders {
            asking.spawn(ask(gateway, pause, Arc::clone(&served), Arc::clone(&enough)));
        }
        let neighbour = Self { asking, served, enough, destination };
        neighbour.is_served_after(0).await;
        neighbour
    }

    /// Requests that were answered so far.
    pub(super) fn served(&self) -> usize {
        self.served.load(Relaxed)
    }

    /// Waits until there are more answers than these.
    pub(super) async fn is_served_after(&self, served: usize) {
        eventually("an answer for the neighbour", async || (self.served() > served).then_some(())).await;
        // What it got has been looked at by who asked.
        self.destination.forget();
    }

    /// Panics if one of the answers was not as it should be.
    pub(super) async fn moves_out(mut self) -> Vec<Waited> {
        self.enough.store(true, Relaxed);
        let mut waited = Vec::new();
        while let Some(asked) = self.asking.join_next().await {
            waited.extend(asked.unwrap_or_else(|error| panic!("the neighbour was not served: {error}")));
        }
        assert_eq!(waited.len(), self.served());
        waited
    }
}

async fn ask(gateway: SocketAddr, pause: Duration, served: Arc<AtomicUsize>, enough: Arc<AtomicBool>) -> Vec<Waited> {
    let mut wire = Wire::to(gateway).await;
    let mut waited = Vec::new();
    while !enough.load(Relaxed) {
        let start = Instant::now();
        wire.write("POST /neighbour HTTP/1.1\r\nhost: neighbour\r\ncontent-length: 2\r\n\r\n{}").await;
        wire.answer().await.expect(200);
        waited.push((Instant::now(), start.elapsed()));
        served.fetch_add(1, Relaxed);
        tokio::time::sleep(pause).await;
    }
    waited
}
