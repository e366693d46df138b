//! The event as a request, and the host's computing behind the engine's.

use signatures::{Algorithm, Crypto, Fetch, Incoming, Key, KeyForm, Part, PublicKey, Text, Trouble};
use snaphook_sdk::{
    CallError, Event,
    body::{Body, Hash},
    clock,
    crypto::{self, Form},
    hmac::{self, Part as Piece},
    keys,
};

/// An event whose signature is checked: its body as it was received.
pub(crate) struct Received<'a> {
    event: &'a Event,
    original: Body,
    /// In the body's place, where a mistake is looked for.
    instead: Option<Vec<u8>>,
}

impl<'a> Received<'a> {
    pub(crate) fn new(event: &'a Event) -> Self {
        Self { event, original: event.body().original(), instead: None }
    }

    pub(crate) fn with_body(event: &'a Event, body: Vec<u8>) -> Self {
        Self { instead: Some(body), ..Self::new(event) }
    }
}

impl Incoming for Received<'_> {
    fn method(&self) -> &str {
        self.event.method()
    }

    fn scheme(&self) -> &str {
        self.event.scheme()
    }

    fn authority(&self) -> &str {
        self.event.authority()
    }

    fn path(&self) -> &str {
        self.event.path()
    }

    fn query(&self) -> Option<&str> {
        self.event.query()
    }

    fn header(&self, name: &str) -> Vec<&[u8]> {
        self.event.header_values(name).collect()
    }

    fn body(&self) -> Vec<u8> {
        self.instead.clone().unwrap_or_else(|| self.original.bytes())
    }

    fn json(&self, pointer: &str) -> Option<String> {
        self.original.pointer(pointer)
    }

    fn digest(&self, algorithm: &str) -> Option<Vec<u8>> {
        if let Some(instead) = &self.instead {
            return crypto::digest(algorithm, &[Piece::Literal(instead)]).ok();
        }
        let hash = match algorithm {
            "sha1" => Hash::Sha1,
            "sha256" => Hash::Sha256,
            "sha512" => Hash::Sha512,
            _ => return None,
        };
        self.original.digest(hash).ok()
    }
}

fn trouble(error: CallError) -> Trouble {
    match error {
        CallError::Denied(grant) => Trouble::Denied(grant),
        CallError::Invalid(what) => Trouble::Invalid(what),
        other => Trouble::Unavailable(other.to_string()),
    }
}

fn key<'a>(key: Key<'a>) -> crypto::Key<'a> {
    let form = match key.form {
        KeyForm::Utf8 | KeyForm::Pem => Form::Utf8,
        KeyForm::Base64 => Form::Base64,
        KeyForm::Hex => Form::Hex,
        KeyForm::Sha1 => Form::Sha1,
    };
    crypto::Key { secret: key.secret, prefix: key.prefix, form }
}

impl Received<'_> {
    fn pieces<'b>(&'b self, parts: &'b [Part<'_>]) -> Vec<Piece<'b>> {
        let piece = |part: &'b Part<'_>| match part {
            Part::Bytes(bytes) => Piece::Literal(bytes),
            Part::Body => match &self.instead {
                Some(instead) => Piece::Literal(instead),
                None => Piece::Body(&self.original),
            },
            Part::Secret => Piece::Key,
        };
        parts.iter().map(piece).collect()
    }
}

impl Crypto for Received<'_> {
    fn now(&self) -> u64 {
        clock::now_ms()
    }

    fn mac_verify(&self, from: Key<'_>, algorithm: Algorithm, parts: &[Part<'_>], mac: &[u8]) -> Result<bool, Trouble> {
        let pieces = self.pieces(parts);
        let plain = match algorithm {
            Algorithm::HmacSha1 => Some(hmac::Algorithm::HmacSha1),
            Algorithm::HmacSha256 => Some(hmac::Algorithm::HmacSha256),
            Algorithm::HmacSha384 => Some(hmac::Algorithm::HmacSha384),
            Algorithm::HmacSha512 => Some(hmac::Algorithm::HmacSha512),
            _ => None,
        };
        // The host has these keys at hand.
        let verified = match plain {
            Some(plain) if from.form == KeyForm::Utf8 && from.prefix.is_empty() => {
                hmac::verify(from.secret, plain, &pieces, mac)
            }
            _ => crypto::verify(key(from), algorithm.name(), &pieces, mac),
        };
        verified.map_err(trouble)
    }

    fn mac_sign(&self, from: Key<'_>, algorithm: Algorithm, parts: &[Part<'_>]) -> Result<Vec<u8>, Trouble> {
        crypto::sign(key(from), algorithm.name(), &self.pieces(parts)).map_err(trouble)
    }

    fn token_equal(&self, secret: &str, token: &[u8]) -> Result<bool, Trouble> {
        crypto::token_equal(secret, token).map_err(trouble)
    }

    fn signature_verify(
        &self,
        with: PublicKey<'_>,
        algorithm: &str,
        parts: &[Part<'_>],
        signature: &[u8],
    ) -> Result<bool, Trouble> {
        let with = match with {
            PublicKey::Secret(from) => crypto::PublicKey::Secret(key(from)),
            PublicKey::Given(bytes) => crypto::PublicKey::Given(bytes),
        };
        crypto::signature_verify(with, algorithm, &self.pieces(parts), signature).map_err(trouble)
    }

    fn digest(&self, algorithm: &str, parts: &[Part<'_>]) -> Result<Vec<u8>, Trouble> {
        crypto::digest(algorithm, &self.pieces(parts)).map_err(trouble)
    }

    fn fetch(&self, fetch: &Fetch<'_>) -> Result<Vec<u8>, Trouble> {
        fn texts<'a>(texts: &'a [Text<'_>]) -> Vec<keys::Text<'a>> {
            let text = |text: &'a Text<'_>| match text {
                Text::Literal(text) => keys::Text::Literal(text),
                Text::Secret(name) => keys::Text::Secret(name),
                Text::SecretJson(name) => keys::Text::SecretJson(name),
                Text::SecretBase64(name) => keys::Text::SecretBase64(name),
            };
            texts.iter().map(text).collect()
        }
        let headers = fetch.headers.iter().map(|(name, value)| (*name, texts(value))).collect();
        let body = fetch.body.as_deref().map(texts);
        keys::fetch(&keys::Request { url: fetch.url, headers, body, keep_seconds: fetch.keep }).map_err(trouble)
    }
}
