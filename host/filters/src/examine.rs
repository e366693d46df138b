//! A component looked at from all sides: what an upload would make of it, with every reason to refuse it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use model::Digest;

use crate::{
    abi, call,
    engine::Engine,
    inspect::{self, Anatomy},
    module::{Module, Refused, blocking, code_bytes, digest, memories, unusable},
};

/// What was found out.
#[derive(Debug, Clone)]
pub struct Examined {
    pub digest: Digest,
    pub anatomy: Anatomy,
    /// The world that it was built for; none if it is of none that is known.
    pub world: Option<&'static str>,
    /// None if it was not compiled: its bytes are refused, or the compiler refuses it.
    pub compiled: Option<Compiled>,
    /// What a fresh instance costs on this machine; none if none came up.
    pub fresh_cost: Option<Duration>,
    /// Empty if this engine would take it.
    pub refusals: Vec<Refused>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compiled {
    /// Time on the clock.
    pub took: Duration,
    /// About how much memory its code takes.
    pub code_bytes: usize,
}

impl Engine {
    /// Compiles and tries the component under the limits of an upload, and keeps nothing of it. Where an upload would end
    /// at the first thing that is wrong, this goes on as far as it can.
    pub async fn examine(&self, bytes: Bytes) -> Examined {
        let looked = bytes.clone();
        let looked = blocking(move || Ok((digest(&looked), inspect::look(&looked)))).await;
        let (digest, (anatomy, refusals)) = match looked {
            Ok(looked) => looked,
            Err(refused) => (digest(&bytes), (Anatomy::default(), vec![refused])),
        };
        let mut examined = Examined { digest, anatomy, world: None, compiled: None, fresh_cost: None, refusals };
        // What has no parts that could be seen is refused for that alone.
        let opened = examined.anatomy != Anatomy::default();
        if examined.refusals.is_empty() {
            self.try_to_compile(&bytes, &mut examined).await;
        } else if opened {
            examined.refusals.extend(misfits(&examined.anatomy));
        }
        examined
    }

    async fn try_to_compile(&self, bytes: &Bytes, examined: &mut Examined) {
        let turn = Arc::clone(&self.0.compiling).acquire_owned().await.expect("never closed");
        let start = Instant::now();
        let component = match self.translate(bytes).await {
            Ok(component) => component,
            Err(refused) => {
                examined.refusals.push(refused);
                examined.refusals.extend(misfits(&examined.anatomy));
                return;
            }
        };
        drop(turn);
        examined.compiled = Some(Compiled { took: start.elapsed(), code_bytes: code_bytes(&component) });
        let adapted = self.adapt(examined.digest, examined.anatomy.manifest.clone(), &component);
        let module: Module = match adapted {
            Ok(module) => module,
            Err(first) => {
                let others =
                    misfits(&examined.anatomy).chain(memories(&component, self.0.machine.memories_most()).err());
                let others: Vec<Refused> = others.filter(|other| *other != first).collect();
                examined.refusals.push(first);
                examined.refusals.extend(others);
                return;
            }
        };
        examined.world = Some(module.world);
        match call::try_out(&Arc::new(module)).await {
            Ok(cost) => examined.fresh_cost = Some(cost),
            Err(refused) => examined.refusals.push(refused),
        }
    }
}

/// Where what it imports, exports and asks for does not fit, by its names alone.
fn misfits(anatomy: &Anatomy) -> impl Iterator<Item = Refused> {
    let handler = (!abi::exports_handler(&anatomy.exports)).then(|| abi::no_handler(&anatomy.exports));
    abi::not_offered(&anatomy.imports).chain(handler).chain(unusable(&anatomy.manifest, &anatomy.imports))
}
