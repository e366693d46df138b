//! Message authentication and public keys: secrets are used here, and do not leave.

use signatures::{KeyForm, native};
use wasmtime::Result;

use super::{
    bindings::snaphook::filter::{crypto, types},
    host::{Answer, HostBody, denied, handling, invalid},
};
use crate::{
    call::{Call, Handling},
    filter::Algorithm,
};

const PARTS_MOST: usize = 32;
/// Of a key or a token that a filter hands over.
const KEY_BYTES_MOST: usize = 16 << 10;

impl Handling {
    /// The parts of a message, in order, where they lie.
    fn parts<'a>(&'a self, parts: &'a [crypto::Part], key: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        parts.iter().map(move |part| match part {
            crypto::Part::Literal(bytes) => bytes.as_slice(),
            crypto::Part::Header(name) => self.headers.get(name).map_or(&[][..], |value| value.as_bytes()),
            crypto::Part::Body(handle) if handle.rep() == HostBody::ORIGINAL => &self.original,
            crypto::Part::Body(_) => &self.body,
            crypto::Part::Key => key,
        })
    }

    /// What is made of one value of the key's secret; the problem if it is no such key.
    fn made(
        &self,
        text: &[u8],
        key: &crypto::Key,
        form: KeyForm,
        by: Way,
        parts: &[crypto::Part],
    ) -> Result<Vec<u8>, String> {
        let key = native::derive(text, &key.prefix, form)?;
        let parts = self.parts(parts, &key);
        let made = match by {
            Way::Mac(name) => native::mac(name, &key, parts),
            Way::Hash(name) => native::hash(name, parts),
        };
        Ok(made.expect("its name is known"))
    }
}

/// Hashing cannot be interrupted, and holds up whoever is served on the same thread: one call of `crypto` goes through the
/// body once, for each value of the secret.
fn check_parts(parts: &[crypto::Part], with_key: bool) -> Result<(), String> {
    if parts.len() > PARTS_MOST {
        return Err(format!("{} parts are too many: at most {PARTS_MOST}", parts.len()));
    }
    let bodies = parts.iter().filter(|part| matches!(part, crypto::Part::Body(_))).count();
    if bodies > 1 {
        return Err(format!("the body is {bodies} parts of the message: at most one may be"));
    }
    match (with_key, parts.iter().any(|part| matches!(part, crypto::Part::Key))) {
        (false, true) => Err("the key is a part of the message, which it may be of digests with a key only".to_owned()),
        (true, false) => Err("the key is no part of the message: a digest without it proves nothing".to_owned()),
        _ => Ok(()),
    }
}

/// How a key is used.
#[derive(Debug, Clone, Copy)]
enum Way {
    Mac(&'static str),
    Hash(&'static str),
}

impl Way {
    fn of(name: &str) -> Result<Self, String> {
        let macs = ["hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512"].into_iter().map(Self::Mac);
        let mut all = macs.chain(["sha1", "sha256", "sha512"].into_iter().map(Self::Hash));
        let is = |way: &Self| matches!(way, Self::Mac(known) | Self::Hash(known) if *known == name);
        all.find(is)
            .ok_or_else(|| format!("`{name}` is no MAC: hmac-sha1, -sha256, -sha384, -sha512, or sha1, sha256, sha512"))
    }

    fn check(self, parts: &[crypto::Part]) -> Result<(), String> {
        check_parts(parts, matches!(self, Self::Hash(_)))
    }
}

fn form(key: &crypto::Key) -> Result<KeyForm, String> {
    match key.form.as_str() {
        "utf8" => Ok(KeyForm::Utf8),
        "base64" => Ok(KeyForm::Base64),
        "hex" => Ok(KeyForm::Hex),
        "sha1" => Ok(KeyForm::Sha1),
        other => Err(format!("`{other}` is no form of a key: utf8, base64, hex or sha1")),
    }
}

/// Leaves the host function with `invalid`.
macro_rules! valid {
    ($checked:expr) => {
        match $checked {
            Ok(value) => value,
            Err(problem) => return invalid(problem),
        }
    };
}

impl crypto::Host for Call {
    fn mac_verify(
        &mut self,
        secret: String,
        algorithm: String,
        parts: Vec<crypto::Part>,
        signature: Vec<u8>,
    ) -> Answer<bool> {
        let Some(mac) = Algorithm::of_mac(&algorithm) else { return unknown_mac(&algorithm) };
        valid!(check_parts(&parts, false));
        let handling = handling!(self, &format!("secrets.{secret}"));
        match handling.filter.keys(&secret) {
            None => denied(self, &format!("secrets.{secret}")),
            Some(keys) => Ok(Ok(keys.iter().any(|key| key.verify(mac, handling.parts(&parts, b""), &signature)))),
        }
    }

    fn mac_sign(&mut self, secret: String, algorithm: String, parts: Vec<crypto::Part>) -> Answer<Vec<u8>> {
        let Some(mac) = Algorithm::of_mac(&algorithm) else { return unknown_mac(&algorithm) };
        valid!(check_parts(&parts, false));
        let handling = handling!(self, &format!("secrets.{secret}"));
        match handling.filter.keys(&secret).and_then(<[_]>::first) {
            None => denied(self, &format!("secrets.{secret}")),
            Some(key) => Ok(Ok(key.sign(mac, handling.parts(&parts, b"")).as_ref().to_vec())),
        }
    }

    fn key_verify(
        &mut self,
        key: crypto::Key,
        algorithm: String,
        parts: Vec<crypto::Part>,
        signature: Vec<u8>,
    ) -> Answer<bool> {
        let (by, form) = (valid!(Way::of(&algorithm)), valid!(form(&key)));
        valid!(by.check(&parts));
        let handling = handling!(self, &format!("secrets.{}", key.secret));
        let Some(keys) = handling.filter.keys(&key.secret) else {
            return denied(self, &format!("secrets.{}", key.secret));
        };
        let mut holds = false;
        for value in keys {
            let made = valid!(handling.made(value.text(), &key, form, by, &parts));
            holds |= native::equal(&made, &signature);
        }
        Ok(Ok(holds))
    }

    fn key_sign(&mut self, key: crypto::Key, algorithm: String, parts: Vec<crypto::Part>) -> Answer<Vec<u8>> {
        let (by, form) = (valid!(Way::of(&algorithm)), valid!(form(&key)));
        valid!(by.check(&parts));
        let handling = handling!(self, &format!("secrets.{}", key.secret));
        match handling.filter.keys(&key.secret).and_then(<[_]>::first) {
            None => denied(self, &format!("secrets.{}", key.secret)),
            Some(value) => Ok(Ok(valid!(handling.made(value.text(), &key, form, by, &parts)))),
        }
    }

    fn digest(&mut self, algorithm: String, parts: Vec<crypto::Part>) -> Answer<Vec<u8>> {
        valid!(check_parts(&parts, false));
        let handling = handling!(self, "crypto");
        match native::hash(&algorithm, handling.parts(&parts, b"")) {
            Some(digest) => Ok(Ok(digest)),
            None => invalid(format!("`{algorithm}` is no digest: sha1, sha256, sha384 or sha512")),
        }
    }

    fn token_equal(&mut self, secret: String, token: Vec<u8>) -> Answer<bool> {
        let handling = handling!(self, &format!("secrets.{secret}"));
        match handling.filter.keys(&secret) {
            None => denied(self, &format!("secrets.{secret}")),
            Some(keys) => {
                // All of them, so that the time does not say which.
                let equal = keys.iter().filter(|key| native::equal(key.text(), &token)).count();
                Ok(Ok(equal > 0))
            }
        }
    }

    fn signature_verify(
        &mut self,
        key: crypto::PublicKey,
        algorithm: String,
        parts: Vec<crypto::Part>,
        signature: Vec<u8>,
    ) -> Answer<bool> {
        valid!(check_parts(&parts, false));
        let handling = handling!(self, "crypto");
        let keys = match &key {
            crypto::PublicKey::Given(bytes) if bytes.len() > KEY_BYTES_MOST => {
                return invalid(format!("a key of {} bytes is too long: at most {KEY_BYTES_MOST}", bytes.len()));
            }
            crypto::PublicKey::Given(bytes) => vec![bytes.clone()],
            crypto::PublicKey::Secret(key) => {
                let form = valid!(form(key));
                let Some(values) = handling.filter.keys(&key.secret) else {
                    return denied(self, &format!("secrets.{}", key.secret));
                };
                let made = values.iter().map(|value| native::derive(value.text(), &key.prefix, form));
                valid!(made.collect::<Result<Vec<_>, String>>())
            }
        };
        let message: Vec<u8> = handling.parts(&parts, b"").flatten().copied().collect();
        for key in &keys {
            if valid!(native::verify(&algorithm, key, &message, &signature)) {
                return Ok(Ok(true));
            }
        }
        Ok(Ok(false))
    }
}

fn unknown_mac<T>(algorithm: &str) -> Answer<T> {
    Ok(Err(types::CallError::Invalid(format!(
        "`{algorithm}` is no MAC: hmac-sha1, hmac-sha256, hmac-sha384 or hmac-sha512"
    ))))
}
