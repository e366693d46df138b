//! A filter that does exactly what the event's body says: which functions of the host it calls with which values, and what
//! its memory looks like when it hands over its verdict. No compiler comes between the bytes and the host.

use std::{fmt::Write as _, path::Path};

use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::{
    Resolve, TypeDefKind, WorldId, WorldItem,
    abi::{AbiVariant, WasmType},
};

/// Where the body's bytes are in its memory.
pub(crate) const IMAGE: u32 = 0x1_0000;
/// How many fit.
pub(crate) const IMAGE_BYTES_MOST: usize = 0x6_0000;
/// Room for what the host returns by a pointer.
pub(crate) const RETURNS: u32 = 0x800;
/// A call: the function's number, four bytes that mean nothing, and sixteen values of eight bytes.
pub(crate) const CALL_BYTES: usize = 8 + 16 * 8;

/// What the host allocates in the filter's memory lies from here on.
const HEAP: u32 = 0x8_0000;
const PAGES: u32 = 16;

/// A function that the host offers.
#[derive(Debug)]
pub(crate) struct Function {
    /// `snaphook:filter/kv@0.1.0`.
    interface: String,
    /// `get`, `[method]body.len`, `[resource-drop]body`.
    pub(crate) name: String,
    params: Vec<WasmType>,
    results: Vec<WasmType>,
}

/// The component, and the functions by the numbers that it calls them by.
pub(crate) fn component() -> (Vec<u8>, Vec<Function>) {
    let (resolve, world) = world();
    let functions = functions(&resolve, world);
    (wrapped(&module(&functions), &resolve, world), functions)
}

/// A filter that lets everything pass.
pub(crate) fn pass() -> Vec<u8> {
    let (resolve, world) = world();
    let handle = format!(
        "(import \"snaphook:filter/body@0.1.0\" \"[resource-drop]body\" (func $give_back (param i32)))
         {FRAME}
         (func (export \"snaphook:filter/handler@0.1.0#handle\") (param $given i32) (result i32)
           (call $give_back (i32.load offset=136 (local.get $given)))
           (i32.const 16))"
    );
    wrapped(&handle, &resolve, world)
}

fn world() -> (Resolve, WorldId) {
    let mut resolve = Resolve::default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let (package, _) = resolve.push_dir(folder).unwrap_or_else(|error| panic!("{error:#}"));
    let world = resolve.select_world(&[package], Some("filter")).unwrap_or_else(|error| panic!("{error:#}"));
    (resolve, world)
}

/// All that the world imports, and the way to give each resource back.
fn functions(resolve: &Resolve, world: WorldId) -> Vec<Function> {
    let mut functions = Vec::new();
    for (key, item) in &resolve.worlds[world].imports {
        let WorldItem::Interface { id, .. } = item else { continue };
        let interface = resolve.name_world_key(key);
        for function in resolve.interfaces[*id].functions.values() {
            let signature = resolve.wasm_signature(AbiVariant::GuestImport, function);
            let (params, results) = (signature.params, signature.results);
            functions.push(Function { interface: interface.clone(), name: function.name.clone(), params, results });
        }
        for (name, id) in &resolve.interfaces[*id].types {
            if matches!(resolve.types[*id].kind, TypeDefKind::Resource) {
                let (name, params) = (format!("[resource-drop]{name}"), vec![WasmType::I32]);
                functions.push(Function { interface: interface.clone(), name, params, results: Vec::new() });
            }
        }
    }
    functions
}

/// What every filter has. Everything from address 16 on is zero before somebody writes there: no error, nothing prepared; no
/// error, pass.
const FRAME: &str = "
    (memory (export \"memory\") 16)
    (global $free (mut i32) (i32.const 0x80000))
    (func (export \"cabi_realloc\") (param i32 i32 i32) (param $bytes i32) (result i32)
      (local $place i32)
      (local.set $place (i32.and (i32.add (global.get $free) (i32.const 15)) (i32.const -16)))
      (global.set $free (i32.add (local.get $place) (local.get $bytes)))
      (local.get $place))
    (func (export \"snaphook:filter/handler@0.1.0#configure\") (param i32 i32) (result i32) (i32.const 16))";

/// At the beginning of the image stand the number of calls and the place of the verdict, then the calls.
fn module(functions: &[Function]) -> String {
    assert_eq!((HEAP, PAGES), (0x8_0000, 16), "as the frame has it");
    let mut text = String::new();
    for (index, Function { interface, name, params, results }) in functions.iter().enumerate() {
        let types = |types: &[WasmType]| types.iter().map(|each| format!(" {}", word(*each))).collect::<String>();
        let (params, results) = (types(params), types(results));
        _ = writeln!(text, "(import \"{interface}\" \"{name}\" (func $f{index} (param{params}) (result{results})))");
    }
    let whole = functions.iter().position(|function| function.name == "[method]body.read-all");
    let whole = whole.expect("the host gives the body");
    _ = writeln!(
        text,
        "{FRAME}
         (func (export \"snaphook:filter/handler@0.1.0#handle\") (param $given i32) (result i32)
           (local $call i32) (local $left i32)
           (call $f{whole} (i32.load offset=136 (local.get $given)) (i32.const 32))
           (memory.copy (i32.const {IMAGE}) (i32.load (i32.const 32)) (i32.load (i32.const 36)))
           (i64.store (i32.const 32) (i64.const 0))
           (local.set $left (i32.load (i32.const {IMAGE})))
           (local.set $call (i32.const {first}))
           (block $done
             (loop $next
               (br_if $done (i32.eqz (local.get $left)))
               (global.set $free (i32.const {HEAP}))
               (call $do (local.get $call))
               (local.set $call (i32.add (local.get $call) (i32.const {CALL_BYTES})))
               (local.set $left (i32.sub (local.get $left) (i32.const 1)))
               (br $next)))
           (i32.load (i32.const {verdict})))
         (func $do (param $call i32)",
        first = IMAGE + 8,
        verdict = IMAGE + 4,
    );
    let labels = || (0..functions.len()).map(|index| format!(" $l{index}")).collect::<String>();
    (0..functions.len()).rev().for_each(|index| _ = write!(text, "(block $l{index} "));
    let count = functions.len();
    _ = writeln!(text, "(br_table{} (i32.rem_u (i32.load (local.get $call)) (i32.const {count})))", labels());
    for (index, function) in functions.iter().enumerate() {
        _ = write!(text, ") (call $f{index}");
        for (place, param) in function.params.iter().enumerate() {
            let load = format!("load offset={} (local.get $call)", 8 + 8 * place);
            _ = write!(text, " ({}.{load})", word(*param));
        }
        text.push(')');
        function.results.iter().for_each(|_| text.push_str(" drop"));
        text.push_str(" return\n");
    }
    text.push_str(")\n");
    text
}

fn word(kind: WasmType) -> &'static str {
    match kind {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
    }
}

fn wrapped(fields: &str, resolve: &Resolve, world: WorldId) -> Vec<u8> {
    let mut module = wat::parse_str(format!("(module\n{fields})")).unwrap_or_else(|error| panic!("{error}"));
    wit_component::embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8)
        .unwrap_or_else(|error| panic!("{error:#}"));
    let mut encoder = ComponentEncoder::default();
    encoder.module(&module).unwrap_or_else(|error| panic!("{error:#}"));
    encoder.encode().unwrap_or_else(|error| panic!("{error:#}"))
}
