//! Chains of failovers: from a destination to the one that steps in, on to the one that steps in for that, and so on.

use super::Failover;
use crate::{Faults, Name, limits::FAILOVERS_MOST};

/// The destination and all that step in for it, in order; `failover` is what each of them says about it, none if it says
/// nothing or is not there.
///
/// A chain that comes to a destination twice, or has more than `limits::FAILOVERS_MOST` hops, is a fault of `failover.to`.
pub fn failover_chain<'a>(name: &Name, failover: impl Fn(&Name) -> Option<&'a Failover>) -> Result<Vec<Name>, Faults> {
    let mut chain = vec![name.clone()];
    while let Some(Failover { to, .. }) = chain.last().and_then(&failover) {
        let fault = |problem: &str| {
            let names = chain.iter().chain([to]).map(|name| format!("`{name}`"));
            let problem = format!("{} {problem}", names.collect::<Vec<_>>().join(" → "));
            Err(Faults::one("failover.to", problem))
        };
        if chain.contains(to) {
            return fault("comes back to where it was; take the failover of one of them away");
        }
        if chain.len() > FAILOVERS_MOST {
            return fault(&format!("is too long: at most {FAILOVERS_MOST} may step in one after the other"));
        }
        chain.push(to.clone());
    }
    Ok(chain)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::destination::{ComeBack, Statuses};

    fn chain(name: &str, hops: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let failover = |to: &str| Failover {
            to: to.parse().unwrap(),
            after_attempts: None,
            when_breaker_open: true,
            on_status: Statuses::none(),
            come_back: ComeBack::NextDelivery,
        };
        let hops: HashMap<&str, Failover> = hops.iter().map(|(from, to)| (*from, failover(to))).collect();
        let chain = failover_chain(&name.parse().unwrap(), |name| hops.get(name.as_str()));
        chain.map(|names| names.iter().map(Name::to_string).collect()).map_err(|faults| faults.to_string())
    }

    #[test]
    fn it_goes_from_one_to_the_next() {
        assert_eq!(chain("a", &[]).unwrap(), ["a"]);
        assert_eq!(chain("a", &[("b", "c"), ("a", "b"), ("x", "a")]).unwrap(), ["a", "b", "c"]);
    }

    #[test]
    fn one_that_has_no_end_is_refused() {
        for (hops, names) in [
            (&[("a", "a")][..], "`a` → `a`"),
            (&[("a", "b"), ("b", "a")], "`a` → `b` → `a`"),
            (&[("a", "b"), ("b", "c"), ("c", "b")], "`a` → `b` → `c` → `b`"),
        ] {
            let said =
                format!("failover.to: {names} comes back to where it was; take the failover of one of them away");
            assert_eq!(chain("a", hops).unwrap_err(), said);
        }
    }

    #[test]
    fn one_that_is_too_long_is_refused() {
        let names: Vec<String> = (0..=9).map(|number| format!("d{number}")).collect();
        let hops: Vec<(&str, &str)> = names.windows(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
        assert_eq!(chain("d1", &hops).unwrap().len(), 9);
        let said = chain("d0", &hops).unwrap_err();
        assert!(said.ends_with("`d9` is too long: at most 8 may step in one after the other"), "{said}");
    }
}
