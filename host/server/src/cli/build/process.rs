//! Programs that a build runs, one after the other.

use std::{
    ffi::OsStr,
    path::Path,
    process::{ExitStatus, Stdio},
};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::cli::failure::{Exit, Failure};

/// What happens to a program when this one ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leash {
    /// It is in this program's group, and a terminal's Ctrl-C reaches both.
    Loose,
    /// It is in a group of its own, which is ended when nobody waits for it any more.
    Short,
}

/// A program with what it is told.
#[derive(Debug)]
pub(super) struct Program {
    command: Command,
    name: String,
    leash: Leash,
    /// Where it comes from, for those who do not have it.
    from: &'static str,
}

impl Program {
    /// What it prints goes to standard error: standard output is for what this program says.
    pub(super) fn new(name: impl AsRef<OsStr>, folder: &Path, leash: Leash, from: &'static str) -> Self {
        let mut command = Command::new(name.as_ref());
        command.current_dir(folder).stdin(Stdio::null()).stdout(std::io::stderr());
        #[cfg(unix)]
        if leash == Leash::Short {
            command.process_group(0);
        }
        Self { command, name: name.as_ref().to_string_lossy().into_owned(), leash, from }
    }

    pub(super) fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.command.args(arguments);
        self
    }

    fn start(&mut self) -> Result<Running, Failure> {
        let child = self
            .command
            .spawn()
            .map_err(|error| Failure::failed(format!("cannot run {}: {error}; {}", self.name, self.from)))?;
        Ok(Running { child, leash: self.leash })
    }

    /// Fails if it does.
    pub(super) async fn run(mut self, what: &str) -> Result<(), Failure> {
        let ended = self.start()?.ended().await.map_err(|error| self.cannot(&error))?;
        check(ended, what)
    }

    /// Hands each line that it prints to `take`.
    pub(super) async fn read(mut self, what: &str, mut take: impl FnMut(&str)) -> Result<(), Failure> {
        self.command.stdout(Stdio::piped());
        let mut running = self.start()?;
        let printed = running.child.stdout.take().expect("stdout is piped");
        let mut lines = BufReader::new(printed).lines();
        while let Some(line) = lines.next_line().await.map_err(|error| self.cannot(&error))? {
            take(&line);
        }
        let ended = running.ended().await.map_err(|error| self.cannot(&error))?;
        check(ended, what)
    }

    /// Whether it can be run at all and does what it is asked; nothing of it is shown.
    pub(super) async fn works(mut self) -> bool {
        self.command.stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(running) = self.start() else { return false };
        running.ended().await.is_ok_and(|status| status.success())
    }

    fn cannot(&self, error: &std::io::Error) -> Failure {
        Failure::failed(format!("cannot run {}: {error}", self.name))
    }
}

fn check(ended: ExitStatus, what: &str) -> Result<(), Failure> {
    if ended.success() { Ok(()) } else { Err(Failure::new(Exit::Failed, format!("{what} failed ({ended})"))) }
}

/// A program that runs; on a short leash, no longer than this lives.
struct Running {
    child: Child,
    leash: Leash,
}

impl Running {
    async fn ended(mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Once it has ended it has no id any more, and its number may be another's.
        #[cfg(unix)]
        if self.leash == Leash::Short
            && let Some(group) = self.child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()))
        {
            // It may be gone already.
            _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
        }
    }
}
