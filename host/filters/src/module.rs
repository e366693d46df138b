//! An uploaded component, compiled and ready to be instantiated.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use bytes::Bytes;
use model::{Digest, Limits, Timestamp, module::Manifest, spec::InstancePolicy};
use wasmtime::component::Component;

use crate::{
    abi::{self, Adapter},
    cache, call,
    engine::{Engine, Machine},
    inspect, observe,
};

/// Why a module or a configuration is not taken; the text says what is wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// What a fresh instance and its first call may cost for each event to get one, unless an attachment says otherwise. Compiled
/// guests take some ten microseconds, those that bring an interpreter a thousand and more.
pub(crate) const FRESH_MOST: Duration = Duration::from_micros(250);

/// An uploaded component. Holds no state of any call.
pub struct Module {
    pub digest: Digest,
    /// The interfaces that it imports: `snaphook:filter/crypto@0.1.0`.
    pub imports: Vec<String>,
    pub manifest: Manifest,
    /// The world that it was built for: `snaphook:filter@0.1.0`.
    pub world: &'static str,
    pub(crate) adapter: Adapter,
    pub(crate) machine: Arc<Machine>,
    /// Memories that an instance has, at least 1: what a call takes up in the pool.
    pub(crate) memories: u32,
    code_bytes: usize,
    /// What a fresh instance and its first call cost, measured when it was loaded.
    fresh_cost: OnceLock<Duration>,
}

impl std::fmt::Debug for Module {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Module").field("digest", &self.digest).field("world", &self.world).finish_non_exhaustive()
    }
}

impl Module {
    /// About how much memory its compiled code takes.
    pub(crate) fn code_bytes(&self) -> usize {
        self.code_bytes
    }

    /// What a fresh instance and its first call cost on this machine.
    pub fn fresh_cost(&self) -> Duration {
        self.fresh_cost.get().copied().unwrap_or_default()
    }

    /// Whether instances are used again under this policy.
    pub(crate) fn reuses(&self, policy: InstancePolicy) -> bool {
        match policy {
            InstancePolicy::Fresh => false,
            InstancePolicy::Warm => true,
            InstancePolicy::Auto => self.fresh_cost() > FRESH_MOST,
        }
    }

    /// Runs the module's `configure` under the limits and returns what it prepared.
    pub async fn configure(self: &Arc<Self>, config: &str, limits: &Limits) -> Result<Bytes, Refused> {
        call::configure(self, config, limits, Timestamp::now()).await
    }
}

/// The digest that identifies a module's bytes.
pub(crate) fn digest(bytes: &[u8]) -> Digest {
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref());
    Digest(sha256)
}

impl Engine {
    /// The module with these bytes: from memory, from disk, or compiled now. Refuses what is no component of a known
    /// world, asks for what does not exist, or does not come up under the default limits.
    pub async fn load(&self, bytes: Bytes) -> Result<Arc<Module>, Refused> {
        let digest = digest(&bytes);
        if let Some(module) = self.recall(digest).await {
            return Ok(module);
        }
        let module = self.compile(digest, bytes).await?;
        self.0.modules.insert(digest, Arc::clone(&module));
        Ok(module)
    }

    /// A module that this host compiled and tried out before, from memory or from disk; none if it must be loaded.
    pub async fn recall(&self, digest: Digest) -> Option<Arc<Module>> {
        if let Some(module) = self.0.modules.get(&digest) {
            return Some(module);
        }
        let engine = self.clone();
        // What is refused now is told when it is compiled.
        let module = Arc::new(blocking(move || engine.read(digest)).await.ok()??);
        self.0.modules.insert(digest, Arc::clone(&module));
        Some(module)
    }

    fn read(&self, digest: Digest) -> Result<Option<Module>, Refused> {
        let cached = self.0.cache.as_ref().and_then(|folder| folder.read(&self.0.machine.wasm, &digest));
        let Some(compiled) = cached else { return Ok(None) };
        let module = self.adapt(digest, compiled.manifest, &compiled.component)?;
        _ = module.fresh_cost.set(compiled.fresh_cost);
        Ok(Some(module))
    }

    async fn compile(&self, digest: Digest, bytes: Bytes) -> Result<Arc<Module>, Refused> {
        let turn = Arc::clone(&self.0.compiling).acquire_owned().await.expect("never closed");
        let start = Instant::now();
        let size = bytes.len();
        let looked = bytes.clone();
        let manifest = blocking(move || inspect::inspect(&looked));
        // What compiles in a process of its own looks at the bytes there first, within its limits.
        let (manifest, component) = match &self.0.compiler {
            Some(_) => {
                let component = self.translate(&bytes).await?;
                (manifest.await?, component)
            }
            None => (manifest.await?, self.translate(&bytes).await?),
        };
        observe::module_compiled(&digest, size, start.elapsed());
        let engine = self.clone();
        let adapted = blocking(move || Ok((engine.adapt(digest, manifest, &component)?, component)));
        let (module, component) = adapted.await?;
        drop(turn);
        let module = Arc::new(module);
        let fresh_cost = call::try_out(&module).await?;
        _ = module.fresh_cost.set(fresh_cost);
        let (engine, manifest) = (self.clone(), module.manifest.clone());
        blocking(move || {
            if let Some(folder) = &engine.0.cache {
                folder.write(&digest, &cache::Compiled { component, manifest, fresh_cost });
            }
            Ok(())
        })
        .await?;
        Ok(module)
    }

    /// Compiles a component that was looked at, where this engine compiles uploads.
    pub(crate) async fn translate(&self, bytes: &Bytes) -> Result<Component, Refused> {
        let code = match &self.0.compiler {
            Some(compiler) => Some(compiler.run(bytes.clone()).await?),
            None => None,
        };
        let (engine, bytes) = (self.clone(), bytes.clone());
        let translated = blocking(move || {
            let wasm = &engine.0.machine.wasm;
            let component = match code {
                Some(code) => cache::load(wasm, &code),
                None => Component::new(wasm, &bytes),
            };
            component.map_err(|error| Refused(format!("the component cannot be compiled: {error:#}")))
        });
        translated.await
    }

    pub(crate) fn adapt(&self, digest: Digest, manifest: Manifest, component: &Component) -> Result<Module, Refused> {
        let imports: Vec<String> =
            component.component_type().imports(&self.0.machine.wasm).map(|(name, _)| name.to_owned()).collect();
        let (world, adapter) = abi::adapt(&self.0.linker, component, &imports)?;
        if let Some(refused) = unusable(&manifest, &imports).next() {
            return Err(refused);
        }
        let memories = memories(component, self.0.machine.memories_most())?;
        Ok(Module {
            digest,
            imports,
            manifest,
            world,
            adapter,
            machine: Arc::clone(&self.0.machine),
            memories,
            code_bytes: code_bytes(component),
            fresh_cost: OnceLock::new(),
        })
    }
}

/// About how much memory compiled code takes.
pub(crate) fn code_bytes(component: &Component) -> usize {
    let image = component.image_range();
    (image.end as usize).saturating_sub(image.start as usize)
}

/// Work that takes a thread for longer.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refused> + Send + 'static,
) -> Result<T, Refused> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Refused(format!("compiling ended without a result: {error}")))?
}

/// How many places a call takes up.
pub(crate) fn memories(component: &Component, most: u32) -> Result<u32, Refused> {
    // Unknown only for a component that imports modules, which is refused before.
    let memories = component.resources_required().map_or(most, |required| required.num_memories).max(1);
    if memories > most {
        return Err(Refused(format!(
            "the component has {memories} memories, at most {most} are allowed (8, or `filters.calls_per_project` if that is less)"
        )));
    }
    Ok(memories)
}

/// What a manifest asks for and the code has no way to use: a reason for each.
pub(crate) fn unusable(manifest: &Manifest, imports: &[String]) -> impl Iterator<Item = Refused> {
    let has = |interface: &str| {
        imports
            .iter()
            .any(|import| import.strip_prefix("snaphook:filter/").is_some_and(|rest| rest.starts_with(interface)))
    };
    let asks = |what: &str, names: &[String], interfaces: &[&str]| {
        if names.is_empty() || interfaces.iter().any(|interface| has(interface)) {
            return None;
        }
        Some(Refused(format!(
            "the manifest asks for {what} {names:?}, but the module does not import `{}`: remove the request or use it",
            interfaces.join("` or `")
        )))
    };
    let hosts = (!manifest.hosts.is_empty()).then(|| {
        Refused(format!(
            "the manifest asks for the hosts {:?}, but filters cannot call out in this version: remove the request",
            manifest.hosts
        ))
    });
    let refusals = [
        asks("secrets", &manifest.secrets, &["crypto@", "body@"]),
        asks("secrets in the clear", &manifest.reveal, &["secrets@"]),
        asks("secrets", &manifest.optional_secrets, &["crypto@", "body@"]),
        asks("keys", &manifest.keys, &["keys@"]),
        asks("key-value namespaces", &manifest.kv, &["kv@"]),
        asks("key-value namespaces", &manifest.optional_kv, &["kv@"]),
        hosts,
    ];
    refusals.into_iter().flatten()
}
