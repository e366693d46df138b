//! Uploads that mean harm: each is refused and said why, or is a filter like any other. Nobody else is held up.

use std::{fmt::Write as _, time::Instant};

use serde_json::json;

use super::{Arena, made};
use crate::support::component;

/// Uploads one after the other; `said` is the beginning of the refusal, after `…` any part of it, or empty if it is a
/// filter, which then has to work.
async fn uploads(arena: &Arena, rows: Vec<(&str, Vec<u8>, &str)>) {
    for (what, bytes, said) in rows {
        let (served, length, start) = (arena.neighbour().served(), bytes.len(), Instant::now());
        let answer = arena.api.upload("bad", bytes).await;
        println!("{what}: {length} bytes, {} after {:?}", answer.status, start.elapsed());
        if said.is_empty() {
            assert!(matches!(answer.status, 200 | 201), "{what}: {}", answer.text());
            arena.attach(json!([{"module": "bad"}])).await.expect(200);
            arena.tell("", "").await.expect(200);
        } else {
            assert_eq!(answer.status, 422, "{what}: {}", answer.text());
            let faults = answer.faults(422);
            let fits = said.strip_prefix('…').map_or(faults.starts_with(said), |part| faults.contains(part));
            assert!(fits, "{what}: {faults}\nand not {said}");
        }
        arena.neighbour().is_served_after(served).await;
    }
}

const INVALID: &str = "the component is not valid: ";
const NO_FILTER: &str = "the component does not export `snaphook:filter/handler@0.1.0`";
const EXPORTS: &str = "the component's exports do not fit world `snaphook:filter/filter@0.1.0`: ";
const TYPES: &str = "the component does not come up under the default limits (trap): ";
const IMPORTS: &str = "the component's imports do not fit what this host offers: ";

/// A component that exports a handler with these functions.
fn handler(types: &str, handle: &str, configure: &str) -> Vec<u8> {
    made::dummy(&format!(
        "package hostile:guests;
         world guest {{ export snaphook:filter/handler@0.1.0; }}
         package snaphook:filter@0.1.0 {{
             interface handler {{ {types} {handle} {configure} }}
         }}"
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_wrong_shape() {
    let arena = Arena::open().await;
    let configure = "configure: func(config: string) -> result<list<u8>, string>;";
    let none = "(instance $none) (export \"snaphook:filter/handler@0.1.0\" (instance $none))";
    let import = |text: &str| component(&format!("(component (import {text}) {none})"));
    let instance = |name: &str, function: &str| import(&format!("\"{name}\" (instance {function})"));
    uploads(
        &arena,
        vec![
            ("a core module", component("(module)"), "this is a core module, not a component"),
            (
                "a core module with every export",
                component(
                    r#"(module (memory (export "memory") 1) (func (export "snaphook:filter/handler@0.1.0#handle")))"#,
                ),
                "this is a core module, not a component",
            ),
            ("handle takes a number", handler("", "handle: func(x: u32) -> string;", configure), TYPES),
            ("handle takes nothing", handler("", "handle: func();", configure), TYPES),
            ("handle is a type", handler("record handle { x: u32 }", "", configure), TYPES),
            ("no configure", handler("", "handle: func();", ""), EXPORTS),
            ("no function at all", handler("", "", "none: func();"), EXPORTS),
            (
                "a handler that is a function",
                component(
                    r#"(component (core module $m (func (export "f"))) (core instance $i (instantiate $m))
                       (func (export "handler") (canon lift (core func $i "f"))))"#,
                ),
                NO_FILTER,
            ),
            ("calls of its own", instance("wasi:http/outgoing-handler@0.2.0", ""), "the component imports `wasi:http/"),
            (
                "what nobody offers",
                instance("host:root/shell@1.0.0", ""),
                "the component imports `host:root/shell@1.0.0`",
            ),
            ("a name that is none", import("\"env\" (func)"), "the component imports `env`"),
            ("code of the host", import("\"snaphook:filter/kv@0.1.0\" (core module)"), IMPORTS),
            (
                "a function that is not there",
                instance("snaphook:filter/secrets@0.1.0", "(export \"reveal-all\" (func (result (list u8))))"),
                IMPORTS,
            ),
            (
                "a function of another type",
                instance(
                    "snaphook:filter/config@0.1.0",
                    "(export \"raw\" (func (param \"of\" string) (result string)))",
                ),
                IMPORTS,
            ),
            ("files of a later WASI", instance("wasi:filesystem/types@0.3.0", "(export \"open\" (func))"), IMPORTS),
        ],
    )
    .await;
    arena.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn out_of_proportion() {
    let arena = Arena::open().await;
    let memory = |pages: usize| made::filter(&format!("(memory (export \"memory\") {pages})"));
    let table = |elements: usize| made::filter(&format!("(table {elements} funcref)"));
    let instances =
        |count: usize| (0..count).fold(made::filter(""), |component, _| made::beside_it(component, b"(module)"));
    let types = |count: usize, next: &str| {
        let mut text = String::from("(component (type $0 u64)");
        for index in 1..count {
            let next = next.replace('#', &format!("${}", index - 1));
            writeln!(text, "(type ${index} {next})").unwrap();
        }
        component(&format!("{text})"))
    };
    uploads(
        &arena,
        vec![
            ("components nested deep", made::nested(1_000), NO_FILTER),
            ("components nested very deep", made::nested(2_000), NO_FILTER),
            ("components beside each other", made::beside(1_000), NO_FILTER),
            ("too many beside each other", made::beside(1_001), INVALID),
            ("instances", instances(50), ""),
            ("too many instances", instances(90), "…instances"),
            ("too many modules", instances(101), "…core modules, at most 100 are allowed"),
            ("types nested deep", types(1_000, "(list #)"), "the component is not valid: type nesting is too deep"),
            ("types that double", types(64, "(tuple # #)"), INVALID),
            ("all the memory there is", memory(1_024), ""),
            (
                "more memory than there is",
                memory(1_025),
                "the component does not come up under the default limits (memory): ",
            ),
            ("more memory than any filter gets", memory(4_097), "the component cannot be compiled: "),
            ("four GiB of memory", memory(65_536), "the component cannot be compiled: "),
            ("all elements of a table", table(10_000), ""),
            ("more elements", table(10_001), "the component cannot be compiled: "),
            ("elements by the thousand million", table(4_000_000_000), "the component cannot be compiled: "),
            (
                "static data outside of memory",
                made::filter("(memory (export \"memory\") 1) (data (i32.const 65535) \"xx\")"),
                "the component does not come up under the default limits (trap): ",
            ),
            ("15 MiB of static data", made::large_data(15 << 20), ""),
            ("32 MiB of static data", made::large_data(32 << 20), "…built by no SDK that is known: leave out"),
            (
                "a manifest that is too long",
                made::with_manifest(made::filter(""), &json!({"sdk": "x".repeat(300_000)})),
                "…at most 262144",
            ),
            ("a manifest of brackets", made::with_text(made::filter(""), &"[".repeat(200_000)), "…cannot be read"),
        ],
    )
    .await;
    arena.close_within(450 << 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_for_the_compiler() {
    let arena = Arena::open().await;
    uploads(
        &arena,
        vec![
            ("50 000 functions", made::functions(50_000), ""),
            ("200 001 functions", made::functions(200_001), "…functions, at most 200000 are allowed"),
            ("10 000 blocks in each other", made::blocks(10_000), ""),
            ("a table of 60 000 branches", made::branches(10_000, 60_000), ""),
            ("a table of a million branches", made::branches(1_000, 1_000_000), "the component cannot be compiled: "),
            ("5000 locals, all alive", made::locals(5_000), ""),
            ("more locals than there may be", made::locals_unused(50_001), INVALID),
            ("as many as there may be", made::locals_unused(50_000), ""),
        ],
    )
    .await;
    arena.close_within(450 << 20).await;
}
