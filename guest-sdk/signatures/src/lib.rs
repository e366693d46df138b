//! How webhook providers sign: recipes as data, what checks a request by them, and what signs by them.
//!
//! A [`Recipe`] says where a provider's signature is and what is signed (`RECIPES.md`). [`judge`] checks a request by it,
//! [`shake`] answers requests that are no events. Both compute nothing themselves with secrets: that is [`Crypto`]'s.

mod code;
mod handshake;
mod judge;
mod jwt;
#[cfg(feature = "native")]
pub mod native;
mod place;
mod recipe;
mod request;
#[cfg(feature = "send")]
pub mod send;
mod shipped;
mod signature;
mod value;

pub use handshake::{Answer, Shaken, shake};
pub use judge::{
    Cause, Crypto, Fetch, Judgement, Key, Options, PublicKey, Text, Trouble, credentials, is_pinned, judge,
};
pub use recipe::{Algorithm, Code, Encoding, KeyForm, Recipe, Scheme, Unit};
pub use request::{Incoming, Request};
pub use shipped::{names, recipe};
pub use value::{Named, Part, Source, Value};
