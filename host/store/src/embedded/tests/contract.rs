//! The contract suite, run against SQLite.

use std::sync::Arc;

use tempfile::TempDir;

use super::super::{Options, open, open_inline};
use crate::{
    Journal, Registry,
    contract::{JOURNAL_LIMITS, REGISTRY_LIMITS},
};

fn fresh() -> (TempDir, Options) {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { registry: REGISTRY_LIMITS, journal: JOURNAL_LIMITS, ..Options::new(folder.path()) };
    (folder, options)
}

fn registry() -> (TempDir, Arc<dyn Registry>) {
    let (folder, options) = fresh();
    (folder, Arc::new(open(&options).unwrap().0))
}

fn journal() -> (TempDir, Arc<dyn Journal>) {
    let (folder, options) = fresh();
    (folder, Arc::new(open(&options).unwrap().1))
}

fn journal_inline() -> (TempDir, Arc<dyn Journal>) {
    let (folder, options) = fresh();
    (folder, Arc::new(open_inline(&options).unwrap()))
}

crate::registry_contract!(registry);
crate::journal_contract!(journal);

mod inline {
    crate::journal_contract!(super::journal_inline);
}
