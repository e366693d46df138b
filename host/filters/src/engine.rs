//! The one wasmtime engine: its pool, its clock, and the permits to use it.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use model::{Digest, Name, limits::Limits};
use moka::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

use crate::{abi, cache, compiler::Compiler, fetch::Fetcher, module::Module, pulse, slow::Slow, warm};

/// One tick of the clock that interrupts guests; times are counted in these.
pub(crate) const TICK: Duration = Duration::from_millis(1);
/// Elements of one table: what the largest toolchains need (JavaScript 7,700) and some room.
pub(crate) const TABLE_ELEMENTS_MOST: usize = 10_000;
/// Machine stack of a call; half of it may be the guest's. Interpreters recurse: with half as much Python's own limit, 400 levels,
/// came after the end.
const STACK_BYTES: usize = 512 << 10;
/// Memories, tables and core instances of one component.
pub(crate) const MEMORIES_MOST: u32 = 8;
const TABLES_MOST: u32 = 16;
const CORE_INSTANCES_MOST: u32 = 64;
/// Pages of a slot that stay resident between two calls, so that the next one does not fault them in again.
const RESIDENT_BYTES: usize = 1 << 20;

/// How often instances that wait are looked at.
const SWEEP: Duration = Duration::from_secs(5);

/// How large the engine is.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Calls that may run at the same time, over all projects. One whose component has several memories counts that often.
    pub calls_most: u32,
    /// Calls that one project may run at the same time.
    pub calls_most_per_project: u32,
    /// Instances that wait for their next event, over all projects.
    pub waiting_most: u32,
    /// Threads for calls that compute for longer than a few milliseconds.
    pub slow_threads: usize,
    /// Bytes of compiled code kept in memory for modules that no snapshot uses.
    pub modules_bytes: u64,
    /// Where compiled code is kept between two starts; nowhere if none.
    pub cache: Option<Cached>,
    /// What compiles uploads in a process of its own; none for this process.
    pub compiler: Option<Compiler>,
}

/// A private folder for compiled code, and the key that tells our files from others'.
#[derive(Clone)]
pub struct Cached {
    pub folder: PathBuf,
    pub key: [u8; 32],
    /// Bytes of all files in it; those that were not used for longest make room.
    pub bytes_most: u64,
}

impl std::fmt::Debug for Cached {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Cached").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            calls_most: 256,
            calls_most_per_project: 192,
            waiting_most: 64,
            slow_threads: std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2)),
            modules_bytes: 512 << 20,
            cache: None,
            compiler: None,
        }
    }
}

/// Compiles modules and runs filters. Cheap to clone; when the last clone and the last module are gone the ticker stops.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) machine: Arc<Machine>,
    pub(crate) linker: abi::Linker,
    pub(crate) modules: Cache<Digest, Arc<Module>>,
    pub(crate) cache: Option<cache::Folder>,
    pub(crate) compiler: Option<Compiler>,
    /// Compiling takes all cores for seconds: one at a time.
    pub(crate) compiling: Arc<Semaphore>,
}

/// A core module with a memory of one page.
const MEMORY: &[u8] = b"\0asm\x01\0\0\0\x05\x03\x01\0\x01";

/// What modules run on. A module holds this and not the engine, which holds modules: so neither keeps the other alive.
pub(crate) struct Machine {
    pub(crate) wasm: wasmtime::Engine,
    permits: Permits,
    /// Where calls go that compute for longer.
    pub(crate) slow: Slow,
    /// How many configurations and uploads may be there at the same time.
    pub(crate) slow_turns: Arc<Semaphore>,
    pub(crate) warm: Arc<warm::Room>,
    /// Who fetches keys; nobody if it was not said.
    fetcher: OnceLock<Arc<dyn Fetcher>>,
    /// One memory and nothing else.
    memory: wasmtime::Module,
    _ticker: Ticker,
}

impl Machine {
    pub(crate) fn lane(&self, project: &Name, places: u32) -> Lane {
        Lane { all: Arc::clone(&self.permits.all), project: self.permits.of(project), places }
    }

    /// Places for what is tried out or configured: nobody runs without, so that whoever has a place finds one in the pool.
    pub(crate) async fn places_until(
        &self,
        places: u32,
        deadline: tokio::time::Instant,
    ) -> Option<OwnedSemaphorePermit> {
        let places = Arc::clone(&self.permits.all).acquire_many_owned(places);
        tokio::time::timeout_at(deadline, places).await.ok().map(|places| places.expect("never closed"))
    }

    pub(crate) fn fetcher(&self) -> Option<&Arc<dyn Fetcher>> {
        self.fetcher.get()
    }

    /// How many memories one component may have here.
    pub(crate) fn memories_most(&self) -> u32 {
        u32::try_from(self.permits.each).unwrap_or(u32::MAX).min(MEMORIES_MOST)
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Engine {
    /// Says who fetches the keys that filters ask for; counts once.
    pub fn fetch_with(&self, fetcher: Arc<dyn Fetcher>) {
        // A second one would change what filters are told in the middle.
        _ = self.0.machine.fetcher.set(fetcher);
    }

    /// Fails if the machine cannot reserve the pool, or the folder for compiled code cannot be used.
    pub fn start(settings: &Settings) -> Result<Self, String> {
        let wasm = wasmtime::Engine::new(&config(settings))
            .map_err(|error| format!("cannot set up the WebAssembly engine: {error:#}; lower `filters.calls`"))?;
        let linker = abi::Linker::new(&wasm).map_err(|error| format!("cannot link the host's functions: {error:#}"))?;
        let cache = settings.cache.as_ref().map(|cached| cache::Folder::open(cached, &wasm)).transpose()?;
        let warm = warm::Room::new(settings.waiting_most);
        let ticker = Ticker::start(wasm.clone(), Arc::clone(&warm))?;
        let slow = Slow::start(settings.slow_threads)
            .map_err(|error| format!("cannot start the threads for slow filters: {error}"))?;
        let modules = Cache::builder()
            .max_capacity(settings.modules_bytes)
            .weigher(|_, module: &Arc<Module>| u32::try_from(module.code_bytes()).unwrap_or(u32::MAX))
            .build();
        let memory = wasmtime::Module::new(&wasm, MEMORY)
            .map_err(|error| format!("cannot compile for this machine: {error:#}"))?;
        let machine = Arc::new(Machine {
            fetcher: OnceLock::new(),
            wasm,
            permits: Permits::new(settings),
            slow,
            slow_turns: Arc::new(Semaphore::new(1)),
            warm,
            memory,
            _ticker: ticker,
        });
        Ok(Self(Arc::new(Inner {
            machine,
            linker,
            modules,
            cache,
            compiler: settings.compiler.clone(),
            compiling: Arc::new(Semaphore::new(1)),
        })))
    }
}

impl Engine {
    /// To be called by each thread that will call filters, one right after another. The pool has a part for each core and
    /// deals them out to threads as they first come: two that come in turn get two parts, and their filters' memory stays in
    /// the caches of their own cores. Two that happened to share one would pass it to and fro with each event.
    pub fn take_part(&self) {
        let mut store = Store::new(&self.0.machine.wasm, ());
        // It is the asking that counts. If there is no place, all threads have come long ago.
        _ = wasmtime::Instance::new(&mut store, &self.0.machine.memory, &[]);
    }
}

pub(crate) fn config(settings: &Settings) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    let calls = settings.calls_most.max(1).saturating_add(settings.waiting_most);
    // Handing pages back costs more than the call; keeping them pays only where the kernel says which were written.
    let resident = PoolingAllocationConfig::is_pagemap_scan_available();
    pool.total_component_instances(calls)
        .total_core_instances(calls.saturating_mul(CORE_INSTANCES_MOST))
        // A call has as many places as it needs memories.
        .total_memories(calls)
        .total_tables(calls.saturating_mul(TABLES_MOST))
        .total_stacks(calls)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        .max_core_instances_per_component(CORE_INSTANCES_MOST)
        .max_memories_per_component(MEMORIES_MOST)
        .max_tables_per_component(TABLES_MOST)
        .max_memory_size(Limits::MOST.memory_bytes)
        .table_elements(TABLE_ELEMENTS_MOST)
        .linear_memory_keep_resident(if resident { RESIDENT_BYTES } else { 0 })
        .table_keep_resident(if resident { 64 << 10 } else { 0 })
        .pagemap_scan(if resident { Enabled::Yes } else { Enabled::No });
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .concurrency_support(false)
        .epoch_interruption(true)
        .async_stack_size(STACK_BYTES)
        .max_wasm_stack(STACK_BYTES / 2)
        .wasm_memory64(false)
        .wasm_multi_memory(true);
    config
}

/// Moves the engine's epoch on, from a thread of its own so that a busy runtime cannot hold it up.
struct Ticker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    fn start(wasm: wasmtime::Engine, warm: Arc<warm::Room>) -> Result<Self, String> {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let tick = move || {
            let mut swept = Instant::now();
            while !seen.load(Ordering::Relaxed) {
                pulse::sleep(TICK);
                wasm.increment_epoch();
                if swept.elapsed() >= SWEEP {
                    swept = Instant::now();
                    warm.sweep(swept);
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("epoch".to_owned())
            .spawn(tick)
            .map_err(|error| format!("cannot start the thread that limits filters' time: {error}"))?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A ticker that panicked has nothing left to stop.
            _ = thread.join();
        }
    }
}

/// Who may run how much at the same time.
struct Permits {
    all: Arc<Semaphore>,
    each: usize,
    projects: Mutex<HashMap<Name, Weak<Semaphore>>>,
}

impl Permits {
    fn new(settings: &Settings) -> Self {
        let all = settings.calls_most.max(1);
        Self {
            all: Arc::new(Semaphore::new(all as usize)),
            each: settings.calls_most_per_project.clamp(1, all) as usize,
            projects: Mutex::default(),
        }
    }

    /// Filters of a project hold its semaphore; it goes when the last of them goes.
    fn of(&self, project: &Name) -> Arc<Semaphore> {
        let mut projects = self.projects.lock().unwrap_or_else(PoisonError::into_inner);
        projects.retain(|_, semaphore| semaphore.strong_count() > 0);
        if let Some(semaphore) = projects.get(project).and_then(Weak::upgrade) {
            return semaphore;
        }
        let semaphore = Arc::new(Semaphore::new(self.each));
        projects.insert(project.clone(), Arc::downgrade(&semaphore));
        semaphore
    }
}

/// A filter's way to the pool.
#[derive(Debug)]
pub(crate) struct Lane {
    all: Arc<Semaphore>,
    project: Arc<Semaphore>,
    /// What one of its calls takes up: one for each memory of its component.
    places: u32,
}

impl Lane {
    /// Takes the places at once or before the deadline. Whoever took them gives them back.
    pub(crate) async fn take_until(&self, deadline: tokio::time::Instant) -> bool {
        self.take() || tokio::time::timeout_at(deadline, self.wait()).await.is_ok()
    }

    pub(crate) fn give_back(&self) {
        let places = self.places as usize;
        self.all.add_permits(places);
        self.project.add_permits(places);
    }

    fn take(&self) -> bool {
        let Ok(project) = self.project.try_acquire_many(self.places) else { return false };
        let Ok(all) = self.all.try_acquire_many(self.places) else { return false };
        project.forget();
        all.forget();
        true
    }

    /// The project's before the pool's, so that a project that waits holds up only itself. The semaphores are never closed.
    async fn wait(&self) {
        let project = self.project.acquire_many(self.places).await.expect("never closed");
        let all = self.all.acquire_many(self.places).await.expect("never closed");
        project.forget();
        all.forget();
    }
}
