//! TOML as a person wrote it, read so that everything wrong with it is reported at once, each fault with its line.

use std::ops::Range;

use model::Faults;
use serde::{
    Deserialize,
    de::{DeserializeOwned, IntoDeserializer},
};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A TOML text and what to call it in messages.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub name: &'a str,
    pub text: &'a str,
}

impl<'a> Source<'a> {
    /// The text's tables. What is no TOML is left out and reported.
    pub fn parse(&self, faults: &mut Faults) -> DeTable<'a> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let span = error.span().unwrap_or_default();
            self.fault(faults, &span, "", &error.message().replace('\n', ", "));
        }
        table.into_inner()
    }

    /// From 1.
    pub(crate) fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.as_bytes().get(..span.start).unwrap_or(self.text.as_bytes());
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    /// `file:line` and, if there is one, the key's path.
    pub(crate) fn place(&self, span: &Range<usize>, path: &str) -> String {
        let colon = if path.is_empty() { "" } else { ": " };
        format!("{}:{}{colon}{path}", self.name, self.line(span))
    }

    pub(crate) fn fault(&self, faults: &mut Faults, span: &Range<usize>, path: &str, problem: &str) {
        faults.add(self.place(span, path), problem);
    }

    /// Faults that name their place by its path, with the line put before it.
    pub fn locate(&self, table: &DeTable<'_>, part: Faults) -> Faults {
        let located = part.0.into_iter().map(|fault| model::Fault {
            at: match find_path(table, &fault.at) {
                Some(span) => self.place(&span, &fault.at),
                None if fault.at.is_empty() => self.name.to_owned(),
                None => format!("{}: {}", self.name, fault.at),
            },
            problem: fault.problem,
        });
        Faults(located.collect())
    }

    /// What a value means, with what a look at the sense of it finds; or every fault in it. `path` is the value's own.
    pub fn read<T: DeserializeOwned>(
        &self,
        path: &str,
        value: &Spanned<DeValue<'_>>,
        sense: impl FnOnce(&T) -> Result<(), Faults>,
        faults: &mut Faults,
    ) -> Option<T> {
        let mut found = Faults::default();
        refuse_dates("", value, &mut found);
        match serde_json::Value::deserialize(value.clone().into_deserializer()) {
            Ok(json) => {
                let mut read = super::read::<T>(json);
                read.and_sense(sense);
                let read = read.or_faults();
                let read = found.keep("", read).filter(|_| found.is_empty());
                let mut placed: Vec<_> = found
                    .0
                    .into_iter()
                    .map(|fault| {
                        let span = find_rest(value, &rooted(&fault.at)).unwrap_or_else(|| value.span());
                        (span, fault)
                    })
                    .collect();
                placed.sort_by_key(|(span, _)| span.start);
                for (span, fault) in placed {
                    let at = if path.is_empty() { fault.at } else { format!("{path}{}", rooted(&fault.at)) };
                    self.fault(faults, &span, &at, &fault.problem);
                }
                read
            }
            Err(error) => {
                self.fault(faults, &error.span().unwrap_or_else(|| value.span()), path, error.message());
                None
            }
        }
    }
}

/// A place as it is put behind another.
fn rooted(place: &str) -> String {
    if place.is_empty() || place.starts_with('[') { place.to_owned() } else { format!(".{place}") }
}

/// TOML's dates have no counterpart in what is configured.
fn refuse_dates(path: &str, value: &Spanned<DeValue<'_>>, found: &mut Faults) {
    match value.get_ref() {
        DeValue::Datetime(_) => found.add(path, "is a date: put it in quotes"),
        DeValue::Array(array) => {
            for (index, element) in array.iter().enumerate() {
                refuse_dates(&format!("{path}[{index}]"), element, found);
            }
        }
        DeValue::Table(table) => {
            table.iter().for_each(|(key, element)| refuse_dates(&join(path, key.get_ref()), element, found));
        }
        DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) => {}
    }
}

/// The path of a member.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Where the thing at a path stands, or the innermost one around it that is there. Keys may hold dots themselves; after a
/// value of JSON a path goes on as a pointer: `routes.github.filters[0].config/table/2`.
fn find_path(table: &DeTable<'_>, path: &str) -> Option<Range<usize>> {
    let ends = |key: &str| path.strip_prefix(key).filter(|rest| rest.is_empty() || rest.starts_with(['.', '[', '/']));
    let matching = table.iter().filter_map(|(key, value)| ends(key.get_ref()).map(|rest| (key, value, rest)));
    let (key, value, rest) = matching.min_by_key(|(_, _, rest)| rest.len())?;
    Some(find_rest(value, rest).unwrap_or_else(|| key.span()))
}

fn find_rest(value: &Spanned<DeValue<'_>>, rest: &str) -> Option<Range<usize>> {
    match value.get_ref() {
        DeValue::Table(table) => find_path(table, rest.strip_prefix(['.', '/'])?),
        DeValue::Array(array) => {
            let (index, rest) = match rest.strip_prefix('[') {
                Some(bracketed) => bracketed.split_once(']')?,
                None => {
                    let pointer = rest.strip_prefix('/')?;
                    pointer.split_at(pointer.find(['/', '.']).unwrap_or(pointer.len()))
                }
            };
            let element = array.get(index.parse::<usize>().ok()?)?;
            Some(find_rest(element, rest).unwrap_or_else(|| element.span()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use model::spec::RouteSpec;

    use super::*;

    const TEXT: &str = r#"
[routes."a.b"]
match.path = 7
capture = "sometimes"
colour = "red"

[routes."a.b".forward]
candidates = ["one", 2]

[[routes."a.b".filters]]
name = "verify"
config = { when = 2020-01-01, "table" = [{ x = 1 }, { x = 2 }] }

[[routes."a.b".filters]]
name = 3
module = "x"
limits.time_ms = -1
"#;

    #[test]
    fn every_fault_is_reported_with_its_line() {
        let source = Source { name: "host.toml", text: TEXT };
        let mut faults = Faults::default();
        let table = source.parse(&mut faults);
        let route = &table["routes"].get_ref().as_table().unwrap()["a.b"];
        assert_eq!(source.read::<RouteSpec>("routes.a.b", route, |_| Ok(()), &mut faults), None);
        let shown: Vec<String> = faults.0.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "host.toml:3: routes.a.b.match.path: invalid type: integer `7`, expected a string",
                "host.toml:4: routes.a.b.capture: unknown variant `sometimes`, expected one of `none`, `failures`, `all`",
                "host.toml:5: routes.a.b.colour: unknown field `colour`, expected one of `match`, `forward`, `deliver`, \
                 `filters`, `body_limit_bytes`, `capture`, `keep`, `search`, `acknowledgement`",
                "host.toml:8: routes.a.b.forward.candidates[1]: invalid type: integer `2`, expected a string",
                "host.toml:10: routes.a.b.filters[0]: missing field `module`",
                "host.toml:12: routes.a.b.filters[0].config.when: is a date: put it in quotes",
                "host.toml:15: routes.a.b.filters[1].name: invalid type: integer `3`, expected a string",
                "host.toml:17: routes.a.b.filters[1].limits.time_ms: invalid value: integer `-1`, expected u64",
            ]
        );
    }

    #[test]
    fn paths_lead_to_lines() {
        let source = Source { name: "host.toml", text: TEXT };
        let table = source.parse(&mut Faults::default());
        for (path, line) in [
            ("routes.a.b.filters[0].config/table/1/x", Some(12)),
            ("routes.a.b.filters[1].limits.time_ms", Some(17)),
            ("routes.a.b.filters[1].grants.secrets.x", Some(14)),
            ("routes.a.b.forward.candidates[0]", Some(8)),
            ("routes.a.b", Some(2)),
            ("destinations.x", None),
        ] {
            assert_eq!(find_path(&table, path).map(|span| source.line(&span)), line, "{path}");
        }
    }

    #[test]
    fn what_is_no_toml_is_reported_as_well() {
        let source = Source { name: "host.toml", text: "a = \nb = 1\nc = [1,\n" };
        let mut faults = Faults::default();
        let table = source.parse(&mut faults);
        assert!(table.contains_key("b"));
        assert!(faults.0.iter().any(|fault| fault.at == "host.toml:1"), "{faults}");
        assert!(faults.0.len() >= 2, "{faults}");
    }
}
