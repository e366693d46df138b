//! Standard WASI 0.2 with nothing behind it: what a guest's standard library links against, and no more.
//!
//! Files, sockets and environment are empty or refused; clocks stand still at the time of the call; random numbers come
//! from a seed that the event's record keeps; standard output goes to the filter's log. The wiring is generic over the
//! store's type, and instantiating it takes most of a minute: it lives in a crate of its own, around a store type that
//! does not know what the rest of the house keeps in it, so that edits elsewhere never compile it again.

mod output;

use std::{
    any::Any,
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use chacha20::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng, TryRng},
};
pub use output::{Line, Stream};
use wasmtime::{
    Engine, ResourceLimiter, Result,
    component::{Linker, ResourceTable},
};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};

/// The store's data: one call of one filter.
pub struct Ctx {
    /// What the host functions of `snaphook:filter` work on.
    pub call: Box<dyn Any + Send>,
    pub limiter: Limiter,
    settings: Settings,
    // Most filters never call WASI, and building its context costs as much as the rest of the store.
    wasi: Option<Wasi>,
}

struct Wasi {
    ctx: WasiCtx,
    table: ResourceTable,
    output: output::Output,
    clock: Frozen,
    random: Seeded,
}

/// What a call's WASI is made of.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// What every clock says, since 1970-01-01T00:00:00Z.
    pub now: Duration,
    pub seed: [u8; 32],
    /// Bytes of standard output and error together that are kept.
    pub output_bytes: usize,
}

/// Resources that WASI may hold for one call; more traps.
const RESOURCES_MOST: usize = 256;
/// Random bytes that one WASI call may ask for.
const RANDOM_BYTES_MOST: u64 = 64 << 10;

impl Ctx {
    pub fn new(call: Box<dyn Any + Send>, limiter: Limiter, settings: Settings) -> Self {
        Self { call, limiter, settings, wasi: None }
    }

    /// For the next call of an instance that is kept: what the guest holds of WASI stays, and says what belongs to the new
    /// call.
    pub fn begin(&mut self, call: Box<dyn Any + Send>, settings: Settings) {
        self.call = call;
        self.settings = settings;
        self.limiter.refused = false;
        if let Some(wasi) = &self.wasi {
            wasi.clock.set(settings.now);
            wasi.random.seed(settings.seed);
            wasi.output.begin(settings.output_bytes);
        }
    }

    /// What the guest wrote to standard output and error, and how many lines the limit cut off.
    pub fn take_output(&mut self) -> (Vec<Line>, u32) {
        self.wasi.as_mut().map(|wasi| wasi.output.take()).unwrap_or_default()
    }
}

impl std::fmt::Debug for Ctx {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Ctx")
            .field("limiter", &self.limiter)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Wasi {
    fn new(settings: &Settings) -> Self {
        let output = output::Output::new(settings.output_bytes);
        let clock = Frozen::default();
        clock.set(settings.now);
        let random = Seeded::new(settings.seed);
        let mut builder = WasiCtx::builder();
        builder
            .stdout(output.stream(Stream::Stdout))
            .stderr(output.stream(Stream::Stderr))
            .wall_clock(clock.clone())
            .monotonic_clock(clock.clone())
            .secure_random(random.clone())
            .insecure_random(random.clone())
            .insecure_random_seed(u128::from_le_bytes(settings.seed[..16].try_into().expect("16 of 32 bytes")))
            .max_random_size(RANDOM_BYTES_MOST)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false);
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES_MOST);
        Self { ctx: builder.build(), table, output, clock, random }
    }
}

impl WasiView for Ctx {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let wasi = self.wasi.get_or_insert_with(|| Wasi::new(&self.settings));
        WasiCtxView { ctx: &mut wasi.ctx, table: &mut wasi.table }
    }
}

/// A clock that measures nothing, so that a run can be repeated and side channels have no ruler.
#[derive(Debug, Clone, Default)]
struct Frozen(Arc<AtomicU64>);

impl Frozen {
    fn set(&self, now: Duration) {
        self.0.store(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }
}

impl HostWallClock for Frozen {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Relaxed))
    }
}

impl HostMonotonicClock for Frozen {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Random numbers of one call.
#[derive(Debug, Clone)]
struct Seeded(Arc<Mutex<ChaCha20Rng>>);

impl Seeded {
    fn new(seed: [u8; 32]) -> Self {
        Self(Arc::new(Mutex::new(ChaCha20Rng::from_seed(seed))))
    }

    fn seed(&self, seed: [u8; 32]) {
        *self.generator() = ChaCha20Rng::from_seed(seed);
    }

    fn generator(&self) -> std::sync::MutexGuard<'_, ChaCha20Rng> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TryRng for Seeded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.generator().next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.generator().next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.generator().fill_bytes(bytes);
        Ok(())
    }
}

/// Counts linear memory over all memories of an instance and refuses what is over the limit.
#[derive(Debug, Clone, Copy)]
pub struct Limiter {
    memory_most: usize,
    table_most: usize,
    /// Bytes that the instance has now.
    pub memory: usize,
    /// Set once a request was refused: tells a trap for want of memory from other traps.
    pub refused: bool,
}

impl Limiter {
    pub fn new(memory_most: usize, table_most: usize) -> Self {
        Self { memory_most, table_most, memory: 0, refused: false }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        let grown = self.memory.saturating_add(desired.saturating_sub(current));
        if grown > self.memory_most {
            self.refused = true;
            return Ok(false);
        }
        self.memory = grown;
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        let fits = desired <= self.table_most;
        self.refused |= !fits;
        Ok(fits)
    }
}

/// A linker that knows the interfaces of WASI 0.2 (`wasi:cli`, `clocks`, `filesystem`, `io`, `random`, `sockets`).
pub fn linker(engine: &Engine) -> Result<Linker<Ctx>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    Ok(linker)
}

/// A number by chance.
pub fn chance() -> u64 {
    rand::random()
}

/// A seed for one call, from the thread's generator.
pub fn seed() -> [u8; 32] {
    rand::random()
}
