//! Where log lines go, and what the host counts.

pub mod metrics;

use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people: coloured on a terminal.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Log lines go to standard error. `filter` is in the syntax of `tracing-subscriber`'s `EnvFilter`; the caller has
/// checked it.
pub fn start(format: Format, filter: &str) -> anyhow::Result<()> {
    use std::io::IsTerminal;

    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(filter)?)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match format {
        Format::Text => lines.try_init(),
        Format::Json => lines.json().try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))
}
