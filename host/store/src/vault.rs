//! Secrets at rest: sealed with AES-256-GCM under a master key that lives in a file of its own.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    digest, rand,
};
use model::Secret;
use zeroize::Zeroizing;

use crate::{Error, Result, observe};

const KEY_BYTES: usize = 32;
/// What a key file begins with; the key's id and the key follow, hexadecimal.
const FILE_FORMAT: &str = "snaphook-master-key-1";

/// Which master key sealed something: the first bytes of a hash of it, so that a damaged key file shows itself.
pub(crate) type KeyId = [u8; 8];

/// Which row a value belongs to. It is part of what is authenticated: in another row the value cannot be opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) project: &'a str,
    pub(crate) name: &'a str,
    /// The value's number, never given twice.
    pub(crate) value: i64,
}

/// A secret's value as it is kept.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) key: KeyId,
    pub(crate) nonce: [u8; NONCE_LEN],
    /// The tag is at its end.
    pub(crate) ciphertext: Vec<u8>,
}

pub(crate) struct Vault {
    id: KeyId,
    key: RandomizedNonceKey,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Vault").field("id", &hex::encode(self.id)).finish_non_exhaustive()
    }
}

impl Vault {
    /// Reads the master key. `sealed_by` are the keys of all that is sealed so far: if that is nothing and there is no
    /// file, a key is made.
    pub(crate) fn open(file: &Path, sealed_by: &[KeyId]) -> Result<Self> {
        let shown = file.display();
        let text = match read(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && sealed_by.is_empty() => make(file)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::unavailable(format!(
                    "the master key file `{shown}` is missing, and there are secrets that only it opens: put it back"
                )));
            }
            Err(error) => return Err(Error::failed(format!("cannot read the master key file `{shown}`"), error)),
        };
        let mode = fs::metadata(file).map_err(|e| Error::failed(format!("cannot look at `{shown}`"), e))?.permissions();
        if mode.mode() & 0o077 != 0 {
            return Err(Error::unavailable(format!(
                "the master key file `{shown}` is open to others (mode {:03o}): run `chmod 600` on it, and consider the \
                 secrets known to whoever could read it",
                mode.mode() & 0o777
            )));
        }
        let Some((id, key)) = parse(&text) else {
            return Err(Error::unavailable(format!(
                "`{shown}` is no master key file, or it is damaged: put the right one back"
            )));
        };
        if let Some(other) = sealed_by.iter().find(|other| **other != id) {
            return Err(Error::unavailable(format!(
                "the master key in `{shown}` ({}) does not fit: the secrets are sealed with key {}; put that one back",
                hex::encode(id),
                hex::encode(other)
            )));
        }
        let key = RandomizedNonceKey::new(&AES_256_GCM, &*key).expect("the key has the cipher's length");
        Ok(Self { id, key })
    }

    pub(crate) fn seal(&self, place: Place<'_>, secret: &Secret) -> Sealed {
        let mut ciphertext = Vec::with_capacity(secret.expose().len() + AES_256_GCM.tag_len());
        ciphertext.extend_from_slice(secret.expose());
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(associated(place)), &mut ciphertext)
            .expect("a secret is far shorter than what the cipher takes");
        Sealed { key: self.id, nonce: *nonce.as_ref(), ciphertext }
    }

    pub(crate) fn unseal(&self, place: Place<'_>, mut sealed: Sealed) -> Result<Secret> {
        let nonce = Nonce::assume_unique_for_key(sealed.nonce);
        let opened = self.key.open_in_place(nonce, Aad::from(associated(place)), &mut sealed.ciphertext);
        let length = match opened {
            Ok(plain) if sealed.key == self.id => plain.len(),
            _ => {
                return Err(Error::corrupt(format!(
                    "a value of secret `{}` in project `{}` cannot be opened; write the secret again or restore a backup",
                    place.name, place.project
                )));
            }
        };
        sealed.ciphertext.truncate(length);
        Ok(Secret::new(sealed.ciphertext))
    }
}

/// Names hold no zero byte, so that no two places read the same.
fn associated(place: Place<'_>) -> Vec<u8> {
    format!("snaphook secret\0{}\0{}\0{}", place.project, place.name, place.value).into_bytes()
}

fn read(file: &Path) -> io::Result<Zeroizing<String>> {
    fs::read_to_string(file).map(Zeroizing::new)
}

/// Makes a key file that is complete or not there, and replaces none.
fn make(file: &Path) -> Result<Zeroizing<String>> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    rand::fill(&mut *key).map_err(|error| Error::failed("the system gives no random bytes", error))?;
    let digits = Zeroizing::new(hex::encode(*key));
    let text = Zeroizing::new(format!("{FILE_FORMAT} {} {}\n", hex::encode(id(&key)), *digits));
    let write = || {
        let folder = file.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let draft = file.with_extension("new");
        // What a crash left may have any content and mode.
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut out = File::options().write(true).create_new(true).mode(0o600).open(&draft)?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        fs::hard_link(&draft, file)?;
        fs::remove_file(&draft)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|error| Error::failed(format!("cannot make the master key file `{}`", file.display()), error))?;
    observe::key_made(file);
    Ok(text)
}

fn parse(text: &str) -> Option<(KeyId, Zeroizing<[u8; KEY_BYTES]>)> {
    let mut words = text.split_ascii_whitespace();
    let (format, id_digits, key_digits) = (words.next()?, words.next()?, words.next()?);
    let (mut written, mut key) = (KeyId::default(), Zeroizing::new([0; KEY_BYTES]));
    hex::decode_to_slice(id_digits, &mut written).ok()?;
    hex::decode_to_slice(key_digits, &mut *key).ok()?;
    (format == FILE_FORMAT && words.next().is_none() && written == id(&key)).then_some((written, key))
}

fn id(key: &[u8; KEY_BYTES]) -> KeyId {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"snaphook key id\0");
    context.update(key);
    context.finish().as_ref()[..size_of::<KeyId>()].try_into().expect("a hash is longer than an id")
}
