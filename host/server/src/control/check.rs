//! What must be so before a change: looked at before it is planned, so that a dry run sees it too and nobody is told about
//! faults in what he would have written differently. The registry looks again when it commits.

use std::collections::HashMap;

use model::Name;
use store::registry::{ModuleVersion, Precondition, Project};

use super::{Control, Error, State, Wish, Write};

impl Control {
    /// The revision of what each wish is about, if that is there; or why a wish cannot be.
    pub(super) async fn found(&self, state: &State, name: &Name, wishes: &[Wish]) -> Result<Vec<Option<u64>>, Error> {
        let Some(project) = state.contents.projects.get(name) else { return Ok(vec![None; wishes.len()]) };
        let is_secret = |write: &Write| matches!(write, Write::PutSecret { .. } | Write::RemoveSecret { .. });
        let mut secrets = HashMap::new();
        if wishes.iter().any(|wish| is_secret(&wish.write)) {
            let kept = self.registry.secrets(name).await?;
            secrets.extend(kept.into_iter().map(|secret| (secret.name, secret.revision)));
        }
        let mut projects = Vec::new();
        if wishes.iter().any(|wish| matches!(wish.write, Write::CreateProject)) {
            projects = self.registry.projects().await?;
        }
        let found = |write: &Write| match write {
            Write::CreateProject => projects.iter().find(|known| known.name == *name).map(|known| known.revision),
            Write::PutSecret { name, .. } | Write::RemoveSecret { name } => secrets.get(name).copied(),
            write => find(project, write),
        };
        wishes.iter().map(|wish| check(name, wish, found(&wish.write))).collect()
    }
}

fn find(project: &Project, write: &Write) -> Option<u64> {
    let newest = |name: &Name, wanted: &dyn Fn(&ModuleVersion) -> bool| {
        let versions = project.modules.iter().filter(|known| known.name == *name && wanted(known));
        versions.max_by_key(|known| known.version).map(|known| known.revision)
    };
    match write {
        Write::PushModule { name, .. } | Write::RemoveModule { name, version: None } => newest(name, &|_| true),
        Write::RemoveModule { name, version: Some(version) } => newest(name, &|known| known.version == *version),
        Write::PutAlias { module, alias, .. } | Write::RemoveAlias { module, alias } => {
            let known = project.aliases.iter().find(|known| known.module == *module && known.alias == *alias);
            known.map(|known| known.revision)
        }
        Write::PutDestination { name, .. } | Write::RemoveDestination { name } => {
            project.destinations.iter().find(|known| known.name == *name).map(|known| known.revision)
        }
        Write::PutRoute { name, .. } | Write::RemoveRoute { name } => {
            let known = project.routes.iter().find(|known| name.as_str() == known.record.name);
            known.map(|known| known.record.revision)
        }
        Write::CreateProject | Write::PutSecret { .. } | Write::RemoveSecret { .. } => None,
    }
}

fn check(project: &Name, wish: &Wish, found: Option<u64>) -> Result<Option<u64>, Error> {
    let what = || format!("{} of project `{project}`", describe(&wish.write));
    let removes = matches!(
        wish.write,
        Write::RemoveModule { .. }
            | Write::RemoveAlias { .. }
            | Write::RemoveDestination { .. }
            | Write::RemoveSecret { .. }
            | Write::RemoveRoute { .. }
    );
    let refused = match (wish.precondition, found) {
        (Precondition::Absent, Some(_)) => store::Error::Exists { what: what() },
        (Precondition::Revision(expected), found) if found != Some(expected) => {
            store::Error::Conflict { what: what(), expected, found }
        }
        (_, None) if removes => store::Error::NotFound { what: what() },
        _ => return Ok(found),
    };
    Err(refused.into())
}

fn describe(write: &Write) -> String {
    match write {
        Write::CreateProject => "the project".to_owned(),
        Write::PushModule { name, .. } | Write::RemoveModule { name, version: None } => format!("module `{name}`"),
        Write::RemoveModule { name, version: Some(version) } => format!("module `{name}@{version}`"),
        Write::PutAlias { module, alias, .. } | Write::RemoveAlias { module, alias } => {
            format!("alias `{module}@{alias}`")
        }
        Write::PutDestination { name, .. } | Write::RemoveDestination { name } => format!("destination `{name}`"),
        Write::PutSecret { name, .. } | Write::RemoveSecret { name } => format!("secret `{name}`"),
        Write::PutRoute { name, .. } | Write::RemoveRoute { name } => format!("route `{name}`"),
    }
}
