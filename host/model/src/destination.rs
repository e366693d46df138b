//! Where events go, and by which rules.

mod failover;
mod outgoing;
mod policy;
mod statuses;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, net::Ipv6Addr, time::Duration};

use http::{HeaderMap, Uri, uri::Authority};
use serde::{Deserialize, Serialize};

pub use failover::failover_chain;
pub use outgoing::{ClientCertificate, ClientCertificateSpec, Sign, SignSpec, SignatureScheme, Trust};
pub use policy::{Breaker, BreakerSpec, ComeBack, Failover, FailoverSpec, Policy, Rate, RateSpec, SLOW_DOWNS_MOST};
pub use statuses::Statuses;

use crate::{Faults, Name, retry::RetrySpec};

/// A destination as it is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    pub project: Name,
    pub name: Name,
    pub http: Http,
    /// How deliveries are made; what is forwarded knows none of it.
    pub policy: Policy,
}

/// An HTTP endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    pub url: Uri,
    pub path: PathRule,
    pub connect_timeout: Duration,
    /// From the sent request to the head of the answer.
    pub first_byte_timeout: Duration,
    /// From the start to the last byte of the answer.
    pub total_timeout: Duration,
    /// Set on every request, in the place of the event's own.
    pub headers: HeaderMap,
    /// Deliveries only.
    pub sign: Option<Sign>,
    pub trust: Trust,
}

impl Http {
    /// With everything else as it is if nothing is written.
    pub fn to(url: Uri) -> Self {
        Self {
            url,
            path: PathRule::Fixed,
            connect_timeout: Duration::from_secs(5),
            first_byte_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(30),
            headers: HeaderMap::new(),
            sign: None,
            trust: Trust::default(),
        }
    }
}

/// What becomes of the event's path and query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PathRule {
    /// Only the URL's own path and query.
    #[default]
    Fixed,
    /// The event's path and query, after the URL's path.
    Append,
}

/// A destination as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DestinationSpec {
    /// `http://` or `https://`, without user and fragment.
    #[schema(example = "https://ci.example.com/hooks")]
    pub url: String,
    /// `fixed` (default) sends to exactly this URL; `append` adds the event's path and query to it.
    #[serde(default)]
    pub path: PathRule,
    /// Default 5000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_timeout_ms: Option<u64>,
    /// From the sent request to the head of the answer; default 10000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte_timeout_ms: Option<u64>,
    /// From the start to the last byte of the answer; default 30000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_timeout_ms: Option<u64>,
    /// Headers that every request gets, in the place of the event's own of the same name. Whoever may read the
    /// configuration sees them. Not those that frame a message or are for one hop, `host`, and `webhook-…`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(example = json!({ "x-environment": "staging" }))]
    pub headers: BTreeMap<String, String>,
    /// Certificates in PEM that are trusted beside those of the machine: of an own authority, or the destination's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// What to show to a destination that asks who is calling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<ClientCertificateSpec>,
    /// Deliveries: sign them after Standard Webhooks. `webhook-id` and `webhook-timestamp` are sent in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign: Option<SignSpec>,
    /// Deliveries: when a failed one is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetrySpec>,
    /// Deliveries: the statuses that mean that it has arrived; each `200` to `599`, or a class like `2xx`. Default
    /// `["2xx"]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["2xx", "409"]))]
    pub success: Option<Vec<String>>,
    /// Deliveries: the most that are being made at the same time; default 16, at most 1024.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Deliveries: the most that are begun in some time; the others wait. Default: as many as there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<RateSpec>,
    /// Deliveries: when a destination that fails is left alone for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerSpec>,
    /// Deliveries: how often in a row a destination may ask for patience (429, 503) before that counts as a failed
    /// attempt; default 20, at most 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_downs: Option<u32>,
    /// Deliveries: the longest that a destination may ask to be left alone for by `Retry-After`; longer is taken for
    /// this. Default 86400, at most 604800.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_most_seconds: Option<u64>,
    /// Deliveries: the destination that steps in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failover: Option<FailoverSpec>,
}

impl DestinationSpec {
    /// Reports every fault with its place.
    pub fn read(&self, project: &Name, name: &Name) -> Result<Destination, Faults> {
        let mut faults = Faults::default();
        let url = faults.keep("url", read_url(&self.url));
        let mut timeout = |at: &str, written: Option<u64>, default: Duration| {
            let Some(millis) = written else { return default };
            if !(1..=600_000).contains(&millis) {
                faults.add(at, format!("{millis} is out of range: 1 to 600000 milliseconds"));
            }
            Duration::from_millis(millis)
        };
        let default = Http::to(url.clone().unwrap_or_default());
        let connect_timeout = timeout("connect_timeout_ms", self.connect_timeout_ms, default.connect_timeout);
        let first_byte_timeout =
            timeout("first_byte_timeout_ms", self.first_byte_timeout_ms, default.first_byte_timeout);
        let total_timeout = timeout("total_timeout_ms", self.total_timeout_ms, default.total_timeout);
        let headers = faults.keep("headers", outgoing::read_headers(&self.headers));
        let trust = faults.keep("", Trust::read(self.ca.as_deref(), self.client_certificate.as_ref()));
        let sign = self.sign.as_ref().and_then(|sign| faults.keep("sign", sign.read()));
        let policy = faults.keep("", Policy::read(self, name));
        let (Some(_), Some(headers), Some(trust), Some(policy)) = (url, headers, trust, policy) else {
            return Err(faults);
        };
        let http = Http {
            path: self.path,
            connect_timeout,
            first_byte_timeout,
            total_timeout,
            headers,
            sign,
            trust,
            ..default
        };
        faults.or(Destination { project: project.clone(), name: name.clone(), http, policy })
    }

    /// The secrets that it names: they must be there, and stay as long as it does.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let key = self.client_certificate.as_ref().map(|certificate| certificate.key.as_str());
        self.sign.as_ref().map(|sign| sign.secret.as_str()).into_iter().chain(key)
    }

    /// The destinations that it names: they must be there, and stay as long as it does.
    pub fn destinations(&self) -> impl Iterator<Item = &str> {
        self.failover.as_ref().map(|failover| failover.to.as_str()).into_iter()
    }
}

fn read_url(written: &str) -> Result<Uri, Faults> {
    let fault = |problem: &str| Faults::one("", format!("`{written}` {problem}"));
    let url = written.parse::<Uri>().map_err(|error| fault(&format!("is no URL: {error}")))?;
    if !matches!(url.scheme_str(), Some("http" | "https")) {
        return Err(fault("must begin with http:// or https://"));
    }
    if url.authority().is_none_or(|authority| authority.as_str().contains('@')) {
        return Err(fault("must not carry a user or password; set a header in a filter"));
    }
    if !url.authority().is_some_and(is_host_and_port) {
        return Err(fault("must name a host, and behind a colon a port from 1 to 65535"));
    }
    if written.contains('#') {
        return Err(fault("must not carry a fragment"));
    }
    Ok(url)
}

/// `http::Uri` takes more, and where it sees no number it sees no port, so that another one would be connected to.
fn is_host_and_port(authority: &Authority) -> bool {
    let host = authority.host();
    let right = match host.strip_prefix('[').and_then(|address| address.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty(),
    };
    let port = authority.as_str().strip_prefix(host).unwrap_or_default();
    // RFC 3986, section 3.2.3: a port may be empty, which is that of the scheme.
    let digits = port.strip_prefix(':').unwrap_or_default();
    let is_port = digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok_and(|port| port > 0);
    right && (matches!(port, "" | ":") || is_port)
}
