//! Where events go.

use std::{net::Ipv6Addr, time::Duration};

use http::{Uri, uri::Authority};
use serde::{Deserialize, Serialize};

use crate::{Faults, Name};

/// A destination as it is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    pub project: Name,
    pub name: Name,
    pub http: Http,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
}

impl DestinationSpec {
    /// Reports every fault with its place.
    pub fn read(&self, project: &Name, name: &Name) -> Result<Destination, Faults> {
        let mut faults = Faults::default();
        let url = match self.url.parse::<Uri>() {
            Ok(url) if !matches!(url.scheme_str(), Some("http" | "https")) => {
                faults.add("url", format!("`{}` must begin with http:// or https://", self.url));
                None
            }
            Ok(url) if url.authority().is_none_or(|authority| authority.as_str().contains('@')) => {
                faults
                    .add("url", format!("`{}` must not carry a user or password; set a header in a filter", self.url));
                None
            }
            Ok(url) if !url.authority().is_some_and(is_host_and_port) => {
                faults
                    .add("url", format!("`{}` must name a host, and behind a colon a port from 1 to 65535", self.url));
                None
            }
            Ok(_) if self.url.contains('#') => {
                faults.add("url", format!("`{}` must not carry a fragment", self.url));
                None
            }
            Ok(url) => Some(url),
            Err(error) => {
                faults.add("url", format!("`{}` is no URL: {error}", self.url));
                None
            }
        };
        let mut timeout = |at: &str, written: Option<u64>, default: u64| {
            let millis = written.unwrap_or(default);
            if !(1..=600_000).contains(&millis) {
                faults.add(at, format!("{millis} is out of range: 1 to 600000 milliseconds"));
            }
            Duration::from_millis(millis)
        };
        let connect_timeout = timeout("connect_timeout_ms", self.connect_timeout_ms, 5_000);
        let first_byte_timeout = timeout("first_byte_timeout_ms", self.first_byte_timeout_ms, 10_000);
        let total_timeout = timeout("total_timeout_ms", self.total_timeout_ms, 30_000);
        let Some(url) = url else { return Err(faults) };
        faults.or(Destination {
            project: project.clone(),
            name: name.clone(),
            http: Http { url, path: self.path, connect_timeout, first_byte_timeout, total_timeout },
        })
    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(spec: serde_json::Value) -> Result<Destination, Faults> {
        let spec: DestinationSpec = serde_json::from_value(spec).unwrap();
        spec.read(&"team".parse().unwrap(), &"ci".parse().unwrap())
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let destination = read(json!({ "url": "https://ci.example.com:8443/hooks?a=b" })).unwrap();
        assert_eq!((destination.project.as_str(), destination.name.as_str()), ("team", "ci"));
        assert_eq!(destination.http.url, "https://ci.example.com:8443/hooks?a=b");
        assert_eq!(destination.http.path, PathRule::Fixed);
        assert_eq!(destination.http.connect_timeout, Duration::from_secs(5));
        assert_eq!(destination.http.first_byte_timeout, Duration::from_secs(10));
        assert_eq!(destination.http.total_timeout, Duration::from_secs(30));
        let all = json!({ "url": "http://a", "path": "append", "connect_timeout_ms": 1, "total_timeout_ms": 600_000 });
        let destination = read(all).unwrap();
        assert_eq!(destination.http.path, PathRule::Append);
        assert_eq!(destination.http.connect_timeout, Duration::from_millis(1));
        assert_eq!(destination.http.total_timeout, Duration::from_mins(10));
        for url in ["http://a:/", "http://a:1", "http://a:65535", "http://[::1]", "http://[::ffff:127.0.0.1]:8080/x"] {
            assert_eq!(read(json!({ "url": url })).map(|read| read.http.url), Ok(url.parse().unwrap()));
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for (url, problem) in [
            ("ftp://a/", "must begin with http:// or https://"),
            ("/hooks", "must begin with http:// or https://"),
            ("a.example.com:80", "must begin with http:// or https://"),
            ("https://user:pass@a/", "must not carry a user or password"),
            ("https://a/#part", "must not carry a fragment"),
            ("http://a:65536/", "must name a host, and behind a colon a port from 1 to 65535"),
            ("http://a:0/", "must name a host, and behind a colon a port from 1 to 65535"),
            ("http://a:+80/", "must name a host, and behind a colon a port from 1 to 65535"),
            ("http://a:b/", "must name a host, and behind a colon a port from 1 to 65535"),
            ("http://:80/", "must name a host, and behind a colon a port from 1 to 65535"),
            ("http://[a]/", "must name a host, and behind a colon a port from 1 to 65535"),
            ("https://", "is no URL"),
            ("https:///path", "is no URL"),
            ("https://a b/", "is no URL"),
            ("", "is no URL"),
        ] {
            let said = read(json!({ "url": url })).unwrap_err().to_string();
            assert!(said.starts_with(&format!("url: `{url}` {problem}")), "{said}");
        }
    }

    #[test]
    fn every_fault_is_reported() {
        let wrong =
            json!({ "url": "x", "connect_timeout_ms": 0, "first_byte_timeout_ms": 600_001, "total_timeout_ms": 0 });
        let places: Vec<String> = read(wrong).unwrap_err().0.into_iter().map(|fault| fault.at).collect();
        assert_eq!(places, ["url", "connect_timeout_ms", "first_byte_timeout_ms", "total_timeout_ms"]);
        assert!(serde_json::from_value::<DestinationSpec>(json!({ "url": "http://a", "paht": "fixed" })).is_err());
    }
}
