//! Compiled code on disk, so that a restart does not compile again. The one place with `unsafe`.
//!
//! Loading compiled code is as good as running it natively: a file counts only if its first 32 bytes are an HMAC-SHA256,
//! under a key that only this host has, of what follows. Files are named by the module's digest and the engine's
//! compatibility hash; anything else, or anything damaged, is compiled again and written over.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::Write,
    path::{Path, PathBuf},
};

use aws_lc_rs::hmac;
use model::Digest;
use wasmtime::{Engine, component::Component};

use crate::{engine::Cached, observe};

const MAC_BYTES: usize = 32;

pub(crate) struct Folder {
    path: PathBuf,
    key: hmac::Key,
    compatibility: u64,
}

impl Folder {
    pub(crate) fn open(cached: &Cached, engine: &Engine) -> Result<Self, String> {
        let path = cached.folder.clone();
        create_private(&path)
            .map_err(|error| format!("cannot use the folder for compiled code, {}: {error}", path.display()))?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self { path, key: hmac::Key::new(hmac::HMAC_SHA256, &cached.key), compatibility: hasher.finish() })
    }

    fn file(&self, digest: &Digest) -> PathBuf {
        self.path.join(format!("{}-{:016x}.code", digest.hex(), self.compatibility))
    }

    /// The compiled module, if this host compiled it before with an engine like this one.
    pub(crate) fn read(&self, engine: &Engine, digest: &Digest) -> Option<Component> {
        let bytes = std::fs::read(self.file(digest)).ok()?;
        let (mac, code) = bytes.split_at_checked(MAC_BYTES)?;
        if hmac::verify(&self.key, code, mac).is_err() {
            observe::cached_code_refused(digest, "its authentication code is wrong");
            return None;
        }
        #[expect(unsafe_code, reason = "the bytes were written by this host: their HMAC was just verified")]
        let component = unsafe { Component::deserialize(engine, code) };
        component.map_err(|error| observe::cached_code_refused(digest, &format!("{error:#}"))).ok()
    }

    /// A failure costs a compilation after the next start, no more, so it is only logged.
    pub(crate) fn write(&self, digest: &Digest, component: &Component) {
        let written = component.serialize().map_err(|error| format!("{error:#}")).and_then(|code| {
            let mac = hmac::sign(&self.key, &code);
            write_whole(&self.file(digest), &[mac.as_ref(), &code]).map_err(|error| error.to_string())
        });
        if let Err(problem) = written {
            observe::cached_code_not_written(digest, &problem);
        }
    }
}

#[cfg(unix)]
fn create_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)
}

/// Under another name first, so that a reader never sees half a file.
fn write_whole(path: &Path, parts: &[&[u8]]) -> std::io::Result<()> {
    let partial = path.with_extension(format!("partial-{}", std::process::id()));
    let mut file = std::fs::File::create(&partial)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.sync_all()?;
    std::fs::rename(&partial, path)
}
