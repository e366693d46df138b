//! A route on its way from written to meant: references resolved, filters configured, grants compared with what the
//! modules ask for.

use std::sync::Arc;

use bytes::Bytes;
use filters::Module;
use model::{
    Attachment, Digest, Fault, Faults, Name,
    module::Manifest,
    route::{Grants, ModuleRef},
    routing::Entry,
    spec::{AttachmentSpec, Resolution, RouteRecord, RouteSpec},
};
use store::registry::{Prepared, Project};

use super::{Control, Error, State, build, plan::Plan};
use crate::config_schema;

type Planned = Result<(RouteRecord, Vec<Prepared>, bool), Faults>;

/// What the references of a filter came to, what its versions prepared, and what is right but probably not meant.
type Resolved = Result<(Resolution, Prepared, Vec<Fault>), Faults>;

impl Control {
    /// The route as it would be kept, with what its filters prepared, and whether it differs from what is kept now.
    pub(super) async fn plan_route(
        &self,
        state: &mut State,
        project: &Name,
        name: &Name,
        spec: RouteSpec,
        plan: &mut Plan,
    ) -> Result<Planned, Error> {
        let mut faults = Faults::default();
        let Some(route) = faults.keep("", spec.read(project, name)) else { return Ok(Err(faults)) };
        plan.written.push(Entry {
            project: project.clone(),
            route: name.clone(),
            matches: route.matches.clone(),
            target: (),
        });
        for destination in route.mode.destinations() {
            faults.keep(route.mode.place(), build::destination(state.project(project), destination));
        }
        let before = state.project(project).routes.iter().find(|known| name.as_str() == known.record.name).cloned();
        let (mut resolutions, mut prepared) = (Vec::new(), Vec::new());
        for ((filter, written), at) in route.attachments().zip(spec.attachments()).zip(spec.places()) {
            let earlier = before.as_ref().and_then(|route| Earlier::find(route, &written.name));
            faults.keep(&at, build::secrets(state.project(project), filter));
            let attached = self.resolve(state, project, filter, written, earlier).await?;
            if let Some((resolution, made, noted)) = faults.keep(&at, attached) {
                let at = format!("routes.{name}.{at}");
                let noted = noted.into_iter().map(|noted| Fault { at: format!("{at}.{}", noted.at), ..noted });
                plan.warnings.extend(noted);
                resolutions.push(resolution);
                prepared.push(made);
            }
        }
        let record = RouteRecord { name: name.to_string(), spec, resolutions, revision: state.contents.revision + 1 };
        let changed = before.is_none_or(|before| {
            before.record.spec != record.spec
                || before.record.resolutions != record.resolutions
                || before.prepared != prepared
        });
        Ok(faults.or((record, prepared, changed)))
    }

    async fn resolve(
        &self,
        state: &mut State,
        project: &Name,
        filter: &Attachment,
        written: &AttachmentSpec,
        earlier: Option<Earlier<'_>>,
    ) -> Result<Resolved, Error> {
        let mut faults = Faults::default();
        let known = state.project(project);
        let active = faults.keep("module", find(known, &filter.module));
        let candidate = filter.candidate.as_ref().map(|candidate| find(known, candidate)).transpose();
        let candidate = faults.keep("candidate", candidate).flatten();
        let Some(active) = active else { return Ok(Err(faults)) };
        let module = self.module(state, &active).await?;
        if let Some(candidate) = &candidate {
            self.module(state, candidate).await?;
        }
        let notes = check_grants(&module.manifest, &filter.grants, &mut faults);
        let mut warnings: Vec<Fault> =
            notes.into_iter().map(|problem| Fault { at: "grants".to_owned(), problem }).collect();
        faults.keep("config", config_schema::check(&module.manifest, &written.config));
        if !faults.is_empty() {
            return Ok(Err(faults));
        }
        let known = earlier.as_ref().and_then(|earlier| earlier.prepared_by(&active, &written.config));
        let bytes = match known {
            Some(bytes) => bytes.clone(),
            None => match module.configure(&filter.config, &filter.limits).await {
                Ok(bytes) => bytes,
                Err(refused) => return Ok(Err(Faults::one("config", refused.to_string()))),
            },
        };
        let previous = earlier.as_ref().and_then(|earlier| {
            let before = earlier.resolution;
            if before.active == active { before.previous } else { Some(before.active) }
        });
        let fallback = self.prepare_previous(state, previous, filter, written, earlier.as_ref(), &mut warnings).await;
        let prepared = Prepared { active: bytes, previous: fallback };
        Ok(Ok((Resolution { active, candidate, previous }, prepared, warnings)))
    }

    /// The loaded module; its bytes are in the store unless this change brings them.
    pub(super) async fn module(&self, state: &mut State, digest: &Digest) -> Result<Arc<Module>, Error> {
        if let Some(module) = state.modules.get(digest) {
            return Ok(Arc::clone(module));
        }
        let module = self.load(*digest).await?;
        state.modules.insert(*digest, Arc::clone(&module));
        Ok(module)
    }

    /// A module that is kept.
    pub(super) async fn load(&self, digest: Digest) -> Result<Arc<Module>, Error> {
        if let Some(module) = self.engine.recall(digest).await {
            return Ok(module);
        }
        let bytes = self.registry.module_bytes(digest).await?;
        self.engine.load(bytes).await.map_err(|refused| {
            Error::Unavailable(format!("module {} is kept but cannot be loaded any more: {refused}", digest.short()))
        })
    }
}

/// The filter of the same name on the route as it was.
pub(super) struct Earlier<'a> {
    resolution: &'a Resolution,
    config: &'a serde_json::Value,
    prepared: &'a Prepared,
}

impl<'a> Earlier<'a> {
    fn find(route: &'a store::registry::Route, filter: &str) -> Option<Self> {
        let (index, known) = route.record.spec.attachments().enumerate().find(|(_, known)| known.name == filter)?;
        Some(Self {
            resolution: route.record.resolutions.get(index)?,
            config: &known.config,
            prepared: route.prepared.get(index)?,
        })
    }

    /// What this module made of this configuration, if it was one of the filter's versions.
    pub(super) fn prepared_by(&self, module: &Digest, config: &serde_json::Value) -> Option<&'a Bytes> {
        if self.config != config {
            return None;
        }
        if self.resolution.active == *module {
            return Some(&self.prepared.active);
        }
        self.prepared.previous.as_ref().filter(|_| self.resolution.previous.as_ref() == Some(module))
    }
}

fn find(project: &Project, reference: &ModuleRef) -> Result<Digest, Faults> {
    let versions =
        |name: &Name| project.modules.iter().filter(move |module| module.name == *name).cloned().collect::<Vec<_>>();
    let found = match reference {
        ModuleRef::Digest(digest) => project.modules.iter().find(|module| module.digest == *digest).cloned(),
        ModuleRef::Latest(name) => versions(name).into_iter().max_by_key(|module| module.version),
        ModuleRef::Version(name, version) => versions(name).into_iter().find(|module| module.version == *version),
        ModuleRef::Alias(name, alias) => {
            let alias = project.aliases.iter().find(|known| known.module == *name && known.alias == *alias);
            alias.and_then(|alias| versions(name).into_iter().find(|module| module.version == alias.version))
        }
    };
    found.map(|module| module.digest).ok_or_else(|| {
        let (ModuleRef::Latest(name) | ModuleRef::Version(name, _) | ModuleRef::Alias(name, _)) = reference else {
            return Faults::one("", format!("no module of this project has the digest {reference}; push it first"));
        };
        let have: Vec<String> = versions(name).iter().map(|module| module.version.to_string()).collect();
        let problem = match have.is_empty() {
            true => format!("module `{name}` does not exist; push it first: snaphook module push {name} FILE.wasm"),
            false => format!("`{reference}` does not exist; there are versions {}", have.join(", ")),
        };
        Faults::one("", problem)
    })
}

/// A secret that the module asks for and does not get is a fault, since every event would fail. Namespaces may be
/// optional, and grants that nobody asked for may be meant for another version: those are only noted.
pub(super) fn check_grants(manifest: &Manifest, grants: &Grants, faults: &mut Faults) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut wanted = |kind: &str, asked: &[String], granted: &mut dyn Iterator<Item = &String>| {
        let granted: Vec<&String> = granted.collect();
        for name in asked.iter().filter(|name| !granted.contains(name)) {
            let problem = format!(
                "the module asks for secret `{name}`: grant it one of the project's, `{kind} = {{ {name} = \"SECRET\" }}`{}",
                misspelt(&granted, asked)
            );
            faults.add(format!("grants.{kind}.{name}"), problem);
        }
        if manifest.sdk.is_some() {
            let extra = granted.iter().filter(|name| !asked.contains(name));
            warnings.extend(extra.map(|name| format!("{kind}.{name} is granted, but the module does not ask for it")));
        }
    };
    let optional = |name: &&String| !manifest.optional_secrets.contains(name);
    wanted("secrets", &manifest.secrets, &mut grants.secrets.keys().filter(optional));
    wanted("reveal", &manifest.reveal, &mut grants.reveal.keys());
    let none = grants.secrets.is_empty() && grants.keys.is_empty();
    if none && !manifest.optional_secrets.is_empty() {
        let names = manifest.optional_secrets.join("`, `");
        warnings.push(format!("the module works with secrets, `{names}` as it is configured, and none is granted"));
    }
    if manifest.sdk.is_some() {
        let asked = |name: &&String| manifest.kv.contains(name) || manifest.optional_kv.contains(name);
        let extra = grants.kv.iter().filter(|name| !asked(name));
        warnings.extend(extra.map(|name| format!("kv `{name}` is granted, but the module does not ask for it")));
    }
    let missing = manifest.kv.iter().filter(|name| !grants.kv.contains(name));
    warnings
        .extend(missing.map(|name| format!("the module asks for key-value namespace `{name}`, which is not granted")));
    warnings
}

/// What is granted under a name that nobody asks for.
fn misspelt(granted: &[&String], asked: &[String]) -> String {
    let extra: Vec<&str> = granted.iter().filter(|name| !asked.contains(name)).map(|name| name.as_str()).collect();
    if extra.is_empty() { String::new() } else { format!("; it does not ask for `{}`", extra.join("`, `")) }
}
