//! What is named is there, whoever writes what in which order.

use std::sync::Arc;

use model::spec::Resolution;
use serde_json::json;
use tokio::task::JoinSet;

use super::sample::{alias, change, destination, digest, module, name, orders, route, route_spec, runs, secret};
use crate::{
    Error, Registry,
    registry::{Older, Write},
};

pub async fn what_is_named_must_be_there(registry: Arc<dyn Registry>) {
    registry.commit(orders()).await.unwrap();
    let before = registry.contents().await.unwrap();
    for (to, hook, key, bytes, said) in [
        ("none", "hook", "key", "one", "destination `none`".to_owned()),
        ("billing", "none", "key", "one", "secret `none`".to_owned()),
        ("billing", "hook", "none", "one", "secret `none`".to_owned()),
        ("billing", "hook", "key", "none", format!("module `{}`", digest("none"))),
    ] {
        let spec = route_spec(to, hook, key, &json!({}));
        let refused = registry.commit(change().with(route("orders", &spec, runs(bytes)))).await.unwrap_err();
        assert!(matches!(refused, Error::Missing { .. }), "{refused}");
        let expected =
            format!("route `orders` names {said}, which does not exist; create it first or change what names it");
        assert_eq!(refused.to_string(), expected);
    }
    let refused = registry.commit(change().with(alias("verify", "stable", 2))).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "alias `verify@stable` names module `verify@2`, which does not exist; create it first or change what names it"
    );
    let spec = route_spec("billing", "hook", "key", &json!({}));
    let unresolved = Write::PutRoute { name: name("orders"), spec, filters: Vec::new() };
    assert!(matches!(registry.commit(change().with(unresolved)).await, Err(Error::Invalid { .. })));
    assert_eq!(registry.contents().await.unwrap(), before);
}

pub async fn what_is_named_cannot_go(registry: Arc<dyn Registry>) {
    registry.commit(orders()).await.unwrap();
    let spec = route_spec("billing", "hook", "hook", &json!({}));
    registry.commit(change().with(route("again", &spec, runs("one")))).await.unwrap();
    for (write, said) in [
        (
            Write::RemoveDestination { name: name("billing") },
            "destination `billing` is in use by route `again`, route `orders`",
        ),
        (Write::RemoveSecret { name: name("hook") }, "secret `hook` is in use by route `again`, route `orders`"),
        (Write::RemoveSecret { name: name("key") }, "secret `key` is in use by route `orders`"),
        (
            Write::RemoveModule { name: name("verify"), version: None },
            "module `verify` is in use by route `again`, route `orders`",
        ),
        (
            Write::RemoveModule { name: name("verify"), version: Some(1) },
            "module `verify@1` is in use by route `again`, route `orders`",
        ),
    ] {
        let refused = registry.commit(change().with(write)).await.unwrap_err();
        assert!(matches!(refused, Error::InUse { .. }), "{refused}");
        assert_eq!(refused.to_string(), format!("{said}; change or remove that first"));
    }
    // In one change with what names it, it can.
    let all = change()
        .with(Write::RemoveDestination { name: name("billing") })
        .with(Write::RemoveRoute { name: name("orders") })
        .with(Write::RemoveRoute { name: name("again") });
    registry.commit(all).await.unwrap();
}

pub async fn destinations_hold_what_they_name(registry: Arc<dyn Registry>) {
    let put = |named: &str, more: serde_json::Value| {
        let mut spec = json!({ "url": "https://a.example/" });
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Write::PutDestination { name: name(named), spec: serde_json::from_value(spec).unwrap() }
    };
    let signed = put("a", json!({ "sign": { "scheme": "v1", "secret": "key" } }));
    let failing_over = put("a", json!({ "failover": { "to": "b", "after_attempts": 2 } }));
    let certified = put("a", json!({ "client_certificate": { "certificate": "PEM", "key": "key" } }));
    for (write, said) in [(&signed, "secret `key`"), (&failing_over, "destination `b`"), (&certified, "secret `key`")] {
        let refused = registry.commit(change().with(write.clone())).await.unwrap_err();
        let expected =
            format!("destination `a` names {said}, which does not exist; create it first or change what names it");
        assert_eq!(refused.to_string(), expected);
    }
    let all = change().with(secret("key", "k", Older::Drop)).with(put("b", json!({}))).with(failing_over).with(signed);
    registry.commit(all).await.unwrap();
    let refused = registry.commit(change().with(Write::RemoveSecret { name: name("key") })).await.unwrap_err();
    assert_eq!(refused.to_string(), "secret `key` is in use by destination `a`; change or remove that first");
    let both = change().with(certified).with(Write::RemoveDestination { name: name("b") });
    registry.commit(both).await.unwrap();
    registry.commit(change().with(put("a", json!({}))).with(Write::RemoveSecret { name: name("key") })).await.unwrap();
}

pub async fn digests_of_every_kind_hold_their_module(registry: Arc<dyn Registry>) {
    let three =
        ["one", "two", "three"].into_iter().fold(change(), |change, bytes| change.with(module("verify", bytes)));
    registry.commit(three).await.unwrap();
    registry.commit(orders()).await.unwrap();
    let spec = route_spec("billing", "hook", "key", &json!({}));
    let resolution =
        Resolution { active: digest("three"), candidate: Some(digest("two")), previous: Some(digest("one")) };
    registry.commit(change().with(route("orders", &spec, resolution.clone()))).await.unwrap();
    let kept = registry.contents().await.unwrap();
    assert_eq!(kept.projects[&name("default")].routes[0].record.resolutions, [resolution]);
    for version in 2..=3 {
        let removal = Write::RemoveModule { name: name("verify"), version: Some(version) };
        let refused = registry.commit(change().with(removal)).await.unwrap_err();
        assert!(matches!(refused, Error::InUse { .. }), "{version}: {refused}");
    }
    // Version 4 has the bytes of version 1, so that one of the two can go, not both.
    let removal = |version| change().with(Write::RemoveModule { name: name("verify"), version: Some(version) });
    registry.commit(removal(1)).await.unwrap();
    assert!(matches!(registry.commit(removal(4)).await, Err(Error::InUse { .. })));
}

pub async fn aliases_hold_their_version(registry: Arc<dyn Registry>) {
    let both = change().with(module("verify", "one")).with(module("verify", "two"));
    registry.commit(both.with(alias("verify", "stable", 1))).await.unwrap();
    let removal = change().with(Write::RemoveModule { name: name("verify"), version: Some(1) });
    let refused = registry.commit(removal.clone()).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "module `verify@1` is in use by alias `verify@stable`; change or remove that first"
    );
    registry.commit(change().with(alias("verify", "stable", 2))).await.unwrap();
    registry.commit(removal).await.unwrap();
    // The whole name goes with its aliases.
    registry.commit(change().with(Write::RemoveModule { name: name("verify"), version: None })).await.unwrap();
    assert!(registry.aliases(&name("default")).await.unwrap().is_empty());
}

pub async fn the_order_of_writes_is_free(registry: Arc<dyn Registry>) {
    let mut backwards = orders();
    backwards.writes.reverse();
    registry.commit(backwards).await.unwrap();
    let moved = route_spec("other", "hook", "key", &json!({}));
    let swap = change()
        .with(Write::RemoveDestination { name: name("billing") })
        .with(route("orders", &moved, runs("one")))
        .with(destination("other", "http://other.example.com/"));
    registry.commit(swap).await.unwrap();
    assert_eq!(registry.destinations(&name("default")).await.unwrap()[0].name, name("other"));
}

pub async fn configurations_stay_while_named(registry: Arc<dyn Registry>) {
    registry.commit(orders()).await.unwrap();
    let first = digest(r#"{"b":1,"a":[2]}"#);
    let spec = route_spec("billing", "hook", "key", &json!({ "b": 1, "a": [2] }));
    registry.commit(change().with(route("again", &spec, runs("one")))).await.unwrap();
    registry.commit(change().with(Write::RemoveRoute { name: name("orders") })).await.unwrap();
    assert!(registry.configuration(&name("default"), first).await.is_ok());
    let other = route_spec("billing", "hook", "key", &json!({}));
    registry.commit(change().with(route("again", &other, runs("one")))).await.unwrap();
    assert!(matches!(registry.configuration(&name("default"), first).await, Err(Error::NotFound { .. })));
    assert_eq!(registry.configuration(&name("default"), digest("{}")).await.unwrap(), "{}");
    // Events that are kept may refer to it for longer.
    let mut next = change().with(route("again", &spec, runs("one")));
    next.kept_configurations.insert(digest("{}"));
    registry.commit(next).await.unwrap();
    assert!(registry.configuration(&name("default"), digest("{}")).await.is_ok());
    registry.commit(change().with(Write::RemoveRoute { name: name("again") })).await.unwrap();
    for digest in [first, digest("{}")] {
        assert!(matches!(registry.configuration(&name("default"), digest).await, Err(Error::NotFound { .. })));
    }
}

/// One writes routes that name a destination and a secret, the others take these away and put them back.
pub async fn concurrent_writers_cannot_break_them(registry: Arc<dyn Registry>) {
    registry.commit(orders()).await.unwrap();
    let spec = route_spec("billing", "hook", "key", &json!({}));
    let toggles = [
        [route("orders", &spec, runs("one")), Write::RemoveRoute { name: name("orders") }],
        [destination("billing", "http://billing.example.com/"), Write::RemoveDestination { name: name("billing") }],
        [secret("hook", "value", Older::Drop), Write::RemoveSecret { name: name("hook") }],
        [module("verify", "one"), Write::RemoveModule { name: name("verify"), version: None }],
    ];
    let mut writers = JoinSet::new();
    for writes in toggles {
        let registry = Arc::clone(&registry);
        writers.spawn(async move {
            for turn in 0..40 {
                match registry.commit(change().with(writes[turn % 2].clone())).await {
                    Ok(_) | Err(Error::InUse { .. } | Error::Missing { .. } | Error::NotFound { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
                let contents = registry.contents().await.unwrap();
                let project = &contents.projects[&name("default")];
                let whole = project.destinations.len() == 1 && project.secrets.len() == 2 && project.modules.len() == 1;
                assert!(whole || project.routes.is_empty(), "{contents:?}");
            }
        });
    }
    writers.join_all().await;
}
