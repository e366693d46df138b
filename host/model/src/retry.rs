//! When a delivery that failed is tried again. Pure: time and chance are arguments.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Faults, limits};

/// How the pauses between attempts are written: a list of them, or an exponential series.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetrySpec {
    /// The pause after each failed attempt, seconds; as many retries as there are entries. `[]` is one attempt and no
    /// retry. Default: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h, which is a little over three days.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!([5, 60, 600]))]
    pub delays_seconds: Option<Vec<u64>>,
    /// Instead of a list: pauses that grow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exponential: Option<ExponentialSpec>,
    /// How much longer than written a pause may be by chance, per cent of it; never shorter. Default 10, at most 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter_percent: Option<u8>,
}

/// Pauses of `first_seconds`, then each `factor` times the one before, up to `most_seconds`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExponentialSpec {
    pub first_seconds: u64,
    /// Default 2, at most 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<u32>,
    /// Default 86400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_seconds: Option<u64>,
    /// How many retries there are; at most 100.
    pub retries: u32,
}

/// The pauses between attempts, as they are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    pauses: Vec<Duration>,
    jitter_percent: u8,
}

/// As Svix spreads them: <https://docs.svix.com/retries>, with one more at the end.
const DEFAULT_SECONDS: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
const JITTER_PERCENT: u8 = 10;

impl Default for Retry {
    fn default() -> Self {
        Self { pauses: DEFAULT_SECONDS.map(Duration::from_secs).into(), jitter_percent: JITTER_PERCENT }
    }
}

impl RetrySpec {
    pub fn read(&self) -> Result<Retry, Faults> {
        let mut faults = Faults::default();
        let default = Retry::default();
        let jitter_percent = self.jitter_percent.unwrap_or(default.jitter_percent);
        if jitter_percent > 100 {
            faults.add("jitter_percent", format!("{jitter_percent} is out of range: 0 to 100"));
        }
        let pauses = match (&self.delays_seconds, &self.exponential) {
            (Some(_), Some(_)) => {
                faults.add("exponential", "stands beside `delays_seconds`: write one of the two");
                Vec::new()
            }
            (Some(delays), None) => {
                if delays.len() > limits::RETRIES_MOST {
                    faults.add(
                        "delays_seconds",
                        format!("{} are too many: at most {}", delays.len(), limits::RETRIES_MOST),
                    );
                }
                for (index, seconds) in delays.iter().enumerate() {
                    check_pause(&mut faults, &format!("delays_seconds[{index}]"), *seconds);
                }
                delays.iter().map(|seconds| Duration::from_secs(*seconds)).collect()
            }
            (None, Some(exponential)) => faults.keep("exponential", exponential.read()).unwrap_or_default(),
            (None, None) => default.pauses,
        };
        faults.or(Retry { pauses, jitter_percent })
    }
}

impl ExponentialSpec {
    fn read(&self) -> Result<Vec<Duration>, Faults> {
        let mut faults = Faults::default();
        let (factor, most) = (self.factor.unwrap_or(2), self.most_seconds.unwrap_or(86_400));
        check_pause(&mut faults, "first_seconds", self.first_seconds);
        check_pause(&mut faults, "most_seconds", most);
        if !(1..=100).contains(&factor) {
            faults.add("factor", format!("{factor} is out of range: 1 to 100"));
        }
        if self.retries as usize > limits::RETRIES_MOST {
            faults.add("retries", format!("{} are too many: at most {}", self.retries, limits::RETRIES_MOST));
        }
        faults.or(())?;
        let pauses = std::iter::successors(Some(self.first_seconds), |last| Some(last.saturating_mul(factor.into())));
        Ok(pauses.map(|seconds| Duration::from_secs(seconds.min(most))).take(self.retries as usize).collect())
    }
}

fn check_pause(faults: &mut Faults, at: &str, seconds: u64) {
    let most = limits::RETRY_PAUSE_MOST.as_secs();
    if !(1..=most).contains(&seconds) {
        faults.add(at, format!("{seconds} is out of range: 1 to {most} seconds"));
    }
}

impl Retry {
    /// The pause after so many failed attempts, counted from 1; none if there is no attempt left. `chance` is any random
    /// number: from it comes how much longer than written the pause is.
    pub fn pause(&self, failed: u32, chance: u32) -> Option<Duration> {
        let pause = *self.pauses.get(failed.checked_sub(1)? as usize)?;
        let share = f64::from(self.jitter_percent) / 100.0 * (f64::from(chance) / f64::from(u32::MAX));
        Some(pause + pause.mul_f64(share))
    }

    /// Attempts in all.
    pub fn attempts(&self) -> u32 {
        u32::try_from(self.pauses.len()).unwrap_or(u32::MAX).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(spec: serde_json::Value) -> Result<Retry, Faults> {
        serde_json::from_value::<RetrySpec>(spec).unwrap().read()
    }

    #[test]
    fn the_default_spreads_over_three_days() {
        let retry = read(json!({})).unwrap();
        assert_eq!(retry, Retry::default());
        assert_eq!(retry.attempts(), 10);
        let seconds: u64 = (1..=9).map(|failed| retry.pause(failed, 0).unwrap().as_secs()).sum();
        assert!((3 * 86_400..4 * 86_400).contains(&seconds), "{seconds}");
        assert_eq!(retry.pause(10, 0), None);
        assert_eq!(retry.pause(0, 0), None);
    }

    #[test]
    fn a_list_is_taken_as_it_is() {
        let retry = read(json!({ "delays_seconds": [1, 10], "jitter_percent": 0 })).unwrap();
        let pauses: Vec<_> = (1..=3).map(|failed| retry.pause(failed, u32::MAX)).collect();
        assert_eq!(pauses, [Some(Duration::from_secs(1)), Some(Duration::from_secs(10)), None]);
        assert_eq!(read(json!({ "delays_seconds": [] })).unwrap().attempts(), 1);
    }

    #[test]
    fn a_series_grows_to_its_most() {
        let spec = json!({ "exponential": { "first_seconds": 5, "factor": 3, "most_seconds": 100, "retries": 5 } });
        let retry = read(spec).unwrap();
        let pauses: Vec<u64> = (1..=5).map(|failed| retry.pause(failed, 0).unwrap().as_secs()).collect();
        assert_eq!(pauses, [5, 15, 45, 100, 100]);
        assert_eq!(retry.pause(6, 0), None);
    }

    #[test]
    fn every_fault_is_told() {
        let both = json!({ "delays_seconds": [1], "exponential": { "first_seconds": 1, "retries": 1 } });
        assert_eq!(read(both).unwrap_err().0[0].at, "exponential");
        let wrong = json!({ "delays_seconds": [0, 1, 99_999_999], "jitter_percent": 101 });
        let places: Vec<String> = read(wrong).unwrap_err().0.into_iter().map(|fault| fault.at).collect();
        assert_eq!(places, ["jitter_percent", "delays_seconds[0]", "delays_seconds[2]"]);
        let wrong = json!({ "exponential": { "first_seconds": 0, "factor": 0, "most_seconds": 0, "retries": 101 } });
        let places: Vec<String> = read(wrong).unwrap_err().0.into_iter().map(|fault| fault.at).collect();
        assert_eq!(
            places,
            ["first_seconds", "most_seconds", "factor", "retries"].map(|at| format!("exponential.{at}"))
        );
    }

    proptest! {
        #[test]
        fn chance_makes_a_pause_longer_never_shorter(pause in 1_u64..=86_400, percent in 0_u8..=100, chance: u32) {
            let retry = read(json!({ "delays_seconds": [pause], "jitter_percent": percent })).unwrap();
            let (written, got) = (Duration::from_secs(pause), retry.pause(1, chance).unwrap());
            prop_assert!(got >= written && got <= written + written.mul_f64(f64::from(percent) / 100.0));
        }
    }
}
