//! What a change does, and what it leaves when it fails.

use std::sync::Arc;

use model::{
    Secret,
    spec::{Resolution, RouteRecord},
};
use serde_json::json;
use tokio::task::JoinSet;

use super::{
    REGISTRY_LIMITS,
    sample::{
        TIME, alias, change, destination, digest, module, name, orders, prepared, route, route_spec, runs, secret,
    },
};
use crate::{
    Error, Registry,
    registry::{Alias, Applied, Change, Contents, ModuleVersion, Older, Precondition, Project, SecretValues, Write},
};

pub async fn starts_with_one_empty_project(registry: Arc<dyn Registry>) {
    let contents = registry.contents().await.unwrap();
    let projects = [(name("default"), Project::default())].into();
    assert_eq!(contents, Contents { revision: 0, projects });
    assert_eq!(registry.projects().await.unwrap()[0].name, name("default"));
}

pub async fn keeps_what_was_written(registry: Arc<dyn Registry>) {
    let committed = registry.commit(orders().with(alias("verify", "stable", 1))).await.unwrap();
    assert_eq!(committed.revision, 1);
    assert!(committed.applied.iter().all(|applied| applied.changed && applied.revision == 1));
    assert_eq!(committed.applied[3].version, Some(1));

    let contents = registry.contents().await.unwrap();
    assert_eq!(contents.revision, 1);
    let project = &contents.projects[&name("default")];
    let spec = route_spec("billing", "hook", "key", &json!({ "b": 1, "a": [2] }));
    let record = RouteRecord { name: "orders".to_owned(), spec, resolutions: vec![runs("one")], revision: 1 };
    assert_eq!(project.routes.len(), 1);
    assert_eq!(project.routes[0].record, record);
    assert_eq!(project.routes[0].prepared, [prepared(None)]);
    assert_eq!(registry.routes(&name("default")).await.unwrap(), [record]);
    assert_eq!(project.destinations[0].name, name("billing"));
    assert_eq!(project.destinations[0].spec.url, "https://billing.example.com/");
    assert_eq!(registry.destinations(&name("default")).await.unwrap(), project.destinations);
    let values = |named: &str, value: &str| SecretValues { name: name(named), values: vec![Secret::new(value.into())] };
    assert_eq!(project.secrets, [values("hook", "first"), values("key", "other")]);
    let version = ModuleVersion {
        name: name("verify"),
        version: 1,
        digest: digest("one"),
        size: 3,
        created: TIME,
        inspection: json!({ "of": "one" }),
        revision: 1,
    };
    assert_eq!(project.modules, [version]);
    let alias = Alias { module: name("verify"), alias: name("stable"), version: 1, revision: 1 };
    assert_eq!(project.aliases, [alias]);
    assert_eq!(registry.aliases(&name("default")).await.unwrap(), project.aliases);
    assert_eq!(registry.module_bytes(digest("one")).await.unwrap(), "one");
    assert_eq!(
        registry.configuration(&name("default"), digest(r#"{"b":1,"a":[2]}"#)).await.unwrap(),
        r#"{"b":1,"a":[2]}"#
    );

    let removal = change()
        .with(Write::RemoveRoute { name: name("orders") })
        .with(Write::RemoveDestination { name: name("billing") })
        .with(Write::RemoveSecret { name: name("hook") })
        .with(Write::RemoveSecret { name: name("key") })
        .with(Write::RemoveAlias { module: name("verify"), alias: name("stable") })
        .with(Write::RemoveModule { name: name("verify"), version: None });
    assert_eq!(registry.commit(removal).await.unwrap().revision, 2);
    let projects = [(name("default"), Project::default())].into();
    assert_eq!(registry.contents().await.unwrap(), Contents { revision: 2, projects });
}

pub async fn is_all_or_nothing(registry: Arc<dyn Registry>) {
    registry.commit(orders()).await.unwrap();
    let before = registry.contents().await.unwrap();
    let half = change()
        .with(destination("billing", "https://elsewhere.example.com/"))
        .with(module("verify", "two"))
        .with(Write::RemoveRoute { name: name("orders") })
        .with(Write::RemoveRoute { name: name("none") });
    let refused = registry.commit(half).await.unwrap_err();
    assert_eq!(refused.to_string(), "route `none` of project `default` does not exist");
    assert!(matches!(refused, Error::NotFound { .. }));
    assert_eq!(registry.contents().await.unwrap(), before);
    assert!(matches!(registry.module_bytes(digest("two")).await, Err(Error::NotFound { .. })));
}

pub async fn the_same_is_no_change(registry: Arc<dyn Registry>) {
    registry.commit(orders()).await.unwrap();
    registry.commit(change().with(destination("other", "https://other.example.com/"))).await.unwrap();
    let before = registry.contents().await.unwrap();
    let again = registry.commit(orders()).await.unwrap();
    assert_eq!(again.revision, 2);
    let unchanged = Applied { changed: false, revision: 1, version: None };
    let pushed = Applied { version: Some(1), ..unchanged.clone() };
    assert_eq!(again.applied, [unchanged.clone(), unchanged.clone(), unchanged.clone(), pushed, unchanged]);
    assert_eq!(registry.contents().await.unwrap(), before);
    assert_eq!(registry.revisions(&name("default"), None, 10).await.unwrap().len(), 2);

    // One word of difference is a change, and only of what is different.
    let spec = route_spec("billing", "hook", "key", &json!({ "b": 1, "a": [3] }));
    let changed = registry.commit(orders().with(route("orders", &spec, runs("one")))).await.unwrap();
    assert_eq!(changed.revision, 3);
    assert_eq!(changed.applied.iter().filter(|applied| applied.changed).count(), 1);
}

pub async fn keeps_what_the_version_before_prepared(registry: Arc<dyn Registry>) {
    registry.commit(orders().with(module("verify", "two"))).await.unwrap();
    let spec = route_spec("billing", "hook", "key", &json!({}));
    let resolution = Resolution { previous: Some(digest("one")), ..runs("two") };
    for (revision, previous) in [(2, None), (3, Some(&b"before"[..])), (4, Some(b"")), (5, None)] {
        let filters = vec![(resolution.clone(), prepared(previous))];
        let put = Write::PutRoute { name: name("orders"), spec: spec.clone(), filters };
        for _ in 0..2 {
            assert_eq!(registry.commit(change().with(put.clone())).await.unwrap().revision, revision);
        }
        let route = registry.contents().await.unwrap().projects[&name("default")].routes[0].clone();
        assert_eq!((route.record.resolutions, route.prepared), (vec![resolution.clone()], vec![prepared(previous)]));
    }
}

pub async fn preconditions(registry: Arc<dyn Registry>) {
    let put = |precondition, url: &str| change().with_if(precondition, destination("billing", url));
    let missing = registry.commit(put(Precondition::Revision(1), "http://a/")).await.unwrap_err();
    assert!(matches!(missing, Error::Conflict { expected: 1, found: None, .. }), "{missing}");
    registry.commit(put(Precondition::Absent, "http://a/")).await.unwrap();
    let exists = registry.commit(put(Precondition::Absent, "http://a/")).await.unwrap_err();
    assert_eq!(exists.to_string(), "destination `billing` of project `default` exists already");
    registry.commit(put(Precondition::Revision(1), "http://b/")).await.unwrap();
    let conflict = registry.commit(put(Precondition::Revision(1), "http://c/")).await.unwrap_err();
    assert_eq!(
        conflict.to_string(),
        "destination `billing` of project `default` is at revision 2, not at revision 1: it was changed meanwhile; look \
         again and repeat"
    );
    let removal = |revision| {
        let write = Write::RemoveDestination { name: name("billing") };
        change().with_if(Precondition::Revision(revision), write)
    };
    assert!(matches!(registry.commit(removal(1)).await, Err(Error::Conflict { found: Some(2), .. })));
    registry.commit(removal(2)).await.unwrap();

    // A module is as new as its newest version.
    registry.commit(change().with(module("verify", "one"))).await.unwrap();
    registry.commit(change().with(module("verify", "two"))).await.unwrap();
    let push = |revision| change().with_if(Precondition::Revision(revision), module("verify", "three"));
    assert!(matches!(registry.commit(push(4)).await, Err(Error::Conflict { found: Some(5), .. })));
    assert_eq!(registry.commit(push(5)).await.unwrap().applied[0].version, Some(3));
}

pub async fn projects_are_apart(registry: Arc<dyn Registry>) {
    let in_team = |change: Change| Change { project: name("team"), ..change };
    let unknown = registry.commit(in_team(orders())).await.unwrap_err();
    assert_eq!(unknown.to_string(), "project `team` does not exist");
    let creation = in_team(change()).with_if(Precondition::Absent, Write::CreateProject);
    let mut whole = creation.clone();
    whole.writes.extend(orders().writes);
    registry.commit(whole).await.unwrap();
    assert!(matches!(registry.commit(creation).await, Err(Error::Exists { .. })));
    let there = registry.commit(in_team(change()).with(Write::CreateProject)).await.unwrap();
    assert_eq!((there.revision, there.applied[0].changed), (1, false));
    registry.commit(orders().with(secret("hook", "of default", Older::Drop))).await.unwrap();

    let contents = registry.contents().await.unwrap();
    let names: Vec<_> = registry.projects().await.unwrap().into_iter().map(|project| project.name).collect();
    assert_eq!(names, [name("default"), name("team")]);
    assert_eq!(contents.projects[&name("team")].secrets[0].values, [Secret::new(b"first".to_vec())]);
    assert_eq!(contents.projects[&name("default")].secrets[0].values, [Secret::new(b"of default".to_vec())]);
    assert_eq!(registry.revisions(&name("team"), None, 10).await.unwrap().len(), 1);

    // What one removes the other keeps; what only the other has cannot be named.
    registry.commit(change().with(Write::RemoveRoute { name: name("orders") })).await.unwrap();
    registry.commit(change().with(Write::RemoveModule { name: name("verify"), version: None })).await.unwrap();
    assert_eq!(registry.module_bytes(digest("one")).await.unwrap(), "one");
    let spec = route_spec("billing", "hook", "key", &json!({}));
    let foreign = registry.commit(change().with(route("orders", &spec, runs("one")))).await.unwrap_err();
    assert!(matches!(foreign, Error::Missing { .. }), "{foreign}");
    assert_eq!(registry.contents().await.unwrap().projects[&name("team")].routes.len(), 1);
}

pub async fn versions_count_up(registry: Arc<dyn Registry>) {
    let mut versions = Vec::new();
    for bytes in ["one", "one", "two", "one"] {
        versions.extend(registry.commit(change().with(module("verify", bytes))).await.unwrap().applied[0].version);
    }
    assert_eq!(versions, [1, 1, 2, 3]);
    let push =
        change().with(Write::RemoveModule { name: name("verify"), version: Some(3) }).with(module("verify", "four"));
    let after_removal = registry.commit(push).await.unwrap();
    assert_eq!(after_removal.applied[1].version, Some(4));
    let push =
        change().with(Write::RemoveModule { name: name("verify"), version: None }).with(module("verify", "five"));
    assert_eq!(registry.commit(push).await.unwrap().applied[1].version, Some(1));
}

pub async fn bytes_stay_while_one_has_them(registry: Arc<dyn Registry>) {
    registry.commit(change().with(module("a", "same")).with(module("b", "same"))).await.unwrap();
    registry.commit(change().with(Write::RemoveModule { name: name("a"), version: Some(1) })).await.unwrap();
    assert_eq!(registry.module_bytes(digest("same")).await.unwrap(), "same");
    registry.commit(change().with(Write::RemoveModule { name: name("b"), version: None })).await.unwrap();
    assert!(matches!(registry.module_bytes(digest("same")).await, Err(Error::NotFound { .. })));
}

/// Eight writers that each look, and then write if nobody else did.
pub async fn concurrent_revisions_are_lost_by_all_but_one(registry: Arc<dyn Registry>) {
    const EACH: usize = 5;
    registry.commit(change().with(destination("counter", "http://0/"))).await.unwrap();
    let mut writers = JoinSet::new();
    for _ in 0..8 {
        let registry = Arc::clone(&registry);
        writers.spawn(async move {
            let mut won = 0;
            while won < EACH {
                let seen = registry.destinations(&name("default")).await.unwrap().remove(0);
                let count: usize = seen.spec.url.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
                let write = destination("counter", &format!("http://{}/", count + 1));
                match registry.commit(change().with_if(Precondition::Revision(seen.revision), write)).await {
                    Ok(_) => won += 1,
                    Err(Error::Conflict { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
            }
        });
    }
    writers.join_all().await;
    let last = registry.destinations(&name("default")).await.unwrap().remove(0);
    assert_eq!((last.spec.url.as_str(), last.revision), ("http://40/", 41));
}

pub async fn limits(registry: Arc<dyn Registry>) {
    let mut too_many = Vec::new();
    for number in 0..5 {
        too_many.push(destination(&format!("d{number}"), "http://a/"));
    }
    let all = too_many.into_iter().fold(change(), Change::with);
    let refused = registry.commit(all).await.unwrap_err();
    assert_eq!(refused.to_string(), "too many destinations in project `default`: at most 4");
    for number in 1..REGISTRY_LIMITS.projects {
        let project = name(&format!("p{number}"));
        registry.commit(Change { project, ..change() }.with(Write::CreateProject)).await.unwrap();
    }
    let one_more = Change { project: name("more"), ..change() }.with(Write::CreateProject);
    assert_eq!(registry.commit(one_more).await.unwrap_err().to_string(), "too many projects: at most 3");
    let large = module("large", &"x".repeat(REGISTRY_LIMITS.module_bytes + 1));
    let refused = registry.commit(change().with(large)).await.unwrap_err();
    assert_eq!(refused.to_string(), "too many bytes in module `large`: at most 4096");
    let versions = (0..=REGISTRY_LIMITS.module_versions)
        .fold(change(), |change, version| change.with(module("verify", &version.to_string())));
    let refused = registry.commit(versions).await.unwrap_err();
    assert_eq!(refused.to_string(), "too many versions of modules in project `default`: at most 6");
}
