//! WebAssembly, and nothing but: a component comes in, a verdict comes out. The one place that knows wasmtime.
//!
//! [`Engine::load`] turns uploaded bytes into a [`Module`] or says why not; [`Filter`] is a module with an attachment's
//! configuration, grants and limits; [`Chain::run`] calls the filters of a route in order, each in a store of its own,
//! and applies their verdicts. Nothing of wasmtime shows outside.

mod abi;
mod breaker;
mod cache;
mod call;
mod chain;
mod compiler;
mod engine;
mod examine;
pub mod fetch;
mod filter;
mod inspect;
pub mod kv;
mod meter;
mod module;
mod observe;
mod pulse;
mod slow;
mod warm;

pub use chain::{Chain, End, Given, Ran, Versions};
pub use compiler::{Compiler, compile};
pub use engine::{Cached, Engine, Settings};
pub use examine::{Compiled, Examined};
pub use filter::{Filter, Secrets};
pub use inspect::{Anatomy, Extent, Producer, inspect};
pub use kv::Kv;
pub use module::{Module, Refused};
