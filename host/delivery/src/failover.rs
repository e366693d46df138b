//! Who steps in for a destination that fails: who comes after whom, and who of them can take a delivery now.

use model::{Name, destination::Failover, limits::FAILOVERS_MOST};

use crate::{
    attempt::Room,
    breaker::{self, Admits},
    engine::Key,
};

/// Whether a destination can take a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fitness {
    /// Its breaker is open, or it is disabled.
    Unwell,
    /// It was left alone for long enough: one delivery at a time may find out.
    Untold,
    Well,
}

/// A destination as it is now.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) fitness: Fitness,
    pub(crate) failover: Option<Failover>,
}

/// A destination and those that step in for it, in order, as they are now. It ends before one that is not configured, that
/// is in it already, or that would be one hop too many: what the configuration should not say is not followed.
#[derive(Debug, Clone)]
pub(crate) struct Succession(Vec<(Name, Seen)>);

impl Succession {
    pub(crate) fn of(home: &Name, see: impl Fn(&Name) -> Option<Seen>) -> Self {
        let mut members: Vec<(Name, Seen)> = Vec::new();
        let mut next = Some(home.clone());
        while let Some(name) = next.filter(|name| members.len() <= FAILOVERS_MOST && !has(&members, name))
            && let Some(seen) = see(&name)
        {
            next = seen.failover.as_ref().map(|failover| failover.to.clone());
            members.push((name, seen));
        }
        Self(members)
    }

    /// The first after `at` that is at least so fit. One that is not is passed over, if its own failover steps in while it
    /// is left alone.
    pub(crate) fn after(&self, at: &Name, fitness: Fitness) -> Option<&Name> {
        let here = self.0.iter().position(|(name, _)| name == at)?;
        for (name, seen) in &self.0[here + 1..] {
            if seen.fitness >= fitness {
                return Some(name);
            }
            if !seen.hands_on() {
                return None;
            }
        }
        None
    }

    /// Where a delivery goes from `at`, which is left alone: on to one that is so fit, else home, where it waits. None if
    /// it is there.
    pub(crate) fn away(&self, at: &Name, fitness: Fitness) -> Option<&Name> {
        let hands_on = self.0.iter().any(|(name, seen)| name == at && seen.hands_on());
        let on = if hands_on { self.after(at, fitness) } else { None };
        on.or_else(|| self.0.first().map(|(home, _)| home).filter(|home| *home != at))
    }
}

impl Seen {
    /// Whether another one steps in while it is left alone.
    fn hands_on(&self) -> bool {
        self.failover.as_ref().is_some_and(|failover| failover.when_breaker_open)
    }
}

fn has(members: &[(Name, Seen)], name: &Name) -> bool {
    members.iter().any(|(member, _)| member == name)
}

impl Room {
    /// Of what was written for `home` and is at `at`. If `home` is not configured any more, it is at home where it is.
    pub(crate) fn succession(&self, project: &Name, home: &Name, at: &Name) -> Succession {
        let succession = Succession::of(home, |name| self.see(project, name));
        if succession.0.is_empty() { Succession::of(at, |name| self.see(project, name)) } else { succession }
    }

    fn see(&self, project: &Name, name: &Name) -> Option<Seen> {
        let policy = &self.house.destination(project, name)?.policy;
        let condition = self.conditions.of(&Key::new(project, name));
        let fitness = match breaker::admits(&condition.breaker, policy.breaker.as_ref(), self.clock.now()) {
            _ if condition.disabled.is_some() => Fitness::Unwell,
            Admits::NothingUntil(_) => Fitness::Unwell,
            Admits::Probe => Fitness::Untold,
            Admits::All => Fitness::Well,
        };
        Some(Seen { fitness, failover: policy.failover.clone() })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use model::destination::{ComeBack, Statuses};

    use super::{Fitness::*, *};

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    /// Each with its fitness, and the one that steps in, while it is left alone or only otherwise.
    fn succession(home: &str, of: &[(&str, Fitness, &str, bool)]) -> Succession {
        let seen: HashMap<Name, Seen> = of
            .iter()
            .map(|(member, fitness, to, when_breaker_open)| {
                let failover = to.parse().ok().map(|to| Failover {
                    to,
                    after_attempts: Some(1),
                    when_breaker_open: *when_breaker_open,
                    on_status: Statuses::none(),
                    come_back: ComeBack::NextDelivery,
                });
                (name(member), Seen { fitness: *fitness, failover })
            })
            .collect();
        Succession::of(&name(home), |name| seen.get(name).cloned())
    }

    fn after(succession: &Succession, at: &str, fitness: Fitness) -> Option<String> {
        succession.after(&name(at), fitness).map(Name::to_string)
    }

    fn away(succession: &Succession, at: &str) -> Option<String> {
        succession.away(&name(at), Well).map(Name::to_string)
    }

    #[test]
    fn those_that_are_unwell_are_passed_over() {
        let three = |b, c| succession("a", &[("a", Unwell, "b", true), ("b", b, "c", true), ("c", c, "", true)]);
        assert_eq!(after(&three(Well, Well), "a", Well).as_deref(), Some("b"));
        assert_eq!(after(&three(Unwell, Well), "a", Well).as_deref(), Some("c"));
        assert_eq!(after(&three(Untold, Well), "a", Well).as_deref(), Some("c"));
        assert_eq!(after(&three(Untold, Well), "a", Untold).as_deref(), Some("b"));
        assert_eq!(after(&three(Unwell, Unwell), "a", Untold), None);
        assert_eq!(after(&three(Well, Well), "c", Well), None);
        assert_eq!(after(&three(Well, Well), "x", Well), None);
    }

    #[test]
    fn but_not_those_that_keep_their_deliveries() {
        let keeps = succession("a", &[("a", Unwell, "b", true), ("b", Unwell, "c", false), ("c", Well, "", true)]);
        assert_eq!(after(&keeps, "a", Well), None);
        // By its other rules it hands on all the same.
        assert_eq!(after(&keeps, "b", Well).as_deref(), Some("c"));
        assert_eq!(away(&keeps, "b").as_deref(), Some("a"));
    }

    #[test]
    fn where_nobody_is_well_deliveries_go_home() {
        let all = succession("a", &[("a", Unwell, "b", true), ("b", Unwell, "c", true), ("c", Unwell, "", true)]);
        assert_eq!(
            (away(&all, "a"), away(&all, "b").as_deref(), away(&all, "c").as_deref()),
            (None, Some("a"), Some("a"))
        );
        // Also from where they should not be any more.
        assert_eq!(away(&all, "x").as_deref(), Some("a"));
    }

    #[test]
    fn what_goes_round_is_followed_to_its_first_member_and_no_further() {
        let round = succession("a", &[("a", Unwell, "b", true), ("b", Unwell, "c", true), ("c", Unwell, "b", true)]);
        assert_eq!(round.0.len(), 3);
        assert_eq!((after(&round, "c", Unwell), away(&round, "c").as_deref()), (None, Some("a")));
        let itself = succession("a", &[("a", Unwell, "a", true)]);
        assert_eq!((itself.0.len(), away(&itself, "a")), (1, None));
    }

    #[test]
    fn it_has_an_end() {
        let names: Vec<String> = (0..20).map(|number| format!("d{number}")).collect();
        let of: Vec<_> = names.windows(2).map(|pair| (pair[0].as_str(), Well, pair[1].as_str(), true)).collect();
        assert_eq!(succession("d0", &of).0.len(), FAILOVERS_MOST + 1);
        // Before one that is not configured.
        assert_eq!(succession("d17", &of).0.len(), 2);
        assert_eq!(succession("d19", &of).0.len(), 0);
    }
}
