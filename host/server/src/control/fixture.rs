//! What tests of the operations, and of what is built on them, begin with.

use std::{collections::HashSet, path::Path, sync::Arc};

use bytes::Bytes;
use model::{
    Digest, Name,
    module::{MANIFEST_SECTION, Manifest},
};
use store::embedded;
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::{ManglingAndAbi, Resolve};

use super::{Control, Retained, Settings};

/// The operations on a store of its own in the folder.
pub(crate) async fn open(folder: &Path) -> Arc<Control> {
    let (registry, _) = embedded::open(&embedded::Options::new(folder)).unwrap();
    let size = filters::Settings { calls_most: 4, calls_most_per_project: 4, ..filters::Settings::default() };
    let engine = filters::Engine::start(&size).unwrap();
    let settings = Settings { buffer_bytes_per_project: 1 << 20 };
    let (control, _) = Control::open(Arc::new(registry), engine, settings, Arc::new(Nothing)).await.unwrap();
    Arc::new(control)
}

/// No event is kept.
#[derive(Debug)]
struct Nothing;

impl Retained for Nothing {
    fn refers_to_module(&self, _: &Digest) -> bool {
        false
    }

    fn configurations(&self, _: &Name) -> HashSet<Digest> {
        HashSet::new()
    }
}

/// A component of the filters' world with this manifest. It comes up, and traps whenever it is called.
pub(crate) fn component(manifest: &Manifest) -> Bytes {
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let (package, _) = resolve.push_dir(wit).unwrap();
    let world = resolve.select_world(&[package], Some("filter")).unwrap();
    let mut core = wit_component::dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    wit_component::embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8).unwrap();
    let mut component = ComponentEncoder::default().module(&core).unwrap().encode().unwrap();
    let text = serde_json::to_vec(manifest).unwrap();
    component.push(0);
    length(&mut component, 1 + MANIFEST_SECTION.len() + text.len());
    length(&mut component, MANIFEST_SECTION.len());
    component.extend_from_slice(MANIFEST_SECTION.as_bytes());
    component.extend(text);
    component.into()
}

/// LEB128.
fn length(out: &mut Vec<u8>, mut length: usize) {
    while length > 0x7f {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}
