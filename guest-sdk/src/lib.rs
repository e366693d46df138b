//! Write Snaphook filters in Rust: a filter sees one webhook event and says what becomes of it.
//!
//! ```
//! use snaphook_sdk::prelude::*;
//!
//! struct Hello;
//!
//! impl Filter for Hello {
//!     type Config = ();
//!
//!     fn handle(event: &Event, _config: &()) -> Result<Verdict> {
//!         let token = event.header("x-token").or_refuse(401, "no token")?;
//!         Ok(Verdict::edit().set_header("x-hello", token))
//!     }
//! }
//!
//! snaphook_sdk::export!(Hello, body: none);
//! # fn main() {}
//! ```
//!
//! The crate's `Cargo.toml`:
//!
//! ```toml
//! [lib]
//! crate-type = ["cdylib"]
//!
//! [dependencies]
//! snaphook-sdk = "0.1"
//! serde = { version = "1", features = ["derive"] }    # only for a configuration of your own
//! ```
//!
//! `cargo build --release --target wasm32-wasip2` makes the component; `cargo test` runs the filter's tests on your own
//! machine, with [`testing`] in the place of the host.
//!
//! | to | see |
//! |---|---|
//! | look at the event | [`Event`], [`Body`](body::Body), [`headers`], [`json`] |
//! | decide | [`Verdict`], [`Refusal`], [`Error`] |
//! | check where it comes from | [`verify`], [`hmac`], [`crypto`], [`keys`] |
//! | remember | [`kv`], [`Event::set_label`] |
//! | be configured | [`Filter::Config`], [`config`] |
//! | test | [`testing`] |

#[cfg(all(target_arch = "wasm32", feature = "allocator"))]
mod allocator;
pub mod body;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod error;
pub mod event;
mod export;
mod filter;
pub mod headers;
pub mod hex;
pub mod hmac;
mod host;
pub mod json;
pub mod keys;
pub mod kv;
pub mod log;
pub mod manifest;
pub mod random;
pub mod secrets;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod verdict;
pub mod verify;

pub use serde;
pub use serde_json;

pub use self::{
    error::{CallError, Error, OrRefuse, Refusal, Result},
    event::{Event, Phase},
    filter::Filter,
    verdict::Verdict,
};

/// What nearly every filter uses.
pub mod prelude {
    pub use crate::{
        body::Body,
        error::{Error, OrRefuse, Refusal, Result},
        event::{Event, Phase},
        filter::Filter,
        log,
        verdict::Verdict,
    };
}

/// For [`export!`] alone.
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod __component {
    pub use crate::host::{Component, bindings::*};
}
