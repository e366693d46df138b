//! Finding the route of a request, among ten to ten thousand. What a find allocates is counted too.

use divan::{AllocProfiler, Bencher, black_box};
use http::{HeaderMap, Method};
use model::{
    Name,
    route::{Host, Match, Path, Segment},
    routing::{Entry, Table},
};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const ROUTES: [usize; 3] = [10, 1_000, 10_000];

fn main() {
    divan::main();
}

/// Half of the routes under a hundred hosts, half under any; every fourth with a parameter, and one that takes the rest.
fn table(routes: usize) -> Table<usize> {
    let literal = |text: String| Segment::Literal(text);
    let entry = |index: usize| {
        let host = match index % 2 {
            0 => Host::Exact(format!("team-{}.hooks.example.com", index % 200)),
            _ => Host::Any,
        };
        let mut segments = vec![literal("hooks".to_owned()), literal(format!("route-{index}"))];
        if index % 4 == 3 {
            segments.push(Segment::Param("provider".to_owned()));
        }
        let matches = Match { host, path: Path { segments }, methods: vec![Method::POST], headers: Vec::new() };
        Entry { project: name("default"), route: name(&format!("route-{index}")), matches, target: index }
    };
    let rest = Entry { project: name("default"), route: name("rest"), matches: Match::default(), target: routes };
    Table::build((0..routes).map(entry).chain([rest]).collect()).expect("no two of them fit the same requests")
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn find(bencher: Bencher<'_, '_>, routes: usize, host: &str, path: &str, expected: usize) {
    let (table, headers) = (table(routes), HeaderMap::new());
    let target = table.find(host, path, &Method::POST, &headers).map(|found| *found.target);
    assert_eq!(target, Ok(expected), "what is measured must be found");
    bencher.bench(|| table.find(black_box(host), black_box(path), &Method::POST, &headers).is_ok());
}

#[divan::bench(args = ROUTES)]
fn by_host_and_path(bencher: Bencher<'_, '_>, routes: usize) {
    find(bencher, routes, "team-4.hooks.example.com", "/hooks/route-4", 4);
}

#[divan::bench(args = ROUTES)]
fn by_parameter(bencher: Bencher<'_, '_>, routes: usize) {
    find(bencher, routes, "hooks.example.com", "/hooks/route-7/github", 7);
}

/// The way back from a path that nearly fits to the route that takes everything.
#[divan::bench(args = ROUTES)]
fn by_rest(bencher: Bencher<'_, '_>, routes: usize) {
    find(bencher, routes, "team-4.hooks.example.com", "/hooks/route-7/github/more", routes);
}

#[divan::bench(args = ROUTES, sample_count = 10)]
fn build(bencher: Bencher<'_, '_>, routes: usize) {
    bencher.bench(|| table(routes));
}
