//! Reading the registry: everything at once for a snapshot, or one listing.

use std::{fmt::Display, str::FromStr};

use bytes::Bytes;
use model::{
    Digest, Name, Timestamp,
    spec::{Resolution, RouteRecord},
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::de::DeserializeOwned;

use super::{
    failure::{Result, unreadable},
    secrets,
};
use crate::{
    Error,
    registry::{self, Alias, Contents, Destination, ModuleVersion, Prepared, Project, ProjectRecord, Revision, Route},
    vault::Vault,
};

pub(super) fn all(connection: &Connection, vault: &Vault) -> Result<Contents> {
    // One transaction sees one state, whatever is written meanwhile.
    let connection = connection.unchecked_transaction()?;
    let mut contents = Contents { revision: revision(&connection)?, ..Contents::default() };
    for project in projects(&connection)? {
        let name = project.name;
        let project = Project {
            routes: routes(&connection, &name)?,
            destinations: destinations(&connection, &name)?,
            secrets: secrets::values(&connection, vault, &name)?,
            modules: modules(&connection, &name, None, None)?,
            aliases: aliases(&connection, &name)?,
        };
        contents.projects.insert(name, project);
    }
    Ok(contents)
}

/// Of the newest change; 0 before the first.
pub(super) fn revision(connection: &Connection) -> Result<u64> {
    let mut query = connection.prepare_cached("SELECT coalesce(max(number), 0) FROM revisions")?;
    Ok(query.query_row([], |row| row.get(0))?)
}

pub(super) fn projects(connection: &Connection) -> Result<Vec<ProjectRecord>> {
    let mut query = connection.prepare_cached("SELECT name, created, revision FROM projects ORDER BY name")?;
    collect(query.query([])?, |row| {
        Ok(ProjectRecord { name: parsed(row, 0)?, created: time(row, 1)?, revision: row.get(2)? })
    })
}

pub(super) fn routes(connection: &Connection, project: &Name) -> Result<Vec<Route>> {
    let mut query =
        connection.prepare_cached("SELECT name, spec, revision FROM routes WHERE project = ?1 ORDER BY name")?;
    let mut filters = connection.prepare_cached(
        "SELECT active, candidate, previous, prepared, previous_prepared FROM attachments
         WHERE project = ?1 AND route = ?2 ORDER BY position",
    )?;
    collect(query.query([project.as_str()])?, |row| {
        let name: Name = parsed(row, 0)?;
        let attached = collect(filters.query([project.as_str(), name.as_str()])?, |row| {
            let previous = row.get::<_, Option<Vec<u8>>>(4)?.map(Bytes::from);
            Ok((resolution(row)?, Prepared { active: row.get::<_, Vec<u8>>(3)?.into(), previous }))
        })?;
        let (resolutions, prepared) = attached.into_iter().unzip();
        let record = RouteRecord { name: name.into(), spec: json(row, 1)?, resolutions, revision: row.get(2)? };
        Ok(Route { record, prepared })
    })
}

/// From the first three columns.
fn resolution(row: &Row<'_>) -> Result<Resolution> {
    let digest = |column| row.get::<_, Option<[u8; 32]>>(column).map(|bytes| bytes.map(Digest));
    Ok(Resolution { active: Digest(row.get(0)?), candidate: digest(1)?, previous: digest(2)? })
}

pub(super) fn destinations(connection: &Connection, project: &Name) -> Result<Vec<Destination>> {
    let mut query =
        connection.prepare_cached("SELECT name, spec, revision FROM destinations WHERE project = ?1 ORDER BY name")?;
    collect(query.query([project.as_str()])?, |row| {
        Ok(Destination { name: parsed(row, 0)?, spec: json(row, 1)?, revision: row.get(2)? })
    })
}

pub(super) fn aliases(connection: &Connection, project: &Name) -> Result<Vec<Alias>> {
    let mut query = connection.prepare_cached(
        "SELECT module, alias, version, revision FROM aliases WHERE project = ?1 ORDER BY module, alias",
    )?;
    collect(query.query([project.as_str()])?, |row| {
        Ok(Alias { module: parsed(row, 0)?, alias: parsed(row, 1)?, version: row.get(2)?, revision: row.get(3)? })
    })
}

pub(super) fn modules(
    connection: &Connection,
    project: &Name,
    after: Option<(Name, u32)>,
    at_most: Option<u32>,
) -> Result<Vec<ModuleVersion>> {
    let mut query = connection.prepare_cached(
        "SELECT name, version, digest, size, created, inspection, revision FROM modules
         WHERE project = ?1 AND (name, version) > (?2, ?3) ORDER BY name, version LIMIT ?4",
    )?;
    let (name, version) = after.as_ref().map_or(("", 0), |(name, version)| (name.as_str(), *version));
    let at_most = at_most.map_or(-1, i64::from);
    collect(query.query(params![project.as_str(), name, version, at_most])?, |row| {
        Ok(ModuleVersion {
            name: parsed(row, 0)?,
            version: row.get(1)?,
            digest: Digest(row.get(2)?),
            size: row.get(3)?,
            created: time(row, 4)?,
            inspection: json(row, 5)?,
            revision: row.get(6)?,
        })
    })
}

pub(super) fn revisions(
    connection: &Connection,
    project: &Name,
    before: Option<u64>,
    at_most: u32,
) -> Result<Vec<Revision>> {
    let mut query = connection.prepare_cached(
        "SELECT number, time, project, actor, writes FROM revisions
         WHERE project = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3",
    )?;
    let before = before.and_then(|before| i64::try_from(before).ok()).unwrap_or(i64::MAX);
    collect(query.query(params![project.as_str(), before, at_most])?, |row| {
        Ok(Revision {
            number: row.get(0)?,
            time: time(row, 1)?,
            project: parsed(row, 2)?,
            actor: row.get(3)?,
            writes: json(row, 4)?,
        })
    })
}

pub(super) fn module_bytes(connection: &Connection, digest: Digest) -> Result<Bytes> {
    let mut query = connection.prepare_cached("SELECT bytes FROM blobs WHERE digest = ?1")?;
    let bytes: Option<Vec<u8>> = query.query_row([digest.0], |row| row.get(0)).optional()?;
    let bytes = bytes.ok_or_else(|| Error::NotFound { what: format!("module {digest}") })?;
    if registry::digest(&bytes) != digest {
        return Err(unreadable(&format!("module {digest}"), "its bytes are not those that were pushed"));
    }
    Ok(bytes.into())
}

pub(super) fn configuration(connection: &Connection, project: &Name, digest: Digest) -> Result<String> {
    let mut query = connection.prepare_cached("SELECT text FROM configurations WHERE project = ?1 AND digest = ?2")?;
    let text = query.query_row(params![project.as_str(), digest.0], |row| row.get(0)).optional()?;
    Ok(text.ok_or_else(|| Error::NotFound { what: format!("configuration {digest}") })?)
}

pub(super) fn collect<T>(mut rows: rusqlite::Rows<'_>, mut read: impl FnMut(&Row<'_>) -> Result<T>) -> Result<Vec<T>> {
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}

pub(super) fn time(row: &Row<'_>, column: usize) -> Result<Timestamp> {
    Ok(Timestamp::from_millis(row.get(column)?))
}

pub(super) fn parsed<T: FromStr<Err: Display>>(row: &Row<'_>, column: usize) -> Result<T> {
    let text = row.get_ref(column)?.as_str().map_err(|error| unreadable("a name", error))?;
    text.parse().map_err(|error| unreadable("a name", error))
}

fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T> {
    let text = row.get_ref(column)?.as_str().map_err(|error| unreadable("a text", error))?;
    serde_json::from_str(text).map_err(|error| unreadable("a text", error))
}
