use std::cmp::Ordering;

use http::{HeaderName, HeaderValue};
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::spec::RouteSpec;

/// A route of project `team`, as a person would write it.
fn route(name: &'static str, spec: serde_json::Value) -> Entry<&'static str> {
    route_of("team", name, spec)
}

fn route_of(project: &str, name: &'static str, spec: serde_json::Value) -> Entry<&'static str> {
    let (project, route): (Name, Name) = (project.parse().unwrap(), name.parse().unwrap());
    let spec = serde_json::json!({ "match": spec, "forward": { "candidates": ["a"] } });
    let spec: RouteSpec = serde_json::from_value(spec).unwrap();
    let matches = spec.read(&project, &route).unwrap().matches;
    Entry { project, route, matches, target: name }
}

macro_rules! table {
    ($($name:literal: $spec:tt),* $(,)?) => {
        Table::build(vec![$(route($name, serde_json::json!($spec))),*])
    };
}

#[track_caller]
fn finds(table: &Table<&'static str>, request: &str) -> String {
    asks(table, request, &[])
}

/// `POST host/path` and headers; the target and its params, or the miss.
#[track_caller]
fn asks(table: &Table<&'static str>, request: &str, headers: &[(&str, &str)]) -> String {
    let (method, address) = request.split_once(' ').unwrap();
    let (host, path) = address.split_at(address.find('/').unwrap_or(address.len()));
    let pair =
        |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap());
    let mut map = HeaderMap::new();
    for (name, value) in headers.iter().map(pair) {
        map.append(name, value);
    }
    match table.find(host, path, &method.parse().unwrap(), &map) {
        Ok(found) => {
            let params: Vec<String> = found.params.iter().map(|(name, value)| format!(" {name}={value}")).collect();
            format!("{}{}", found.target, params.concat())
        }
        Err(Miss::Route) => "404".to_owned(),
        Err(Miss::Method { allow }) => format!("405 {allow:?}"),
    }
}

#[test]
fn the_most_specific_host_comes_first() {
    let table = table! {
        "exact": {"host": "hooks.example.com"},
        "near": {"host": "*.eu.example.com"},
        "far": {"host": "*.example.com"},
        "any": {},
    }
    .unwrap();
    assert_eq!(finds(&table, "POST hooks.example.com/x"), "exact rest=x");
    assert_eq!(finds(&table, "POST HOOKS.Example.COM/x"), "exact rest=x");
    assert_eq!(finds(&table, "POST a.eu.example.com/x"), "near rest=x");
    assert_eq!(finds(&table, "POST a.b.eu.example.com/x"), "near rest=x");
    assert_eq!(finds(&table, "POST eu.example.com/x"), "far rest=x");
    assert_eq!(finds(&table, "POST x.hooks.example.com/x"), "far rest=x");
    for other in ["example.com", "badexample.com", ".example.com", "com", "", "127.0.0.1", "[::1]", "a.example.com."] {
        assert_eq!(finds(&table, &format!("POST {other}/x")), "any rest=x", "{other}");
    }
    let dots = "a.".repeat(4_000) + "example.com";
    assert_eq!(finds(&table, &format!("POST {dots}/")), "far rest=");
}

#[test]
fn segment_by_segment_literal_comes_before_param_before_rest() {
    let table = table! {
        "root": {"path": "/"},
        "all": {"path": "/{*all}"},
        "hooks": {"path": "/hooks"},
        "slash": {"path": "/hooks/"},
        "below": {"path": "/hooks/{*rest}"},
        "team": {"path": "/hooks/{team}"},
        "push": {"path": "/hooks/{team}/push"},
        "github": {"path": "/hooks/github"},
        "deep": {"path": "/hooks/github/{a}/{b}"},
        "gone": {"path": "/hooks/{team}/{kind}/gone"},
    }
    .unwrap();
    for (path, found) in [
        ("/", "root"),
        ("/other", "all all=other"),
        ("/hooks", "hooks"),
        ("/hooks/", "slash"),
        ("/hooks//", "below rest=/"),
        ("/hooks/github", "github"),
        ("/hooks/github/", "below rest=github/"),
        ("/hooks/gitlab", "team team=gitlab"),
        ("/hooks/github/push", "push team=github"),
        ("/hooks/github/x/y", "deep a=x b=y"),
        // `github` leads further by `deep`, which takes whatever `gone` would.
        ("/hooks/github/x/gone", "deep a=x b=gone"),
        ("/hooks/gitlab/x/gone", "gone team=gitlab kind=x"),
        ("/hooks/gitlab/x/y", "below rest=gitlab/x/y"),
        ("/hooks/github/x/y/z", "below rest=github/x/y/z"),
        ("/hooks/github//y", "below rest=github//y"),
        ("/Hooks", "all all=Hooks"),
        ("/hooks%2Fgithub", "all all=hooks%2Fgithub"),
        ("/hooks/a%2Fb", "team team=a%2Fb"),
        ("//hooks", "all all=/hooks"),
    ] {
        assert_eq!(finds(&table, &format!("POST h{path}")), found, "{path}");
    }
    assert_eq!(finds(&table, "OPTIONS *"), "404");
    assert_eq!(finds(&table, "GET h"), "404");
}

#[test]
fn rest_takes_nothing_but_not_less() {
    let table = table! {"below": {"path": "/a/{*rest}"}}.unwrap();
    assert_eq!(finds(&table, "POST h/a/"), "below rest=");
    assert_eq!(finds(&table, "POST h/a"), "404");
    let table = table! {"one": {"path": "/a/{id}"}}.unwrap();
    assert_eq!(finds(&table, "POST h/a/"), "404");
    assert_eq!(finds(&table, "POST h/a/1/"), "404");
}

#[test]
fn more_header_conditions_come_first_then_listed_methods() {
    let table = table! {
        "rest": {"path": "/"},
        "post": {"path": "/", "methods": ["POST"]},
        "has": {"path": "/", "headers": [{"name": "X-Event"}]},
        "push": {"path": "/", "headers": [{"name": "x-event", "equals": "push"}]},
        "both": {"path": "/", "headers": [{"name": "x-event", "equals": "push"}, {"name": "x-signature"}]},
        "push-put": {"path": "/", "methods": ["PUT"], "headers": [{"name": "x-event", "equals": "push"}]},
    }
    .unwrap();
    assert_eq!(finds(&table, "GET h/"), "rest");
    assert_eq!(finds(&table, "POST h/"), "post");
    assert_eq!(asks(&table, "POST h/", &[("x-event", "issues")]), "has");
    assert_eq!(asks(&table, "POST h/", &[("x-event", "push")]), "push");
    assert_eq!(asks(&table, "POST h/", &[("x-event", "Push")]), "has");
    assert_eq!(asks(&table, "PUT h/", &[("x-event", "push")]), "push-put");
    assert_eq!(asks(&table, "PUT h/", &[("x-event", "push"), ("x-signature", "")]), "both");
    assert_eq!(asks(&table, "POST h/", &[("x-event", "a"), ("x-event", "push")]), "push");
}

#[test]
fn what_does_not_fit_falls_through_to_what_is_less_specific() {
    let table = table! {
        "exact": {"host": "a.example.com", "path": "/x", "methods": ["PUT"]},
        "below": {"host": "*.example.com", "path": "/x", "headers": [{"name": "x-a"}]},
        "literal": {"path": "/x", "methods": ["POST"]},
        "param": {"path": "/{id}", "methods": ["GET"]},
        "all": {"methods": ["DELETE"]},
    }
    .unwrap();
    assert_eq!(finds(&table, "PUT a.example.com/x"), "exact");
    assert_eq!(asks(&table, "GET a.example.com/x", &[("x-a", "")]), "below");
    assert_eq!(finds(&table, "POST a.example.com/x"), "literal");
    assert_eq!(finds(&table, "GET a.example.com/x"), "param id=x");
    assert_eq!(finds(&table, "DELETE a.example.com/x"), "all rest=x");
    assert_eq!(finds(&table, "PATCH a.example.com/x"), "405 [DELETE, GET, POST, PUT]");
    assert_eq!(finds(&table, "PUT b.example.com/x"), "405 [DELETE, GET, POST]");
    assert_eq!(finds(&table, "POST b.example.com/x/y"), "405 [DELETE]");
}

#[test]
fn a_method_is_only_wrong_if_all_else_fits() {
    let table = table! {
        "a": {"path": "/a", "methods": ["POST"], "headers": [{"name": "x-key", "equals": "1"}]},
        "b": {"host": "b.example.com", "path": "/a", "methods": ["PUT"]},
    }
    .unwrap();
    assert_eq!(finds(&table, "GET h/a"), "404");
    assert_eq!(asks(&table, "GET h/a", &[("x-key", "2")]), "404");
    assert_eq!(asks(&table, "GET h/a", &[("x-key", "1")]), "405 [POST]");
    assert_eq!(asks(&table, "GET b.example.com/a", &[("x-key", "1")]), "405 [POST, PUT]");
    assert_eq!(finds(&Table::build(Vec::new()).unwrap(), "GET h/"), "404");
}

#[test]
fn a_param_that_led_nowhere_leaves_no_trace() {
    let table = table! {
        "deep": {"path": "/{a}/{b}/{c}/end"},
        "rest": {"path": "/{x}/{*y}"},
    }
    .unwrap();
    assert_eq!(finds(&table, "POST h/1/2/3/4"), "rest x=1 y=2/3/4");
    assert_eq!(finds(&table, "POST h/1/2/3/end"), "deep a=1 b=2 c=3");
}

#[test]
fn what_some_request_fits_alike_is_refused() {
    let conflicts = table! {
        "first": {"host": "H.example.com", "path": "/x/{id}", "methods": ["POST", "PUT"]},
        "other": {"host": "h.example.com", "path": "/x/{name}", "methods": ["PUT"]},
    }
    .unwrap_err();
    let told = |written: &str| conflicts.told_to(&"team".parse().unwrap(), |name| name.as_str() == written).0;
    assert_eq!(told("first")[0].at, "routes.first.match");
    assert_eq!((told(""), told("first").len()), (told("other"), 1));
    let [fault] = &told("other")[..] else { panic!("{conflicts:?}") };
    assert_eq!(fault.at, "routes.other.match");
    assert_eq!(
        fault.problem,
        "fits the same requests as `first` (host `h.example.com`, path `/x/{name}`): give one of them another host or \
         path, methods that only it lists, or one more header condition"
    );
    assert!(table! {"a": {}, "b": {}}.is_err());
    assert!(table! {"a": {"host": "*.x"}, "b": {"host": "*.x", "path": "/{*all}"}}.is_err());
    assert!(table! {"a": {"headers": [{"name": "x-a"}]}, "b": {"headers": [{"name": "x-b"}]}}.is_err());
    assert!(
        table! {
            "a": {"headers": [{"name": "x-a", "equals": "1"}]},
            "b": {"headers": [{"name": "X-A", "equals": "1"}]},
        }
        .is_err()
    );
    assert!(
        table! {
            "a": {"headers": [{"name": "x-a", "equals": "1"}, {"name": "x-a", "equals": "2"}]},
            "b": {"headers": [{"name": "x-a", "equals": "2"}, {"name": "x-a", "equals": "1"}]},
        }
        .is_err()
    );
}

#[test]
fn what_can_be_told_apart_is_not() {
    for fine in [
        table! {"a": {"methods": ["POST"]}, "b": {"methods": ["PUT"]}, "c": {}},
        table! {"a": {"path": "/a"}, "b": {"path": "/a/"}, "c": {"path": "/{a}"}, "d": {"path": "/{*a}"}},
        table! {"a": {"host": "x.y"}, "b": {"host": "*.x.y"}, "c": {"host": "*.y"}},
        table! {"a": {"headers": [{"name": "x-a"}]}, "b": {}},
        table! {"a": {"headers": [{"name": "x-a"}]}, "b": {"headers": [{"name": "x-b", "equals": "1"}]}},
        table! {
            "a": {"headers": [{"name": "x-a", "equals": "1"}, {"name": "x-b"}]},
            "b": {"headers": [{"name": "x-a", "equals": "2"}, {"name": "x-c"}]},
        },
    ] {
        fine.unwrap();
    }
}

#[test]
fn a_conflict_between_projects_tells_neither_the_others_name() {
    let build = |turned: bool| {
        let mut routes = vec![
            route_of("red", "secret-red", serde_json::json!({"path": "/{red}"})),
            route_of("blue", "secret-blue", serde_json::json!({"path": "/{blue}"})),
        ];
        if turned {
            routes.reverse();
        }
        Table::build(routes).unwrap_err()
    };
    let conflicts = build(false);
    assert_eq!(conflicts, build(true));
    for (own, other) in [("red", "blue"), ("blue", "red")] {
        let told = conflicts.told_to(&own.parse().unwrap(), |_| true);
        assert_eq!(
            told.to_string(),
            format!(
                "routes.secret-{own}.match: fits the same requests as a route of another project (any host, path \
                 `/{{{own}}}`): give it another host or path, methods that only it lists, or one more header condition"
            )
        );
        assert!(!told.to_string().contains(other));
    }
    assert!(conflicts.told_to(&"green".parse().unwrap(), |_| true).is_empty());
    let whole = conflicts.to_string();
    assert!(whole.contains("projects.red.routes.secret-red.match: ") && whole.contains("; "), "{whole}");
}

#[test]
fn of_two_repeated_values_the_first_in_order_counts() {
    let routes = |one: &str, other: &str| {
        let condition = |value: &str| serde_json::json!({"headers": [{"name": "x-a", "equals": value}]});
        Table::build(vec![route("one", condition(one)), route("other", condition(other))]).unwrap()
    };
    let both = [("x-a", "2"), ("x-a", "1")];
    assert_eq!(asks(&routes("1", "2"), "POST h/", &both), "one rest=");
    assert_eq!(asks(&routes("2", "1"), "POST h/", &both), "other rest=");
}

// Against a search through all routes.

fn some_match() -> impl Strategy<Value = Match> {
    let host = prop_oneof![
        2 => Just(Host::Any),
        1 => "(a\\.)?[bc]".prop_map(Host::Exact),
        1 => "(a\\.)?[bc]".prop_map(Host::Below),
    ];
    let segment = prop_oneof![
        3 => "[xy]?".prop_map(Segment::Literal),
        2 => Just(Segment::Param("p".to_owned())),
        1 => Just(Segment::Rest("r".to_owned())),
    ];
    let path = vec(segment, 1..4).prop_map(|mut segments| {
        let rest = segments.iter().position(|segment| matches!(segment, Segment::Rest(_)));
        segments.truncate(rest.map_or(segments.len(), |rest| rest + 1));
        Path { segments }
    });
    let method = prop_oneof![Just(Method::GET), Just(Method::POST)];
    let header = ("x-[ab]", proptest::option::of("[12]")).prop_map(|(name, equals)| HeaderMatch {
        name: name.parse().unwrap(),
        equals: equals.map(|value| value.parse().unwrap()),
    });
    (host, path, vec(method, 0..2), vec(header, 0..3)).prop_map(|(host, path, methods, headers)| Match {
        host,
        path,
        methods,
        headers,
    })
}

fn holds_path(segments: &[Segment], path: &[&str]) -> bool {
    match (segments, path) {
        ([], []) => true,
        ([Segment::Rest(_)], [_, ..]) => true,
        ([Segment::Literal(text), segments @ ..], [segment, path @ ..]) => {
            text == segment && holds_path(segments, path)
        }
        ([Segment::Param(_), segments @ ..], [segment, path @ ..]) => !segment.is_empty() && holds_path(segments, path),
        _ => false,
    }
}

fn holds(route: &Match, host: &str, path: &str, headers: &HeaderMap) -> bool {
    let host = match &route.host {
        Host::Exact(name) => name == host,
        Host::Below(name) => {
            host.strip_suffix(name.as_str()).is_some_and(|front| front.len() > 1 && front.ends_with('.'))
        }
        Host::Any => true,
    };
    let path: Vec<&str> = path[1..].split('/').collect();
    let fits = |condition: &HeaderMatch| match &condition.equals {
        Some(value) => headers.get_all(&condition.name).iter().any(|present| present == value),
        None => headers.contains_key(&condition.name),
    };
    host && holds_path(&route.path.segments, &path) && route.headers.iter().all(fits)
}

/// The more specific is less.
fn compare(one: &Match, other: &Match) -> Ordering {
    let host = |route: &Match| match &route.host {
        Host::Exact(_) => (0, 0),
        Host::Below(name) => (1, usize::MAX - name.len()),
        Host::Any => (2, 0),
    };
    let path = |route: &Match| {
        let kind = |segment: &Segment| match segment {
            Segment::Literal(_) => 0,
            Segment::Param(_) => 1,
            Segment::Rest(_) => 2,
        };
        route.path.segments.iter().map(kind).collect::<Vec<_>>()
    };
    let headers = |route: &Match| {
        let equals = route.headers.iter().filter(|condition| condition.equals.is_some()).count();
        (Reverse(route.headers.len()), Reverse(equals), route.methods.is_empty())
    };
    (host(one), path(one), headers(one)).cmp(&(host(other), path(other), headers(other)))
}

proptest! {
    #[test]
    fn finds_what_a_search_through_all_routes_finds(
        routes in vec(some_match(), 0..12),
        host in "([abc]\\.){0,2}[abc]",
        path in "(/[xyz]?){1,4}",
        get: bool,
        headers in proptest::collection::btree_map("x-[ab]", "[12]", 0..3),
    ) {
        let project: Name = "team".parse().unwrap();
        let mut kept: Vec<Match> = Vec::new();
        let build = |kept: &[Match]| {
            let entry = |(target, matches): (usize, &Match)| {
                Entry { project: project.clone(), route: format!("r{target}").parse().unwrap(), matches: matches.clone(), target }
            };
            Table::build(kept.iter().enumerate().map(entry).collect())
        };
        for route in routes {
            kept.push(route);
            if build(&kept).is_err() {
                kept.pop();
            }
        }
        let table = build(&kept).unwrap();
        let map: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect();
        let method = if get { Method::GET } else { Method::POST };
        let fitting: Vec<usize> = (0..kept.len()).filter(|&route| holds(&kept[route], &host, &path, &map)).collect();
        let takes = |route: &usize| kept[*route].methods.is_empty() || kept[*route].methods.contains(&method);
        let best = fitting.iter().copied().filter(takes).min_by(|&one, &other| compare(&kept[one], &kept[other]));
        match (table.find(&host, &path, &method, &map), best) {
            (Ok(found), Some(best)) => {
                prop_assert_eq!(*found.target, best);
                let segments = kept[best].path.segments.iter();
                let mut parts = path[1..].split('/');
                for (name, value) in &found.params {
                    // Names come in order of the path, and each value stands in it.
                    prop_assert!(segments.clone().any(|s| matches!(s, Segment::Param(n) | Segment::Rest(n) if n == name)));
                    prop_assert!(parts.any(|part| value.split('/').next() == Some(part)));
                }
                let names = segments.filter(|segment| !matches!(segment, Segment::Literal(_))).count();
                prop_assert_eq!(found.params.len(), names);
            }
            (Err(Miss::Route), None) => prop_assert!(fitting.is_empty()),
            (Err(Miss::Method { allow }), None) => {
                prop_assert!(!fitting.is_empty());
                prop_assert!(allow.iter().all(|m| fitting.iter().any(|&route| kept[route].methods.contains(m))));
            }
            (found, best) => prop_assert!(false, "{found:?}, expected {best:?} of {kept:?}"),
        }
    }
}
