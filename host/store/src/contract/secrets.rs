//! Secrets: what is valid, and what is shown.

use std::sync::Arc;

use model::Secret;

use super::sample::{TIME, change, name, secret};
use crate::{
    Error, Registry,
    registry::{Older, SECRET_BYTES_MOST, SecretRecord, Write},
};

pub async fn rotate(registry: Arc<dyn Registry>) {
    let valid = async |expected: &[&str]| {
        let contents = registry.contents().await.unwrap();
        let expected: Vec<_> = expected.iter().map(|value| Secret::new(value.as_bytes().to_vec())).collect();
        assert_eq!(contents.projects[&name("default")].secrets[0].values, expected);
    };
    let put = async |value: &str, older| registry.commit(change().with(secret("hook", value, older))).await.unwrap();
    put("first", Older::Drop).await;
    put("second", Older::Keep).await;
    valid(&["second", "first"]).await;
    assert!(!put("second", Older::Keep).await.applied[0].changed);
    // An older value may come back; it is the newest then.
    put("first", Older::Keep).await;
    valid(&["first", "second", "first"]).await;
    let trim = || change().with(Write::TrimSecret { name: name("hook") });
    assert_eq!(registry.commit(trim()).await.unwrap().revision, 4);
    valid(&["first"]).await;
    assert!(!registry.commit(trim()).await.unwrap().applied[0].changed);
    put("third", Older::Keep).await;
    put("third", Older::Drop).await;
    valid(&["third"]).await;
    put("fourth", Older::Drop).await;
    valid(&["fourth"]).await;
    let unknown = change().with(Write::TrimSecret { name: name("none") });
    assert!(matches!(registry.commit(unknown).await, Err(Error::NotFound { .. })));
}

pub async fn are_not_listed(registry: Arc<dyn Registry>) {
    registry.commit(change().with(secret("hook", "hidden", Older::Drop))).await.unwrap();
    registry.commit(change().with(secret("hook", "secluded", Older::Keep))).await.unwrap();
    let listed = registry.secrets(&name("default")).await.unwrap();
    assert_eq!(listed, [SecretRecord { name: name("hook"), revision: 2, values: vec![TIME, TIME] }]);
    let shown = format!("{:?}", registry.contents().await.unwrap());
    assert!(!shown.contains("hidden") && !shown.contains("secluded"), "{shown}");
    let revisions = registry.revisions(&name("default"), None, 10).await.unwrap();
    assert!(!format!("{revisions:?}").contains("hidden"));
}

pub async fn have_a_size(registry: Arc<dyn Registry>) {
    let put = async |bytes| {
        let value = "x".repeat(bytes);
        registry.commit(change().with(secret("hook", &value, Older::Drop))).await
    };
    let refused = put(0).await.unwrap_err();
    assert_eq!(refused.to_string(), "a value of secret `hook` has 0 bytes: 1 to 4096 are right");
    assert!(matches!(put(SECRET_BYTES_MOST + 1).await, Err(Error::Invalid { .. })));
    put(1).await.unwrap();
    put(SECRET_BYTES_MOST).await.unwrap();
    let contents = registry.contents().await.unwrap();
    assert_eq!(contents.projects[&name("default")].secrets[0].values[0].expose().len(), SECRET_BYTES_MOST);
}

pub async fn values_have_a_limit(registry: Arc<dyn Registry>) {
    for value in ["a", "b", "c"] {
        registry.commit(change().with(secret("hook", value, Older::Keep))).await.unwrap();
    }
    let refused = registry.commit(change().with(secret("hook", "d", Older::Keep))).await.unwrap_err();
    assert_eq!(refused.to_string(), "too many valid values of secret `hook`: at most 3");
    registry.commit(change().with(secret("hook", "d", Older::Drop))).await.unwrap();
}
