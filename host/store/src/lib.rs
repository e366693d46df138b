//! What survives a crash: the registry of configuration, and the journal, where filters keep what outlives a call.
//!
//! Two traits, so that a distributed backend can stand beside the embedded one. What is common to all backends is written
//! down as cases that each of them must pass, in `contract`.

#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod embedded;
mod error;
pub mod journal;
mod observe;
pub mod registry;
mod vault;

pub use error::{Error, Result};
pub use journal::Journal;
pub use registry::{Registry, digest};
