//! Everything that people configure with: the first byte says what it is, the rest is its text. Whatever is written, it is
//! read or every fault in it has a place. After a `w` it is not text: a whole configuration is made of it, right but for a few
//! places.

use std::{io::Write as _, path::Path};

use arbitrary::Unstructured;
use model::{
    Fault, Faults, Name,
    destination::DestinationSpec,
    event_file::EventFile,
    module::Manifest,
    spec::{AttachmentSpec, RouteSpec},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use server::{
    control::apply::Configuration,
    settings::{Settings, Strictness},
    written::{self, Source},
};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

mod made;

/// Words that are worth trying.
pub const WORDS: &[&str] = &[
    "\n",
    "[routes.a]\n",
    "[[routes.a.filters]]\n",
    "[gateway]\n",
    "[admin]\n",
    "listen = ",
    "\"127.0.0.1:0\"",
    "\"[::1]:80\"",
    "true",
    "-1",
    "1e400",
    "0x7fffffffffffffff",
    "18446744073709551616",
    "2020-01-01",
    "[1, \"a\"]",
    "{ a = 1 }",
    "'''",
    "\"\\u0000\"",
    "é",
    "\"filters\":[",
    "\"name\":",
    "\"module\":\"a@3\"",
    "\"config\":",
    "\"limits\":{\"time_ms\":0}",
    "\"mode\":{\"canary\":101}",
    "\"candidates\":[]",
    "\"match\":{\"path\":\"/{*a}\"}",
    "null",
    "{}",
    "[]",
    "\"\"",
    "\"..\"",
    "sha256:",
    ",",
];

/// What serde tells of one text is found by reading it again for each fault.
const BYTES_MOST: usize = 1 << 14;
/// Serde's own faults quote what they found; ours are cut.
const PROBLEM_BYTES_MOST: usize = 1 << 16;

pub fn run(bytes: &[u8]) {
    let Some((kind, text)) = bytes[..bytes.len().min(BYTES_MOST)].split_first() else { return };
    match kind {
        b's' => settings(text),
        b'a' => str::from_utf8(text).map_or((), apply_file),
        b'c' => json::<Configuration>(text, |_| Ok(())),
        b'w' => _ = made::whole(&mut Unstructured::new(text)).map(|whole| everywhere(&whole)),
        b'r' => {
            json(text, |spec: &RouteSpec| spec.read(&name(), &name()).map(drop));
            same_again::<RouteSpec>(text);
        }
        b'd' => json(text, |spec: &DestinationSpec| spec.read(&name(), &name()).map(drop)),
        b'f' => same_again::<AttachmentSpec>(text),
        b'm' => same_again::<Manifest>(text),
        b'e' => event_file(text),
        _ => {}
    }
}

/// As the admin API gets it, as a file, and each part alone.
fn everywhere(whole: &Value) {
    json::<Configuration>(whole.to_string().as_bytes(), |_| Ok(()));
    // TOML has no null.
    if let Ok(text) = toml::to_string(whole) {
        apply_file(&text);
    }
    let parts = |section: &str| whole.get(section).and_then(Value::as_object).into_iter().flatten();
    for (_, destination) in parts("destinations") {
        run(&[b"d", destination.to_string().as_bytes()].concat());
    }
    for (_, route) in parts("routes") {
        run(&[b"r", route.to_string().as_bytes()].concat());
        for filter in route.get("filters").and_then(Value::as_array).into_iter().flatten() {
            run(&[b"f", filter.to_string().as_bytes()].concat());
        }
    }
}

fn name() -> Name {
    "a".parse().expect("a name")
}

/// A file with settings; read from disk, as the host reads it.
fn settings(text: &[u8]) {
    let mut file = tempfile::Builder::new().suffix(".toml").tempfile().expect("a file to write to");
    file.write_all(text).expect("a file to write to");
    let typed = [("data".to_owned(), "/somewhere".to_owned())];
    match Settings::load(Some(file.path()), &typed, Strictness::KnownVariables) {
        Ok(settings) => {
            let (gateway, admin) = (settings.gateway.listen, settings.admin.listen);
            assert!(gateway != admin || admin.port() == 0, "both listen at {admin}");
            assert_eq!(settings.data, Path::new("/somewhere"));
        }
        Err(faults) => in_file(&faults, &file.path().display().to_string(), text),
    }
}

/// Each fault is in a line that there is, or in a setting that is not in the file.
fn in_file(faults: &Faults, path: &str, text: &[u8]) {
    assert!(!faults.is_empty());
    let lines = 1 + text.iter().filter(|byte| **byte == b'\n').count();
    for fault in &faults.0 {
        told(fault);
        let Some(rest) = fault.at.strip_prefix(path) else {
            assert!(fault.at.starts_with(|first: char| first.is_ascii_lowercase()), "{fault}");
            continue;
        };
        let line = rest.strip_prefix(':').map(|rest| rest.split(':').next().unwrap_or_default());
        let known = line.is_some_and(|line| line.parse().is_ok_and(|line| (1..=lines).contains(&line)));
        assert!(known || line.is_none() && fault.problem.contains("cannot be read"), "{fault}");
    }
}

/// A file that `apply` reads, up to what it names outside.
fn apply_file(text: &str) {
    let source = Source { name: "host.toml", text };
    let mut faults = Faults::default();
    let table = source.parse(&mut faults);
    each(&source, &table, "routes", &mut faults, |spec: &RouteSpec| spec.read(&name(), &name()).map(drop));
    each(&source, &table, "destinations", &mut faults, |spec: &DestinationSpec| spec.read(&name(), &name()).map(drop));
    if !faults.is_empty() {
        in_file(&faults, "host.toml", text.as_bytes());
    }
    // What the host finds has no lines yet: the text itself says what may stand where.
    let places = text.split_ascii_whitespace().map(|place| Fault { at: place.to_owned(), problem: "wrong".to_owned() });
    let places = Faults(places.take(64).collect());
    let count = places.0.len();
    let located = source.locate(&table, places);
    assert_eq!(located.0.len(), count);
    assert!(located.0.iter().all(|fault| fault.at.starts_with("host.toml")), "{located}");
}

fn each<T: DeserializeOwned>(
    source: &Source<'_>,
    table: &DeTable<'_>,
    section: &str,
    faults: &mut Faults,
    sense: impl Fn(&T) -> Result<(), Faults>,
) {
    let entries = table.get(section).and_then(|value| value.get_ref().as_table()).into_iter().flatten();
    for (key, value) in entries {
        let (key, value): (&Spanned<_>, &Spanned<DeValue<'_>>) = (key, value);
        let before = faults.0.len();
        let read = source.read(&format!("{section}.{}", key.get_ref()), value, &sense, faults);
        assert_eq!(read.is_none(), faults.0.len() > before, "{faults}");
    }
}

/// JSON as the admin API reads it.
fn json<T: DeserializeOwned>(text: &[u8], sense: impl FnOnce(&T) -> Result<(), Faults>) {
    let Ok(value) = serde_json::from_slice::<Value>(text) else { return };
    let mut read = written::read::<T>(value.clone());
    read.and_sense(sense);
    assert!(read.value.is_some() || !read.faults.is_empty(), "nothing was read, and nothing is wrong");
    let right = serde_json::from_value::<T>(value.clone()).is_ok();
    assert!(right || !read.faults.is_empty(), "something is wrong, and nothing is said");
    for fault in &read.faults.0 {
        told(fault);
        assert!(leads(&value, &fault.at), "{:?} leads nowhere in {value}", fault.at);
        let told = secrets(&value).into_iter().find(|secret| fault.problem.contains(secret));
        assert!(told.is_none() || !fault.at.starts_with("secrets"), "a secret is told: {fault}");
    }
}

fn told(fault: &Fault) {
    assert!(!fault.problem.is_empty() && fault.problem.len() < PROBLEM_BYTES_MOST, "{fault}");
}

/// What was written where a secret's value belongs, if it is long enough not to stand elsewhere by chance.
fn secrets(value: &Value) -> Vec<String> {
    let written = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let secrets = value.get("secrets").and_then(Value::as_object).into_iter().flatten();
    let places = secrets.flat_map(|(_, secret)| [Some(secret), secret.get("value"), secret.get("value_base64")]);
    places.flatten().filter_map(written).filter(|text| text.len() >= 6).collect()
}

/// Whether there is something at this place, or could be: of a member that is missing the place is known all the same.
fn leads(value: &Value, place: &str) -> bool {
    if place.is_empty() {
        return true;
    }
    let inside = place.strip_prefix('.').unwrap_or(place);
    match value {
        Value::Object(members) => {
            let ends = |rest: &str| rest.is_empty() || rest.starts_with(['.', '[', '/']);
            is_member(inside)
                || members.iter().any(|(key, member)| {
                    inside.strip_prefix(key.as_str()).is_some_and(|rest| ends(rest) && leads(member, rest))
                })
        }
        Value::Array(elements) => {
            let Some((index, rest)) = place.strip_prefix('[').and_then(|inside| inside.split_once(']')) else {
                // serde takes a list for the members of something in their order.
                return is_member(inside);
            };
            index.parse::<usize>().ok().and_then(|index| elements.get(index)).is_some_and(|value| leads(value, rest))
        }
        // The name of a case that should hold something.
        Value::String(text) => text == inside,
        _ => false,
    }
}

fn is_member(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// What was read and is written is read as the same again.
fn same_again<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(text: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(text) else { return };
    let written = serde_json::to_string(&read).expect("what was read can be written");
    let again = serde_json::from_str::<T>(&written).unwrap_or_else(|error| panic!("{error}: {written}"));
    assert_eq!(again, read);
}

fn event_file(text: &[u8]) {
    same_again::<EventFile>(text);
    let Ok(file) = serde_json::from_slice::<EventFile>(text) else { return };
    match file.read() {
        Ok(parts) => {
            assert!(parts.path.starts_with('/') && !parts.path.contains('?'), "{:?}", parts.path);
            let target = format!("{}?{}", parts.path, parts.query.as_deref().unwrap_or_default());
            let read = target.parse::<http::uri::PathAndQuery>().expect("a path and a query");
            assert_eq!((read.path(), read.as_str()), (parts.path.as_str(), target.as_str()));
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            assert!(faults.0.iter().all(|fault| !fault.at.is_empty()), "{faults}");
            faults.0.iter().for_each(told);
        }
    }
}
