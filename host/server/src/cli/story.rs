//! What filters did with an event, told to people.

mod deliveries;

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::{
    record::{Disposition, FailureClass, LogLine, Outcome, Record, Run},
    spec::Policy,
};

use super::show::{self, BAD, FAINT, GOOD, ODD, STRONG, styled};

pub(crate) use deliveries::{delivery, delivery_heading, delivery_whole, standing, whole};

/// One call of one filter: what it decided, its edits, its log, and what it took.
pub(crate) fn run(run: &Run) -> String {
    let (time, memory) = (show::micros(run.time_us), show::bytes(run.memory_bytes));
    let took = styled(FAINT, &format!("{time}, {memory}"));
    let mut text = format!("{}  {}  {took}\n", styled(STRONG, &show::line(run.filter.as_str())), outcome(&run.outcome));
    if let Outcome::Verdict { edits, .. } = &run.outcome {
        edits.iter().for_each(|edit| _ = writeln!(text, "  {}", show::line(&edit.to_string())));
    }
    run.denied.iter().for_each(|name| {
        _ = writeln!(text, "  {}", styled(BAD, &format!("denied for want of a grant: {}", show::line(name))))
    });
    run.logs.iter().for_each(|line| _ = writeln!(text, "  {}", log(line)));
    if run.logs_left_out > 0 {
        _ = writeln!(text, "  {}", styled(FAINT, &format!("{} lines of log were left out", run.logs_left_out)));
    }
    text
}

/// What a call ended with, on one line.
pub(crate) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Verdict { verdict, reason, .. } => {
            let style = match &**verdict {
                "pass" | "edit" | "respond" => GOOD,
                "reject" => BAD,
                _ => ODD,
            };
            let reason = reason.as_deref().map(|reason| format!(" ({})", show::line(reason))).unwrap_or_default();
            format!("{}{reason}", styled(style, &show::line(verdict)))
        }
        Outcome::Failure { class, policy, detail } => {
            let then = match policy {
                Policy::Closed => "",
                Policy::Open => ", skipped",
                Policy::Previous => ", the previous version was called",
            };
            let what = match class {
                FailureClass::Failed => format!("failed{then}:"),
                class => format!("failed: {}{then}", class.name()),
            };
            format!("{} {}", styled(BAD, &what), show::lines(detail).replace('\n', "\n    "))
        }
    }
}

fn log(line: &LogLine) -> String {
    let style = match line.level.as_str() {
        "error" | "stderr" => BAD,
        "warn" => ODD,
        _ => FAINT,
    };
    format!("{} {}", styled(style, &show::line(&line.level)), show::lines(&line.message).replace('\n', "\n    "))
}

/// What became of an event, filled up to `width`.
pub(crate) fn disposition(disposition: Disposition, width: usize) -> String {
    let style = match disposition {
        Disposition::Forwarded | Disposition::Accepted | Disposition::Responded => GOOD,
        Disposition::Dropped => ODD,
        Disposition::Rejected | Disposition::Failed => BAD,
    };
    styled(style, &format!("{:<width$}", disposition.name()))
}

/// The heading over `event`.
pub(crate) fn event_heading() -> String {
    let heading = format!(
        "{:<20}  {:<30}  {:<16}  {:<9}  {:>6}  {:>8}  FILTERS",
        "TIME", "EVENT", "ROUTE", "BECAME", "STATUS", "TOOK"
    );
    styled(STRONG, &heading)
}

/// An event on one line.
pub(crate) fn event(record: &Record) -> String {
    let filters: Vec<String> = record
        .filters
        .iter()
        .map(|run| format!("{} {}", show::line(run.filter.as_str()), styled(FAINT, &show::micros(run.time_us))))
        .collect();
    let reason = record.reason.as_deref().map(|reason| format!("  {}", show::line(reason))).unwrap_or_default();
    format!(
        "{}  {:<30}  {:<16}  {}  {:>6}  {:>8}  {}{reason}",
        show::time(record.received),
        show::line(&record.id),
        show::line(&record.route),
        disposition(record.disposition, 9),
        record.status,
        show::micros(record.duration_us),
        filters.join(" → "),
    )
}

/// A body that came as base64, as lines; what is no text is only counted.
pub(crate) fn body(base64: &str) -> String {
    match STANDARD.decode(base64) {
        Ok(bytes) => body_bytes(&bytes),
        Err(_) => "(a body that cannot be shown)\n".to_owned(),
    }
}

/// A body as lines: JSON is indented, what is no text is only counted.
pub(crate) fn body_bytes(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return String::new();
    }
    let json = serde_json::from_slice::<serde_json::Value>(bytes).ok();
    if let Some(indented) = json.and_then(|json| serde_json::to_string_pretty(&json).ok()) {
        return format!("{indented}\n");
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if text.ends_with('\n') => text.to_owned(),
        Ok(text) => format!("{text}\n"),
        Err(_) => format!("({} that are no text)\n", show::bytes(bytes.len() as u64)),
    }
}

#[cfg(test)]
mod tests {
    use model::{
        Digest,
        record::{FailureClass, Seed},
    };

    use super::*;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    fn a_run(outcome: Outcome) -> Run {
        Run {
            filter: "verify".parse().unwrap(),
            digest: Digest([0; 32]),
            config_digest: Digest([0; 32]),
            outcome,
            time_us: 84,
            memory_bytes: 1_114_112,
            logs: vec![LogLine { level: "info".to_owned(), message: "one\ntwo\u{1b}[2J".to_owned() }],
            logs_left_out: 2,
            clock: 0,
            seed: Seed::default(),
            denied: vec!["secrets.x".to_owned()],
        }
    }

    #[test]
    fn a_run_is_told() {
        let edits = vec!["set header x-a".to_owned().into()];
        let passed = a_run(Outcome::Verdict { verdict: "edit".into(), edits, reason: None });
        assert_eq!(
            plain(&run(&passed)),
            "verify  edit  84 µs, 1088.0 KiB\n  set header x-a\n  denied for want of a grant: secrets.x\n  info one\n    \
             two\\u{1b}[2J\n  2 lines of log were left out\n"
        );
        for (policy, told) in [
            (Policy::Closed, "failed: trap a\n    b"),
            (Policy::Open, "failed: trap, skipped a\n    b"),
            (Policy::Previous, "failed: trap, the previous version was called a\n    b"),
        ] {
            let failed = Outcome::Failure { class: FailureClass::Trap, policy, detail: "a\nb".to_owned() };
            assert_eq!(plain(&outcome(&failed)), told);
        }
    }

    #[test]
    fn an_event_is_a_line() {
        let record = Record {
            id: "evt_01K5QJ0YAVEXAMPLE000000000".to_owned(),
            project: "default".to_owned(),
            route: "github".to_owned(),
            received: 1_790_000_000_000,
            source: "127.0.0.1".to_owned(),
            method: "POST".to_owned(),
            path: "/github".to_owned(),
            revision: 3,
            disposition: Disposition::Rejected,
            status: 401,
            reason: Some("bad\nsignature".to_owned()),
            destination: None,
            labels: Vec::new(),
            idempotency_key: None,
            order_key: None,
            duration_us: 310,
            destination_us: None,
            body_bytes: Some(2),
            filters: vec![a_run(Outcome::Verdict { verdict: "reject".into(), edits: Vec::new(), reason: None })],
            capture: None,
        };
        assert_eq!(
            format!("{}\n{}", plain(&event_heading()), plain(&event(&record))),
            "TIME                  EVENT                           ROUTE             BECAME     STATUS      TOOK  FILTERS\n\
             2026-09-21 14:13:20Z  evt_01K5QJ0YAVEXAMPLE000000000  github            rejected      401    310 µs  verify 84 µs  \
             bad\\nsignature"
        );
    }

    #[test]
    fn bodies_are_shown_as_far_as_they_are_text() {
        assert_eq!(body("eyJhIjoxfQ=="), "{\n  \"a\": 1\n}\n");
        assert_eq!(body("YQ=="), "a\n");
        assert_eq!(body("/w=="), "(1 B that are no text)\n");
        assert_eq!(body(""), "");
    }
}
