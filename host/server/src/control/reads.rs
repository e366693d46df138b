//! What there is: reads of the configuration as it is served.

use model::{Digest, Name, spec::RouteRecord};
use serde::{Deserialize, Serialize};
use store::registry::{Project, Revision};
use utoipa::ToSchema;

use super::{Control, Error};

/// What the host is doing.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Status {
    pub version: String,
    /// The revision that is served.
    pub revision: u64,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub started: u64,
    pub projects: usize,
    pub routes: usize,
    pub modules: usize,
    /// Events that the search has not looked at yet, about.
    #[serde(default)]
    pub search_lag: u64,
    /// Why events cannot be stored, or are missing from the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

impl Control {
    /// The project as it is served.
    pub(super) async fn project(&self, name: &Name) -> Result<Project, Error> {
        let state = self.state.lock().await;
        state.contents.projects.get(name).cloned().ok_or_else(|| Error::NotFound(format!("project `{name}`")))
    }

    pub async fn status(&self) -> Status {
        let state = self.state.lock().await;
        let projects = state.contents.projects.values();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            revision: self.current.load().revision,
            started: self.started.as_millis(),
            projects: projects.len(),
            routes: projects.clone().map(|project| project.routes.len()).sum(),
            modules: projects.map(|project| project.modules.len()).sum(),
            search_lag: self.journal.search_lag(),
            trouble: self.journal_trouble(),
        }
    }

    pub async fn routes(&self, project: &Name) -> Result<Vec<RouteRecord>, Error> {
        Ok(self.project(project).await?.routes.into_iter().map(|route| route.record).collect())
    }

    pub async fn route(&self, project: &Name, name: &Name) -> Result<RouteRecord, Error> {
        let mut routes = self.routes(project).await?.into_iter();
        routes.find(|route| name.as_str() == route.name).ok_or_else(|| Error::NotFound(format!("route `{name}`")))
    }

    /// The configuration that a filter has, or had for an event that is still remembered.
    pub async fn configuration(&self, project: &Name, digest: Digest) -> Result<String, Error> {
        self.project(project).await?;
        Ok(self.registry.configuration(project, digest).await?)
    }

    /// Newest first.
    pub async fn changes(&self, project: &Name, before: Option<u64>, at_most: u32) -> Result<Vec<Revision>, Error> {
        self.project(project).await?;
        Ok(self.registry.revisions(project, before, at_most).await?)
    }
}
