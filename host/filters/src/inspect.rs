//! What a module's bytes say before anything is compiled: is it a component, how large is it, what does its manifest ask.

use model::{
    limits::MODULE_BYTES_MOST,
    module::{MANIFEST_SECTION, Manifest},
};
use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};

use crate::module::Refused;

/// Core modules nested in one component; the largest toolchain (Python) needs about thirty.
const CORE_MODULES_MOST: usize = 100;
/// Functions of all core modules together.
const FUNCTIONS_MOST: u32 = 200_000;
/// Bytes of a manifest.
const MANIFEST_BYTES_MOST: usize = 256 << 10;

/// Refuses what is no component, is damaged, or is out of proportion; compiling it could take for ever.
pub fn inspect(bytes: &[u8]) -> Result<Manifest, Refused> {
    if bytes.len() > MODULE_BYTES_MOST {
        return Err(Refused(format!("the module has {} bytes, at most {MODULE_BYTES_MOST} are allowed", bytes.len())));
    }
    match wasmparser_kind(bytes) {
        Some(Encoding::Component) => {}
        Some(Encoding::Module) => {
            return Err(Refused(
                "this is a core module, not a component: build for target wasm32-wasip2, or wrap it with \
                 `wasm-tools component new`"
                    .to_owned(),
            ));
        }
        None => {
            return Err(Refused(
                "this is no WebAssembly: it does not begin with the bytes `\\0asm` of a binary".to_owned(),
            ));
        }
    }
    Validator::new_with_features(features())
        .validate_all(bytes)
        .map_err(|error| Refused(format!("the component is not valid: {error}")))?;
    let mut manifest = Vec::new();
    let (mut modules, mut functions) = (0, 0_u32);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| Refused(format!("the component is not valid: {error}")))? {
            Payload::ModuleSection { .. } => modules += 1,
            Payload::FunctionSection(section) => functions = functions.saturating_add(section.count()),
            Payload::CustomSection(section) if section.name() == MANIFEST_SECTION => {
                manifest.push(section.data());
            }
            _ => {}
        }
    }
    if modules > CORE_MODULES_MOST {
        return Err(Refused(format!(
            "the component holds {modules} core modules, at most {CORE_MODULES_MOST} are allowed"
        )));
    }
    if functions > FUNCTIONS_MOST {
        return Err(Refused(format!(
            "the component holds {functions} functions, at most {FUNCTIONS_MOST} are allowed"
        )));
    }
    match manifest[..] {
        [] => Ok(Manifest::default()),
        [text] if text.len() <= MANIFEST_BYTES_MOST => serde_json::from_slice(text)
            .map_err(|error| Refused(format!("the custom section `{MANIFEST_SECTION}` cannot be read: {error}"))),
        [text] => Err(Refused(format!(
            "the custom section `{MANIFEST_SECTION}` has {} bytes, at most {MANIFEST_BYTES_MOST} are allowed",
            text.len()
        ))),
        _ => Err(Refused(format!("the custom section `{MANIFEST_SECTION}` is there more than once"))),
    }
}

fn wasmparser_kind(bytes: &[u8]) -> Option<Encoding> {
    if Parser::is_component(bytes) {
        Some(Encoding::Component)
    } else if Parser::is_core_wasm(bytes) {
        Some(Encoding::Module)
    } else {
        None
    }
}

/// What the engine is configured for: WebAssembly 2 with multiple memories, tail calls, relaxed nothing, and components.
fn features() -> WasmFeatures {
    let mut features = WasmFeatures::default();
    features.remove(WasmFeatures::THREADS | WasmFeatures::MEMORY64);
    features
}
