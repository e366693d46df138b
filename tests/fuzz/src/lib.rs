//! What comes from outside, made up by chance: each target takes any bytes and panics if what reads them breaks a promise.
//!
//! `tests/short.rs` runs every target for a moment with every `cargo verify`; campaigns of hours are run by cargo-fuzz, see
//! README.md.

pub mod json;
pub mod routes;
pub mod verdict;

#[cfg(feature = "host")]
pub mod configuration;
#[cfg(feature = "host")]
pub mod handover;
#[cfg(feature = "host")]
pub mod inspect;
#[cfg(feature = "host")]
pub mod request;

mod event;
