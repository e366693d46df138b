//! The command line, as an operator types it, against a running host.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Destination, Ended, Platform, Program, guest_file, repository, snaphook};

/// The command line of one host.
struct Shell<'a> {
    platform: &'a Platform,
    folder: TempDir,
}

impl<'a> Shell<'a> {
    fn on(platform: &'a Platform) -> Self {
        Self { platform, folder: TempDir::new().unwrap() }
    }

    fn program(&self, arguments: &[&str]) -> Program {
        Program::new(snaphook())
            .args(arguments)
            .folder(self.folder.path())
            .env("SNAPHOOK_ADMIN", format!("http://{}", self.platform.admin()))
            .env("SNAPHOOK_TOKEN", self.platform.token())
    }

    /// What a command prints, with what differs from run to run made the same.
    async fn prints(&self, arguments: &[&str]) -> String {
        plain(&self.program(arguments).printed().await)
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        let printed = self.program(arguments).args(["--json"]).printed().await;
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
    }

    /// What a command says that fails, with its exit code.
    async fn fails(&self, arguments: &[&str], code: i32) -> String {
        let ended: Ended = self.program(arguments).run().await;
        assert_eq!((ended.status.code(), ended.output.as_str()), (Some(code), ""), "{}", ended.errors);
        ended.errors
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.folder.path().join(file), text).unwrap();
    }
}

/// One space between words; times, sizes, digests and ids by their kind.
fn plain(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut words: Vec<String> = Vec::new();
        for word in line.split_whitespace() {
            let number = word.trim_end_matches(',').parse::<f64>().is_ok();
            match word.trim_end_matches(',') {
                "µs" | "ms" | "s" if words.last().is_some_and(|last| last.parse::<f64>().is_ok()) => {
                    *words.last_mut().unwrap() = "TIME".to_owned();
                }
                "B" | "KiB" | "MiB" if words.last().is_some_and(|last| last.parse::<f64>().is_ok()) => {
                    *words.last_mut().unwrap() = "SIZE".to_owned();
                }
                digest if digest.starts_with("sha256:") => words.push("DIGEST".to_owned()),
                event if event.starts_with("evt_") => words.push("EVENT".to_owned()),
                date if date.len() == 10 && date.split('-').count() == 3 && date.starts_with("20") => {
                    words.push("DATE".to_owned())
                }
                time if time.len() == 9 && time.ends_with('Z') && time.split(':').count() == 3 => {
                    words.push("TIME".to_owned())
                }
                _ if number => words.push(word.trim_end_matches(',').to_owned()),
                _ => words.push(word.to_owned()),
            }
        }
        lines.push(words.join(" "));
    }
    lines.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_is_made_step_by_step() {
    let destination = Destination::ok().await;
    let platform = Platform::start().await;
    let shell = Shell::on(&platform);
    let file = guest_file("hello");
    let file = file.to_str().unwrap();

    let pushed = shell.prints(&["module", "push", file]).await;
    assert!(
        pushed.starts_with(
            "module hello\nversion 1\ndigest DIGEST\nsize SIZE\ncreated DATE TIME\nworld snaphook:filter@0.1.0\n"
        ),
        "{pushed}"
    );
    assert!(pushed.ends_with("needs no grants\nnext snaphook attach ROUTE hello"), "{pushed}");
    assert!(shell.prints(&["module", "push", "hello", file]).await.contains("version 1 (was there already)"));
    assert_eq!(
        shell.prints(&["module", "list"]).await,
        "NAME VERSION ALIASES DIGEST SIZE CREATED\nhello 1 DIGEST SIZE DATE TIME"
    );

    let url = destination.url("/inbox");
    shell.prints(&["destination", "set", "inbox", &url]).await;
    assert_eq!(shell.prints(&["destination", "list"]).await, format!("NAME URL PATH\ninbox {url} fixed"));

    shell
        .write("route.toml", "[routes.hello]\nmatch = { path = \"/hello\" }\nforward = { candidates = [\"inbox\"] }\n");
    let applied = shell.prints(&["route", "apply", "route.toml"]).await;
    assert!(applied.starts_with("created route hello\n") && applied.contains("1 changed, revision"), "{applied}");
    shell.prints(&["attach", "hello", "hello", "--limit", "time_ms=500"]).await;
    let shown = shell.prints(&["route", "list"]).await;
    assert_eq!(shown, "NAME MATCH FILTERS TO\nhello /hello hello inbox");
    let shown = shell.prints(&["route", "show", "hello"]).await;
    assert!(shown.contains("route hello\nmatch /hello\nto inbox\n"), "{shown}");

    shell.write("event.json", r#"{"path": "/hello", "headers": [["x-token", "1"]], "body": {"a": 1}}"#);
    let tried = shell.prints(&["route", "test", "hello", "--event", "event.json"]).await;
    let expected = "hello edit TIME SIZE\nset header x-hello: world\n\nforwarded\n\nto inbox: POST /hello\n";
    assert!(tried.starts_with(expected) && tried.contains("x-hello: world") && tried.contains("\"a\": 1"), "{tried}");
    assert_eq!(destination.received(), []);

    let sent = shell.prints(&["send", "event.json", "--expect", "200"]).await;
    assert!(sent.starts_with("200 OK TIME\n"), "{sent}");
    assert_eq!(destination.only().header("x-hello"), "world");
    assert_eq!(destination.only().text(), r#"{"a":1}"#);
    shell.write("none.json", r#"{"path": "/hello"}"#);
    let wrong = shell.program(&["send", "none.json", "--expect", "200"]).run().await;
    assert_eq!(wrong.status.code(), Some(1));
    assert!(wrong.errors.contains("expected status 200, got 401"), "{}", wrong.errors);

    let listed = crate::support::eventually("both events in the list", async || {
        let listed = shell.prints(&["event", "list"]).await;
        (listed.lines().count() == 3).then_some(listed)
    });
    let listed = listed.await;
    assert_eq!(
        listed,
        "TIME EVENT ROUTE BECAME STATUS TOOK FILTERS\n\
         DATE TIME EVENT hello rejected 401 TIME hello TIME no token\n\
         DATE TIME EVENT hello forwarded 200 TIME hello TIME"
    );
    assert_eq!(shell.json(&["event", "list"]).await["items"].as_array().unwrap().len(), 2);

    shell.prints(&["detach", "hello", "hello"]).await;
    shell.prints(&["route", "rm", "hello"]).await;
    shell.prints(&["destination", "rm", "inbox"]).await;
    let status = shell.prints(&["status"]).await;
    assert!(status.contains(&platform.gateway().to_string()), "{status}");
    platform.stop().await;
}

/// A whole configuration as a file: shown first, applied once, and nothing to do the second time.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_applied_once() {
    let platform = Platform::start().await;
    let shell = Shell::on(&platform);
    let example = repository().join("examples/github-chain/route.toml");
    let text = std::fs::read_to_string(example).unwrap();
    let guests = guest_file("hello").parent().unwrap().display().to_string();
    shell.write("route.toml", &text.replace("../../target/wasm32-wasip2/guest", &guests));
    let apply = async |arguments: &[&str]| {
        let all = [&["apply", "route.toml"], arguments].concat();
        let program = shell.program(&all).env("GITHUB_WEBHOOK_SECRET", "hush");
        plain(&program.printed().await)
    };
    let status = async || platform.api.get("/v1/status").await.json()["revision"].clone();
    let before = status().await;
    let dry = apply(&["--dry-run"]).await;
    for line in
        ["created module github-verify", "created secret github", "created destination ci", "created route github"]
    {
        assert!(dry.contains(line), "{line}: {dry}");
    }
    assert!(dry.ends_with("8 would change; nothing was changed") && !dry.contains("hush"), "{dry}");
    assert_eq!(status().await, before);
    platform.api.get("/routes/github").await.expect(404);

    let applied = apply(&[]).await;
    assert!(
        applied.contains("created route github") && applied.lines().last().unwrap().contains("changed, revision"),
        "{applied}"
    );
    platform.api.get("/routes/github").await.expect(200);
    let after = status().await;
    assert!(apply(&[]).await.ends_with("nothing to change"));
    assert!(apply(&["--dry-run"]).await.ends_with("nothing to change"));
    assert_eq!(status().await, after, "what changes nothing makes no revision");

    shell.write("route.toml", &text.replace("../../target/wasm32-wasip2/guest", &guests).replace("1048576", "2097152"));
    let dry = apply(&["--dry-run"]).await;
    assert!(dry.contains("updated route github"), "{dry}");
    assert!(
        dry.contains("- \"body_limit_bytes\": 1048576") && dry.contains("+ \"body_limit_bytes\": 2097152"),
        "{dry}"
    );
    assert!(dry.ends_with("1 would change; nothing was changed"), "{dry}");
    // What the file does not name stays, unless that is asked for.
    platform.api.put("/destinations/extra", &json!({"url": "http://a/"})).await.expect(200);
    let applied = apply(&[]).await;
    assert!(!applied.contains("extra"), "{applied}");
    let pruned = apply(&["--prune"]).await;
    assert!(pruned.contains("deleted destination extra"), "{pruned}");
    platform.api.get("/destinations/extra").await.expect(404);
    platform.stop().await;
}

/// What the host finds wrong with a file is shown at the lines where it was written.
#[tokio::test(flavor = "multi_thread")]
async fn faults_are_shown_where_they_were_written() {
    let platform = Platform::start().await;
    let shell = Shell::on(&platform);
    let text =
        "[destinations.ci]\nurl = \"http://a/\"\n\n[routes.one]\nforward = { candidates = [\"ci\", \"billing\"] }\n";
    shell.write("route.toml", text);
    assert_eq!(
        shell.fails(&["apply", "route.toml"], 3).await,
        "error: the host refuses what was written\n  route.toml:5: routes.one.forward.candidates: destination `billing` does \
         not exist; create it first: snaphook destination set billing URL\n"
    );
    // What can be seen without the host is said without it.
    shell.write("route.toml", "[destinations.ci]\nurl = \"ftp://a\"\n\n[routes.one]\nmatch = { path = \"x\" }\nforward = { candidates = [\"ci\"] }\n");
    assert_eq!(
        shell.fails(&["apply", "route.toml"], 2).await,
        "error: route.toml:2: destinations.ci.url: `ftp://a` must begin with http:// or https://\n\
         route.toml:5: routes.one.match.path: `x` must begin with `/`\n"
    );
    shell.write("route.toml", "[routes.one]\nforward.candidates = []\ncolour = 1\n");
    let said = shell.fails(&["apply", "route.toml"], 2).await;
    assert!(said.starts_with("error: route.toml:2: routes.one.forward.candidates: is empty: "), "{said}");
    assert!(said.contains("\nroute.toml:3: routes.one.colour: unknown field `colour`"), "{said}");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_have_their_exit_codes() {
    let platform = Platform::start().await;
    let shell = Shell::on(&platform);
    let said = shell.fails(&["route", "show", "none"], 5).await;
    assert_eq!(said, "error: route `none` does not exist\n");
    let said = shell.fails(&["module", "push", "/no/such.wasm"], 2).await;
    assert!(said.starts_with("error: `/no/such.wasm` cannot be read: "), "{said}");
    shell.write("text.wasm", "hello");
    let said = shell.fails(&["module", "push", "text.wasm"], 3).await;
    assert_eq!(
        said,
        "error: the host refuses what was written\n  this is no WebAssembly: it does not begin with the bytes `\\0asm` of a binary\n"
    );
    let said = shell.fails(&["--token", "wrong", "route", "list"], 6).await;
    assert!(said.contains("the token is not this host's"), "{said}");
    let said = shell.fails(&["--admin", "http://127.0.0.1:1", "route", "list"], 4).await;
    assert!(said.starts_with("error: cannot reach the host at http://127.0.0.1:1: "), "{said}");
    let said = shell.fails(&["no-such-command"], 2).await;
    assert!(said.contains("unrecognized subcommand 'no-such-command'"), "{said}");
    platform.stop().await;
}

/// A secret's value comes from standard input, a file or a variable, and is never printed.
#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_set_and_not_shown() {
    let platform = Platform::start().await;
    let shell = Shell::on(&platform);
    let mut said = shell.program(&["secret", "set", "one"]).input("hush-1").printed().await;
    shell.write("value", "hush-2\n");
    said += &shell.program(&["secret", "set", "one", "--value-file", "value", "--keep-previous"]).printed().await;
    said += &shell.program(&["secret", "set", "two", "--env", "VALUE"]).env("VALUE", "hush-3").printed().await;
    let listed = shell.prints(&["secret", "list"]).await;
    assert_eq!(listed, "NAME VALUES CREATED UPDATED\none 2 DATE TIME DATE TIME\ntwo 1 DATE TIME DATE TIME");
    assert!(!said.contains("hush") && !listed.contains("hush"), "{said}");
    platform.stop().await;
}

/// `event tail` prints each event as it is decided.
#[tokio::test(flavor = "multi_thread")]
async fn events_are_followed() {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let destination = Destination::ok().await;
    let platform = Platform::with_told(&destination).await;
    let shell = Shell::on(&platform);
    let mut tail = shell.program(&["event", "tail", "--json"]).start();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    // Until the tail is there an event may be missed, so several are sent.
    let record: Value = crate::support::within("a line of the tail", async {
        loop {
            tokio::select! {
                line = lines.next_line() => break serde_json::from_str(&line.unwrap().unwrap()).unwrap(),
                answer = platform.tell(json!({"do": "drop", "reason": "seen"})) => {
                    answer.expect(202);
                }
            }
        }
    })
    .await;
    assert_eq!((&record["disposition"], &record["reason"]), (&json!("dropped"), &json!("seen")));
    tail.kill().await.unwrap();
    platform.stop().await;
}

/// Every example's file applies, and each of its events is taken as it says it is.
#[tokio::test(flavor = "multi_thread")]
async fn the_examples_apply() {
    for example in ["hello", "github-verify", "router", "rewrite", "github-chain"] {
        let destination = Destination::ok().await;
        let platform = Platform::start().await;
        let shell = Shell::on(&platform);
        let folder = repository().join("examples").join(example);
        let text = std::fs::read_to_string(folder.join("route.toml")).unwrap();
        let guests = guest_file("hello").parent().unwrap().display().to_string();
        let text = text.replace("../../target/wasm32-wasip2/guest", &guests);
        shell.write("route.toml", &text.replace("127.0.0.1:9900", &destination.address.to_string()));
        let applied = shell.program(&["apply", "route.toml"]).env("GITHUB_WEBHOOK_SECRET", "hush").printed().await;
        assert!(applied.contains("changed, revision"), "{example}: {applied}");
        for event in std::fs::read_dir(folder.join("events")).unwrap().map(|entry| entry.unwrap().path()) {
            let event: &Path = &event;
            let program = shell.program(&["send", event.to_str().unwrap(), "--secret-env", "GITHUB_WEBHOOK_SECRET"]);
            let sent = program.env("GITHUB_WEBHOOK_SECRET", "hush").printed().await;
            assert!(sent.starts_with("20"), "{}: {sent}", event.display());
        }
        assert!(!destination.received().is_empty(), "{example}");
        platform.stop().await;
    }
}

/// Without a terminal nothing is coloured.
#[tokio::test(flavor = "multi_thread")]
async fn help_and_completions_are_printed() {
    for arguments in
        [&["--help"][..], &["serve", "--help"], &["help", "exit-codes"], &["completions", "bash"], &["openapi"]]
    {
        let printed = Program::new(snaphook()).args(arguments).printed().await;
        assert!(printed.len() > 100 && !printed.contains('\u{1b}'), "{arguments:?}: {printed}");
    }
    let described: Value = serde_json::from_str(&Program::new(snaphook()).args(["openapi"]).printed().await).unwrap();
    let platform = Platform::start().await;
    assert_eq!(platform.api.get("/openapi.json").await.json(), described);
    let checked_in = std::fs::read_to_string(repository().join("docs/openapi.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&checked_in).unwrap(), described, "docs/openapi.json is not in step");
    platform.stop().await;
}
