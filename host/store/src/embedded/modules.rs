//! Modules and their aliases: bytes kept once whoever has them, versions counted up under a name.

use bytes::Bytes;
use model::{Digest, Name};
use rusqlite::{OptionalExtension as _, params};

use super::{
    change::{Applying, Effect},
    contents::collect,
    failure::Result,
};
use crate::{Error, registry};

/// A new version, unless the newest one has these bytes.
pub(super) fn push(
    applying: &Applying<'_>,
    name: &Name,
    bytes: &Bytes,
    inspection: &serde_json::Value,
) -> Result<Effect> {
    let Applying { connection, limits, revision, .. } = *applying;
    let project = applying.project.as_str();
    if bytes.len() > limits.module_bytes {
        let what = format!("bytes in module `{name}`");
        return Err(Error::Limit { what, most: limits.module_bytes as u64 }.into());
    }
    let digest = registry::digest(bytes);
    let newest = connection
        .prepare_cached(
            "SELECT version, digest FROM modules WHERE project = ?1 AND name = ?2 ORDER BY version DESC LIMIT 1",
        )?
        .query_row([project, name.as_str()], |row| Ok((row.get(0)?, Digest(row.get(1)?))))
        .optional()?;
    if let Some((version, _)) = newest.filter(|(_, known)| *known == digest) {
        return Ok(Effect { version: Some(version), ..Effect::default() });
    }
    connection
        .prepare_cached("INSERT INTO blobs (digest, bytes) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![digest.0, &bytes[..]])?;
    let version = connection
        .prepare_cached(
            "INSERT INTO module_names (project, name, newest) VALUES (?1, ?2, 1)
             ON CONFLICT (project, name) DO UPDATE SET newest = newest + 1 RETURNING newest",
        )?
        .query_row([project, name.as_str()], |row| row.get(0))?;
    connection
        .prepare_cached(
            "INSERT INTO modules (project, name, version, digest, size, created, inspection, revision)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            project,
            name.as_str(),
            version,
            digest.0,
            bytes.len(),
            applying.time.as_millis(),
            inspection.to_string(),
            revision
        ])?;
    Ok(Effect { changed: true, version: Some(version), named: Vec::new() })
}

/// One version or, without one, all of them with their aliases. Bytes that no version has any more go too.
pub(super) fn remove(applying: &Applying<'_>, name: &Name, version: Option<u32>) -> Result<Effect> {
    let Applying { connection, .. } = *applying;
    let project = applying.project.as_str();
    let gone = {
        let mut delete = connection.prepare_cached(
            "DELETE FROM modules WHERE project = ?1 AND name = ?2 AND (?3 IS NULL OR version = ?3)
             RETURNING version, digest",
        )?;
        collect(delete.query(params![project, name.as_str(), version])?, |row| {
            Ok((row.get::<_, u32>(0)?, Digest(row.get(1)?)))
        })?
    };
    for (_, digest) in &gone {
        connection
            .prepare_cached(
                "DELETE FROM blobs WHERE digest = ?1 AND NOT EXISTS (SELECT 1 FROM modules WHERE digest = ?1)",
            )?
            .execute([digest.0])?;
    }
    if version.is_none() {
        connection
            .prepare_cached("DELETE FROM aliases WHERE project = ?1 AND module = ?2")?
            .execute([project, name.as_str()])?;
    }
    connection
        .prepare_cached(
            "DELETE FROM module_names WHERE project = ?1 AND name = ?2
             AND NOT EXISTS (SELECT 1 FROM modules WHERE project = ?1 AND name = ?2)",
        )?
        .execute([project, name.as_str()])?;
    let named = gone.iter().flat_map(|(version, digest)| [digest.to_string(), format!("{name}@{version}")]).collect();
    Ok(Effect { changed: !gone.is_empty(), version: None, named })
}

pub(super) fn put_alias(applying: &Applying<'_>, module: &Name, alias: &Name, version: u32) -> Result<Effect> {
    let mut upsert = applying.connection.prepare_cached(
        "INSERT INTO aliases (project, module, alias, version, revision) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (project, module, alias) DO UPDATE SET version = excluded.version, revision = excluded.revision
         WHERE version <> excluded.version",
    )?;
    let keys = params![applying.project.as_str(), module.as_str(), alias.as_str(), version, applying.revision];
    Ok(Effect::changed(upsert.execute(keys)? > 0))
}

pub(super) fn remove_alias(applying: &Applying<'_>, module: &Name, alias: &Name) -> Result<Effect> {
    let mut delete =
        applying.connection.prepare_cached("DELETE FROM aliases WHERE project = ?1 AND module = ?2 AND alias = ?3")?;
    let rows = delete.execute([applying.project.as_str(), module.as_str(), alias.as_str()])?;
    Ok(Effect::changed(rows > 0))
}
