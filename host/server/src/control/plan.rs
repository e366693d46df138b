//! From what somebody wishes to what is to be written: the configuration as it would be, with everything checked that can
//! be checked without building it.

use std::sync::Arc;

use bytes::Bytes;
use model::{
    Digest, Fault, Faults, Name, Secret, Timestamp,
    destination::DestinationSpec,
    routing::{Entry, Table},
    spec::{RouteRecord, RouteSpec},
};
use store::registry::{
    self, Alias, Applied, Destination, ModuleVersion, Older, Precondition, Prepared, Project, SecretValues,
};

use super::{Control, Error, State, modules};

/// One thing to be changed, and what must be so for it.
#[derive(Debug, Clone)]
pub struct Wish {
    pub write: Write,
    pub precondition: Precondition,
}

impl From<Write> for Wish {
    fn from(write: Write) -> Self {
        Self { write, precondition: Precondition::Any }
    }
}

#[derive(Debug, Clone)]
pub enum Write {
    CreateProject,
    /// A loaded module: it was checked when its bytes came in.
    PushModule {
        name: Name,
        bytes: Bytes,
        module: Arc<filters::Module>,
    },
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
    PutDestination {
        name: Name,
        spec: DestinationSpec,
    },
    RemoveDestination {
        name: Name,
    },
    PutSecret {
        name: Name,
        value: Secret,
        older: Older,
    },
    RemoveSecret {
        name: Name,
    },
    PutRoute {
        name: Name,
        spec: RouteSpec,
    },
    RemoveRoute {
        name: Name,
    },
}

/// What is to be written.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) writes: Vec<(registry::Write, Precondition)>,
    pub(super) warnings: Vec<Fault>,
    /// What the written routes match, those that are not planned because of a fault as well.
    pub(super) written: Vec<Entry<()>>,
    changed: Vec<(bool, Option<u32>)>,
}

impl Plan {
    /// The revision after it.
    pub(super) fn revision(&self, before: u64) -> u64 {
        before + u64::from(self.changed.iter().any(|(changed, _)| *changed))
    }

    /// What a dry run says: as if every change were made under this revision. `found` is what was there.
    pub(super) fn applied(&self, revision: u64, found: &[Option<u64>]) -> Vec<Applied> {
        let applied = self.changed.iter().zip(found).map(|((changed, version), found)| Applied {
            changed: *changed,
            revision: found.filter(|_| !changed).unwrap_or(revision),
            version: *version,
        });
        applied.collect()
    }

    pub(super) fn writes_route(&self, name: &Name) -> bool {
        self.written.iter().any(|entry| entry.route == *name)
    }

    fn add(&mut self, write: registry::Write, precondition: Precondition, changed: bool) {
        self.writes.push((write, precondition));
        self.changed.push((changed, None));
    }
}

impl Control {
    /// Works the wishes into `state`. Those of a route come last, whatever their order, so that a route may name what the
    /// same change brings. To `faults`, found before, it adds all that it finds.
    pub(super) async fn plan(
        &self,
        state: &mut State,
        name: &Name,
        wishes: Vec<Wish>,
        mut faults: Faults,
    ) -> Result<Plan, Error> {
        let created = !state.contents.projects.contains_key(name);
        if created {
            match wishes.first() {
                Some(Wish { write: Write::CreateProject, .. }) => {
                    state.contents.projects.insert(name.clone(), Project::default());
                }
                _ => return Err(Error::NotFound(format!("project `{name}`"))),
            }
        }
        let mut plan = Plan::default();
        let mut wishes: Vec<(usize, Wish)> = wishes.into_iter().enumerate().collect();
        wishes.sort_by_key(|(index, wish)| (order(&wish.write), *index));
        let routes = wishes.iter().filter_map(|(_, wish)| match &wish.write {
            Write::PutRoute { name, .. } => Some(name.clone()),
            _ => None,
        });
        let routes: Vec<Name> = routes.collect();
        let places: Vec<usize> = wishes.iter().map(|(index, _)| *index).collect();
        for (_, Wish { write, precondition }) in wishes {
            match write {
                Write::PutRoute { name: route, spec } => {
                    let planned = self.plan_route(state, name, &route, spec, &mut plan).await;
                    if let Some((record, prepared, changed)) = faults.keep(&format!("routes.{route}"), planned?) {
                        let spec = record.spec.clone();
                        let filters = record.resolutions.iter().cloned().zip(prepared.iter().cloned()).collect();
                        put_route(state.project(name), record, prepared);
                        plan.add(registry::Write::PutRoute { name: route, spec, filters }, precondition, changed);
                    }
                }
                Write::PutDestination { name: destination, spec } => {
                    // Also if it is wrong, so that a route is not told that it does not exist.
                    faults.keep(&format!("destinations.{destination}"), spec.read(name, &destination));
                    let changed = put_destination(state.project(name), &destination, &spec);
                    plan.add(registry::Write::PutDestination { name: destination, spec }, precondition, changed);
                }
                Write::PushModule { name: module, bytes, module: loaded } => {
                    let pushed = push_module(state, name, &module, &bytes, loaded);
                    let inspection = pushed.inspection;
                    plan.add(registry::Write::PushModule { name: module, bytes, inspection }, precondition, pushed.new);
                    plan.changed.last_mut().expect("just added").1 = Some(pushed.version);
                }
                Write::CreateProject => plan.add(registry::Write::CreateProject, precondition, created),
                simple => self.plan_simple(state.project(name), simple, precondition, &mut plan).await?,
            }
        }
        if faults.is_empty() {
            return Ok(plan.in_order(&places));
        }
        faults.take("", self.conflicts(state, name, &routes, &plan));
        Err(faults.into())
    }

    /// Which routes could not be told apart if those of this plan were as they are written.
    fn conflicts(&self, state: &State, author: &Name, replaced: &[Name], plan: &Plan) -> Faults {
        let mut entries = plan.written.clone();
        for (project, contents) in &state.contents.projects {
            for route in &contents.routes {
                let Ok(name) = route.record.name.parse::<Name>() else { continue };
                let replaced = project == author && replaced.contains(&name);
                if let (false, Ok(read)) = (replaced, route.record.spec.read(project, &name)) {
                    entries.push(Entry { project: project.clone(), route: name, matches: read.matches, target: () });
                }
            }
        }
        let conflicts = Table::build(entries).err().unwrap_or_default();
        conflicts.told_to(author, |name| plan.writes_route(name))
    }

    /// Writes that need no look at anything else.
    async fn plan_simple(
        &self,
        project: &mut Project,
        write: Write,
        precondition: Precondition,
        plan: &mut Plan,
    ) -> Result<(), Error> {
        let (write, changed) = match write {
            Write::RemoveModule { name, version } => {
                self.plan_removal(project, &name, version).await?;
                (registry::Write::RemoveModule { name, version }, true)
            }
            Write::PutAlias { module, alias, version } => {
                if !project.modules.iter().any(|known| known.name == module && known.version == version) {
                    return Err(Error::NotFound(format!("version {version} of module `{module}`")));
                }
                let is_it = |known: &Alias| known.module == module && known.alias == alias;
                let changed = !project.aliases.iter().any(|known| is_it(known) && known.version == version);
                project.aliases.retain(|known| !is_it(known));
                project.aliases.push(Alias { module: module.clone(), alias: alias.clone(), version, revision: 0 });
                (registry::Write::PutAlias { module, alias, version }, changed)
            }
            Write::RemoveAlias { module, alias } => {
                project.aliases.retain(|known| known.module != module || known.alias != alias);
                (registry::Write::RemoveAlias { module, alias }, true)
            }
            Write::RemoveDestination { name } => {
                let users = users(
                    project,
                    |route| route.destinations().any(|known| name.as_str() == known),
                    // One that goes does not need what it named.
                    |known| known.name != name && known.spec.destinations().any(|known| name.as_str() == known),
                );
                in_use(&format!("destination `{name}`"), &users)?;
                project.destinations.retain(|known| known.name != name);
                (registry::Write::RemoveDestination { name }, true)
            }
            Write::PutSecret { name, value, older } => {
                let changed = put_secret(project, &name, &value, older);
                (registry::Write::PutSecret { name, value, older }, changed)
            }
            Write::RemoveSecret { name } => {
                let users = users(
                    project,
                    |route| route.secrets().any(|known| name.as_str() == known),
                    |known| known.spec.secrets().any(|known| name.as_str() == known),
                );
                in_use(&format!("secret `{name}`"), &users)?;
                project.secrets.retain(|known| known.name != name);
                (registry::Write::RemoveSecret { name }, true)
            }
            Write::RemoveRoute { name } => {
                project.routes.retain(|known| name.as_str() != known.record.name);
                (registry::Write::RemoveRoute { name }, true)
            }
            Write::CreateProject | Write::PutRoute { .. } | Write::PutDestination { .. } | Write::PushModule { .. } => {
                unreachable!("planned by `plan`")
            }
        };
        plan.add(write, precondition, changed);
        Ok(())
    }

    async fn plan_removal(&self, project: &mut Project, name: &Name, version: Option<u32>) -> Result<(), Error> {
        let goes =
            |known: &ModuleVersion| known.name == *name && version.is_none_or(|version| known.version == version);
        let gone: Vec<Digest> = project.modules.iter().filter(|known| goes(known)).map(|known| known.digest).collect();
        if gone.is_empty() {
            let which = version.map_or_else(String::new, |version| format!("version {version} of "));
            return Err(Error::NotFound(format!("{which}module `{name}`")));
        }
        for digest in &gone {
            if self.ran_for_events(digest).await? {
                let problem = format!(
                    "module `{name}` ({}) ran for events that are still kept; it can go once they are gone",
                    digest.short()
                );
                return Err(Error::InUse(problem));
            }
        }
        let stays = |digest: &Digest| project.modules.iter().any(|known| known.digest == *digest && !goes(known));
        let gone: Vec<Digest> = gone.into_iter().filter(|digest| !stays(digest)).collect();
        let mut users: Vec<String> = Vec::new();
        for route in &project.routes {
            let resolutions = route.record.resolutions.iter();
            let mut used =
                resolutions.flat_map(|known| [Some(known.active), known.candidate, known.previous]).flatten();
            if used.any(|digest| gone.contains(&digest)) {
                users.push(format!("route `{}`", route.record.name));
            }
        }
        let aliases = project.aliases.iter().filter(|alias| alias.module == *name && Some(alias.version) == version);
        users.extend(aliases.map(|alias| format!("alias `{name}@{}`", alias.alias)));
        let at = version.map_or_else(String::new, |version| format!("@{version}"));
        in_use(&format!("module `{name}{at}`"), &users)?;
        project.modules.retain(|known| !goes(known));
        let left = &project.modules;
        project
            .aliases
            .retain(|alias| left.iter().any(|known| known.name == alias.module && known.version == alias.version));
        Ok(())
    }
}

impl Plan {
    /// Back into the order in which the wishes came.
    fn in_order(self, places: &[usize]) -> Self {
        let mut writes: Vec<_> = places.iter().zip(self.writes.into_iter().zip(self.changed)).collect();
        writes.sort_by_key(|(place, _)| **place);
        let (writes, changed) = writes.into_iter().map(|(_, write)| write).unzip();
        Self { writes, changed, ..self }
    }
}

/// Things come before what may name them, and go after it.
fn order(write: &Write) -> u8 {
    match write {
        Write::CreateProject => 0,
        Write::PushModule { .. } | Write::PutAlias { .. } | Write::PutDestination { .. } | Write::PutSecret { .. } => 1,
        Write::PutRoute { .. } | Write::RemoveRoute { .. } => 2,
        Write::RemoveAlias { .. }
        | Write::RemoveModule { .. }
        | Write::RemoveDestination { .. }
        | Write::RemoveSecret { .. } => 3,
    }
}

fn users(
    project: &Project,
    uses: impl Fn(&RouteSpec) -> bool,
    destination_uses: impl Fn(&Destination) -> bool,
) -> Vec<String> {
    let routes = project.routes.iter().filter(|route| uses(&route.record.spec));
    let routes = routes.map(|route| format!("route `{}`", route.record.name));
    let destinations = project.destinations.iter().filter(|known| destination_uses(known));
    routes.chain(destinations.map(|known| format!("destination `{}`", known.name))).collect()
}

fn in_use(what: &str, users: &[String]) -> Result<(), Error> {
    if users.is_empty() {
        return Ok(());
    }
    Err(Error::InUse(format!("{what} is in use by {}; change or remove that first", users.join(", "))))
}

fn put_route(project: &mut Project, record: RouteRecord, prepared: Vec<Prepared>) {
    project.routes.retain(|known| known.record.name != record.name);
    let place = project.routes.partition_point(|known| known.record.name < record.name);
    project.routes.insert(place, registry::Route { record, prepared });
}

fn put_destination(project: &mut Project, name: &Name, spec: &DestinationSpec) -> bool {
    let changed = !project.destinations.iter().any(|known| known.name == *name && known.spec == *spec);
    project.destinations.retain(|known| known.name != *name);
    let place = project.destinations.partition_point(|known| known.name < *name);
    project.destinations.insert(place, Destination { name: name.clone(), spec: spec.clone(), revision: 0 });
    changed
}

fn put_secret(project: &mut Project, name: &Name, value: &Secret, older: Older) -> bool {
    let place = project.secrets.partition_point(|known| known.name < *name);
    match project.secrets.get_mut(place).filter(|known| known.name == *name) {
        Some(known) => {
            let same = known.values.first() == Some(value) && (older == Older::Keep || known.values.len() == 1);
            known.values.retain(|kept| older == Older::Keep && kept != value);
            known.values.insert(0, value.clone());
            !same
        }
        None => {
            project.secrets.insert(place, SecretValues { name: name.clone(), values: vec![value.clone()] });
            true
        }
    }
}

/// A module in the plan.
struct Pushed {
    version: u32,
    new: bool,
    inspection: serde_json::Value,
}

fn push_module(state: &mut State, project: &Name, name: &Name, bytes: &Bytes, loaded: Arc<filters::Module>) -> Pushed {
    let inspection = modules::inspection(&loaded);
    let digest = loaded.digest;
    state.modules.insert(digest, loaded);
    let project = state.project(project);
    let newest = project.modules.iter().filter(|known| known.name == *name).max_by_key(|known| known.version);
    if let Some(newest) = newest.filter(|newest| newest.digest == digest) {
        return Pushed { version: newest.version, new: false, inspection };
    }
    let version = newest.map_or(1, |newest| newest.version + 1);
    project.modules.push(ModuleVersion {
        name: name.clone(),
        version,
        digest,
        size: bytes.len() as u64,
        created: Timestamp::now(),
        inspection: inspection.clone(),
        revision: 0,
    });
    project.modules.sort_by(|one, other| (&one.name, one.version).cmp(&(&other.name, other.version)));
    Pushed { version, new: true, inspection }
}

impl State {
    /// `plan` sees to it that the project is there.
    pub(super) fn project(&mut self, name: &Name) -> &mut Project {
        self.contents.projects.entry(name.clone()).or_default()
    }
}
