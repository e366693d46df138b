//! The time, coarse.

use crate::host;

/// Milliseconds since 1970-01-01T00:00:00Z. Stands still during one call, so that it measures nothing and a run can be
/// repeated.
pub fn now_ms() -> u64 {
    host::now()
}
