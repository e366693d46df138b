//! What destinations are made with: the one way out of the house.

use std::sync::Arc;

use delivery::{
    Connector,
    destinations::http::{Client, Endpoint, Pool, Target},
};
use model::{Faults, Name, Secret, destination::Http};

/// Makes destinations ready. Those of deliveries share their connections.
#[derive(Debug)]
pub struct Outbound {
    connector: Connector,
    client: Arc<Client>,
}

impl Outbound {
    pub fn new(connector: Connector) -> Self {
        let client = Arc::new(Client::new(connector.clone(), Pool::default()));
        Self { connector, client }
    }

    /// For deliveries. `values` gives the valid values of a secret, the newest first.
    pub(super) fn endpoint(&self, http: &Http, values: impl Fn(&Name) -> Vec<Secret>) -> Result<Endpoint, Faults> {
        Endpoint::new(http, &self.connector, Arc::clone(&self.client), values)
    }

    /// For what is forwarded.
    pub(super) fn target(&self, http: &Http, values: impl Fn(&Name) -> Vec<Secret>) -> Result<Target, Faults> {
        let key = http.trust.client_certificate.as_ref().and_then(|shown| values(&shown.key).into_iter().next());
        let tls = self.connector.tls(&http.trust, key.as_ref())?;
        Ok(Target::new(http)?.with_tls(tls))
    }
}
