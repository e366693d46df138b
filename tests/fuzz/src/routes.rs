//! Routes as they are written and the table that finds them, beside a matcher that looks at every route.
//!
//! The input is lines. `+ HOST PATH METHODS HEADERS` writes a route, `? HOST PATH METHOD HEADERS` asks for one; `-` stands for
//! nothing, methods and headers have commas between them, a header is `NAME` or `NAME=VALUE`.

use std::cmp::Reverse;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use model::{
    Name,
    route::{HeaderMatch, Host, Match, Segment},
    routing::{Conflicts, Entry, Found, Miss, Table},
    spec::{ForwardSpec, HeaderSpec, MatchSpec, RouteSpec},
};

/// Words that are worth trying.
pub const WORDS: &[&str] = &[
    "\n+ ",
    "\n? ",
    " - ",
    "*.",
    "a.example",
    "*.example",
    "x.a.example",
    "[::1]",
    "/",
    "//",
    "/a",
    "/{x}",
    "/{*x}",
    "/{y}/b",
    "{",
    "}",
    "{*",
    "GET",
    "POST,PUT",
    "x-a",
    "x-a=1",
    ",x-b=2",
    "%2f",
    "é",
    "?",
    "#",
];

/// Of each kind; a matcher that looks at all of them takes as long as the product.
const LINES_MOST: usize = 16;

pub fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let lines = |sign: char| text.lines().filter_map(move |line| line.strip_prefix(sign)).take(LINES_MOST);
    let mut routes: Vec<Match> = lines('+').filter_map(|line| read(&Words::of(line))).collect();
    let table = loop {
        match Table::build(entries(&routes)) {
            Ok(table) => break table,
            Err(conflicts) => {
                let loser = real(&conflicts, &routes);
                routes.remove(loser);
            }
        }
    };
    for (index, route) in routes.iter().enumerate() {
        assert!(!routes[..index].contains(route), "two routes say the same, and nobody noticed");
        let (host, path, method, headers) = fitting(route);
        let found = compare(&table, &routes, &host, &path, &method, &headers);
        assert!(found, "a request made for {route:?} finds no route");
        for other in &routes {
            // One that may fit both.
            let (.., method, more) = fitting(other);
            let headers = headers.iter().chain(&more).map(|(name, value)| (name.clone(), value.clone())).collect();
            compare(&table, &routes, &host, &path, &method, &headers);
        }
    }
    for line in lines('?') {
        let words = Words::of(line);
        let method = Method::from_bytes(words.methods().next().unwrap_or("GET").as_bytes()).unwrap_or_default();
        compare(&table, &routes, words.host().unwrap_or_default(), words.path().unwrap_or("/"), &method, &words.sent());
    }
}

/// The four words of a line.
struct Words<'a>([&'a str; 4]);

impl<'a> Words<'a> {
    fn of(line: &'a str) -> Self {
        let mut words = line.trim_matches(' ').split(' ');
        Self(std::array::from_fn(|_| words.next().filter(|word| *word != "-").unwrap_or_default()))
    }

    fn host(&self) -> Option<&'a str> {
        Some(self.0[0]).filter(|word| !word.is_empty())
    }

    fn path(&self) -> Option<&'a str> {
        Some(self.0[1]).filter(|word| !word.is_empty())
    }

    fn methods(&self) -> impl Iterator<Item = &'a str> {
        self.0[2].split(',').filter(|word| !word.is_empty())
    }

    fn headers(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        let headers = self.0[3].split(',').filter(|word| !word.is_empty());
        headers.map(|word| word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value))))
    }

    /// The headers of a request, without those that no request has.
    fn sent(&self) -> HeaderMap {
        let mut sent = HeaderMap::new();
        for (name, value) in self.headers() {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.unwrap_or("1").parse::<HeaderValue>()) {
                sent.append(name, value);
            }
        }
        sent
    }
}

/// The route that is meant, or nothing if something is wrong with it; then it is said where.
fn read(words: &Words<'_>) -> Option<Match> {
    let headers =
        words.headers().map(|(name, equals)| HeaderSpec { name: name.to_owned(), equals: equals.map(str::to_owned) });
    let matches = MatchSpec {
        host: words.host().map(str::to_owned),
        path: words.path().map(str::to_owned),
        methods: words.methods().map(str::to_owned).collect(),
        headers: headers.collect(),
    };
    let spec = RouteSpec {
        matches,
        forward: Some(ForwardSpec { candidates: vec!["ci".to_owned()], default: None }),
        filters: Vec::new(),
        body_limit_bytes: None,
        deliver: None,
        keep: Default::default(),
        search: false,
        capture: Default::default(),
        acknowledgement: None,
    };
    let name: Name = "a".parse().expect("a name");
    match spec.read(&name, &name) {
        Ok(route) => Some(route.matches),
        Err(faults) => {
            assert!(!faults.is_empty());
            let placed = faults.0.iter().all(|fault| fault.at.starts_with("match.") && !fault.problem.is_empty());
            assert!(placed, "{faults}");
            None
        }
    }
}

fn name(index: usize) -> Name {
    format!("r{index}").parse().expect("a name")
}

/// Of two projects in turn; what a request finds is the route's number.
fn entries(routes: &[Match]) -> Vec<Entry<usize>> {
    let entry = |(index, matches): (usize, &Match)| Entry {
        project: format!("p{}", index % 2).parse().expect("a name"),
        route: name(index),
        matches: matches.clone(),
        target: index,
    };
    routes.iter().enumerate().map(entry).collect()
}

/// Each conflict is one, is told to both sides, and names a route of another project to nobody. Returns one of the routes.
fn real(conflicts: &Conflicts, routes: &[Match]) -> usize {
    let number = |name: &Name| name.as_str()[1..].parse::<usize>().expect("a route's number");
    assert!(!conflicts.0.is_empty() && conflicts.0.len().is_multiple_of(2));
    for conflict in &conflicts.0 {
        let route = number(&conflict.route);
        let others: Vec<usize> = match &conflict.other {
            Some(other) => vec![number(other)],
            None => (0..routes.len()).filter(|other| other % 2 != route % 2).collect(),
        };
        assert!(others.iter().any(|other| alike(&routes[route], &routes[*other])), "{conflict:?}");
        if let Some(other) = &conflict.other {
            assert_eq!(number(other) % 2, route % 2, "{conflict:?}");
            let told =
                |back: &&model::routing::Conflict| back.route == *other && back.other.as_ref() == Some(&conflict.route);
            assert_eq!(conflicts.0.iter().filter(told).count(), 1, "{conflict:?}");
        }
    }
    number(&conflicts.0[0].route)
}

/// Whether the two have the same host, the same shape of path, as many conditions, and a method in common.
fn alike(one: &Match, other: &Match) -> bool {
    let methods = one.methods.is_empty() == other.methods.is_empty()
        && (one.methods.is_empty() || one.methods.iter().any(|method| other.methods.contains(method)));
    one.host == other.host && shape(one) == shape(other) && conditions(one) == conditions(other) && methods
}

/// What the segments are, and what stands in those that are literal.
fn shape(route: &Match) -> Vec<(u8, &str)> {
    let segments = route.path.segments.iter().map(|segment| match segment {
        Segment::Literal(text) => (0, text.as_str()),
        Segment::Param(_) => (1, ""),
        Segment::Rest(_) => (2, ""),
    });
    segments.collect()
}

fn conditions(route: &Match) -> (usize, usize) {
    (route.headers.len(), route.headers.iter().filter(|condition| condition.equals.is_some()).count())
}

/// A request that was made for this route.
fn fitting(route: &Match) -> (String, String, Method, HeaderMap) {
    let host = match &route.host {
        Host::Exact(host) => host.to_ascii_uppercase(),
        Host::Below(host) => format!("x.{host}"),
        Host::Any => "somewhere.else".to_owned(),
    };
    let mut path = String::new();
    for segment in &route.path.segments {
        path.push('/');
        path.push_str(match segment {
            Segment::Literal(text) => text,
            Segment::Param(_) => "value",
            Segment::Rest(_) => "all/the//rest/",
        });
    }
    let headers = route.headers.iter().map(|HeaderMatch { name, equals }| {
        (name.clone(), equals.clone().unwrap_or_else(|| HeaderValue::from_static("there")))
    });
    let mut sent = HeaderMap::new();
    headers.for_each(|(name, value)| _ = sent.append(name, value));
    (host, path, route.methods.first().cloned().unwrap_or(Method::PATCH), sent)
}

/// What the table finds is what one finds who looks at every route. Whether it is a route.
fn compare(
    table: &Table<usize>,
    routes: &[Match],
    host: &str,
    path: &str,
    method: &Method,
    headers: &HeaderMap,
) -> bool {
    let what = || format!("{method} {path:?} at {host:?} with {headers:?} among {routes:?}");
    let lower = host.to_ascii_lowercase();
    let here: Vec<(usize, Vec<(&str, &str)>)> = routes
        .iter()
        .enumerate()
        .filter(|(_, route)| at_host(route, &lower) && has_headers(route, headers))
        .filter_map(|(index, route)| Some((index, params(route, path)?)))
        .collect();
    let takes = |index: usize| routes[index].methods.is_empty() || routes[index].methods.contains(method);
    let best = here.iter().filter(|(index, _)| takes(*index)).min_by_key(|(index, _)| order(&routes[*index]));
    match (table.find(host, path, method, headers), best) {
        (Ok(Found { target, params }), Some((index, expected))) => {
            assert_eq!((*target, &params), (*index, expected), "{}", what());
            true
        }
        (Err(Miss::Route), None) => {
            assert!(here.is_empty(), "{}", what());
            false
        }
        (Err(Miss::Method { allow }), None) => {
            let mut expected: Vec<&Method> = here.iter().flat_map(|(index, _)| &routes[*index].methods).collect();
            expected.sort_by_key(|method| method.as_str());
            expected.dedup();
            assert_eq!(allow.iter().collect::<Vec<_>>(), expected, "{}", what());
            assert!(!allow.is_empty(), "{}", what());
            false
        }
        (found, best) => panic!("found {found:?}, expected {best:?}: {}", what()),
    }
}

fn at_host(route: &Match, host: &str) -> bool {
    match &route.host {
        Host::Exact(exact) => host == exact,
        Host::Below(below) => {
            host.strip_suffix(below.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        }
        Host::Any => true,
    }
}

fn has_headers(route: &Match, headers: &HeaderMap) -> bool {
    route.headers.iter().all(|HeaderMatch { name, equals }| match equals {
        Some(value) => headers.iter().any(|(known, sent)| known == name && sent == value),
        None => headers.keys().any(|known| known == name),
    })
}

/// What stands at each name, if the path fits.
fn params<'r, 'p>(route: &'r Match, path: &'p str) -> Option<Vec<(&'r str, &'p str)>> {
    let mut left = Some(path.strip_prefix('/')?);
    let mut params = Vec::new();
    for segment in &route.path.segments {
        let here = left?;
        let (first, behind) = here.split_once('/').map_or((here, None), |(first, behind)| (first, Some(behind)));
        left = behind;
        match segment {
            Segment::Literal(text) => (text == first).then_some(())?,
            Segment::Param(name) => {
                (!first.is_empty()).then(|| params.push((name.as_str(), first)))?;
            }
            Segment::Rest(name) => {
                params.push((name.as_str(), here));
                left = None;
            }
        }
    }
    left.is_none().then_some(params)
}

/// The most specific first: by host, then segment by segment, then by conditions, then by methods. What is left is told
/// apart by the conditions themselves.
fn order(route: &Match) -> impl Ord {
    let host = match &route.host {
        Host::Exact(_) => (0, Reverse(0)),
        Host::Below(below) => (1, Reverse(below.len())),
        Host::Any => (2, Reverse(0)),
    };
    let segments: Vec<u8> = shape(route).into_iter().map(|(kind, _)| kind).collect();
    let (headers, equals) = conditions(route);
    let mut asked: Vec<(String, Option<Vec<u8>>)> = route
        .headers
        .iter()
        .map(|condition| (condition.name.to_string(), condition.equals.as_ref().map(|value| value.as_bytes().to_vec())))
        .collect();
    asked.sort();
    (host, segments, Reverse(headers), Reverse(equals), route.methods.is_empty(), asked)
}
