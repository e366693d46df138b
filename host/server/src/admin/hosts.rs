//! By which names the API may be called. A page of a stranger can make its own name resolve to loopback and have a browser
//! call this API (DNS rebinding); the name in `Host` gives it away.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, StatusCode, Uri, header::HOST, uri::Authority};

use super::problem::Problem;

#[derive(Debug)]
pub(super) struct Hosts {
    /// Lower case. None: any name will do, since whoever listens beyond loopback is reached by names of his own.
    names: Option<Vec<String>>,
}

impl Hosts {
    pub(super) fn new(listen: SocketAddr, names: &[String]) -> Self {
        let checked = listen.ip().to_canonical().is_loopback();
        Self { names: checked.then(|| names.iter().map(|name| name.to_ascii_lowercase()).collect()) }
    }

    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(names) = &self.names else { return Ok(()) };
        let mut hosts = headers.get_all(HOST).iter();
        let (host, more) = (hosts.next(), hosts.next());
        let host = host.and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
        let Some(host) = host.filter(|_| more.is_none()) else {
            return Err(Problem::new(StatusCode::BAD_REQUEST, "the request needs one `Host` header"));
        };
        let all = [Some(&host), uri.authority()];
        match all.into_iter().flatten().find(|authority| !is_ours(authority.host(), names)) {
            None => Ok(()),
            Some(stranger) => Err(Problem::new(
                StatusCode::MISDIRECTED_REQUEST,
                format!("this API is not called `{}`: call it by its address, or as `localhost`", stranger.host()),
            )),
        }
    }
}

fn is_ours(host: &str, names: &[String]) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return ip.to_canonical().is_loopback();
    }
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    // RFC 6761, section 6.3: names below it are loopback too.
    host == "localhost" || host.ends_with(".localhost") || names.contains(&host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(listen: &str, host: &[&str], uri: &str) -> u16 {
        let hosts = Hosts::new(listen.parse().unwrap(), &["Admin.example.com".to_owned()]);
        let mut headers = HeaderMap::new();
        host.iter().for_each(|host| _ = headers.append(HOST, host.parse().unwrap()));
        match hosts.check(&uri.parse().unwrap(), &headers) {
            Ok(()) => 200,
            Err(problem) => serde_json::to_value(problem).unwrap()["status"].as_u64().unwrap() as u16,
        }
    }

    #[test]
    fn on_loopback_only_names_of_loopback_are_answered() {
        for host in [
            "localhost:8081",
            "LOCALHOST",
            "a.localhost",
            "127.0.0.1:1",
            "127.9.9.9",
            "[::1]:8081",
            "admin.example.com",
        ] {
            assert_eq!(status("127.0.0.1:8081", &[host], "/"), 200, "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "[fe80::1]"] {
            assert_eq!(status("127.0.0.1:8081", &[host], "/"), 421, "{host}");
            assert_eq!(status("[::1]:8081", &[host], "/"), 421, "{host}");
        }
        assert_eq!(status("127.0.0.1:8081", &["localhost"], "http://evil.example/"), 421);
        assert_eq!(status("127.0.0.1:8081", &[], "/"), 400);
        assert_eq!(status("127.0.0.1:8081", &["localhost", "localhost"], "/"), 400);
    }

    #[test]
    fn elsewhere_any_name_will_do() {
        assert_eq!(status("0.0.0.0:8081", &["anything.example"], "/"), 200);
    }
}
