//! What the host counts, in the words of Prometheus. Nothing is kept for it: the counters of the parts are read when
//! somebody asks.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use model::record::{Disposition, FailureClass};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, MetricEncoder, NoLabelSet},
    metrics::MetricType,
    registry::Registry,
};

use crate::gateway::{Counters, Gateway};

/// All metrics of a host. Their names begin with `snaphook_`.
pub fn registry(gateway: Arc<Gateway>, deliveries: Arc<delivery::Engine>) -> Registry {
    let mut registry = Registry::with_prefix("snaphook");
    registry.register_collector(Box::new(Parts { gateway, deliveries }));
    registry
}

struct Parts {
    gateway: Arc<Gateway>,
    deliveries: Arc<delivery::Engine>,
}

impl fmt::Debug for Parts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Parts").finish_non_exhaustive()
    }
}

impl Collector for Parts {
    fn encode(&self, mut out: DescriptorEncoder<'_>) -> fmt::Result {
        events(self.gateway.counters(), &mut out)?;
        connections(self.gateway.counters(), &mut out)?;
        filters(self.gateway.counters(), &mut out)?;
        deliveries(self.deliveries.counters(), &mut out)
    }
}

fn events(counters: &Counters, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let mut family = counter(out, "events", "Events that were decided, by what became of them")?;
    for disposition in Disposition::ALL {
        one_of(&mut family, &[("disposition", disposition.name())], counters.events(disposition))?;
    }
    let singles = [
        ("events_abandoned", "Events whose sender went away before the answer; failed, too", &counters.abandoned),
        ("events_overloaded", "Events that found no room for their body; failed, too", &counters.overloaded),
        ("events_duplicate", "Events that were known already", &counters.duplicates),
        ("events_not_stored", "Events that could not be stored; failed, too", &counters.not_stored),
        ("events_not_kept", "Events that a route captures, and for which there was no place", &counters.not_kept),
        ("requests_unrouted", "Requests that belong to no route", &counters.unrouted),
        ("answers_broken", "Answers of destinations that broke off after their head", &counters.answers_broken),
    ];
    each(out, singles)
}

fn connections(counters: &Counters, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
    each(out, [("connections", "Connections of senders", &counters.connections)])?;
    let help = "Connections of senders that are open now";
    let mut open = out.encode_descriptor("connections_open", help, None, MetricType::Gauge)?;
    open.encode_gauge(&counters.connections_open.load(Relaxed))
}

fn filters(counters: &Counters, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let mut family = counter(out, "filter_failures", "Calls of filters that gave no verdict, by class")?;
    for class in FailureClass::ALL {
        one_of(&mut family, &[("class", class.name())], counters.filter_failures(class))?;
    }
    each(out, [("filter_calls_denied", "Grants that filters wanted and did not have", &counters.calls_denied)])?;
    let help = "Events that the filter verify looked at, by route, by what it found, and why not";
    let mut family = counter(out, "verifications", help)?;
    for found in counters.verifications.all() {
        let labels = [
            ("project", found.project.as_str()),
            ("route", found.route.as_str()),
            ("verdict", found.verdict),
            ("cause", found.cause),
        ];
        family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&found.count, None)?;
    }
    Ok(())
}

fn deliveries(counters: &delivery::Counters, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let mut family = counter(out, "attempts", "Attempts to deliver, by their outcome")?;
    let outcomes = [
        ("delivered", &counters.attempts_delivered),
        ("failed", &counters.attempts_failed),
        ("slowed", &counters.attempts_slowed),
        ("aborted", &counters.attempts_aborted),
        ("late", &counters.late),
        ("cut", &counters.cut),
    ];
    for (outcome, count) in outcomes {
        one_of(&mut family, &[("outcome", outcome)], count)?;
    }
    let singles = [
        ("deliveries_dead", "Deliveries that no attempt is left for", &counters.dead),
        ("deliveries_cancelled", "Deliveries that were cancelled", &counters.cancelled),
        ("deliveries_failed_over", "Deliveries that went on to another destination", &counters.failed_over),
        ("journal_errors", "Times that the engine of deliveries could not read or write", &counters.journal_errors),
    ];
    each(out, singles)
}

fn counter<'out>(
    out: &'out mut DescriptorEncoder<'_>,
    name: &'out str,
    help: &str,
) -> Result<MetricEncoder<'out>, fmt::Error> {
    out.encode_descriptor(name, help, None, MetricType::Counter)
}

fn one_of(family: &mut MetricEncoder<'_>, labels: &impl EncodeLabelSet, count: &AtomicU64) -> fmt::Result {
    family.encode_family(labels)?.encode_counter::<NoLabelSet, _, u64>(&count.load(Relaxed), None)
}

fn each<const N: usize>(out: &mut DescriptorEncoder<'_>, singles: [(&str, &str, &AtomicU64); N]) -> fmt::Result {
    for (name, help, count) in singles {
        counter(out, name, help)?.encode_counter::<NoLabelSet, _, u64>(&count.load(Relaxed), None)?;
    }
    Ok(())
}
