//! One call of one filter: a fresh store, its limits, the call, and what came of it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use chacha20::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use http::HeaderMap;
use model::{
    Annotations, Draft, EventId, Limits, Phase, Timestamp, Verdict,
    json::{self, Document, NotJson},
    limits,
    record::{FailureClass, LogLine},
};
use tokio::sync::OwnedSemaphorePermit;
use wasi::{Ctx, Limiter};
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, UpdateDeadline};

use crate::{
    abi::{Adapter, Instance},
    chain::Given,
    engine::TABLE_ELEMENTS_MOST,
    filter::Filter,
    kv::Kv,
    meter,
    module::{FRESH_MOST, Module, Refused},
    observe, pulse,
    warm::{Life, Warm},
};

/// Handles of resources that one call may hold.
const HANDLES_MOST: usize = 1_000;

/// What the host functions work on.
pub(crate) struct Call {
    /// None while a configuration is checked.
    pub(crate) handling: Option<Handling>,
    pub(crate) log: Log,
    pub(crate) now: Timestamp,
    seed: [u8; 32],
    random: Option<ChaCha20Rng>,
    /// Grants that were missing, each once.
    denied: Vec<String>,
}

/// The event that a call handles: shared, never copied.
pub(crate) struct Handling {
    pub(crate) filter: Arc<Filter>,
    pub(crate) event: EventId,
    pub(crate) headers: Arc<HeaderMap>,
    pub(crate) body: Bytes,
    pub(crate) original: Bytes,
    pub(crate) said: Annotations,
    pub(crate) kv: Arc<dyn Kv>,
    pub(crate) kv_calls: u32,
    pub(crate) reserved: bool,
    /// Where the last lookup was, in the current body and in the original one.
    pub(crate) places: [json::Place; 2],
    document: Option<Result<Arc<Document>, NotJson>>,
    original_document: Option<Result<Arc<Document>, NotJson>>,
}

impl Handling {
    pub(crate) fn new(filter: &Arc<Filter>, draft: &Draft, given: &Given) -> Self {
        Self {
            filter: Arc::clone(filter),
            event: draft.current.id,
            headers: Arc::clone(&draft.current.headers),
            body: draft.body().clone(),
            original: draft.original.clone(),
            said: Annotations::default(),
            kv: Arc::clone(&given.kv),
            kv_calls: 0,
            reserved: false,
            places: Default::default(),
            document: draft.document.clone(),
            original_document: None,
        }
    }

    /// The body as JSON, parsed once for the whole chain unless a filter changed it.
    pub(crate) fn document(&mut self, original: bool) -> Result<Arc<Document>, NotJson> {
        let same = self.original.as_ptr() == self.body.as_ptr() && self.original.len() == self.body.len();
        let (text, document) = match original && !same {
            true => (&self.original, &mut self.original_document),
            false => (&self.body, &mut self.document),
        };
        document.get_or_insert_with(|| Document::parse(text.clone()).map(Arc::new)).clone()
    }
}

/// A filter's log for one call, bounded.
pub(crate) struct Log {
    lines: Vec<LogLine>,
    lines_room: u32,
    bytes_room: usize,
    left_out: u32,
}

impl Log {
    fn new(limits: &Limits) -> Self {
        Self { lines: Vec::new(), lines_room: limits.log_lines, bytes_room: limits.log_bytes, left_out: 0 }
    }

    pub(crate) fn write(&mut self, level: &str, message: String) {
        if self.lines_room == 0 || message.len() > self.bytes_room {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        self.lines_room -= 1;
        self.bytes_room -= message.len();
        self.lines.push(LogLine { level: level.to_owned(), message });
    }
}

impl Call {
    pub(crate) fn new(limits: &Limits, now: Timestamp, seed: [u8; 32], handling: Option<Handling>) -> Self {
        Self { handling, log: Log::new(limits), now, seed, random: None, denied: Vec::new() }
    }

    pub(crate) fn random(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.random.get_or_insert_with(|| ChaCha20Rng::from_seed(self.seed)).fill_bytes(&mut bytes);
        bytes
    }

    pub(crate) fn deny(&mut self, grant: &str) {
        if !self.denied.iter().any(|known| known == grant) && self.denied.len() < 32 {
            self.denied.push(grant.chars().take(128).collect());
        }
    }
}

/// Why there is no verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) class: FailureClass,
    pub(crate) detail: String,
}

impl Failure {
    pub(crate) fn new(class: FailureClass, detail: impl Into<String>) -> Self {
        Self { class, detail: detail.into() }
    }
}

/// What came of a call, its failure included.
pub(crate) struct Called {
    pub(crate) result: Result<Verdict, Failure>,
    pub(crate) said: Annotations,
    pub(crate) document: Option<Result<Arc<Document>, NotJson>>,
    pub(crate) reserved: bool,
    pub(crate) memory: usize,
    pub(crate) logs: Vec<LogLine>,
    pub(crate) logs_left_out: u32,
    pub(crate) denied: Vec<String>,
    pub(crate) seed: [u8; 32],
}

impl Called {
    /// A call that never began.
    fn refused(seed: [u8; 32], failure: Failure) -> Self {
        Self {
            result: Err(failure),
            said: Annotations::default(),
            document: None,
            reserved: false,
            memory: 0,
            logs: Vec::new(),
            logs_left_out: 0,
            denied: Vec::new(),
            seed,
        }
    }
}

/// Calls the filter for the event as it is now, if a place becomes free within `wait`. `draft` is only read: what the
/// filter wants changed is in the verdict.
pub(crate) async fn handle(
    filter: &Arc<Filter>,
    draft: &Arc<Draft>,
    given: &Given,
    start: Instant,
    wait: Duration,
) -> Called {
    let seed = given.seed.map_or_else(wasi::seed, |seed| seed.0);
    if let Some((class, left)) = filter.breaker.refuses(start) {
        let detail = format!("not called for another {} ms, because it failed time after time", left.as_millis());
        return Called::refused(seed, Failure::new(class, detail));
    }
    let deadline = tokio::time::Instant::from_std(start + filter.limits.wall);
    let Some(permit) = Permit::until(filter, tokio::time::Instant::from_std(start + wait)).await else {
        return Called::refused(seed, Failure::new(FailureClass::Overload, "no place to run became free in time"));
    };
    let call = Call::new(&filter.limits, given.now, seed, Some(Handling::new(filter, draft, given)));
    let (store, instance, life) = match filter.waiting.as_ref().and_then(|waiting| waiting.take(start)) {
        Some(Warm { mut store, instance, life }) => {
            begin(&mut store, &filter.limits, call, draft.body().len());
            (store, Some(instance), life)
        }
        None => {
            let store = store(&filter.module, &filter.limits, call, draft.body().len());
            (store, None, Life::new(filter.waiting.as_ref().map_or(0, |_| wasi::chance()), start))
        }
    };
    let call = Box::pin(run(permit, Arc::clone(draft), given.phase.clone(), store, instance, deadline));
    let done = filter.module.machine.slow.run(call, &filter.slow_turns, deadline).await;
    let Some(Done { permit, mut store, instance, result }) = done else {
        observe::host_panicked(&draft.current.id, filter.name.as_str());
        let failure = Failure::new(FailureClass::Trap, "the host failed while it served the call");
        // Nobody knows any more whether it asked for a reservation, and the event may still be accepted.
        return Called { reserved: true, ..Called::refused(seed, failure) };
    };
    let (call, memory, refused) = finish(&mut store);
    if let (Some(waiting), Some(instance), Ok(Ok(_))) = (&filter.waiting, instance, &result) {
        waiting.put(store, instance, life, memory, start);
    } else {
        drop(store);
    }
    drop(permit);
    let result = judge(result, refused, &call, filter);
    let handling = call.handling.expect("was put in above");
    Called {
        result,
        said: handling.said,
        // A document that was parsed while the guest was cut off is as good as any.
        document: handling.document,
        reserved: handling.reserved,
        memory,
        logs: call.log.lines,
        logs_left_out: call.log.left_out,
        denied: call.denied,
        seed,
    }
}

/// The right to run one call of a filter, given back when dropped.
struct Permit(Arc<Filter>);

impl Permit {
    async fn until(filter: &Arc<Filter>, deadline: tokio::time::Instant) -> Option<Self> {
        filter.lane.take_until(deadline).await.then(|| Self(Arc::clone(filter)))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.lane.give_back();
    }
}

/// A call that came to its end, with what it ran on. The permit goes last here too.
struct Done {
    store: Store<Ctx>,
    instance: Option<Instance>,
    result: Outcome<Result<Verdict, String>>,
    permit: Permit,
}

/// What the guest returned; or why it did not, or that its time on the clock was over.
type Outcome<T> = Result<wasmtime::Result<T>, tokio::time::error::Elapsed>;

/// Owns all that it needs, so that it can be moved to another thread while it runs. Given up on the way, it drops its store
/// before its permit: a place is free only once nothing is in it.
async fn run(
    permit: Permit,
    draft: Arc<Draft>,
    phase: Phase,
    mut store: Store<Ctx>,
    mut instance: Option<Instance>,
    deadline: tokio::time::Instant,
) -> Done {
    let work = async {
        let Adapter::V0_1(pre) = &permit.0.module.adapter;
        let instance = match &mut instance {
            Some(instance) => instance,
            none => none.insert(pre.instantiate(&mut store).await?),
        };
        instance.handle(&mut store, &draft, &phase).await
    };
    let result = tokio::time::timeout_at(deadline, work).await;
    Done { store, instance, result, permit }
}

fn judge(
    result: Outcome<Result<Verdict, String>>,
    memory_refused: bool,
    call: &Call,
    filter: &Filter,
) -> Result<Verdict, Failure> {
    let result = match result {
        Err(_) => {
            Err(Failure::new(FailureClass::Time, format!("no verdict after {:?} on the clock", filter.limits.wall)))
        }
        Ok(Err(error)) => Err(classify(&error, memory_refused, &filter.limits)),
        Ok(Ok(returned)) => {
            filter.breaker.succeeded();
            returned.map_err(|text| Failure::new(FailureClass::Failed, cut(&text)))
        }
    };
    // Whoever fails after a call was denied fails for want of the grant.
    let result = result.map_err(|failure| match failure.class {
        FailureClass::Failed | FailureClass::Trap if !call.denied.is_empty() => {
            Failure { class: FailureClass::Denied, ..failure }
        }
        _ => failure,
    });
    if let Err(failure) = &result
        && let Some(pause) = filter.breaker.failed(failure.class, Instant::now())
    {
        observe::filter_called_off(filter, failure.class, pause);
    }
    result
}

/// Runs `configure` under the limits.
pub(crate) async fn configure(
    module: &Arc<Module>,
    config: &str,
    limits: &Limits,
    now: Timestamp,
) -> Result<Bytes, Refused> {
    let places = places(module).await?;
    let store = store(module, limits, Call::new(limits, now, wasi::seed(), None), config.len());
    let deadline = tokio::time::Instant::now() + limits.wall;
    let (owned, text) = (Arc::clone(module), config.to_owned());
    let work = async move {
        let places = places;
        let mut store = store;
        let work = async {
            let Adapter::V0_1(pre) = &owned.adapter;
            let instance = pre.instantiate(&mut store).await?;
            instance.configure(&mut store, &text).await
        };
        let result = tokio::time::timeout_at(deadline, work).await;
        (store, result, places)
    };
    let done = module.machine.slow.run(Box::pin(work), &module.machine.slow_turns, deadline).await;
    let Some((store, result, _places)) = done else {
        return Err(Refused("the host failed while the filter checked its configuration".to_owned()));
    };
    let mut store = store;
    let (call, _, refused) = finish(&mut store);
    let said = || call.log.lines.last().map(|line| format!("; its last line of log: {}", line.message));
    match result {
        Ok(Ok(Ok(prepared))) if prepared.len() > limits::CONFIG_BYTES_MOST => Err(Refused(format!(
            "the filter prepared {} bytes out of its configuration, at most {} are kept",
            prepared.len(),
            limits::CONFIG_BYTES_MOST
        ))),
        Ok(Ok(Ok(prepared))) => Ok(prepared.into()),
        Ok(Ok(Err(text))) => Err(Refused(format!("the filter refuses its configuration: {}", cut(&text)))),
        Ok(Err(error)) => {
            let failure = classify(&error, refused, limits);
            let (class, detail) = (failure.class.name(), failure.detail);
            Err(Refused(format!(
                "the filter failed to check its configuration ({class}): {detail}{}",
                said().unwrap_or_default()
            )))
        }
        Err(_) => Err(Refused(format!(
            "the filter took longer than {:?} to check its configuration: raise `limits.wall_ms` or do less",
            limits.wall
        ))),
    }
}

/// Instantiates under the default limits, so that what cannot come up is refused at upload and not at the first event.
/// Returns what an instance and a first call cost once they were had before, in the processor's time: a busy machine makes
/// no filter dearer.
pub(crate) async fn try_out(module: &Arc<Module>) -> Result<Duration, Refused> {
    const TRIES: u32 = 10;
    let mut least = Duration::MAX;
    for _ in 0..TRIES {
        least = least.min(bring_up(module).await?);
        if least > FRESH_MOST * 10 {
            break;
        }
    }
    Ok(least)
}

/// Room for an instance that serves no event.
async fn places(module: &Module) -> Result<OwnedSemaphorePermit, Refused> {
    let deadline = tokio::time::Instant::now() + Limits::MOST.wall;
    let places = module.machine.places_until(module.memories, deadline).await;
    places.ok_or_else(|| Refused("no place to run became free: filters take up all of `filters.calls`".to_owned()))
}

async fn bring_up(module: &Arc<Module>) -> Result<Duration, Refused> {
    let limits = Limits { time: Limits::MOST.time, wall: Limits::MOST.wall, ..Limits::default() };
    let places = places(module).await?;
    let began = meter::Began::now();
    let store = store(module, &limits, Call::new(&limits, Timestamp::now(), wasi::seed(), None), 0);
    let deadline = tokio::time::Instant::now() + limits.wall;
    let owned = Arc::clone(module);
    let work = async move {
        let places = places;
        let mut store = store;
        let Adapter::V0_1(pre) = &owned.adapter;
        let up = tokio::time::timeout_at(deadline, async {
            let instance = pre.instantiate(&mut store).await?;
            // Interpreters come up with a look at their memory and do their work in the first call. What it says is of no
            // consequence: no configuration was given.
            allow(&mut store, &Limits::default(), 0);
            _ = instance.configure(&mut store, "{}").await;
            Ok(())
        });
        let up = up.await;
        (store, up, places)
    };
    let done = module.machine.slow.run(Box::pin(work), &module.machine.slow_turns, deadline).await;
    let Some((store, up, _places)) = done else {
        return Err(Refused("the host failed while the component came up".to_owned()));
    };
    let mut store = store;
    let (_, _, refused) = finish(&mut store);
    match up {
        Ok(Ok(())) => {
            drop(store);
            Ok(began.cost())
        }
        Ok(Err(error)) => {
            let failure = classify(&error, refused, &limits);
            Err(Refused(format!(
                "the component does not come up under the default limits ({}): {}",
                failure.class.name(),
                failure.detail
            )))
        }
        Err(_) => Err(Refused(format!("the component does not come up within {:?}", limits.wall))),
    }
}

fn store(module: &Module, limits: &Limits, call: Call, input_bytes: usize) -> Store<Ctx> {
    let limiter = Limiter::new(limits.memory_bytes, TABLE_ELEMENTS_MOST);
    let settings = settings(&call, limits);
    let mut store = Store::new(&module.machine.wasm, Ctx::new(Box::new(call), limiter, settings));
    store.limiter(|ctx| &mut ctx.limiter);
    store.set_max_component_handles(HANDLES_MOST);
    allow(&mut store, limits, input_bytes);
    store
}

/// Another call on a store that has served before.
fn begin(store: &mut Store<Ctx>, limits: &Limits, call: Call, input_bytes: usize) {
    let settings = settings(&call, limits);
    store.data_mut().begin(Box::new(call), settings);
    allow(store, limits, input_bytes);
}

fn settings(call: &Call, limits: &Limits) -> wasi::Settings {
    let now = Duration::from_millis(call.now.as_millis());
    wasi::Settings { now, seed: call.seed, output_bytes: limits.log_bytes }
}

/// Gives the store the time and the host's memory of one call.
fn allow(store: &mut Store<Ctx>, limits: &Limits, input_bytes: usize) {
    pulse::beat();
    // What a guest can make the host allocate in one call: a verdict, with the names and lists around its bytes.
    store.set_hostcall_fuel(limits.output_bytes.saturating_mul(2).saturating_add(input_bytes).saturating_add(1 << 20));
    let mut left = limits.time;
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        left = left.saturating_sub(meter::charge());
        Ok(if left.is_zero() { UpdateDeadline::Interrupt } else { UpdateDeadline::Yield(1) })
    });
}

/// Takes the call's state out of its store, with what the guest printed.
fn finish(store: &mut Store<Ctx>) -> (Call, usize, bool) {
    let ctx = store.data_mut();
    let (printed, left_out) = ctx.take_output();
    let Limiter { memory, refused, .. } = ctx.limiter;
    let call = std::mem::replace(&mut ctx.call, Box::new(()));
    let call: Box<Call> = call.downcast().expect("every call begins with a `Call` in its store");
    let mut call = *call;
    for line in printed {
        let level = match line.stream {
            wasi::Stream::Stdout => "stdout",
            wasi::Stream::Stderr => "stderr",
        };
        call.log.write(level, line.text);
    }
    call.log.left_out = call.log.left_out.saturating_add(left_out);
    (call, memory, refused)
}

fn classify(error: &wasmtime::Error, memory_refused: bool, limits: &Limits) -> Failure {
    if error.is::<PoolConcurrencyLimitError>() {
        return Failure::new(FailureClass::Overload, "no free place in the pool of instances");
    }
    if matches!(error.downcast_ref::<Trap>(), Some(Trap::Interrupt)) {
        return Failure::new(FailureClass::Time, format!("computed longer than {:?}", limits.time));
    }
    if memory_refused {
        let detail = format!(
            "asked for more than {} bytes of memory or {TABLE_ELEMENTS_MOST} table elements",
            limits.memory_bytes
        );
        return Failure::new(FailureClass::Memory, detail);
    }
    // What happened, before where it happened: a long way there is cut off.
    let (cause, whole) = (error.root_cause().to_string(), error.to_string());
    let detail = if cause == whole { whole } else { format!("{cause}\n{whole}") };
    Failure::new(FailureClass::Trap, cut(&detail))
}

/// A guest's text, short enough to keep.
fn cut(text: &str) -> String {
    let end = text.floor_char_boundary(limits::REASON_BYTES_MOST);
    text[..end].to_owned()
}
