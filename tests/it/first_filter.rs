//! The README's first filter, made by its own words: every command of that section is run, in order, as it stands there.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::{Program, eventually, free_port, repository, snaphook};

/// What a section of the README says: commands to run, and a file to write.
#[derive(Debug)]
enum Step {
    Type(String),
    Write(String),
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for block in text.split("```").skip(1).step_by(2) {
        match block.split_once('\n').unwrap() {
            ("sh", commands) => steps.extend(commands.lines().map(|line| Step::Type(line.to_owned()))),
            ("rust", text) => steps.push(Step::Write(text.to_owned())),
            (other, _) => panic!("what is to be done with a block of {other}?"),
        }
    }
    steps
}

/// A person at a terminal, with the program installed.
struct Person {
    folder: PathBuf,
    home: PathBuf,
    /// Where cargo builds, if not where it does by itself.
    target: Option<PathBuf>,
    ports: [(String, String); 3],
    background: Vec<tokio::process::Child>,
}

impl Person {
    /// The README's addresses become free ones.
    fn at(home: &Path) -> Self {
        let ports = ["127.0.0.1:9900", "127.0.0.1:8080", "127.0.0.1:8081"];
        let ports = ports.map(|port| (port.to_owned(), format!("127.0.0.1:{}", free_port())));
        Self { folder: home.to_owned(), home: home.to_owned(), target: None, ports, background: Vec::new() }
    }

    fn sh(&self, command: &str) -> Program {
        let mut line = command.to_owned();
        for (written, free) in &self.ports {
            line = line.replace(written, free);
        }
        let program = snaphook().parent().unwrap();
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
        let [_, (_, gateway), (_, admin)] = &self.ports;
        let sh = match &self.target {
            Some(target) => Program::new("sh").env("CARGO_TARGET_DIR", target),
            None => Program::new("sh").without("CARGO_TARGET_DIR"),
        };
        sh.args(["-ec", &line])
            .folder(&self.folder)
            .env("PATH", path)
            .env("XDG_DATA_HOME", self.home.join("share"))
            .env("SNAPHOOK_GATEWAY_LISTEN", gateway)
            .env("SNAPHOOK_ADMIN_LISTEN", admin)
            // Whatever cargo has fetched for this repository is enough.
            .env("CARGO_NET_OFFLINE", "true")
    }

    async fn leaves(self) {
        for mut child in self.background {
            child.kill().await.unwrap();
        }
    }

    async fn does(&mut self, step: Step) {
        match step {
            // It is installed: it is the binary under test.
            Step::Type(command) if command.starts_with("cargo install ") => {}
            Step::Type(command) if command.contains("snaphook serve") => {
                self.background.push(self.sh(&format!("exec env {command}")).start());
                let status = async || self.sh("snaphook status").run().await.status.success().then_some(());
                eventually("the host", status).await;
            }
            Step::Type(command) if command.starts_with("snaphook listen") => {
                self.background.push(self.sh(&format!("exec {command}")).start());
                let (_, address) = &self.ports[0];
                eventually("the listener", async || tokio::net::TcpStream::connect(address).await.ok()).await;
            }
            Step::Type(command) if command.starts_with("cd ") => self.folder.push(&command[3..]),
            Step::Type(command) => {
                let ended = self.sh(&command).run().await;
                assert!(
                    ended.status.success(),
                    "the README says `{command}`, and that fails:\n{}\n{}",
                    ended.output,
                    ended.errors
                );
                if command.starts_with("snaphook event list") {
                    assert!(ended.output.contains("forwarded"), "{}", ended.output);
                }
            }
            Step::Write(text) => std::fs::write(self.folder.join("src/lib.rs"), text).unwrap(),
        }
    }
}

/// And the README that `snaphook new` writes is as true: it is done after the other, so that what it needs is built.
#[tokio::test(flavor = "multi_thread")]
async fn works_as_both_readmes_say() {
    let home = TempDir::new().unwrap();
    let mut person = Person::at(home.path());
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let section = readme.split("\n## ").find(|section| section.starts_with("A first filter")).unwrap();
    let steps_there = steps(section);
    for needed in ["new", "build", "test", "module push", "attach", "send"] {
        let command = format!("snaphook {needed} ");
        let typed = |step: &Step| matches!(step, Step::Type(typed) if format!("{typed} ").starts_with(&command));
        assert!(steps_there.iter().any(typed), "the README does not say `{command}`");
    }
    for step in steps_there {
        person.does(step).await;
    }
    let target = person.folder.join("target");
    person.leaves().await;

    let home = TempDir::new_in(home.path()).unwrap();
    let mut person = Person { target: Some(target), ..Person::at(home.path()) };
    for command in ["snaphook new guard", "cd guard"] {
        person.does(Step::Type(command.to_owned())).await;
    }
    let readme = std::fs::read_to_string(person.folder.join("README.md")).unwrap();
    for step in steps(&readme) {
        person.does(step).await;
    }
    person.leaves().await;
}
