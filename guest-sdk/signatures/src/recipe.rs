//! A recipe as it is written; `RECIPES.md` says what each key means.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    place::{Condition, Place, When},
    value::{Named, Template, Value},
};

/// How a provider signs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    pub name: String,
    pub docs: String,
    pub like: Option<String>,
    pub secret: Option<String>,
    pub secrets: BTreeMap<String, String>,
    pub settings: BTreeMap<String, String>,
    pub event: Option<Named>,
    pub id: Option<Named>,
    #[serde(rename = "scheme")]
    pub schemes: Vec<Scheme>,
    #[serde(rename = "handshake")]
    pub handshakes: Vec<Handshake>,
}

/// One way in which a provider signs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    pub algorithm: Algorithm,
    /// Which code it is, of `algorithm = "code"`.
    #[serde(default)]
    pub code: Option<Code>,
    #[serde(default)]
    pub key: KeyForm,
    #[serde(default)]
    pub key_prefix: String,
    #[serde(default)]
    pub signature: Option<Place>,
    #[serde(default)]
    pub prefix: String,
    #[serde(default)]
    pub split: Option<String>,
    #[serde(default)]
    pub skip: usize,
    #[serde(default)]
    pub pairs: Option<String>,
    #[serde(default)]
    pub pair: Option<String>,
    #[serde(default)]
    pub groups: Option<String>,
    #[serde(default)]
    pub encoding: Encoding,
    #[serde(default)]
    pub message: Option<Template>,
    /// What may be signed instead.
    #[serde(default)]
    pub or_message: Option<Template>,
    #[serde(default)]
    pub timestamp: Option<When>,
    #[serde(default)]
    pub unit: Unit,
    #[serde(default)]
    pub window: Option<u64>,
    #[serde(default)]
    pub digest: Option<Digest>,
    #[serde(default)]
    pub algorithms: Vec<String>,
    #[serde(default)]
    pub claims: Option<Claims>,
    #[serde(default)]
    pub proves: Proves,
    #[serde(default)]
    pub keys: Option<Keys>,
    #[serde(default)]
    pub legacy: bool,
    #[serde(default)]
    pub when: Option<Condition>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    HmacSha1,
    HmacSha256,
    HmacSha384,
    HmacSha512,
    /// The digest of a message that holds the secret.
    Sha256,
    Ed25519,
    #[serde(rename = "ecdsa-p256-sha256")]
    EcdsaP256Sha256,
    #[serde(rename = "ecdsa-p256-sha1")]
    EcdsaP256Sha1,
    #[serde(rename = "rsa-pkcs1-sha1")]
    RsaPkcs1Sha1,
    #[serde(rename = "rsa-pkcs1-sha256")]
    RsaPkcs1Sha256,
    RsaPssSha512,
    Token,
    Basic,
    Jwt,
    Code,
}

impl Algorithm {
    pub const fn name(self) -> &'static str {
        match self {
            Self::HmacSha1 => "hmac-sha1",
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSha384 => "hmac-sha384",
            Self::HmacSha512 => "hmac-sha512",
            Self::Sha256 => "sha256",
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256Sha256 => "ecdsa-p256-sha256",
            Self::EcdsaP256Sha1 => "ecdsa-p256-sha1",
            Self::RsaPkcs1Sha1 => "rsa-pkcs1-sha1",
            Self::RsaPkcs1Sha256 => "rsa-pkcs1-sha256",
            Self::RsaPssSha512 => "rsa-pss-sha512",
            Self::Token => "token",
            Self::Basic => "basic",
            Self::Jwt => "jwt",
            Self::Code => "code",
        }
    }
}

/// Schemes that data cannot say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    Adyen,
    Braintree,
    Contentful,
    Ebay,
    Plaid,
    Plivo,
    Rfc9421,
    Sns,
}

impl Code {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Adyen => "adyen",
            Self::Braintree => "braintree",
            Self::Contentful => "contentful",
            Self::Ebay => "ebay",
            Self::Plaid => "plaid",
            Self::Plivo => "plivo",
            Self::Rfc9421 => "rfc9421",
            Self::Sns => "sns",
        }
    }
}

/// How the secret's text becomes the key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyForm {
    #[default]
    Utf8,
    Base64,
    Hex,
    /// The SHA-1 of it.
    Sha1,
    Pem,
}

impl KeyForm {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf8",
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::Sha1 => "sha1",
            Self::Pem => "pem",
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    #[default]
    Hex,
    Base64,
    Base64url,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    #[default]
    Seconds,
    Milliseconds,
    /// RFC 3339.
    Iso,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proves {
    #[default]
    Body,
    /// That the sender knows the secret, and nothing about the body.
    Origin,
}

/// A value that is the digest of the body.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digest {
    pub of: Value,
    pub algorithm: String,
    #[serde(default)]
    pub encoding: Encoding,
}

/// What a token must say.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Claims {
    pub body: Option<Claim>,
    pub url: Option<Claim>,
    pub issuer: Option<String>,
    /// Seconds that `iat` may be old.
    pub window: Option<u64>,
    /// `exp` must be there.
    pub expires: bool,
    /// Atlassian's hash of method, path and query.
    pub qsh: bool,
    /// What `aud` must be, or have among its members.
    pub audience: Option<Template>,
}

/// A claim that is a digest.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    pub claim: String,
    pub algorithm: String,
    #[serde(default)]
    pub encoding: Encoding,
}

/// Where public keys are fetched.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    pub url: Template,
    pub format: String,
    /// Beginnings of URLs that may be fetched; `*` is one label of the host.
    pub pinned: Vec<Template>,
}

/// A request that is no event and is answered at once.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handshake {
    pub when: Vec<Condition>,
    #[serde(default = "yes")]
    pub signed: bool,
    #[serde(default)]
    pub token: Option<TokenIs>,
    #[serde(default)]
    pub allowed: Option<SettingIs>,
    #[serde(default)]
    pub mac: Option<Mac>,
    #[serde(default = "ok")]
    pub status: u16,
    #[serde(default)]
    pub headers: BTreeMap<String, Template>,
    #[serde(default = "plain", rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub answer: Option<Template>,
    /// What the operator is to be told, because it is to be stored as a secret.
    #[serde(default)]
    pub show: Option<Value>,
}

fn yes() -> bool {
    true
}

fn ok() -> u16 {
    200
}

fn plain() -> String {
    "text/plain".to_owned()
}

/// A secret that a value must equal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenIs {
    pub secret: String,
    pub is: Value,
}

/// A setting that a value must equal; case does not matter.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingIs {
    pub setting: String,
    pub is: Value,
}

/// What `{mac}` is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mac {
    pub algorithm: Algorithm,
    #[serde(default)]
    pub encoding: Encoding,
    pub message: Template,
    #[serde(default)]
    pub secret: Option<String>,
    #[serde(default)]
    pub key: KeyForm,
}
