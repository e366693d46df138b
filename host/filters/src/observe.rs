//! What happens here, one function each: its log line.

use std::time::Duration;

use model::{Digest, record::FailureClass, spec::Policy};

use crate::filter::Filter;

pub(crate) fn cached_code_refused(digest: &Digest, problem: &str) {
    tracing::warn!(module = %digest, problem, "compiled code on disk was refused and is made again");
}

pub(crate) fn cached_code_not_written(digest: &Digest, problem: &str) {
    tracing::warn!(module = %digest, problem, "compiled code was not written to disk");
}

pub(crate) fn module_compiled(digest: &Digest, bytes: usize, took: Duration) {
    tracing::info!(module = %digest, bytes, took_ms = took.as_millis(), "module compiled");
}

pub(crate) fn filter_failed(event: &model::EventId, filter: &str, class: FailureClass, policy: Policy, detail: &str) {
    tracing::warn!(%event, filter, class = class.name(), policy = policy.name(), detail, "filter failed");
}

pub(crate) fn filter_called_off(filter: &Filter, class: FailureClass, pause: Duration) {
    let Filter { project, route, name, .. } = filter;
    let (class, pause_ms) = (class.name(), pause.as_millis());
    tracing::warn!(%project, %route, filter = %name, class, pause_ms, "filter fails every time and is not called for a while");
}

pub(crate) fn host_panicked(event: &model::EventId, filter: &str) {
    tracing::error!(%event, filter, "a fault of the host ended a call; please report it");
}

pub(crate) fn call_denied(event: &model::EventId, filter: &str, grant: &str) {
    tracing::warn!(%event, filter, grant, "filter called what it has no grant for");
}
