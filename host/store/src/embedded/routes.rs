//! Routes: what was written, what it came to, and what it names.

use std::collections::{BTreeSet, HashSet};

use model::{
    Digest, Name,
    spec::{Resolution, RouteSpec},
};
use rusqlite::{OptionalExtension as _, params};

use super::{
    change::{Applying, Effect},
    contents::collect,
    failure::Result,
};
use crate::{
    Error,
    registry::{self, Prepared},
};

/// A filter as it is kept.
#[derive(Debug, PartialEq, Eq)]
struct Attached {
    active: [u8; 32],
    candidate: Option<[u8; 32]>,
    previous: Option<[u8; 32]>,
    configuration: [u8; 32],
    prepared: Vec<u8>,
    previous_prepared: Option<Vec<u8>>,
}

/// Changes nothing if all was so already.
pub(super) fn put(
    applying: &Applying<'_>,
    name: &Name,
    spec: &RouteSpec,
    filters: &[(Resolution, Prepared)],
) -> Result<Effect> {
    let Applying { connection, revision, .. } = *applying;
    let project = applying.project.as_str();
    let written = spec.attachments().count();
    if filters.len() != written {
        let problem = format!("route `{name}` has {written} filters, and {} that are resolved", filters.len());
        return Err(Error::Invalid { problem }.into());
    }
    let configurations: Vec<String> = spec.attachments().map(|filter| filter.config.to_string()).collect();
    let attached: Vec<Attached> = filters
        .iter()
        .zip(&configurations)
        .map(|((resolution, prepared), configuration)| Attached {
            active: resolution.active.0,
            candidate: resolution.candidate.map(|digest| digest.0),
            previous: resolution.previous.map(|digest| digest.0),
            configuration: registry::digest(configuration.as_bytes()).0,
            prepared: prepared.active.to_vec(),
            previous_prepared: prepared.previous.as_ref().map(|bytes| bytes.to_vec()),
        })
        .collect();
    let spec_text = serde_json::to_string(spec).expect("a specification is JSON");
    let before: Option<String> = connection
        .prepare_cached("SELECT spec FROM routes WHERE project = ?1 AND name = ?2")?
        .query_row([project, name.as_str()], |row| row.get(0))
        .optional()?;
    if before.as_ref() == Some(&spec_text) && read(applying, name)? == attached {
        return Ok(Effect::default());
    }
    // Its rows in the other tables go with it.
    remove(applying, name)?;
    connection
        .prepare_cached("INSERT INTO routes (project, name, spec, revision) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![project, name.as_str(), spec_text, revision])?;
    attach(applying, name, &attached, &configurations)?;
    let (destinations, secrets) = names(spec);
    for destination in destinations {
        connection
            .prepare_cached("INSERT INTO route_destinations (project, route, destination) VALUES (?1, ?2, ?3)")?
            .execute([project, name.as_str(), destination])?;
    }
    for secret in secrets {
        connection
            .prepare_cached("INSERT INTO route_secrets (project, route, secret) VALUES (?1, ?2, ?3)")?
            .execute([project, name.as_str(), secret])?;
    }
    Ok(Effect::changed(true))
}

fn attach(applying: &Applying<'_>, name: &Name, attached: &[Attached], configurations: &[String]) -> Result<()> {
    let Applying { connection, project, .. } = *applying;
    let project = project.as_str();
    for (position, (filter, configuration)) in attached.iter().zip(configurations).enumerate() {
        connection
            .prepare_cached(
                "INSERT INTO configurations (project, digest, text) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )?
            .execute(params![project, filter.configuration, configuration])?;
        connection
            .prepare_cached(
                "INSERT INTO attachments
                 (project, route, position, active, candidate, previous, configuration, prepared, previous_prepared)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                project,
                name.as_str(),
                position,
                filter.active,
                filter.candidate,
                filter.previous,
                filter.configuration,
                filter.prepared,
                filter.previous_prepared
            ])?;
    }
    Ok(())
}

pub(super) fn remove(applying: &Applying<'_>, name: &Name) -> Result<Effect> {
    let mut delete = applying.connection.prepare_cached("DELETE FROM routes WHERE project = ?1 AND name = ?2")?;
    let rows = delete.execute([applying.project.as_str(), name.as_str()])?;
    Ok(Effect::changed(rows > 0))
}

/// Forgets the configurations that no route has, but for these.
pub(super) fn forget_configurations(applying: &Applying<'_>, kept: &HashSet<Digest>) -> Result<()> {
    let Applying { connection, project, .. } = *applying;
    let mut query = connection.prepare_cached(
        "SELECT digest FROM configurations AS known WHERE project = ?1 AND NOT EXISTS
         (SELECT 1 FROM attachments WHERE project = ?1 AND configuration = known.digest)",
    )?;
    let unused = collect(query.query([project.as_str()])?, |row| Ok(Digest(row.get(0)?)))?;
    let mut delete = connection.prepare_cached("DELETE FROM configurations WHERE project = ?1 AND digest = ?2")?;
    for digest in unused.iter().filter(|digest| !kept.contains(digest)) {
        delete.execute(params![project.as_str(), digest.0])?;
    }
    Ok(())
}

fn read(applying: &Applying<'_>, name: &Name) -> Result<Vec<Attached>> {
    let mut query = applying.connection.prepare_cached(
        "SELECT active, candidate, previous, configuration, prepared, previous_prepared FROM attachments
         WHERE project = ?1 AND route = ?2 ORDER BY position",
    )?;
    collect(query.query([applying.project.as_str(), name.as_str()])?, |row| {
        Ok(Attached {
            active: row.get(0)?,
            candidate: row.get(1)?,
            previous: row.get(2)?,
            configuration: row.get(3)?,
            prepared: row.get(4)?,
            previous_prepared: row.get(5)?,
        })
    })
}

/// The destinations and secrets that the route names.
fn names(spec: &RouteSpec) -> (BTreeSet<&str>, BTreeSet<&str>) {
    (spec.destinations().map(String::as_str).collect(), spec.secrets().map(String::as_str).collect())
}
