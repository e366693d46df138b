//! Everything that must hold before a change lands; what CI calls.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{
    demo, guests,
    languages::{self, Providers},
    step, target,
};

/// Every cargo command selects the whole workspace: a smaller selection would ask for fewer features of shared crates and
/// build wasmtime a second time.
pub(crate) fn run(providers: Providers) -> Result<()> {
    step::run("format", &mut step::cargo(&["fmt", "--all", "--check"]))?;
    guests::build()?;
    step::run("lints", &mut step::cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
    licences()?;
    packages()?;
    demo::run(demo::Until::Shown)?;
    step::run(
        "documentation",
        step::cargo(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "--deny warnings"),
    )?;
    step::run("documentation's examples", &mut step::cargo(&["test", "--workspace", "--doc"]))?;
    if step::there("cargo-nextest", "--version") {
        step::run("tests", &mut step::cargo(&["nextest", "run", "--workspace"]))?;
    } else {
        step::run("tests", &mut step::cargo(&["test", "--workspace", "--lib", "--bins", "--tests"]))?;
    }
    languages::run(providers)
}

/// Licences, duplicate versions and sources are checked without network; advisories where their database can be had.
fn licences() -> Result<()> {
    if !step::there("cargo-deny", "--version") {
        step::run("cargo-deny, once", &mut step::cargo(&["install", "--locked", "cargo-deny"]))?;
    }
    step::run("licences, versions and sources", &mut step::cargo(&["deny", "check", "bans", "licenses", "sources"]))
}

/// What the tests use that others wrote: real payloads and the senders' own signing code.
fn packages() -> Result<()> {
    if !step::there("npm", "--version") {
        bail!("npm is missing: the tests send real GitHub payloads out of npm packages; install Node.js 20 or newer");
    }
    for (folder, what) in
        [("octokit", "real GitHub payloads, from npm"), ("receivers", "libraries of receivers, from npm")]
    {
        let mut command = Command::new("npm");
        command.args(["ci", "--no-audit", "--no-fund", "--prefix", &format!("tests/{folder}")]);
        step::run(what, &mut command)?;
    }
    let folder = target().join("receivers");
    step::run("a place for Python packages", Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    let mut command = Command::new(folder.join("bin/python"));
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    step::run("libraries of receivers, from PyPI", command.args(["--requirement", "tests/receivers/requirements.txt"]))
}
