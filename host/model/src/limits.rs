//! Everything that can grow has a named limit with a default. Those of one attachment are here; those of the gateway are
//! settings.

use std::time::Duration;

/// What one call of a filter may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Time the filter computes.
    pub time: Duration,
    /// Time from start to end, waiting for the host included.
    pub wall: Duration,
    /// Linear memory, all memories of the instance together.
    pub memory_bytes: usize,
    pub log_lines: u32,
    pub log_bytes: usize,
    /// Calls of `kv`.
    pub kv_calls: u32,
    /// Edits in a verdict.
    pub edits: usize,
    /// Headers of the event after the edits.
    pub headers: usize,
    /// Names and values of those headers together.
    pub header_bytes: usize,
    /// A body that a filter hands over, and its JSON edits together.
    pub output_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_millis(50),
            wall: Duration::from_secs(1),
            memory_bytes: 64 << 20,
            log_lines: 100,
            log_bytes: 16 << 10,
            kv_calls: 100,
            edits: 1_000,
            headers: 256,
            header_bytes: 64 << 10,
            output_bytes: 4 << 20,
        }
    }
}

impl Limits {
    /// The most that an attachment may ask for.
    pub const MOST: Self = Self {
        time: Duration::from_secs(10),
        wall: Duration::from_secs(30),
        memory_bytes: 256 << 20,
        log_lines: 10_000,
        log_bytes: 1 << 20,
        kv_calls: 10_000,
        edits: 10_000,
        headers: 1_000,
        header_bytes: 256 << 10,
        output_bytes: 64 << 20,
    };
}

/// Filters on one route.
pub const CHAIN_LENGTH_MOST: usize = 16;
/// Destinations of one route.
pub const DESTINATIONS_MOST: usize = 64;
/// A configuration of an attachment, and what `configure` makes of it.
pub const CONFIG_BYTES_MOST: usize = 256 << 10;
/// Depth of JSON that the host parses.
pub const JSON_DEPTH_MOST: usize = 128;
/// A module's bytes, whatever made it; the upload is cut off there.
pub const MODULE_BYTES_MOST: usize = 64 << 20;

/// Bytes of a module that this SDK built. Who brings an engine may be larger: JavaScript's has 12 MiB, Python's 18, and
/// with either come the libraries of a filter.
pub fn module_bytes_most(sdk: Option<&str>) -> usize {
    let language = sdk.and_then(|sdk| sdk.split('-').next());
    match language {
        Some("python") => MODULE_BYTES_MOST,
        Some("js") => 32 << 20,
        _ => 16 << 20,
    }
}

/// Body bytes of one event, unless the route says otherwise.
pub const BODY_BYTES: u64 = 1 << 20;
/// The most that a route may allow.
pub const BODY_BYTES_MOST: u64 = 64 << 20;
/// A reason or an error text of a guest; longer ones are cut.
pub const REASON_BYTES_MOST: usize = 1_024;
/// Labels that one call of a filter may set.
pub const LABELS_MOST: usize = 32;
/// Path and query of an event after the edits, and of one in a file.
pub const TARGET_BYTES_MOST: usize = 32 << 10;
/// Headers of an event in a file: the most that `gateway.headers` can be set to.
pub const EVENT_HEADERS_MOST: usize = 4_096;
/// A method that a filter sets.
pub const METHOD_BYTES_MOST: usize = 32;
/// Body bytes that the JSON edits of one verdict may go through, the whole body for each edit.
pub const JSON_EDIT_BYTES_MOST: usize = 64 << 20;
/// Segments of a route's path.
pub const PATH_SEGMENTS_MOST: usize = 64;
/// Retries of one delivery, and the longest pause between two attempts.
pub const RETRIES_MOST: usize = 100;
pub const RETRY_PAUSE_MOST: Duration = Duration::from_hours(7 * 24);
/// Destinations that step in one after the other: the hops of a chain of failovers.
pub const FAILOVERS_MOST: usize = 8;
/// Certificates of one destination, PEM.
pub const PEM_BYTES_MOST: usize = 64 << 10;
/// Headers that a destination sets on every request, and their names and values together.
pub const STATIC_HEADERS_MOST: usize = 64;
pub const STATIC_HEADER_BYTES_MOST: usize = 16 << 10;
/// Body bytes of a destination's answer that are kept with an attempt, and bytes of its headers.
pub const ANSWER_SEEN_BYTES: usize = 16 << 10;
pub const ANSWER_SEEN_HEADER_BYTES: usize = 16 << 10;
