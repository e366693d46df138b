//! Components that no compiler makes: out of text, and out of bytes.

use std::fmt::Write as _;

use serde_json::Value;
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::{ManglingAndAbi, Resolve, WorldId};

use crate::support::repository;

/// The filters' world, and the little of WASI that guests here ask for.
const WORLD: &str = "
    package hostile:guests;
    world guest {
        include snaphook:filter/filter@0.1.0;
        import wasi:io/poll@0.2.0;
        import wasi:clocks/monotonic-clock@0.2.0;
    }
    package wasi:io@0.2.0 {
        interface poll {
            resource pollable { ready: func() -> bool; block: func(); }
            poll: func(in: list<borrow<pollable>>) -> list<u32>;
        }
    }
    package wasi:clocks@0.2.0 {
        interface monotonic-clock {
            use wasi:io/poll@0.2.0.{pollable};
            subscribe-duration: func(when: u64) -> pollable;
        }
    }";

/// What every filter has, unless it brings its own.
const FRAME: [(&str, &str); 4] = [
    ("(memory (export \"memory\")", "(memory (export \"memory\") 2)"),
    (
        "\"cabi_realloc\"",
        "(global $free (mut i32) (i32.const 4096))
         (func (export \"cabi_realloc\") (param i32 i32 i32) (param $bytes i32) (result i32)
           (local $place i32)
           (local.set $place (i32.and (i32.add (global.get $free) (i32.const 15)) (i32.const -16)))
           (global.set $free (i32.add (local.get $place) (local.get $bytes)))
           (local.get $place))",
    ),
    // Everything from address 16 on is zero: no error, nothing prepared; no error, pass.
    (
        "\"snaphook:filter/handler@0.1.0#configure\"",
        "(func (export \"snaphook:filter/handler@0.1.0#configure\") (param i32 i32) (result i32) (i32.const 16))",
    ),
    (
        "\"snaphook:filter/handler@0.1.0#handle\"",
        "(func (export \"snaphook:filter/handler@0.1.0#handle\") (param $given i32) (result i32)
           (call $give_back (i32.load offset=136 (local.get $given)))
           (i32.const 16))",
    ),
];
const GIVE_BACK: &str = "(import \"snaphook:filter/body@0.1.0\" \"[resource-drop]body\" (func $give_back (param i32)))";

/// The filter whose fields are in `tests/hostile/wat`.
pub(super) fn written(name: &str) -> Vec<u8> {
    filter(&fields(name))
}

/// The fields of a filter as they are written there.
pub(super) fn fields(name: &str) -> String {
    let file = repository().join("tests/hostile/wat").join(name).with_extension("wat");
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Filter `wide`, whose strings are UTF-16.
pub(super) fn wide() -> Vec<u8> {
    encoded(&fields("wide"), StringEncoding::UTF16)
}

/// A filter of these fields of a core module.
pub(super) fn filter(fields: &str) -> Vec<u8> {
    encoded(fields, StringEncoding::UTF8)
}

/// A component of world `guest` of this package, whose functions trap.
pub(super) fn dummy(package: &str) -> Vec<u8> {
    let (resolve, world) = world_of(Resolve::default(), package);
    let module = wit_component::dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    wrapped(module, &resolve, world, StringEncoding::UTF8)
}

fn encoded(fields: &str, encoding: StringEncoding) -> Vec<u8> {
    let mut text = String::from("(module\n");
    let missing: Vec<_> = FRAME.iter().filter(|(mark, _)| !fields.contains(mark)).map(|(_, field)| *field).collect();
    if missing.iter().any(|field| field.contains("$give_back")) {
        text.push_str(GIVE_BACK);
    }
    for part in [fields].into_iter().chain(missing).chain([")"]) {
        text.push_str(part);
        text.push('\n');
    }
    let module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"));
    let mut resolve = Resolve::default();
    resolve.push_dir(repository().join("wit")).unwrap();
    let (resolve, world) = world_of(resolve, WORLD);
    wrapped(module, &resolve, world, encoding)
}

fn world_of(mut resolve: Resolve, package: &str) -> (Resolve, WorldId) {
    let package = resolve.push_source("guest.wit", package).unwrap_or_else(|error| panic!("{error:#}"));
    let world = resolve.select_world(&[package], Some("guest")).unwrap();
    (resolve, world)
}

fn wrapped(mut module: Vec<u8>, resolve: &Resolve, world: WorldId, encoding: StringEncoding) -> Vec<u8> {
    wit_component::embed_component_metadata(&mut module, resolve, world, encoding).unwrap();
    let mut encoder = ComponentEncoder::default();
    encoder.module(&module).unwrap_or_else(|error| panic!("{error:#}"));
    encoder.encode().unwrap_or_else(|error| panic!("{error:#}"))
}

/// The component, with an instance of this core module beside its own. What the module does when it starts, it does before
/// each call.
pub(super) fn beside_it(mut component: Vec<u8>, module: &[u8]) -> Vec<u8> {
    let module = wat::parse_bytes(module).unwrap_or_else(|error| panic!("{error}"));
    let modules = modules(&component);
    component.extend(section(1, &module));
    // One instance, of the module with this number, with nothing to import.
    let mut instance = vec![1, 0];
    leb(&mut instance, modules);
    instance.push(0);
    component.extend(section(2, &instance));
    component
}

/// The component with this manifest.
pub(super) fn with_manifest(component: Vec<u8>, manifest: &Value) -> Vec<u8> {
    with_text(component, &manifest.to_string())
}

/// The component with this text where its manifest should be.
pub(super) fn with_text(mut component: Vec<u8>, text: &str) -> Vec<u8> {
    const NAME: &str = "snaphook:manifest";
    let mut content = Vec::new();
    leb(&mut content, NAME.len());
    content.extend_from_slice(NAME.as_bytes());
    content.extend_from_slice(text.as_bytes());
    component.extend(section(0, &content));
    component
}

/// Core modules that stand in the component itself.
fn modules(component: &[u8]) -> usize {
    let (mut rest, mut found) = (&component[COMPONENT.len()..], 0);
    while let Some((kind, after)) = rest.split_first() {
        let digits = after.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
        let length = after[..digits].iter().rev().fold(0, |length, byte| length << 7 | usize::from(byte & 0x7f));
        found += usize::from(*kind == 1);
        rest = &after[digits + length..];
    }
    found
}

/// Filter `memories`, beside seven instances that take 141 pages of memory each before it is called.
pub(super) fn greedy() -> Vec<u8> {
    const GREEDY: &str = "(module
        (memory 1)
        (func $start (if (i32.eq (memory.grow (i32.const 140)) (i32.const -1)) (then (unreachable))))
        (start $start))";
    (0..7).fold(written("memories"), |component, _| beside_it(component, GREEDY.as_bytes()))
}

/// The head of a component's binary.
const COMPONENT: [u8; 8] = *b"\0asm\x0d\0\x01\0";
/// And of a core module's.
const MODULE: [u8; 8] = *b"\0asm\x01\0\0\0";

/// Components in a component, so many levels deep.
pub(super) fn nested(levels: usize) -> Vec<u8> {
    (0..levels).fold(COMPONENT.to_vec(), |inner, _| [COMPONENT.to_vec(), section(4, &inner)].concat())
}

/// So many empty components beside each other, in a component.
pub(super) fn beside(count: usize) -> Vec<u8> {
    [COMPONENT.to_vec(), section(4, &COMPONENT).repeat(count)].concat()
}

fn section(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    leb(&mut bytes, content.len());
    bytes.extend_from_slice(content);
    bytes
}

fn leb(out: &mut Vec<u8>, mut number: usize) {
    while number > 0x7f {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A filter beside so many functions.
pub(super) fn functions(count: usize) -> Vec<u8> {
    let mut functions = Vec::new();
    leb(&mut functions, count);
    functions.resize(functions.len() + count, 0);
    let mut bodies = Vec::new();
    leb(&mut bodies, count);
    // Two bytes: no locals, the end.
    (0..count).for_each(|_| bodies.extend([2, 0, 0x0b]));
    let kinds = [1, 0x60, 0, 0];
    beside_it(filter(""), &[MODULE.to_vec(), section(1, &kinds), section(3, &functions), section(10, &bodies)].concat())
}

/// A filter beside an instance that begins with so many bytes of data.
pub(super) fn large_data(bytes: usize) -> Vec<u8> {
    let mut memory = vec![1, 0];
    leb(&mut memory, bytes >> 16);
    // One active segment, from address 0 on.
    let mut segment = vec![1, 0, 0x41, 0, 0x0b];
    leb(&mut segment, bytes);
    segment.resize(segment.len() + bytes, b'x');
    beside_it(filter(""), &[MODULE.to_vec(), section(5, &memory), section(11, &segment)].concat())
}

/// A function with so many blocks inside each other.
pub(super) fn blocks(levels: usize) -> Vec<u8> {
    filter(&format!("(func {} {})", "block ".repeat(levels), "end ".repeat(levels)))
}

/// A function that leaves one of these blocks, by a table with so many ways.
pub(super) fn branches(levels: usize, ways: usize) -> Vec<u8> {
    let mut table = String::new();
    for way in 0..=ways {
        write!(table, " {}", way % levels).unwrap();
    }
    let (open, close) = ("block ".repeat(levels), "end ".repeat(levels));
    filter(&format!("(func (param i32) {open} local.get 0 br_table {table} {close})"))
}

/// A function with so many locals that it does not use.
pub(super) fn locals_unused(count: usize) -> Vec<u8> {
    filter(&format!("(func (local{}))", " i64".repeat(count)))
}

/// A function with so many locals, all of them alive at the same time across a call.
pub(super) fn locals(locals: usize) -> Vec<u8> {
    let mut function = format!("(local{})", " i64".repeat(locals));
    for index in 1..=locals {
        write!(function, " local.get 0 call $id local.set {index}").unwrap();
    }
    function.push_str(" i64.const 0");
    for index in 1..=locals {
        write!(function, " local.get {index} i64.add").unwrap();
    }
    filter(&format!("(func $id (param i64) (result i64) local.get 0) (func (param i64) (result i64) {function})"))
}

/// One call whose frame alone is larger than the whole stack.
pub(super) fn huge_frame() -> Vec<u8> {
    const VECTORS: usize = 18_000;
    let mut function = format!("(local{})", " v128".repeat(VECTORS));
    for index in 1..=VECTORS {
        write!(function, " local.get 0 call $id local.set {index}").unwrap();
    }
    function.push_str(" local.get 0");
    for index in 1..=VECTORS {
        write!(function, " local.get {index} i64x2.add").unwrap();
    }
    filter(&format!(
        "(func $id (param v128) (result v128) local.get 0)
         (func $huge (param v128) (result v128) {function})
         (func (export \"snaphook:filter/handler@0.1.0#handle\") (param i32) (result i32)
           (drop (call $huge (v128.const i64x2 1 1))) (unreachable))"
    ))
}
