//! The filters of a route, in order: each sees what the earlier ones made of the event.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::StatusCode;
use model::{
    Draft, Name, Phase, Timestamp, Verdict,
    apply::{self, CheckedAnswer, Described, Rules, Step},
    module::BodyNeed,
    record::{FailureClass, Outcome, Run, Seed},
    spec::Policy,
};

use crate::{
    call::{self, Called, Failure},
    filter::Filter,
    kv::Kv,
    observe,
};

/// What a run is given beside the event.
pub struct Given {
    pub phase: Phase,
    /// What the clock says to the filters.
    pub now: Timestamp,
    /// What their random numbers come from, to repeat a run; by default chance.
    pub seed: Option<Seed>,
    pub kv: Arc<dyn Kv>,
    /// The destinations that the route lists.
    pub destinations: Arc<[Name]>,
    /// Whether a filter that chooses must choose just one (mode `forward`).
    pub exactly_one: bool,
    /// Bytes that the body may have after an edit.
    pub body_limit: u64,
}

impl std::fmt::Debug for Given {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Given").field("phase", &self.phase).field("now", &self.now).finish_non_exhaustive()
    }
}

/// The filters of a route.
#[derive(Debug, Default)]
pub struct Chain {
    filters: Vec<Versions>,
}

/// The versions of a filter that may be called.
#[derive(Debug, Clone)]
pub struct Versions {
    pub active: Arc<Filter>,
    /// The one that ran before, if it is to be called where the active one fails.
    pub previous: Option<Arc<Filter>>,
}

impl From<Arc<Filter>> for Versions {
    fn from(active: Arc<Filter>) -> Self {
        Self { active, previous: None }
    }
}

impl Versions {
    pub fn all(&self) -> impl Iterator<Item = &Arc<Filter>> {
        std::iter::once(&self.active).chain(&self.previous)
    }

    /// What is done about a failure of the active version.
    fn then(&self, class: FailureClass) -> Then<'_> {
        match (self.active.on_failure.policy(class), &self.previous) {
            (Policy::Open, _) => Then::Skip,
            (Policy::Previous, Some(previous)) => Then::Call(previous),
            (Policy::Closed | Policy::Previous, _) => Then::Refuse,
        }
    }
}

/// What is done about a failure.
enum Then<'a> {
    Refuse,
    Skip,
    Call(&'a Arc<Filter>),
}

impl Then<'_> {
    fn policy(&self) -> Policy {
        match self {
            Self::Refuse => Policy::Closed,
            Self::Skip => Policy::Open,
            Self::Call(_) => Policy::Previous,
        }
    }
}

/// What a chain came to.
#[derive(Debug)]
pub struct Ran {
    pub draft: Draft,
    pub end: End,
    /// One for each call, in order.
    pub runs: Vec<Run>,
    /// Whether a filter asked for a reservation (`kv.once`), which must then be settled.
    pub reserved: bool,
}

#[derive(Debug)]
pub enum End {
    /// Every filter let the event go on.
    Passed,
    Rejected {
        answer: CheckedAnswer,
        reason: String,
    },
    Responded {
        answer: CheckedAnswer,
    },
    Dropped {
        reason: String,
    },
    RetryLater {
        seconds: u32,
    },
    /// A filter failed and the event is refused for it.
    Failed {
        status: StatusCode,
        class: FailureClass,
        filter: Name,
        detail: String,
    },
}

impl Chain {
    pub fn new(filters: impl IntoIterator<Item: Into<Versions>>) -> Self {
        Self { filters: filters.into_iter().map(Into::into).collect() }
    }

    pub fn is_empty(&self) -> bool {
        self.filters.is_empty()
    }

    pub fn filters(&self) -> &[Versions] {
        &self.filters
    }

    /// Whether any filter wants the body read before it is called.
    pub fn needs_body(&self) -> bool {
        let mut versions = self.filters.iter().flat_map(Versions::all);
        versions.any(|filter| filter.module.manifest.body == BodyNeed::Buffered)
    }

    /// Runs the chain to its end or to the first filter that decides.
    pub async fn run(&self, draft: Draft, given: &Given) -> Ran {
        let runs = Vec::with_capacity(self.filters.len());
        let mut course = Course { draft: Arc::new(draft), given, runs, reserved: false };
        let mut end = End::Passed;
        for versions in &self.filters {
            if let Some(decided) = course.meet(versions).await {
                end = decided;
                break;
            }
        }
        let Course { draft, runs, reserved, .. } = course;
        Ran { draft: Arc::unwrap_or_clone(draft), end, runs, reserved }
    }
}

/// An event on its way through the chain.
struct Course<'a> {
    draft: Arc<Draft>,
    given: &'a Given,
    runs: Vec<Run>,
    reserved: bool,
}

impl Course<'_> {
    /// How the chain ends with this filter, or nothing if it goes on.
    async fn meet(&mut self, versions: &Versions) -> Option<End> {
        let active = &versions.active;
        match self.call(active, active.limits.wall, |class| versions.then(class)).await {
            Ok(next) => next,
            Err((Then::Skip, _)) => None,
            Err((Then::Refuse, failure)) => Some(refused(active, failure)),
            // Rare: in a box, it does not make the way of every event larger.
            Err((Then::Call(previous), failure)) => Box::pin(self.fall_back(previous, failure)).await,
        }
    }

    /// Calls the version that ran before, for an event that the active one gave no verdict for. There is no third.
    async fn fall_back(&mut self, previous: &Arc<Filter>, failure: Failure) -> Option<End> {
        // An event that found no place has waited for one already.
        let wait = if failure.class == FailureClass::Overload { Duration::ZERO } else { previous.limits.wall };
        match self.call(previous, wait, |_| Then::Refuse).await {
            Ok(next) => next,
            Err((_, also)) => {
                let Failure { class, detail } = failure;
                let detail = format!("{detail}; the previous version: {}: {}", also.class.name(), also.detail);
                Some(refused(previous, Failure { class, detail }))
            }
        }
    }

    /// Calls the filter and applies its verdict; writes down what came of it, and what `then` says about a failure.
    async fn call<'then>(
        &mut self,
        filter: &Arc<Filter>,
        wait: Duration,
        then: impl FnOnce(FailureClass) -> Then<'then>,
    ) -> Result<Option<End>, (Then<'then>, Failure)> {
        let start = Instant::now();
        let mut called = call::handle(filter, &self.draft, self.given, start, wait).await;
        self.reserved |= called.reserved;
        let draft = Arc::make_mut(&mut self.draft);
        let (result, outcome) = match decide(filter, draft, self.given, &mut called) {
            Ok((next, outcome)) => (Ok(next), outcome),
            Err(failure) => {
                let then = then(failure.class);
                let (class, policy, detail) = (failure.class, then.policy(), failure.detail.clone());
                observe::filter_failed(&draft.current.id, filter.name.as_str(), class, policy, &detail);
                (Err((then, failure)), Outcome::Failure { class, policy, detail })
            }
        };
        self.runs.push(record(filter, self.given, outcome, called, start));
        result
    }
}

/// What the call means for the event: how the chain ends, or nothing if it goes on.
fn decide(
    filter: &Filter,
    draft: &mut Draft,
    given: &Given,
    called: &mut Called,
) -> Result<(Option<End>, Outcome), Failure> {
    for grant in &called.denied {
        observe::call_denied(&draft.current.id, filter.name.as_str(), grant);
    }
    if draft.document.is_none() {
        draft.document = called.document.take();
    }
    let verdict = std::mem::replace(&mut called.result, Ok(Verdict::Pass))?;
    let outcome = describe(&verdict);
    let rules = Rules {
        phase: &given.phase,
        destinations: &given.destinations,
        exactly_one: given.exactly_one,
        limits: &filter.limits,
        body_limit: given.body_limit,
    };
    let step =
        apply::apply(draft, verdict, &rules).map_err(|bad| Failure::new(FailureClass::BadOutput, bad.to_string()))?;
    draft.annotations.take(std::mem::take(&mut called.said));
    Ok((ended(step), outcome))
}

fn ended(step: Step) -> Option<End> {
    match step {
        Step::Next => None,
        Step::Reject { answer, reason } => Some(End::Rejected { answer, reason }),
        Step::Respond { answer } => Some(End::Responded { answer }),
        Step::Drop { reason } => Some(End::Dropped { reason }),
        Step::RetryLater { seconds } => Some(End::RetryLater { seconds }),
    }
}

fn refused(filter: &Filter, Failure { class, detail }: Failure) -> End {
    let status = match class {
        FailureClass::Time | FailureClass::Memory | FailureClass::Overload => StatusCode::SERVICE_UNAVAILABLE,
        FailureClass::Trap | FailureClass::Denied | FailureClass::Failed | FailureClass::BadOutput => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    };
    End::Failed { status, class, filter: filter.name.clone(), detail }
}

fn describe(verdict: &Verdict) -> Outcome {
    let edits = match verdict {
        Verdict::Edit(edits) => edits.iter().take(100).map(Described::new).collect(),
        _ => Vec::new(),
    };
    let reason = match verdict {
        Verdict::Reject(rejection) => Some(format!("{}: {}", rejection.status, apply::cut_reason(&rejection.reason))),
        Verdict::Respond(response) => Some(response.status.to_string()),
        Verdict::Drop { reason } => Some(apply::cut_reason(reason)),
        Verdict::RetryLater { seconds } => Some(format!("{seconds} s")),
        Verdict::Pass | Verdict::Edit(_) => None,
    };
    Outcome::Verdict { verdict: verdict.name().into(), edits, reason }
}

fn record(filter: &Filter, given: &Given, outcome: Outcome, called: Called, start: Instant) -> Run {
    Run {
        filter: filter.name.clone(),
        digest: filter.module.digest,
        config_digest: filter.config_digest,
        outcome,
        time_us: u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
        memory_bytes: called.memory as u64,
        logs: called.logs,
        logs_left_out: called.logs_left_out,
        clock: given.now.as_millis(),
        seed: Seed(called.seed),
        denied: called.denied,
    }
}
