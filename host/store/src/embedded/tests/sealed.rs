//! What somebody does to the files is found out: secrets that were changed or moved, bytes that are not those pushed.

use std::{fs, path::Path};

use model::Secret;

use super::{start, tamper};
use crate::{
    Error, Registry as _,
    contract::sample::{change, digest, name, orders, secret},
    registry::{Change, Older, Write},
};

/// Secrets `hook` (two values) and `key` of project `default`, and `hook` of project `team`.
async fn fill(folder: &Path) {
    let (registry, _journal) = start(folder);
    registry.commit(orders()).await.unwrap();
    registry.commit(change().with(secret("hook", "second", Older::Keep))).await.unwrap();
    let team = Change { project: name("team"), ..change() }.with(Write::CreateProject);
    registry.commit(team.with(secret("hook", "of the team", Older::Drop))).await.unwrap();
}

/// Another first byte than there was.
const FLIP: &str = "UPDATE secret_values SET ciphertext =
    CAST(iif(hex(substr(ciphertext, 1, 1)) = '00', x'01', x'00') || substr(ciphertext, 2) AS BLOB)";

#[tokio::test]
async fn no_secret_is_in_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let value = "a value that would be found";
    let (registry, _journal) = start(folder.path());
    registry.commit(change().with(secret("hook", value, Older::Drop))).await.unwrap();
    let mut bytes = 0;
    for file in fs::read_dir(folder.path()).unwrap() {
        let content = fs::read(file.unwrap().path()).unwrap();
        bytes += content.len();
        assert!(!content.windows(value.len()).any(|window| window == value.as_bytes()));
    }
    assert!(bytes > 10_000);
}

#[tokio::test]
async fn changed_and_moved_values_do_not_open() {
    let first = "project = 'default' AND name = 'hook' AND id = (SELECT min(id) FROM secret_values)";
    for (hand, sql) in [
        ("one byte", format!("{FLIP} WHERE {first}")),
        ("the tag", format!("UPDATE secret_values SET ciphertext = substr(ciphertext, 1, 15) WHERE {first}")),
        ("the nonce", format!("UPDATE secret_values SET nonce = x'000102030405060708090a0b' WHERE {first}")),
        ("another value's place", "UPDATE secret_values SET id = id + 100".to_owned()),
        (
            "another name",
            "UPDATE secret_values SET name = 'key' WHERE name = 'hook' AND project = 'default'".to_owned(),
        ),
        ("another project", "UPDATE secret_values SET project = 'default' WHERE project = 'team'".to_owned()),
        (
            "two swapped",
            "UPDATE secret_values SET (key_id, nonce, ciphertext) =
             (SELECT key_id, nonce, ciphertext FROM secret_values AS other WHERE other.id = 3 - secret_values.id)
             WHERE id IN (1, 2)"
                .to_owned(),
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path()).await;
        tamper(folder.path(), &sql);
        let (registry, _journal) = start(folder.path());
        let refused = registry.contents().await.expect_err(hand);
        assert!(matches!(refused, Error::Corrupt { .. }), "{hand}: {refused}");
        assert!(refused.to_string().contains("cannot be opened; write the secret again"), "{hand}: {refused}");
    }
}

#[tokio::test]
async fn a_damaged_secret_can_be_written_again() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path()).await;
    tamper(folder.path(), &format!("{FLIP} WHERE project = 'default'"));
    let (registry, _journal) = start(folder.path());
    let beside = registry.commit(change().with(secret("hook", "new", Older::Keep))).await.unwrap_err();
    assert!(matches!(beside, Error::Corrupt { .. }));
    let both = change().with(secret("hook", "new", Older::Drop)).with(secret("key", "new", Older::Drop));
    registry.commit(both).await.unwrap();
    let contents = registry.contents().await.unwrap();
    assert_eq!(contents.projects[&name("default")].secrets[0].values, [Secret::new(b"new".to_vec())]);
}

#[tokio::test]
async fn other_bytes_are_not_the_module() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path()).await;
    tamper(folder.path(), "UPDATE blobs SET bytes = x'00'");
    let (registry, _journal) = start(folder.path());
    let refused = registry.module_bytes(digest("one")).await.unwrap_err();
    assert!(matches!(refused, Error::Corrupt { .. }), "{refused}");
}
