//! Applying a verdict to an event of 8 KiB. What it allocates is counted too.

use std::sync::Arc;

use benches::event;
use bytes::Bytes;
use divan::{AllocProfiler, Bencher};
use http::HeaderMap;
use model::{
    Draft, Edit, Event, Limits, Name, Phase, Verdict,
    apply::{Rules, apply},
    limits::BODY_BYTES,
};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

fn run(bencher: Bencher<'_, '_>, verdict: &Verdict) {
    let event = event::event(event::push(8 << 10));
    let destinations: [Name; 1] = ["upstream".parse().expect("a name")];
    let limits = Limits::default();
    let rules = Rules {
        phase: &Phase::Route,
        destinations: &destinations,
        exactly_one: true,
        limits: &limits,
        body_limit: BODY_BYTES,
    };
    let fresh = || {
        // In the gateway nobody else holds the headers.
        let headers = Arc::new(HeaderMap::clone(&event.headers));
        (Draft::new(Event { headers, ..event.clone() }), verdict.clone())
    };
    bencher.with_inputs(fresh).bench_local_values(|(mut draft, verdict)| {
        let step = apply(&mut draft, verdict, &rules);
        assert!(step.is_ok());
        draft
    });
}

#[divan::bench]
fn pass(bencher: Bencher<'_, '_>) {
    run(bencher, &Verdict::Pass);
}

#[divan::bench]
fn set_one_header(bencher: Bencher<'_, '_>) {
    run(bencher, &Verdict::Edit(vec![set_header("x-verified", "1")]));
}

#[divan::bench]
fn edit_headers(bencher: Bencher<'_, '_>) {
    let edits = vec![
        set_header("x-verified", "1"),
        set_header("x-tenant", "octo-org"),
        set_header("content-type", "application/json; charset=utf-8"),
        Edit::AppendHeader(("x-seen-by".to_owned(), b"bench".to_vec())),
        Edit::RemoveHeader("x-github-hook-id".to_owned()),
    ];
    run(bencher, &Verdict::Edit(edits));
}

#[divan::bench]
fn replace_body(bencher: Bencher<'_, '_>) {
    run(bencher, &Verdict::Edit(vec![Edit::ReplaceBody(Bytes::from(vec![b' '; 8 << 10]))]));
}

/// The host parses the body, changes three values and removes one.
#[divan::bench]
fn edit_json(bencher: Bencher<'_, '_>) {
    let set = |pointer: &str, value: &str| Edit::JsonSet { pointer: pointer.to_owned(), value: value.to_owned() };
    let edits = vec![
        set("/repository/full_name", r#""octo-org/renamed""#),
        set("/commits/3/author/name", r#""Grace""#),
        set("/tenant/id", "7"),
        Edit::JsonRemove { pointer: "/sender".to_owned() },
    ];
    run(bencher, &Verdict::Edit(edits));
}

fn set_header(name: &str, value: &str) -> Edit {
    Edit::SetHeader((name.to_owned(), value.as_bytes().to_vec()))
}
