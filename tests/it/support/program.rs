//! Programs that are run as processes: the host itself, its command line, and senders that others wrote.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::atomic::{AtomicU16, Ordering::Relaxed},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
};

use super::within;

/// The binary under test.
pub(crate) fn snaphook() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_snaphook"))
}

/// Where cargo puts what it builds: the binary lies in `target/debug`.
pub(crate) fn target() -> PathBuf {
    snaphook().ancestors().nth(2).unwrap().to_owned()
}

/// The root of the checkout.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// Below those that the system gives to whoever asks for any, so that nobody takes it meanwhile.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 10_000).unwrap();
    loop {
        let port = 20_000 + (first + NEXT.fetch_add(1, Relaxed)) % 10_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A program with what it is told, run to its end.
pub(crate) struct Program {
    command: Command,
    name: String,
    input: Vec<u8>,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Program {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let name = program.as_ref().to_string_lossy().into_owned();
        let mut command = Command::new(program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        for (variable, _) in std::env::vars_os() {
            // Nothing that is set where the tests run may change what they see.
            if variable.to_string_lossy().starts_with("SNAPHOOK_") {
                command.env_remove(variable);
            }
        }
        Self { command, name, input: Vec::new() }
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    pub(crate) fn input(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.input = bytes.as_ref().to_vec();
        self
    }

    /// Runs it. A program that is not there is the machine's fault, and said so.
    pub(crate) async fn run(mut self) -> Ended {
        let mut child = self.command.spawn().unwrap_or_else(|error| {
            panic!("cannot start `{}` ({error}): the tests send real webhooks with it; install it", self.name);
        });
        let mut stdin = child.stdin.take().unwrap();
        let input = self.input;
        let feed = tokio::spawn(async move {
            // Whoever does not want all of it closes early.
            _ = stdin.write_all(&input).await;
        });
        let ended = tokio::time::timeout(std::time::Duration::from_secs(600), child.wait_with_output()).await;
        let ended = ended.unwrap_or_else(|_| panic!("`{}` never ended", self.name)).unwrap();
        feed.abort();
        Ended {
            status: ended.status,
            output: String::from_utf8_lossy(&ended.stdout).into_owned(),
            errors: String::from_utf8_lossy(&ended.stderr).into_owned(),
        }
    }

    /// Runs it and returns what it printed.
    pub(crate) async fn printed(self) -> String {
        let ended = self.run().await;
        assert!(ended.status.success(), "{ended:#?}");
        ended.output
    }

    /// Starts it and does not wait for its end.
    pub(crate) fn start(mut self) -> Child {
        self.command
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start `{}`: {error}", self.name))
    }
}

/// The host as a process of its own, on ports that it chooses.
pub(crate) struct Host {
    child: Child,
    pub(crate) gateway: std::net::SocketAddr,
    pub(crate) admin: std::net::SocketAddr,
    pub(crate) token: String,
}

impl Host {
    /// Starts it on a folder and waits until it says where it listens.
    pub(crate) async fn start(folder: &Path) -> Self {
        Self::with(folder, &[]).await
    }

    /// With these settings beside those that every story has.
    pub(crate) async fn with(folder: &Path, settings: &[(&str, &str)]) -> Self {
        let mut set = vec![
            format!("data={}", folder.display()),
            "gateway.listen=127.0.0.1:0".to_owned(),
            "admin.listen=127.0.0.1:0".to_owned(),
            "egress.allow=127.0.0.1".to_owned(),
            "log.format=json".to_owned(),
        ];
        set.extend(settings.iter().map(|(name, value)| format!("{name}={value}")));
        let program = Program::new(snaphook()).args(["serve"]).args(set.iter().flat_map(|set| ["--set", set]));
        let mut child = program.start();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (mut gateway, mut admin) = (None, None);
        let mut said = Vec::new();
        within("the host's start", async {
            while gateway.is_none() || admin.is_none() {
                let line = lines.next_line().await.unwrap();
                let line = line.unwrap_or_else(|| panic!("the host ended before it listened:\n{}", said.join("\n")));
                let json: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
                let field = |name: &str| json["fields"][name].as_str()?.parse().ok();
                gateway = gateway.or_else(|| field("gateway"));
                admin = admin.or_else(|| field("admin"));
                said.push(line);
            }
        })
        .await;
        // What else it says goes nowhere, but must be taken.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let mut stdout = child.stdout.take().unwrap();
        tokio::spawn(async move {
            let mut sink = Vec::new();
            stdout.read_to_end(&mut sink).await
        });
        let token = std::fs::read_to_string(folder.join("admin-token")).unwrap().trim().to_owned();
        Self { child, gateway: gateway.unwrap(), admin: admin.unwrap(), token }
    }

    /// `kill -9`: no chance to put anything in order.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub(crate) async fn ended(mut self) -> ExitStatus {
        within("the host's end", self.child.wait()).await.unwrap()
    }
}
