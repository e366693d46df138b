//! The folder and what lies in it: whose it is, who else may read it, and what is refused.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use rusqlite::Connection;
use serde_json::json;

use super::{Options, open, refused, start, tamper};
use crate::{
    Registry as _,
    contract::sample::{change, destination, module, name, orders, prepared, route, route_spec, runs, secret},
    registry::{Change, Older, Write},
};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn only_the_owner_can_read_what_is_made() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("deep").join("folder");
    let _open = start(&folder);
    assert_eq!(mode(&folder), 0o700);
    for file in
        ["control.db", "control.db-wal", "events.db", "events.db-wal", "search.db", "search.db-wal", "master.key"]
    {
        assert_eq!(mode(&folder.join(file)), 0o600, "{file}");
    }
}

#[test]
fn one_host_holds_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, journal) = start(folder.path());
    let held = format!(
        "the folder `{}` is held by another host that is running: stop that one, or give this one a folder of its own",
        folder.path().display()
    );
    assert_eq!(refused(folder.path()), held);
    drop(registry);
    assert_eq!(refused(folder.path()), held);
    drop(journal);
    start(folder.path());
}

#[test]
fn a_newer_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    start(folder.path());
    tamper(folder.path(), "INSERT INTO migrations (number, applied) VALUES (9, 0)");
    let file = folder.path().join("control.db");
    assert_eq!(
        refused(folder.path()),
        format!(
            "`{}` was written by a newer version of this program (schema 9, this one knows 2): start that version, or \
             restore a backup from before",
            file.display()
        )
    );
    // It is as it was.
    let last: u32 =
        Connection::open(file).unwrap().query_row("SELECT max(number) FROM migrations", [], |row| row.get(0)).unwrap();
    assert_eq!(last, 9);
}

/// What the first version wrote is served by this one as it was, and takes what is new.
#[tokio::test]
async fn an_older_file_is_brought_up_to_date() {
    const FIRST: &str = include_str!("../schema/control-1.sql");
    let (folder, fresh) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let wanted = {
        let (registry, _) = start(fresh.path());
        registry.commit(without_secrets()).await.unwrap();
        registry.contents().await.unwrap()
    };
    let old = Connection::open(folder.path().join("control.db")).unwrap();
    old.pragma_update(None, "application_id", i32::from_be_bytes(*b"SHKc")).unwrap();
    old.execute_batch("CREATE TABLE migrations (number INTEGER PRIMARY KEY, applied INTEGER NOT NULL) STRICT").unwrap();
    old.execute_batch(FIRST).unwrap();
    old.execute("INSERT INTO migrations (number, applied) VALUES (1, 0)", []).unwrap();
    old.execute("ATTACH ?1 AS written", [fresh.path().join("control.db").to_str().unwrap()]).unwrap();
    for (table, columns) in [
        ("revisions", "*"),
        ("blobs", "*"),
        ("module_names", "*"),
        ("modules", "*"),
        ("destinations", "*"),
        ("routes", "*"),
        ("configurations", "*"),
        ("attachments", "project, route, position, active, candidate, previous, configuration, prepared"),
        ("route_destinations", "*"),
    ] {
        let copy = format!("INSERT INTO main.{table} SELECT {columns} FROM written.{table}");
        assert!(old.execute(&copy, []).unwrap() > 0, "{table}");
    }
    drop(old);

    let (registry, journal) = start(folder.path());
    assert_eq!(registry.contents().await.unwrap(), wanted);
    let spec = wanted.projects[&name("default")].routes[0].record.spec.clone();
    let filters = vec![(runs("one"), prepared(Some(b"before")))];
    registry.commit(change().with(Write::PutRoute { name: name("orders"), spec, filters })).await.unwrap();
    drop((registry, journal));
    let (registry, _) = start(folder.path());
    let route = registry.contents().await.unwrap().projects[&name("default")].routes[0].clone();
    assert_eq!(route.prepared, [prepared(Some(b"before"))]);
}

/// A route with a filter, as the first version could write it: the key that seals secrets is another in each folder.
fn without_secrets() -> Change {
    let mut spec = route_spec("billing", "hook", "key", &json!({ "b": 1 }));
    spec.filters[0].grants = Default::default();
    change().with(destination("billing", "https://billing.example.com/")).with(module("verify", "one")).with(route(
        "orders",
        &spec,
        runs("one"),
    ))
}

#[test]
fn files_of_others_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.db");
    let said = format!("`{}` was written by another program: move it away, or name another folder", file.display());
    fs::write(&file, "no database at all, but rather a text that is long enough to be taken for one".repeat(9))
        .unwrap();
    assert_eq!(refused(folder.path()), said);
    fs::remove_file(&file).unwrap();
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE theirs (a INTEGER)").unwrap();
    assert_eq!(refused(folder.path()), said);
    // Nor is one of our files the other.
    let other = tempfile::tempdir().unwrap();
    start(other.path());
    fs::copy(other.path().join("control.db"), &file).unwrap();
    assert_eq!(refused(folder.path()), said);
}

#[test]
fn a_crash_during_the_first_start_is_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("control.db"), "").unwrap();
    fs::write(folder.path().join("master.new"), "half a k").unwrap();
    start(folder.path());
    start(folder.path());
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    start(folder.path());
    let key = folder.path().join("master.key");
    for open in [0o640, 0o604] {
        fs::set_permissions(&key, fs::Permissions::from_mode(open)).unwrap();
        assert_eq!(
            refused(folder.path()),
            format!(
                "the master key file `{}` is open to others (mode {open:o}): run `chmod 600` on it, and consider the \
                 secrets known to whoever could read it",
                key.display()
            )
        );
    }
    fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).unwrap();
    start(folder.path());
}

#[tokio::test]
async fn a_key_that_is_missing_or_does_not_fit_is_refused() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let key = folder.path().join("master.key");
    // Without secrets a lost key costs nothing: there is a new one.
    start(folder.path());
    fs::remove_file(&key).unwrap();
    start(folder.path()).0.commit(orders()).await.unwrap();

    let right = fs::read_to_string(&key).unwrap();
    fs::remove_file(&key).unwrap();
    let missing = format!(
        "the master key file `{}` is missing, and there are secrets that only it opens: put it back",
        key.display()
    );
    assert_eq!(refused(folder.path()), missing);
    assert!(!key.exists());

    start(other.path());
    let wrong = fs::read_to_string(other.path().join("master.key")).unwrap();
    fs::copy(other.path().join("master.key"), &key).unwrap();
    let id = |text: &str| text.split(' ').nth(1).unwrap().to_owned();
    assert_eq!(
        refused(folder.path()),
        format!(
            "the master key in `{}` ({}) does not fit: the secrets are sealed with key {}; put that one back",
            key.display(),
            id(&wrong),
            id(&right)
        )
    );

    let digit = if right.ends_with("0\n") { "1\n" } else { "0\n" };
    for damaged in [&right[..right.len() - 2], "", &format!("{}{digit}", &right[..right.len() - 2])] {
        fs::write(&key, damaged).unwrap();
        let said = format!("`{}` is no master key file, or it is damaged: put the right one back", key.display());
        assert_eq!(refused(folder.path()), said);
    }
    fs::write(&key, &right).unwrap();
    start(folder.path()).0.contents().await.unwrap();
}

#[tokio::test]
async fn the_key_can_lie_elsewhere() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let key = elsewhere.path().join("keys").join("snaphook");
    let options = Options { key_file: Some(key.clone()), ..Options::new(folder.path()) };
    open(&options).unwrap().0.commit(change().with(secret("hook", "value", Older::Drop))).await.unwrap();
    assert_eq!(mode(&key), 0o600);
    assert!(!folder.path().join("master.key").exists());
    assert!(refused(folder.path()).contains("is missing"));
    open(&options).unwrap().0.contents().await.unwrap();
}
