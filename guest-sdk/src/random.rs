//! Random numbers, from a generator that is seeded anew for each call of the filter.

use crate::{error::CallError, host};

/// At most 65536 bytes a call.
pub fn bytes(length: u32) -> Result<Vec<u8>, CallError> {
    host::random(length)
}

/// Any number.
pub fn number() -> Result<u64, CallError> {
    let bytes = bytes(8)?;
    Ok(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}
