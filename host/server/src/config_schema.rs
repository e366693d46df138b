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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(schema: Value, config: Value) -> Result<(), Faults> {
        check(&Manifest { config_schema: Some(schema), ..Manifest::default() }, &config)
    }

    /// A module's author must not make the host read a file or call somebody.
    #[test]
    fn a_schema_leads_nowhere_outside() {
        for elsewhere in
            ["file:///etc/hostname", "http://127.0.0.1:9/schema", "https://example.com/schema", "other.json"]
        {
            let said = checked(json!({ "$ref": elsewhere }), json!({})).unwrap_err().to_string();
            assert!(said.starts_with("the manifest's JSON Schema is no schema: "), "{elsewhere}: {said}");
        }
    }

    #[test]
    fn a_schema_that_leads_to_itself_ends() {
        assert!(checked(json!({ "$ref": "#" }), json!([1])).is_ok());
        let list = json!({ "type": "array", "items": { "$ref": "#" }, "maxItems": 1 });
        assert!(checked(list.clone(), json!([[[[]]]])).is_ok());
        let said = checked(list, json!([[[1]]])).unwrap_err().to_string();
        assert_eq!(said, "/0/0/0: 1 is not of type \"array\"");
    }
}
