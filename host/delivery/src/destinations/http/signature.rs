//! Signatures after Standard Webhooks, version 1.0:
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use std::{fmt, fmt::Write as _};

use aws_lc_rs::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::{Faults, Secret, destination::SignatureScheme};

/// Signs with every valid value of a secret.
pub struct Signer(Vec<Key>);

enum Key {
    Hmac(Box<hmac::Key>),
    Ed25519(Box<Ed25519KeyPair>),
}

impl Signer {
    /// `values` are those of the secret that are valid, the newest first. Faults say which of them cannot be used, and
    /// nothing of what it is.
    pub fn new(scheme: SignatureScheme, values: &[Secret]) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        if values.is_empty() {
            faults.add("", "the secret has no value");
        }
        let mut keys = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            let (key, form) = match scheme {
                SignatureScheme::V1 => (read_hmac(value), "`whsec_` and base64 of 24 to 64 bytes"),
                SignatureScheme::V1a => (read_ed25519(value), "`whsk_` and base64 of an Ed25519 private key"),
            };
            match key {
                Some(key) => keys.push(key),
                None => faults.add("", format!("value {} of the secret, newest first, must be {form}", index + 1)),
            }
        }
        faults.or(Self(keys))
    }

    /// The value of `webhook-signature`: a signature for each key, separated by spaces. `timestamp` is in seconds.
    pub fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let before = format!("{id}.{timestamp}.");
        let mut signatures = String::new();
        for key in &self.0 {
            if !signatures.is_empty() {
                signatures.push(' ');
            }
            let (version, signature) = match key {
                Key::Hmac(key) => {
                    let mut signing = hmac::Context::with_key(key);
                    signing.update(before.as_bytes());
                    signing.update(body);
                    ("v1", STANDARD.encode(signing.sign()))
                }
                // Ed25519 goes through the message twice, so it must be in one piece.
                Key::Ed25519(key) => ("v1a", STANDARD.encode(key.sign(&[before.as_bytes(), body].concat()))),
            };
            let _ = write!(signatures, "{version},{signature}");
        }
        signatures
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Signer(…, {} keys)", self.0.len())
    }
}

fn decode(value: &Secret, prefix: &str) -> Option<Secret> {
    let text = value.expose().trim_ascii().strip_prefix(prefix.as_bytes())?;
    STANDARD.decode(text).ok().map(Secret::new)
}

fn read_hmac(value: &Secret) -> Option<Key> {
    let bytes = decode(value, "whsec_")?;
    let key = Some(bytes.expose()).filter(|bytes| (24..=64).contains(&bytes.len()))?;
    Some(Key::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, key))))
}

/// Libraries write the private key alone (32 bytes) or the public one behind it (64 bytes).
fn read_ed25519(value: &Secret) -> Option<Key> {
    let bytes = decode(value, "whsk_")?;
    let (seed, public) = bytes.expose().split_at_checked(32)?;
    let key = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
    let fits = public.is_empty() || public == key.public_key().as_ref();
    fits.then(|| Key::Ed25519(Box::new(key)))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.as_bytes().to_vec())
    }

    /// From the tests of the reference libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn hmac_is_that_of_the_reference_libraries() {
        let signer = Signer::new(SignatureScheme::V1, &[secret(SECRET)]).unwrap();
        let signature = signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn every_value_signs_the_newest_first() {
        let newer = format!("whsec_{}", STANDARD.encode([7; 24]));
        let both = Signer::new(SignatureScheme::V1, &[secret(&newer), secret(SECRET)]).unwrap();
        let each = |value: &str| Signer::new(SignatureScheme::V1, &[secret(value)]).unwrap().sign("a", 1, b"x");
        assert_eq!(both.sign("a", 1, b"x"), format!("{} {}", each(&newer), each(SECRET)));
        assert_eq!(format!("{both:?}"), "Signer(…, 2 keys)");
    }

    #[test]
    fn ed25519_is_verified_with_the_public_key() {
        let seed = [9; 32];
        let public = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap().public_key().as_ref().to_vec();
        for private in [seed.to_vec(), [&seed[..], &public].concat()] {
            let value = secret(&format!("whsk_{}", STANDARD.encode(private)));
            let signature = Signer::new(SignatureScheme::V1a, &[value]).unwrap().sign("dlv_1", 12, b"{}");
            let bytes = STANDARD.decode(signature.strip_prefix("v1a,").unwrap()).unwrap();
            UnparsedPublicKey::new(&ED25519, &public).verify(b"dlv_1.12.{}", &bytes).unwrap();
        }
    }

    #[test]
    fn what_cannot_sign_is_told_without_showing_it() {
        let short = format!("whsec_{}", STANDARD.encode([7; 23]));
        let long = format!("whsec_{}", STANDARD.encode([7; 65]));
        for value in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!", &short, &long] {
            let said = Signer::new(SignatureScheme::V1, &[secret(SECRET), secret(value)]).unwrap_err().to_string();
            assert_eq!(said, "value 2 of the secret, newest first, must be `whsec_` and base64 of 24 to 64 bytes");
        }
        let other = [[9; 32], [8; 32]].concat();
        for bytes in [&[][..], &[9; 31], &[9; 33], &other] {
            let value = secret(&format!("whsk_{}", STANDARD.encode(bytes)));
            assert!(Signer::new(SignatureScheme::V1a, &[value]).is_err());
        }
        assert!(Signer::new(SignatureScheme::V1, &[]).is_err());
    }
}
