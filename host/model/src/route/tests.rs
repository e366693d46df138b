use serde_json::json;

use super::*;
use crate::spec::Resolution;

fn names(names: &[&str]) -> Vec<Name> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn read(spec: serde_json::Value) -> Result<Route, Faults> {
    let spec: RouteSpec = serde_json::from_value(spec).unwrap();
    // What was written is written again the same.
    let written = serde_json::to_value(&spec).unwrap();
    assert_eq!(serde_json::from_value::<RouteSpec>(written).unwrap(), spec);
    spec.read(&"team".parse().unwrap(), &"hooks".parse().unwrap())
}

/// Reads a route that is right but for the given parts, laid over it.
fn read_with(parts: serde_json::Value) -> Result<Route, Faults> {
    let mut spec = json!({ "forward": { "candidates": ["ci"] } });
    spec.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
    read(spec)
}

#[track_caller]
fn faults_of(read: Result<Route, Faults>) -> Vec<String> {
    read.unwrap_err().0.iter().map(ToString::to_string).collect()
}

/// The faults of a filter that is right but for the given parts.
#[track_caller]
fn filter_faults(parts: serde_json::Value) -> Vec<String> {
    let mut filter = json!({ "name": "verify", "module": "github-verify" });
    filter.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
    faults_of(read_with(json!({ "filters": [filter] })))
}

#[test]
fn what_is_left_out_has_its_default() {
    let route = read_with(json!({ "filters": [{ "name": "verify", "module": "github-verify" }] })).unwrap();
    assert_eq!((route.project.as_str(), route.name.as_str()), ("team", "hooks"));
    assert_eq!(route.matches, Match::default());
    assert_eq!(route.matches.path.segments, [Segment::Rest("rest".to_owned())]);
    assert_eq!((route.body_limit, route.acknowledgement, route.capture), (1 << 20, 202, CaptureWhen::None));
    assert_eq!(route.mode.destinations(), names(&["ci"]));
    let [filter] = &route.filters[..] else { panic!("one filter") };
    assert_eq!((filter.config.as_str(), filter.limits, &filter.grants), ("{}", Limits::default(), &Grants::default()));
    assert_eq!(filter.on_failure.policy(FailureClass::Trap), Policy::Closed);
}

#[test]
fn all_that_can_be_written_is_read() {
    let route = read(json!({
        "match": {
            "host": "*.Example.com",
            "path": "/hooks/{team}//x%20y/{*rest}",
            "methods": ["POST", "PUT"],
            "headers": [{ "name": "X-GitHub-Event", "equals": "push" }, { "name": "x-key" }],
        },
        "forward": { "candidates": ["ci", "chat"], "default": "chat" },
        "filters": [{
            "name": "verify",
            "module": "github-verify@stable",
            "candidate": "github-verify@7",
            "mode": { "canary": 10 },
            "config": { "header": "x" },
            "grants": { "secrets": { "webhook": "github" }, "reveal": { "token": "chat-token" }, "kv": ["seen"] },
            "limits": { "time_ms": 2_000, "edits": 5 },
            "on_failure": { "default": "open", "failed": "closed", "bad-output": "closed", "trap": "previous" },
        }],
        "body_limit_bytes": 0,
        "capture": "failures",
        "acknowledgement": 204,
    }))
    .unwrap();
    assert_eq!(route.matches.host, Host::Below("example.com".to_owned()));
    let literal = |text: &str| Segment::Literal(text.to_owned());
    let team = Segment::Param("team".to_owned());
    let rest = Segment::Rest("rest".to_owned());
    assert_eq!(route.matches.path.segments, [literal("hooks"), team, literal(""), literal("x%20y"), rest]);
    assert_eq!(route.matches.methods, [Method::POST, Method::PUT]);
    let [event, key] = &route.matches.headers[..] else { panic!("two headers") };
    assert_eq!((event.name.as_str(), event.equals.as_ref().unwrap().as_bytes()), ("x-github-event", &b"push"[..]));
    assert_eq!((key.name.as_str(), &key.equals), ("x-key", &None));
    let Mode::Forward(candidates) = &route.mode else { panic!("{:?}", route.mode) };
    assert_eq!((candidates.names(), candidates.default().as_str()), (&names(&["ci", "chat"])[..], "chat"));
    assert_eq!((route.body_limit, route.acknowledgement, route.capture), (0, 204, CaptureWhen::Failures));
    let filter = &route.filters[0];
    assert_eq!(
        (filter.module.to_string(), filter.mode),
        ("github-verify@stable".to_owned(), CandidateMode::Canary(10))
    );
    assert_eq!(filter.candidate, Some(ModuleRef::Version("github-verify".parse().unwrap(), 7)));
    assert_eq!(filter.config, r#"{"header":"x"}"#);
    assert_eq!(filter.grants.secrets["webhook"].as_str(), "github");
    assert_eq!(filter.grants.reveal["token"].as_str(), "chat-token");
    assert_eq!(filter.grants.kv, ["seen"]);
    // Wall time is never less than the time that the filter may compute.
    assert_eq!((filter.limits.time, filter.limits.wall), (Duration::from_secs(2), Duration::from_secs(2)));
    assert_eq!((filter.limits.edits, filter.limits.log_lines), (5, Limits::default().log_lines));
    let policies = FailureClass::ALL.map(|class| (class.name(), filter.on_failure.policy(class).name()));
    assert_eq!(
        policies,
        [
            ("trap", "previous"),
            ("time", "open"),
            ("memory", "open"),
            ("denied", "open"),
            ("failed", "closed"),
            ("bad-output", "closed"),
            ("overload", "open"),
        ]
    );
}

#[test]
fn the_version_before_is_called_if_any_class_says_so() {
    for (policies, calls) in [
        (json!({}), false),
        (json!({ "default": "open", "time": "closed" }), false),
        (json!({ "default": "previous" }), true),
        (json!({ "overload": "previous" }), true),
        (json!({ "default": "closed", "failed": "previous" }), true),
    ] {
        let route = read_with(json!({ "filters": [{ "name": "a", "module": "m", "on_failure": policies }] })).unwrap();
        assert_eq!(route.filters[0].on_failure.calls_previous(), calls, "{policies}");
    }
    let wrong = serde_json::from_value::<Policy>(json!("before")).unwrap_err().to_string();
    assert_eq!(wrong, "unknown variant `before`, expected one of `closed`, `open`, `previous`");
}

#[test]
fn every_fault_is_reported_with_its_place() {
    let faults = faults_of(read(json!({
        "match": { "host": "http://x", "path": "x", "methods": ["POST", "post"], "headers": [{ "name": "a b" }] },
        "forward": { "candidates": ["ci", "CI", "ci"] },
        "filters": [
            { "name": "a", "module": "m" },
            { "name": "a", "module": "m@" },
            { "name": "a", "module": "m", "grants": { "secrets": { "s": "" } } },
            { "name": "a", "module": "m" },
        ],
        "body_limit_bytes": 67_108_865,
        "acknowledgement": 302,
    })));
    let places: Vec<&str> = faults.iter().map(|fault| fault.split_once(": ").unwrap().0).collect();
    assert_eq!(
        places,
        [
            "match.host",
            "match.path",
            "match.methods[1]",
            "match.headers[0].name",
            "forward.candidates[1]",
            "forward.candidates[2]",
            "filters[1].module",
            "filters[2].grants.secrets.s",
            "filters[3].name",
            "body_limit_bytes",
            "acknowledgement",
        ]
    );
    assert_eq!(faults[2], "match.methods[1]: `post` is no method: write `POST`");
    assert_eq!(faults[8], "filters[3].name: `a` is taken by an earlier filter");
}

#[test]
fn a_route_needs_somewhere_to_forward_to() {
    assert_eq!(
        faults_of(read(json!({}))),
        ["forward: a route needs `forward` with at least one candidate, or `deliver` with at least one destination"]
    );
    assert_eq!(
        faults_of(read(json!({ "forward": { "candidates": [] } }))),
        ["forward.candidates: is empty: name at least one destination"]
    );
    assert_eq!(
        faults_of(read(json!({ "forward": { "candidates": ["a"], "default": "b" } }))),
        ["forward.default: `b` is not one of the candidates"]
    );
    let many: Vec<String> = (0..=limits::DESTINATIONS_MOST).map(|index| format!("d{index}")).collect();
    assert_eq!(
        faults_of(read(json!({ "forward": { "candidates": many } }))),
        ["forward.candidates: too many: at most 64"]
    );
    assert_eq!(Candidates::new(names(&["a"]), &"b".parse().unwrap()), None);
}

#[test]
fn hosts_are_names_without_scheme_and_port() {
    let host = |written: &str| read_with(json!({ "match": { "host": written } })).map(|route| route.matches.host);
    assert_eq!(host("Hooks.Example.com"), Ok(Host::Exact("hooks.example.com".to_owned())));
    assert_eq!(host("*.x"), Ok(Host::Below("x".to_owned())));
    assert_eq!(host("[::1]"), Ok(Host::Exact("[::1]".to_owned())));
    let names = ["", "*", "*.", "a..b", ".a", "a.", "a:80", "http://a", "a/b", "*.*.a", "a b", "é.com", "*.[::1]"];
    for wrong in names.into_iter().chain(["[]", "[a]", "[::1 ]", "[127.0.0.1]"]) {
        let problem = "is no host: write `hooks.example.com` or `*.example.com`, without scheme and port";
        assert_eq!(host(wrong).unwrap_err().to_string(), format!("match.host: `{wrong}` {problem}"));
    }
}

#[test]
fn paths_are_cut_at_their_slashes() {
    let path = |written: &str| {
        read_with(json!({ "match": { "path": written } }))
            .map(|route| route.matches.path.segments.len())
            .map_err(|faults| faults.to_string())
    };
    assert_eq!((path("/"), path("/a/"), path("/{a}/{*b}")), (Ok(1), Ok(2), Ok(2)));
    for (wrong, problem) in [
        ("", "`` must begin with `/`"),
        ("a", "`a` must begin with `/`"),
        ("/a?b", "`/a?b` holds what no path holds: percent-encode it, and leave out query and `#`"),
        ("/a b", "`/a b` holds what no path holds: percent-encode it, and leave out query and `#`"),
        ("/x{a}", "`x{a}` in `/x{a}`: a `{name}` takes a whole segment"),
        ("/{a", "`{a` in `/{a`: a `{name}` takes a whole segment"),
        ("/{}", "`{}` in `/{}`: a name in braces is letters, digits and `_`"),
        ("/{*}", "`{*}` in `/{*}`: a name in braces is letters, digits and `_`"),
        ("/{a-b}", "`{a-b}` in `/{a-b}`: a name in braces is letters, digits and `_`"),
        ("/{a}/{*a}", "`/{a}/{*a}` has `a` twice"),
        ("/{*a}/b", "`{*a}` in `/{*a}/b` must be the last segment"),
    ] {
        assert_eq!(path(wrong), Err(format!("match.path: {problem}")));
    }
    assert_eq!(path(&"/a".repeat(64)), Ok(64));
    assert_eq!(path(&"/a".repeat(65)), Err("match.path: has 65 segments, which are too many: at most 64".to_owned()));
}

#[test]
fn header_conditions_are_names_and_values() {
    let header = |spec: serde_json::Value| faults_of(read_with(json!({ "match": { "headers": [spec] } })));
    assert_eq!(header(json!({ "name": "a b" })), ["match.headers[0].name: `a b` is no header name"]);
    assert_eq!(
        header(json!({ "name": "a", "equals": "\n" })),
        ["match.headers[0].equals: a header value has no control characters"]
    );
}

#[test]
fn filters_say_what_is_wrong_with_them() {
    assert!(filter_faults(json!({ "name": "A" }))[0].starts_with("filters[0].name: `A` is not a name"));
    assert!(filter_faults(json!({ "module": "a b" }))[0].starts_with("filters[0].module: `a b` is not a name"));
    assert!(filter_faults(json!({ "candidate": "m@" }))[0].starts_with("filters[0].candidate: `m@` names no version"));
    assert_eq!(filter_faults(json!({ "mode": "shadow" })), ["filters[0].mode: needs a `candidate`"]);
    assert_eq!(
        filter_faults(json!({ "mode": { "canary": 101 }, "candidate": "m" })),
        ["filters[0].mode: 101 per cent is too much"]
    );
    let long = "a".repeat(limits::CONFIG_BYTES_MOST - 1);
    assert_eq!(
        filter_faults(json!({ "config": long })),
        ["filters[0].config: 262145 bytes are too many: at most 262144"]
    );
    let grants = json!({ "grants": { "reveal": { "t": "A" }, "kv": ["seen", "/"] } });
    let faults = filter_faults(grants);
    assert!(faults[0].starts_with("filters[0].grants.reveal.t: `A` is not a name"));
    assert!(faults[1].starts_with("filters[0].grants.kv[1]: `/` is not a name"));
    let filters: Vec<_> = (0..17).map(|index| json!({ "name": format!("f{index}"), "module": "m" })).collect();
    assert_eq!(faults_of(read_with(json!({ "filters": filters }))), ["filters: 17 filters are too many: at most 16"]);
}

#[test]
fn limits_are_between_one_and_the_most() {
    for (limit, most) in [
        ("time_ms", 10_000),
        ("wall_ms", 30_000),
        ("memory_bytes", 268_435_456),
        ("log_lines", 10_000),
        ("log_bytes", 1_048_576),
        ("kv_calls", 10_000),
        ("edits", 10_000),
        ("headers", 1_000),
        ("header_bytes", 262_144),
        ("output_bytes", 67_108_864_u64),
    ] {
        for wrong in [0, most + 1, u64::MAX] {
            let fault = format!("filters[0].limits.{limit}: {wrong} is out of range: 1 to {most}");
            assert_eq!(filter_faults(json!({ "limits": { limit: wrong } })), [fault]);
        }
        let filter = json!({ "name": "a", "module": "m", "limits": { "time_ms": 1, limit: most } });
        read_with(json!({ "filters": [filter] })).unwrap();
    }
    assert_eq!(
        filter_faults(json!({ "limits": { "time_ms": 20, "wall_ms": 10 } })),
        ["filters[0].limits.wall_ms: 10 is less than `time_ms`, 20"]
    );
}

#[test]
fn modules_are_named_in_four_ways() {
    let digest = format!("sha256:{}", "ab".repeat(32));
    for (text, module) in [
        (digest.as_str(), ModuleRef::Digest(crate::Digest([0xab; 32]))),
        ("m", ModuleRef::Latest("m".parse().unwrap())),
        ("m@3", ModuleRef::Version("m".parse().unwrap(), 3)),
        ("m@stable", ModuleRef::Alias("m".parse().unwrap(), "stable".parse().unwrap())),
    ] {
        assert_eq!(text.parse(), Ok(module.clone()));
        assert_eq!(module.to_string(), text);
    }
    assert_eq!("m@latest".parse(), Ok(ModuleRef::Latest("m".parse().unwrap())));
    for wrong in ["", "@1", "m@", "m@99999999999", "m@a@b", "sha256:ab", "M@1"] {
        assert!(wrong.parse::<ModuleRef>().is_err(), "{wrong}");
    }
}

#[test]
fn keys_that_are_not_known_are_refused() {
    for spec in [
        json!({ "foward": {} }),
        json!({ "match": { "hots": "a" } }),
        json!({ "forward": { "candidates": [], "defualt": "" } }),
        json!({ "filters": [{ "name": "a", "module": "m", "grants": { "secret": {} } }] }),
        json!({ "filters": [{ "name": "a", "module": "m", "limits": { "time": 1 } }] }),
        json!({ "filters": [{ "name": "a", "module": "m", "on_failure": { "bad_output": "open" } }] }),
    ] {
        let error = serde_json::from_value::<RouteSpec>(spec).unwrap_err().to_string();
        assert!(error.starts_with("unknown field `"), "{error}");
    }
}

#[test]
fn what_is_kept_of_a_route_reads_back() {
    let digest = crate::Digest([7; 32]);
    let resolution = Resolution { active: digest, candidate: None, previous: Some(digest) };
    let text = serde_json::to_string(&resolution).unwrap();
    assert_eq!(text, format!(r#"{{"active":"{digest}","previous":"{digest}"}}"#));
    assert_eq!(serde_json::from_str::<Resolution>(&text).unwrap(), resolution);
}
