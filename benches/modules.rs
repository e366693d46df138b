//! What modules cost beside their calls: from an upload to its first event, a restart with many of them, memory while they
//! wait, and the exchange of one among many. The table goes to standard output.
//!
//! `cargo bench --workspace --bench modules -- 1000`

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    ops::Range,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use benches::{built, machine, samples::Samples};
use tempfile::TempDir;

/// Uploads of which the first event is awaited.
const UPLOADS: usize = 15;
const RESTARTS: usize = 5;
/// Times that one filter among many is replaced.
const SWAPS: usize = 11;

fn main() -> Result<()> {
    let modules = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1_000);
    let host = Host::new()?;
    println!("{}\n\n| | median (least–most) |\n|---|---|", machine::line());
    let component = fs::read(built::filter()?)?;
    let kib = component.len() as f64 / 1024.0;

    let running = host.start()?;
    let mut first = Vec::new();
    for number in 0..UPLOADS {
        first.push(running.upload_to_first_event(&variant(&component, number), number)?.as_secs_f64() * 1e3);
    }
    println!(
        "| a filter of {kib:.0} KiB, from its upload to its first event, ms | {} |",
        first.into_iter().collect::<Samples>()
    );

    // Two restarts, with few and with many: what a start needs for itself is in both.
    let few = modules / 4;
    running.attach_many(&component, 0..few)?;
    drop(running);
    let mut running = host.start()?;
    running.event(&format!("/many/{}", few - 1))?;
    let memory_of_few = running.memory_kib()?;
    running.attach_many(&component, few..modules)?;
    let mut swaps = Vec::new();
    for number in 0..SWAPS {
        let start = Instant::now();
        running.attach(0, &format!("many{}", 1 + number))?;
        running.event("/many/0")?;
        swaps.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let mut restarts = Vec::new();
    let mut memory = memory_of_few;
    for _ in 0..RESTARTS {
        drop(running);
        let start = Instant::now();
        running = host.start()?;
        running.event(&format!("/many/{}", modules - 1))?;
        restarts.push(start.elapsed().as_secs_f64() * 1e3);
        memory = running.memory_kib()?;
    }
    println!(
        "| one filter of {modules} replaced, from the request to the first event that it judges, ms | {} |",
        swaps.into_iter().collect::<Samples>()
    );
    println!(
        "| a restart with {modules} modules attached, to the first event, ms | {} |",
        restarts.into_iter().collect::<Samples>()
    );
    let code: u64 = fs::read_dir(host.folder.path().join("data/code"))?
        .map(|entry| Ok(entry?.metadata()?.len()))
        .sum::<std::io::Result<u64>>()?;
    let each = memory.saturating_sub(memory_of_few) as f64 / (modules - few) as f64;
    let code = code as f64 / 1024.0 / (modules + UPLOADS) as f64;
    println!("| memory of a module that waits, with its route, KiB | {each:.0}, of which compiled code {code:.0} |");
    Ok(())
}

/// Another module that does the same: a custom section makes the difference.
fn variant(component: &[u8], number: usize) -> Vec<u8> {
    let name = format!("variant-{number:06}");
    let mut bytes = component.to_vec();
    bytes.extend([0, 1 + name.len() as u8, name.len() as u8]);
    bytes.extend(name.as_bytes());
    bytes
}

/// A host that can be started again on the same folder.
struct Host {
    program: PathBuf,
    folder: TempDir,
    gateway: SocketAddr,
    admin: SocketAddr,
}

struct Running {
    child: Child,
    gateway: SocketAddr,
    admin: SocketAddr,
    folder: PathBuf,
}

impl Host {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (gateway, admin) = (free_address()?, free_address()?);
        let settings = format!(
            "data = \"data\"\n[gateway]\nlisten = \"{gateway}\"\n[admin]\nlisten = \"{admin}\"\n[log]\nfilter = \"warn\"\n"
        );
        fs::write(folder.path().join("snaphook.toml"), settings)?;
        Ok(Self { program: built::host()?, folder, gateway, admin })
    }

    /// Returns at once: who asks it first waits for it.
    fn start(&self) -> Result<Running> {
        let mut serve = Command::new(&self.program);
        serve.arg("--config").arg(self.folder.path().join("snaphook.toml")).arg("serve");
        let child = serve.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let folder = self.folder.path().to_owned();
        Ok(Running { child, gateway: self.gateway, admin: self.admin, folder })
    }
}

impl Running {
    /// The module is pushed, and a route written that runs it.
    fn upload_to_first_event(&self, component: &[u8], number: usize) -> Result<Duration> {
        self.admin("PUT", "/destinations/nowhere", "application/json", br#"{"url":"http://192.0.2.1/"}"#)?;
        self.admin("PUT", "/secrets/key", "application/json", br#"{"value":"hush"}"#)?;
        let start = Instant::now();
        self.admin("POST", &format!("/modules/first{number}"), "application/wasm", component)?;
        let route = route(&format!("/first/{number}"), &format!("first{number}"));
        self.admin("PUT", &format!("/routes/first{number}"), "application/json", route.as_bytes())?;
        self.event(&format!("/first/{number}"))?;
        Ok(start.elapsed())
    }

    fn attach_many(&self, component: &[u8], numbers: Range<usize>) -> Result<()> {
        for number in numbers {
            let name = format!("many{number}");
            self.admin("POST", &format!("/modules/{name}"), "application/wasm", &variant(component, 100_000 + number))?;
            self.attach(number, &name)?;
        }
        Ok(())
    }

    /// Puts the module on the route of this number, instead of the one that was there.
    fn attach(&self, number: usize, module: &str) -> Result<()> {
        let route = route(&format!("/many/{number}"), module);
        self.admin("PUT", &format!("/routes/many{number}"), "application/json", route.as_bytes())
    }

    /// One that its filter answers.
    fn event(&self, path: &str) -> Result<()> {
        let answer = ask(self.gateway, "POST", path, &[("x-github-event", "push")], b"{}")?;
        ensure!(answer.starts_with("HTTP/1.1 401 "), "the filter is to refuse an event without signature: {answer}");
        Ok(())
    }

    fn admin(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Result<()> {
        let token = self.token()?;
        let bearer = format!("Bearer {}", token.trim());
        let path = format!("/v1/projects/default{path}");
        let answer = ask(self.admin, method, &path, &[("authorization", &bearer), ("content-type", kind)], body)?;
        ensure!(answer.starts_with("HTTP/1.1 20"), "{method} {path}: {answer}");
        Ok(())
    }

    fn token(&self) -> Result<String> {
        patiently(|| fs::read_to_string(self.folder.join("data/admin-token")).ok()).context("there is no token")
    }

    /// Its share of memory.
    fn memory_kib(&self) -> Result<u64> {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).context("no Pss in smaps_rollup")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Whoever has ended already is fine too.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn route(path: &str, module: &str) -> String {
    format!(
        r#"{{"match":{{"path":"{path}"}},"forward":{{"candidates":["nowhere"]}},"filters":[
            {{"name":"bench","module":"{module}","config":{{"job":"J1"}},"grants":{{"secrets":{{"webhook":"key"}}}}}}]}}"#
    )
}

/// One request on a connection of its own; the answer as it came.
fn ask(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<String> {
    let connect = || TcpStream::connect(address).ok();
    let mut tcp = patiently(connect).with_context(|| format!("nothing listens on {address}"))?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    tcp.write_all(head.as_bytes())?;
    tcp.write_all(body)?;
    let mut answer = Vec::new();
    tcp.read_to_end(&mut answer)?;
    if answer.is_empty() {
        bail!("{method} {path}: no answer");
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn patiently<T>(mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        match attempt() {
            Some(done) => return Some(done),
            None if start.elapsed() > Duration::from_secs(30) => return None,
            None => thread::sleep(Duration::from_millis(1)),
        }
    }
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
