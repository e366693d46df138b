//! Sets of statuses as people write them.

use std::ops::RangeInclusive;

use crate::Faults;

/// Statuses that mean something to a destination's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statuses(Vec<RangeInclusive<u16>>);

impl Statuses {
    /// Reads entries like `2xx` and `409`. Reports every fault, at `[index]`.
    pub fn read(entries: &[String]) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        if entries.len() > 600 {
            faults.add("", format!("{} are too many: at most 600", entries.len()));
            return Err(faults);
        }
        let mut ranges = Vec::with_capacity(entries.len());
        for (index, entry) in entries.iter().enumerate() {
            match read(entry) {
                Some(range) => ranges.push(range),
                None => faults.add(
                    format!("[{index}]"),
                    format!("`{entry}` is no status: write one from 200 to 599, or a class like `2xx`"),
                ),
            }
        }
        faults.or(Self(ranges))
    }

    pub fn has(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }

    pub fn none() -> Self {
        Self(Vec::new())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The statuses by which a server says that it took what was sent: RFC 9110, section 15.3.
    pub fn successful() -> Self {
        Self(vec![200..=299])
    }
}

fn read(entry: &str) -> Option<RangeInclusive<u16>> {
    if let Some(class) = entry.strip_suffix("xx") {
        let first = class.parse::<u16>().ok().filter(|class| (2..=5).contains(class) && entry.len() == 3)? * 100;
        return Some(first..=first + 99);
    }
    let digits = entry.len() == 3 && entry.bytes().all(|byte| byte.is_ascii_digit());
    let status = entry.parse().ok().filter(|status| digits && (200..=599).contains(status))?;
    Some(status..=status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(entries: &[&str]) -> Result<Statuses, Faults> {
        Statuses::read(&entries.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn classes_and_single_ones() {
        let statuses = of(&["2xx", "409"]).unwrap();
        let has: Vec<u16> = (100..600).filter(|status| statuses.has(*status)).collect();
        assert_eq!(has, (200..300).chain([409]).collect::<Vec<_>>());
        assert_eq!(of(&["2xx"]).unwrap(), Statuses::successful());
        assert!(of(&[]).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_status_is_refused() {
        for entry in ["", "1xx", "6xx", "xx", "+2xx", "2XX", "2x", "199", "600", "+40", "4090", "two"] {
            let faults = of(&["200", entry]).unwrap_err();
            assert_eq!(faults.0[0].at, "[1]");
            assert!(faults.to_string().contains(&format!("`{entry}` is no status")), "{faults}");
        }
    }
}
