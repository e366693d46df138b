//! The registry on SQLite. Writes go through the writer's thread, reads to a thread that may block.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use model::{Digest, Name, spec::RouteRecord};
use rusqlite::Connection;

use super::{
    change, contents,
    database::Database,
    failure,
    folder::Folder,
    readers::Readers,
    secrets,
    writer::{QUEUE_MOST, Writer},
};
use crate::{
    Error, Result,
    registry::{
        Alias, Change, Committed, Contents, Destination, Limits, ModuleVersion, PAGE_MOST, ProjectRecord, Revision,
        SecretRecord,
    },
    vault::Vault,
};

/// `control.db`. Dropped in this order: who reads, who writes, the hold on the folder.
#[derive(Debug)]
pub struct Registry {
    readers: Arc<Readers>,
    writer: Writer,
    vault: Arc<Vault>,
    limits: Limits,
    _folder: Arc<Folder>,
}

impl Registry {
    pub(super) fn open(control: Database, key_file: &Path, limits: Limits, folder: Arc<Folder>) -> Result<Self> {
        let sealed_by = secrets::keys(&control.connection)?;
        let vault = Arc::new(Vault::open(key_file, &sealed_by)?);
        let readers = Arc::new(Readers::new(control.path));
        let writer = Writer::start("store-control", control.connection, QUEUE_MOST, Box::new(|_| ()))?;
        Ok(Self { readers, writer, vault, limits, _folder: folder })
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> failure::Result<T> + Send + 'static,
    ) -> Result<T> {
        let readers = Arc::clone(&self.readers);
        let reading = tokio::task::spawn_blocking(move || readers.with(read));
        reading.await.map_err(|error| Error::failed("reading the registry was broken off", error))?
    }
}

#[async_trait]
impl crate::Registry for Registry {
    async fn commit(&self, change: Change) -> Result<Committed> {
        let (vault, limits) = (Arc::clone(&self.vault), self.limits);
        self.writer.run(move |connection| change::apply(connection, &vault, &limits, change)).await
    }

    async fn contents(&self) -> Result<Contents> {
        let vault = Arc::clone(&self.vault);
        self.read(move |connection| contents::all(connection, &vault)).await
    }

    async fn module_bytes(&self, digest: Digest) -> Result<Bytes> {
        self.read(move |connection| contents::module_bytes(connection, digest)).await
    }

    async fn configuration(&self, project: &Name, digest: Digest) -> Result<String> {
        let project = project.clone();
        self.read(move |connection| contents::configuration(connection, &project, digest)).await
    }

    async fn projects(&self) -> Result<Vec<ProjectRecord>> {
        self.read(contents::projects).await
    }

    async fn routes(&self, project: &Name) -> Result<Vec<RouteRecord>> {
        let project = project.clone();
        let routes = self.read(move |connection| contents::routes(connection, &project)).await?;
        Ok(routes.into_iter().map(|route| route.record).collect())
    }

    async fn destinations(&self, project: &Name) -> Result<Vec<Destination>> {
        let project = project.clone();
        self.read(move |connection| contents::destinations(connection, &project)).await
    }

    async fn secrets(&self, project: &Name) -> Result<Vec<SecretRecord>> {
        let project = project.clone();
        self.read(move |connection| secrets::records(connection, &project)).await
    }

    async fn aliases(&self, project: &Name) -> Result<Vec<Alias>> {
        let project = project.clone();
        self.read(move |connection| contents::aliases(connection, &project)).await
    }

    async fn modules(&self, project: &Name, after: Option<(&Name, u32)>, at_most: u32) -> Result<Vec<ModuleVersion>> {
        let project = project.clone();
        let after = after.map(|(name, version)| (name.clone(), version));
        let at_most = at_most.min(PAGE_MOST);
        self.read(move |connection| contents::modules(connection, &project, after, Some(at_most))).await
    }

    async fn revisions(&self, project: &Name, before: Option<u64>, at_most: u32) -> Result<Vec<Revision>> {
        let project = project.clone();
        let at_most = at_most.min(PAGE_MOST);
        self.read(move |connection| contents::revisions(connection, &project, before, at_most)).await
    }
}
