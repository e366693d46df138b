//! By which rules deliveries to a destination are made.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DestinationSpec, Statuses};
use crate::{Faults, Name, Retry, limits};

/// The rules of one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub retry: Retry,
    /// What means that it has arrived.
    pub success: Statuses,
    /// The most attempts at the same time.
    pub concurrency: u32,
    pub rate: Option<Rate>,
    /// None: it is tried however often it fails.
    pub breaker: Option<Breaker>,
    /// How often in a row it may ask for patience before that counts.
    pub slow_downs: u32,
    /// The longest that it may ask to be left alone for.
    pub retry_after_most: Duration,
    pub failover: Option<Failover>,
}

/// Attempts to begin in some time: a bucket that holds `events` of them and is filled evenly in `per`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub events: u32,
    pub per: Duration,
}

/// When a destination is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    /// Failed attempts in a row.
    pub failures: u32,
    /// The first pause; each next one is twice as long, up to `most`, until an attempt succeeds.
    pub pause: Duration,
    pub most: Duration,
}

/// When another destination steps in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failover {
    pub to: Name,
    /// After so many failed attempts at this destination.
    pub after_attempts: Option<u32>,
    /// While the breaker is open or the destination disabled, without an attempt.
    pub when_breaker_open: bool,
    /// At once, when an attempt is answered so.
    pub on_status: Statuses,
    pub come_back: ComeBack,
}

/// When it is the first destination's turn again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ComeBack {
    /// With the next delivery: one that has gone over stays there.
    #[default]
    NextDelivery,
    /// With the next attempt of the same delivery: at the first destination if it is well again, else at the first one of
    /// those that step in for it, in order, that is well.
    NextAttempt,
}

const CONCURRENCY: u32 = 16;
const CONCURRENCY_MOST: u32 = 1_024;
const SLOW_DOWNS: u32 = 20;
/// The most that `slow_downs` may be.
pub const SLOW_DOWNS_MOST: u32 = 1_000;
const RETRY_AFTER: Duration = Duration::from_hours(24);

impl Default for Policy {
    fn default() -> Self {
        Self {
            retry: Retry::default(),
            success: Statuses::successful(),
            concurrency: CONCURRENCY,
            rate: None,
            breaker: Some(Breaker::default()),
            slow_downs: SLOW_DOWNS,
            retry_after_most: RETRY_AFTER,
            failover: None,
        }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 10, pause: Duration::from_secs(30), most: Duration::from_hours(1) }
    }
}

/// At most `events` in `per_seconds`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RateSpec {
    /// 1 to 1000000. So many may also be begun at once, if there were none for a while.
    pub events: u32,
    /// Default 1, at most 86400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_seconds: Option<u32>,
}

/// When a destination that fails is left alone. After the pause one delivery is tried; if it arrives, all are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerSpec {
    /// Never leave it alone; the others must be left out then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub off: bool,
    /// After so many failed attempts in a row; default 10, at most 10000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<u32>,
    /// For so long, and each time that it fails again for twice as long; default 30, at most 86400.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause_seconds: Option<u64>,
    /// The longest pause; default 3600, at most 604800.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_seconds: Option<u64>,
}

/// The destination that deliveries go to instead, and when. From there they go on by its own failover, and so on: at most
/// eight may step in one after the other, none of them twice. One that is left alone or disabled is passed over; if none
/// can step in, deliveries wait at the first destination. How often and after which pauses they are tried remains its
/// affair, or their route's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FailoverSpec {
    /// A destination of the same project.
    pub to: String,
    /// After so many failed attempts at this destination; default: attempts alone are no reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_attempts: Option<u32>,
    /// While the breaker is open or the destination is disabled; default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_breaker_open: Option<bool>,
    /// At once, when an attempt is answered with one of these; written as in `success`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_status: Vec<String>,
    /// `next-delivery` (default): a delivery that has gone over stays there. `next-attempt`: its next attempt is made at
    /// the first destination again, or if that is not well, at the first one that steps in and is. What the first
    /// destination says counts for the whole chain.
    #[serde(default)]
    pub come_back: ComeBack,
}

impl Policy {
    pub(super) fn read(spec: &DestinationSpec, name: &Name) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let default = Self::default();
        let retry = spec.retry.as_ref().map_or(Ok(default.retry), |retry| retry.read());
        let retry = faults.keep("retry", retry).unwrap_or_default();
        let success = spec.success.as_ref().map_or(Ok(default.success), |success| {
            let statuses = Statuses::read(success)?;
            let nothing = "is empty, so that nothing could ever arrive; write at least one status";
            if statuses.is_empty() { Err(Faults::one("", nothing)) } else { Ok(statuses) }
        });
        let success = faults.keep("success", success).unwrap_or_else(Statuses::none);
        let concurrency = spec.concurrency.unwrap_or(default.concurrency);
        check(&mut faults, "concurrency", concurrency.into(), 1, CONCURRENCY_MOST.into());
        let rate = spec.rate.as_ref().and_then(|rate| faults.keep("rate", rate.read()));
        let breaker = spec.breaker.as_ref().map_or(Ok(default.breaker), BreakerSpec::read);
        let breaker = faults.keep("breaker", breaker).flatten();
        let slow_downs = spec.slow_downs.unwrap_or(default.slow_downs);
        check(&mut faults, "slow_downs", slow_downs.into(), 0, SLOW_DOWNS_MOST.into());
        let retry_after = spec.retry_after_most_seconds.unwrap_or(default.retry_after_most.as_secs());
        let most = limits::RETRY_PAUSE_MOST.as_secs();
        check(&mut faults, "retry_after_most_seconds", retry_after, 1, most);
        let failover = spec.failover.as_ref().and_then(|failover| faults.keep("failover", failover.read(name)));
        let retry_after_most = Duration::from_secs(retry_after);
        faults.or(Self { retry, success, concurrency, rate, breaker, slow_downs, retry_after_most, failover })
    }
}

impl RateSpec {
    fn read(&self) -> Result<Rate, Faults> {
        let mut faults = Faults::default();
        let per_seconds = self.per_seconds.unwrap_or(1);
        check(&mut faults, "events", self.events.into(), 1, 1_000_000);
        check(&mut faults, "per_seconds", per_seconds.into(), 1, 86_400);
        faults.or(Rate { events: self.events, per: Duration::from_secs(per_seconds.into()) })
    }
}

impl BreakerSpec {
    fn read(&self) -> Result<Option<Breaker>, Faults> {
        let mut faults = Faults::default();
        if self.off {
            if self.failures.is_some() || self.pause_seconds.is_some() || self.most_seconds.is_some() {
                faults.add("off", "stands beside settings that it makes void: write it alone");
            }
            return faults.or(None);
        }
        let default = Breaker::default();
        let failures = self.failures.unwrap_or(default.failures);
        let pause = self.pause_seconds.unwrap_or(default.pause.as_secs());
        // Whoever wants a longer pause than the longest by default need not say so twice.
        let most = self.most_seconds.unwrap_or(default.most.as_secs().max(pause));
        check(&mut faults, "failures", failures.into(), 1, 10_000);
        check(&mut faults, "pause_seconds", pause, 1, 86_400);
        check(&mut faults, "most_seconds", most, 1, limits::RETRY_PAUSE_MOST.as_secs());
        if most < pause {
            faults.add("most_seconds", format!("{most} is less than `pause_seconds`, which is {pause}"));
        }
        faults.or(Some(Breaker { failures, pause: Duration::from_secs(pause), most: Duration::from_secs(most) }))
    }
}

impl FailoverSpec {
    fn read(&self, name: &Name) -> Result<Failover, Faults> {
        let mut faults = Faults::default();
        let to = faults.keep("to", self.to.parse::<Name>().map_err(|problem| Faults::one("", problem)));
        if to.as_ref() == Some(name) {
            faults.add("to", format!("`{name}` is this destination itself; name another"));
        }
        if let Some(attempts) = self.after_attempts {
            check(&mut faults, "after_attempts", attempts.into(), 1, limits::RETRIES_MOST as u64);
        }
        let on_status = faults.keep("on_status", Statuses::read(&self.on_status)).unwrap_or_else(Statuses::none);
        let when_breaker_open = self.when_breaker_open.unwrap_or(true);
        if self.after_attempts.is_none() && !when_breaker_open && self.on_status.is_empty() {
            faults.add("", "never happens; give `after_attempts` or `on_status`, or leave `when_breaker_open` on");
        }
        let Some(to) = to else { return Err(faults) };
        let (after_attempts, come_back) = (self.after_attempts, self.come_back);
        faults.or(Failover { to, after_attempts, when_breaker_open, on_status, come_back })
    }
}

fn check(faults: &mut Faults, at: &str, value: u64, least: u64, most: u64) {
    if !(least..=most).contains(&value) {
        faults.add(at, format!("{value} is out of range: {least} to {most}"));
    }
}
