//! Message authentication with secrets that the filter may use and never sees.
//!
//! Secrets go by the names that the attachment grants; a filter names those it needs in `export!`. A secret may have
//! several valid values while it is rotated.

use crate::{body::Body, error::CallError, host};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    HmacSha1,
    HmacSha256,
    HmacSha384,
    HmacSha512,
}

impl Algorithm {
    pub const fn name(self) -> &'static str {
        match self {
            Self::HmacSha1 => "hmac-sha1",
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSha384 => "hmac-sha384",
            Self::HmacSha512 => "hmac-sha512",
        }
    }

    /// Bytes of a MAC.
    pub const fn length(self) -> usize {
        match self {
            Self::HmacSha1 => 20,
            Self::HmacSha256 => 32,
            Self::HmacSha384 => 48,
            Self::HmacSha512 => 64,
        }
    }
}

/// A piece of the message. The host joins the pieces.
#[derive(Debug, Clone, Copy)]
pub enum Part<'a> {
    Literal(&'a [u8]),
    /// The exact bytes of the first value of this header, as the filter was given it; empty if there is none.
    Header(&'a str),
    /// The whole body, straight from the host's memory.
    Body(&'a Body),
    /// The key itself: for [`crypto::verify`](crate::crypto::verify) with a plain digest, and nowhere else.
    Key,
}

/// Whether `signature` is the MAC of the parts, joined, under any of the secret's valid values. Constant time in the
/// signature.
///
/// ```
/// use snaphook_sdk::{hmac::{self, Algorithm, Part}, prelude::*};
///
/// /// Signed are the time, a dot and the body.
/// fn verify(event: &Event, signature: &[u8]) -> Result<()> {
///     let body = event.body().original();
///     let parts = [Part::Header("x-timestamp"), Part::Literal(b"."), Part::Body(&body)];
///     match hmac::verify("webhook", Algorithm::HmacSha256, &parts, signature)? {
///         true => Ok(()),
///         false => Err(Refusal::new(401, "signature does not match").into()),
///     }
/// }
/// ```
pub fn verify(secret: &str, algorithm: Algorithm, parts: &[Part<'_>], signature: &[u8]) -> Result<bool, CallError> {
    host::mac_verify(secret, algorithm.name(), parts, signature)
}

/// The MAC of the parts, joined, under the secret's newest value.
pub fn sign(secret: &str, algorithm: Algorithm, parts: &[Part<'_>]) -> Result<Vec<u8>, CallError> {
    host::mac_sign(secret, algorithm.name(), parts)
}
