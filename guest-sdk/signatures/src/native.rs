//! The computing behind [`Crypto`], where the secrets are.

use std::collections::BTreeMap;

use aws_lc_rs::{
    constant_time, digest,
    encoding::{AsDer, PublicKeyX509Der},
    hmac,
    rand::{self, SystemRandom},
    rsa,
    signature::{
        self, EcdsaKeyPair, EcdsaVerificationAlgorithm, Ed25519KeyPair, KeyPair as _, ParsedPublicKey, RsaEncoding,
        RsaParameters, VerificationAlgorithm,
    },
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer, pem::PemObject as _};
use serde_json::Value as Json;

use crate::{
    judge::{Crypto, Fetch, Key, PublicKey, Trouble},
    recipe::{Algorithm, Encoding, KeyForm},
    signature::decode,
    value::Part,
};

/// The key that a secret's text stands for; the error says why it stands for none, without a piece of it.
pub fn derive(secret: &[u8], prefix: &str, form: KeyForm) -> Result<Vec<u8>, String> {
    let text = secret.strip_prefix(prefix.as_bytes()).unwrap_or(secret);
    let encoded = |encoding| {
        let text = std::str::from_utf8(text).ok().map(str::trim);
        text.and_then(|text| decode(encoding, text)).ok_or_else(|| format!("the secret is not {}", form.name()))
    };
    match form {
        KeyForm::Utf8 | KeyForm::Pem => Ok(text.to_vec()),
        KeyForm::Base64 => encoded(Encoding::Base64).or_else(|_| encoded(Encoding::Base64url)),
        KeyForm::Hex => encoded(Encoding::Hex),
        KeyForm::Sha1 => Ok(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text).as_ref().to_vec()),
    }
}

/// `sha1`, `sha256`, `sha384` or `sha512`; none if it is another one.
pub fn hash<'a>(algorithm: &str, parts: impl Iterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let algorithm = match algorithm {
        "sha1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        "sha256" => &digest::SHA256,
        "sha384" => &digest::SHA384,
        "sha512" => &digest::SHA512,
        _ => return None,
    };
    let mut context = digest::Context::new(algorithm);
    parts.for_each(|part| context.update(part));
    Some(context.finish().as_ref().to_vec())
}

/// `hmac-sha1`, `hmac-sha256`, `hmac-sha384` or `hmac-sha512`; none if it is another one.
pub fn mac<'a>(algorithm: &str, key: &[u8], parts: impl Iterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let algorithm = match algorithm {
        "hmac-sha1" => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        "hmac-sha256" => hmac::HMAC_SHA256,
        "hmac-sha384" => hmac::HMAC_SHA384,
        "hmac-sha512" => hmac::HMAC_SHA512,
        _ => return None,
    };
    let mut context = hmac::Context::with_key(&hmac::Key::new(algorithm, key));
    parts.for_each(|part| context.update(part));
    Some(context.sign().as_ref().to_vec())
}

/// In a time that says nothing about where they differ.
pub fn equal(one: &[u8], other: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(one, other).is_ok()
}

/// What a signature is checked with.
enum Scheme {
    Ed25519,
    Ecdsa(&'static EcdsaVerificationAlgorithm, usize),
    Rsa(&'static RsaParameters),
}

impl Scheme {
    fn of(name: &str) -> Option<Self> {
        const P256: usize = 32;
        Some(match name {
            "ed25519" => Self::Ed25519,
            "ecdsa-p256-sha256" => Self::Ecdsa(&signature::ECDSA_P256_SHA256_ASN1, P256),
            "ecdsa-p256-sha1" => Self::Ecdsa(&signature::ECDSA_P256_SHA1_ASN1, P256),
            "ecdsa-p256-sha256-fixed" => Self::Ecdsa(&signature::ECDSA_P256_SHA256_FIXED, P256),
            "ecdsa-p384-sha384-fixed" => Self::Ecdsa(&signature::ECDSA_P384_SHA384_FIXED, 48),
            "rsa-pkcs1-sha1" => Self::Rsa(&signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY),
            "rsa-pkcs1-sha256" => Self::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
            "rsa-pkcs1-sha384" => Self::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
            "rsa-pkcs1-sha512" => Self::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
            "rsa-pss-sha256" => Self::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
            "rsa-pss-sha512" => Self::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
            _ => return None,
        })
    }

    fn verification(&self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Ed25519 => &signature::ED25519,
            Self::Ecdsa(algorithm, _) => *algorithm,
            Self::Rsa(parameters) => *parameters,
        }
    }
}

/// Names of signature algorithms that are known.
pub const SIGNATURES: [&str; 11] = [
    "ed25519",
    "ecdsa-p256-sha256",
    "ecdsa-p256-sha1",
    "ecdsa-p256-sha256-fixed",
    "ecdsa-p384-sha384-fixed",
    "rsa-pkcs1-sha1",
    "rsa-pkcs1-sha256",
    "rsa-pkcs1-sha384",
    "rsa-pkcs1-sha512",
    "rsa-pss-sha256",
    "rsa-pss-sha512",
];

/// Whether a signature is that of the message under a public key. The key is PEM (a key or a certificate, of which only the key
/// is looked at), a JWK, DER, or raw (Ed25519: 32 bytes, ECDSA: the uncompressed point). The error says why it is no key.
pub fn verify(algorithm: &str, key: &[u8], message: &[u8], given: &[u8]) -> Result<bool, String> {
    let scheme =
        Scheme::of(algorithm).ok_or_else(|| format!("`{algorithm}` is no signature: {}", SIGNATURES.join(", ")))?;
    if let Some(key) = jwk(key) {
        return verify_jwk(&scheme, &key, message, given);
    }
    let der = der(key)?;
    let key = ParsedPublicKey::new(scheme.verification(), &der)
        .map_err(|_| format!("the key is no public key for {algorithm}"))?;
    Ok(key.verify_sig(message, given).is_ok())
}

/// What a PEM text holds; everything else as it is.
fn der(key: &[u8]) -> Result<Vec<u8>, String> {
    if !key.trim_ascii_start().starts_with(b"-----BEGIN") {
        return Ok(key.to_vec());
    }
    if let Ok(certificate) = CertificateDer::from_pem_slice(key) {
        let certificate = webpki::EndEntityCert::try_from(&certificate)
            .map_err(|error| format!("the certificate cannot be read: {error}"))?;
        return Ok(certificate.subject_public_key_info().to_vec());
    }
    SubjectPublicKeyInfoDer::from_pem_slice(key)
        .map(|key| key.to_vec())
        .map_err(|error| format!("the PEM text holds neither a public key nor a certificate: {error}"))
}

fn jwk(key: &[u8]) -> Option<Json> {
    let json = key.trim_ascii_start().starts_with(b"{");
    json.then(|| serde_json::from_slice(key).ok()).flatten()
}

fn verify_jwk(scheme: &Scheme, key: &Json, message: &[u8], given: &[u8]) -> Result<bool, String> {
    let number = |name: &str| {
        let text = key.get(name).and_then(Json::as_str);
        let bytes = text.and_then(|text| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok());
        bytes.ok_or_else(|| format!("the JWK has no `{name}`"))
    };
    let parsed = match (scheme, key.get("kty").and_then(Json::as_str)) {
        (Scheme::Rsa(parameters), Some("RSA")) => {
            let strip = |bytes: Vec<u8>| bytes.into_iter().skip_while(|byte| *byte == 0).collect::<Vec<_>>();
            let components = rsa::PublicKeyComponents { n: strip(number("n")?), e: strip(number("e")?) };
            return Ok(components.verify(parameters, message, given).is_ok());
        }
        (Scheme::Ecdsa(_, length), Some("EC")) => {
            let padded = |bytes: Vec<u8>| [vec![0; length.saturating_sub(bytes.len())], bytes].concat();
            [vec![4], padded(number("x")?), padded(number("y")?)].concat()
        }
        (Scheme::Ed25519, Some("OKP")) => number("x")?,
        (_, other) => {
            return Err(format!("the JWK is of kind `{}`, which the algorithm does not take", other.unwrap_or("")));
        }
    };
    let key = ParsedPublicKey::new(scheme.verification(), &parsed).map_err(|_| "the JWK is no key".to_owned())?;
    Ok(key.verify_sig(message, given).is_ok())
}

/// A key to sign with, where providers have one.
#[derive(Debug)]
pub enum PrivateKey {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair, EcdsaKeyPair),
    Rsa(rsa::KeyPair),
}

impl PrivateKey {
    /// Of PKCS #8, PEM or DER: an Ed25519, P-256 or RSA key.
    pub fn read(key: &[u8]) -> Result<Self, String> {
        let der = match rustls_pki_types::PrivatePkcs8KeyDer::from_pem_slice(key) {
            Ok(der) => der.secret_pkcs8_der().to_vec(),
            Err(_) => key.to_vec(),
        };
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(&der) {
            return Ok(Self::Ed25519(pair));
        }
        let ecdsa = |algorithm| EcdsaKeyPair::from_pkcs8(algorithm, &der);
        if let (Ok(fixed), Ok(asn1)) =
            (ecdsa(&signature::ECDSA_P256_SHA256_FIXED_SIGNING), ecdsa(&signature::ECDSA_P256_SHA256_ASN1_SIGNING))
        {
            return Ok(Self::P256(fixed, asn1));
        }
        rsa::KeyPair::from_pkcs8(&der)
            .map(Self::Rsa)
            .map_err(|_| "the private key is no PKCS #8 key of Ed25519, P-256 or RSA".to_owned())
    }

    /// A new one, and its public key as PEM, for schemes that sign so.
    pub fn generate(algorithm: &str) -> Result<(Self, String), String> {
        let failed = || format!("no key for {algorithm} can be made");
        let key = match algorithm {
            "ed25519" => Self::Ed25519(Ed25519KeyPair::generate().map_err(|_| failed())?),
            name if name.starts_with("ecdsa-p256") => {
                let pair = EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| failed())?;
                Self::read(pair.to_pkcs8v1().map_err(|_| failed())?.as_ref())?
            }
            name if name.starts_with("rsa") => {
                Self::Rsa(rsa::KeyPair::generate(rsa::KeySize::Rsa2048).map_err(|_| failed())?)
            }
            _ => return Err(failed()),
        };
        let pem = key.public_pem()?;
        Ok((key, pem))
    }

    /// The public key, as PEM.
    pub fn public_pem(&self) -> Result<String, String> {
        let failed = || "the key has no public part".to_owned();
        let der = match self {
            Self::Ed25519(pair) => {
                AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).map(|der| der.as_ref().to_vec())
            }
            Self::P256(pair, _) => {
                AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).map(|der| der.as_ref().to_vec())
            }
            Self::Rsa(pair) => {
                AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).map(|der| der.as_ref().to_vec())
            }
        };
        let text = STANDARD.encode(der.map_err(|_| failed())?);
        let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).expect("is ASCII")).collect();
        Ok(format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n")))
    }

    /// The raw public key: of Ed25519 32 bytes, of P-256 the point.
    pub fn public_raw(&self) -> Vec<u8> {
        match self {
            Self::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
            Self::P256(pair, _) => pair.public_key().as_ref().to_vec(),
            Self::Rsa(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    pub fn sign(&self, algorithm: &str, message: &[u8]) -> Result<Vec<u8>, String> {
        let random = SystemRandom::new();
        let rsa = |pair: &rsa::KeyPair, encoding: &'static dyn RsaEncoding| {
            let mut out = vec![0; pair.public_modulus_len()];
            pair.sign(encoding, &random, message, &mut out).map(|()| out)
        };
        let signed = match (self, algorithm) {
            (Self::Ed25519(pair), "ed25519") => Ok(pair.sign(message).as_ref().to_vec()),
            (Self::P256(_, pair), "ecdsa-p256-sha256") => {
                pair.sign(&random, message).map(|signed| signed.as_ref().to_vec())
            }
            (Self::P256(pair, _), "ecdsa-p256-sha256-fixed") => {
                pair.sign(&random, message).map(|signed| signed.as_ref().to_vec())
            }
            (Self::Rsa(pair), "rsa-pkcs1-sha256") => rsa(pair, &signature::RSA_PKCS1_SHA256),
            (Self::Rsa(pair), "rsa-pss-sha512") => rsa(pair, &signature::RSA_PSS_SHA512),
            _ => return Err(format!("the private key does not sign with {algorithm}")),
        };
        signed.map_err(|_| format!("signing with {algorithm} failed"))
    }
}

/// Letters and digits.
pub fn random_text(length: usize) -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut bytes = vec![0; length];
    rand::fill(&mut bytes).expect("the machine has random numbers");
    bytes.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}

/// Version 4 (RFC 9562).
pub fn random_uuid() -> String {
    let mut bytes = [0_u8; 16];
    rand::fill(&mut bytes).expect("the machine has random numbers");
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex::encode(bytes);
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}

/// Secrets by name, each with its valid values, newest first; and documents that stand for fetched ones. For tests and for
/// whoever verifies without a host.
#[derive(Debug, Default)]
pub struct Keyring {
    pub secrets: BTreeMap<String, Vec<Vec<u8>>>,
    pub documents: BTreeMap<String, Vec<u8>>,
    /// Milliseconds since 1970.
    pub now: u64,
    pub body: Vec<u8>,
}

impl Keyring {
    fn values(&self, secret: &str) -> Result<&[Vec<u8>], Trouble> {
        let values = self.secrets.get(secret).map(Vec::as_slice);
        values.ok_or_else(|| Trouble::Denied(format!("secrets.{secret}")))
    }

    fn parts<'a>(&'a self, parts: &'a [Part<'_>], secret: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        parts.iter().map(move |part| match part {
            Part::Bytes(bytes) => bytes.as_ref(),
            Part::Body => &self.body,
            Part::Secret => secret,
        })
    }

    fn mac(&self, secret: &[u8], key: Key<'_>, algorithm: Algorithm, parts: &[Part<'_>]) -> Result<Vec<u8>, Trouble> {
        let key = derive(secret, key.prefix, key.form).map_err(Trouble::Invalid)?;
        let made = match algorithm {
            Algorithm::Sha256 => hash("sha256", self.parts(parts, &key)),
            other => mac(other.name(), &key, self.parts(parts, &key)),
        };
        made.ok_or_else(|| Trouble::Invalid(format!("`{}` is no MAC", algorithm.name())))
    }
}

impl Crypto for Keyring {
    fn now(&self) -> u64 {
        self.now
    }

    fn mac_verify(
        &self,
        key: Key<'_>,
        algorithm: Algorithm,
        parts: &[Part<'_>],
        given: &[u8],
    ) -> Result<bool, Trouble> {
        let mut holds = false;
        for secret in self.values(key.secret)? {
            holds |= equal(&self.mac(secret, key, algorithm, parts)?, given);
        }
        Ok(holds)
    }

    fn mac_sign(&self, key: Key<'_>, algorithm: Algorithm, parts: &[Part<'_>]) -> Result<Vec<u8>, Trouble> {
        let newest = self.values(key.secret)?.first().ok_or_else(|| Trouble::Denied(key.secret.to_owned()))?;
        self.mac(newest, key, algorithm, parts)
    }

    fn token_equal(&self, secret: &str, token: &[u8]) -> Result<bool, Trouble> {
        Ok(self.values(secret)?.iter().any(|value| equal(value, token)))
    }

    fn signature_verify(
        &self,
        key: PublicKey<'_>,
        algorithm: &str,
        parts: &[Part<'_>],
        given: &[u8],
    ) -> Result<bool, Trouble> {
        let message: Vec<u8> = self.parts(parts, b"").flatten().copied().collect();
        let keys = match key {
            PublicKey::Given(key) => vec![key.to_vec()],
            PublicKey::Secret(key) => {
                let derived = self.values(key.secret)?.iter().map(|secret| derive(secret, key.prefix, key.form));
                derived.collect::<Result<_, _>>().map_err(Trouble::Invalid)?
            }
        };
        for key in keys {
            if verify(algorithm, &key, &message, given).map_err(Trouble::Invalid)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn digest(&self, algorithm: &str, parts: &[Part<'_>]) -> Result<Vec<u8>, Trouble> {
        hash(algorithm, self.parts(parts, b"")).ok_or_else(|| Trouble::Invalid(format!("`{algorithm}` is no digest")))
    }

    fn fetch(&self, fetch: &Fetch<'_>) -> Result<Vec<u8>, Trouble> {
        let document = self.documents.get(fetch.url).cloned();
        document.ok_or_else(|| Trouble::Unavailable(format!("{} cannot be fetched", fetch.url)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_stands_for_a_key_in_each_form() {
        let derived = |text: &str, form| derive(text.as_bytes(), "whsec_", form);
        for (text, form, key) in [
            ("whsec_Jefe", KeyForm::Utf8, &b"Jefe"[..]),
            ("Jefe", KeyForm::Utf8, b"Jefe"),
            ("whsec_SmVmZQ==\n", KeyForm::Base64, b"Jefe"),
            ("SmVmZQ", KeyForm::Base64, b"Jefe"),
            ("+/+/", KeyForm::Base64, b"\xfb\xff\xbf"),
            ("-_-_", KeyForm::Base64, b"\xfb\xff\xbf"),
            ("4A656665", KeyForm::Hex, b"Jefe"),
        ] {
            assert_eq!(derived(text, form).as_deref(), Ok(key), "{text}");
        }
        for (text, form) in [("Sm.mZQ", KeyForm::Base64), ("whsec_", KeyForm::Base64), ("4g", KeyForm::Hex)] {
            assert_eq!(derived(text, form), Err(format!("the secret is not {}", form.name())));
        }
    }
}
