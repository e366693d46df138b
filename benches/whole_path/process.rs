//! A process beside this one, and the time that it has computed.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};

/// Ends when dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Process {
    /// This program in another role. It says on standard output where it listens.
    pub(crate) fn role(arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("standard output is piped")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().parse().with_context(|| format!("{arguments:?} did not come up"))?;
        Ok(Self { child, address })
    }

    pub(crate) fn new(child: Child, address: SocketAddr) -> Self {
        Self { child, address }
    }

    pub(crate) fn cpu(&self) -> Result<Duration> {
        cpu_of(self.id())
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

/// What a process has computed over all its threads, in user space and in the kernel. Exact to one tick of 10 ms.
pub(crate) fn cpu_of(process: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // Fields 14 and 15 of proc_pid_stat(5); the second, in brackets, may hold anything.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split(' ');
    let ticks: Vec<u64> = fields.skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(Duration::from_millis(10 * ticks.iter().sum::<u64>()))
}

impl Drop for Process {
    fn drop(&mut self) {
        // Whoever has ended already is fine too.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
