//! `cargo demo`: from a clone to real signed webhooks through real filters, in one command.

mod durable;
mod host;
mod story;

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use anyhow::{Context, Result};

use crate::{guests, step};

/// How long the demo goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// The host serves until Ctrl-C.
    Interrupted,
    /// It ends when everything was shown; fails if anything was not as it should be.
    Shown,
}

pub(crate) fn run(until: Until) -> Result<()> {
    guests::build()?;
    step::run("host", &mut step::cargo(&["build", "--workspace", "--bin", "snaphook"]))?;
    let host = host::Host::start()?;
    story::tell(&host)?;
    durable::tell(&host)?;
    match until {
        Until::Shown => Ok(()),
        Until::Interrupted => {
            host.say_what_next();
            host.wait()
        }
    }
}

/// The lines that a process writes, as they come, from a thread of their own.
fn lines(child: &mut std::process::Child) -> Result<std::sync::mpsc::Receiver<String>> {
    let output = child.stdout.take().context("the process was started without a pipe")?;
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    Ok(receive)
}

/// A child whose output is read here.
fn piped(command: &mut std::process::Command) -> &mut std::process::Command {
    command.stdin(Stdio::null()).stdout(Stdio::piped())
}
