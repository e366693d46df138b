//! What the admin API answers, as far as it is shown to people.

use std::collections::BTreeMap;

use model::{destination::DestinationSpec, module::Manifest, record::Record};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(crate) struct List<T> {
    pub(crate) items: Vec<T>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Module {
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) digest: String,
    /// Bytes.
    pub(crate) size: u64,
    /// Milliseconds since 1970.
    pub(crate) created: u64,
    pub(crate) world: String,
    pub(crate) imports: Vec<String>,
    #[serde(default)]
    pub(crate) manifest: Manifest,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ModuleNamed {
    pub(crate) versions: Vec<Module>,
    #[serde(default)]
    pub(crate) aliases: BTreeMap<String, u32>,
    #[serde(default)]
    pub(crate) used_by: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Destination {
    pub(crate) name: String,
    pub(crate) spec: DestinationSpec,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Secret {
    pub(crate) name: String,
    /// How many are valid.
    pub(crate) values: u64,
    pub(crate) created: u64,
    pub(crate) updated: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Project {
    pub(crate) name: String,
    pub(crate) created: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Status {
    pub(crate) version: String,
    pub(crate) revision: u64,
    pub(crate) started: u64,
    pub(crate) projects: u64,
    pub(crate) routes: u64,
    pub(crate) modules: u64,
    /// Events that the search has not looked at yet.
    #[serde(default)]
    pub(crate) search_lag: u64,
    /// Why events cannot be stored, or are missing from the store.
    #[serde(default)]
    pub(crate) trouble: Option<String>,
    /// Where webhooks arrive.
    #[serde(default)]
    pub(crate) gateway: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Applied {
    pub(crate) revision: u64,
    pub(crate) changes: Vec<Change>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Change {
    pub(crate) kind: String,
    pub(crate) name: String,
    /// `created`, `updated`, `unchanged` or `deleted`.
    pub(crate) change: String,
    #[serde(default)]
    pub(crate) diff: Vec<String>,
}

/// What a route would have done with an event.
#[derive(Debug, Deserialize)]
pub(crate) struct Trial {
    pub(crate) record: Record,
    pub(crate) forward: Option<Forward>,
    pub(crate) answer: Option<Response>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Forward {
    pub(crate) destination: String,
    pub(crate) method: String,
    #[serde(default)]
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) query: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body_base64: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body_base64: String,
}
