//! What stories are told with: the whole platform, destinations that follow a script, senders of several kinds.

mod answer;
mod api;
mod destination;
mod module;
mod platform;
mod program;
mod wire;

use std::time::{Duration, Instant};

pub(crate) use answer::{Answer, unbase64};
pub(crate) use api::Api;
pub(crate) use destination::{Destination, Gate, Received, Reply};
pub(crate) use module::{component, guest, guest_file};
pub(crate) use platform::{Platform, told};
pub(crate) use program::{Ended, Host, Program, free_port, repository, snaphook, target};
pub(crate) use wire::Wire;

/// How long something may take to come true. Nothing takes this long unless it is broken, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks again and again until there is something to see.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < end, "this never came true: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What the future comes to; panics if it comes to nothing.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let Ok(output) = tokio::time::timeout(PATIENCE, future).await else { panic!("this never ended: {what}") };
    output
}

/// Only what the body of an answer may say about what went wrong inside: nothing.
#[track_caller]
pub(crate) fn assert_no_inside(answer: &Answer, inside: &[&str]) {
    for word in inside {
        let shown = format!("{:?} {}", answer.headers, answer.text());
        assert!(!shown.to_lowercase().contains(&word.to_lowercase()), "the answer tells `{word}`: {shown}");
    }
}
