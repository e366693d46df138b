//! Compiled code on disk, so that a restart does not compile again. The one place with `unsafe`.
//!
//! Loading compiled code is as good as running it natively: a file counts only if its first 32 bytes are an HMAC-SHA256,
//! under a key that only this host has, of what follows: what a fresh instance costs in nanoseconds (8 bytes), the length
//! of the manifest (4 bytes), the manifest, and the code. Files are named by the module's digest and the engine's
//! compatibility hash; anything else, or anything damaged, is compiled again and written over.

use std::{
    ffi::OsStr,
    hash::{DefaultHasher, Hash, Hasher},
    io::{Read, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use aws_lc_rs::hmac;
use model::{Digest, module::Manifest};
use wasmtime::{Engine, component::Component};

use crate::{engine::Cached, observe};

const MAC_BYTES: usize = 32;
/// Of the files; to be raised with every change of what is in them.
const FORMAT: u32 = 2;

/// What a file holds of a module.
pub(crate) struct Compiled {
    pub(crate) component: Component,
    pub(crate) manifest: Manifest,
    /// What a fresh instance costs.
    pub(crate) fresh_cost: Duration,
}

pub(crate) struct Folder {
    path: PathBuf,
    key: hmac::Key,
    compatibility: u64,
    bytes_most: u64,
}

impl Folder {
    pub(crate) fn open(cached: &Cached, engine: &Engine) -> Result<Self, String> {
        let path = cached.folder.clone();
        create_private(&path)
            .map_err(|error| format!("cannot use the folder for compiled code, {}: {error}", path.display()))?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        // What is read of a module, and what it is checked for, is this version's.
        env!("CARGO_PKG_VERSION").hash(&mut hasher);
        FORMAT.hash(&mut hasher);
        let key = hmac::Key::new(hmac::HMAC_SHA256, &cached.key);
        let folder = Self { path, key, compatibility: hasher.finish(), bytes_most: cached.bytes_most };
        folder.make_room();
        Ok(folder)
    }

    fn file(&self, digest: &Digest) -> PathBuf {
        self.path.join(format!("{}-{:016x}.code", digest.hex(), self.compatibility))
    }

    /// The compiled module, if this host compiled it before with an engine like this one.
    pub(crate) fn read(&self, engine: &Engine, digest: &Digest) -> Option<Compiled> {
        let mut file = std::fs::File::open(self.file(digest)).ok()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).ok()?;
        // The time of its last use, for `make_room`. That of its writing is good enough if this fails.
        _ = file.set_modified(SystemTime::now());
        let (mac, rest) = bytes.split_at_checked(MAC_BYTES)?;
        if hmac::verify(&self.key, rest, mac).is_err() {
            observe::cached_code_refused(digest, "its authentication code is wrong");
            return None;
        }
        let (cost, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (manifest, code) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let refused = |problem: String| observe::cached_code_refused(digest, &problem);
        let manifest = serde_json::from_slice(manifest).map_err(|error| refused(error.to_string())).ok()?;
        // The bytes were written by this host: their HMAC was just verified.
        let component = load(engine, code).map_err(|error| refused(format!("{error:#}"))).ok()?;
        Some(Compiled { component, manifest, fresh_cost: Duration::from_nanos(u64::from_le_bytes(*cost)) })
    }

    /// A failure costs a compilation after the next start, no more, so it is only logged.
    pub(crate) fn write(&self, digest: &Digest, compiled: &Compiled) {
        let written = compiled.component.serialize().map_err(|error| format!("{error:#}")).and_then(|code| {
            let cost = u64::try_from(compiled.fresh_cost.as_nanos()).unwrap_or(u64::MAX).to_le_bytes();
            let manifest = serde_json::to_vec(&compiled.manifest).expect("a manifest is JSON");
            let length = u32::try_from(manifest.len()).expect("an upload's manifest is short").to_le_bytes();
            let parts: [&[u8]; 4] = [&cost, &length, &manifest, &code];
            let mut mac = hmac::Context::with_key(&self.key);
            parts.iter().for_each(|part| mac.update(part));
            write_whole(&self.file(digest), mac.sign().as_ref(), &parts).map_err(|error| error.to_string())
        });
        if let Err(problem) = written {
            observe::cached_code_not_written(digest, &problem);
        }
        self.make_room();
    }

    /// Removes what was not used for longest until the rest is within the limit, and what a crash left half written. Code
    /// that is missing is compiled again, so failures do no harm.
    fn make_room(&self) {
        let Ok(entries) = std::fs::read_dir(&self.path) else { return };
        let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for entry in entries.flatten() {
            let path = entry.path();
            match (path.extension().and_then(OsStr::to_str), entry.metadata()) {
                (Some("code"), Ok(metadata)) => {
                    files.push((metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), metadata.len(), path));
                }
                (Some(partial), _) if partial.starts_with("partial-") => _ = std::fs::remove_file(path),
                _ => {}
            }
        }
        files.sort_unstable();
        let mut bytes: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, size, path) in files {
            if bytes <= self.bytes_most {
                break;
            }
            if std::fs::remove_file(path).is_ok() {
                bytes -= size;
            }
        }
    }
}

/// Compiled code, as good as native: only for bytes that a compiler of this host's own made.
#[expect(unsafe_code, reason = "who calls it knows where the bytes come from")]
pub(crate) fn load(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    unsafe { Component::deserialize(engine, code) }
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

/// Under another name first, so that a reader never sees half a file. What a crash of the machine leaves of it does not
/// fit its HMAC.
fn write_whole(path: &Path, mac: &[u8], parts: &[&[u8]]) -> std::io::Result<()> {
    let partial = path.with_extension(format!("partial-{}", std::process::id()));
    let mut file = std::fs::File::create(&partial)?;
    file.write_all(mac)?;
    for part in parts {
        file.write_all(part)?;
    }
    drop(file);
    std::fs::rename(&partial, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        let folder = std::env::temp_dir().join(format!("snaphook-code-{}", std::process::id()));
        let cached = Cached { folder: folder.clone(), key: [7; 32], bytes_most: 250 };
        std::fs::create_dir_all(&folder).unwrap();
        let now = SystemTime::now();
        for (name, age) in [("a.code", 30), ("b.code", 10), ("c.code", 20), ("x.partial-1", 0), ("note.txt", 90)] {
            std::fs::write(folder.join(name), [0; 100]).unwrap();
            let file = std::fs::File::options().append(true).open(folder.join(name)).unwrap();
            file.set_modified(now - Duration::from_secs(age)).unwrap();
        }
        Folder::open(&cached, &Engine::default()).unwrap();
        let mut left: Vec<String> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(left, ["b.code", "c.code", "note.txt"]);
    }
}
