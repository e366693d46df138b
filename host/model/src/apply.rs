//! Applies a verdict to an event. Everything that a guest handed over is checked here, and nothing of it is used before all
//! of it is right.

use bytes::Bytes;

use crate::{Draft, Limits, Name, Phase, Verdict};

mod change;
mod check;
mod describe;
#[cfg(test)]
mod tests;

use change::Changes;
pub use check::{
    CheckedAnswer, REJECTION_STATUSES, RESPONSE_STATUSES, check_answer, check_header, check_header_name, check_key,
    check_label, check_status, cut_reason,
};
pub use describe::{Described, describe};

/// What a verdict may do.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    pub phase: &'a Phase,
    /// Those that the route lists.
    pub destinations: &'a [Name],
    /// Whether a filter that chooses must choose one destination and no more.
    pub exactly_one: bool,
    pub limits: &'a Limits,
    /// The most bytes that the event's body may have after the edits.
    pub body_limit: u64,
}

/// What to do after a verdict.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Go on with the draft.
    Next,
    /// Refuse the event; in phase destination, dead-letter the delivery.
    Reject { answer: CheckedAnswer, reason: String },
    /// Answer the sender at once. Never in phase destination.
    Respond { answer: CheckedAnswer },
    /// Accept the event and forward it nowhere; in phase destination, cancel the delivery.
    Drop { reason: String },
    /// Ask the sender to come again; in phase destination, try the delivery again then.
    RetryLater { seconds: u32 },
}

/// Something that a guest handed over and that cannot be used: failure class `bad-output`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {problem}")]
pub struct BadOutput {
    /// Which part of it: `edits[2] (set header host: example.com)`.
    pub at: String,
    /// Why not, and what would be right.
    pub problem: String,
}

impl BadOutput {
    fn new(at: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { at: at.into(), problem: problem.into() }
    }

    fn below(self, place: &str) -> Self {
        Self { at: format!("{place}.{}", self.at), ..self }
    }
}

/// Applies a verdict to the draft. On an error the draft is as it was, so that the filter can be skipped.
pub fn apply(draft: &mut Draft, verdict: Verdict, rules: &Rules<'_>) -> Result<Step, BadOutput> {
    match verdict {
        Verdict::Pass => Ok(Step::Next),
        Verdict::Edit(edits) => {
            if edits.len() > rules.limits.edits {
                let problem = format!("{} are too many: `limits.edits` is {}", edits.len(), rules.limits.edits);
                return Err(BadOutput::new("edits", problem));
            }
            let mut changes = Changes::default();
            for (index, edit) in edits.iter().enumerate() {
                let wrong = |problem| BadOutput::new(format!("edits[{index}] ({})", describe(edit)), problem);
                changes.add(draft, edit, rules).map_err(wrong)?;
            }
            changes.make(draft, rules.limits).map_err(|problem| BadOutput::new("edits", problem))?;
            Ok(Step::Next)
        }
        Verdict::Reject(rejection) => {
            let answer =
                check_answer(rejection.status, REJECTION_STATUSES, &rejection.headers, Bytes::new(), rules.limits)
                    .map_err(|wrong| wrong.below("reject"))?;
            Ok(Step::Reject { answer, reason: cut_reason(&rejection.reason) })
        }
        Verdict::Respond(_) if matches!(rules.phase, Phase::Destination { .. }) => {
            Err(BadOutput::new("respond", "in phase `destination` no sender waits for an answer"))
        }
        Verdict::Respond(response) => {
            let answer =
                check_answer(response.status, RESPONSE_STATUSES, &response.headers, response.body, rules.limits)
                    .map_err(|wrong| wrong.below("respond"))?;
            Ok(Step::Respond { answer })
        }
        Verdict::Drop { reason } => Ok(Step::Drop { reason: cut_reason(&reason) }),
        Verdict::RetryLater { seconds } => Ok(Step::RetryLater { seconds }),
    }
}
