//! Settings of the process: what the file, the environment and the command line say, read into what is meant. Reports
//! everything that is wrong, not only the first thing.
//!
//! Routes, modules, destinations and secrets are no settings: they live in the store and change while the host runs.

mod keys;
mod raw;
pub(crate) mod reference;
#[cfg(test)]
mod tests;

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use delivery::egress;
use ipnet::IpNet;
use model::Faults;
use raw::{Raw, Sources, Typed, Value};

use crate::{gateway, telemetry::Format, written::Source};

/// The file that is read if it is there and no other is named.
pub const FILE: &str = "snaphook.toml";
/// The file in the data folder that holds the admin API's token.
pub const TOKEN_FILE: &str = "admin-token";

/// Everything that is set when the host starts.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder that holds everything; absolute if it could be made so.
    pub data: PathBuf,
    pub gateway: Gateway,
    pub admin: Admin,
    pub journal: store::journal::Limits,
    pub deliveries: delivery::engine::Options,
    pub filters: filters::Settings,
    /// The program that compiles uploads, beside this process; set by the command line.
    pub compiler: Option<PathBuf>,
    /// Bytes of compiled code on disk.
    pub code_bytes: u64,
    /// What destinations may be though it is denied otherwise.
    pub egress: egress::Allow,
    pub log: Log,
}

#[derive(Debug, Clone)]
pub struct Gateway {
    /// Where webhooks arrive.
    pub listen: SocketAddr,
    pub limits: gateway::Settings,
}

#[derive(Debug, Clone)]
pub struct Admin {
    /// Loopback, unless `admin.allow_remote` is set.
    pub listen: SocketAddr,
    /// Host names that it may be called by beside those of loopback.
    pub names: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct Log {
    pub format: Format,
    /// Known to be a filter of `tracing-subscriber`.
    pub filter: String,
}

impl Settings {
    /// The admin API's token, made at first start.
    pub fn token_file(&self) -> PathBuf {
        self.data.join(TOKEN_FILE)
    }

    /// Reads the file (`config`, else `snaphook.toml` here if it is there), the environment over it, and what was typed on
    /// the command line over that.
    pub fn load(config: Option<&Path>, typed: &[(String, String)], strictness: Strictness) -> Result<Self, Faults> {
        let path = config.unwrap_or(Path::new(FILE));
        let shown = path.display().to_string();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) if config.is_none() && error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(Faults::one(shown, format!("cannot be read: {error}"))),
        };
        let mut environment: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
            .filter(|(name, _)| name.starts_with(keys::PREFIX))
            .collect();
        environment.sort();
        if strictness == Strictness::KnownVariables {
            environment.retain(|(name, _)| keys::KEYS.iter().any(|key| key.variable() == *name));
        }
        let file = text.as_deref().map(|text| Source { name: &shown, text });
        let sources = Sources { file, environment: &environment, typed };
        let home = std::env::var_os("XDG_DATA_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/share")));
        read(&sources, path.parent().unwrap_or(Path::new("")), home.as_deref())
    }
}

/// What is thought of variables that begin with `SNAPHOOK_` and are no settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// They are faults: for the host, which a misspelt one would mislead.
    EveryVariable,
    /// They are left alone: for commands that only look where the host is.
    KnownVariables,
}

/// What the sources mean. `folder` holds the file; `home` is where the user's programs keep what is theirs.
fn read(sources: &Sources<'_>, folder: &Path, home: Option<&Path>) -> Result<Settings, Faults> {
    let mut faults = Faults::default();
    let raw = Raw::read(sources, &mut faults);
    let mut reader = Reader { raw: &raw, faults };
    let admin = Admin { listen: reader.address("admin.listen"), names: reader.parts("admin.names", read_host_names) };
    let remote = reader.flag("admin.allow_remote");
    if !remote && !admin.listen.ip().is_loopback() {
        let problem = format!(
            "`{}` can be reached from elsewhere, and the admin API speaks plain HTTP: listen on 127.0.0.1, or set \
             `admin.allow_remote = true` if that is meant",
            admin.listen
        );
        reader.fault("admin.listen", &problem);
    }
    let settings = Settings {
        data: reader.folder("data", folder, home),
        gateway: reader.gateway(),
        journal: reader.journal(),
        deliveries: reader.deliveries(),
        filters: reader.filters(),
        compiler: None,
        code_bytes: reader.whole("filters.code_bytes"),
        egress: reader.parts("egress.allow", egress::Allow::read),
        log: reader.log(),
        admin,
    };
    if settings.gateway.listen == settings.admin.listen && settings.admin.listen.port() != 0 {
        reader.fault("admin.listen", "is the gateway's address too: choose another port");
    }
    reader.faults.or(settings)
}

/// Takes values out of what was typed. What is wrong is reported, and the default taken instead, so that reading goes on.
struct Reader<'a> {
    raw: &'a Raw,
    faults: Faults,
}

impl<'a> Reader<'a> {
    fn gateway(&mut self) -> Gateway {
        let limits = gateway::Settings {
            trusted_proxies: self.parts("gateway.trusted_proxies", read_networks),
            threads: self.threads(),
            connections_most: self.size("gateway.connections"),
            header_read_timeout: self.millis("gateway.head_timeout_ms"),
            keep_alive_idle: self.millis("gateway.keep_alive_idle_ms"),
            header_bytes_most: self.size("gateway.head_bytes"),
            headers_most: self.size("gateway.headers"),
            body_idle_timeout: self.millis("gateway.body_idle_timeout_ms"),
            body_read_timeout: self.millis("gateway.body_read_timeout_ms"),
            answer_idle_timeout: self.millis("gateway.answer_idle_timeout_ms"),
            buffer_bytes: self.whole("gateway.buffer_bytes"),
            buffer_bytes_per_project: self.whole("gateway.buffer_bytes_per_project"),
            streams_most: self.count("gateway.streams"),
            drain: self.millis("gateway.drain_timeout_ms"),
            linger: self.millis("gateway.linger_ms"),
            records: gateway::record::Limits {
                events: self.size("gateway.records"),
                bytes: self.size("gateway.record_bytes"),
                body_bytes: self.size("gateway.record_body_bytes"),
                unauthenticated_bytes: self.size("gateway.record_unauthenticated_bytes"),
                unauthenticated_life: self.millis("gateway.record_unauthenticated_life_ms"),
            },
        };
        Gateway { listen: self.address("gateway.listen"), limits }
    }

    fn threads(&mut self) -> usize {
        match self.size("gateway.threads") {
            0 => gateway::Settings::default().threads,
            threads => threads,
        }
    }

    fn filters(&mut self) -> filters::Settings {
        filters::Settings {
            calls_most: self.count("filters.calls"),
            calls_most_per_project: self.count("filters.calls_per_project"),
            waiting_most: self.count("filters.waiting"),
            slow_threads: match self.size("filters.slow_threads") {
                0 => filters::Settings::default().slow_threads,
                threads => threads,
            },
            modules_bytes: self.whole("filters.modules_bytes"),
            cache: None,
            compiler: None,
        }
    }

    fn journal(&mut self) -> store::journal::Limits {
        store::journal::Limits {
            waiting: self.size("journal.waiting"),
            waiting_bytes: self.size("journal.waiting_bytes"),
            unauthenticated_bytes: self.whole("journal.unauthenticated_bytes"),
            ..store::journal::Limits::default()
        }
    }

    fn deliveries(&mut self) -> delivery::engine::Options {
        delivery::engine::Options {
            in_flight: self.count("deliveries.in_flight"),
            in_flight_bytes: self.whole("deliveries.in_flight_bytes"),
            drain: self.millis("deliveries.drain_timeout_ms"),
            ..delivery::engine::Options::new(rand::random())
        }
    }

    fn log(&mut self) -> Log {
        let filter = self.text("log.filter");
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&filter) {
            self.fault("log.filter", &format!("`{filter}` is no filter: {error}; write it like `info,filters=debug`"));
        }
        let format = if self.text("log.format") == "json" { Format::Json } else { Format::Text };
        Log { format, filter }
    }

    fn folder(&mut self, name: &str, beside: &Path, home: Option<&Path>) -> PathBuf {
        let text = self.text(name);
        let folder = match (self.typed(name), home) {
            (Some(typed), _) if typed.in_file => beside.join(text),
            (Some(_), _) => PathBuf::from(text),
            (None, Some(home)) => home.join("snaphook"),
            (None, None) => {
                self.fault(name, "must be set, since there is neither HOME nor XDG_DATA_HOME");
                PathBuf::new()
            }
        };
        std::path::absolute(&folder).unwrap_or(folder)
    }

    fn address(&mut self, name: &str) -> SocketAddr {
        let problem = "is no address and port: write it like `127.0.0.1:8080`, `[::1]:8080` or `0.0.0.0:8080`";
        self.take(name, problem, |value| match value {
            Value::Text(text) => text.parse().ok(),
            _ => None,
        })
    }

    fn flag(&mut self, name: &str) -> bool {
        self.take(name, "is neither `true` nor `false`", |value| match value {
            Value::Flag(flag) => Some(*flag),
            _ => None,
        })
    }

    fn whole(&mut self, name: &str) -> u64 {
        let keys::Takes::Whole(least, most) = key(name).takes else { unreachable!("`{name}` takes a whole number") };
        let problem = format!("is no whole number from {least} to {most}");
        self.take(name, &problem, |value| match value {
            Value::Whole(whole) => Some(*whole).filter(|whole| (least..=most).contains(whole)),
            _ => None,
        })
    }

    fn size(&mut self, name: &str) -> usize {
        usize::try_from(self.whole(name)).unwrap_or(usize::MAX)
    }

    fn count(&mut self, name: &str) -> u32 {
        u32::try_from(self.whole(name)).unwrap_or(u32::MAX)
    }

    fn millis(&mut self, name: &str) -> Duration {
        Duration::from_millis(self.whole(name))
    }

    fn text(&mut self, name: &str) -> String {
        let choices = match key(name).takes {
            keys::Takes::OneOf(choices) => choices,
            _ => &[],
        };
        let problem =
            if choices.is_empty() { "is no text".to_owned() } else { format!("is none of `{}`", choices.join("`, `")) };
        self.take(name, &problem, |value| match value {
            Value::Text(text) if choices.is_empty() || choices.contains(&text.as_str()) => Some(text.clone()),
            _ => None,
        })
    }

    /// A list, read as a whole; its faults are at `[index]`.
    fn parts<T: Default>(&mut self, name: &str, read: impl FnOnce(&[String]) -> Result<T, Faults>) -> T {
        let entries = self.take(name, "is no list of texts: write it like `[\"10.0.0.0/8\"]`", |value| match value {
            Value::List(entries) => Some(entries.clone()),
            _ => None,
        });
        let place = self.place(name);
        self.faults.keep(&place, read(&entries)).unwrap_or_default()
    }

    /// The value if it is right; else the fault is reported and the default taken.
    fn take<T>(&mut self, name: &str, problem: &str, read: impl Fn(&Value) -> Option<T>) -> T {
        let default = raw::default(key(name));
        let typed = self.typed(name).unwrap_or(&default);
        read(&typed.value).unwrap_or_else(|| {
            let shown = match &typed.value {
                Value::Text(text) => format!("`{}` ", text.escape_debug()),
                Value::Whole(whole) => format!("`{whole}` "),
                Value::Flag(flag) => format!("`{flag}` "),
                Value::List(_) => "a list ".to_owned(),
                Value::Other(kind) => format!("a {kind} "),
            };
            let place = typed.place.clone();
            self.faults.add(place, format!("{shown}{problem}"));
            read(&default.value).expect("the default of every key is right")
        })
    }

    fn typed(&self, name: &str) -> Option<&'a Typed> {
        self.raw.get(key(name))
    }

    fn place(&self, name: &str) -> String {
        self.typed(name).map_or_else(|| name.to_owned(), |typed| typed.place.clone())
    }

    fn fault(&mut self, name: &str, problem: &str) {
        let place = self.place(name);
        self.faults.add(place, problem);
    }
}

fn key(name: &str) -> &'static keys::Key {
    keys::find(name).expect("every setting that is read is in the table")
}

fn read_host_names(entries: &[String]) -> Result<Vec<String>, Faults> {
    let mut faults = Faults::default();
    for (index, entry) in entries.iter().enumerate() {
        if entry.is_empty() || !entry.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)) {
            faults.add(
                format!("[{index}]"),
                format!("`{entry}` is no host name: write it like `admin.example.com`, without port"),
            );
        }
    }
    faults.or(entries.to_vec())
}

fn read_networks(entries: &[String]) -> Result<Vec<IpNet>, Faults> {
    let mut faults = Faults::default();
    let mut networks = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        match entry.parse().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from)) {
            Ok(network) => networks.push(network),
            Err(_) => {
                faults.add(format!("[{index}]"), format!("`{entry}` is no address or network: write `10.0.0.0/8`"))
            }
        }
    }
    faults.or(networks)
}
