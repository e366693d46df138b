//! Every operation there is. REST, command line and tests all end here: check, store, rebuild the snapshot, swap it.
//!
//! A write becomes a plan first: what the configuration would be, with every reference resolved, every module compiled and
//! every filter configured. From the plan the next snapshot is built whole. Only then is anything stored, and only then is
//! the snapshot served; a dry run stops before that, and is the same function.

pub mod apply;
mod attach;
mod build;
mod check;
mod deliveries;
mod destinations;
mod error;
pub mod events;
#[cfg(test)]
pub(crate) mod fixture;
mod modules;
mod observe;
mod outbound;
mod plan;
mod previous;
mod projects;
mod reads;
mod repeat;
mod replay;
mod reuse;
mod routes;
mod secrets;
mod trial;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

pub use error::Error;
pub use events::Recent;
use filters::Engine;
use model::{Digest, Fault, Faults, Name, Timestamp};
pub use modules::{AskedGrants, Module, ModuleNamed};
pub use outbound::Outbound;
pub use plan::{Wish, Write};
pub use reads::Status;
use reuse::Before;
pub use secrets::{SecretSpec, SecretView};
use store::{
    Journal, Registry,
    registry::{Applied, Change, Contents},
};
pub use store::{
    journal::EventWanted,
    registry::{Action, Destination, Older, Precondition, ProjectRecord, Revision},
};
use tokio::sync::Mutex;
pub use trial::{Trial, TrialAnswer, TrialForward};

use crate::{
    budget::Budget,
    snapshot::{Current, Publisher, Snapshot},
};

/// What may be configured beside what is stored.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Body bytes that the events of one project may hold in memory.
    pub buffer_bytes_per_project: u64,
}

/// What the operations work on.
#[derive(Debug)]
pub struct Parts {
    pub registry: Arc<dyn Registry>,
    pub journal: Arc<dyn Journal>,
    pub engine: Engine,
    /// Makes the deliveries.
    pub delivering: Arc<delivery::Engine>,
    pub outbound: Outbound,
    /// The newest events, kept or not.
    pub recent: Arc<dyn Recent>,
    pub publisher: Publisher,
    pub current: Current,
}

/// The operations, and the one handle that changes what is served.
#[derive(Debug)]
pub struct Control {
    registry: Arc<dyn Registry>,
    journal: Arc<dyn Journal>,
    engine: Engine,
    delivering: Arc<delivery::Engine>,
    outbound: Outbound,
    recent: Arc<dyn Recent>,
    publisher: Publisher,
    current: Current,
    settings: Settings,
    started: Timestamp,
    uploads: modules::Uploads,
    /// Writes are made one after the other: each is planned on what the one before left.
    state: Mutex<State>,
}

/// What is served, as it was planned.
#[derive(Debug, Clone, Default)]
struct State {
    contents: Contents,
    /// The modules that the snapshot uses, so that a rebuild compiles only what is new.
    modules: HashMap<Digest, Arc<filters::Module>>,
    /// Kept over snapshots: what is taken from them is still held by requests in flight.
    buffers: BTreeMap<Name, Arc<Budget>>,
}

/// Who changes what, and how.
#[derive(Debug, Clone)]
pub struct Author {
    pub project: Name,
    /// For the list of changes: `api`, `cli`, a token's name.
    pub actor: String,
    pub dry_run: bool,
}

/// What a change came to.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The revision that is now served; in a dry run the one that would be.
    pub revision: u64,
    /// One for each wish, in their order.
    pub applied: Vec<Applied>,
    /// What is right but probably not meant.
    pub warnings: Vec<Fault>,
    /// The project as it is now; in a dry run as it would be.
    pub project: store::registry::Project,
    /// The project as it was before.
    pub before: store::registry::Project,
}

impl Control {
    /// Builds and publishes the snapshot of what is stored, and everything that changes it from here on.
    pub async fn open(parts: Parts, settings: Settings) -> Result<Self, Error> {
        let Parts { registry, journal, engine, delivering, outbound, recent, publisher, current } = parts;
        let mut state = State { contents: registry.contents().await?, ..State::default() };
        let control = Self {
            registry,
            journal,
            engine,
            delivering,
            outbound,
            recent,
            publisher,
            current,
            settings,
            started: Timestamp::now(),
            uploads: modules::Uploads::new(),
            state: Mutex::default(),
        };
        control.load_modules(&mut state).await?;
        let before = Before { contents: &Contents::default(), snapshot: &Snapshot::empty() };
        let snapshot = control.build(&mut state, before, None)?;
        control.publisher.publish(snapshot);
        *control.state.lock().await = state;
        Ok(control)
    }

    /// A destination that is new need not be the one that had its name before.
    async fn forget_conditions(&self, name: &Name, before: &store::registry::Project, planned: &State) {
        let now = planned.contents.projects.get(name).map(|project| &project.destinations[..]).unwrap_or_default();
        for new in now.iter().filter(|now| !before.destinations.iter().any(|known| known.name == now.name)) {
            if let Err(error) = self.delivering.forget(name, &new.name).await {
                observe::condition_not_forgotten(&new.name, &error);
            }
        }
    }

    /// What is kept or remembered of the project's events had these configurations.
    async fn configurations_of_events(&self, project: &Name) -> Result<HashSet<Digest>, Error> {
        let mut configurations = self.journal.configurations(project).await?;
        configurations.extend(self.recent.configurations(project));
        Ok(configurations)
    }

    /// Whether an event that is kept or remembered ran on the module.
    async fn ran_for_events(&self, module: &Digest) -> Result<bool, Error> {
        Ok(self.recent.refers_to_module(module) || self.journal.refers_to_module(module).await?)
    }

    /// Makes all the wishes true as one change, or none and says everything that is wrong with them.
    pub async fn change(&self, author: &Author, wishes: Vec<Wish>) -> Result<Changed, Error> {
        let mut state = self.state.lock().await;
        self.change_from(&mut state, author, wishes, Faults::default()).await
    }

    async fn change_from(
        &self,
        state: &mut State,
        author: &Author,
        wishes: Vec<Wish>,
        faults: Faults,
    ) -> Result<Changed, Error> {
        let found = self.found(state, &author.project, &wishes).await?;
        let before = state.contents.projects.get(&author.project).cloned().unwrap_or_default();
        let mut planned = state.clone();
        let plan = self.plan(&mut planned, &author.project, wishes, faults).await?;
        let served = self.current.load();
        let serving = Before { contents: &state.contents, snapshot: &served };
        let mut snapshot = self.build(&mut planned, serving, Some((&author.project, &plan)))?;
        let (revision, applied) = if author.dry_run {
            let revision = plan.revision(planned.contents.revision);
            (revision, plan.applied(revision, &found))
        } else {
            let mut change = Change::new(author.project.clone(), author.actor.clone(), Timestamp::now());
            change.writes = plan.writes;
            change.kept_configurations = self.configurations_of_events(&author.project).await?;
            let committed = self.registry.commit(change).await?;
            planned.contents = self.registry.contents().await?;
            snapshot.revision = committed.revision;
            self.publisher.publish(snapshot);
            self.forget_conditions(&author.project, &before, &planned).await;
            // What waits for a destination may have one now, or another.
            self.delivering.wake_all();
            planned.forget_unused_modules();
            *state = planned.clone();
            (committed.revision, committed.applied)
        };
        let project = planned.contents.projects.remove(&author.project).unwrap_or_default();
        Ok(Changed { revision, applied, warnings: plan.warnings, project, before })
    }
}
