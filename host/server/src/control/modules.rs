//! Operations on modules: what is uploaded is checked, compiled and tried out before it is kept.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use model::{Digest, Faults, Name, module::Manifest};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use store::registry::{ModuleVersion, Precondition, Project};
use utoipa::ToSchema;

use super::{Author, Control, Error, Wish, Write};
use crate::config_schema;

/// Bytes of modules from dry runs that are remembered.
const UPLOADS_BYTES_MOST: u64 = 256 << 20;
/// For how long.
const UPLOADS_LIFE: Duration = Duration::from_secs(600);

/// A version of a module, as it is shown.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Module {
    pub name: String,
    /// From 1 up.
    pub version: u32,
    /// SHA-256 of its bytes: `sha256:…`.
    pub digest: String,
    /// Bytes.
    pub size: u64,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub created: u64,
    pub revision: u64,
    /// The world that it was built for.
    pub world: String,
    /// The interfaces that it imports.
    pub imports: Vec<String>,
    pub manifest: Manifest,
    /// What an attachment has to grant for it to work.
    pub grants: AskedGrants,
}

/// Names that a module's code uses.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AskedGrants {
    pub secrets: Vec<String>,
    pub reveal: Vec<String>,
    pub kv: Vec<String>,
    /// Secrets, namespaces and beginnings of URLs that depend on how it is configured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub optional_secrets: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub optional_kv: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
}

/// All versions of a module.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ModuleNamed {
    pub name: String,
    pub versions: Vec<Module>,
    /// Alias → version.
    pub aliases: BTreeMap<String, u32>,
    /// `ROUTE/FILTER`, for each filter that runs one of the versions.
    pub used_by: Vec<String>,
}

/// What is kept beside a module's bytes.
#[derive(Serialize, Deserialize)]
struct Inspection {
    world: String,
    imports: Vec<String>,
    manifest: Manifest,
}

pub(super) fn inspection(module: &filters::Module) -> serde_json::Value {
    let inspection = Inspection {
        world: module.world.to_owned(),
        imports: module.imports.clone(),
        manifest: module.manifest.clone(),
    };
    serde_json::to_value(inspection).expect("names and JSON are JSON")
}

impl Module {
    fn new(kept: &ModuleVersion) -> Result<Self, Error> {
        let Inspection { world, imports, manifest } =
            serde_json::from_value(kept.inspection.clone()).map_err(|error| {
                Error::Unavailable(format!("what is kept about module `{}` cannot be read: {error}", kept.name))
            })?;
        let grants = AskedGrants {
            secrets: manifest.secrets.clone(),
            reveal: manifest.reveal.clone(),
            kv: manifest.kv.clone(),
            optional_secrets: manifest.optional_secrets.clone(),
            optional_kv: manifest.optional_kv.clone(),
            keys: manifest.keys.clone(),
        };
        Ok(Self {
            name: kept.name.to_string(),
            version: kept.version,
            digest: kept.digest.to_string(),
            size: kept.size,
            created: kept.created.as_millis(),
            revision: kept.revision,
            world,
            imports,
            manifest,
            grants,
        })
    }
}

impl Control {
    /// Keeps the bytes as the module's next version, unless they are its newest version already. The answer says which,
    /// and the revision that is served then. What a dry run brings may be named by a configuration that is applied next.
    pub async fn push_module(
        &self,
        author: &Author,
        name: Name,
        bytes: Bytes,
        precondition: Precondition,
    ) -> Result<(Module, bool, u64), Error> {
        let module = self.engine.load(bytes.clone()).await.map_err(|refused| Faults::one("", refused.0))?;
        config_schema::of(&module.manifest)?;
        if author.dry_run {
            let key = (author.project.clone(), module.digest);
            self.uploads.0.insert(key, Uploaded { bytes: bytes.clone(), module: Arc::clone(&module) });
        }
        let write = Write::PushModule { name: name.clone(), bytes, module };
        let changed = self.change(author, vec![Wish { write, precondition }]).await?;
        let version = changed.applied.first().and_then(|applied| applied.version).unwrap_or_default();
        let new = changed.applied.first().is_some_and(|applied| applied.changed);
        let kept = changed.project.modules.iter().find(|known| known.name == name && known.version == version);
        let kept = kept.ok_or_else(|| Error::Unavailable(format!("module `{name}` was removed meanwhile")))?;
        let mut module = Module::new(kept)?;
        module.revision = changed.applied.first().map_or(module.revision, |applied| applied.revision);
        Ok((module, new, changed.revision))
    }

    /// Every version of every module, or of one.
    pub async fn modules(&self, project: &Name, name: Option<&Name>) -> Result<Vec<Module>, Error> {
        let project = self.project(project).await?;
        let wanted = |known: &&ModuleVersion| name.is_none_or(|name| known.name == *name);
        project.modules.iter().filter(wanted).map(Module::new).collect()
    }

    pub async fn module_named(&self, project: &Name, name: &Name) -> Result<ModuleNamed, Error> {
        let versions = self.modules(project, Some(name)).await?;
        if versions.is_empty() {
            return Err(Error::NotFound(format!("module `{name}`")));
        }
        let project = self.project(project).await?;
        let aliases = project.aliases.iter().filter(|alias| alias.module == *name);
        let aliases = aliases.map(|alias| (alias.alias.to_string(), alias.version)).collect();
        let used_by = used_by(&project, &versions);
        Ok(ModuleNamed { name: name.to_string(), versions, aliases, used_by })
    }

    /// `which`: a version's number, an alias, or `latest`.
    pub async fn module_version(&self, project: &Name, name: &Name, which: &str) -> Result<Module, Error> {
        let mut named = self.module_named(project, name).await?;
        let version = match which {
            "latest" => named.versions.iter().map(|module| module.version).max(),
            which => named.aliases.get(which).copied().or_else(|| which.parse().ok()),
        };
        let place = named.versions.iter().position(|module| Some(module.version) == version);
        let place = place.ok_or_else(|| Error::NotFound(format!("version `{which}` of module `{name}`")))?;
        Ok(named.versions.swap_remove(place))
    }
}

/// Modules that dry runs brought: they are not kept, but a configuration that is applied next may name them.
#[derive(Debug)]
pub(super) struct Uploads(Cache<(Name, Digest), Uploaded>);

#[derive(Debug, Clone)]
pub(super) struct Uploaded {
    pub(super) bytes: Bytes,
    pub(super) module: Arc<filters::Module>,
}

impl Uploads {
    pub(super) fn new() -> Self {
        let weight = |_: &(Name, Digest), uploaded: &Uploaded| u32::try_from(uploaded.bytes.len()).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(UPLOADS_BYTES_MOST).weigher(weight).time_to_live(UPLOADS_LIFE).build())
    }

    pub(super) fn find(&self, project: &Name, digest: Digest) -> Option<Uploaded> {
        self.0.get(&(project.clone(), digest))
    }
}

fn used_by(project: &Project, versions: &[Module]) -> Vec<String> {
    let mut used_by = Vec::new();
    for route in &project.routes {
        for (filter, resolution) in route.record.spec.attachments().zip(&route.record.resolutions) {
            if versions.iter().any(|module| module.digest == resolution.active.to_string()) {
                used_by.push(format!("{}/{}", route.record.name, filter.name));
            }
        }
    }
    used_by
}
