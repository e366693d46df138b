//! The JSON Schema that a module's manifest may hold for its configuration.

use jsonschema::Validator;
use model::{Faults, module::Manifest};
use serde_json::Value;

/// Faults of one configuration that are told.
const FAULTS_MOST: usize = 20;

/// The manifest's schema, if it has one. Fails if that is no schema.
pub(crate) fn of(manifest: &Manifest) -> Result<Option<Validator>, Faults> {
    let schema = manifest.config_schema.as_ref().map(jsonschema::validator_for).transpose();
    schema.map_err(|error| Faults::one("", format!("the manifest's JSON Schema is no schema: {error}")))
}

/// Everything in a configuration that the schema does not allow.
pub(crate) fn check(manifest: &Manifest, config: &Value) -> Result<(), Faults> {
    let Some(validator) = of(manifest)? else { return Ok(()) };
    let mut faults = Faults::default();
    for error in validator.iter_errors(config).take(FAULTS_MOST) {
        faults.add(error.instance_path().to_string(), error.to_string());
    }
    faults.or(())
}
