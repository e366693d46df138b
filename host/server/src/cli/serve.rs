//! `serve`: the host itself.

use std::path::PathBuf;

use super::{Global, failure::Failure};
use crate::settings::{self, Settings, Strictness};

/// Run the host, until it is told to stop (Ctrl-C or SIGTERM).
#[derive(Debug, clap::Args)]
#[command(after_long_help = settings::reference::help())]
pub(crate) struct Serve {
    /// A setting, over what the file and the environment say: `--set gateway.listen=0.0.0.0:8080`.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// The settings. By default snaphook.toml in this folder, if it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// End when the program that started this one ends, however it does; for `snaphook dev`.
    #[arg(long, hide = true)]
    with_parent: bool,
}

impl Serve {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        #[cfg(target_os = "linux")]
        if self.with_parent {
            rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))
                .map_err(|error| Failure::failed(format!("cannot be bound to the program that started it: {error}")))?;
        }
        let settings =
            Settings::load(self.config.as_deref().or(global.config.as_deref()), &self.set, Strictness::EveryVariable)?;
        // This program has a command for it.
        let compiler = std::env::current_exe().ok();
        Ok(crate::run::main(Settings { compiler, ..settings }).await?)
    }
}

/// `NAME=VALUE`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` has no `=`: write it like NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}
