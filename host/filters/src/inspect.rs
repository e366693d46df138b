//! What a module's bytes say before anything is compiled: is it a component, what is in it, what does its manifest ask.

use model::{
    limits::{MODULE_BYTES_MOST, module_bytes_most},
    module::{MANIFEST_SECTION, Manifest},
};
use wasmparser::{
    CustomSectionReader, Encoding, KnownCustom, Parser, Payload, ProducersSectionReader, Validator, WasmFeatures,
};

use crate::module::Refused;

/// Core modules nested in one component; the largest toolchain (Python) needs about thirty.
const CORE_MODULES_MOST: usize = 100;
/// Functions of all core modules together.
const FUNCTIONS_MOST: u32 = 200_000;
/// Bytes of a manifest.
const MANIFEST_BYTES_MOST: usize = 256 << 10;
/// Programs that are told to have made a component.
const PRODUCERS_MOST: usize = 100;
/// Bytes of a page, unless the memory says otherwise.
const PAGE_LOG2: u32 = 16;

/// What is in a component, as far as its bytes could be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anatomy {
    /// What it asks for; the default if it says nothing, or nothing that can be read.
    pub manifest: Manifest,
    /// Names of what the component itself imports and exports, in order.
    pub imports: Vec<String>,
    pub exports: Vec<String>,
    pub core_modules: usize,
    /// Of all core modules together.
    pub functions: u32,
    /// Of each memory that a core module defines.
    pub memories: Vec<Extent>,
    /// Of each table that a core module defines.
    pub tables: Vec<Extent>,
    pub producers: Vec<Producer>,
}

/// How large a memory (in bytes) or table (in elements) is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    pub initial: u64,
    /// What it may grow to; none if it does not say.
    pub most: Option<u64>,
}

/// A language or program that a component was made with. Source: the tool conventions' section `producers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Producer {
    /// `language`, `processed-by` or `sdk`.
    pub role: String,
    pub name: String,
    pub version: String,
}

/// Refuses what is no component, is damaged, or is out of proportion; compiling it could take for ever.
pub fn inspect(bytes: &[u8]) -> Result<Manifest, Refused> {
    let (anatomy, refusals) = look(bytes);
    refusals.into_iter().next().map_or(Ok(anatomy.manifest), Err)
}

/// All that can be seen, and every reason to refuse it. What is no valid component is not looked into.
pub(crate) fn look(bytes: &[u8]) -> (Anatomy, Vec<Refused>) {
    let mut anatomy = Anatomy::default();
    if let Err(refused) = check_kind(bytes) {
        return (anatomy, vec![refused]);
    }
    let mut manifests = Vec::new();
    let mut depth = 0_i32;
    for payload in Parser::new(0).parse_all(bytes) {
        let taken = payload.map_err(invalid).and_then(|payload| anatomy.take(&payload, depth).map(|()| payload));
        let payload = match taken {
            Ok(payload) => payload,
            Err(refused) => return (anatomy, vec![refused]),
        };
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::CustomSection(section) if section.name() == MANIFEST_SECTION => manifests.push(section.data()),
            _ => {}
        }
    }
    let mut refusals = anatomy.out_of_proportion();
    match manifest(&manifests) {
        Ok(manifest) => {
            refusals.extend(too_large(bytes.len(), manifest.sdk.as_deref()));
            anatomy.manifest = manifest;
        }
        Err(refused) => refusals.push(refused),
    }
    (anatomy, refusals)
}

/// More than its language explains.
fn too_large(size: usize, sdk: Option<&str>) -> Option<Refused> {
    let most = module_bytes_most(sdk);
    let who = sdk.unwrap_or("no SDK that is known");
    (size > most).then(|| {
        Refused(format!(
            "the component has {size} bytes, at most {most} are allowed for one that was built by {who}: leave out what it \
             does not need, such as debug information"
        ))
    })
}

fn check_kind(bytes: &[u8]) -> Result<(), Refused> {
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
    Validator::new_with_features(features()).validate_all(bytes).map(drop).map_err(invalid)
}

fn invalid(error: wasmparser::BinaryReaderError) -> Refused {
    Refused(format!("the component is not valid: {error}"))
}

impl Anatomy {
    /// Writes down what a piece says. `depth` is 0 in the component itself.
    fn take(&mut self, payload: &Payload<'_>, depth: i32) -> Result<(), Refused> {
        match payload {
            Payload::ModuleSection { .. } => self.core_modules += 1,
            Payload::FunctionSection(section) => self.functions = self.functions.saturating_add(section.count()),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section.clone() {
                    self.imports.push(import.map_err(invalid)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section.clone() {
                    self.exports.push(export.map_err(invalid)?.name.name.to_owned());
                }
            }
            Payload::MemorySection(section) => {
                for memory in section.clone() {
                    let memory = memory.map_err(invalid)?;
                    let page = memory.page_size_log2.unwrap_or(PAGE_LOG2).min(PAGE_LOG2);
                    let bytes = |pages: u64| pages.saturating_mul(1 << page);
                    self.memories.push(Extent { initial: bytes(memory.initial), most: memory.maximum.map(bytes) });
                }
            }
            Payload::TableSection(section) => {
                for table in section.clone() {
                    let table = table.map_err(invalid)?.ty;
                    self.tables.push(Extent { initial: table.initial, most: table.maximum });
                }
            }
            Payload::CustomSection(section) => self.take_producers(section),
            _ => {}
        }
        Ok(())
    }

    /// Custom sections may hold anything: one that cannot be read says nothing.
    fn take_producers(&mut self, section: &CustomSectionReader<'_>) {
        let KnownCustom::Producers(fields) = section.as_known() else { return };
        for (role, name, version) in producers(fields) {
            let producer = Producer { role: role.to_owned(), name: name.to_owned(), version: version.to_owned() };
            if self.producers.len() < PRODUCERS_MOST && !self.producers.contains(&producer) {
                self.producers.push(producer);
            }
        }
    }

    fn out_of_proportion(&self) -> Vec<Refused> {
        let counts = [
            (self.core_modules as u64, CORE_MODULES_MOST as u64, "core modules"),
            (u64::from(self.functions), u64::from(FUNCTIONS_MOST), "functions"),
        ];
        let too_many = counts.into_iter().filter(|(count, most, _)| count > most);
        let refused =
            |(count, most, what)| Refused(format!("the component holds {count} {what}, at most {most} are allowed"));
        too_many.map(refused).collect()
    }
}

fn producers(fields: ProducersSectionReader<'_>) -> impl Iterator<Item = (&str, &str, &str)> {
    let fields = fields.into_iter().map_while(Result::ok);
    fields.flat_map(|field| {
        let values = field.values.into_iter().map_while(Result::ok);
        values.map(move |value| (field.name, value.name, value.version))
    })
}

fn manifest(sections: &[&[u8]]) -> Result<Manifest, Refused> {
    match sections {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A component with nothing in it, 17 MB long, that says it was built by this SDK.
    fn large(sdk: &str) -> Vec<u8> {
        let manifest = format!(r#"{{"sdk":"{sdk}"}}"#).into_bytes();
        let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
        for (name, content) in [(MANIFEST_SECTION, manifest), ("padding", vec![0; 17_000_000])] {
            let size = u32::try_from(1 + name.len() + content.len()).unwrap();
            // LEB128 in five bytes, whatever the number.
            let size =
                [0, 7, 14, 21, 28].map(|shift| (size >> shift) as u8 & 0x7f | if shift == 28 { 0 } else { 0x80 });
            let name_length = u8::try_from(name.len()).unwrap();
            bytes.extend([[0].as_slice(), &size, &[name_length], name.as_bytes(), &content].concat());
        }
        bytes
    }

    #[test]
    fn size_is_bounded_by_language() {
        assert_eq!(look(&large("python-0.1.0")).1, []);
        assert_eq!(look(&large("js-0.1.0")).1, []);
        let [refused] = look(&large("rust-0.1.0")).1.try_into().unwrap();
        assert_eq!(
            refused.0,
            "the component has 17000066 bytes, at most 16777216 are allowed for one that was built by rust-0.1.0: leave out \
             what it does not need, such as debug information"
        );
    }
}
