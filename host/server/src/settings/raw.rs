//! Settings as they were typed: which key got which value, and where.

use std::collections::BTreeMap;

use model::Faults;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::keys::{self, Key, Takes};
use crate::written::{Source, join};

/// Where settings come from, the later before the earlier.
#[derive(Debug, Default)]
pub(crate) struct Sources<'a> {
    /// Name and text of the file.
    pub(crate) file: Option<Source<'a>>,
    /// Variables that begin with `SNAPHOOK_`.
    pub(crate) environment: &'a [(String, String)],
    /// Keys and values of the command line.
    pub(crate) typed: &'a [(String, String)],
}

/// What was typed, the last value of each key.
#[derive(Debug, Default)]
pub(crate) struct Raw(BTreeMap<&'static str, Typed>);

#[derive(Debug)]
pub(crate) struct Typed {
    /// For messages: `snaphook.toml:3: gateway.listen`, `SNAPHOOK_GATEWAY_LISTEN`.
    pub(crate) place: String,
    pub(crate) value: Value,
    /// Whether it stands in the file.
    pub(crate) in_file: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Whole(u64),
    Flag(bool),
    List(Vec<String>),
    /// What no setting takes; its kind.
    Other(&'static str),
}

impl Raw {
    /// Reports every key that is not known.
    pub(crate) fn read(sources: &Sources<'_>, faults: &mut Faults) -> Self {
        let mut raw = Self::default();
        if let Some(file) = &sources.file {
            let table = file.parse(faults);
            raw.read_table(file, &table, "", faults);
        }
        for (variable, text) in sources.environment {
            match keys::KEYS.iter().find(|key| key.variable() == *variable) {
                Some(key) => raw.put(key, variable.clone(), false, from_text(key, text)),
                None if keys::OTHER_VARIABLES.contains(&variable.as_str()) => {}
                None => faults.add(variable, "is no setting of Snaphook: `snaphook serve --help` lists them all"),
            }
        }
        for (name, text) in sources.typed {
            match keys::find(name) {
                Some(key) => raw.put(key, format!("--set {name}"), false, from_text(key, text)),
                None => faults.add(format!("--set {name}"), unknown(name)),
            }
        }
        raw
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Typed> {
        self.0.get(key.name)
    }

    fn put(&mut self, key: &'static Key, place: String, in_file: bool, value: Value) {
        self.0.insert(key.name, Typed { place, value, in_file });
    }

    fn read_table(&mut self, file: &Source<'_>, table: &DeTable<'_>, path: &str, faults: &mut Faults) {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let name = join(path, key.get_ref());
            let is_section = path.is_empty() && keys::sections().contains(&name.as_str());
            match (keys::find(&name), value.get_ref()) {
                (Some(known), _) => self.put(known, file.place(&key.span(), &name), true, from_toml(value)),
                (None, DeValue::Table(inner)) if is_section => self.read_table(file, inner, &name, faults),
                (None, _) if is_section => {
                    file.fault(
                        faults,
                        &key.span(),
                        &name,
                        &format!("is a section: write `[{name}]` and its keys below"),
                    );
                }
                (None, _) => file.fault(faults, &key.span(), &name, &unknown(&name)),
            }
        }
    }
}

/// What is said about a key that does not exist.
fn unknown(name: &str) -> String {
    let section = name.split_once('.').map(|(section, _)| section).filter(|name| keys::sections().contains(name));
    let known: Vec<String> = match section {
        Some(section) => {
            let inside = keys::KEYS.iter().filter_map(|key| key.name.strip_prefix(section)?.strip_prefix('.'));
            inside.map(|name| format!("`{name}`")).collect()
        }
        None => {
            let alone = keys::KEYS.iter().map(|key| key.name).filter(|name| !name.contains('.'));
            let sections = keys::sections();
            alone.map(|name| format!("`{name}`")).chain(sections.iter().map(|name| format!("`[{name}]`"))).collect()
        }
    };
    let inside = section.map_or_else(String::new, |section| format!(" of [{section}]"));
    format!("unknown key; the keys{inside} are {}", known.join(", "))
}

fn from_toml(value: &Spanned<DeValue<'_>>) -> Value {
    match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(whole) => match u64::from_str_radix(whole.as_str(), whole.radix()) {
            Ok(whole) => Value::Whole(whole),
            Err(_) => Value::Other("number out of range"),
        },
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Array(array) => {
            let texts: Option<_> = array.iter().map(|element| element.get_ref().as_str().map(str::to_owned)).collect();
            texts.map_or(Value::Other("list of other things than texts"), Value::List)
        }
        DeValue::Float(_) => Value::Other("number with a point"),
        DeValue::Datetime(_) => Value::Other("date"),
        DeValue::Table(_) => Value::Other("table"),
    }
}

/// A text of the environment means what its key takes.
fn from_text(key: &Key, text: &str) -> Value {
    let read = match key.takes {
        Takes::Whole(..) => text.parse().ok().map(Value::Whole),
        Takes::Flag => text.parse().ok().map(Value::Flag),
        Takes::List => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Some(Value::List(parts.map(str::to_owned).collect()))
        }
        Takes::Folder | Takes::Address | Takes::OneOf(_) | Takes::Text => None,
    };
    read.unwrap_or_else(|| Value::Text(text.to_owned()))
}

/// The default of a key, as if it had been typed.
pub(crate) fn default(key: &Key) -> Typed {
    Typed { place: key.name.to_owned(), value: from_text(key, key.default), in_file: false }
}
