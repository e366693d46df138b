//! The admin API: every operation of `control` over HTTP, for those who hold the token.

mod answer;
mod api;
mod apply;
mod body;
mod deliveries;
mod destinations;
mod events;
mod guard;
mod hosts;
mod metrics;
mod modules;
mod observe;
mod place;
mod problem;
mod projects;
mod routes;
mod secrets;
mod serve;
mod status;
mod terms;
#[cfg(test)]
mod tests;
pub mod token;

use std::{net::SocketAddr, sync::Arc};

pub use api::openapi;
use prometheus_client::registry::Registry;
pub use serve::serve;
pub use token::Token;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::control::Control;

/// Modules that are taken in at the same time; each is held in memory whole.
const UPLOADS_MOST: usize = 2;
/// Streams of events that are open at the same time.
const TAILS_MOST: usize = 64;

/// What the API works on.
#[derive(Debug, Clone)]
pub struct Admin {
    pub control: Arc<Control>,
    pub token: Arc<Token>,
    /// True while a snapshot is served and the gateway accepts connections.
    pub ready: watch::Receiver<bool>,
    /// Where the API listens. On loopback it answers only to the names of loopback, and to `names`.
    pub listen: SocketAddr,
    /// Host names that it is reached by beside those.
    pub names: Vec<String>,
    /// Where webhooks arrive, for the status.
    pub gateway: SocketAddr,
    /// What the host counts.
    pub metrics: Arc<Registry>,
}

/// Shared by all requests.
#[derive(Debug, Clone)]
struct Shared(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    admin: Admin,
    hosts: hosts::Hosts,
    uploads: Arc<Semaphore>,
    tails: Arc<Semaphore>,
    /// Ends the streams.
    stop: CancellationToken,
}

impl Shared {
    fn new(admin: Admin, stop: CancellationToken) -> Self {
        Self(Arc::new(Inner {
            hosts: hosts::Hosts::new(admin.listen, &admin.names),
            admin,
            uploads: Arc::new(Semaphore::new(UPLOADS_MOST)),
            tails: Arc::new(Semaphore::new(TAILS_MOST)),
            stop,
        }))
    }

    fn control(&self) -> &Control {
        &self.0.admin.control
    }
}

/// The API as a service. Its streams end when it is dropped, or with `serve`.
pub fn router(admin: Admin) -> axum::Router {
    guard::router(Shared::new(admin, CancellationToken::new()))
}
