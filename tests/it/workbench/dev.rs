//! `snaphook dev`: a filter is served while it is written.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout},
};

use super::Bench;
use crate::support::{Answer, Platform, Program, eventually, free_port, guest, within};

/// The command, and what it says.
struct Dev {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
    notes: Lines<BufReader<ChildStderr>>,
}

impl Dev {
    fn start(program: Program) -> Self {
        let mut child = program.start();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let notes = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, output, notes }
    }

    async fn json(&mut self) -> Value {
        serde_json::from_str(&self.line().await).unwrap()
    }

    async fn line(&mut self) -> String {
        let line = within("a line of the command", self.output.next_line()).await.unwrap();
        match line {
            Some(line) => line,
            None => {
                let mut notes = Vec::new();
                while let Ok(Some(note)) = self.notes.next_line().await {
                    notes.push(note);
                }
                panic!("it ended: {}", notes.join("\n"))
            }
        }
    }

    async fn note(&mut self, part: &str) -> String {
        within(part, async {
            loop {
                let line = self.notes.next_line().await.unwrap().unwrap_or_else(|| panic!("it ended without `{part}`"));
                if line.contains(part) {
                    return line;
                }
            }
        })
        .await
    }

    /// As a terminal's Ctrl-C, for this process alone.
    async fn interrupt(mut self) {
        let process = rustix::process::Pid::from_raw(self.child.id().unwrap().cast_signed()).unwrap();
        rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
        let status = within("its end", self.child.wait()).await.unwrap();
        assert!(status.success(), "{status}");
    }
}

/// A project whose build takes a component that is there.
fn project(bench: &Bench, component: &str) {
    bench.write(
        "package.json",
        r#"{"name": "guard", "private": true, "scripts": {"build": "cp source.bin guard.wasm"}}"#,
    );
    bench.write("source.bin", guest(component));
}

async fn send(url: &str) -> Answer {
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let request = http::Request::post(url).header("x-token", "1");
    let request = request.body(http_body_util::Full::new(bytes::Bytes::from_static(b"{}"))).unwrap();
    Answer::read(client.request(request).await.unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_is_swapped_while_it_is_written() {
    let bench = Bench::new();
    project(&bench, "hello");
    let admin = format!("127.0.0.1:{}", free_port());
    let program = bench
        .program(&["dev", "--json", "--admin", &format!("http://{admin}"), "--limit", "time_ms=5000"])
        .args(["--set", "gateway.listen=127.0.0.1:0"]);
    let mut dev = Dev::start(program);
    let note = dev.note("started a host; ").await;
    let data = note.rsplit(' ').next().unwrap().to_owned();
    assert!(std::path::Path::new(&data).is_dir(), "{note}");
    let serving = dev.json().await;
    assert_eq!((&serving["serving"], &serving["route"]), (&json!("guard.wasm"), &json!("dev-guard")), "{serving}");
    let url = serving["url"].as_str().unwrap().to_owned();
    // It is answered though there is no destination but the command itself.
    send(&url).await.expect(200);
    let record = dev.json().await;
    assert_eq!((&record["disposition"], &record["filters"][0]["digest"]), (&json!("forwarded"), &serving["digest"]));
    assert_eq!(record["filters"][0]["outcome"]["edits"], json!(["set header x-hello: world"]));

    // What does not build is told, and what was there goes on.
    bench.write("source.bin", "no component");
    dev.note("this is no WebAssembly").await;
    dev.note("the version before it goes on serving").await;
    send(&url).await.expect(200);
    assert_eq!(dev.json().await["filters"][0]["digest"], serving["digest"]);

    bench.write("source.bin", guest("headers_only"));
    let swapped = dev.json().await;
    assert_ne!(swapped["digest"], serving["digest"]);
    assert_eq!((&swapped["url"], &swapped["changed"]), (&json!(url), &json!(true)));
    send(&url).await;
    assert_eq!(dev.json().await["filters"][0]["digest"], swapped["digest"]);

    dev.interrupt().await;
    assert!(tokio::net::TcpStream::connect(&admin).await.is_err(), "its host still runs");
    assert!(!std::path::Path::new(&data).exists(), "its folder is still there");
}

/// However the command ends, its host does not stay behind.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_ends_with_a_command_that_is_killed() {
    let bench = Bench::new();
    project(&bench, "hello");
    let admin = format!("127.0.0.1:{}", free_port());
    let program = bench.program(&["dev", "--json", "--admin", &format!("http://{admin}"), "--data", "kept"]);
    let mut dev = Dev::start(program.args(["--set", "gateway.listen=127.0.0.1:0", "--limit", "time_ms=5000"]));
    dev.json().await;
    dev.child.kill().await.unwrap();
    eventually("the host's end", async || tokio::net::TcpStream::connect(&admin).await.is_err().then_some(())).await;
}

/// People see what changed, on the route that the project describes.
#[tokio::test(flavor = "multi_thread")]
async fn events_are_shown_with_what_the_filter_made_of_them() {
    let bench = Bench::new();
    project(&bench, "hello");
    bench.write("route.toml", "[routes.hello]\nmatch = { path = \"/hello\" }\nforward = { candidates = [\"here\"] }\n");
    bench.write("events/example.json", r#"{"path": "/hello", "headers": [["x-token", "1"]], "body": {}}"#);
    let admin = format!("http://127.0.0.1:{}", free_port());
    let program = bench.program(&["dev", "--admin", &admin, "--limit", "time_ms=5000"]);
    let mut dev = Dev::start(program.args(["--set", "gateway.listen=127.0.0.1:0", "--data", "kept"]));
    assert!(dev.line().await.starts_with("serving guard.wasm (sha256:"));
    assert_eq!(dev.line().await, "route  hello");
    let url = dev.line().await.strip_prefix("url    ").unwrap().to_owned();
    assert!(url.ends_with("/hello"), "{url}");
    assert_eq!(dev.line().await, format!("send   snaphook send events/example.json --to {url}"));
    bench.program(&["send", "events/example.json", "--to", &url, "--expect", "200"]).printed().await;
    let mut shown = Vec::new();
    while !shown.iter().any(|line: &String| line == "+ x-hello: world") {
        shown.push(dev.line().await);
    }
    assert!(shown[1].contains(" forwarded ") && shown[2].starts_with("guard  edit  "), "{shown:#?}");
    assert!(shown.contains(&"  x-token: 1".to_owned()) && shown.contains(&"  POST /hello".to_owned()), "{shown:#?}");
    assert!(!shown.iter().any(|line| line.starts_with(['-', '+']) && !line.contains("x-hello")), "{shown:#?}");
    // The project's file counts as much as its code.
    bench.write("route.toml", "[routes.hello]\nmatch = { path = \"/other\" }\nforward = { candidates = [\"here\"] }\n");
    within("the other path", async { while !dev.line().await.ends_with("/other") {} }).await;
    bench.write("route.toml", "[routes.hello]\nmatch = { path = \"other\" }\n");
    dev.note("route.toml:2: routes.hello.match.path: `other` must begin with `/`").await;
    dev.interrupt().await;
    assert!(bench.folder().join("kept/admin-token").is_file());
}

/// A host that runs is used, and left as it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_of_others_goes_on() {
    let platform = Platform::start().await;
    let bench = Bench::new();
    project(&bench, "hello");
    let program = bench
        .program(&["dev", "--json", "--limit", "time_ms=5000"])
        .env("SNAPHOOK_ADMIN", format!("http://{}", platform.admin()))
        .env("SNAPHOOK_TOKEN", platform.token());
    let mut dev = Dev::start(program);
    dev.note("using the host at ").await;
    let url = dev.json().await["url"].as_str().unwrap().to_owned();
    send(&url).await.expect(200);
    assert_eq!(dev.json().await["disposition"], "forwarded");
    platform.api.get("/routes/dev-guard").await.expect(200);
    dev.interrupt().await;
    eventually("the route's end", async || (platform.api.get("/routes/dev-guard").await.status == 404).then_some(()))
        .await;
    platform.api.get("/destinations/dev-guard").await.expect(404);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_project_is_refused() {
    let bench = Bench::new();
    let (_, errors) = bench.runs(&["dev", "none"], 2).await;
    assert!(
        errors.starts_with("error: there is no Cargo.toml, package.json or pyproject.toml in `none`: "),
        "{errors}"
    );
}
