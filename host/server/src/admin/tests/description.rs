//! The description of the API, as it is checked in.

use std::path::Path;

use super::*;
use crate::admin::openapi;

#[test]
fn the_checked_in_description_is_what_the_code_does() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap_or_default()).unwrap_or_default();
    let made = serde_json::to_value(openapi()).unwrap();
    assert!(
        kept == made,
        "docs/openapi.json is out of step: run `cargo run --bin snaphook -- openapi > docs/openapi.json`"
    );
}

#[test]
fn every_operation_is_described_whole() {
    let api = serde_json::to_value(openapi()).unwrap();
    assert_eq!(api["openapi"], "3.1.0");
    assert_eq!(api["info"]["title"], "Snaphook");
    assert_eq!(api["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    let mut ids = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(!ids.contains(&id), "{id} is there twice");
            ids.push(id);
            assert!(operation["summary"].is_string(), "{id} has no summary");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
                let is_it = |parameter: &Value| parameter["name"] == name && parameter["in"] == "path";
                assert!(parameters.iter().any(is_it), "{method} {path} does not describe {name}");
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                let described = response["description"].as_str().is_some_and(|text| !text.is_empty());
                assert!(described || response.get("$ref").is_some(), "{method} {path} does not describe {status}");
            }
            let free = operation.get("security").is_some();
            assert_eq!(operation["responses"].get("401").is_none(), free, "{method} {path}");
        }
    }
    assert!(ids.len() > 25, "{}", ids.len());
    let mut references = Vec::new();
    collect(&api, &mut references);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(api.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

fn collect<'a>(value: &'a Value, references: &mut Vec<&'a str>) {
    match value {
        Value::Object(object) => {
            references.extend(object.get("$ref").and_then(Value::as_str));
            object.values().for_each(|value| collect(value, references));
        }
        Value::Array(array) => array.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

#[tokio::test]
async fn it_is_served() {
    let host = Host::start().await;
    assert_eq!(host.get("./openapi.json").await.is(200).body, serde_json::to_value(openapi()).unwrap());
}
