//! Every setting: its key, what it takes, its default and what it means. The file, the environment, `snaphook serve --help`
//! and the reference are all read from this table.

/// One setting.
#[derive(Debug)]
pub(crate) struct Key {
    /// `section.name`, or a name alone.
    pub(crate) name: &'static str,
    pub(crate) takes: Takes,
    /// As it would be typed into the environment; empty for nothing.
    pub(crate) default: &'static str,
    /// One line: what it is, with the unit.
    pub(crate) meaning: &'static str,
}

/// What may be typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// A folder; a relative one begins at the file that names it.
    Folder,
    /// IP address and port.
    Address,
    Flag,
    /// A whole number in this range.
    Whole(u64, u64),
    /// Texts; in the environment with commas between them.
    List,
    OneOf(&'static [&'static str]),
    Text,
}

impl Key {
    /// `gateway.listen` → `SNAPHOOK_GATEWAY_LISTEN`.
    pub(crate) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.to_ascii_uppercase().replace('.', "_"))
    }

    /// For people.
    pub(crate) fn shown_default(&self) -> &'static str {
        match (self.takes, self.default) {
            (Takes::Folder, "") => "`$XDG_DATA_HOME/snaphook`, else `~/.local/share/snaphook`",
            (_, "") => "none",
            (_, default) => default,
        }
    }
}

/// What every variable begins with.
pub(crate) const PREFIX: &str = "SNAPHOOK_";

/// Variables that are not settings of the host, but of the command line.
pub(crate) const OTHER_VARIABLES: &[&str] =
    &["SNAPHOOK_ADMIN", "SNAPHOOK_CONFIG", "SNAPHOOK_PROJECT", "SNAPHOOK_TOKEN", "SNAPHOOK_TOKEN_FILE"];

pub(crate) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The names before a dot, each once, in order.
pub(crate) fn sections() -> Vec<&'static str> {
    let mut sections: Vec<&str> =
        KEYS.iter().filter_map(|key| key.name.split_once('.')).map(|(name, _)| name).collect();
    sections.dedup();
    sections
}

const fn key(name: &'static str, takes: Takes, default: &'static str, meaning: &'static str) -> Key {
    Key { name, takes, default, meaning }
}

const BYTES_MOST: u64 = 1 << 40;
const MILLIS_MOST: u64 = 3_600_000;

pub(crate) const KEYS: &[Key] = &[
    key(
        "data",
        Takes::Folder,
        "",
        "the folder that holds everything: configuration, modules, secrets, the admin token",
    ),
    key("gateway.listen", Takes::Address, "127.0.0.1:8080", "where webhooks arrive"),
    key(
        "gateway.trusted_proxies",
        Takes::List,
        "",
        "addresses or networks of proxies whose `Forwarded` and `X-Forwarded-*` are believed",
    ),
    key("gateway.threads", Takes::Whole(0, 1_024), "0", "threads that serve webhooks; 0 for one per core"),
    key("gateway.connections", Takes::Whole(1, 1_000_000), "10000", "connections open at the same time; more wait"),
    key(
        "gateway.head_timeout_ms",
        Takes::Whole(1, MILLIS_MOST),
        "10000",
        "milliseconds from a connection's start to the end of its first request head",
    ),
    key(
        "gateway.keep_alive_idle_ms",
        Takes::Whole(1, MILLIS_MOST),
        "75000",
        "milliseconds that a connection may wait for its next request",
    ),
    key(
        "gateway.head_bytes",
        Takes::Whole(8_192, 1 << 20),
        "65536",
        "bytes of a request's line and headers; more is answered 431",
    ),
    key("gateway.headers", Takes::Whole(1, 4_096), "128", "header lines of a request; more are answered 431"),
    key(
        "gateway.body_idle_timeout_ms",
        Takes::Whole(1, MILLIS_MOST),
        "10000",
        "milliseconds between two pieces of a body; longer is answered 408",
    ),
    key(
        "gateway.body_read_timeout_ms",
        Takes::Whole(1, MILLIS_MOST),
        "120000",
        "milliseconds until a body that filters need is read whole; longer is answered 408",
    ),
    key(
        "gateway.answer_idle_timeout_ms",
        Takes::Whole(1, MILLIS_MOST),
        "30000",
        "milliseconds that a sender may leave a piece of its answer untaken",
    ),
    key(
        "gateway.buffer_bytes",
        Takes::Whole(1 << 20, BYTES_MOST),
        "268435456",
        "bytes of bodies held in memory at the same time; past it is answered 503",
    ),
    key(
        "gateway.buffer_bytes_per_project",
        Takes::Whole(1 << 20, BYTES_MOST),
        "134217728",
        "the same for the events of one project",
    ),
    key("gateway.streams", Takes::Whole(1, 10_000), "128", "requests at the same time on one HTTP/2 connection"),
    key(
        "gateway.drain_timeout_ms",
        Takes::Whole(0, MILLIS_MOST),
        "30000",
        "milliseconds that requests in flight get to end when the host is stopped",
    ),
    key(
        "gateway.linger_ms",
        Takes::Whole(0, MILLIS_MOST),
        "2000",
        "milliseconds that a connection is still read from after its request was refused, so that the sender sees why",
    ),
    key("gateway.records", Takes::Whole(1, 1_000_000), "1000", "events that are remembered for `snaphook event`"),
    key(
        "gateway.record_bytes",
        Takes::Whole(1 << 16, BYTES_MOST),
        "33554432",
        "bytes of all that is remembered of them",
    ),
    key(
        "gateway.record_body_bytes",
        Takes::Whole(0, 64 << 20),
        "65536",
        "bytes of one captured body; the rest is cut off",
    ),
    key(
        "gateway.record_unauthenticated_bytes",
        Takes::Whole(0, BYTES_MOST),
        "1048576",
        "bytes of all captured requests that no filter has let through",
    ),
    key(
        "gateway.record_unauthenticated_life_ms",
        Takes::Whole(0, 24 * MILLIS_MOST),
        "600000",
        "milliseconds that such a request is kept",
    ),
    key(
        "journal.waiting",
        Takes::Whole(1, 1_000_000),
        "4096",
        "events that wait to be written to disk; past it is answered 503",
    ),
    key(
        "journal.waiting_bytes",
        Takes::Whole(1 << 20, BYTES_MOST),
        "67108864",
        "bytes of such events; past it is answered 503",
    ),
    key(
        "journal.unauthenticated_bytes",
        Takes::Whole(0, BYTES_MOST),
        "16777216",
        "bytes of bodies, for each project, of captured events that no filter has let through; the oldest make room",
    ),
    key(
        "deliveries.in_flight",
        Takes::Whole(1, 100_000),
        "256",
        "attempts to deliver that are made at the same time, all destinations together; each may have one beyond it",
    ),
    key(
        "deliveries.in_flight_bytes",
        Takes::Whole(1 << 20, BYTES_MOST),
        "268435456",
        "bytes of the events whose attempts are made at the same time; more wait",
    ),
    key(
        "deliveries.drain_timeout_ms",
        Takes::Whole(0, MILLIS_MOST),
        "30000",
        "milliseconds that attempts under way get to end when the host is stopped; what did not end is tried again at the next start",
    ),
    key("admin.listen", Takes::Address, "127.0.0.1:8081", "where the admin API listens"),
    key(
        "admin.allow_remote",
        Takes::Flag,
        "false",
        "lets `admin.listen` be an address that others can reach; the admin API speaks plain HTTP",
    ),
    key(
        "admin.names",
        Takes::List,
        "",
        "host names, beside those of loopback, by which an admin API on loopback may be called, behind a proxy for example",
    ),
    key("filters.calls", Takes::Whole(1, 100_000), "256", "calls of filters that run at the same time"),
    key("filters.calls_per_project", Takes::Whole(1, 100_000), "192", "the same for the filters of one project"),
    key(
        "filters.waiting",
        Takes::Whole(0, 100_000),
        "64",
        "instances of filters with the policy `warm` that wait for their next event",
    ),
    key(
        "filters.slow_threads",
        Takes::Whole(0, 1_024),
        "0",
        "threads for calls of filters that compute for longer than two milliseconds; 0 for half as many as cores",
    ),
    key(
        "filters.modules_bytes",
        Takes::Whole(0, BYTES_MOST),
        "536870912",
        "bytes of compiled code kept in memory for modules that no route uses",
    ),
    key(
        "filters.code_bytes",
        Takes::Whole(0, BYTES_MOST),
        "2147483648",
        "bytes of compiled code kept on disk, so that a restart need not compile; what was not used for longest makes room",
    ),
    key(
        "egress.allow",
        Takes::List,
        "",
        "what destinations may be though it is not the public internet: `127.0.0.1:9000`, `10.0.0.0/8`, `billing.internal`",
    ),
    key("log.format", Takes::OneOf(&["text", "json"]), "text", "how log lines look: `text` or `json`"),
    key("log.filter", Takes::Text, "info", "which log lines are written: `warn`, `info,filters=debug`, …"),
];
