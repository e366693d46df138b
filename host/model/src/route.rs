//! Routes as they are meant: what `RouteSpec::read` makes of what was written.

use std::{
    collections::{BTreeMap, HashSet},
    net::Ipv6Addr,
    time::Duration,
};

use http::{HeaderName, HeaderValue, Method};

use crate::{
    Faults, Limits, Name, limits,
    record::FailureClass,
    spec::{
        AttachmentSpec, CandidateMode, CaptureWhen, ForwardSpec, HeaderSpec, InstancePolicy, LimitsSpec, MatchSpec,
        OnFailureSpec, Policy, RouteSpec,
    },
};

mod deliver;

pub use deliver::{Deliver, Idempotency, Keep, Key, Order, delay_until};

#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    pub project: Name,
    pub name: Name,
    pub matches: Match,
    pub mode: Mode,
    pub filters: Vec<Attachment>,
    pub body_limit: u64,
    pub capture: CaptureWhen,
    pub keep: Keep,
    pub search: bool,
    pub acknowledgement: u16,
}

/// What happens to an event that passed the chain.
#[derive(Debug, Clone, PartialEq)]
pub enum Mode {
    /// It goes to one destination now, whose answer is the answer.
    Forward(Candidates),
    /// It is stored, acknowledged, and delivered.
    Deliver(Box<Deliver>),
}

/// At least one destination; the default is one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidates {
    names: Vec<Name>,
    default: usize,
}

impl Candidates {
    /// None unless the default is one of the names.
    pub fn new(names: Vec<Name>, default: &Name) -> Option<Self> {
        let default = names.iter().position(|name| name == default)?;
        Some(Self { names, default })
    }

    pub fn names(&self) -> &[Name] {
        &self.names
    }

    pub fn default(&self) -> &Name {
        &self.names[self.default]
    }
}

impl Route {
    /// All its filters, in the order of `RouteSpec::attachments`.
    pub fn attachments(&self) -> impl Iterator<Item = &Attachment> {
        let of_destinations = match &self.mode {
            Mode::Forward(_) => &[][..],
            Mode::Deliver(deliver) => deliver.filters(),
        };
        self.filters.iter().chain(of_destinations.iter().flat_map(|(_, filters)| filters))
    }
}

impl Mode {
    /// The destinations that the route lists.
    pub fn destinations(&self) -> &[Name] {
        match self {
            Self::Forward(candidates) => candidates.names(),
            Self::Deliver(deliver) => deliver.destinations(),
        }
    }

    /// Where they are written.
    pub const fn place(&self) -> &'static str {
        match self {
            Self::Forward(_) => "forward.candidates",
            Self::Deliver(_) => "deliver.destinations",
        }
    }
}

/// Which requests belong to a route.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Match {
    pub host: Host,
    pub path: Path,
    /// Empty: all.
    pub methods: Vec<Method>,
    pub headers: Vec<HeaderMatch>,
}

/// Lower case, without port.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub enum Host {
    Exact(String),
    /// Any name below this one: `*.example.com` holds `example.com`.
    Below(String),
    #[default]
    Any,
}

/// A path, cut at its slashes: `/a/{b}/{*c}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    pub segments: Vec<Segment>,
}

impl Default for Path {
    fn default() -> Self {
        Self { segments: vec![Segment::Rest("rest".to_owned())] }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    Literal(String),
    Param(String),
    /// Only at the end; holds at least nothing: `/a/{*rest}` matches `/a/` and `/a/b/c`, not `/a`.
    Rest(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderMatch {
    pub name: HeaderName,
    pub equals: Option<HeaderValue>,
}

/// A filter on a route.
#[derive(Debug, Clone, PartialEq)]
pub struct Attachment {
    pub name: Name,
    pub module: ModuleRef,
    pub candidate: Option<ModuleRef>,
    pub mode: CandidateMode,
    pub instance: InstancePolicy,
    /// JSON text.
    pub config: String,
    pub grants: Grants,
    pub limits: Limits,
    pub on_failure: OnFailure,
}

/// How a module is named: resolved to a digest when the route is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModuleRef {
    Digest(crate::Digest),
    /// The newest version.
    Latest(Name),
    Version(Name, u32),
    Alias(Name, Name),
}

impl std::str::FromStr for ModuleRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("sha256:") {
            return text.parse().map(Self::Digest);
        }
        let Some((name, which)) = text.split_once('@') else { return text.parse().map(Self::Latest) };
        let name: Name = name.parse()?;
        if which == "latest" {
            return Ok(Self::Latest(name));
        }
        if which.bytes().all(|byte| byte.is_ascii_digit()) {
            return which
                .parse()
                .map(|version| Self::Version(name, version))
                .map_err(|_| format!("`{text}` names no version: write a number after `@`, such as `@3`"));
        }
        Ok(Self::Alias(name, which.parse()?))
    }
}

impl std::fmt::Display for ModuleRef {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Digest(digest) => write!(out, "{digest}"),
            Self::Latest(name) => write!(out, "{name}"),
            Self::Version(name, version) => write!(out, "{name}@{version}"),
            Self::Alias(name, alias) => write!(out, "{name}@{alias}"),
        }
    }
}

/// Rights by the names that the filter's code uses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grants {
    /// To the project's secrets, to verify and sign with.
    pub secrets: BTreeMap<String, Name>,
    /// To the project's secrets, to read.
    pub reveal: BTreeMap<String, Name>,
    pub kv: Vec<String>,
    /// Beginnings of URLs; `*` stands for one label of the host.
    pub keys: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OnFailure(OnFailureSpec);

impl OnFailure {
    pub fn policy(&self, class: FailureClass) -> Policy {
        let spec = &self.0;
        match class {
            FailureClass::Trap => spec.trap,
            FailureClass::Time => spec.time,
            FailureClass::Memory => spec.memory,
            FailureClass::Denied => spec.denied,
            FailureClass::Failed => spec.failed,
            FailureClass::BadOutput => spec.bad_output,
            FailureClass::Overload => spec.overload,
        }
        .unwrap_or(spec.default)
    }

    /// Whether some failure makes the version that ran before be called.
    pub fn calls_previous(&self) -> bool {
        FailureClass::ALL.iter().any(|class| self.policy(*class) == Policy::Previous)
    }
}

impl RouteSpec {
    /// The route that is meant. Reports every fault with its place; whether what it names exists is checked by who
    /// knows what there is.
    pub fn read(&self, project: &Name, name: &Name) -> Result<Route, Faults> {
        let mut faults = Faults::default();
        let matches = faults.keep("match", self.matches.read());
        let mode = match (&self.forward, &self.deliver) {
            (Some(forward), None) => faults.keep("forward", forward.read()).map(Mode::Forward),
            (None, Some(deliver)) => faults.keep("deliver", deliver.read().map(Box::new)).map(Mode::Deliver),
            (Some(_), Some(_)) => {
                faults.add("deliver", "stands beside `forward`: a route has one of the two");
                None
            }
            (None, None) => {
                let problem =
                    "a route needs `forward` with at least one candidate, or `deliver` with at least one destination";
                faults.add("forward", problem);
                None
            }
        };
        let keep = faults.keep("keep", self.keep.read());
        let mut names = HashSet::new();
        let filters = read_filters("filters", &self.filters, &mut names, &mut faults);
        let mode = mode.map(|mode| match (mode, &self.deliver) {
            (Mode::Deliver(deliver), Some(written)) => {
                Mode::Deliver(Box::new(deliver.with_filters(&written.filters, &mut names, &mut faults)))
            }
            (mode, _) => mode,
        });
        let body_limit = self.body_limit_bytes.unwrap_or(limits::BODY_BYTES);
        if body_limit > limits::BODY_BYTES_MOST {
            faults.add("body_limit_bytes", format!("{body_limit} is too much: at most {}", limits::BODY_BYTES_MOST));
        }
        let acknowledgement = self.acknowledgement.unwrap_or(202);
        if !(200..=299).contains(&acknowledgement) {
            faults.add("acknowledgement", format!("{acknowledgement} is no success: 200 to 299"));
        }
        let (Some(matches), Some(mode), Some(keep)) = (matches, mode, keep) else { return Err(faults) };
        faults.or(Route {
            project: project.clone(),
            name: name.clone(),
            matches,
            mode,
            filters,
            body_limit,
            capture: self.capture,
            keep,
            search: self.search,
            acknowledgement,
        })
    }
}

/// One chain. `names` are those of the route's filters that were read before.
fn read_filters(
    at: &str,
    written: &[AttachmentSpec],
    names: &mut HashSet<Name>,
    faults: &mut Faults,
) -> Vec<Attachment> {
    if written.len() > limits::CHAIN_LENGTH_MOST {
        faults.add(at, format!("{} filters are too many: at most {}", written.len(), limits::CHAIN_LENGTH_MOST));
    }
    let mut filters = Vec::with_capacity(written.len());
    for (index, spec) in written.iter().enumerate().take(limits::CHAIN_LENGTH_MOST) {
        let at = format!("{at}[{index}]");
        if let Some(filter) = faults.keep(&at, spec.read()) {
            if !names.insert(filter.name.clone()) {
                faults.add(format!("{at}.name"), format!("`{}` is taken by an earlier filter", filter.name));
            }
            filters.push(filter);
        }
    }
    filters
}

impl ForwardSpec {
    fn read(&self) -> Result<Candidates, Faults> {
        let names = destinations("candidates", &self.candidates)?;
        let default = self.default.as_ref().or(self.candidates.first());
        let wrong = |default: &str| Faults::one("default", format!("`{default}` is not one of the candidates"));
        let default = default.map_or("", String::as_str);
        let name = default.parse::<Name>().map_err(|_| wrong(default))?;
        Candidates::new(names, &name).ok_or_else(|| wrong(default))
    }
}

/// The names of a list of destinations, at least one and each once.
fn destinations(at: &str, written: &[String]) -> Result<Vec<Name>, Faults> {
    let mut faults = Faults::default();
    if written.len() > limits::DESTINATIONS_MOST {
        faults.add(at, format!("too many: at most {}", limits::DESTINATIONS_MOST));
    }
    let mut names: Vec<Name> = Vec::new();
    for (index, written) in written.iter().enumerate().take(limits::DESTINATIONS_MOST) {
        match written.parse::<Name>() {
            Ok(name) if names.contains(&name) => {
                faults.add(format!("{at}[{index}]"), format!("`{name}` is there twice"));
            }
            Ok(name) => names.push(name),
            Err(problem) => faults.add(format!("{at}[{index}]"), problem),
        }
    }
    if written.is_empty() {
        faults.add(at, "is empty: name at least one destination");
    }
    faults.or(names)
}

impl MatchSpec {
    fn read(&self) -> Result<Match, Faults> {
        let mut faults = Faults::default();
        let host = self.host.as_deref().map(Host::read).transpose();
        let host = faults.keep("host", host.map_err(|problem| Faults::one("", problem)));
        let path = self.path.as_deref().map(Path::read).transpose();
        let path = faults.keep("path", path.map_err(|problem| Faults::one("", problem)));
        let mut methods = Vec::new();
        for (index, written) in self.methods.iter().enumerate() {
            match Method::from_bytes(written.as_bytes()) {
                Ok(method) if *written == written.to_ascii_uppercase() => methods.push(method),
                _ => faults.add(format!("methods[{index}]"), format!("`{written}` is no method: write `POST`")),
            }
        }
        let mut headers = Vec::new();
        for (index, spec) in self.headers.iter().enumerate() {
            headers.extend(faults.keep(&format!("headers[{index}]"), spec.read()));
        }
        let matches = Match {
            host: host.flatten().unwrap_or_default(),
            path: path.flatten().unwrap_or_default(),
            methods,
            headers,
        };
        faults.or(matches)
    }
}

impl HeaderSpec {
    fn read(&self) -> Result<HeaderMatch, Faults> {
        let name = self
            .name
            .parse::<HeaderName>()
            .map_err(|_| Faults::one("name", format!("`{}` is no header name", self.name)))?;
        let equals = self.equals.as_deref().map(HeaderValue::from_str).transpose();
        let equals = equals.map_err(|_| Faults::one("equals", "a header value has no control characters"))?;
        Ok(HeaderMatch { name, equals })
    }
}

impl Host {
    fn read(written: &str) -> Result<Self, String> {
        let lower = written.to_ascii_lowercase();
        let (below, name) = match lower.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, lower.as_str()),
        };
        let right = |name: &str| {
            name.split('.').all(|label| {
                !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            })
        };
        // An IPv6 address is written as it is in a URL, in brackets.
        let inside = name.strip_prefix('[').and_then(|inside| inside.strip_suffix(']'));
        let address = !below && inside.is_some_and(|inside| inside.parse::<Ipv6Addr>().is_ok());
        if address || right(name) {
            Ok(if below { Self::Below(name.to_owned()) } else { Self::Exact(name.to_owned()) })
        } else {
            Err(format!(
                "`{written}` is no host: write `hooks.example.com` or `*.example.com`, without scheme and port"
            ))
        }
    }
}

impl Path {
    fn read(written: &str) -> Result<Self, String> {
        let Some(rest) = written.strip_prefix('/') else {
            return Err(format!("`{written}` must begin with `/`"));
        };
        if written.contains(['?', '#']) || !written.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!(
                "`{written}` holds what no path holds: percent-encode it, and leave out query and `#`"
            ));
        }
        let mut segments = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        let last = rest.split('/').count() - 1;
        if last >= limits::PATH_SEGMENTS_MOST {
            return Err(format!(
                "has {} segments, which are too many: at most {}",
                last + 1,
                limits::PATH_SEGMENTS_MOST
            ));
        }
        for (index, segment) in rest.split('/').enumerate() {
            let inside = segment.strip_prefix('{').and_then(|inside| inside.strip_suffix('}'));
            let Some(inside) = inside else {
                if segment.contains(['{', '}']) {
                    return Err(format!("`{segment}` in `{written}`: a `{{name}}` takes a whole segment"));
                }
                segments.push(Segment::Literal(segment.to_owned()));
                continue;
            };
            let (rest, name) = match inside.strip_prefix('*') {
                Some(name) => (true, name),
                None => (false, inside),
            };
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return Err(format!("`{segment}` in `{written}`: a name in braces is letters, digits and `_`"));
            }
            if names.contains(&name) {
                return Err(format!("`{written}` has `{name}` twice"));
            }
            if rest && index != last {
                return Err(format!("`{segment}` in `{written}` must be the last segment"));
            }
            names.push(name);
            segments.push(if rest { Segment::Rest(name.to_owned()) } else { Segment::Param(name.to_owned()) });
        }
        Ok(Self { segments })
    }
}

/// `https://HOST/…`; a host of this machine's own may be asked in the clear.
fn is_beginning(url: &str) -> bool {
    let (rest, local) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, false),
        (_, Some(rest)) => (rest, true),
        _ => return false,
    };
    let Some((authority, path)) = rest.split_once('/') else { return false };
    let host = authority.split(':').next().unwrap_or_default();
    let label = |label: &str| {
        label == "*" || (!label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
    };
    let known = host.rsplit('.').take_while(|label| *label != "*").count();
    let named = host.split('.').all(label) && (known >= 2 || host == "localhost");
    named && !path.contains(['*', ' ', '\\']) && (!local || matches!(host, "localhost" | "127.0.0.1"))
}

impl AttachmentSpec {
    fn read(&self) -> Result<Attachment, Faults> {
        let mut faults = Faults::default();
        let mut part = |at: &str, problem: String| faults.add(at, problem);
        let name = self.name.parse::<Name>().map_err(|problem| part("name", problem)).ok();
        let module = self.module.parse::<ModuleRef>().map_err(|problem| part("module", problem)).ok();
        let candidate = self.candidate.as_deref().map(str::parse::<ModuleRef>).transpose();
        let candidate = candidate.map_err(|problem| part("candidate", problem)).ok().flatten();
        match self.mode {
            CandidateMode::Canary(weight) if weight > 100 => part("mode", format!("{weight} per cent is too much")),
            CandidateMode::Shadow | CandidateMode::Canary(_) if self.candidate.is_none() => {
                part("mode", "needs a `candidate`".to_owned());
            }
            _ => {}
        }
        let config = self.config.to_string();
        if config.len() > limits::CONFIG_BYTES_MOST {
            part("config", format!("{} bytes are too many: at most {}", config.len(), limits::CONFIG_BYTES_MOST));
        }
        let mut secrets = |at: &str, written: &BTreeMap<String, String>| {
            let mut read = BTreeMap::new();
            for (local, secret) in written {
                match secret.parse::<Name>() {
                    Ok(name) => _ = read.insert(local.clone(), name),
                    Err(problem) => faults.add(format!("grants.{at}.{local}"), problem),
                }
            }
            read
        };
        let grants = Grants {
            secrets: secrets("secrets", &self.grants.secrets),
            reveal: secrets("reveal", &self.grants.reveal),
            kv: self.grants.kv.clone(),
            keys: self.grants.keys.clone(),
        };
        for (index, url) in grants.keys.iter().enumerate() {
            if !is_beginning(url) {
                let problem = format!(
                    "`{url}` is no beginning of a URL: write https://HOST/PATH, where * may be a label of the host"
                );
                faults.add(format!("grants.keys[{index}]"), problem);
            }
        }
        for (index, namespace) in grants.kv.iter().enumerate() {
            if let Err(problem) = namespace.parse::<Name>() {
                faults.add(format!("grants.kv[{index}]"), problem);
            }
        }
        let limits = faults.keep("limits", self.limits.read());
        let (Some(name), Some(module), Some(limits)) = (name, module, limits) else { return Err(faults) };
        let on_failure = OnFailure(self.on_failure);
        faults.or(Attachment {
            name,
            module,
            candidate,
            mode: self.mode,
            instance: self.instance,
            config,
            grants,
            limits,
            on_failure,
        })
    }
}

impl LimitsSpec {
    fn read(&self) -> Result<Limits, Faults> {
        let mut faults = Faults::default();
        let (defaults, most) = (Limits::default(), Limits::MOST);
        let mut size = |at: &str, written: Option<u64>, default: usize, most: usize| match written.map(usize::try_from)
        {
            None => default,
            Some(Ok(value)) if (1..=most).contains(&value) => value,
            Some(_) => {
                faults.add(at, format!("{} is out of range: 1 to {most}", written.unwrap_or_default()));
                default
            }
        };
        let millis = |duration: Duration| usize::try_from(duration.as_millis()).unwrap_or(usize::MAX);
        let time = size("time_ms", self.time_ms, millis(defaults.time), millis(most.time));
        let wall = size("wall_ms", self.wall_ms, millis(defaults.wall).max(time), millis(most.wall));
        let small = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let limits = Limits {
            time: Duration::from_millis(time as u64),
            wall: Duration::from_millis(wall as u64),
            memory_bytes: size("memory_bytes", self.memory_bytes, defaults.memory_bytes, most.memory_bytes),
            log_lines: small(size("log_lines", self.log_lines, defaults.log_lines as usize, most.log_lines as usize)),
            log_bytes: size("log_bytes", self.log_bytes, defaults.log_bytes, most.log_bytes),
            kv_calls: small(size("kv_calls", self.kv_calls, defaults.kv_calls as usize, most.kv_calls as usize)),
            edits: size("edits", self.edits, defaults.edits, most.edits),
            headers: size("headers", self.headers, defaults.headers, most.headers),
            header_bytes: size("header_bytes", self.header_bytes, defaults.header_bytes, most.header_bytes),
            output_bytes: size("output_bytes", self.output_bytes, defaults.output_bytes, most.output_bytes),
        };
        if wall < time {
            faults.add("wall_ms", format!("{wall} is less than `time_ms`, {time}"));
        }
        faults.or(limits)
    }
}

#[cfg(test)]
mod tests;
