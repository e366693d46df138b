//! A crate becomes a component: cargo builds it for WASI.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{
    Build,
    process::{Leash, Program},
};
use crate::cli::{failure::Failure, show};

/// The stack in a filter's memory. Rust would make it a megabyte, and the host goes through all of a small memory after each
/// event; what the host gives a call of the machine's stack ends before this does.
const STACK_BYTES: u32 = 128 << 10;
/// What components are compiled for.
const TARGET: &str = "wasm32-wasip2";

/// Small first, quick second; for crates that say nothing themselves.
const SMALL: &[&str] = &["codegen-units=1", "lto=true", "opt-level=\"s\"", "panic=\"abort\"", "strip=true"];

const FROM: &str = "Rust comes from https://rustup.rs";

impl Build {
    /// The components that cargo made.
    pub(super) async fn build_rust(&self, leash: Leash) -> Result<Vec<PathBuf>, Failure> {
        self.add_target(leash).await?;
        let mut options = vec!["build".to_owned(), "--target".to_owned(), TARGET.to_owned()];
        options.extend(["--profile".to_owned(), self.profile.clone()]);
        options.push("--message-format=json-render-diagnostics".to_owned());
        let stack = format!("target.{TARGET}.rustflags = [\"-Clink-arg=-zstack-size={STACK_BYTES}\"]");
        options.extend(["--config".to_owned(), stack]);
        if !self.has_profile(leash).await? {
            let small = SMALL.iter().map(|option| format!("profile.{}.{option}", self.profile));
            small.for_each(|option| options.extend(["--config".to_owned(), option]));
        }
        let cargo = Program::new(cargo(), &self.dir, leash, FROM).args(options).args(&self.options);
        let mut components = Vec::new();
        cargo.read("cargo build", |line| components.extend(component(line))).await?;
        Ok(components)
    }

    /// With rustup, if the standard library for components is not there yet.
    async fn add_target(&self, leash: Leash) -> Result<(), Failure> {
        let rustc = Program::new("rustc", &self.dir, leash, FROM).args(["--print", "sysroot"]);
        let sysroot = first_line(rustc, "rustc").await?;
        if Path::new(&sysroot).join("lib/rustlib").join(TARGET).is_dir() {
            return Ok(());
        }
        show::note(&format!("adding the target: rustup target add {TARGET}"));
        let hint = "the compiler has no wasm32-wasip2, and rustup cannot add it: install that target as you installed the \
                    compiler";
        let rustup = Program::new("rustup", &self.dir, leash, hint).args(["target", "add", TARGET]);
        rustup.run(&format!("`rustup target add {TARGET}`")).await
    }

    /// Whether the workspace says how it wants to be compiled.
    async fn has_profile(&self, leash: Leash) -> Result<bool, Failure> {
        let locate = ["locate-project", "--workspace", "--message-format", "plain"];
        let root = first_line(Program::new(cargo(), &self.dir, leash, FROM).args(locate), "cargo").await?;
        let text = std::fs::read_to_string(&root)
            .map_err(|error| Failure::failed(format!("`{root}` cannot be read: {error}")))?;
        let manifest: toml::Table = text.parse().map_err(|error| Failure::failed(format!("`{root}`: {error}")))?;
        Ok(manifest.get("profile").is_some_and(|profiles| profiles.get(&self.profile).is_some()))
    }
}

async fn first_line(program: Program, what: &str) -> Result<String, Failure> {
    let mut first = None;
    program.read(what, |line| _ = first.get_or_insert_with(|| line.trim().to_owned())).await?;
    Ok(first.unwrap_or_default())
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

#[cfg(test)]
mod tests {
    use serde_json::json;

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
