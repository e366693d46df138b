//! What tests of the operations, and of what is built on them, begin with.

use std::{collections::HashSet, path::Path, pin::Pin, sync::Arc};

use bytes::Bytes;
use delivery::{Clock, Connector, egress::Allow};
use filters::kv::Overlay;
use model::{
    Digest, EventId, Name,
    module::{MANIFEST_SECTION, Manifest},
    record::{Record, Wanted},
};
use store::{Journal, embedded};
use tokio::sync::broadcast;
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::{ManglingAndAbi, Resolve};

use super::{Control, Outbound, Parts, Recent, Settings};
use crate::{
    house,
    snapshot::{self, Snapshot},
};

/// The operations on a store of its own in the folder.
pub(crate) async fn open(folder: &Path) -> Arc<Control> {
    open_with(folder, Arc::new(Nothing)).await
}

/// With these for the newest events.
pub(crate) async fn open_with(folder: &Path, recent: Arc<dyn Recent>) -> Arc<Control> {
    let (registry, journal) = embedded::open(&embedded::Options::new(folder)).unwrap();
    let journal: Arc<dyn Journal> = Arc::new(journal);
    let size = filters::Settings { calls_most: 4, calls_most_per_project: 4, ..filters::Settings::default() };
    let engine = filters::Engine::start(&size).unwrap();
    let settings = Settings { buffer_bytes_per_project: 1 << 20 };
    let (publisher, current) = snapshot::serve(Snapshot::empty());
    let house = Arc::new(house::Served {
        current: current.clone(),
        kv: Arc::new(Overlay::default()),
        reservations: Arc::new(NothingReserved),
    });
    let delivering =
        delivery::Engine::new(Arc::clone(&journal), house, Clock::default(), delivery::engine::Options::new(1));
    let parts = Parts {
        registry: Arc::new(registry),
        journal,
        engine,
        delivering: Arc::new(delivering),
        outbound: Outbound::new(Connector::new(Allow::default(), &[]).unwrap()),
        recent,
        publisher,
        current,
    };
    Arc::new(Control::open(parts, settings).await.unwrap())
}

struct NothingReserved;

impl house::Reservations for NothingReserved {
    fn settle(&self, _: EventId, _: bool) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async {})
    }
}

/// Nothing is remembered.
#[derive(Debug)]
struct Nothing;

impl Recent for Nothing {
    fn latest(&self, _: &Wanted) -> Vec<Record> {
        Vec::new()
    }

    fn find(&self, _: &Name, _: EventId) -> Option<Record> {
        None
    }

    fn refers_to_module(&self, _: &Digest) -> bool {
        false
    }

    fn configurations(&self, _: &Name) -> HashSet<Digest> {
        HashSet::new()
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<Record>> {
        broadcast::Sender::new(1).subscribe()
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
