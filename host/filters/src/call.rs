//! One call of one filter: a fresh store, its limits, the call, and what came of it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chacha20::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use http::HeaderMap;
use model::{
    Annotations, Draft, EventId, Limits, Timestamp, Verdict,
    json::{Document, NotJson},
    limits,
    record::{FailureClass, LogLine},
};
use wasi::{Ctx, Limiter};
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, UpdateDeadline};

use crate::{
    abi::Adapter,
    chain::Given,
    engine::{TABLE_ELEMENTS_MOST, TICK},
    filter::Filter,
    kv::Kv,
    module::{Module, Refused},
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

/// Calls the filter for the event as it is now. `draft` is only read: what the filter wants changed is in the verdict.
pub(crate) async fn handle(filter: &Arc<Filter>, draft: &Draft, given: &Given) -> Called {
    let seed = wasi::seed();
    let handling = Handling::new(filter, draft, given);
    let call = Call::new(&filter.limits, given.now, seed, Some(handling));
    let deadline = tokio::time::Instant::now() + filter.limits.wall;
    let Ok(permit) = tokio::time::timeout_at(deadline, filter.lane.permit()).await else {
        return Called::refused(seed, Failure::new(FailureClass::Overload, "no place to run became free in time"));
    };
    let mut store = store(&filter.module, &filter.limits, call, draft.body().len());
    let run = async {
        let Adapter::V0_1(pre) = &filter.module.adapter;
        let instance = pre.instantiate(&mut store).await?;
        instance.handle(&mut store, draft, &given.phase).await
    };
    let result = tokio::time::timeout_at(deadline, run).await;
    let (call, memory, refused) = finish(store);
    drop(permit);
    let result = match result {
        Err(_) => {
            Err(Failure::new(FailureClass::Time, format!("no verdict after {:?} on the clock", filter.limits.wall)))
        }
        Ok(Err(error)) => Err(classify(&error, refused, &filter.limits)),
        Ok(Ok(Ok(verdict))) => Ok(verdict),
        Ok(Ok(Err(text))) => Err(Failure::new(FailureClass::Failed, cut(&text))),
    };
    // Whoever fails after a call was denied fails for want of the grant.
    let result = result.map_err(|failure| match failure.class {
        FailureClass::Failed | FailureClass::Trap if !call.denied.is_empty() => {
            Failure { class: FailureClass::Denied, ..failure }
        }
        _ => failure,
    });
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

/// Runs `configure` under the limits.
pub(crate) async fn configure(
    module: &Module,
    config: &str,
    limits: &Limits,
    now: Timestamp,
) -> Result<Bytes, Refused> {
    let mut store = store(module, limits, Call::new(limits, now, wasi::seed(), None), config.len());
    let run = async {
        let Adapter::V0_1(pre) = &module.adapter;
        let instance = pre.instantiate(&mut store).await?;
        instance.configure(&mut store, config).await
    };
    let result = tokio::time::timeout(limits.wall, run).await;
    let (call, _, refused) = finish(store);
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

/// Instantiates once under the default limits, so that what cannot come up is refused at upload and not at the first
/// event.
pub(crate) async fn try_out(module: &Module) -> Result<(), Refused> {
    let limits = Limits { time: Limits::MOST.time, wall: Limits::MOST.wall, ..Limits::default() };
    let mut store = store(module, &limits, Call::new(&limits, Timestamp::now(), wasi::seed(), None), 0);
    let Adapter::V0_1(pre) = &module.adapter;
    let up = tokio::time::timeout(limits.wall, async { pre.instantiate(&mut store).await.map(drop) }).await;
    let (_, _, refused) = finish(store);
    match up {
        Ok(Ok(())) => Ok(()),
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

pub(crate) fn store(module: &Module, limits: &Limits, call: Call, input_bytes: usize) -> Store<Ctx> {
    let settings = wasi::Settings {
        now: Duration::from_millis(call.now.as_millis()),
        seed: call.seed,
        output_bytes: limits.log_bytes,
    };
    let limiter = Limiter::new(limits.memory_bytes, TABLE_ELEMENTS_MOST);
    let mut store = Store::new(&module.machine.wasm, Ctx::new(Box::new(call), limiter, settings));
    store.limiter(|ctx| &mut ctx.limiter);
    store.set_max_component_handles(HANDLES_MOST);
    allow(&mut store, limits, input_bytes);
    store
}

/// Gives the store the time and the host's memory of one call.
pub(crate) fn allow(store: &mut Store<Ctx>, limits: &Limits, input_bytes: usize) {
    // What a guest can make the host allocate in one call: a verdict, with the names and lists around its bytes.
    store.set_hostcall_fuel(limits.output_bytes.saturating_mul(2).saturating_add(input_bytes).saturating_add(1 << 20));
    let mut ticks = limits.time.as_millis().div_ceil(TICK.as_millis()).max(1);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        ticks -= 1;
        Ok(if ticks == 0 { UpdateDeadline::Interrupt } else { UpdateDeadline::Yield(1) })
    });
}

/// Takes the call's state out of its store, with what the guest printed.
fn finish(mut store: Store<Ctx>) -> (Call, usize, bool) {
    let ctx = store.data_mut();
    let (printed, left_out) = ctx.take_output();
    let Limiter { memory, refused, .. } = ctx.limiter;
    let call: Box<Call> = store.into_data().call.downcast().expect("every store is made with a `Call` in it");
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
