//! `module inspect`: what is in a component, and whether a host with these settings would take it; without a host.

use std::path::{Path, PathBuf};

use filters::{Anatomy, Compiler, Engine, Examined, Extent};
use model::{Limits, limits::module_bytes_most};
use serde_json::{Value, json};

use super::{
    Global,
    failure::{Exit, Failure},
    module, show,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Inspect {
    /// The component: a .wasm file.
    file: PathBuf,
}

impl Inspect {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        let shown = self.file.display().to_string();
        let bytes = module::read(&self.file)?;
        let size = bytes.len();
        let examined = engine(global)?.examine(bytes).await;
        if global.json {
            show::print_json(&told_as_json(&self.file, size, &examined))?;
        } else {
            show::print(&told(&self.file, size, &examined))?;
        }
        if examined.refusals.is_empty() {
            return Ok(());
        }
        Err(Failure::new(Exit::Failed, format!("a host would refuse `{shown}`")))
    }
}

/// As the host would set it up: its limits, and a process of its own that compiles.
fn engine(global: &Global) -> Result<Engine, Failure> {
    // This program has a command for it.
    let program = std::env::current_exe().ok();
    let compiler = program.map(|program| Compiler { program, arguments: vec!["compile".into()] });
    let settings = filters::Settings { compiler, cache: None, ..global.settings()?.filters };
    Engine::start(&settings).map_err(Failure::failed)
}

/// The language that it was written in, with what it was built by: as its SDK says, else as its toolchain says.
fn language(anatomy: &Anatomy) -> String {
    let named = |role: &str| -> Vec<String> {
        let named = anatomy.producers.iter().filter(|producer| producer.role == role && !producer.name.is_empty());
        let named = named.map(|producer| format!("{} {}", producer.name, producer.version).trim_end().to_owned());
        named.collect()
    };
    let languages: Vec<String> = match &anatomy.manifest.sdk {
        Some(sdk) => {
            let (language, version) = sdk.rsplit_once('-').unwrap_or((sdk, ""));
            let name = match language {
                "rust" => "Rust",
                "js" => "JavaScript",
                "python" => "Python",
                other => other,
            };
            vec![format!("{name}, SDK {version}").trim_end_matches(", SDK ").to_owned()]
        }
        None => named("language"),
    };
    let languages = if languages.is_empty() { "unknown".to_owned() } else { languages.join(", ") };
    let tools = named("processed-by");
    if tools.is_empty() { languages } else { format!("{languages}\nbuilt by {}", tools.join(", ")) }
}

fn told(file: &Path, size: usize, examined: &Examined) -> String {
    let anatomy = &examined.anatomy;
    let bytes_most = module_bytes_most(anatomy.manifest.sdk.as_deref());
    let mut facts = vec![
        ("component", file.display().to_string()),
        ("size", format!("{} of at most {}", bytes(size), bytes(bytes_most))),
        ("digest", examined.digest.to_string()),
    ];
    if *anatomy != Anatomy::default() {
        facts.extend([
            ("world", examined.world.unwrap_or("none that this host knows").to_owned()),
            ("language", language(anatomy)),
            ("imports", module::imports(&anatomy.imports)),
            ("exports", anatomy.exports.join("\n")),
            ("needs", needs(anatomy)),
            ("inside", inside(anatomy)),
            ("memory", memory(&anatomy.memories)),
            ("tables", tables(&anatomy.tables)),
        ]);
    }
    facts.extend(examined.compiled.map(|compiled| {
        let took = show::micros(u64::try_from(compiled.took.as_micros()).unwrap_or(u64::MAX));
        ("compiled", format!("in {took} to {}", bytes(compiled.code_bytes)))
    }));
    facts.extend(examined.fresh_cost.map(|cost| {
        let cost = u64::try_from(cost.as_micros()).unwrap_or(u64::MAX);
        ("instance", format!("{} for a fresh one and its first call", show::micros(cost)))
    }));
    let accepted = match examined.refusals.is_empty() {
        true => show::styled(show::GOOD, "would be accepted\n"),
        false => show::styled(show::BAD, "would be refused\n"),
    };
    let reasons = examined.refusals.iter().map(|refused| format!("  {}\n", show::lines(&refused.0)));
    format!("{}\n{accepted}{}", show::facts(&facts), reasons.collect::<String>())
}

fn needs(anatomy: &Anatomy) -> String {
    let schema = anatomy.manifest.config_schema.is_some();
    let schema = if schema { "\na configuration that fits its schema" } else { "" };
    format!("{}{schema}", module::needs(&anatomy.manifest))
}

fn inside(anatomy: &Anatomy) -> String {
    let modules = show::count(anatomy.core_modules as u64, "core module", "core modules");
    format!("{modules}, {}", show::count(u64::from(anatomy.functions), "function", "functions"))
}

fn memory(memories: &[Extent]) -> String {
    let initial = memories.iter().fold(0_u64, |sum, memory| sum.saturating_add(memory.initial));
    let most = show::bytes(Limits::default().memory_bytes as u64);
    let several = if memories.len() > 1 { format!(" in {} memories", memories.len()) } else { String::new() };
    format!("{}{several} at the start, {most} unless its limits say otherwise", show::bytes(initial))
}

fn tables(tables: &[Extent]) -> String {
    match tables.iter().map(|table| table.initial).max() {
        None => "none".to_owned(),
        Some(largest) => {
            let elements = show::count(largest, "element", "elements");
            let tables = show::count(tables.len() as u64, "table", "tables");
            format!("{tables}, the largest of {elements}")
        }
    }
}

fn bytes(count: usize) -> String {
    show::bytes(count as u64)
}

fn told_as_json(file: &Path, size: usize, examined: &Examined) -> Value {
    let anatomy = &examined.anatomy;
    let micros = |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let extents = |extents: &[Extent]| -> Vec<Value> {
        extents.iter().map(|extent| json!({ "initial": extent.initial, "most": extent.most })).collect()
    };
    let producers = anatomy.producers.iter().map(|producer| {
        let (role, name, version) = (&producer.role, &producer.name, &producer.version);
        json!({ "role": role, "name": name, "version": version })
    });
    json!({
        "file": file.display().to_string(),
        "size": size,
        "digest": examined.digest,
        "world": examined.world,
        "imports": anatomy.imports,
        "exports": anatomy.exports,
        "manifest": anatomy.manifest,
        "producers": producers.collect::<Vec<_>>(),
        "core_modules": anatomy.core_modules,
        "functions": anatomy.functions,
        "memories": extents(&anatomy.memories),
        "tables": extents(&anatomy.tables),
        "compile_us": examined.compiled.map(|compiled| micros(compiled.took)),
        "code_bytes": examined.compiled.map(|compiled| compiled.code_bytes),
        "fresh_instance_us": examined.fresh_cost.map(micros),
        "accepted": examined.refusals.is_empty(),
        "refusals": examined.refusals.iter().map(|refused| &refused.0).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use filters::Producer;
    use model::module::Manifest;

    use super::*;

    fn producer(role: &str, name: &str, version: &str) -> Producer {
        Producer { role: role.to_owned(), name: name.to_owned(), version: version.to_owned() }
    }

    #[test]
    fn the_language_is_what_the_sdk_or_the_toolchain_says() {
        let tools = vec![
            producer("language", "Rust", ""),
            producer("processed-by", "rustc", "1.95"),
            producer("sdk", "x", "1"),
        ];
        let of = |sdk: Option<&str>, producers: &[Producer]| {
            let manifest = Manifest { sdk: sdk.map(str::to_owned), ..Manifest::default() };
            language(&Anatomy { manifest, producers: producers.to_vec(), ..Anatomy::default() })
        };
        assert_eq!(of(None, &tools), "Rust\nbuilt by rustc 1.95");
        assert_eq!(of(Some("python-0.1.0"), &tools), "Python, SDK 0.1.0\nbuilt by rustc 1.95");
        assert_eq!(of(Some("zig"), &[]), "zig");
        assert_eq!(of(None, &[]), "unknown");
    }

    #[test]
    fn memories_and_tables_are_summed_up() {
        let extent = |initial| Extent { initial, most: None };
        assert_eq!(
            memory(&[extent(1 << 17), extent(1 << 16)]),
            "192.0 KiB in 2 memories at the start, 64.0 MiB unless its limits say otherwise"
        );
        assert_eq!(tables(&[]), "none");
        assert_eq!(tables(&[extent(3), extent(7_700)]), "2 tables, the largest of 7700 elements");
    }
}
