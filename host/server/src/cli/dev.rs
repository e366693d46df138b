//! `dev`: a filter is served while it is written. Each change is built and swapped in on a host; each event is shown with what
//! the filter made of it. What does not build is told, and the version before it goes on serving.

mod host;
mod inbox;
mod plan;
mod shown;
mod watch;

use std::{
    path::{Path, PathBuf},
    pin::Pin,
};

use host::Host;
use inbox::Inbox;
use model::Name;
use plan::Plan;
use serde_json::json;
use tokio::sync::mpsc;

use super::{
    Global, attachment,
    build::{Build, Leash, Project},
    client::Client,
    event::Tail,
    failure::Failure,
    serve::pair,
    show,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Dev {
    /// The folder of the filter's Cargo.toml, package.json or pyproject.toml.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Where a host that is started here keeps everything. By default in a folder that goes when it ends.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// A setting for a host that is started here: `--set gateway.listen=127.0.0.1:8090`.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// The value of a secret that the filter asks for or the route names: NAME=env:VARIABLE, NAME=file:FILE or
    /// NAME=text:VALUE.
    #[arg(long, value_name = "NAME=SOURCE", value_parser = pair)]
    secret: Vec<(String, String)>,
    /// Cargo's profile, for Rust.
    #[arg(long, value_name = "NAME", default_value = "release")]
    profile: String,
    #[command(flatten)]
    parts: attachment::Parts,
}

/// What is served now.
#[derive(Debug)]
pub(super) struct Serving {
    /// The component.
    pub(super) component: PathBuf,
    pub(super) digest: String,
    pub(super) route: Name,
    /// The route's path, as it is written.
    pub(super) path: String,
    /// Whether anything is other than before.
    pub(super) changed: bool,
}

/// A build and swap that is under way.
type Turn<'a> = Pin<Box<dyn Future<Output = Result<Serving, Failure>> + 'a>>;

/// What makes the loop go on.
enum Happening {
    Stop,
    Changed,
    Turned(Result<Serving, Failure>),
    Event(Result<serde_json::Value, Failure>),
    HostEnded(Failure),
}

impl Dev {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        let mut stop = Stop::listen()?;
        Project::find(&self.folder)?;
        let mut changes = watch::start(&self.folder)?;
        let mut inbox = Inbox::listen().await?;
        let plan = Plan::new(&self, global, inbox.address)?;
        let host = tokio::select! {
            host = Host::find_or_start(global, self.data.as_deref(), &self.set) => host?,
            () = stop.told() => return Ok(()),
        };
        let mut host = host;
        let client = host.client(global)?;
        let served = self.serve(global, &mut host, &client, &plan, &mut changes, &mut inbox, &mut stop).await;
        // What it made on a host of others goes again; its own host goes as a whole.
        if !host.is_own() {
            plan.take_away(&client).await;
        }
        host.stop().await;
        served
    }

    #[expect(clippy::too_many_arguments, reason = "each is a thing that the loop waits for or works on")]
    async fn serve(
        &self,
        global: &Global,
        host: &mut Host,
        client: &Client,
        plan: &Plan,
        changes: &mut mpsc::Receiver<()>,
        inbox: &mut Inbox,
        stop: &mut Stop,
    ) -> Result<(), Failure> {
        let own = host.is_own();
        let mut tail: Option<Tail> = None;
        if own {
            show::note("until the filter is served, the host answers 404");
        }
        let mut turn: Option<Turn<'_>> = Some(Box::pin(self.turn(client, plan, own)));
        let mut again = false;
        loop {
            let happened = tokio::select! {
                () = stop.told() => Happening::Stop,
                Some(()) = changes.recv() => Happening::Changed,
                turned = async { turn.as_mut().expect("there is one").await }, if turn.is_some() => Happening::Turned(turned),
                // What arrived is looked at before the event that tells of it.
                event = next(&mut tail, inbox) => Happening::Event(event),
                failure = host.ended() => Happening::HostEnded(failure),
            };
            match happened {
                Happening::Stop => return Ok(()),
                Happening::HostEnded(failure) => return Err(failure),
                Happening::Changed if turn.is_some() => again = true,
                Happening::Changed => {
                    show::note(&format!("\n{}", show::styled(show::FAINT, "something changed: building")));
                    turn = Some(Box::pin(self.turn(client, plan, own)));
                }
                Happening::Turned(turned) => {
                    turn = again.then(|| Box::pin(self.turn(client, plan, own)) as Turn<'_>);
                    again = false;
                    match turned {
                        Ok(serving) => {
                            if tail.is_none() {
                                tail = Some(Tail::open(client, Some(&serving.route)).await?);
                            }
                            tell(global, &serving, client, &self.folder).await?;
                        }
                        Err(failure) => show::note(&format!(
                            "{} {failure}\n{}",
                            show::styled(show::BAD.bold(), "error:"),
                            show::styled(
                                show::FAINT,
                                if tail.is_some() {
                                    "the version before it goes on serving"
                                } else {
                                    "waiting for a change"
                                }
                            ),
                        )),
                    }
                }
                Happening::Event(event) => shown::event(global, client, inbox, event?).await?,
            }
        }
    }

    /// Builds what is there now, and has the host serve it.
    async fn turn(&self, client: &Client, plan: &Plan, own: bool) -> Result<Serving, Failure> {
        let build = Build::of(self.folder.clone(), self.profile.clone(), Vec::new());
        let components = build.components(Leash::Short).await?;
        match components.as_slice() {
            [component] => {
                show::note(&show::styled(show::FAINT, "built: the host compiles it"));
                plan.serve(client, component, own).await
            }
            several => Err(Failure::usage(format!(
                "this project makes {} components; name the folder of one filter",
                several.len()
            ))),
        }
    }
}

/// The next event's record; what arrives in the inbox meanwhile is taken.
async fn next(tail: &mut Option<Tail>, inbox: &mut Inbox) -> Result<serde_json::Value, Failure> {
    let Some(tail) = tail else {
        inbox.take_forever().await;
        unreachable!("it is taken from for ever");
    };
    tokio::select! {
        event = tail.next() => event,
        () = inbox.take_forever() => unreachable!("it is taken from for ever"),
    }
}

/// What is served, and how to send to it.
async fn tell(global: &Global, serving: &Serving, client: &Client, folder: &Path) -> Result<(), Failure> {
    let url = host::gateway_url(client, &serving.path).await?;
    let component = serving.component.display().to_string();
    if global.json {
        return show::print_json_line(&json!({
            "serving": component, "digest": serving.digest, "route": serving.route, "url": url, "changed": serving.changed,
        }));
    }
    let event = folder.join("events/example.json");
    let send = match event.is_file() {
        true => format!("snaphook send {} --to {url}", event.strip_prefix(".").unwrap_or(&event).display()),
        false => format!("curl -d '{{}}' {url}"),
    };
    let digest = serving.digest.get(..19).unwrap_or(&serving.digest);
    let word = if serving.changed { "serving" } else { "serving as before" };
    let mut text = format!("{}\n", show::styled(show::GOOD, &format!("{word} {component} ({digest})")));
    if serving.changed {
        text.push_str(&show::facts(&[("route", serving.route.to_string()), ("url", url), ("send", send)]));
    }
    show::print(&text)
}

/// How the command is told to end: Ctrl-C, or SIGTERM.
struct Stop {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Stop {
    fn listen() -> Result<Self, Failure> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let listen =
                |kind| signal(kind).map_err(|error| Failure::failed(format!("cannot wait for signals: {error}")));
            Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    async fn told(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        #[cfg(not(unix))]
        {
            // An error only says that nobody can tell it.
            _ = tokio::signal::ctrl_c().await;
        }
    }
}
