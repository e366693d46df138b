//! The body, which stays in the host's memory until a filter asks for some of it.

use serde::de::DeserializeOwned;

use crate::{
    error::{CallError, Refusal, Result},
    hmac::Algorithm,
    host,
};

/// What the host takes in one call of `json-each`.
const POINTERS_MOST: usize = 64;
const EACH_BYTES_MOST: u64 = 4 << 20;

/// A handle to the body: nothing is copied until a method asks for it.
#[derive(Debug)]
pub struct Body(pub(crate) host::Body);

impl Body {
    /// Bytes.
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// At most `max` bytes from `offset` on; fewer at the end, none past it.
    pub fn read(&self, offset: u64, max: u32) -> Vec<u8> {
        self.0.read(offset, max)
    }

    /// The whole body.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.read_all()
    }

    /// The whole body as text.
    ///
    /// # Errors
    /// Refused with 400 if it is not UTF-8.
    pub fn text(&self) -> Result<String, Refusal> {
        String::from_utf8(self.bytes()).map_err(|error| Refusal::new(400, format!("the body is not text: {error}")))
    }

    /// The whole body, parsed in the filter. To look at a few values of a large body, [`Body::pointer`] is quicker:
    /// there the host parses, once for the whole chain.
    ///
    /// # Errors
    /// Refused with 400 if it is not JSON of this form.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        parsed(&self.bytes(), "the body")
    }

    /// The value at a JSON pointer (RFC 6901), parsed in the filter; `None` if the pointer leads nowhere.
    ///
    /// # Errors
    /// Refused with 400 if the body is not JSON or the value not of this form.
    pub fn json_at<T: DeserializeOwned>(&self, pointer: &str) -> Result<Option<T>> {
        let text = self.json_text(pointer).map_err(|error| Refusal::new(400, error.to_string()))?;
        Ok(text.map(|text| parsed(text.as_bytes(), pointer)).transpose()?)
    }

    /// The string at a JSON pointer (RFC 6901), decoded; or the number, `true` or `false` there as its text. `None`
    /// for everything else: a pointer that leads nowhere, `null`, objects, arrays, a body that is not JSON.
    pub fn pointer(&self, pointer: &str) -> Option<String> {
        self.0.text(pointer).ok().flatten()
    }

    /// The JSON text at a pointer (empty for the whole), exactly as it stands in the body; `None` if it leads nowhere.
    ///
    /// # Errors
    /// `Invalid` if the body is not JSON or the pointer is none.
    pub fn json_text(&self, pointer: &str) -> Result<Option<String>, CallError> {
        self.0.json(pointer)
    }

    /// Like [`Body::json_text`] for each of these pointers, in their order. The host is asked for as many at a time as it
    /// takes, which is 64 unless the body is long.
    ///
    /// # Errors
    /// As [`Body::json_text`]; the first pointer that is none fails the call.
    pub fn json_texts(&self, pointers: &[&str]) -> Result<Vec<Option<String>>, CallError> {
        let at_a_time = usize::try_from(EACH_BYTES_MOST / self.len().max(1)).unwrap_or(POINTERS_MOST);
        let mut found = Vec::with_capacity(pointers.len());
        for some in pointers.chunks(at_a_time.clamp(1, POINTERS_MOST)) {
            found.extend(self.0.json_each(some)?);
        }
        Ok(found)
    }

    /// The hash of the whole body, computed by the host.
    pub fn digest(&self, hash: Hash) -> Result<Vec<u8>, CallError> {
        self.0.digest(hash.name())
    }

    /// Whether `signature` is the MAC of the whole body under any valid value of a granted secret, in constant time.
    pub fn mac_verify(&self, secret: &str, algorithm: Algorithm, signature: &[u8]) -> Result<bool, CallError> {
        self.0.mac_verify(secret, algorithm.name(), signature)
    }

    /// The body as it was received, whatever earlier filters made of it. Signatures are checked over this one.
    #[must_use]
    pub fn original(&self) -> Self {
        Self(self.0.original())
    }
}

/// A hash that the host computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    Sha1,
    Sha256,
    Sha512,
}

impl Hash {
    const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

fn parsed<T: DeserializeOwned>(text: &[u8], what: &str) -> Result<T, Refusal> {
    serde_json::from_slice(text).map_err(|error| Refusal::new(400, format!("{what} is not as expected: {error}")))
}
