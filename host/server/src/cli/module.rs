//! `module`: the components that filters run.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use http::StatusCode;
use model::{Name, limits::MODULE_BYTES_MOST, module::Manifest, route::ModuleRef};
use serde_json::json;

use super::{
    Global,
    answers::{self, List, ModuleNamed},
    failure::Failure,
    inspect, show,
};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Module {
    /// Upload a component; it becomes the module's next version.
    Push(Push),
    /// Look into a component, here and without a host: what is in it, what it needs, and whether a host would take it.
    Inspect(inspect::Inspect),
    /// List all modules, or all versions of one.
    List {
        /// The module; without it all of them.
        name: Option<Name>,
    },
    /// Show a module with its versions, or one version.
    Show {
        /// NAME, NAME@3, NAME@ALIAS or NAME@latest.
        #[arg(value_name = "MODULE")]
        which: Which,
    },
    /// Remove a module with all its versions, or one version.
    Rm {
        /// NAME or NAME@3.
        #[arg(value_name = "MODULE")]
        which: Which,
    },
    /// Give a version another name. Routes that name it follow when they are written again.
    Alias {
        /// NAME@ALIAS.
        #[arg(value_name = "MODULE@ALIAS")]
        alias: Which,
        /// The version's number.
        #[arg(required_unless_present = "rm")]
        version: Option<u32>,
        /// Remove the alias.
        #[arg(long, conflicts_with = "version")]
        rm: bool,
    },
}

#[derive(Debug, clap::Args)]
#[command(allow_missing_positional = true)]
pub(crate) struct Push {
    /// The module's name. By default the file's, with `-` for `_`.
    name: Option<Name>,
    /// The component: a .wasm file.
    file: PathBuf,
}

/// A module, or one version of it.
#[derive(Debug, Clone)]
pub(crate) struct Which {
    name: Name,
    /// A number, an alias, or `latest`.
    version: Option<String>,
}

impl std::str::FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A reference that the rest of the house understands, cut in two.
        if let ModuleRef::Digest(_) = text.parse::<ModuleRef>()? {
            return Err("a digest names no module here: write NAME or NAME@VERSION".to_owned());
        }
        let (name, version) =
            text.split_once('@').map_or((text, None), |(name, version)| (name, Some(version.to_owned())));
        Ok(Self { name: name.parse()?, version })
    }
}

impl Module {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = match self {
            // Without a host.
            Self::Inspect(inspect) => return inspect.run(global).await,
            _ => global.client()?,
        };
        match self {
            Self::Inspect(_) => unreachable!("done above"),
            Self::Push(push) => push.run(global).await,
            Self::List { name } => {
                let query = name.map(|name| format!("?name={name}")).unwrap_or_default();
                let answer = client.get(&format!("/modules{query}")).await?;
                global.show(&answer, |List { items }| versions(&items, &BTreeMap::new()))
            }
            Self::Show { which: Which { name, version: None } } => {
                let answer = client.get(&format!("/modules/{name}")).await?;
                global.show(&answer, |module| named(&module))
            }
            Self::Show { which: Which { name, version: Some(version) } } => {
                let answer = client.get(&format!("/modules/{name}/{version}")).await?;
                global.show(&answer, |module| show::facts(&facts(&module, "")))
            }
            Self::Rm { which: Which { name, version } } => {
                let (below, at) = version.map_or_else(Default::default, |v| (format!("/{v}"), format!("@{v}")));
                let answer = client.delete(&format!("/modules/{name}{below}")).await?;
                global.done(&answer, &format!("module {name}{at} is removed"))
            }
            Self::Alias { alias: Which { name, version: alias }, version, rm } => {
                let alias =
                    alias.ok_or_else(|| Failure::usage(format!("`{name}` names no alias: write {name}@ALIAS")))?;
                let path = format!("/modules/{name}/aliases/{alias}");
                let (answer, done) = match version {
                    Some(version) if !rm => {
                        let answer = client.put(&path, &json!({ "version": version })).await?;
                        (answer, format!("{name}@{alias} is version {version}"))
                    }
                    _ => (client.delete(&path).await?, format!("alias {name}@{alias} is removed")),
                };
                global.done(&answer, &done)
            }
        }
    }
}

impl Push {
    async fn run(self, global: &Global) -> Result<(), Failure> {
        let name = match self.name {
            Some(name) => name,
            None => name_of(&self.file)?,
        };
        let bytes = read(&self.file)?;
        let answer = global.client()?.post_module(&format!("/modules/{name}"), bytes).await?;
        let remark = if answer.status == StatusCode::CREATED { "" } else { " (was there already)" };
        global.show(&answer, |module: answers::Module| {
            let mut facts = facts(&module, remark);
            facts.push(("next", next(&module)));
            show::facts(&facts)
        })
    }
}

/// A component's bytes; what cannot be one is not even sent.
pub(crate) fn read(file: &Path) -> Result<Bytes, Failure> {
    let shown = file.display();
    let bytes = std::fs::read(file).map_err(|error| Failure::usage(format!("`{shown}` cannot be read: {error}")))?;
    if bytes.len() > MODULE_BYTES_MOST {
        let size = show::bytes(bytes.len() as u64);
        return Err(Failure::usage(format!(
            "`{shown}` has {size}, a module at most {}",
            show::bytes(MODULE_BYTES_MOST as u64)
        )));
    }
    Ok(bytes.into())
}

/// What a file's module is called, unless somebody says otherwise: `github_verify.wasm` → `github-verify`.
pub(crate) fn name_of(file: &Path) -> Result<Name, Failure> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().replace('_', "-").to_ascii_lowercase();
    stem.parse().map_err(|error| {
        Failure::usage(format!("the file's name makes no module's name: {error}; give one before the file"))
    })
}

/// The command that most likely comes next.
fn next(module: &answers::Module) -> String {
    let manifest = &module.manifest;
    let mut command = format!("snaphook attach ROUTE {}", module.name);
    manifest.secrets.iter().for_each(|name| command.push_str(&format!(" --grant secrets.{name}=SECRET")));
    manifest.reveal.iter().for_each(|name| command.push_str(&format!(" --grant reveal.{name}=SECRET")));
    manifest.kv.iter().for_each(|name| command.push_str(&format!(" --grant kv={name}")));
    if manifest.config_schema.is_some() {
        command.push_str(" --config @config.json");
    }
    command
}

/// What a module wants to be granted, in words.
pub(crate) fn needs(manifest: &Manifest) -> String {
    let kinds = [
        ("secret", &manifest.secrets),
        ("secret in the clear", &manifest.reveal),
        ("kv namespace", &manifest.kv),
        ("perhaps secret", &manifest.optional_secrets),
        ("perhaps kv namespace", &manifest.optional_kv),
        ("perhaps keys from", &manifest.keys),
    ];
    let needs: Vec<String> =
        kinds.iter().flat_map(|(kind, names)| names.iter().map(move |name| format!("{kind} {name}"))).collect();
    if needs.is_empty() { "no grants".to_owned() } else { needs.join("\n") }
}

fn facts(module: &answers::Module, remark: &str) -> Vec<(&'static str, String)> {
    vec![
        ("module", module.name.clone()),
        ("version", format!("{}{remark}", module.version)),
        ("digest", module.digest.clone()),
        ("size", show::bytes(module.size)),
        ("created", show::time(module.created)),
        ("world", module.world.clone()),
        ("imports", imports(&module.imports)),
        ("needs", needs(&module.manifest)),
    ]
}

/// The interfaces that a module imports. Those of WASI come with nearly every toolchain, have nothing behind them, and
/// are only counted.
pub(crate) fn imports(imports: &[String]) -> String {
    let (wasi, own): (Vec<&str>, Vec<&str>) =
        imports.iter().map(String::as_str).partition(|name| name.starts_with("wasi:"));
    let wasi = (!wasi.is_empty()).then(|| format!("{} of wasi, with nothing behind them", wasi.len()));
    own.into_iter().map(str::to_owned).chain(wasi).collect::<Vec<_>>().join("\n")
}

fn versions(modules: &[answers::Module], aliases: &BTreeMap<String, u32>) -> String {
    let row = |module: &answers::Module| {
        let aliases: Vec<&str> = aliases
            .iter()
            .filter(|(_, version)| **version == module.version)
            .map(|(alias, _)| alias.as_str())
            .collect();
        let digest = module.digest.get(..19).unwrap_or(&module.digest).to_owned();
        vec![
            module.name.clone(),
            module.version.to_string(),
            aliases.join(" "),
            digest,
            show::bytes(module.size),
            show::time(module.created),
        ]
    };
    show::table(&["name", "version", "aliases", "digest", "size", "created"], modules.iter().map(row))
}

fn named(module: &ModuleNamed) -> String {
    let mut shown = versions(&module.versions, &module.aliases);
    if !module.used_by.is_empty() {
        shown.push('\n');
        shown.push_str(&show::facts(&[("used by", module.used_by.join("\n"))]));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_named_after_its_file() {
        let name =
            |file: &str| name_of(Path::new(file)).map(|name| name.to_string()).map_err(|failure| failure.to_string());
        assert_eq!(name("target/wasm32-wasip2/release/github_verify.wasm").unwrap(), "github-verify");
        assert_eq!(
            name("-x.wasm").unwrap_err(),
            "the file's name makes no module's name: `-x` is not a name: 1 to 63 of a-z, 0-9, `-`, `_` and `.`, beginning \
             with a letter or digit; give one before the file"
        );
    }

    #[test]
    fn a_pushed_module_says_what_comes_next() {
        let module: answers::Module = serde_json::from_value(json!({
            "name": "verify", "version": 3, "digest": "sha256:0123456789abcdef", "size": 59_700, "created": 0,
            "world": "snaphook:filter@0.1.0", "imports": ["snaphook:filter/body@0.1.0", "wasi:io/poll@0.2.6", "snaphook:filter/kv@0.1.0", "wasi:cli/exit@0.2.6"],
            "manifest": { "secrets": ["webhook"], "kv": ["deliveries"], "config_schema": {} },
        }))
        .unwrap();
        assert_eq!(
            next(&module),
            "snaphook attach ROUTE verify --grant secrets.webhook=SECRET --grant kv=deliveries --config @config.json"
        );
        let plain = anstream::adapter::strip_str(&show::facts(&facts(&module, ""))).to_string();
        assert_eq!(
            plain,
            "module   verify\n\
             version  3\n\
             digest   sha256:0123456789abcdef\n\
             size     58.3 KiB\n\
             created  1970-01-01 00:00:00Z\n\
             world    snaphook:filter@0.1.0\n\
             imports  snaphook:filter/body@0.1.0\n         snaphook:filter/kv@0.1.0\n         2 of wasi, with nothing behind them\n\
             needs    secret webhook\n         kv namespace deliveries\n"
        );
    }

    #[test]
    fn versions_are_listed_with_their_aliases() {
        let module: ModuleNamed = serde_json::from_value(json!({
            "name": "verify", "aliases": { "stable": 1 }, "used_by": ["github/verify"],
            "versions": [{ "name": "verify", "version": 1, "digest": "sha256:0123456789abcdef", "size": 10, "created": 0,
                "world": "snaphook:filter@0.1.0", "imports": [], "manifest": {} }],
        }))
        .unwrap();
        assert_eq!(
            anstream::adapter::strip_str(&named(&module)).to_string(),
            "NAME    VERSION  ALIASES  DIGEST               SIZE  CREATED\n\
             verify  1        stable   sha256:0123456789ab  10 B  1970-01-01 00:00:00Z\n\n\
             used by  github/verify\n"
        );
    }
}
