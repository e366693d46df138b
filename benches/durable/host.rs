//! Snaphook itself with one route in mode `deliver`, started and configured as a user would.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use benches::event::SECRET;
use serde_json::Value;
use tempfile::TempDir;

use crate::process::Process;

/// Its folder goes with it.
pub(crate) struct Host {
    process: Process,
    program: PathBuf,
    settings: PathBuf,
    folder: TempDir,
}

impl Host {
    /// `more` is what else is written for the route, as TOML.
    pub(crate) fn start(program: &Path, component: &Path, upstream: SocketAddr, more: &str) -> Result<Self> {
        Self::start_in(tempfile::tempdir()?, program, component, upstream, more)
    }

    /// In a folder that has a journal already, in `data`.
    pub(crate) fn start_in(
        folder: TempDir,
        program: &Path,
        component: &Path,
        upstream: SocketAddr,
        more: &str,
    ) -> Result<Self> {
        let (gateway, admin) = (free_address()?, free_address()?);
        let settings = folder.path().join("snaphook.toml");
        let text = format!(
            "data = \"data\"\n[gateway]\nlisten = \"{gateway}\"\nthreads = {}\n[admin]\nlisten = \"{admin}\"\n\
             [egress]\nallow = [\"{upstream}\"]\n[log]\nfilter = \"warn\"\n",
            crate::THREADS
        );
        std::fs::write(&settings, text)?;
        let mut serve = Command::new(program);
        serve.arg("--config").arg(&settings).arg("serve").stdin(Stdio::null()).stdout(Stdio::null());
        let process =
            Process::new(serve.spawn().with_context(|| format!("cannot start {}", program.display()))?, gateway);
        let host = Self { process, program: program.to_owned(), settings, folder };
        await_listener(admin)?;
        let routes = host.folder.path().join("routes.toml");
        std::fs::write(&routes, configuration(component, upstream, more))?;
        host.command(&["apply", &routes.display().to_string()])?;
        await_listener(gateway)?;
        Ok(host)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.process.address
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What a command of the program prints.
    pub(crate) fn command(&self, arguments: &[&str]) -> Result<Vec<u8>> {
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(&self.settings).args(arguments).env("BENCH_SECRET", SECRET);
        let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "`snaphook {}` failed", arguments.join(" "));
        Ok(output.stdout)
    }

    pub(crate) fn wait_until_settled(&self) -> Result<()> {
        let began = Instant::now();
        loop {
            let listed = self.command(&["delivery", "list", "--status", "waiting", "--limit", "1", "--json"])?;
            let listed: Value = serde_json::from_slice(&listed)?;
            if listed["items"].as_array().is_some_and(Vec::is_empty) {
                return Ok(());
            }
            if began.elapsed() > Duration::from_secs(120) {
                bail!("deliveries still wait after 120 s: {listed}");
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn cpu(&self) -> Result<Duration> {
        self.process.cpu()
    }

    /// Seconds that it computes while nothing is asked of it, and seconds on the clock.
    pub(crate) fn idle(&self, time: Duration) -> Result<(f64, f64)> {
        thread::sleep(Duration::from_secs(1));
        let (before, began) = (self.process.cpu()?, Instant::now());
        thread::sleep(time);
        Ok(((self.process.cpu()? - before).as_secs_f64(), began.elapsed().as_secs_f64()))
    }

    /// Bytes that are resident, shared ones included.
    pub(crate) fn memory(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("there is no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? << 10)
    }
}

fn configuration(component: &Path, upstream: SocketAddr, more: &str) -> String {
    format!(
        "[modules.bench]\nfile = {component:?}\n[secrets.github]\nenv = \"BENCH_SECRET\"\n\
         [destinations.upstream]\nurl = \"http://{upstream}\"\nconcurrency = 64\n\
         [routes.j1]\nmatch = {{ path = \"/J1\" }}\ndeliver = {{ destinations = [\"upstream\"] }}\n{more}\n\
         [[routes.j1.filters]]\nname = \"bench\"\nmodule = \"bench\"\nconfig = {{ job = \"J1\" }}\n\
         grants = {{ secrets = {{ webhook = \"github\" }} }}\n"
    )
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn await_listener(address: SocketAddr) -> Result<()> {
    let start = Instant::now();
    while TcpStream::connect(address).is_err() {
        if start.elapsed() > Duration::from_secs(20) {
            bail!("nothing listens on {address} after 20 s");
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
