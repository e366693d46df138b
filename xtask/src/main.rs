//! The commands behind `cargo demo`, `cargo verify` and `cargo guests`. Plain Rust and plain processes, so that a fresh
//! machine needs nothing else.

mod demo;
mod guests;
mod languages;
mod step;
mod verify;

use std::{path::PathBuf, process::ExitCode};

const HELP: &str = "\
The commands of this workspace:

  cargo demo [--once]   build everything, start the host with example filters, send it webhooks, show what happened;
                        --once ends there instead of serving until Ctrl-C
  cargo verify          everything that must hold: format, lints, licences, guests, tests, examples, demo, documentation
  cargo languages       the checks of the SDKs in Python and JavaScript, of a filter in C, and of recipes against the
                        providers' own SDKs
                        either with --short: one SDK for each provider, instead of all of them
  cargo guests          build the example and test filters for wasm32-wasip2
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["demo"] => demo::run(demo::Until::Interrupted),
        ["demo", "--once"] => demo::run(demo::Until::Shown),
        ["languages"] => languages::run(languages::Providers::All),
        ["languages", "--short"] => languages::run(languages::Providers::Short),
        ["guests"] => guests::build(),
        ["verify"] => verify::run(languages::Providers::All),
        ["verify", "--short"] => verify::run(languages::Providers::Short),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the checkout.
fn root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().expect("this package lies one below the root").to_owned()
}

/// Where cargo puts what it builds.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}
