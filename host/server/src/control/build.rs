//! From the configuration to the snapshot that serves it: whole, or the list of everything that is wrong.

use std::{
    collections::{HashMap, HashSet},
    num::NonZero,
    sync::Arc,
};

use bytes::Bytes;
use delivery::Ready;
use filters::{Chain, Filter, Secrets, Versions};
use futures_util::{StreamExt, stream};
use model::{
    Attachment, Digest, Faults, Mode, Name, Route, Secret,
    destination::{Failover, failover_chain},
    routing::{Entry, Table},
};
use store::registry::{self, Destination, Project};

use super::{
    Control, Error, State, observe,
    plan::Plan,
    reuse::{Before, ProjectBefore},
};
use crate::{
    budget::Budget,
    snapshot::{Destinations, Served, Snapshot},
};

impl Control {
    /// Loads what the stored routes run on.
    pub(super) async fn load_modules(&self, state: &mut State) -> Result<(), Error> {
        let wanted = stream::iter(state.contents.used_modules());
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let mut loading = wanted.map(async |digest| (digest, self.load(digest).await)).boxed().buffer_unordered(cores);
        let mut loaded = Vec::new();
        while let Some((digest, module)) = loading.next().await {
            match module {
                Ok(module) => loaded.push(module),
                // Nothing else runs on it: the route goes on without the version before.
                Err(error) if !state.contents.runs_on(&digest) => observe::previous_left_out(&digest, &error),
                Err(error) => return Err(error),
            }
        }
        drop(loading);
        state.modules.extend(loaded.into_iter().map(|module| (module.digest, module)));
        Ok(())
    }

    /// Every module that a route runs on has been loaded before. Faults are told to the people of `author`, who write
    /// these routes.
    pub(super) fn build(
        &self,
        state: &mut State,
        before: Before<'_>,
        author: Option<(&Name, &Plan)>,
    ) -> Result<Snapshot, Error> {
        let mut faults = Faults::default();
        let mut entries = Vec::new();
        let mut destinations = Destinations::new();
        let projects = std::mem::take(&mut state.contents.projects);
        for (name, project) in &projects {
            let before = before.project(name, project);
            faults.take("", circles(name, project));
            for known in &project.destinations {
                let ready = match before.destination(known) {
                    Some(ready) => Ok(Arc::clone(ready)),
                    None => self.ready(name, project, known).map(Arc::new),
                };
                let ready = faults.keep(&format!("destinations.{}", known.name), ready);
                destinations.extend(ready.map(|ready| ((name.clone(), known.name.clone()), ready)));
            }
            for route in &project.routes {
                let served = match before.route(route) {
                    Some(served) => Ok(Arc::clone(served)),
                    None => self.serve(state, &before, name, project, route).map(Arc::new),
                };
                if let Some(served) = faults.keep(&format!("routes.{}", route.record.name), served) {
                    let (route, matches) = (served.route.name.clone(), served.route.matches.clone());
                    entries.push(Entry { project: name.clone(), route, matches, target: served });
                }
            }
        }
        state.contents.projects = projects;
        faults.or(())?;
        let served: Vec<Arc<Served>> = entries.iter().map(|entry| Arc::clone(&entry.target)).collect();
        let table = Table::build(entries).map_err(|conflicts| match author {
            Some((project, plan)) => Error::Invalid(conflicts.told_to(project, |name| plan.writes_route(name))),
            None => Error::Unavailable(format!("the stored routes contradict each other: {conflicts}")),
        })?;
        Ok(Snapshot::new(state.contents.revision, table, served.into_iter(), destinations))
    }

    /// A destination that deliveries can be sent to.
    fn ready(&self, name: &Name, project: &Project, known: &Destination) -> Result<Ready, Faults> {
        let mut faults = Faults::default();
        let read = known.spec.read(name, &known.name)?;
        if let Some(failover) = &read.policy.failover {
            faults.keep("failover.to", destination(project, &failover.to));
        }
        for (at, secret) in [
            ("sign.secret", read.http.sign.as_ref().map(|sign| &sign.secret)),
            ("client_certificate.key", read.http.trust.client_certificate.as_ref().map(|shown| &shown.key)),
        ] {
            if let Some(secret) = secret.filter(|secret| values(project, secret).is_none()) {
                let problem =
                    format!("secret `{secret}` does not exist; create it first: snaphook secret set {secret}");
                faults.add(at, problem);
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let values = |secret: &Name| values(project, secret).unwrap_or_default();
        let endpoint = faults.keep("", self.outbound.endpoint(&read.http, values));
        let Some(endpoint) = endpoint else { return Err(faults) };
        faults.or(Ready { policy: read.policy, destination: Box::new(endpoint) })
    }

    fn serve(
        &self,
        state: &mut State,
        before: &ProjectBefore<'_>,
        name: &Name,
        project: &Project,
        stored: &registry::Route,
    ) -> Result<Served, Faults> {
        let mut faults = Faults::default();
        let route_name: Name = stored.record.name.parse().map_err(|problem: String| Faults::one("", problem))?;
        let route = stored.record.spec.read(name, &route_name)?;
        let mut destinations = Vec::new();
        for wanted in route.mode.destinations() {
            let target = destination(project, wanted).and_then(|found| {
                let read = found.spec.read(name, wanted)?;
                self.outbound.target(&read.http, |secret| values(project, secret).unwrap_or_default())
            });
            destinations.extend(faults.keep(route.mode.place(), target).map(|target| (wanted.clone(), target)));
        }
        let mut all = Vec::new();
        for ((index, attachment), at) in route.attachments().enumerate().zip(stored.record.spec.places()) {
            let versions = versions(state, before, &route, attachment, project, stored, index);
            all.extend(faults.keep(&at, versions));
        }
        // If one is missing there is a fault, and none of it is used.
        let mut all = all.into_iter();
        let chain = Chain::new(all.by_ref().take(route.filters.len()));
        let transforms = match &route.mode {
            Mode::Forward(_) => Vec::new(),
            Mode::Deliver(rule) => {
                let filters = rule.filters().iter();
                filters.map(|(name, filters)| (name.clone(), Chain::new(all.by_ref().take(filters.len())))).collect()
            }
        };
        let bytes = self.settings.buffer_bytes_per_project;
        let buffer = state.buffers.entry(name.clone()).or_insert_with(|| Arc::new(Budget::new(bytes)));
        let buffer = Arc::clone(buffer);
        let names = route.mode.destinations().into();
        faults.or(Served { route, chain, transforms, destinations, names, buffer })
    }
}

/// Destinations that step in for each other in a circle, or too many of them.
fn circles(name: &Name, project: &Project) -> Faults {
    let failing_over = project.destinations.iter().filter(|known| known.spec.failover.is_some());
    let read = failing_over.filter_map(|known| Some((&known.name, known.spec.read(name, &known.name).ok()?)));
    let failovers: HashMap<&Name, Failover> =
        read.filter_map(|(name, destination)| Some((name, destination.policy.failover?))).collect();
    let mut faults = Faults::default();
    for name in failovers.keys() {
        let chain = failover_chain(name, |name| failovers.get(name));
        faults.keep(&format!("destinations.{name}"), chain);
    }
    faults.0.sort_by(|one, other| one.at.cmp(&other.at));
    faults
}

/// The versions of a filter that are called, each as it was before if nothing about it changed.
fn versions(
    state: &State,
    before: &ProjectBefore<'_>,
    route: &Route,
    attachment: &Attachment,
    project: &Project,
    stored: &registry::Route,
    index: usize,
) -> Result<Versions, Faults> {
    let unresolved = || Faults::one("module", "is kept without a resolution: write the route again");
    let (Some(resolution), Some(prepared)) = (stored.record.resolutions.get(index), stored.prepared.get(index)) else {
        return Err(unresolved());
    };
    let filter = |digest: &Digest, prepared: &Bytes| {
        if let Some(filter) = before.filter(&route.name, attachment, digest, prepared) {
            return Ok(filter);
        }
        let module = Arc::clone(state.modules.get(digest).ok_or_else(unresolved)?);
        let secrets = secrets(project, attachment)?;
        Ok(Arc::new(Filter::new(&route.project, &route.name, attachment, module, prepared.clone(), secrets)))
    };
    let previous = resolution.previous.as_ref().filter(|digest| state.modules.contains_key(digest));
    let previous = previous.zip(prepared.previous.as_ref());
    Ok(Versions {
        active: filter(&resolution.active, &prepared.active)?,
        previous: previous.map(|(digest, prepared)| filter(digest, prepared)).transpose()?,
    })
}

pub(super) fn destination<'a>(project: &'a Project, name: &Name) -> Result<&'a Destination, Faults> {
    project.destinations.iter().find(|known| known.name == *name).ok_or_else(|| {
        let problem =
            format!("destination `{name}` does not exist; create it first: snaphook destination set {name} URL");
        Faults::one("", problem)
    })
}

/// The valid values of a secret, the newest first.
fn values(project: &Project, secret: &Name) -> Option<Vec<Secret>> {
    project.secrets.iter().find(|known| known.name == *secret).map(|known| known.values.clone())
}

/// The values of the secrets that a filter is granted.
pub(super) fn secrets(project: &Project, attachment: &Attachment) -> Result<Secrets, Faults> {
    let mut faults = Faults::default();
    let mut values = |kind: &str, grants: &std::collections::BTreeMap<String, Name>| {
        let mut granted = std::collections::BTreeMap::<String, Vec<Secret>>::new();
        for (local, secret) in grants {
            match self::values(project, secret) {
                Some(values) => _ = granted.insert(local.clone(), values),
                None => faults.add(
                    format!("grants.{kind}.{local}"),
                    format!("secret `{secret}` does not exist; create it first: snaphook secret set {secret}"),
                ),
            }
        }
        granted
    };
    let usable = values("secrets", &attachment.grants.secrets);
    let revealed = values("reveal", &attachment.grants.reveal);
    faults.or(Secrets { usable, revealed })
}

/// What the routes run on.
trait UsedModules {
    fn used_modules(&self) -> HashSet<Digest>;

    /// Whether a route needs the module, and not only as a version that may be called instead.
    fn runs_on(&self, module: &Digest) -> bool;
}

impl UsedModules for registry::Contents {
    fn used_modules(&self) -> HashSet<Digest> {
        let routes = self.projects.values().flat_map(|project| &project.routes);
        let filters = routes.flat_map(|route| route.record.resolutions.iter().zip(&route.prepared));
        let modules = filters.flat_map(|(resolution, prepared)| {
            let previous = resolution.previous.filter(|_| prepared.previous.is_some());
            [Some(resolution.active), resolution.candidate, previous]
        });
        modules.flatten().collect()
    }

    fn runs_on(&self, module: &Digest) -> bool {
        let mut resolutions = self.projects.values().flat_map(|project| &project.routes);
        resolutions.any(|route| {
            let resolutions = &route.record.resolutions;
            resolutions.iter().any(|known| known.active == *module || known.candidate.as_ref() == Some(module))
        })
    }
}

impl State {
    /// Modules that no route runs on stay in the engine's bounded cache, no longer here.
    pub(super) fn forget_unused_modules(&mut self) {
        let used = self.contents.used_modules();
        self.modules.retain(|digest, _| used.contains(digest));
    }
}
