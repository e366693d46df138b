//! The filter's log, kept with the event's record. Lines and bytes per call are limited; past the limit lines are
//! counted and left out.
//!
//! ```
//! use snaphook_sdk::log;
//!
//! let sender = "octocat";
//! log::info!("event of {sender}");
//! ```

use std::{borrow::Cow, fmt};

use crate::host;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// One line. The macros of this module are shorter.
pub fn line(level: Level, message: fmt::Arguments<'_>) {
    let message = message.as_str().map_or_else(|| Cow::Owned(message.to_string()), Cow::Borrowed);
    host::log(level, &message);
}

#[doc(hidden)]
#[macro_export]
macro_rules! __trace { ($($text:tt)+) => { $crate::log::line($crate::log::Level::Trace, ::std::format_args!($($text)+)) } }
#[doc(hidden)]
#[macro_export]
macro_rules! __debug { ($($text:tt)+) => { $crate::log::line($crate::log::Level::Debug, ::std::format_args!($($text)+)) } }
#[doc(hidden)]
#[macro_export]
macro_rules! __info { ($($text:tt)+) => { $crate::log::line($crate::log::Level::Info, ::std::format_args!($($text)+)) } }
#[doc(hidden)]
#[macro_export]
macro_rules! __warn { ($($text:tt)+) => { $crate::log::line($crate::log::Level::Warn, ::std::format_args!($($text)+)) } }
#[doc(hidden)]
#[macro_export]
macro_rules! __error { ($($text:tt)+) => { $crate::log::line($crate::log::Level::Error, ::std::format_args!($($text)+)) } }

pub use crate::{__debug as debug, __error as error, __info as info, __trace as trace, __warn as warn};
