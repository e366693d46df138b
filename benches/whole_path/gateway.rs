//! Snaphook itself, started and configured as a user would.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use benches::event::SECRET;
use tempfile::TempDir;

use crate::process::Process;

/// A host with the routes `/J0`, `/J1` and `/J2`. Its folder goes with it.
pub(crate) struct Gateway {
    pub(crate) process: Process,
    _folder: TempDir,
}

impl Gateway {
    pub(crate) fn start(host: &Path, component: &Path, upstream: SocketAddr) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (gateway, admin) = (free_address()?, free_address()?);
        let settings = folder.path().join("snaphook.toml");
        std::fs::write(
            &settings,
            format!(
                "data = \"data\"\n[gateway]\nlisten = \"{gateway}\"\n[admin]\nlisten = \"{admin}\"\n\
                 [egress]\nallow = [\"{upstream}\"]\n[log]\nfilter = \"warn\"\n"
            ),
        )?;
        let command = |arguments: &[&str]| {
            let mut command = Command::new(host);
            command.arg("--config").arg(&settings).args(arguments).stdin(Stdio::null());
            command
        };
        let mut serve = command(&["serve"]);
        serve.env("TOKIO_WORKER_THREADS", crate::THREADS.to_string()).stdout(Stdio::null());
        let process = Process::new(serve.spawn().with_context(|| format!("cannot start {}", host.display()))?, gateway);
        await_listener(admin)?;
        let configuration = folder.path().join("routes.toml");
        std::fs::write(&configuration, routes(component, upstream))?;
        let mut apply = command(&["apply"]);
        apply.arg(&configuration).env("BENCH_SECRET", SECRET).stdout(Stdio::null());
        ensure!(apply.status()?.success(), "`snaphook apply` failed");
        await_listener(gateway)?;
        Ok(Self { process, _folder: folder })
    }
}

fn routes(component: &Path, upstream: SocketAddr) -> String {
    let filter = |job: &str| {
        format!(
            "[[routes.{job}.filters]]\nname = \"bench\"\nmodule = \"bench\"\nconfig = {{ job = \"{}\" }}\n\
             grants = {{ secrets = {{ webhook = \"github\" }} }}\n",
            job.to_uppercase()
        )
    };
    let route = |job: &str| {
        let path = job.to_uppercase();
        format!("[routes.{job}]\nmatch = {{ path = \"/{path}\" }}\nforward = {{ candidates = [\"upstream\"] }}\n")
    };
    [
        format!("[modules.bench]\nfile = {component:?}\n"),
        "[secrets.github]\nenv = \"BENCH_SECRET\"\n".to_owned(),
        format!("[destinations.upstream]\nurl = \"http://{upstream}\"\npath = \"append\"\n"),
        route("j0"),
        route("j1") + &filter("j1"),
        route("j2") + &filter("j2"),
    ]
    .join("\n")
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
