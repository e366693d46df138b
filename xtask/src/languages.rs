//! Other languages than Rust: the SDKs' own checks, and their filters on the host that was just built.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{root, step, target};

/// Which of the providers' own SDKs are tried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Providers {
    All,
    /// One for each provider.
    Short,
}

/// Needs the host's program, as the tests leave it.
pub(crate) fn run(providers: Providers) -> Result<()> {
    python()?;
    javascript()?;
    interface_alone()?;
    cookbook()?;
    self::providers(providers)
}

/// A filter in a language without an SDK.
fn interface_alone() -> Result<()> {
    let example = root().join("examples/gitlab-token-c");
    let mut build = Command::new("python3");
    build.arg("build.py").arg(target().join("tools"));
    step::in_folder("gitlab-token-c: component", &example, &mut build)?;
    let snaphook = |arguments: &[&str]| {
        let mut command = Command::new(target().join("debug/snaphook"));
        command.args(arguments);
        command
    };
    step::in_folder(
        "gitlab-token-c: a look into it",
        &example,
        &mut snaphook(&["module", "inspect", "gitlab_token_c.wasm"]),
    )?;
    step::in_folder("gitlab-token-c: cases", &example, &mut snaphook(&["test"]))
}

/// The cookbook's filters in both languages, with their cases.
fn cookbook() -> Result<()> {
    let folder = root().join("examples/cookbook");
    let mut npm = Command::new("npm");
    step::in_folder("cookbook: packages", &folder, npm.args(["ci", "--no-audit", "--no-fund"]))?;
    let python = target().join("python/bin");
    let mut ruff = Command::new(python.join("ruff"));
    let rules = ["--config", "guest-sdk/python/pyproject.toml", "examples/cookbook"];
    step::run("cookbook: lints", ruff.arg("check").args(rules))?;
    let mut ruff = Command::new(python.join("ruff"));
    step::run("cookbook: format", ruff.args(["format", "--check"]).args(rules))?;
    for recipe in std::fs::read_dir(&folder).context("cannot read examples/cookbook")? {
        let name = recipe.context("cannot read examples/cookbook")?.file_name();
        let name = name.to_string_lossy();
        let file = |kind: &str| format!("{name}/filter.{kind}");
        let mut build = if folder.join(file("js")).is_file() {
            let mut build = Command::new("npx");
            build.args(["--no-install", "snaphook-js", "build", &file("js"), "--out", &file("wasm")]);
            build
        } else if folder.join(file("py")).is_file() {
            let mut build = Command::new(python.join("snaphook-py"));
            build.args(["build", &file("py")]);
            build
        } else {
            continue;
        };
        step::in_folder(&format!("cookbook: {name}"), &folder, &mut build)?;
    }
    let tests = ["test", "--workspace", "--test", "it", "--", "--ignored", "cookbook::"];
    step::run("cookbook: cases, and events through the host", &mut step::cargo(&tests))
}

/// The providers' own SDKs against the recipes; if it is all of them, the page that says so must be in step.
fn providers(which: Providers) -> Result<()> {
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--omit=peer", "--no-audit", "--no-fund", "--prefix", "tests/providers/npm"]);
    step::run("SDKs of providers, from npm", &mut npm)?;
    let venv = target().join("providers");
    step::run("a place for SDKs in Python", Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile"]);
    step::run("SDKs of providers, from PyPI", pip.args(["--requirement", "tests/providers/pypi/requirements.txt"]))?;
    let mut matrix = Command::new("python3");
    matrix.arg("tests/providers/run.py").arg(target().join("debug/snaphook"));
    matrix.arg(target().join("wasm32-wasip2/guest/verify.wasm"));
    let page = target().join("providers.md");
    match which {
        Providers::All => matrix.arg("--markdown").arg(&page),
        Providers::Short => matrix.arg("--short"),
    };
    step::run("recipes against the providers' own SDKs", &mut matrix)?;
    if which == Providers::All && std::fs::read(&page)? != std::fs::read(root().join("docs/providers.md"))? {
        bail!("docs/providers.md is out of step: copy {} over it", page.display());
    }
    Ok(())
}

fn javascript() -> Result<()> {
    let npm = |arguments: &[&str]| {
        let mut command = Command::new("npm");
        command.args(arguments).args(["--no-audit", "--no-fund"]);
        command
    };
    for folder in ["guest-sdk/js", "examples/rewrite-js"] {
        let mut install = npm(&["ci", "--prefix", folder]);
        step::run(&format!("{folder}: packages"), &mut install)?;
    }
    step::run("the JavaScript SDK: types", &mut npm(&["run", "check", "--prefix", "guest-sdk/js"]))?;
    let host = target().join("debug/snaphook");
    let mut tests = npm(&["test", "--prefix", "guest-sdk/js"]);
    step::run("the JavaScript SDK: tests, also on the host", tests.env("HOST_PROGRAM", &host))?;
    step::run("rewrite-js: types", &mut npm(&["run", "check", "--prefix", "examples/rewrite-js"]))?;
    step::run("rewrite-js: component", &mut npm(&["run", "build", "--prefix", "examples/rewrite-js"]))?;
    let mut tests = npm(&["test", "--prefix", "examples/rewrite-js"]);
    step::run("rewrite-js: tests, also on the host", tests.env("HOST_PROGRAM", host))
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
