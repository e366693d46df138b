//! Listings that come in pages.

use std::sync::Arc;

use model::Name;

use super::{
    REGISTRY_LIMITS,
    sample::{TIME, alias, change, destination, module, name, orders},
};
use crate::{
    Registry,
    registry::{Action, Kind, Revision, Write, Written},
};

pub async fn pages_of_modules(registry: Arc<dyn Registry>) {
    let pushed = [("b", "1"), ("a", "1"), ("b", "2"), ("c", "1"), ("a", "2")];
    registry
        .commit(pushed.into_iter().fold(change(), |change, (name, bytes)| change.with(module(name, bytes))))
        .await
        .unwrap();
    let mut seen: Vec<(Name, u32)> = Vec::new();
    loop {
        let after = seen.last().map(|(name, version)| (name, *version));
        let page = registry.modules(&name("default"), after, 2).await.unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        seen.extend(page.into_iter().map(|module| (module.name, module.version)));
    }
    let expected = [("a", 1), ("a", 2), ("b", 1), ("b", 2), ("c", 1)].map(|(text, version)| (name(text), version));
    assert_eq!(seen, expected);
    assert!(registry.modules(&name("other"), None, 10).await.unwrap().is_empty());
}

pub async fn pages_of_revisions(registry: Arc<dyn Registry>) {
    registry.commit(orders().with(alias("verify", "stable", 1))).await.unwrap();
    let removal = change()
        .with(Write::RemoveAlias { module: name("verify"), alias: name("stable") })
        .with(module("verify", "one"))
        .with(module("verify", "two"));
    registry.commit(removal).await.unwrap();
    registry.commit(change().with(Write::RemoveModule { name: name("verify"), version: Some(2) })).await.unwrap();
    let newest = registry.revisions(&name("default"), None, 2).await.unwrap();
    let written = |action, kind, name: &str| Written { action, kind, name: name.to_owned() };
    let entry = |number, writes| Revision {
        number,
        time: TIME,
        project: name("default"),
        actor: "contract".to_owned(),
        writes,
    };
    let removed_alias = written(Action::Remove, Kind::Alias, "verify@stable");
    let expected = [
        entry(3, vec![written(Action::Remove, Kind::Module, "verify@2")]),
        entry(2, vec![removed_alias, written(Action::Put, Kind::Module, "verify@2")]),
    ];
    assert_eq!(newest, expected);
    let rest = registry.revisions(&name("default"), Some(2), 2).await.unwrap();
    let all = vec![
        written(Action::Put, Kind::Destination, "billing"),
        written(Action::Put, Kind::Secret, "hook"),
        written(Action::Put, Kind::Secret, "key"),
        written(Action::Put, Kind::Module, "verify@1"),
        written(Action::Put, Kind::Route, "orders"),
        written(Action::Put, Kind::Alias, "verify@stable"),
    ];
    assert_eq!(rest, [entry(1, all)]);
}

pub async fn old_revisions_are_forgotten(registry: Arc<dyn Registry>) {
    let most = REGISTRY_LIMITS.revisions;
    for number in 1..=most + 5 {
        let url = format!("http://{number}/");
        assert_eq!(registry.commit(change().with(destination("d", &url))).await.unwrap().revision, number);
    }
    let kept = registry.revisions(&name("default"), None, 1_000).await.unwrap();
    assert_eq!(kept.len() as u64, most);
    assert_eq!(kept[0].number, most + 5);
}
