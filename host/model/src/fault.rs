//! What is wrong with something that a person wrote: every fault at once, each with its place.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One fault: where it is and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Fault {
    /// The place, from the outside in: `routes.github.filters[0].grants.secrets.webhook`.
    pub at: String,
    /// What is wrong with which value, and what would be right.
    pub problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at.is_empty() { out.write_str(&self.problem) } else { write!(out, "{}: {}", self.at, self.problem) }
    }
}

/// Collects faults while something is read, so that all are reported and not only the first.
#[derive(Debug, Default, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    pub fn one(at: impl Into<String>, problem: impl Into<String>) -> Self {
        Self(vec![Fault { at: at.into(), problem: problem.into() }])
    }

    pub fn add(&mut self, at: impl Into<String>, problem: impl Into<String>) {
        self.0.push(Fault { at: at.into(), problem: problem.into() });
    }

    /// Takes over the faults of a part, with the part's place put before theirs.
    pub fn take(&mut self, place: &str, part: Self) {
        for fault in part.0 {
            let at = match (place.is_empty(), fault.at.is_empty()) {
                (true, _) => fault.at,
                (false, true) => place.to_owned(),
                (false, false) if fault.at.starts_with(['[', '/']) => format!("{place}{}", fault.at),
                (false, false) => format!("{place}.{}", fault.at),
            };
            self.0.push(Fault { at, problem: fault.problem });
        }
    }

    /// Keeps the value of a part that was right, or its faults.
    pub fn keep<T>(&mut self, place: &str, part: Result<T, Self>) -> Option<T> {
        part.map_err(|faults| self.take(place, faults)).ok()
    }

    /// The value, if nothing was wrong.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                out.write_str("; ")?;
            }
            write!(out, "{fault}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_put_before_those_of_a_part() {
        let mut part = Faults::one("", "is wrong");
        part.add("name", "is empty");
        part.add("[2]", "is too much");
        let mut faults = Faults::default();
        assert_eq!(faults.keep::<()>("routes.a", Err(part.clone())), None);
        assert_eq!(faults.keep("routes.b", Ok(1)), Some(1));
        faults.take("", part);
        assert_eq!(
            faults.to_string(),
            "routes.a: is wrong; routes.a.name: is empty; routes.a[2]: is too much; is wrong; name: is empty; [2]: is too much"
        );
        assert_eq!(faults.clone().or(()), Err(faults));
        assert_eq!(Faults::default().or(1), Ok(1));
    }
}
