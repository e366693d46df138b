//! Steps that are shown as they run and stop everything when they fail.

use std::{
    ffi::OsStr,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, bail};

/// Runs the command from the root, with its output passed through.
pub(crate) fn run(what: &str, command: &mut Command) -> Result<()> {
    in_folder(what, &crate::root(), command)
}

/// As `run`, from another folder.
pub(crate) fn in_folder(what: &str, folder: &Path, command: &mut Command) -> Result<()> {
    eprintln!("\n── {what}");
    let start = Instant::now();
    let program = command.get_program().to_owned();
    let status = command
        .current_dir(folder)
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot start `{}`", program.display()))?;
    if !status.success() {
        bail!("{what} failed ({status}): {}", line(command));
    }
    eprintln!("   {what}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// The cargo that runs this program.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Whether the program can be started at all.
pub(crate) fn there(program: &str, argument: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(argument).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn line(command: &Command) -> String {
    let arguments = command.get_args().map(OsStr::to_string_lossy);
    std::iter::once(command.get_program().to_string_lossy()).chain(arguments).collect::<Vec<_>>().join(" ")
}
