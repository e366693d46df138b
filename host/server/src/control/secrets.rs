//! Operations on secrets. Their values go in and never come out.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::{Faults, Name, Secret, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};
use store::registry::{Older, Precondition, SECRET_BYTES_MOST, SecretRecord};
use utoipa::ToSchema;

use super::{Author, Changed, Control, Error, Wish, Write};
use crate::written::unquoted;

/// A secret's value as it is written: one of `value` and `value_base64`.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default, remote = "Self")]
pub struct SecretSpec {
    /// The bytes of this text, exactly; 1 to 4096.
    #[schema(write_only)]
    #[serde(deserialize_with = "unquoted::text")]
    pub value: Option<String>,
    /// Bytes that are no text, in base64 with padding.
    #[schema(write_only)]
    #[serde(deserialize_with = "unquoted::text")]
    pub value_base64: Option<String>,
    /// Whether the values that it has had so far stay valid beside this one, for a rotation.
    pub keep_previous: bool,
}

impl fmt::Debug for SecretSpec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SecretSpec").field("keep_previous", &self.keep_previous).finish_non_exhaustive()
    }
}

impl<'de> Deserialize<'de> for SecretSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        unquoted::object(deserializer)
    }
}

impl<'de> unquoted::Object<'de> for SecretSpec {
    const SHAPE: &'static str = "an object with `value` or `value_base64`";

    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // What is derived.
        Self::deserialize(deserializer)
    }
}

impl SecretSpec {
    /// Reports faults with their place; they do not quote the value.
    pub fn read(self) -> Result<(Secret, Older), Faults> {
        let older = if self.keep_previous { Older::Keep } else { Older::Drop };
        let (at, value) = match (self.value, self.value_base64) {
            (Some(text), None) => ("value", Secret::new(text.into_bytes())),
            (None, Some(base64)) => match STANDARD.decode(Secret::new(base64.into_bytes()).expose()) {
                Ok(bytes) => ("value_base64", Secret::new(bytes)),
                Err(_) => return Err(Faults::one("value_base64", "is no base64 with padding")),
            },
            _ => return Err(Faults::one("", "write one of `value` and `value_base64`")),
        };
        match value.expose().len() {
            1..=SECRET_BYTES_MOST => Ok((value, older)),
            bytes => Err(Faults::one(at, format!("has {bytes} bytes: 1 to {SECRET_BYTES_MOST} are right"))),
        }
    }
}

/// A secret without its values.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SecretView {
    pub name: String,
    /// How many values are valid.
    pub values: usize,
    /// When the oldest valid value was written, milliseconds since 1970-01-01T00:00:00Z.
    pub created: u64,
    /// When the newest was.
    pub updated: u64,
    pub revision: u64,
}

impl From<SecretRecord> for SecretView {
    fn from(secret: SecretRecord) -> Self {
        Self {
            name: secret.name.to_string(),
            values: secret.values.len(),
            created: secret.values.last().map_or(0, |written| written.as_millis()),
            updated: secret.values.first().map_or(0, |written| written.as_millis()),
            revision: secret.revision,
        }
    }
}

impl Control {
    pub async fn secrets(&self, project: &Name) -> Result<Vec<SecretView>, Error> {
        self.check_project(project).await?;
        Ok(self.registry.secrets(project).await?.into_iter().map(SecretView::from).collect())
    }

    pub async fn secret(&self, project: &Name, name: &Name) -> Result<SecretView, Error> {
        let mut secrets = self.secrets(project).await?.into_iter();
        secrets.find(|known| name.as_str() == known.name).ok_or_else(|| Error::NotFound(format!("secret `{name}`")))
    }

    pub async fn put_secret(
        &self,
        author: &Author,
        name: &Name,
        spec: SecretSpec,
        precondition: Precondition,
    ) -> Result<(SecretView, Changed), Error> {
        let (value, older) = spec.read()?;
        let write = Write::PutSecret { name: name.clone(), value, older };
        let changed = self.change(author, vec![Wish { write, precondition }]).await?;
        if !author.dry_run {
            return Ok((self.secret(&author.project, name).await?, changed));
        }
        let before = self.secret(&author.project, name).await.ok();
        let unchanged = changed.applied.first().is_some_and(|applied| !applied.changed);
        if let (true, Some(before)) = (unchanged, before.clone()) {
            return Ok((before, changed));
        }
        let now = Timestamp::now().as_millis();
        let planned = changed.project.secrets.iter().find(|known| known.name == *name);
        let view = SecretView {
            name: name.to_string(),
            values: planned.map_or(1, |planned| planned.values.len()),
            created: before.filter(|_| older == Older::Keep).map_or(now, |before| before.created),
            updated: now,
            revision: changed.revision,
        };
        Ok((view, changed))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{control::apply::Configuration, written};

    #[test]
    fn faults_do_not_quote_a_value() {
        let wrong = json!({"secrets": {
            "bare": "hush hush",
            "digits": 12_345_678,
            "number": {"value": 12_345_678},
            "list": {"value": ["hush hush"]},
            "flag": {"value_base64": true},
            "unknown": {"values": "hush hush"},
            "null": {"value": null, "keep_previous": 1},
        }});
        let mut told: Vec<String> =
            written::read::<Configuration>(wrong).faults.0.iter().map(ToString::to_string).collect();
        told.sort();
        let expected = [
            "secrets.bare: is not shown here, and must be an object with `value` or `value_base64`",
            "secrets.digits: is not shown here, and must be an object with `value` or `value_base64`",
            "secrets.flag.value_base64: is not shown here, and must be a text, in quotes",
            "secrets.list.value: invalid type: sequence, expected a text",
            "secrets.null.keep_previous: invalid type: integer `1`, expected a boolean",
            "secrets.number.value: is not shown here, and must be a text, in quotes",
            "secrets.unknown.values: unknown field `values`, expected one of `value`, `value_base64`, `keep_previous`",
        ];
        assert_eq!(told, expected);
        let read = serde_json::from_value::<SecretSpec>(json!({"value": "hush", "value_base64": null})).unwrap();
        assert_eq!(read.value.as_deref(), Some("hush"));
        assert_eq!(serde_json::from_str::<SecretSpec>("{}").unwrap(), SecretSpec::default());
    }
}
