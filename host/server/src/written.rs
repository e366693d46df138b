//! What people wrote, read so that everything that is wrong with its shape is reported at once: JSON here, TOML with its
//! lines in `source`.

mod source;
pub(crate) mod unquoted;

use model::{Fault, Faults};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;
pub use source::Source;
pub(crate) use source::join;

/// Faults of shape that are told: each is found by reading all of it once more.
const FAULTS_MOST: usize = 100;

/// What was read.
#[derive(Debug)]
pub struct Read<T> {
    /// What is meant, as far as it could be read; none if too much is wrong to tell.
    pub value: Option<T>,
    pub faults: Faults,
}

impl<T> Read<T> {
    /// Adds what a look at the sense of it finds, except where the shape was wrong already.
    pub fn and_sense(&mut self, check: impl FnOnce(&T) -> Result<(), Faults>) {
        let Some(Err(sense)) = self.value.as_ref().map(check) else { return };
        let known = |place: &str| self.faults.0.iter().any(|fault| holds(&fault.at, place) || holds(place, &fault.at));
        let new: Vec<Fault> = sense.0.into_iter().filter(|fault| !known(&fault.at)).collect();
        self.faults.0.extend(new);
    }

    pub fn or_faults(self) -> Result<T, Faults> {
        match self.value {
            Some(value) => self.faults.or(value),
            None => Err(self.faults),
        }
    }
}

/// Whether the inner place is the outer one or lies in it.
fn holds(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', '/']))
}

/// serde stops at the first fault; so what is at fault is reported, taken out, and the rest is read again.
pub fn read<T: DeserializeOwned>(mut left: Value) -> Read<T> {
    let mut faults = Faults::default();
    let mut taken: Vec<Place> = Vec::new();
    loop {
        let error = match serde_path_to_error::deserialize::<_, T>(&left) {
            Ok(value) => {
                // Without an element, those behind it stand elsewhere: what else is said of them would mislead.
                let shifted = taken.iter().any(|place| matches!(place.last(), Some(Step::Index(_))));
                return Read { value: (!shifted).then_some(value), faults };
            }
            Err(error) => error,
        };
        if taken.len() == FAULTS_MOST {
            return Read { value: None, faults };
        }
        let problem = error.inner().to_string();
        let found: Place = error.path().iter().map_while(Step::of).collect();
        let place = before(&found, &taken);
        // What is wrong only because something was taken out is no fault of its own.
        let missing = problem.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
        let follows = |gone: &Place| match (gone.strip_prefix(&*place), missing) {
            (Some([Step::Key(key)]), Some(missing)) => key == missing,
            (Some(_), None) => true,
            _ => false,
        };
        if !taken.iter().any(follows) {
            faults.add(shown(&place), problem);
        }
        if !take_out(&mut left, &found) {
            return Read { value: None, faults };
        }
        taken.push(place);
    }
}

type Place = Vec<Step>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

impl Step {
    fn of(segment: &Segment) -> Option<Self> {
        match segment {
            Segment::Seq { index } => Some(Self::Index(*index)),
            Segment::Map { key } => Some(Self::Key(key.clone())),
            Segment::Enum { variant } => Some(Self::Key(variant.clone())),
            Segment::Unknown => None,
        }
    }
}

fn shown(place: &[Step]) -> String {
    let mut text = String::new();
    for step in place {
        match step {
            Step::Index(index) => text.push_str(&format!("[{index}]")),
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => text.push_str(&format!(".{key}")),
        }
    }
    text
}

/// Where it stood before anything was taken out.
fn before(found: &[Step], taken: &[Place]) -> Place {
    let mut place = Place::new();
    for step in found {
        let mut step = step.clone();
        if let Step::Index(index) = &mut step {
            let siblings = taken.iter().filter_map(|gone| match gone.split_last() {
                Some((Step::Index(gone), list)) if *list == place => Some(*gone),
                _ => None,
            });
            let mut siblings: Vec<usize> = siblings.collect();
            siblings.sort_unstable();
            siblings.iter().for_each(|gone| *index += usize::from(gone <= index));
        }
        place.push(step);
    }
    place
}

/// False if nothing holds it.
fn take_out(value: &mut Value, place: &[Step]) -> bool {
    match (value, place) {
        (Value::Object(members), [Step::Key(key)]) => members.shift_remove(key).is_some(),
        (Value::Array(elements), [Step::Index(index)]) if *index < elements.len() => {
            elements.remove(*index);
            true
        }
        (Value::Object(members), [Step::Key(key), rest @ ..]) => {
            members.get_mut(key).is_some_and(|member| take_out(member, rest))
        }
        (Value::Array(elements), [Step::Index(index), rest @ ..]) => {
            elements.get_mut(*index).is_some_and(|element| take_out(element, rest))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use model::spec::RouteSpec;
    use serde_json::json;

    use super::*;

    fn faults<T: DeserializeOwned>(value: Value) -> Vec<String> {
        read::<T>(value).faults.0.iter().map(|fault| fault.at.clone()).collect()
    }

    #[test]
    fn every_fault_is_found_where_it_was_written() {
        let route = json!({
            "match": { "path": 7, "methods": ["GET", 1, "PUT", 2, 3] },
            "colour": "red",
            "forward": { "candidates": [1] },
            "filters": [{ "name": "a" }, { "name": 3, "module": "x" }, { "module": "y", "mode": { "canary": 300 } }],
            "capture": "sometimes",
        });
        let mut found = faults::<RouteSpec>(route);
        found.sort();
        let expected = [
            "capture",
            "colour",
            "filters[0]",
            "filters[1].name",
            "filters[2]",
            "filters[2].mode.canary",
            "forward.candidates[0]",
            "match.methods[1]",
            "match.methods[3]",
            "match.methods[4]",
            "match.path",
        ];
        assert_eq!(found, expected);
        assert_eq!(faults::<RouteSpec>(json!(3)), [""]);
        assert_eq!(faults::<RouteSpec>(json!({ "forward": {} })), ["forward"]);
        assert!(faults::<RouteSpec>(json!({ "filters": [] })).is_empty());
    }

    #[test]
    fn what_is_wrong_throughout_is_not_read_to_its_end() {
        let found = faults::<RouteSpec>(json!({ "match": { "methods": vec![7; 200_000] } }));
        assert_eq!(found.len(), FAULTS_MOST);
        assert_eq!(found.last().map(String::as_str), Some("match.methods[99]"));
    }

    #[test]
    fn sense_is_looked_at_where_the_shape_is_right() {
        let mut read =
            read::<RouteSpec>(json!({ "match": { "path": 7 }, "capture": 1, "forward": { "candidates": [] } }));
        let mut sense = Faults::one("match", "is strange");
        sense.add("capture.x", "is strange");
        sense.add("forward.candidates", "is empty");
        read.and_sense(|_| Err(sense));
        let places: Vec<&str> = read.faults.0.iter().map(|fault| &*fault.at).collect();
        assert_eq!(places, ["match.path", "capture", "forward.candidates"]);
        assert!(read.or_faults().is_err());
    }
}
