//! The host of the demo and a small destination beside it, as processes of their own.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// The secret that the demo's webhooks are signed with.
const SECRET: &str = "it's a secret to everybody";
/// The secret that deliveries are signed with, as Standard Webhooks writes it.
const SIGNING_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

pub(crate) struct Host {
    binary: PathBuf,
    folder: PathBuf,
    gateway: SocketAddr,
    admin: SocketAddr,
    destination: SocketAddr,
    /// Where nobody listens at first.
    ledger: SocketAddr,
    serve: Child,
    _listen: Child,
    /// What the destination received, one JSON object a line.
    pub(crate) received: Receiver<String>,
}

/// A process that ends with what owns it.
pub(crate) struct Child(pub(crate) process::Child);

impl Drop for Child {
    fn drop(&mut self) {
        // One that ended by itself cannot be ended again.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

impl Host {
    /// On the usual ports if they are free. Everything of an earlier demo is removed.
    pub(crate) fn start() -> Result<Self> {
        let binary = crate::target().join("debug").join(format!("snaphook{}", std::env::consts::EXE_SUFFIX));
        let folder = crate::target().join("demo");
        if folder.exists() {
            std::fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let [gateway, admin, destination, ledger] = [8080, 8081, 9900, 9901].map(free_address);
        let (gateway, admin, destination, ledger) = (gateway?, admin?, destination?, ledger?);
        let log = std::fs::File::create(folder.join("host.log")).context("cannot make the host's log")?;
        let mut listen = Command::new(&binary);
        listen.args(["listen", &destination.to_string(), "--json"]);
        let mut listen = Child(super::piped(&mut listen).spawn().context("cannot start the destination")?);
        let received = super::lines(&mut listen.0)?;
        let mut serve = Command::new(&binary);
        serve.arg("serve").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        // Sending to this machine is refused by default; the demo's destinations are an exception made for them alone.
        serve.env("SNAPHOOK_EGRESS_ALLOW", format!("{destination},{ledger}"));
        serve.env("SNAPHOOK_GATEWAY_LISTEN", gateway.to_string()).env("SNAPHOOK_ADMIN_LISTEN", admin.to_string());
        serve.env("SNAPHOOK_DATA", folder.join("data"));
        let serve = Child(serve.spawn().context("cannot start the host")?);
        let mut host = Self { binary, folder, gateway, admin, destination, ledger, serve, _listen: listen, received };
        host.wait_until_ready()?;
        let example = "examples/github-chain/route.toml";
        host.apply(example, &format!("three filters on one route: snaphook apply {example}"))?;
        Ok(host)
    }

    /// The program as a client of this host.
    pub(crate) fn snaphook(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).current_dir(crate::root()).stdin(Stdio::null());
        command.env("SNAPHOOK_ADMIN", format!("http://{}", self.admin));
        command.env("SNAPHOOK_TOKEN_FILE", self.folder.join("data").join("admin-token"));
        command.env("GITHUB_WEBHOOK_SECRET", SECRET).env("SIGNING_SECRET", SIGNING_SECRET);
        command
    }

    /// Where the demo keeps what it makes.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn ledger(&self) -> SocketAddr {
        self.ledger
    }

    /// Where a webhook is sent.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.gateway)
    }

    /// Runs the command and reads what it prints as JSON; what it complains of is passed on.
    pub(crate) fn json(&self, arguments: &[&str]) -> Result<serde_json::Value> {
        let output = self.snaphook(arguments).stderr(Stdio::inherit()).output().context("cannot start the client")?;
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("`snaphook {}` did not print JSON", arguments.join(" ")))
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        const PATIENCE: Duration = Duration::from_secs(30);
        let start = Instant::now();
        loop {
            let mut status = self.snaphook(&["status"]);
            if status.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
                return Ok(());
            }
            if let Some(ended) = self.serve.0.try_wait().context("cannot ask for the host")? {
                bail!("the host ended ({ended}):\n{}", self.log());
            }
            if start.elapsed() > PATIENCE {
                bail!("the host does not answer after {PATIENCE:?}:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("host.log")).unwrap_or_default()
    }

    /// An example's route file, with the destinations where this demo has them.
    pub(crate) fn apply(&self, example: &str, title: &str) -> Result<()> {
        let example = crate::root().join(example);
        let text = std::fs::read_to_string(&example).with_context(|| format!("cannot read {}", example.display()))?;
        let filters = crate::target().join("wasm32-wasip2").join("guest");
        let text = text
            .replace("../../target/wasm32-wasip2/guest", &filters.display().to_string().replace('\\', "/"))
            .replace("127.0.0.1:9900", &self.destination.to_string())
            .replace("127.0.0.1:9901", &self.ledger.to_string());
        let file = self.folder.join("route.toml");
        std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        eprintln!("\n── {title}");
        let status = self.snaphook(&["apply"]).arg(&file).status().context("cannot start the client")?;
        if !status.success() {
            bail!("the example could not be applied:\n{}", self.log());
        }
        Ok(())
    }

    pub(crate) fn say_what_next(&self) {
        let program = self.binary.strip_prefix(crate::root()).unwrap_or(&self.binary).display().to_string();
        let (admin, gateway) = (self.admin, self.gateway);
        let token = self.folder.join("data").join("admin-token");
        println!(
            "\nThe host goes on serving. In another terminal:\n\n  \
             export SNAPHOOK_ADMIN=http://{admin} SNAPHOOK_TOKEN_FILE={} PATH=$PWD/{}:$PATH\n  \
             export GITHUB_WEBHOOK_SECRET=\"{SECRET}\"\n  \
             snaphook event tail                      # watch\n  \
             snaphook send examples/github-chain/events/push.json --to http://{gateway}/github \\\n    \
             --provider github --secret-env GITHUB_WEBHOOK_SECRET\n  \
             snaphook route show github\n  \
             snaphook new my-filter                   # a filter of your own; README.md goes on from here\n\n\
             Ctrl-C ends the host and the destination. ({program}, data in {})",
            token.display(),
            Path::new(&program).parent().unwrap_or(Path::new("")).display(),
            self.folder.display(),
        );
    }

    /// Until somebody ends it, usually by Ctrl-C, which reaches the host as well.
    pub(crate) fn wait(mut self) -> Result<()> {
        let ended = self.serve.0.wait().context("cannot wait for the host")?;
        if ended.success() { Ok(()) } else { bail!("the host ended ({ended}):\n{}", self.log()) }
    }
}

/// Loopback at this port, or at any if it is taken.
fn free_address(port: u16) -> Result<SocketAddr> {
    let usual = TcpListener::bind(("127.0.0.1", port));
    let listener = usual.or_else(|_| TcpListener::bind("127.0.0.1:0")).context("no port on 127.0.0.1 is free")?;
    listener.local_addr().context("a bound listener has an address")
}
