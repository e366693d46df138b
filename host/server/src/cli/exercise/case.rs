//! A case: a TOML file that says what a filter is given and what is to come of it.

use std::{
    collections::BTreeMap,
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
};

use model::{
    Faults, Name, Octets, Secret, Timestamp,
    event_file::{EventFile, Parts},
    limits::DESTINATIONS_MOST,
    spec::{AttachmentSpec, CandidateMode, GrantsSpec, InstancePolicy, LimitsSpec, OnFailureSpec},
};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{Map, Value};
use toml::{Spanned, de::DeValue};

use super::{
    expected::Expected,
    rig::{Mode, Values},
};
use crate::{
    cli::{event_file, failure::Failure, send},
    written::Source,
};

/// What the cases of a folder have in common, as far as they do not say it themselves.
pub(super) const DEFAULTS: &str = "defaults.toml";
/// When events arrive, unless a case says otherwise: always the same, so that what comes of them is.
const TIME: &str = "2026-01-01T00:00:00Z";
/// Where they come from.
const SOURCE: &str = "127.0.0.1";
/// Calls of one case, before the one that is looked at.
const TIMES_MOST: u32 = 10_000;

/// As it is written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    event: Option<EventSource>,
    /// The name of the secret that the event is signed with as GitHub would; false for none, whatever the defaults say.
    sign: Option<Sign>,
    config: Option<Value>,
    secrets: BTreeMap<String, Valid>,
    reveal: BTreeMap<String, Valid>,
    /// What is there before: namespace, key, value.
    kv: BTreeMap<String, BTreeMap<String, Octets>>,
    /// RFC 3339.
    time: Option<String>,
    /// Parameters of the route's path.
    params: BTreeMap<String, String>,
    destinations: Option<Vec<String>>,
    mode: Option<Mode>,
    /// The sender's address.
    source: Option<String>,
    instance: Option<InstancePolicy>,
    limits: LimitsSpec,
    /// So often the event comes, over the same key-value namespaces; the last time counts.
    times: Option<u32>,
    budget: Budget,
    expect: Option<Expected>,
}

/// What one call may cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Budget {
    pub(super) max_us: Option<u64>,
    pub(super) max_memory_kib: Option<u64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "the name of a secret, or false")]
enum Sign {
    With(String),
    Not(bool),
}

/// A file beside the case, or the event itself.
#[derive(Debug, Clone)]
enum EventSource {
    File(PathBuf),
    Here(Box<EventFile>),
}

impl<'de> Deserialize<'de> for EventSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = EventSource;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an event's file or a table")
            }

            fn visit_str<E: Error>(self, file: &str) -> Result<EventSource, E> {
                Ok(EventSource::File(file.into()))
            }

            fn visit_map<M: MapAccess<'de>>(self, members: M) -> Result<EventSource, M::Error> {
                EventFile::deserialize(MapAccessDeserializer::new(members))
                    .map(|event| EventSource::Here(Box::new(event)))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// The values of a secret that are valid, the newest first: one, or a list of them.
#[derive(Debug, Clone)]
struct Valid(Vec<Octets>);

impl<'de> Deserialize<'de> for Valid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;

        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Valid;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a string or a list of them")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Valid, E> {
                Ok(Valid(vec![Octets::Text(text.to_owned())]))
            }

            fn visit_map<M: MapAccess<'de>>(self, members: M) -> Result<Valid, M::Error> {
                Ok(Valid(vec![Octets::deserialize(MapAccessDeserializer::new(members))?]))
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut values: S) -> Result<Valid, S::Error> {
                let mut valid = Vec::new();
                while let Some(value) = values.next_element()? {
                    valid.push(value);
                }
                if valid.is_empty() { Err(S::Error::invalid_length(0, &self)) } else { Ok(Valid(valid)) }
            }
        }

        deserializer.deserialize_any(OneOrMore)
    }
}

/// What is meant.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) file: PathBuf,
    /// Signed, if it is to be.
    pub(super) event: Parts,
    pub(super) spec: AttachmentSpec,
    pub(super) usable: Values,
    pub(super) revealed: Values,
    /// Namespace, key, value.
    pub(super) kv: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    pub(super) time: Timestamp,
    pub(super) params: BTreeMap<String, String>,
    pub(super) destinations: Vec<Name>,
    pub(super) mode: Mode,
    pub(super) source: IpAddr,
    pub(super) times: u32,
    pub(super) budget: Budget,
    pub(super) expect: Option<Expected>,
}

/// The cases of a folder by their names, or the one in a file. Reports everything that is wrong in any of them.
pub(super) fn read(path: &Path, filter: &Name) -> Result<Vec<Case>, Failure> {
    let files = if path.is_dir() { files(path)? } else { vec![path.to_owned()] };
    if files.is_empty() {
        return Err(Failure::usage(format!("there is no case in `{}`: write one, NAME.toml", path.display())));
    }
    let mut faults = Faults::default();
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    let defaults = folder.join(DEFAULTS);
    let defaults = if defaults.is_file() { written(&defaults, &mut faults)? } else { Some(Written::default()) };
    if let Some(defaults) = &defaults {
        let only_cases = [("event", defaults.event.is_some()), ("expect", defaults.expect.is_some())];
        for (key, _) in only_cases.iter().filter(|(_, there)| *there) {
            faults.add(format!("{}: {key}", folder.join(DEFAULTS).display()), "each case says its own");
        }
    }
    let defaults = defaults.unwrap_or_default();
    let mut cases = Vec::with_capacity(files.len());
    for file in files {
        let Some(case) = written(&file, &mut faults)? else { continue };
        match case.over(&defaults).meant(&file, filter) {
            Ok(case) => cases.push(case),
            Err(found) => faults.0.extend(found.0),
        }
    }
    Ok(faults.or(cases)?)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let cannot = |error: std::io::Error| Failure::usage(format!("`{}` cannot be read: {error}", folder.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        if path.extension().is_some_and(|kind| kind == "toml") && path.file_name().is_some_and(|name| name != DEFAULTS)
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// None if there are faults in it.
fn written(file: &Path, faults: &mut Faults) -> Result<Option<Written>, Failure> {
    let name = file.display().to_string();
    let text =
        std::fs::read_to_string(file).map_err(|error| Failure::usage(format!("`{name}` cannot be read: {error}")))?;
    Ok(parse(&name, &text, faults))
}

fn parse(name: &str, text: &str, faults: &mut Faults) -> Option<Written> {
    let source = Source { name, text };
    let mut found = Faults::default();
    let table = source.parse(&mut found);
    let whole = Spanned::new(0..text.len(), DeValue::Table(table));
    let read = source.read("", &whole, |written: &Written| written.sense(), &mut found);
    let read = read.filter(|_| found.is_empty());
    faults.0.extend(found.0);
    read
}

impl Written {
    /// What is well formed and cannot be meant.
    fn sense(&self) -> Result<(), Faults> {
        let mut faults = Faults::default();
        if let Some(Sign::Not(true)) = &self.sign {
            faults.add("sign", "write the name of a secret, or false");
        }
        if let Some(time) = &self.time {
            faults.keep("time", self::time(time));
        }
        if let Some(times) = self.times.filter(|times| !(1..=TIMES_MOST).contains(times)) {
            faults.add("times", format!("{times} is out of range: 1 to {TIMES_MOST}"));
        }
        if let Some(EventSource::Here(event)) = &self.event {
            faults.keep("event", event.read());
        }
        let names = self.destinations.iter().flatten().map(|name| name.parse::<Name>());
        let wrong = names.filter_map(Result::err);
        wrong.for_each(|problem| faults.add("destinations", problem));
        if self.destinations.as_ref().is_some_and(|names| names.is_empty() || names.len() > DESTINATIONS_MOST) {
            faults.add("destinations", format!("1 to {DESTINATIONS_MOST} are right"));
        }
        if let Some(source) = &self.source {
            faults.keep("source", self::source(source));
        }
        let secrets =
            [("secrets", &self.secrets), ("reveal", &self.reveal)].into_iter().flat_map(|(place, secrets)| {
                secrets
                    .iter()
                    .flat_map(move |(name, valid)| valid.0.iter().map(move |value| (format!("{place}.{name}"), value)))
            });
        let kv = self.kv.iter().flat_map(|(namespace, values)| {
            values.iter().map(move |(key, value)| (format!("kv.{namespace}.{key}"), value))
        });
        for (place, value) in secrets.chain(kv) {
            faults.keep(&place, value.bytes().map_err(|problem| Faults::one("", problem)));
        }
        if let Some(expected) = &self.expect {
            faults.keep("expect", expected.sense());
        }
        faults.or(())
    }

    /// What this case does not say is as the folder's defaults say it; tables are put together by their keys.
    fn over(self, defaults: &Self) -> Self {
        fn put_together<V: Clone>(own: BTreeMap<String, V>, others: &BTreeMap<String, V>) -> BTreeMap<String, V> {
            let others = others.iter().map(|(name, value)| (name.clone(), value.clone()));
            others.chain(own).collect()
        }

        let mut kv = defaults.kv.clone();
        for (namespace, values) in self.kv {
            kv.entry(namespace).or_default().extend(values);
        }
        let budget = Budget {
            max_us: self.budget.max_us.or(defaults.budget.max_us),
            max_memory_kib: self.budget.max_memory_kib.or(defaults.budget.max_memory_kib),
        };
        Self {
            event: self.event,
            sign: self.sign.or_else(|| defaults.sign.clone()),
            config: put_over(self.config, defaults.config.as_ref()),
            secrets: put_together(self.secrets, &defaults.secrets),
            reveal: put_together(self.reveal, &defaults.reveal),
            kv,
            time: self.time.or_else(|| defaults.time.clone()),
            params: put_together(self.params, &defaults.params),
            destinations: self.destinations.or_else(|| defaults.destinations.clone()),
            mode: self.mode.or(defaults.mode),
            source: self.source.or_else(|| defaults.source.clone()),
            instance: self.instance.or(defaults.instance),
            limits: if self.limits == LimitsSpec::default() { defaults.limits.clone() } else { self.limits },
            times: self.times.or(defaults.times),
            budget,
            expect: self.expect,
        }
    }

    fn meant(self, file: &Path, filter: &Name) -> Result<Case, Faults> {
        let shown = file.display().to_string();
        let folder = file.parent().unwrap_or(Path::new(""));
        let mut event = match &self.event {
            None => return Err(Faults::one(shown, "there is no event: write `event = \"../events/example.json\"`")),
            Some(EventSource::Here(event)) => event.read()?,
            Some(EventSource::File(path)) => {
                event_file::open(&folder.join(path)).map_err(|failure| match failure.faults.is_empty() {
                    true => Faults::one(format!("{shown}: event"), failure.to_string()),
                    false => failure.faults,
                })?
            }
        };
        let usable = values(&self.secrets);
        if let Some(Sign::With(name)) = &self.sign {
            let secret = usable.get(name).and_then(|values| values.first()).ok_or_else(|| {
                Faults::one(format!("{shown}: sign"), format!("there is no secret `{name}` in [secrets]"))
            })?;
            send::sign_for_github(&mut event.headers, &event.body, Some(secret), 0);
        }
        let own = self.time.as_deref().map(|time| self::time(time).expect("was looked at when it was read"));
        let time = own.or(event.received).unwrap_or_else(|| self::time(TIME).expect("this is a time"));
        let source = source(self.source.as_deref().unwrap_or(SOURCE)).expect("was looked at when it was read");
        let destinations = self.destinations.clone().unwrap_or_else(|| vec!["destination".to_owned()]);
        let destinations = destinations.iter().map(|name| name.parse().expect("was looked at when it was read"));
        Ok(Case {
            name: file.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            file: file.to_owned(),
            event,
            spec: self.attachment(filter),
            usable,
            revealed: values(&self.reveal),
            kv: self.kv.iter().map(|(namespace, values)| (namespace.clone(), bytes(values))).collect(),
            time,
            params: self.params,
            destinations: destinations.collect(),
            mode: self.mode.unwrap_or_default(),
            source,
            times: self.times.unwrap_or(1),
            budget: self.budget,
            expect: self.expect,
        })
    }

    fn attachment(&self, filter: &Name) -> AttachmentSpec {
        let own = |secrets: &BTreeMap<String, Valid>| secrets.keys().map(|name| (name.clone(), name.clone())).collect();
        AttachmentSpec {
            name: filter.to_string(),
            module: filter.to_string(),
            candidate: None,
            mode: CandidateMode::Off,
            instance: self.instance.unwrap_or_default(),
            config: self.config.clone().unwrap_or_else(|| Value::Object(Map::new())),
            grants: GrantsSpec {
                secrets: own(&self.secrets),
                reveal: own(&self.reveal),
                kv: self.kv.keys().cloned().collect(),
                keys: Vec::new(),
            },
            limits: self.limits.clone(),
            on_failure: OnFailureSpec::default(),
        }
    }
}

/// A configuration over that of the defaults, member by member if both are objects.
fn put_over(own: Option<Value>, defaults: Option<&Value>) -> Option<Value> {
    match (own, defaults) {
        (Some(Value::Object(own)), Some(Value::Object(defaults))) => {
            let mut all = defaults.clone();
            all.extend(own);
            Some(Value::Object(all))
        }
        (own, defaults) => own.or_else(|| defaults.cloned()),
    }
}

fn bytes(values: &BTreeMap<String, Octets>) -> BTreeMap<String, Vec<u8>> {
    let read = |value: &Octets| value.bytes().expect("was looked at when it was read");
    values.iter().map(|(name, value)| (name.clone(), read(value))).collect()
}

fn values(secrets: &BTreeMap<String, Valid>) -> Values {
    let read = |value: &Octets| Secret::new(value.bytes().expect("was looked at when it was read"));
    secrets.iter().map(|(name, valid)| (name.clone(), valid.0.iter().map(read).collect())).collect()
}

fn source(text: &str) -> Result<IpAddr, Faults> {
    text.parse().map_err(|_| Faults::one("", format!("`{text}` is no IP address: write it like `203.0.113.7`")))
}

fn time(text: &str) -> Result<Timestamp, Faults> {
    let time: Result<jiff::Timestamp, _> = text.parse();
    let millis = time.ok().and_then(|time| u64::try_from(time.as_millisecond()).ok());
    let wrong = || Faults::one("", format!("`{text}` is no time since 1970: write it like `{TIME}`"));
    millis.map(Timestamp::from_millis).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter() -> Name {
        "guard".parse().unwrap()
    }

    fn meant(text: &str, defaults: &str) -> Result<Case, Vec<String>> {
        let mut faults = Faults::default();
        let defaults = parse("defaults.toml", defaults, &mut faults).unwrap_or_default();
        let case = parse("a.toml", text, &mut faults);
        let case = case.map(|case| case.over(&defaults).meant(Path::new("cases/a.toml"), &filter()));
        match (case, faults.is_empty()) {
            (Some(Ok(case)), true) => Ok(case),
            (Some(Err(found)), _) => Err(found.0.iter().map(ToString::to_string).collect()),
            _ => Err(faults.0.iter().map(ToString::to_string).collect()),
        }
    }

    #[test]
    fn a_case_says_what_the_filter_is_given() {
        let text = r#"
            sign = "webhook"
            config = { strict = true }
            time = "1970-01-01T00:00:01Z"
            times = 2
            mode = "deliver"
            source = "203.0.113.7"
            [event]
            path = "/a"
            headers = [["x-a", "1"], ["x-b", { base64 = "/w==" }]]
            body = { n = 1, a = { z = 2, b = 3 } }
            [secrets]
            webhook = ["hush", "before"]
            [kv.seen]
            key = { base64 = "AA==" }
            [budget]
            max_us = 500
        "#;
        let case =
            meant(text, "[budget]\nmax_us = 1\nmax_memory_kib = 64\n[kv.seen]\nkey = \"a\"\nother = \"b\"\n").unwrap();
        assert_eq!((case.name.as_str(), case.event.path.as_str(), case.times), ("a", "/a", 2));
        assert_eq!(case.event.body, r#"{"n":1,"a":{"z":2,"b":3}}"#);
        assert_eq!(case.event.headers["x-b"].as_bytes(), b"\xff");
        assert!(case.event.headers.contains_key("x-hub-signature-256"));
        assert_eq!(case.time, Timestamp::from_millis(1_000));
        let valid: Vec<&[u8]> = case.usable["webhook"].iter().map(Secret::expose).collect();
        assert_eq!(valid, [b"hush".as_slice(), b"before"]);
        assert_eq!((case.mode, case.source.to_string()), (Mode::Deliver, "203.0.113.7".to_owned()));
        assert_eq!(case.kv["seen"], BTreeMap::from([("key".into(), vec![0]), ("other".into(), b"b".to_vec())]));
        assert_eq!(case.budget, Budget { max_us: Some(500), max_memory_kib: Some(64) });
        assert_eq!(case.spec.grants.kv, ["seen"]);
        assert_eq!(case.expect, None);
    }

    #[test]
    fn a_case_goes_before_the_defaults() {
        let defaults = "sign = \"webhook\"\nconfig = { a = 1, b = 2 }\n[secrets]\nwebhook = \"hush\"\n";
        let case = meant("sign = false\nevent = {}\nconfig = { b = 3 }\n", defaults).unwrap();
        assert!(!case.event.headers.contains_key("x-hub-signature-256"));
        assert_eq!(case.spec.config, serde_json::json!({ "a": 1, "b": 3 }));
    }

    #[test]
    fn every_fault_has_its_line() {
        let text = "evnt = 1\ntime = \"noon\"\ntimes = 0\nsource = \"here\"\n[event]\npath = \"x\"\n[secrets]\na = { base64 = \"?\" }\n[expect]\nverdict = \"maybe\"\n";
        let faults = meant(text, "").unwrap_err();
        let starts = [
            "a.toml:1: evnt: unknown field `evnt`, expected one of `event`, ",
            "a.toml:10: expect.verdict: unknown variant `maybe`, expected one of `pass`, ",
        ];
        for start in starts {
            assert!(faults.iter().any(|fault| fault.starts_with(start)), "{start}: {faults:#?}");
        }
        let faults = meant(&text.replace("evnt = 1\n", "").replace("maybe", "pass"), "").unwrap_err();
        assert_eq!(
            faults,
            [
                "a.toml:1: time: `noon` is no time since 1970: write it like `2026-01-01T00:00:00Z`",
                "a.toml:2: times: 0 is out of range: 1 to 10000",
                "a.toml:3: source: `here` is no IP address: write it like `203.0.113.7`",
                "a.toml:5: event.path: `x` must begin with `/` and hold no query",
                "a.toml:7: secrets.a: is no base64: Invalid symbol 63, offset 0.",
            ]
        );
        assert_eq!(
            meant("", "").unwrap_err(),
            ["cases/a.toml: there is no event: write `event = \"../events/example.json\"`"]
        );
        assert_eq!(
            meant("sign = \"x\"\nevent = {}", "").unwrap_err(),
            ["cases/a.toml: sign: there is no secret `x` in [secrets]"]
        );
    }
}
