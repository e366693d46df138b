//! What is particular to the embedded backend, beside the cases that every backend must pass.

mod contract;
mod crash;
mod disk;
mod durable;
mod files;
mod growth;
pub(super) mod plans;
mod sealed;
mod search;
mod speed;
mod writer;

use std::path::Path;

use rusqlite::Connection;

use super::{Journal, Options, Registry, open};

fn start(folder: &Path) -> (Registry, Journal) {
    open(&Options::new(folder)).unwrap()
}

fn refused(folder: &Path) -> String {
    open(&Options::new(folder)).unwrap_err().to_string()
}

/// The hand of somebody else in `control.db`.
fn tamper(folder: &Path, sql: &str) {
    let connection = Connection::open(folder.join("control.db")).unwrap();
    assert!(connection.execute(sql, []).unwrap() > 0, "{sql}");
}
