//! Small values that outlive the call, in namespaces that the attachment grants: private to project, route and filter.
//!
//! Keys are 1 to 512 bytes, values up to 64 KiB, a time to live 1 second to 400 days; what has outlived it is not there.

use crate::{error::CallError, host};

/// A namespace by the name under which it is granted; say so in `export!`.
///
/// ```
/// use snaphook_sdk::{kv, prelude::*};
///
/// /// At most ten events of one sender in a minute.
/// fn limit(event: &Event) -> Result<()> {
///     if kv::namespace("rates").increment(event.source(), 1, Some(60))? > 10 {
///         return Err(Refusal::new(429, "too many events").into());
///     }
///     Ok(())
/// }
/// ```
pub const fn namespace(name: &str) -> Namespace<'_> {
    Namespace(name)
}

#[derive(Debug, Clone, Copy)]
pub struct Namespace<'a>(&'a str);

/// What came of reserving a key for the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reservation {
    /// The key is new and now reserved. It commits when the event is accepted (mode `forward`: when the destination
    /// answered 2xx) and is released on any other outcome.
    First,
    /// Another event holds the key and is not decided yet.
    Pending,
    /// The key is committed: an event with it was accepted within the time to live.
    Known,
}

impl Namespace<'_> {
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CallError> {
        host::kv_get(self.0, key)
    }

    /// Without a time to live the value stays until it is deleted.
    pub fn set(&self, key: &str, value: &[u8], ttl_seconds: Option<u32>) -> Result<(), CallError> {
        host::kv_set(self.0, key, value, ttl_seconds)
    }

    pub fn delete(&self, key: &str) -> Result<(), CallError> {
        host::kv_delete(self.0, key)
    }

    /// Adds to a counter (a decimal number, 0 if not there) and returns what it is now. The time to live is set when
    /// the counter is made.
    pub fn increment(&self, key: &str, delta: i64, ttl_seconds: Option<u32>) -> Result<i64, CallError> {
        host::kv_increment(self.0, key, delta, ttl_seconds)
    }

    /// Sets the value if it is `expected` (`None`: not there) and says whether it did.
    pub fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
        ttl_seconds: Option<u32>,
    ) -> Result<bool, CallError> {
        host::kv_compare_and_swap(self.0, key, expected, value, ttl_seconds)
    }

    /// Reserves a key for this event. See [`Reservation`].
    pub fn once(&self, key: &str, ttl_seconds: u32) -> Result<Reservation, CallError> {
        host::kv_once(self.0, key, ttl_seconds)
    }
}
