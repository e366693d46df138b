//! The program: gateway, control, admin API and command line, wired together in `run`.

pub mod admin;
pub mod budget;
pub mod cli;
mod config_schema;
pub mod control;
pub mod gateway;
mod house;
pub mod kept;
mod keys;
pub mod private_file;
pub mod run;
pub mod settings;
pub mod snapshot;
pub mod telemetry;
mod upkeep;
pub mod written;
