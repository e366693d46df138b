//! All cases of a folder: each is run, held against what it expects, and told.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use bytes::Bytes;
use filters::{Kv as _, Module, kv::Overlay};
use model::{EventId, Faults, record::Seed};
use serde_json::{Value, json};

use super::{
    bless,
    case::{self, Budget, Case},
    expected::{Came, Expected, Kept, Word},
    filter_name,
    rig::{Attaching, Missing, Rig, Turn, load},
};
use crate::cli::{
    Global,
    failure::{Exit, Failure},
    show, story,
};

#[derive(Debug)]
pub(super) struct Suite {
    /// How often each case is run.
    pub(super) runs: u32,
    pub(super) bless: bool,
}

/// What a case came to.
#[derive(Debug)]
struct Tried {
    case: Case,
    came: Came,
    /// Median, microseconds.
    time_us: u64,
    /// The most of all runs.
    memory_bytes: u64,
    /// Expected and come, as far as they differ.
    differs: Option<(Expected, Expected)>,
    /// Beside what is expected: budgets, and runs that were not alike.
    complaints: Vec<String>,
    missing: Vec<Missing>,
    blessed: bool,
}

impl Suite {
    /// Runs them one after another, so that none is measured while another runs.
    pub(super) async fn run(&self, global: &Global, component: &Path, cases: &Path) -> Result<(), Failure> {
        let cases = case::read(cases, &filter_name(component))?;
        let module = load(component).await?;
        let mut results = Vec::with_capacity(cases.len());
        for case in cases {
            let mut result = self.try_case(global, &module, case).await?;
            if self.bless
                && let Some((asked, _)) = &result.differs
            {
                let right = blessed(asked, &result.came);
                bless::write(&result.case.file, &right)?;
                result.blessed = true;
            }
            if !global.json {
                show::print(&told(&result))?;
            }
            results.push(result);
        }
        let failed = results.iter().filter(|result| !result.passed()).count();
        if global.json {
            let items: Vec<Value> = results.iter().map(told_as_json).collect();
            show::print_json(&json!({ "items": items, "passed": results.len() - failed, "failed": failed }))?;
        } else {
            show::print(&summary(&results, failed))?;
        }
        match failed {
            0 => Ok(()),
            failed => {
                let cases = show::count(failed as u64, "case", "cases");
                Err(Failure::new(Exit::Failed, format!("{cases} did not come out as expected")))
            }
        }
    }

    async fn try_case(&self, global: &Global, module: &Arc<Module>, case: Case) -> Result<Tried, Failure> {
        let attaching = Attaching {
            project: global.project.clone(),
            spec: case.spec.clone(),
            usable: case.usable.clone(),
            revealed: case.revealed.clone(),
            destinations: case.destinations.clone(),
            mode: case.mode,
        };
        let rig = Rig::put_up(module, attaching).await.map_err(|faults| at(&case.file, faults))?;
        let mut runs = Vec::with_capacity(self.runs as usize);
        for _ in 0..self.runs {
            let came = once(&rig, &case).await?;
            // Whoever fails time after time is not called for a while, here as on the host.
            let failed = came.word() == Word::Failed;
            runs.push(came);
            if failed {
                break;
            }
        }
        let mut times: Vec<u64> = runs.iter().map(|came| came.run.time_us).collect();
        let time_us = median(&mut times);
        let memory_bytes = runs.iter().map(|came| came.run.memory_bytes).max().unwrap_or_default();
        let first = runs.swap_remove(0);
        let mut complaints = over_budget(case.budget, time_us, memory_bytes, times.len());
        complaints.extend(unlike(&first, &runs));
        let asked = case.expect.clone().unwrap_or_default();
        let came = first.narrowed_to(&asked);
        let differs = (case.expect.is_none() || asked.clone().normal() != came).then_some((asked, came));
        let missing = rig.missing;
        Ok(Tried { case, came: first, time_us, memory_bytes, differs, complaints, missing, blessed: false })
    }
}

/// Faults of the attachment, in the file that says it.
fn at(file: &Path, mut faults: Faults) -> Failure {
    for fault in &mut faults.0 {
        let place = if fault.at.is_empty() { String::new() } else { format!(": {}", fault.at) };
        fault.at = format!("{}{place}", file.display());
    }
    faults.into()
}

/// One run of a case: the event comes as often as the case says, and the last time counts. Time, ids and random numbers are
/// always the same, so that what comes is.
async fn once(rig: &Rig, case: &Case) -> Result<Came, Failure> {
    let kv = Arc::new(Overlay::default());
    for (namespace, values) in &case.kv {
        for (key, value) in values {
            let kept = kv.set(&rig.scope(namespace), key, Bytes::from(value.clone()), None, case.time).await;
            kept.map_err(|error| Failure::failed(format!("`{}`: kv.{namespace}: {error}", case.file.display())))?;
        }
    }
    let mut event = rig.event(case.event.clone(), EventId::new(case.time, 0), case.time);
    event.source = case.source;
    event.attributes = case.params.iter().map(|(name, value)| (format!("path.{name}"), value.clone())).collect();
    let turn = Turn { now: case.time, seed: Some(Seed::default()), kv: &kv };
    let mut before = case.kv.clone();
    for time in 1..=case.times {
        // Another event, or it would not be told from the one before.
        event.id = EventId::new(case.time, u128::from(time));
        let ran = rig.call(&event, &turn).await;
        let after = kept(rig, case, &kv);
        if time == case.times {
            let came = Came::new(&event, ran, before, after);
            return came.ok_or_else(|| Failure::failed("the filter was not called"));
        }
        before = after;
    }
    unreachable!("a case runs at least once");
}

fn kept(rig: &Rig, case: &Case, kv: &Overlay) -> Kept {
    let values = |namespace: &String| {
        let values = kv.values(&rig.scope(namespace), case.time).into_iter();
        values.map(|(key, value)| (key, value.to_vec())).collect::<BTreeMap<_, _>>()
    };
    case.kv.keys().map(|namespace| (namespace.clone(), values(namespace))).collect()
}

fn median(times: &mut [u64]) -> u64 {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn over_budget(budget: Budget, time_us: u64, memory_bytes: u64, runs: usize) -> Vec<String> {
    let time = budget.max_us.filter(|most| time_us > *most).map(|most| {
        format!("took {time_us} µs, the median of {}; its budget is {most} µs", show::count(runs as u64, "run", "runs"))
    });
    let kib = memory_bytes.div_ceil(1 << 10);
    let memory = budget.max_memory_kib.filter(|most| kib > *most);
    let memory = memory.map(|most| format!("took {kib} KiB of memory; its budget is {most} KiB"));
    time.into_iter().chain(memory).collect()
}

/// A filter that keeps something in memory from one event to the next may do otherwise the next time.
fn unlike(first: &Came, others: &[Came]) -> Option<String> {
    let whole = first.whole();
    let other = others.iter().find(|other| other.whole() != whole)?;
    Some(format!(
        "was not the same each time it was run: {} and {}; does it keep something from one event to the next?",
        anstream::adapter::strip_str(&story::outcome(&first.run.outcome)),
        anstream::adapter::strip_str(&story::outcome(&other.run.outcome))
    ))
}

/// What is right from now on: as much as the case asked for; all, if it asked for nothing or another verdict came.
fn blessed(asked: &Expected, came: &Came) -> Expected {
    let same_verdict = asked.word().is_none_or(|word| word == came.word());
    if *asked == Expected::default() || !same_verdict { came.whole() } else { came.narrowed_to(asked) }
}

impl Tried {
    fn passed(&self) -> bool {
        (self.differs.is_none() || self.blessed) && self.complaints.is_empty()
    }
}

fn told(result: &Tried) -> String {
    let (style, word) = match (result.passed(), result.blessed) {
        (true, false) => (show::GOOD, "pass"),
        (true, true) => (show::ODD, "blessed"),
        (false, _) => (show::BAD, "fail"),
    };
    let took = format!("{}, {}", show::micros(result.time_us), show::bytes(result.memory_bytes));
    let mut text = format!(
        "{}  {}  {}  {}\n",
        show::styled(style, &format!("{word:<7}")),
        show::styled(show::STRONG, &show::line(&result.case.name)),
        story::outcome(&result.came.run.outcome),
        show::styled(show::FAINT, &took),
    );
    let indented = |lines: &str| lines.lines().map(|line| format!("    {line}\n")).collect::<String>();
    if let Some((asked, came)) = &result.differs {
        let before = if *asked == Expected::default() { String::new() } else { asked.clone().normal().text() };
        let after = if result.blessed || before.is_empty() { blessed(asked, &result.came).text() } else { came.text() };
        if before.is_empty() && !result.blessed {
            text.push_str("    nothing is expected; with --bless it is this:\n");
        }
        text.push_str(&indented(&show::diff(&before, &after)));
    }
    result.complaints.iter().for_each(|complaint| text.push_str(&format!("    {}\n", show::line(complaint))));
    if !result.passed() {
        result.missing.iter().for_each(|missing| text.push_str(&format!("    {}\n", show::line(&hint(missing)))));
    }
    text
}

fn hint(missing: &Missing) -> String {
    match missing {
        Missing::Secret(name) => format!("the filter asks for secret `{name}`: [secrets] {name} = \"VALUE\""),
        Missing::Reveal(name) => format!("the filter asks to read secret `{name}`: [reveal] {name} = \"VALUE\""),
        Missing::Kv(name) => format!("the filter asks for key-value namespace `{name}`: [kv.{name}]"),
    }
}

fn summary(results: &[Tried], failed: usize) -> String {
    let blessed = results.iter().filter(|result| result.blessed).count();
    let blessed = if blessed == 0 { String::new() } else { format!(", {blessed} blessed") };
    let cases = show::count(results.len() as u64, "case", "cases");
    format!("\n{cases}: {} passed, {failed} failed{blessed}\n", results.len() - failed)
}

fn told_as_json(result: &Tried) -> Value {
    json!({
        "case": result.case.name,
        "file": result.case.file,
        "passed": result.passed(),
        "blessed": result.blessed,
        "time_us": result.time_us,
        "memory_bytes": result.memory_bytes,
        "run": result.came.run,
        "expected": result.differs.as_ref().map(|(asked, _)| asked),
        "came": result.differs.as_ref().map(|(asked, _)| blessed(asked, &result.came)),
        "complaints": result.complaints,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!([median(&mut [9, 1, 5]), median(&mut [4]), median(&mut [2, 1])], [5, 4, 2]);
    }

    #[test]
    fn budgets_are_kept() {
        let budget = Budget { max_us: Some(100), max_memory_kib: Some(64) };
        assert_eq!(over_budget(budget, 100, 64 << 10, 1), Vec::<String>::new());
        assert_eq!(
            over_budget(budget, 101, (64 << 10) + 1, 9),
            ["took 101 µs, the median of 9 runs; its budget is 100 µs", "took 65 KiB of memory; its budget is 64 KiB"]
        );
        assert_eq!(over_budget(Budget::default(), u64::MAX, u64::MAX, 1), Vec::<String>::new());
    }
}
