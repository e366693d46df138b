//! The registry: the store of configuration. Every change is one transaction under one revision number.

use std::collections::{BTreeMap, HashSet};

use async_trait::async_trait;
use bytes::Bytes;
use model::{
    Digest, Name, Secret, Timestamp,
    destination::DestinationSpec,
    limits::MODULE_BYTES_MOST,
    spec::{Resolution, RouteRecord, RouteSpec},
};
use serde::{Deserialize, Serialize};

use crate::Result;

/// Who writes validates what is written; the registry keeps it, and sees to it that what it names exists, whoever else
/// writes at the same time.
#[async_trait]
pub trait Registry: std::fmt::Debug + Send + Sync {
    /// Applies all writes of the change or none. What this returned is durable.
    ///
    /// What a route names (destinations, secrets, modules) must be there when the change is through, in whatever order
    /// it was written: else `Error::Missing`, or `Error::InUse` if it is this change that would remove it.
    async fn commit(&self, change: Change) -> Result<Committed>;

    /// Everything that a snapshot is built from, as of one revision.
    async fn contents(&self) -> Result<Contents>;

    /// The bytes of a module of any project. Checked against the digest.
    async fn module_bytes(&self, digest: Digest) -> Result<Bytes>;

    /// The text of a filter's configuration, by its SHA-256; kept as long as a route has it or a change says so.
    async fn configuration(&self, project: &Name, digest: Digest) -> Result<String>;

    /// By name.
    async fn projects(&self) -> Result<Vec<ProjectRecord>>;

    /// By name; of a project that does not exist nothing, like the listings that follow.
    async fn routes(&self, project: &Name) -> Result<Vec<RouteRecord>>;

    /// By name.
    async fn destinations(&self, project: &Name) -> Result<Vec<Destination>>;

    /// By name; never the values.
    async fn secrets(&self, project: &Name) -> Result<Vec<SecretRecord>>;

    /// By module and name.
    async fn aliases(&self, project: &Name) -> Result<Vec<Alias>>;

    /// By name and version, those that come after `after`; at most `at_most`, which is held to `PAGE_MOST`.
    async fn modules(&self, project: &Name, after: Option<(&Name, u32)>, at_most: u32) -> Result<Vec<ModuleVersion>>;

    /// Newest first, those before `before`; at most `at_most`, which is held to `PAGE_MOST`.
    async fn revisions(&self, project: &Name, before: Option<u64>, at_most: u32) -> Result<Vec<Revision>>;
}

/// Entries of one page of a listing.
pub const PAGE_MOST: u32 = 1_000;
/// Bytes of one value of a secret.
pub const SECRET_BYTES_MOST: usize = 4_096;

/// How much the registry takes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub projects: u64,
    /// Per project, like those that follow.
    pub routes: u64,
    pub destinations: u64,
    pub secrets: u64,
    /// Of all modules together.
    pub module_versions: u64,
    pub aliases: u64,
    /// Valid values of one secret.
    pub secret_values: u64,
    /// The bytes of one module.
    pub module_bytes: usize,
    /// Revisions that are remembered, of all projects together; the oldest are forgotten.
    pub revisions: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            projects: 1_000,
            routes: 10_000,
            destinations: 10_000,
            secrets: 10_000,
            module_versions: 10_000,
            aliases: 10_000,
            secret_values: 8,
            module_bytes: MODULE_BYTES_MOST,
            revisions: 100_000,
        }
    }
}

/// Writes that are applied as one, all to one project.
#[derive(Debug, Clone)]
pub struct Change {
    pub project: Name,
    /// Who makes it, for the list of revisions.
    pub actor: String,
    pub time: Timestamp,
    /// In this order.
    pub writes: Vec<(Write, Precondition)>,
    /// Those that stay although no route has them any more, because events that are kept refer to them.
    pub kept_configurations: HashSet<Digest>,
}

impl Change {
    pub fn new(project: Name, actor: impl Into<String>, time: Timestamp) -> Self {
        Self { project, actor: actor.into(), time, writes: Vec::new(), kept_configurations: HashSet::new() }
    }

    #[must_use]
    pub fn with(self, write: Write) -> Self {
        self.with_if(Precondition::Any, write)
    }

    #[must_use]
    pub fn with_if(mut self, precondition: Precondition, write: Write) -> Self {
        self.writes.push((write, precondition));
        self
    }
}

/// What must be so just before a write, or the whole change fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition {
    Any,
    /// What is written is not there yet: else `Error::Exists`.
    Absent,
    /// It is there, last changed by this revision: else `Error::Conflict`. Of a module, that of its newest version.
    Revision(u64),
}

/// A write to one thing. Writing what is there already changes nothing; removing what is not there is
/// `Error::NotFound`.
#[derive(Debug, Clone)]
pub enum Write {
    /// Makes the change's project. Everything else needs it to be there.
    CreateProject,
    /// A new version of the module; if these bytes are its newest version already, that one.
    PushModule {
        name: Name,
        bytes: Bytes,
        /// What was found out about it; the store does not look inside.
        inspection: serde_json::Value,
    },
    /// One version, or the name with all its versions and aliases. Numbers of a module are not given twice as long as
    /// it has a version.
    RemoveModule {
        name: Name,
        version: Option<u32>,
    },
    PutAlias {
        module: Name,
        alias: Name,
        version: u32,
    },
    RemoveAlias {
        module: Name,
        alias: Name,
    },
    PutRoute {
        name: Name,
        spec: RouteSpec,
        /// One for each filter of `spec`: what its references came to, and what was prepared.
        filters: Vec<(Resolution, Prepared)>,
    },
    RemoveRoute {
        name: Name,
    },
    PutDestination {
        name: Name,
        spec: DestinationSpec,
    },
    RemoveDestination {
        name: Name,
    },
    /// The value becomes the newest one. If it is so already, only `older` is seen to.
    PutSecret {
        name: Name,
        value: Secret,
        older: Older,
    },
    /// Only the newest value stays valid.
    TrimSecret {
        name: Name,
    },
    RemoveSecret {
        name: Name,
    },
}

/// What the versions of a filter returned from `configure` when its route was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    pub active: Bytes,
    /// Of the version that ran before, if it is called where the active one fails.
    pub previous: Option<Bytes>,
}

/// What becomes of a secret's values when it gets a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Older {
    /// They stay valid beside it, for a rotation.
    Keep,
    Drop,
}

/// A change that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The change's number; if everything was so already, that of the change before.
    pub revision: u64,
    /// One for each write.
    pub applied: Vec<Applied>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// False if everything was so already.
    pub changed: bool,
    /// The revision that last changed what was written.
    pub revision: u64,
    /// Of the pushed module.
    pub version: Option<u32>,
}

/// Everything that a snapshot is built from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Contents {
    /// Of the newest change in here; 0 before the first.
    pub revision: u64,
    pub projects: BTreeMap<Name, Project>,
}

/// Everything in one project, each list by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Project {
    pub routes: Vec<Route>,
    pub destinations: Vec<Destination>,
    pub secrets: Vec<SecretValues>,
    /// By name and version.
    pub modules: Vec<ModuleVersion>,
    pub aliases: Vec<Alias>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    pub record: RouteRecord,
    /// One for each filter.
    pub prepared: Vec<Prepared>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    pub name: Name,
    pub spec: DestinationSpec,
    pub revision: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretValues {
    pub name: Name,
    /// All valid, newest first; at least one.
    pub values: Vec<Secret>,
}

/// A secret without its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRecord {
    pub name: Name,
    pub revision: u64,
    /// When each valid value was written, newest first.
    pub values: Vec<Timestamp>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ModuleVersion {
    pub name: Name,
    /// From 1 up.
    pub version: u32,
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    pub created: Timestamp,
    /// As it was given with the bytes.
    pub inspection: serde_json::Value,
    pub revision: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    pub module: Name,
    pub alias: Name,
    pub version: u32,
    pub revision: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRecord {
    pub name: Name,
    pub created: Timestamp,
    pub revision: u64,
}

/// One entry of the list of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    pub number: u64,
    pub time: Timestamp,
    pub project: Name,
    pub actor: String,
    /// Without those that changed nothing.
    pub writes: Vec<Written>,
}

/// What one write did, for the list of changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    pub action: Action,
    pub kind: Kind,
    /// `orders`, `verify@3`, `verify@stable`.
    pub name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    Put,
    Remove,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Project,
    Module,
    Alias,
    Route,
    Destination,
    Secret,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Module => "module",
            Self::Alias => "alias",
            Self::Route => "route",
            Self::Destination => "destination",
            Self::Secret => "secret",
        }
    }
}

/// The SHA-256 under which bytes are kept.
pub fn digest(bytes: &[u8]) -> Digest {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    Digest(hash.as_ref().try_into().expect("SHA-256 has 32 bytes"))
}
