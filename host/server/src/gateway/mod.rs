//! The data plane: from a socket to an answer. `handle` is the way of one event, top to bottom.
//!
//! Everything is served from the snapshot of the moment; nothing here can change the configuration.

mod answer;
mod connection;
mod deadline;
mod deliver;
mod forward;
mod forwarded;
mod handle;
mod intake;
mod listener;
mod observe;
mod peer;
pub mod record;
mod reservations;
mod sender;
mod settings;
mod socket;
mod story;
#[cfg(test)]
mod tests;
mod trace;
mod verifications;
mod workers;

use std::{fmt, sync::Arc};

use delivery::{
    Connector, Waker,
    destinations::http::{Client, Pool},
};
use filters::Kv;
use model::{Name, Timestamp};
use store::{Journal, journal::NewEvent};

pub use self::{listener::serve, observe::Counters, record::Recorder, reservations::Reservations, settings::Settings};
use crate::{budget::Budget, snapshot::Current};

/// What every request is served with.
pub struct Gateway {
    current: Current,
    connector: Connector,
    kv: Arc<dyn Kv>,
    reservations: Arc<dyn Reservations>,
    journal: Arc<dyn Journal>,
    waker: Waker,
    recorder: Arc<Recorder>,
    settings: Settings,
    counters: Counters,
    /// Body bytes that all events may hold in memory.
    buffer: Budget,
}

impl Gateway {
    /// `kv` is what filters keep values in, `reservations` decides those of them that depend on the event. What is stored in
    /// the journal is told to `waker`.
    #[expect(clippy::too_many_arguments, reason = "each is a part of the house")]
    pub fn new(
        current: Current,
        connector: Connector,
        kv: Arc<dyn Kv>,
        reservations: Arc<dyn Reservations>,
        journal: Arc<dyn Journal>,
        waker: Waker,
        recorder: Arc<Recorder>,
        settings: Settings,
    ) -> Self {
        Self {
            current,
            connector,
            kv,
            reservations,
            journal,
            waker,
            recorder,
            buffer: Budget::new(settings.buffer_bytes),
            settings,
            counters: Counters::default(),
        }
    }

    /// With connections of its own.
    fn client(&self) -> Arc<Client<intake::Streamed>> {
        Arc::new(Client::new(self.connector.clone(), Pool::default()))
    }

    /// There is something to deliver.
    fn wake(&self, project: &Name, destination: &Name, due: Timestamp) {
        self.waker.wake(project, destination, due);
    }

    /// Keeps an event that goes nowhere, if there is a place.
    fn keep(&self, event: NewEvent) {
        if !self.journal.keep(event) {
            observe::event_not_kept(&self.counters);
        }
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Gateway").field("settings", &self.settings).finish_non_exhaustive()
    }
}
