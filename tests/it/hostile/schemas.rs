//! Schemas that mean harm: a manifest may bring one for the configuration, and the host reads it.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Arena, made};

async fn upload(arena: &Arena, schema: &Value) -> crate::support::Answer {
    arena.api.upload("bad", made::with_manifest(made::filter(""), &json!({"config_schema": schema}))).await
}

/// Uploads a module with this schema, and says what comes of attaching it with this configuration.
async fn attach(arena: &Arena, schema: &Value, config: &Value) -> String {
    upload(arena, schema).await.expect(201);
    let answer = arena.attach(json!([{"module": "bad", "config": config}])).await;
    if answer.status == 200 { String::new() } else { answer.faults(422) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_reaches_nothing_and_ends() {
    let arena = Arena::open().await;
    let address = arena.destination.address;
    for (reference, said) in [
        (format!("http://{address}/schema.json"), "the manifest's JSON Schema is no schema: "),
        ("file:///etc/passwd".to_owned(), "the manifest's JSON Schema is no schema: "),
    ] {
        let faults = upload(&arena, &json!({"$ref": reference})).await.faults(422);
        assert!(faults.starts_with(said) && !faults.contains("root:"), "{faults}");
    }
    assert_eq!(arena.destination.connections(), 0);
    let faults = upload(&arena, &json!({"pattern": "((a{1000}){1000}){1000}"})).await.faults(422);
    assert!(faults.starts_with("the manifest's JSON Schema is no schema: "), "{faults}");
    // What has no end, or would look at one thing again and again.
    for schema in [json!({"$ref": "#"}), json!({"allOf": [{"$ref": "#"}]}), json!({"not": {"$ref": "#"}})] {
        let said = attach(&arena, &schema, &json!({})).await;
        assert!(said.is_empty() || said.starts_with("routes.evil.filters[0].config"), "{schema}: {said}");
    }
    let letters = json!({"a": format!("{}!", "a".repeat(5_000))});
    for pattern in ["^(a+)+$", "^(?=a)(a|aa)+(?!b)$"] {
        let said = attach(&arena, &json!({"properties": {"a": {"pattern": pattern}}}), &letters).await;
        assert!(said.starts_with("routes.evil.filters[0].config/a: "), "{pattern}: {said}");
    }
    arena.close().await;
}

/// Each definition asks for the next one twice.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the host evaluates schemas without a limit, on the thread of the admin API: this one takes for ever"]
async fn a_schema_that_doubles_ends() {
    const STEPS: usize = 40;
    let arena = Arena::open().await;
    let next = |step: usize| json!({"$ref": format!("#/$defs/{}", step + 1)});
    let mut steps: serde_json::Map<String, Value> =
        (0..STEPS).map(|step| (step.to_string(), json!({"allOf": [next(step), next(step)]}))).collect();
    steps.insert(STEPS.to_string(), json!({"type": "object"}));
    let schema = json!({"$defs": steps, "$ref": "#/$defs/0"});
    let attached = tokio::time::timeout(Duration::from_secs(20), attach(&arena, &schema, &json!({}))).await;
    assert!(attached.is_ok(), "the configuration is still being looked at");
    arena.close().await;
}
