//! Builds every filter of the repository, once, into the one target folder.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::step;

/// The examples and the filters that tests use.
pub(crate) const PACKAGES: &[&str] = &[
    "hello",
    "github-verify",
    "router",
    "rewrite",
    "verify",
    "cookbook",
    "snaphook-test-guests",
    "snaphook-hostile-guests",
];

const TARGET: &str = "wasm32-wasip2";

pub(crate) fn build() -> Result<()> {
    add_target()?;
    let mut command = step::cargo(&["build", "--profile", "guest", "--target", TARGET, "--lib", "--examples"]);
    for package in PACKAGES {
        command.args(["--package", package]);
    }
    step::run("filters for WebAssembly", &mut command)
}

/// Asks rustup only if the standard library for the target is not there.
fn add_target() -> Result<()> {
    let output =
        Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).stderr(Stdio::null()).output();
    let output = output.context("cannot start rustc: install Rust from https://rustup.rs")?;
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if folder.is_dir() {
        return Ok(());
    }
    if !step::there("rustup", "--version") {
        bail!("the target {TARGET} is missing and there is no rustup to add it: install Rust from https://rustup.rs");
    }
    step::run("WebAssembly target", Command::new("rustup").args(["target", "add", TARGET]))
}
