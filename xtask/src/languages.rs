//! The SDKs of other languages than Rust: their own checks, and their filters on the host that was just built.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{root, step, target};

/// Needs the host's program, as the tests leave it.
pub(crate) fn run() -> Result<()> {
    python()
}

fn python() -> Result<()> {
    if !step::there("python3", "--version") {
        bail!("python3 is missing: the Python SDK is tested with it; install Python 3.11 or newer");
    }
    let venv = target().join("python");
    let program = |name: &str| Command::new(venv.join("bin").join(name));
    let package = root().join("guest-sdk/python");
    step::run("a place for the Python SDK", Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    let mut pip = program("python");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "./guest-sdk/python"]);
    step::run(
        "the Python SDK and what checks it",
        pip.args(["--requirement", "guest-sdk/python/requirements-dev.txt"]),
    )?;
    // It refuses to write into what is there.
    _ = std::fs::remove_dir_all(package.join("build/bindings"));
    let mut bindings = program("componentize-py");
    bindings.args(["--wit-path", "src/snaphook/wit", "--world", "filter", "bindings", "build/bindings"]);
    step::in_folder("types of the host's imports", &package, &mut bindings)?;
    step::in_folder("the Python SDK: lints", &package, program("ruff").args(["check", "."]))?;
    step::in_folder("the Python SDK: format", &package, program("ruff").args(["format", "--check", "."]))?;
    step::in_folder("the Python SDK: types", &package, &mut program("mypy"))?;
    let host = target().join("debug/snaphook");
    let mut tests = program("python");
    tests.args(["-W", "error", "-m", "unittest"]).env("SNAPHOOK", host);
    step::in_folder("the Python SDK: tests, also on the host", &package, &mut tests)?;
    let example = root().join("examples/router-python");
    step::in_folder("router-python: tests", &example, program("python").args(["-m", "unittest"]))?;
    step::in_folder("router-python: component", &example, program("snaphook-py").arg("build"))
}
