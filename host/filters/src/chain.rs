//! The filters of a route, in order: each sees what the earlier ones made of the event.

use std::{sync::Arc, time::Instant};

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
    filters: Vec<Arc<Filter>>,
}

/// What a chain came to.
#[derive(Debug)]
pub struct Ran {
    pub draft: Draft,
    pub end: End,
    /// One for each filter that was called.
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
    /// A filter failed and its attachment is closed.
    Failed {
        status: StatusCode,
        class: FailureClass,
        filter: Name,
        detail: String,
    },
}

impl Chain {
    pub fn new(filters: Vec<Arc<Filter>>) -> Self {
        Self { filters }
    }

    pub fn is_empty(&self) -> bool {
        self.filters.is_empty()
    }

    pub fn filters(&self) -> &[Arc<Filter>] {
        &self.filters
    }

    /// Whether any filter wants the body read before it is called.
    pub fn needs_body(&self) -> bool {
        self.filters.iter().any(|filter| filter.module.manifest.body == BodyNeed::Buffered)
    }

    /// Runs the chain to its end or to the first filter that decides.
    pub async fn run(&self, draft: Draft, given: &Given) -> Ran {
        let mut draft = Arc::new(draft);
        let mut runs = Vec::with_capacity(self.filters.len());
        let mut reserved = false;
        let mut end = End::Passed;
        for filter in &self.filters {
            let start = Instant::now();
            let called = call::handle(filter, &draft, given, start).await;
            reserved |= called.reserved;
            let (next, outcome, called) = decide(filter, Arc::make_mut(&mut draft), given, called);
            runs.push(record(filter, given, outcome, called, start));
            if let Some(decided) = next {
                end = decided;
                break;
            }
        }
        Ran { draft: Arc::unwrap_or_clone(draft), end, runs, reserved }
    }
}

/// What the call means for the event: how the chain ends, or nothing if it goes on.
fn decide(filter: &Filter, draft: &mut Draft, given: &Given, mut called: Called) -> (Option<End>, Outcome, Called) {
    for grant in &called.denied {
        observe::call_denied(&draft.current.id, filter.name.as_str(), grant);
    }
    if draft.document.is_none() {
        draft.document = called.document.take();
    }
    let result = std::mem::replace(&mut called.result, Ok(Verdict::Pass));
    let applied = result.and_then(|verdict| {
        let outcome = describe(&verdict);
        let rules = Rules {
            phase: &given.phase,
            destinations: &given.destinations,
            exactly_one: given.exactly_one,
            limits: &filter.limits,
            body_limit: given.body_limit,
        };
        let step = apply::apply(draft, verdict, &rules);
        step.map(|step| (step, outcome)).map_err(|bad| Failure::new(FailureClass::BadOutput, bad.to_string()))
    });
    match applied {
        Ok((step, outcome)) => {
            draft.annotations.take(std::mem::take(&mut called.said));
            (ended(step), outcome, called)
        }
        Err(failure) => {
            let (end, outcome) = failed(filter, draft, failure);
            (end, outcome, called)
        }
    }
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

fn failed(filter: &Filter, draft: &Draft, Failure { class, detail }: Failure) -> (Option<End>, Outcome) {
    let skipped = filter.on_failure.policy(class) == Policy::Open;
    observe::filter_failed(&draft.current.id, filter.name.as_str(), class, skipped, &detail);
    let outcome = Outcome::Failure { class, skipped, detail: detail.clone() };
    if skipped {
        return (None, outcome);
    }
    let status = match class {
        FailureClass::Time | FailureClass::Memory | FailureClass::Overload => StatusCode::SERVICE_UNAVAILABLE,
        FailureClass::Trap | FailureClass::Denied | FailureClass::Failed | FailureClass::BadOutput => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    };
    (Some(End::Failed { status, class, filter: filter.name.clone(), detail }), outcome)
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
