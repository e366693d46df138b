//! What the benches run and cargo builds: always built anew where a source changed, so that nothing old is measured.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

/// The bench's filter, for WebAssembly.
pub fn filter() -> Result<PathBuf> {
    cargo(&[
        "build",
        "--quiet",
        "--profile",
        "guest",
        "--target",
        "wasm32-wasip2",
        "--package",
        "snaphook-bench-filter",
    ])?;
    Ok(target().join("wasm32-wasip2/guest/snaphook_bench_filter.wasm"))
}

/// The host. Built out of the whole workspace, since a smaller selection would ask for fewer features of shared crates
/// and build wasmtime a second time.
pub fn host() -> Result<PathBuf> {
    cargo(&["build", "--quiet", "--release", "--workspace", "--bin", "snaphook"])?;
    Ok(target().join("release/snaphook"))
}

/// The checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package lies one below the root")
}

fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

fn cargo(arguments: &[&str]) -> Result<()> {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(program).args(arguments).current_dir(root()).status().context("cannot start cargo")?;
    ensure!(status.success(), "cargo {} failed: {status}", arguments.join(" "));
    Ok(())
}
