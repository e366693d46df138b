use proptest::prelude::*;

use super::*;

fn target(url: &str, path: PathRule) -> Target {
    Target::new(&Http { path, ..Http::to(url.parse().unwrap()) }).unwrap()
}

fn appended(url: &str, event: &str) -> String {
    target(url, PathRule::Append).uri(&event.parse().unwrap()).unwrap().to_string()
}

#[test]
fn fixed_is_the_url_whatever_the_event() {
    for url in ["http://a/", "https://a:8443/hooks/x/?k=1&l", "http://[::1]:9000/%7Bx%7D", "http://a/?"] {
        let target = target(url, PathRule::Fixed);
        for event in ["/", "/x/../y?q=1", "http://elsewhere/x", "*"] {
            assert_eq!(target.uri(&event.parse().unwrap()).unwrap(), url);
        }
    }
}

#[test]
fn append_joins_paths_and_queries() {
    let rows = [
        ("http://a", "/x/y?q=1", "http://a/x/y?q=1"),
        ("http://a/", "/x/y?q=1", "http://a/x/y?q=1"),
        ("http://a/", "/", "http://a/"),
        ("http://a/", "http://elsewhere:1/x?q", "http://a/x?q"),
        ("http://a/", "*", "http://a/"),
        ("http://a/?k=1", "/x", "http://a/x?k=1"),
        ("http://a/hooks", "/", "http://a/hooks/"),
        ("http://a/hooks", "/x", "http://a/hooks/x"),
        ("http://a/hooks/", "/x/", "http://a/hooks/x/"),
        ("http://a/hooks//", "//x", "http://a/hooks//x"),
        ("http://a/hooks?k=1", "/x?q=2", "http://a/hooks/x?k=1&q=2"),
        ("http://a/hooks?k=1", "/x?", "http://a/hooks/x?k=1"),
        ("http://a/hooks?", "/x?q=2", "http://a/hooks/x?q=2"),
        ("http://a/hooks", "/%2F%20/.well-known/..x/...?/../", "http://a/hooks/%2F%20/.well-known/..x/...?/../"),
        ("https://a:8443/h", "/x", "https://a:8443/h/x"),
    ];
    for (url, event, expected) in rows {
        assert_eq!(appended(url, event), expected, "{url} and {event}");
    }
}

#[test]
fn an_event_cannot_leave_the_path_that_it_is_put_under() {
    let target = target("http://a/hooks", PathRule::Append);
    for event in ["/..", "/x/../../admin", "/./x", "/%2e%2e/admin", "/.%2E/admin", "/%2E", "/x\\..\\admin"] {
        let error = target.uri(&event.parse().unwrap()).expect_err(event);
        assert_eq!(error.kind, Kind::Unsendable);
        assert!(error.reason().contains(event), "{}", error.reason());
    }
}

#[test]
fn a_joined_target_that_is_too_long_is_unsendable() {
    let event = format!("/{}", "x".repeat(65_000)).parse().unwrap();
    let target = target(&format!("http://a/{}", "y".repeat(1000)), PathRule::Append);
    assert_eq!(target.uri(&event).unwrap_err().kind, Kind::Unsendable);
}

#[test]
fn host_leaves_out_the_scheme_s_own_port() {
    let rows = [
        ("http://a.example:80/", "a.example"),
        ("http://a.example:443/", "a.example:443"),
        ("https://a.example:443/", "a.example"),
        ("https://a.example/", "a.example"),
        ("http://[::1]:9000/", "[::1]:9000"),
    ];
    for (url, host) in rows {
        assert_eq!(target(url, PathRule::Fixed).host, host);
    }
}

#[test]
fn a_url_without_scheme_or_host_is_a_fault() {
    for url in ["/hooks", "a.example", "ftp://a.example/", "http://:80/"] {
        let faults = Target::new(&Http::to(url.parse().unwrap())).expect_err(url);
        assert_eq!(faults.0[0].at, "url");
    }
}

proptest! {
    #[test]
    fn what_is_appended_stays_under_the_url(path in "(/[a-z.%2e]{0,4}){0,4}", query in proptest::option::of("[a-z&=]{0,5}")) {
        let event = match &query {
            Some(query) => format!("{path}?{query}"),
            None => path.clone(),
        };
        let Ok(event) = (if event.is_empty() { "/".to_owned() } else { event }).parse::<Uri>() else { return Ok(()) };
        if let Ok(uri) = target("http://a/hooks/in?k=1", PathRule::Append).uri(&event) {
            prop_assert!(uri.path().starts_with("/hooks/in/"));
            prop_assert!(!uri.path().split('/').any(|segment| segment == ".." || segment == "%2e%2e"));
            prop_assert!(uri.query().is_some_and(|query| query == "k=1" || query.starts_with("k=1&")));
            prop_assert_eq!(uri.authority().map(Authority::as_str), Some("a"));
        }
    }
}
