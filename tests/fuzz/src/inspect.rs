//! What is uploaded, before anything is compiled: any bytes are a component with a manifest, or are refused with a reason. A
//! small one is also loaded.
//!
//! The input is a binary, or the text of one (`(component …)`).

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use bytes::Bytes;
use filters::{Engine, Module, Refused};
use model::module::Manifest;
use tokio::runtime::Runtime;

use crate::handover::puppet;

/// Words that are worth trying: the head, and sections.
pub const WORDS: &[&str] = &[
    "\0asm",
    "\u{d}\0\u{1}\0",
    "\u{1}\0\0\0",
    "\0asm\u{d}\0\u{1}\0",
    "\0asm\u{1}\0\0\0",
    "\u{4}\u{8}\0asm\u{d}\0\u{1}\0",
    "\u{1}\u{8}\0asm\u{1}\0\0\0",
    "\0\u{12}\u{11}snaphook:manifest",
    "snaphook:manifest{}",
    "snaphook:filter/handler@0.1.0",
    "snaphook:filter/",
    "wasi:cli/",
    "\u{7f}",
    "\u{60}\0\0",
];

/// What is not larger is also compiled. How long the compiler may take with larger ones is limited elsewhere: by a process
/// of its own.
const LOADED_BYTES_MOST: usize = 16 << 10;

/// An engine for few calls, and what drives them.
pub(crate) struct Machine {
    pub(crate) engine: Engine,
    pub(crate) runtime: Runtime,
}

pub(crate) static MACHINE: LazyLock<Machine> = LazyLock::new(|| {
    let settings = filters::Settings {
        calls_most: 4,
        calls_most_per_project: 4,
        waiting_most: 0,
        slow_threads: 1,
        modules_bytes: 16 << 20,
        ..filters::Settings::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    Machine { engine: Engine::start(&settings).unwrap_or_else(|error| panic!("{error}")), runtime }
});

impl Machine {
    pub(crate) fn load(&self, component: Bytes) -> Result<Arc<Module>, Refused> {
        self.runtime.block_on(self.engine.load(component))
    }
}

/// Filters that are right, to be damaged.
pub fn filters() -> Vec<Vec<u8>> {
    vec![puppet::pass(), puppet::component().0]
}

/// The binary, if this is the text of one.
pub fn binary(bytes: &[u8]) -> Cow<'_, [u8]> {
    let text = bytes.starts_with(b"(").then(|| wat::parse_bytes(bytes).ok()).flatten();
    text.unwrap_or(Cow::Borrowed(bytes))
}

pub fn run(bytes: &[u8]) {
    let bytes = binary(bytes);
    match filters::inspect(&bytes) {
        Ok(manifest) => taken(&bytes, &manifest),
        Err(refused) => reasoned(&refused),
    }
}

fn taken(bytes: &[u8], manifest: &Manifest) {
    assert!(bytes.starts_with(b"\0asm\x0d\0\x01\0"));
    let written = serde_json::to_string(manifest).expect("a manifest is JSON");
    assert_eq!(serde_json::from_str::<Manifest>(&written).ok().as_ref(), Some(manifest));
    if bytes.len() > LOADED_BYTES_MOST {
        return;
    }
    match MACHINE.load(Bytes::copy_from_slice(bytes)) {
        Ok(module) => {
            assert_eq!(&module.manifest, manifest);
            assert!(module.imports.iter().all(|import| import.starts_with("snaphook:") || import.starts_with("wasi:")));
        }
        Err(refused) => {
            reasoned(&refused);
            // A part of the host that panicked is not seen here but for this.
            for broken in ["ended without a result", "the host failed"] {
                assert!(!refused.0.contains(broken), "{refused}");
            }
        }
    }
}

fn reasoned(Refused(reason): &Refused) {
    assert!(!reason.is_empty() && reason.len() < 64 << 10, "{reason}");
}
