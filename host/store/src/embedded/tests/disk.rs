//! A disk that does not take what is written. In a process of its own, whose files may not grow: that is what the system then
//! refuses to each of them.

use std::{process::Command, sync::Arc};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::start;
use crate::{
    Error, Journal,
    contract::{
        events::{accept_many, claim, delivery, event_id, new_event, project, to},
        sample::name,
    },
};

const CHILD_FOLDER: &str = "SNAPHOOK_TEST_DISK";

#[test]
fn a_disk_that_fails_refuses_and_is_got_over() {
    let folder = tempfile::tempdir().unwrap();
    // The signal that comes with such a refusal would end the process.
    let child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "embedded::tests::disk::child", "--ignored", "--nocapture"])
        .env(CHILD_FOLDER, folder.path())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    assert!(String::from_utf8_lossy(&child.stdout).contains("1 passed"));
}

/// Bytes that a file may have.
fn limit(bytes: Option<u64>) {
    setrlimit(Resource::Fsize, Rlimit { current: bytes, ..getrlimit(Resource::Fsize) }).unwrap();
}

#[tokio::test]
#[ignore = "the child of `a_disk_that_fails_refuses_and_is_got_over`"]
async fn child() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else { return };
    let journal: Arc<dyn Journal> = Arc::new(start(folder.as_ref()).1);
    let routes = [(project(), name("orders"))];
    accept_many(&journal, 1..4).await;
    journal.index(&routes, 2).await.unwrap();
    for round in 1..4 {
        limit(Some(100));
        let second = 10 * round;
        let refused = journal.accept(to(new_event(second, "{}"), vec![delivery(second, 0, "billing")])).await;
        assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
        assert!(journal.health().failing.is_some());
        assert!(matches!(journal.probe().await, Err(Error::Unavailable { .. })));
        let indexed = journal.index(&routes, 2).await;
        assert!(matches!(indexed, Err(Error::Unavailable { .. })) || round > 1, "{indexed:?}");
        // What is there can be read.
        assert!(journal.event(&project(), event_id(1)).await.unwrap().is_some());
        limit(getrlimit(Resource::Fsize).maximum);
        journal.probe().await.unwrap();
        assert_eq!(journal.health().failing, None);
        accept_many(&journal, second + 1..second + 2).await;
        assert!(journal.event(&project(), event_id(second)).await.unwrap().is_none());
        while journal.index(&routes, 2).await.unwrap().lag > 0 {}
    }
    drop(journal);
    let journal: Arc<dyn Journal> = Arc::new(start(folder.as_ref()).1);
    assert_eq!(journal.health().lost, 0);
    assert_eq!(claim(&journal, "billing", 100, 100).await.leases.len(), 6);
    let wanted = crate::journal::EventWanted::of(project());
    assert_eq!(journal.search(&wanted, "hooks", None, 100).await.unwrap().entries.len(), 6);
}
