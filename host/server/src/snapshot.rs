//! The complete, validated, compiled configuration that the data plane serves from. Built whole by `control`, replaced as a
//! whole; a request keeps the one it took until it is answered.

use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;
use delivery::{Ready, destinations::http::Target};
use filters::{Chain, Versions};
use http::{HeaderMap, Method};
use model::{
    Name, Route,
    routing::{Found, Miss, Table},
};

use crate::budget::Budget;

/// Everything that requests are served from, at one revision.
#[derive(Debug)]
pub struct Snapshot {
    pub revision: u64,
    routes: Table<Arc<Served>>,
    names: HashMap<(Name, Name), Arc<Served>>,
    destinations: Destinations,
}

/// By project and name, ready for deliveries.
pub type Destinations = HashMap<(Name, Name), Arc<Ready>>;

/// A route ready to serve.
#[derive(Debug)]
pub struct Served {
    pub route: Route,
    pub chain: Chain,
    /// The filters of destinations that have some.
    pub transforms: Vec<(Name, Chain)>,
    /// In the order of the route's candidates.
    pub destinations: Vec<(Name, Target)>,
    /// The names alone, shared with every run of the chain.
    pub names: Arc<[Name]>,
    /// Body bytes that the project's events may hold in memory.
    pub buffer: Arc<Budget>,
}

impl Snapshot {
    /// What is served before anything is known.
    pub fn empty() -> Self {
        let routes = Table::build(Vec::new()).expect("no routes contradict each other");
        Self { revision: 0, routes, names: HashMap::new(), destinations: HashMap::new() }
    }

    /// `names` holds the same routes as the table.
    pub fn new(
        revision: u64,
        routes: Table<Arc<Served>>,
        names: impl Iterator<Item = Arc<Served>>,
        destinations: Destinations,
    ) -> Self {
        let names = names.map(|served| ((served.route.project.clone(), served.route.name.clone()), served));
        Self { revision, routes, names: names.collect(), destinations }
    }

    /// The destination of this name, whether a route names it or not.
    pub fn destination(&self, project: &Name, name: &Name) -> Option<&Arc<Ready>> {
        self.destinations.get(&(project.clone(), name.clone()))
    }

    /// The routes whose events can be searched, with their projects.
    pub fn searched(&self) -> Vec<(Name, Name)> {
        let searched = self.names.iter().filter(|(_, served)| served.route.search);
        searched.map(|(name, _)| name.clone()).collect()
    }

    /// The route of this name, to try it out.
    pub fn named(&self, project: &Name, route: &Name) -> Option<&Arc<Served>> {
        self.names.get(&(project.clone(), route.clone()))
    }

    /// The route of a request, and what its path's parameters hold.
    pub fn find<'a, 'path>(
        &'a self,
        host: &str,
        path: &'path str,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Found<'a, 'path, Arc<Served>>, Miss> {
        self.routes.find(host, path, method, headers)
    }
}

impl Served {
    /// The versions of all its filters, in the order of `Route::attachments`.
    pub fn versions(&self) -> impl Iterator<Item = &Versions> {
        let transforms = self.transforms.iter().flat_map(|(_, chain)| chain.filters());
        self.chain.filters().iter().chain(transforms)
    }

    /// The filters of a destination, if it has some.
    pub fn transform(&self, destination: &Name) -> Option<&Chain> {
        self.transforms.iter().find(|(known, _)| known == destination).map(|(_, chain)| chain)
    }

    pub fn destination(&self, name: &Name) -> Option<&Target> {
        self.destinations.iter().find(|(known, _)| known == name).map(|(_, target)| target)
    }
}

/// The snapshot that is served now, to read.
#[derive(Debug, Clone)]
pub struct Current(Arc<ArcSwap<Snapshot>>);

/// The one handle that replaces it; `control` has it and nobody else.
#[derive(Debug)]
pub struct Publisher(Arc<ArcSwap<Snapshot>>);

/// A first snapshot, the handle to replace it and the one to read it.
pub fn serve(first: Snapshot) -> (Publisher, Current) {
    let served = Arc::new(ArcSwap::from_pointee(first));
    (Publisher(Arc::clone(&served)), Current(served))
}

impl Current {
    pub fn load(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }
}

impl Publisher {
    /// Requests in flight keep the snapshot that they took.
    pub fn publish(&self, next: Snapshot) {
        self.0.store(Arc::new(next));
    }
}
