//! The attachment's configuration as the host keeps it. `handle` gets it parsed; this is for what does not fit there.

use crate::host;

/// As it was written: JSON, `{}` if none was.
pub fn raw() -> String {
    host::config_raw()
}

/// What `configure` returned for it: what [`Filter::prepare`](crate::Filter::prepare) made.
pub fn prepared() -> Vec<u8> {
    host::config_prepared()
}
