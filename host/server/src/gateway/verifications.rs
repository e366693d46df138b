//! How many events were from whom they said, by route: counted by the label that the filter `verify` sets.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use model::Name;

/// Routes that are counted for themselves; those that come after are counted together, under no name.
const ROUTES_MOST: usize = 10_000;

/// Label `verify`, and with `failed` label `verify.cause`. What a filter says beside these is counted as the last.
const FOUND: [(&str, &str); 14] = [
    ("verified", ""),
    ("authenticated", ""),
    ("not-attempted", ""),
    ("failed", "no-signature"),
    ("failed", "malformed"),
    ("failed", "unknown-secret"),
    ("failed", "body-altered"),
    ("failed", "too-old"),
    ("failed", "clock-ahead"),
    ("failed", "wrong-url"),
    ("failed", "mismatch"),
    ("failed", "key-unavailable"),
    ("failed", "handshake"),
    ("failed", "other"),
];

#[derive(Debug, Default)]
pub struct Verifications(Mutex<Routes>);

#[derive(Debug, Default)]
struct Routes {
    by_project: HashMap<Name, HashMap<Name, [u64; FOUND.len()]>>,
    count: usize,
    further: [u64; FOUND.len()],
}

/// How often one thing was found on one route.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    pub project: String,
    pub route: String,
    pub verdict: &'static str,
    pub cause: &'static str,
    pub count: u64,
}

impl Verifications {
    /// An event was decided with these labels.
    pub(super) fn count(&self, project: &Name, route: &Name, labels: &[(String, String)]) {
        let label = |wanted: &str| labels.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        let Some(verdict) = label("verify") else { return };
        let cause = if verdict == "failed" { label("verify.cause").unwrap_or_default() } else { "" };
        let place = FOUND.iter().position(|found| *found == (verdict, cause)).unwrap_or(FOUND.len() - 1);
        let mut routes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        routes.of(project, route)[place] += 1;
    }

    /// Everything that was found at least once.
    pub fn all(&self) -> Vec<Found> {
        let routes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let named = routes.by_project.iter().flat_map(|(project, routes)| {
            routes.iter().map(|(route, counts)| (project.to_string(), route.to_string(), counts))
        });
        let further = (String::new(), String::new(), &routes.further);
        let found = named.chain([further]).flat_map(|(project, route, counts)| {
            let counted = FOUND.iter().zip(counts).filter(|(_, count)| **count > 0);
            let one = move |(&(verdict, cause), &count): (&(&'static str, &'static str), &u64)| {
                let (project, route) = (project.clone(), route.clone());
                Found { project, route, verdict, cause, count }
            };
            counted.map(one).collect::<Vec<_>>()
        });
        found.collect()
    }
}

impl Routes {
    fn of(&mut self, project: &Name, route: &Name) -> &mut [u64; FOUND.len()] {
        let known = self.by_project.get(project).is_some_and(|routes| routes.contains_key(route));
        if !known {
            if self.count == ROUTES_MOST {
                return &mut self.further;
            }
            self.count += 1;
            self.by_project.entry(project.clone()).or_default().insert(route.clone(), Default::default());
        }
        let routes = self.by_project.get_mut(project).expect("it is known");
        routes.get_mut(route).expect("it is known")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_is_counted_by_route() {
        let counts = Verifications::default();
        let name = |text: &str| text.parse::<Name>().unwrap();
        let (project, stripe, github) = (name("default"), name("stripe"), name("github"));
        let labels = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        counts.count(&project, &stripe, &labels(&[("verify", "verified")]));
        counts.count(&project, &stripe, &labels(&[("provider", "stripe"), ("verify", "verified")]));
        counts.count(&project, &stripe, &labels(&[("verify", "failed"), ("verify.cause", "too-old")]));
        counts.count(&project, &github, &labels(&[("verify", "failed"), ("verify.cause", "what nobody knows")]));
        counts.count(&project, &github, &labels(&[("kind", "push")]));
        let mut all: Vec<_> =
            counts.all().into_iter().map(|found| (found.route, found.verdict, found.cause, found.count)).collect();
        all.sort();
        let expected = [
            ("github".to_owned(), "failed", "other", 1),
            ("stripe".to_owned(), "failed", "too-old", 1),
            ("stripe".to_owned(), "verified", "", 2),
        ];
        assert_eq!(all, expected);
    }

    #[test]
    fn routes_beyond_the_bound_are_counted_together() {
        let counts = Verifications::default();
        let project: Name = "default".parse().unwrap();
        let labels = [("verify".to_owned(), "verified".to_owned())];
        for index in 0..ROUTES_MOST + 5 {
            counts.count(&project, &format!("r{index}").parse().unwrap(), &labels);
        }
        let all = counts.all();
        assert_eq!(all.len(), ROUTES_MOST + 1);
        assert_eq!(all.last().map(|found| (found.route.as_str(), found.count)), Some(("", 5)));
    }
}
