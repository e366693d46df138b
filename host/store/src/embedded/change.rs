//! Applying a change: its writes in order, then what must hold when all of them are through, then its revision.

use model::{Name, Timestamp, destination::DestinationSpec};
use rusqlite::{Connection, OptionalExtension as _, ToSql, params};

use super::{
    contents,
    failure::Result,
    modules,
    references::{self, Gone},
    routes, secrets,
};
use crate::{
    Error,
    registry::{Action, Applied, Change, Committed, Kind, Limits, Precondition, Write, Written},
    vault::Vault,
};

/// A change that is being applied.
#[derive(Debug, Clone, Copy)]
pub(super) struct Applying<'a> {
    pub(super) connection: &'a Connection,
    pub(super) vault: &'a Vault,
    pub(super) limits: &'a Limits,
    pub(super) project: &'a Name,
    pub(super) time: Timestamp,
    /// The number that the change will have.
    pub(super) revision: u64,
}

pub(super) fn apply(connection: &Connection, vault: &Vault, limits: &Limits, change: Change) -> Result<Committed> {
    let before = contents::revision(connection)?;
    let Change { project, actor, time, writes, kept_configurations } = change;
    let applying = Applying { connection, vault, limits, project: &project, time, revision: before + 1 };
    let mut applied = Vec::with_capacity(writes.len());
    let (mut done, mut gone) = (Vec::new(), Vec::new());
    for (write, precondition) in &writes {
        let mut written = describe(write, &project);
        let found = found(&applying, write)?;
        check(&applying, write, &written, found, *precondition)?;
        let Effect { changed, version, named } = perform(&applying, write)?;
        if let Some(version) = version {
            written.name = format!("{}@{version}", written.name);
        }
        let revision = found.filter(|_| !changed).unwrap_or(applying.revision);
        applied.push(Applied { changed, revision, version });
        if !named.is_empty() {
            gone.push(Gone { kind: written.kind, name: written.name.clone(), named });
        }
        if changed {
            done.push(written);
        }
    }
    if done.is_empty() {
        return Ok(Committed { revision: before, applied });
    }
    references::check(&applying, &done, &gone)?;
    references::check_limits(&applying, &done)?;
    if done.iter().any(|written| written.kind == Kind::Route) {
        routes::forget_configurations(&applying, &kept_configurations)?;
    }
    remember(&applying, &actor, &done)?;
    Ok(Committed { revision: applying.revision, applied })
}

fn describe(write: &Write, project: &Name) -> Written {
    let (action, kind, name) = match write {
        Write::CreateProject => (Action::Put, Kind::Project, project.to_string()),
        Write::PushModule { name, .. } => (Action::Put, Kind::Module, name.to_string()),
        Write::RemoveModule { name, version: None } => (Action::Remove, Kind::Module, name.to_string()),
        Write::RemoveModule { name, version: Some(version) } => {
            (Action::Remove, Kind::Module, format!("{name}@{version}"))
        }
        Write::PutAlias { module, alias, .. } => (Action::Put, Kind::Alias, format!("{module}@{alias}")),
        Write::RemoveAlias { module, alias } => (Action::Remove, Kind::Alias, format!("{module}@{alias}")),
        Write::PutRoute { name, .. } => (Action::Put, Kind::Route, name.to_string()),
        Write::RemoveRoute { name } => (Action::Remove, Kind::Route, name.to_string()),
        Write::PutDestination { name, .. } => (Action::Put, Kind::Destination, name.to_string()),
        Write::RemoveDestination { name } => (Action::Remove, Kind::Destination, name.to_string()),
        Write::PutSecret { name, .. } | Write::TrimSecret { name } => (Action::Put, Kind::Secret, name.to_string()),
        Write::RemoveSecret { name } => (Action::Remove, Kind::Secret, name.to_string()),
    };
    Written { action, kind, name }
}

/// The revision of what the write is about, if that is there.
fn found(applying: &Applying<'_>, write: &Write) -> Result<Option<u64>> {
    let project = applying.project.as_str();
    let one = |sql: &str, keys: &[&dyn ToSql]| -> Result<Option<u64>> {
        let mut query = applying.connection.prepare_cached(sql)?;
        Ok(query.query_row(keys, |row| row.get::<_, Option<u64>>(0)).optional()?.flatten())
    };
    match write {
        Write::CreateProject => one("SELECT revision FROM projects WHERE name = ?1", &[&project]),
        Write::PushModule { name, .. } | Write::RemoveModule { name, version: None } => one(
            "SELECT revision FROM modules WHERE project = ?1 AND name = ?2 ORDER BY version DESC LIMIT 1",
            &[&project, &name.as_str()],
        ),
        Write::RemoveModule { name, version: Some(version) } => one(
            "SELECT revision FROM modules WHERE project = ?1 AND name = ?2 AND version = ?3",
            &[&project, &name.as_str(), version],
        ),
        Write::PutAlias { module, alias, .. } | Write::RemoveAlias { module, alias } => one(
            "SELECT revision FROM aliases WHERE project = ?1 AND module = ?2 AND alias = ?3",
            &[&project, &module.as_str(), &alias.as_str()],
        ),
        Write::PutRoute { name, .. } | Write::RemoveRoute { name } => {
            one("SELECT revision FROM routes WHERE project = ?1 AND name = ?2", &[&project, &name.as_str()])
        }
        Write::PutDestination { name, .. } | Write::RemoveDestination { name } => {
            one("SELECT revision FROM destinations WHERE project = ?1 AND name = ?2", &[&project, &name.as_str()])
        }
        Write::PutSecret { name, .. } | Write::TrimSecret { name } | Write::RemoveSecret { name } => {
            one("SELECT revision FROM secrets WHERE project = ?1 AND name = ?2", &[&project, &name.as_str()])
        }
    }
}

fn check(
    applying: &Applying<'_>,
    write: &Write,
    written: &Written,
    found: Option<u64>,
    precondition: Precondition,
) -> Result<()> {
    let project = applying.project.as_str();
    if written.kind != Kind::Project {
        let mut query = applying.connection.prepare_cached("SELECT 1 FROM projects WHERE name = ?1")?;
        if !query.exists([project])? {
            return Err(Error::NotFound { what: format!("project `{project}`") }.into());
        }
    }
    let what = || format!("{} `{}` of project `{project}`", written.kind.name(), written.name);
    let refused = match (precondition, found) {
        (Precondition::Absent, Some(_)) => Error::Exists { what: what() },
        (Precondition::Revision(expected), found) if found != Some(expected) => {
            Error::Conflict { what: what(), expected, found }
        }
        (_, None) if written.action == Action::Remove || matches!(write, Write::TrimSecret { .. }) => {
            Error::NotFound { what: what() }
        }
        _ => return Ok(()),
    };
    Err(refused.into())
}

/// What a write did.
#[derive(Debug, Default)]
pub(super) struct Effect {
    pub(super) changed: bool,
    /// Of a pushed module.
    pub(super) version: Option<u32>,
    /// The names of what it removed, as others name it.
    pub(super) named: Vec<String>,
}

impl Effect {
    pub(super) fn changed(changed: bool) -> Self {
        Self { changed, ..Self::default() }
    }
}

fn perform(applying: &Applying<'_>, write: &Write) -> Result<Effect> {
    match write {
        Write::CreateProject => create_project(applying),
        Write::PushModule { name, bytes, inspection } => modules::push(applying, name, bytes, inspection),
        Write::RemoveModule { name, version } => modules::remove(applying, name, *version),
        Write::PutAlias { module, alias, version } => modules::put_alias(applying, module, alias, *version),
        Write::RemoveAlias { module, alias } => modules::remove_alias(applying, module, alias),
        Write::PutRoute { name, spec, filters } => routes::put(applying, name, spec, filters),
        Write::RemoveRoute { name } => routes::remove(applying, name),
        Write::PutDestination { name, spec } => put_destination(applying, name, spec),
        Write::RemoveDestination { name } => {
            remove(applying, "DELETE FROM destinations WHERE project = ?1 AND name = ?2", name)
        }
        Write::PutSecret { name, value, older } => secrets::put(applying, name, value, *older),
        Write::TrimSecret { name } => secrets::trim(applying, name),
        Write::RemoveSecret { name } => remove(applying, "DELETE FROM secrets WHERE project = ?1 AND name = ?2", name),
    }
}

fn create_project(applying: &Applying<'_>) -> Result<Effect> {
    let mut insert = applying
        .connection
        .prepare_cached("INSERT INTO projects (name, created, revision) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?;
    let rows = insert.execute(params![applying.project.as_str(), applying.time.as_millis(), applying.revision])?;
    Ok(Effect::changed(rows > 0))
}

fn put_destination(applying: &Applying<'_>, name: &Name, spec: &DestinationSpec) -> Result<Effect> {
    let mut upsert = applying.connection.prepare_cached(
        "INSERT INTO destinations (project, name, spec, revision) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (project, name) DO UPDATE SET spec = excluded.spec, revision = excluded.revision
         WHERE spec <> excluded.spec",
    )?;
    let spec = serde_json::to_string(spec).expect("a specification is JSON");
    let rows = upsert.execute(params![applying.project.as_str(), name.as_str(), spec, applying.revision])?;
    Ok(Effect::changed(rows > 0))
}

fn remove(applying: &Applying<'_>, sql: &str, name: &Name) -> Result<Effect> {
    let rows = applying.connection.prepare_cached(sql)?.execute([applying.project.as_str(), name.as_str()])?;
    Ok(Effect { changed: rows > 0, version: None, named: vec![name.to_string()] })
}

/// Enters the change into the list of revisions, which forgets its oldest.
fn remember(applying: &Applying<'_>, actor: &str, done: &[Written]) -> Result<()> {
    let Applying { connection, project, time, revision, .. } = *applying;
    let writes = serde_json::to_string(done).expect("a summary is JSON");
    connection
        .prepare_cached("INSERT INTO revisions (number, time, project, actor, writes) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![revision, time.as_millis(), project.as_str(), actor, writes])?;
    connection
        .prepare_cached("DELETE FROM revisions WHERE number <= ?1")?
        .execute([revision.saturating_sub(applying.limits.revisions.max(1))])?;
    Ok(())
}
