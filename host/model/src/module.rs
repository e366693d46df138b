//! An uploaded Wasm component and what it says about itself.

use serde::{Deserialize, Serialize};

/// The custom section in which a module carries its manifest, as JSON.
pub const MANIFEST_SECTION: &str = "snaphook:manifest";

/// What a module asks for. It requests, it never grants.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Manifest {
    /// The SDK that built it: `rust-0.1.0`.
    pub sdk: Option<String>,
    /// Whether the host must have read the body before it calls.
    pub body: BodyNeed,
    /// Secrets to verify and sign with, by the names that its code uses.
    pub secrets: Vec<String>,
    /// Secrets that it may verify and sign with, as its configuration says.
    pub optional_secrets: Vec<String>,
    /// Key-value namespaces that it may use, as its configuration says.
    pub optional_kv: Vec<String>,
    /// Beginnings of URLs from which it may fetch public keys, as its configuration says.
    pub keys: Vec<String>,
    /// Secrets that it wants in the clear.
    pub reveal: Vec<String>,
    /// Key-value namespaces.
    pub kv: Vec<String>,
    /// Hosts to call; kept for a later version.
    pub hosts: Vec<String>,
    /// JSON Schema (2020-12) of its configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub config_schema: Option<serde_json::Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BodyNeed {
    /// Never looked at: the host may stream it past the filter.
    None,
    /// Read whole before the call.
    #[default]
    Buffered,
}
