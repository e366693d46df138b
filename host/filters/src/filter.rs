//! A module attached to a route: with its configuration, the secrets behind its grants, and its limits.

use std::{collections::BTreeMap, sync::Arc};

use aws_lc_rs::{constant_time, hmac};
use bytes::Bytes;
use model::{Attachment, Digest, Limits, Name, Secret, route::OnFailure};
use tokio::sync::Semaphore;

use crate::{
    breaker::Breaker,
    engine::Lane,
    module::{Module, digest},
    warm::Waiting,
};

/// Calls of one filter that may be slow at the same time; others wait for their turn.
const SLOW_TURNS: usize = 2;

/// The values behind an attachment's grants, by the names that its code uses; newest first.
#[derive(Debug, Default)]
pub struct Secrets {
    pub usable: BTreeMap<String, Vec<Secret>>,
    pub revealed: BTreeMap<String, Vec<Secret>>,
}

/// Everything that a call of the filter reads and none may change.
#[derive(Debug)]
pub struct Filter {
    pub project: Name,
    pub route: Name,
    pub name: Name,
    pub module: Arc<Module>,
    pub on_failure: OnFailure,
    pub limits: Limits,
    pub(crate) config: String,
    /// SHA-256 of the configuration's text, for the record.
    pub config_digest: Digest,
    pub(crate) prepared: Bytes,
    pub(crate) kv: Vec<String>,
    /// Beginnings of URLs from which keys may be fetched.
    pub(crate) fetched: Vec<String>,
    pub(crate) lane: Lane,
    pub(crate) breaker: Breaker,
    /// Instances that are used again; none if each event gets a fresh one.
    pub(crate) waiting: Option<Arc<Waiting>>,
    /// How many of its calls may be slow at the same time.
    pub(crate) slow_turns: Arc<Semaphore>,
    usable: BTreeMap<String, Vec<Key>>,
    revealed: BTreeMap<String, Vec<Secret>>,
}

impl Filter {
    /// `prepared` is what the module's `configure` returned for the attachment's configuration.
    pub fn new(
        project: &Name,
        route: &Name,
        attachment: &Attachment,
        module: Arc<Module>,
        prepared: Bytes,
        secrets: Secrets,
    ) -> Self {
        let usable = secrets.usable.into_iter().map(|(name, values)| (name, values.iter().map(Key::new).collect()));
        Self {
            project: project.clone(),
            route: route.clone(),
            name: attachment.name.clone(),
            on_failure: attachment.on_failure,
            limits: attachment.limits,
            config_digest: digest(attachment.config.as_bytes()),
            config: attachment.config.clone(),
            prepared,
            kv: attachment.grants.kv.clone(),
            fetched: attachment.grants.keys.clone(),
            lane: module.machine.lane(project, module.memories),
            breaker: Breaker::default(),
            waiting: module.reuses(attachment.instance).then(|| module.machine.warm.waiting(module.memories)),
            slow_turns: Arc::new(Semaphore::new(SLOW_TURNS)),
            usable: usable.collect(),
            revealed: secrets.revealed,
            module,
        }
    }

    /// Whether it runs this module with what it prepared.
    pub fn runs(&self, module: &Digest, prepared: &Bytes) -> bool {
        (&self.module.digest, &self.prepared) == (module, prepared)
    }

    pub(crate) fn keys(&self, secret: &str) -> Option<&[Key]> {
        self.usable.get(secret).map(Vec::as_slice)
    }

    pub(crate) fn revealed(&self, secret: &str) -> Option<&[u8]> {
        self.revealed.get(secret)?.first().map(Secret::expose)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    pub(crate) fn of_mac(name: &str) -> Option<Self> {
        match name {
            "hmac-sha1" => Some(Self::Sha1),
            "hmac-sha256" => Some(Self::Sha256),
            "hmac-sha384" => Some(Self::Sha384),
            "hmac-sha512" => Some(Self::Sha512),
            _ => None,
        }
    }
}

/// One value of a secret, made ready for each algorithm, so that a call only hashes its message.
pub(crate) struct Key {
    /// As it is kept.
    text: Secret,
    sha1: hmac::Key,
    sha256: hmac::Key,
    sha384: hmac::Key,
    sha512: hmac::Key,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Key(…)")
    }
}

impl Key {
    fn new(secret: &Secret) -> Self {
        let key = |algorithm| hmac::Key::new(algorithm, secret.expose());
        Self {
            text: secret.clone(),
            sha1: key(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
            sha256: key(hmac::HMAC_SHA256),
            sha384: key(hmac::HMAC_SHA384),
            sha512: key(hmac::HMAC_SHA512),
        }
    }

    pub(crate) fn text(&self) -> &[u8] {
        self.text.expose()
    }

    pub(crate) fn sign<'a>(&self, algorithm: Algorithm, parts: impl Iterator<Item = &'a [u8]>) -> hmac::Tag {
        let key = match algorithm {
            Algorithm::Sha1 => &self.sha1,
            Algorithm::Sha256 => &self.sha256,
            Algorithm::Sha384 => &self.sha384,
            Algorithm::Sha512 => &self.sha512,
        };
        let mut context = hmac::Context::with_key(key);
        parts.for_each(|part| context.update(part));
        context.sign()
    }

    /// Constant time in the signature; a signature of another length is wrong at once.
    pub(crate) fn verify<'a>(
        &self,
        algorithm: Algorithm,
        parts: impl Iterator<Item = &'a [u8]>,
        signature: &[u8],
    ) -> bool {
        constant_time::verify_slices_are_equal(self.sign(algorithm, parts).as_ref(), signature).is_ok()
    }
}
