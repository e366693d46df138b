//! What authors of filters work with: looking into components, events as files, cases, filters built while they are served.

mod build;
mod cases;
mod dev;
mod export;
mod inspect;

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Program, snaphook};

/// A folder to work in, without a host.
pub(crate) struct Bench(TempDir);

impl Bench {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, file: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder().join(file)).unwrap()
    }

    pub(crate) fn program(&self, arguments: &[&str]) -> Program {
        // Nothing that this machine keeps for others.
        Program::new(snaphook()).args(arguments).folder(self.folder()).env("XDG_DATA_HOME", self.folder().join("share"))
    }

    /// What it prints, and says beside it, with its exit code.
    pub(crate) async fn runs(&self, arguments: &[&str], code: i32) -> (String, String) {
        let ended = self.program(arguments).run().await;
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}: {ended:#?}");
        (ended.output, ended.errors)
    }

    pub(crate) async fn json(&self, arguments: &[&str], code: i32) -> Value {
        let (printed, _) = self.runs(&[arguments, &["--json"]].concat(), code).await;
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
    }
}
