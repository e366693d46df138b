//! What else the host computes with secrets and keys: keys made of secrets, digests, tokens, public-key signatures.
//!
//! For plain message authentication see [`hmac`](crate::hmac).

use crate::{error::CallError, hmac::Part, host};

/// How a secret's text becomes a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    /// Its bytes.
    #[default]
    Utf8,
    /// Standard or URL-safe, padded or not.
    Base64,
    Hex,
    /// The SHA-1 of its bytes.
    Sha1,
}

impl Form {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf8",
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::Sha1 => "sha1",
        }
    }
}

/// A key made of a granted secret.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    /// The name under which the attachment grants it.
    pub secret: &'a str,
    /// Dropped from the secret's text, if it begins so: `whsec_`.
    pub prefix: &'a str,
    pub form: Form,
}

/// A key to verify with.
#[derive(Debug, Clone, Copy)]
pub enum PublicKey<'a> {
    /// Kept like a secret, so that it is rotated like one.
    Secret(Key<'a>),
    /// PEM (a public key or a certificate), DER, a JWK, or raw.
    Given(&'a [u8]),
}

/// Whether `signature` is the MAC of the parts under any valid value of the secret. Algorithms: `hmac-sha1`, `hmac-sha256`,
/// `hmac-sha384`, `hmac-sha512`; and `sha1`, `sha256`, `sha512` of parts that hold [`Part::Key`].
///
/// # Errors
/// `Denied` without a grant, `Invalid` if the algorithm is none or a value of the secret no such key.
pub fn verify(key: Key<'_>, algorithm: &str, parts: &[Part<'_>], signature: &[u8]) -> Result<bool, CallError> {
    host::key_verify(key, algorithm, parts, signature)
}

/// The MAC of the parts under the secret's newest value.
///
/// # Errors
/// As [`verify`].
pub fn sign(key: Key<'_>, algorithm: &str, parts: &[Part<'_>]) -> Result<Vec<u8>, CallError> {
    host::key_sign(key, algorithm, parts)
}

/// `sha1`, `sha256`, `sha384` or `sha512` of the parts, joined.
///
/// # Errors
/// `Invalid` if it is another one.
pub fn digest(algorithm: &str, parts: &[Part<'_>]) -> Result<Vec<u8>, CallError> {
    host::digest(algorithm, parts)
}

/// Whether the token is one of the secret's valid values, in constant time.
///
/// # Errors
/// `Denied` without a grant.
pub fn token_equal(secret: &str, token: &[u8]) -> Result<bool, CallError> {
    host::token_equal(secret, token)
}

/// Whether `signature` is that of the parts under the public key. `wit/filter.wit` lists the algorithms.
///
/// # Errors
/// `Invalid` if the key is none for the algorithm, `Denied` without a grant for the secret.
pub fn signature_verify(
    key: PublicKey<'_>,
    algorithm: &str,
    parts: &[Part<'_>],
    signature: &[u8],
) -> Result<bool, CallError> {
    host::signature_verify(key, algorithm, parts, signature)
}
