//! Secrets in `control.db`: each a name with its valid values, which lie there sealed.

use model::{Name, Secret};
use rusqlite::{Connection, params};

use super::{
    change::{Applying, Effect},
    contents::{collect, parsed, time},
    failure::{Failure, Result},
};
use crate::{
    Error,
    registry::{Older, SECRET_BYTES_MOST, SecretRecord, SecretValues},
    vault::{KeyId, Place, Sealed, Vault},
};

/// The master keys that anything here is sealed with.
pub(super) fn keys(connection: &Connection) -> crate::Result<Vec<KeyId>> {
    let keys = || {
        let mut query = connection.prepare("SELECT DISTINCT key_id FROM secret_values")?;
        collect(query.query([])?, |row| Ok(row.get(0)?))
    };
    Ok(keys()?)
}

/// Everything, opened.
pub(super) fn values(connection: &Connection, vault: &Vault, project: &Name) -> Result<Vec<SecretValues>> {
    let mut query = connection.prepare_cached("SELECT name FROM secrets WHERE project = ?1 ORDER BY name")?;
    collect(query.query([project.as_str()])?, |row| {
        let name: Name = parsed(row, 0)?;
        let values = opened(connection, vault, project, &name)?;
        Ok(SecretValues { name, values })
    })
}

/// Without the values.
pub(super) fn records(connection: &Connection, project: &Name) -> Result<Vec<SecretRecord>> {
    let mut query = connection.prepare_cached("SELECT name, revision FROM secrets WHERE project = ?1 ORDER BY name")?;
    let mut values = connection
        .prepare_cached("SELECT created FROM secret_values WHERE project = ?1 AND name = ?2 ORDER BY id DESC")?;
    collect(query.query([project.as_str()])?, |row| {
        let name: Name = parsed(row, 0)?;
        let values = collect(values.query([project.as_str(), name.as_str()])?, |row| time(row, 0))?;
        Ok(SecretRecord { name, revision: row.get(1)?, values })
    })
}

/// Makes the value the newest one.
pub(super) fn put(applying: &Applying<'_>, name: &Name, value: &Secret, older: Older) -> Result<Effect> {
    let Applying { connection, project, .. } = *applying;
    if !(1..=SECRET_BYTES_MOST).contains(&value.expose().len()) {
        let problem = format!(
            "a value of secret `{name}` has {} bytes: 1 to {SECRET_BYTES_MOST} are right",
            value.expose().len()
        );
        return Err(Error::Invalid { problem }.into());
    }
    let before = match opened(connection, applying.vault, project, name) {
        // Writing a secret anew is the way out when its old values are damaged.
        Err(Failure::Refused(Error::Corrupt { .. })) if older == Older::Drop => Vec::new(),
        before => before?,
    };
    let newest = before.first() == Some(value);
    if newest && (older == Older::Keep || before.len() == 1) {
        return Ok(Effect::default());
    }
    connection
        .prepare_cached(
            "INSERT INTO secrets (project, name, revision) VALUES (?1, ?2, ?3)
             ON CONFLICT (project, name) DO UPDATE SET revision = ?3",
        )?
        .execute(params![project.as_str(), name.as_str(), applying.revision])?;
    if newest {
        return Ok(Effect::changed(keep_newest(connection, project, name)?));
    }
    if older == Older::Drop {
        connection
            .prepare_cached("DELETE FROM secret_values WHERE project = ?1 AND name = ?2")?
            .execute([project.as_str(), name.as_str()])?;
    } else if before.len() as u64 >= applying.limits.secret_values {
        let what = format!("valid values of secret `{name}`");
        return Err(Error::Limit { what, most: applying.limits.secret_values }.into());
    }
    // The id is known before the row is there, because it is sealed with the value.
    let id = connection
        .prepare_cached("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'secret_values'), 0) + 1")?
        .query_row([], |row| row.get(0))?;
    let place = Place { project: project.as_str(), name: name.as_str(), value: id };
    let sealed = applying.vault.seal(place, value);
    connection
        .prepare_cached(
            "INSERT INTO secret_values (id, project, name, created, key_id, nonce, ciphertext)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            id,
            project.as_str(),
            name.as_str(),
            applying.time.as_millis(),
            sealed.key,
            sealed.nonce,
            sealed.ciphertext
        ])?;
    Ok(Effect::changed(true))
}

/// Changes nothing if there is nothing older.
pub(super) fn trim(applying: &Applying<'_>, name: &Name) -> Result<Effect> {
    let Applying { connection, project, .. } = *applying;
    if !keep_newest(connection, project, name)? {
        return Ok(Effect::default());
    }
    connection
        .prepare_cached("UPDATE secrets SET revision = ?3 WHERE project = ?1 AND name = ?2")?
        .execute(params![project.as_str(), name.as_str(), applying.revision])?;
    Ok(Effect::changed(true))
}

fn keep_newest(connection: &Connection, project: &Name, name: &Name) -> Result<bool> {
    let mut delete = connection.prepare_cached(
        "DELETE FROM secret_values WHERE project = ?1 AND name = ?2
         AND id < (SELECT max(id) FROM secret_values WHERE project = ?1 AND name = ?2)",
    )?;
    Ok(delete.execute([project.as_str(), name.as_str()])? > 0)
}

/// Newest first.
fn opened(connection: &Connection, vault: &Vault, project: &Name, name: &Name) -> Result<Vec<Secret>> {
    let mut query = connection.prepare_cached(
        "SELECT id, key_id, nonce, ciphertext FROM secret_values WHERE project = ?1 AND name = ?2 ORDER BY id DESC",
    )?;
    collect(query.query([project.as_str(), name.as_str()])?, |row| {
        let place = Place { project: project.as_str(), name: name.as_str(), value: row.get(0)? };
        let sealed = Sealed { key: row.get(1)?, nonce: row.get(2)?, ciphertext: row.get(3)? };
        Ok(vault.unseal(place, sealed)?)
    })
}
