//! The program `snaphook`: the host itself (`serve`), and everything that is asked of a running host over its admin API.

mod answers;
mod apply;
mod attach;
mod attachment;
mod build;
mod client;
mod compile;
mod dead;
mod deliveries;
mod destination;
mod dev;
mod difference;
mod event;
mod event_file;
mod exercise;
mod failure;
mod inspect;
mod listen;
mod module;
mod new;
mod project;
mod query;
mod route;
mod secret;
mod send;
mod serve;
mod show;
mod status;
mod story;
#[cfg(test)]
mod tests;

use std::{path::PathBuf, process::ExitCode};

use clap::{CommandFactory as _, Parser, Subcommand};
use client::{Answer, Client, Token};
use failure::{Exit, Failure};
use model::{Name, Secret};
use serde::de::DeserializeOwned;

use crate::settings::{Settings, Strictness};

/// Parses the command line, does what it says and returns the code to exit with.
pub fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if failure.exit != Exit::OutputClosed {
                show::note(&format!("{} {failure}", show::styled(show::BAD.bold(), "error:")));
            }
            ExitCode::from(failure.exit as u8)
        }
    }
}

/// Webhooks, validated, routed and rewritten by WebAssembly filters.
#[derive(Debug, Parser)]
#[command(name = "snaphook", version, max_term_width = 100, after_long_help = failure::EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Where the host is, and how to talk to it and to you.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "For every command")]
struct Global {
    /// The project that everything is about.
    #[arg(long, global = true, value_name = "NAME", env = "SNAPHOOK_PROJECT", default_value = "default")]
    project: Name,
    /// The admin API. By default at `admin.listen` of the settings.
    #[arg(long, global = true, value_name = "URL", env = "SNAPHOOK_ADMIN")]
    admin: Option<String>,
    /// The admin API's token. By default what is in the file `admin-token` of the data folder.
    #[arg(long, global = true, value_name = "TOKEN", env = "SNAPHOOK_TOKEN", hide_env_values = true, value_parser = secret::of_text)]
    token: Option<Secret>,
    /// A file that holds the token.
    #[arg(long, global = true, value_name = "FILE", env = "SNAPHOOK_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// The settings, before the command. By default snaphook.toml in this folder, if it is there.
    // Not global: filters have a `--config` too.
    #[arg(id = "settings", long = "config", value_name = "FILE", env = "SNAPHOOK_CONFIG")]
    config: Option<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the host.
    Serve(serve::Serve),
    /// Make a new filter: a project that builds and has a test.
    New(new::New),
    /// Compile the filter in this folder to a WebAssembly component.
    Build(build::Build),
    /// Run a filter with an event, or with cases that say what is right; here and without a host.
    Test(exercise::Exercise),
    /// Serve the filter in this folder while you write it: each change is built and swapped in, each event shown.
    Dev(dev::Dev),
    /// Upload and look at modules.
    #[command(subcommand)]
    Module(module::Module),
    /// Look at routes, and try them with events.
    #[command(subcommand)]
    Route(route::Route),
    /// Put a filter on a route.
    Attach(attach::Attach),
    /// Take a filter off a route.
    Detach(attach::Detach),
    /// Keep secrets that filters verify and sign with.
    #[command(subcommand)]
    Secret(secret::Commands),
    /// Say where events go.
    #[command(subcommand)]
    Destination(destination::Destination),
    /// Make the host's configuration what a file says.
    Apply(apply::Apply),
    /// See what became of events.
    #[command(subcommand)]
    Event(event::Event),
    /// See where deliveries stand, try them now, give them up.
    #[command(subcommand)]
    Delivery(deliveries::Delivery),
    /// See what could not be delivered, and send it again.
    #[command(subcommand)]
    Dead(dead::Dead),
    /// Send the event of a file to a route, signed as its provider would.
    Send(send::Send),
    /// Be a destination: show what arrives.
    Listen(listen::Listen),
    /// List and create projects.
    #[command(subcommand)]
    Project(project::Project),
    /// Say whether the host runs, and what it serves.
    Status,
    /// Print what lets your shell complete commands.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the admin API as an OpenAPI document.
    Openapi,
    /// Print the interface between host and filters (WIT), for languages without an SDK.
    Wit,
    /// Compile the component on standard input; for the host, which does it in a process of its own.
    #[command(hide = true)]
    Compile,
    /// What the exit codes mean.
    #[command(hide = true, long_about = failure::EXIT_CODES)]
    ExitCodes,
}

impl Cli {
    fn run(self) -> Result<(), Failure> {
        let Self { global, command } = self;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::failed(format!("cannot start: {error}")))?;
        runtime.block_on(command.run(&global))
    }
}

impl Command {
    async fn run(self, global: &Global) -> Result<(), Failure> {
        match self {
            Self::Serve(serve) => serve.run(global).await,
            Self::New(new) => new.run(global),
            Self::Build(build) => build.run(global).await,
            Self::Test(exercise) => exercise.run(global).await,
            Self::Dev(dev) => dev.run(global).await,
            Self::Module(module) => module.run(global).await,
            Self::Route(route) => route.run(global).await,
            Self::Attach(attach) => attach.run(global).await,
            Self::Detach(detach) => detach.run(global).await,
            Self::Secret(secret) => secret.run(global).await,
            Self::Destination(destination) => destination.run(global).await,
            Self::Apply(apply) => apply.run(global).await,
            Self::Event(event) => event.run(global).await,
            Self::Delivery(delivery) => delivery.run(global).await,
            Self::Dead(dead) => dead.run(global).await,
            Self::Send(send) => send.run(global).await,
            Self::Listen(listen) => listen.run(global).await,
            Self::Project(project) => project.run(global).await,
            Self::Status => status::run(global).await,
            Self::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Cli::command(), "snaphook", &mut script);
                show::print(&String::from_utf8_lossy(&script))
            }
            Self::Openapi => show::print_json(&crate::admin::openapi()),
            Self::Wit => show::print(include_str!("../../../../wit/filter.wit")),
            Self::Compile => compile::run(),
            Self::ExitCodes => show::print(&format!("{}\n", failure::EXIT_CODES)),
        }
    }
}

impl Global {
    /// What the host answered: as JSON if that is asked for, else as the text that is made of it.
    fn show<T: DeserializeOwned>(&self, answer: &Answer, text: impl FnOnce(T) -> String) -> Result<(), Failure> {
        if self.json { show::print_json(&answer.body) } else { show::print(&text(answer.read()?)) }
    }

    /// Entries of a listing that was gathered: as JSON if that is asked for, else as the text that is made of them.
    fn list<T: DeserializeOwned>(
        &self,
        items: Vec<serde_json::Value>,
        text: impl FnOnce(T) -> String,
    ) -> Result<(), Failure> {
        if self.json {
            return show::print_json(&serde_json::json!({ "items": items }));
        }
        let answer = Answer { status: http::StatusCode::OK, body: items.into() };
        show::print(&text(answer.read()?))
    }

    /// What the host did, in one line.
    fn done(&self, answer: &Answer, text: &str) -> Result<(), Failure> {
        self.show(answer, |_: serde::de::IgnoredAny| format!("{text}\n"))
    }

    /// The settings as far as they say where the host is.
    fn settings(&self) -> Result<Settings, Failure> {
        Ok(Settings::load(self.config.as_deref(), &[], Strictness::KnownVariables)?)
    }

    /// Where the admin API of the host that is meant is.
    fn admin(&self) -> Result<String, Failure> {
        if let Some(base) = &self.admin {
            return Ok(base.clone());
        }
        let mut listen = self.settings()?.admin.listen;
        if listen.ip().is_unspecified() {
            listen.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        Ok(format!("http://{listen}"))
    }

    /// The admin API of the host that is meant.
    fn client(&self) -> Result<Client, Failure> {
        Client::new(&self.admin()?, self.token()?, self.project.clone())
    }

    fn token(&self) -> Result<Token, Failure> {
        // A token that is named in whatever way comes before one that is only found.
        let (file, named) = match (&self.token, &self.token_file) {
            (Some(token), _) => return Ok(Token::Known(token.clone())),
            (None, Some(file)) => (file.clone(), true),
            (None, None) => (self.settings()?.token_file(), false),
        };
        match std::fs::read_to_string(&file) {
            Ok(text) => Ok(Token::Known(Secret::new(text.trim().as_bytes().to_vec()))),
            Err(error) if named => {
                Err(Failure::usage(format!("--token-file: `{}` cannot be read: {error}", file.display())))
            }
            Err(error) => Ok(Token::Missing(format!("`{}` cannot be read: {error}", file.display()))),
        }
    }
}
