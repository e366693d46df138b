//! The host that serves: one that runs already, or one that is started for as long as this command runs.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use model::Secret;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{
    cli::{
        Global,
        answers::Status,
        client::{Client, Token},
        failure::{Exit, Failure},
        show,
    },
    settings::TOKEN_FILE,
};

/// How long a host may take to come up.
const START_MOST: Duration = Duration::from_secs(60);
/// Between two looks whether it is up.
const LOOK: Duration = Duration::from_millis(25);
/// How long it gets to finish what is in flight; then it is ended.
const STOP_MOST: Duration = Duration::from_secs(10);

/// None if it is somebody else's.
#[derive(Debug)]
pub(super) struct Host(Option<Started>);

/// A host that ends with this command.
#[derive(Debug)]
struct Started {
    child: Child,
    data: PathBuf,
    admin: String,
    /// Goes with everything in it when this does.
    _folder: Option<TempDir>,
}

impl Host {
    /// The host at the admin address that is meant; if nobody listens there, one is started there.
    pub(super) async fn find_or_start(
        global: &Global,
        data: Option<&Path>,
        set: &[(String, String)],
    ) -> Result<Self, Failure> {
        if set.iter().any(|(key, _)| key == "admin.listen") {
            let place = "say where with `--admin http://ADDRESS`: a host is started there if none is";
            return Err(Failure::usage(format!("`--set admin.listen` is not for this command; {place}")));
        }
        let admin = global.admin()?;
        let unreachable = match global.client()?.get("/v1/status").await {
            Ok(_) => {
                show::note(&format!("using the host at {admin}"));
                return Ok(Self(None));
            }
            Err(failure) if failure.exit == Exit::Unreachable => failure,
            Err(failure) => return Err(failure),
        };
        // Only here can one be started.
        let address: Option<SocketAddr> = admin.trim_start_matches("http://").trim_end_matches('/').parse().ok();
        let Some(address) = address.filter(|address| address.ip().is_loopback()) else { return Err(unreachable) };
        let folder = match data {
            Some(_) => None,
            None => Some(
                TempDir::with_prefix("snaphook-dev-")
                    .map_err(|error| Failure::failed(format!("cannot make a folder for the host: {error}")))?,
            ),
        };
        let data = data.map_or_else(|| folder.as_ref().map(TempDir::path), Some).expect("one of the two").to_owned();
        let child = start(global, &data, address, set)?;
        let mut host =
            Self(Some(Started { child, data: data.clone(), admin: format!("http://{address}"), _folder: folder }));
        host.wait_until_up(global).await?;
        show::note(&format!("started a host; its admin API is at {admin}, its data in {}", data.display()));
        show::note(&format!("in other terminals: export SNAPHOOK_ADMIN={admin} SNAPHOOK_DATA={}", data.display()));
        Ok(host)
    }

    async fn wait_until_up(&mut self, global: &Global) -> Result<(), Failure> {
        let end = Instant::now() + START_MOST;
        loop {
            if let Some(started) = &mut self.0
                && let Ok(Some(status)) = started.child.try_wait()
            {
                return Err(Failure::failed(format!("the host ended before it was up ({status})")));
            }
            if let Ok(client) = self.client(global)
                && client.get("/v1/status").await.is_ok()
            {
                return Ok(());
            }
            if Instant::now() >= end {
                return Err(Failure::failed(format!("the host was not up within {} s", START_MOST.as_secs())));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    pub(super) fn is_own(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn client(&self, global: &Global) -> Result<Client, Failure> {
        match &self.0 {
            None => global.client(),
            Some(Started { data, admin, .. }) => {
                let file = data.join(TOKEN_FILE);
                let token = std::fs::read_to_string(&file)
                    .map_err(|error| Failure::failed(format!("`{}` cannot be read: {error}", file.display())))?;
                let token = Token::Known(Secret::new(token.trim().as_bytes().to_vec()));
                Client::new(admin, token, global.project.clone())
            }
        }
    }

    /// Returns if a host that was started here ends by itself.
    pub(super) async fn ended(&mut self) -> Failure {
        let Some(started) = &mut self.0 else { return std::future::pending().await };
        match started.child.wait().await {
            Ok(status) => Failure::failed(format!("the host ended ({status})")),
            Err(error) => Failure::failed(format!("the host cannot be waited for: {error}")),
        }
    }

    /// Ends a host that was started here, and nobody else's. What is in flight gets some time.
    pub(super) async fn stop(self) {
        let Some(Started { mut child, _folder, .. }) = self.0 else { return };
        #[cfg(unix)]
        if let Some(process) = child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
            // It may have ended meanwhile.
            _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
            if tokio::time::timeout(STOP_MOST, child.wait()).await.is_ok() {
                return;
            }
        }
        // Then it has ended already.
        _ = child.kill().await;
    }
}

fn start(global: &Global, data: &Path, admin: SocketAddr, set: &[(String, String)]) -> Result<Child, Failure> {
    let cannot = |error: std::io::Error| Failure::failed(format!("cannot start a host: {error}"));
    let wished = global.settings()?.gateway.listen;
    let gateway = if TcpListener::bind(wished).is_ok() { wished } else { SocketAddr::from(([127, 0, 0, 1], 0)) };
    let mut command = Command::new(std::env::current_exe().map_err(cannot)?);
    if let Some(config) = &global.config {
        command.arg("--config").arg(config);
    }
    command.args(["serve", "--with-parent"]);
    let own = [
        format!("data={}", data.display()),
        format!("admin.listen={admin}"),
        format!("gateway.listen={gateway}"),
        "egress.allow=127.0.0.1".to_owned(),
        "log.filter=warn".to_owned(),
    ];
    let others = set.iter().map(|(key, value)| format!("{key}={value}"));
    own.into_iter().chain(others).for_each(|set| _ = command.args(["--set", &set]));
    // The line for the admin API is this command's; the host finds its own token.
    for variable in ["SNAPHOOK_ADMIN", "SNAPHOOK_TOKEN", "SNAPHOOK_TOKEN_FILE"] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    // It is told once, and by this command: a terminal would tell it too.
    #[cfg(unix)]
    command.process_group(0);
    command.spawn().map_err(cannot)
}

/// Where an event for a route is sent.
pub(super) async fn gateway_url(client: &Client, path: &str) -> Result<String, Failure> {
    let status: Status = client.get("/v1/status").await?.read()?;
    let gateway = status.gateway.ok_or_else(|| Failure::failed("the host does not say where its gateway is"))?;
    let gateway = gateway.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]");
    Ok(format!("http://{gateway}{path}"))
}
