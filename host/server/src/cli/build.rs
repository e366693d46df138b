//! `build`: a filter's crate becomes a component, and is looked at as the host would look at it.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Deserialize;
use serde_json::json;

use super::{
    Global, exercise,
    failure::{Exit, Failure},
    module, show,
};

/// The stack in a filter's memory. Rust would make it a megabyte, and the host goes through all of a small memory after each
/// event; what the host gives a call of the machine's stack ends before this does.
const STACK_BYTES: u32 = 128 << 10;
/// What components are compiled for.
const TARGET: &str = "wasm32-wasip2";

/// Small first, quick second; for crates that say nothing themselves.
const SMALL: &[&str] = &["codegen-units=1", "lto=true", "opt-level=\"s\"", "panic=\"abort\"", "strip=true"];

#[derive(Debug, clap::Args)]
pub(crate) struct Build {
    /// The folder of the filter's Cargo.toml.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Cargo's profile. If the crate's workspace says nothing about it, components are made small.
    #[arg(long, value_name = "NAME", default_value = "release")]
    profile: String,
    /// What else is handed to cargo build, after --.
    #[arg(last = true, value_name = "CARGO OPTIONS")]
    cargo: Vec<String>,
}

impl Build {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        self.add_target()?;
        let components = self.compile()?;
        if components.is_empty() {
            return Err(Failure::failed(format!(
                "nothing in `{}` makes a component: a filter's Cargo.toml says [lib] crate-type = [\"cdylib\"]",
                self.dir.display()
            )));
        }
        for component in components {
            show_component(global, &self.bring(&component)?).await?;
        }
        Ok(())
    }

    /// Copies a component out of cargo's folder to where it is easy to name: beside Cargo.toml.
    fn bring(&self, component: &Path) -> Result<PathBuf, Failure> {
        let copy = self.dir.join(component.file_name().unwrap_or_default());
        let copy = copy.strip_prefix(".").map(Path::to_owned).unwrap_or(copy);
        match std::fs::copy(component, &copy) {
            Ok(_) => Ok(copy),
            Err(error) => Err(Failure::failed(format!("cannot write `{}`: {error}", copy.display()))),
        }
    }

    /// With rustup, if the standard library for components is not there yet.
    fn add_target(&self) -> Result<(), Failure> {
        let sysroot = self.output(Command::new("rustc").args(["--print", "sysroot"]))?;
        if Path::new(&sysroot).join("lib/rustlib").join(TARGET).is_dir() {
            return Ok(());
        }
        show::note(&format!("adding the target: rustup target add {TARGET}"));
        let added = Command::new("rustup").args(["target", "add", TARGET]).current_dir(&self.dir).status();
        match added {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Failure::failed(format!("`rustup target add {TARGET}` failed ({status})"))),
            Err(error) => Err(Failure::failed(format!(
                "the compiler has no {TARGET}, and rustup cannot be run to add it ({error}): install that target as you \
                 installed the compiler"
            ))),
        }
    }

    /// The components that cargo made.
    fn compile(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut cargo = Command::new(cargo());
        cargo.args(["build", "--target", TARGET, "--profile", &self.profile]);
        cargo.arg("--message-format=json-render-diagnostics");
        cargo.args(["--config", &format!("target.{TARGET}.rustflags = [\"-Clink-arg=-zstack-size={STACK_BYTES}\"]")]);
        if !self.has_profile()? {
            let options = SMALL.iter().map(|option| format!("profile.{}.{option}", self.profile));
            options.for_each(|option| _ = cargo.args(["--config", &option]));
        }
        cargo.args(&self.cargo).current_dir(&self.dir).stdout(Stdio::piped());
        let cannot = |error: std::io::Error| Failure::failed(format!("cannot run cargo: {error}"));
        let mut running = cargo.spawn().map_err(cannot)?;
        let messages = running.stdout.take().expect("stdout is piped");
        let mut components = Vec::new();
        for line in BufReader::new(messages).lines() {
            components.extend(component(&line.map_err(cannot)?));
        }
        match running.wait().map_err(cannot)? {
            status if status.success() => Ok(components),
            status => Err(Failure::new(Exit::Failed, format!("cargo build failed ({status})"))),
        }
    }

    /// Whether the workspace says how it wants to be compiled.
    fn has_profile(&self) -> Result<bool, Failure> {
        let locate = ["locate-project", "--workspace", "--message-format", "plain"];
        let root = self.output(Command::new(cargo()).args(locate))?;
        let text = std::fs::read_to_string(&root)
            .map_err(|error| Failure::failed(format!("`{root}` cannot be read: {error}")))?;
        let manifest: toml::Table = text.parse().map_err(|error| Failure::failed(format!("`{root}`: {error}")))?;
        Ok(manifest.get("profile").is_some_and(|profiles| profiles.get(&self.profile).is_some()))
    }

    /// One line of output.
    fn output(&self, command: &mut Command) -> Result<String, Failure> {
        let shown = command.get_program().to_string_lossy().into_owned();
        let ran = command.current_dir(&self.dir).stderr(Stdio::inherit()).output();
        let ran = ran.map_err(|error| {
            Failure::failed(format!(
                "cannot run {shown} in `{}`: {error}; Rust comes from https://rustup.rs",
                self.dir.display()
            ))
        })?;
        if !ran.status.success() {
            return Err(Failure::failed(format!("{shown} failed ({})", ran.status)));
        }
        Ok(String::from_utf8_lossy(&ran.stdout).trim().to_owned())
    }
}

fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// A message of cargo, as far as it matters here.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    target: Target,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Default, Deserialize)]
struct Target {
    kind: Vec<String>,
}

/// The component that a message tells of.
fn component(line: &str) -> Option<PathBuf> {
    let message: Message = serde_json::from_str(line).ok()?;
    let makes = message.reason == "compiler-artifact" && message.target.kind.iter().any(|kind| kind == "cdylib");
    message.filenames.into_iter().find(|file| makes && file.extension().is_some_and(|extension| extension == "wasm"))
}

async fn show_component(global: &Global, path: &Path) -> Result<(), Failure> {
    let loaded = exercise::load(path).await?;
    let size = module::read(path)?.len() as u64;
    let shown = path.display().to_string();
    if global.json {
        return show::print_json_line(&json!({
            "file": shown,
            "size": size,
            "digest": loaded.digest,
            "world": loaded.world,
            "imports": loaded.imports,
            "manifest": loaded.manifest,
        }));
    }
    show::print(&show::facts(&[
        ("component", shown.clone()),
        ("size", show::bytes(size)),
        ("digest", loaded.digest.to_string()),
        ("world", loaded.world.to_owned()),
        ("imports", module::imports(&loaded.imports)),
        ("needs", module::needs(&loaded.manifest)),
        ("next", format!("snaphook test {shown} --event events/example.json\nsnaphook module push {shown}")),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_found_in_cargos_messages() {
        let message = |reason: &str, kind: &str| {
            json!({ "reason": reason, "target": { "kind": [kind], "name": "x" }, "filenames": ["/t/x.d", "/t/x.wasm"], "profile": {} })
                .to_string()
        };
        assert_eq!(component(&message("compiler-artifact", "cdylib")), Some(PathBuf::from("/t/x.wasm")));
        assert_eq!(component(&message("compiler-artifact", "lib")), None);
        assert_eq!(component(&message("build-script-executed", "cdylib")), None);
        assert_eq!(component(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(component("no json"), None);
    }
}
