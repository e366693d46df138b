//! Time on a processor, and what is said about several measurements of the same thing.

use std::{fmt, time::Duration};

use rustix::time::{ClockId, clock_gettime};

/// Time that the calling thread has computed, system calls and page faults included.
pub fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Measurements of the same thing, in one unit. Shown as `median (least–most)`.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// NaN if there are none.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        match (sorted.len(), sorted.len() / 2) {
            (0, _) => f64::NAN,
            (length, middle) if length % 2 == 1 => sorted[middle],
            (_, middle) => f64::midpoint(sorted[middle - 1], sorted[middle]),
        }
    }

    /// Pair by pair.
    #[must_use]
    pub fn with(&self, other: &Self, combine: impl Fn(f64, f64) -> f64) -> Self {
        self.0.iter().zip(&other.0).map(|(one, other)| combine(*one, *other)).collect()
    }

    pub fn push(&mut self, sample: f64) {
        self.0.push(sample);
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(samples: I) -> Self {
        Self(samples.into_iter().collect())
    }
}

impl fmt::Display for Samples {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = out.precision().unwrap_or(1);
        let least = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        write!(out, "{:.digits$} ({least:.digits$}–{most:.digits$})", self.median())
    }
}
