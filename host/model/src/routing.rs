//! Finds the route of a request. Of several that fit, the most specific one: by host, then path segment by segment, then
//! header conditions, then methods.

use std::{borrow::Cow, cmp::Reverse, collections::HashMap, fmt};

use http::{HeaderMap, Method};

use crate::{
    Faults, Name,
    route::{HeaderMatch, Host, Match, Path, Segment},
};

#[cfg(test)]
mod tests;

/// The routes of a listener, of all projects. What a request costs does not depend on how many routes there are: a hash
/// for each segment, and a look at each route of the same host and path.
#[derive(Debug)]
pub struct Table<T> {
    exact: HashMap<Box<str>, Node<T>>,
    below: HashMap<Box<str>, Node<T>>,
    any: Node<T>,
    /// The longest key of `below`; longer names are not looked up, so that a host of thousands of dots costs nothing.
    below_longest: usize,
}

/// A route to be put into a table.
#[derive(Debug, Clone)]
pub struct Entry<T> {
    pub project: Name,
    pub route: Name,
    pub matches: Match,
    /// What a request of this route finds.
    pub target: T,
}

/// What a request found.
#[derive(Debug, PartialEq, Eq)]
pub struct Found<'table, 'path, T> {
    pub target: &'table T,
    /// What stood at each `{name}`, percent-encoding kept; `{*name}` without the slash before it.
    pub params: Vec<(&'table str, &'path str)>,
}

impl<T> Found<'_, '_, T> {
    /// The params as an event carries them: `path.name` and what stood there.
    pub fn attributes(&self) -> Vec<(String, String)> {
        self.params.iter().map(|(name, value)| (["path.", name].concat(), (*value).to_owned())).collect()
    }
}

/// Why a request found nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// 404.
    Route,
    /// 405: host, path and headers fit some route, the method does not.
    Method { allow: Vec<Method> },
}

/// Two routes that some request fits alike, as it may be told to the people of one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    pub project: Name,
    pub route: Name,
    /// The other route, if it is of the same project.
    pub other: Option<Name>,
    /// Names the other route only if it is of the same project.
    pub problem: String,
}

/// Every conflict of a table that could not be built. Each is there twice, once for each route.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
pub struct Conflicts(pub Vec<Conflict>);

impl Conflicts {
    /// What the people of a project may know of it. What is between two of their routes is told once: at the one that is
    /// `written` just now, else at the later name.
    pub fn told_to(&self, project: &Name, written: impl Fn(&Name) -> bool) -> Faults {
        let here = |conflict: &Conflict| {
            let rank = |route: &Name| (written(route), route.clone());
            conflict.other.as_ref().is_none_or(|other| rank(&conflict.route) > rank(other))
        };
        let mut faults = Faults::default();
        for conflict in self.0.iter().filter(|conflict| conflict.project == *project && here(conflict)) {
            faults.add(format!("routes.{}.match", conflict.route), &conflict.problem);
        }
        faults
    }
}

impl fmt::Display for Conflicts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Conflict { project, route, problem, .. }) in self.0.iter().enumerate() {
            out.write_str(if index > 0 { "; " } else { "" })?;
            write!(out, "projects.{project}.routes.{route}.match: {problem}")?;
        }
        Ok(())
    }
}

/// What the routes of one host have in common up to a segment.
#[derive(Debug)]
struct Node<T> {
    literals: HashMap<Box<str>, Node<T>>,
    param: Option<Box<Node<T>>>,
    rest: Vec<Leaf<T>>,
    /// The routes whose path ends here, the most specific first.
    leaves: Vec<Leaf<T>>,
}

/// A route at the end of its path.
#[derive(Debug)]
struct Leaf<T> {
    params: Box<[Box<str>]>,
    methods: Box<[Method]>,
    headers: Box<[HeaderMatch]>,
    /// Its place in `Table::build`'s list, to say whose it is.
    index: usize,
    target: T,
}

impl<T> Table<T> {
    /// A table of all these routes, unless some request would fit two of them alike.
    ///
    /// Routes of the same host and path shape are told apart by the number of their header conditions, then by how many
    /// of these ask for a value, then by whether they list methods. If all that is equal, they must not have a method in
    /// common, or ask for different values of a header. (A sender that repeats a header with both values gets the one
    /// that sorts first.)
    pub fn build(routes: Vec<Entry<T>>) -> Result<Self, Conflicts> {
        let mut table = Self { exact: HashMap::new(), below: HashMap::new(), any: Node::default(), below_longest: 0 };
        let mut labels = Vec::with_capacity(routes.len());
        for (index, Entry { project, route, matches, target }) in routes.into_iter().enumerate() {
            let tree = match &matches.host {
                Host::Exact(name) => table.exact.entry(name.as_str().into()).or_default(),
                Host::Below(name) => {
                    table.below_longest = table.below_longest.max(name.len());
                    table.below.entry(name.as_str().into()).or_default()
                }
                Host::Any => &mut table.any,
            };
            tree.insert(&matches, index, target);
            labels.push(Label { project, route, host: matches.host, path: matches.path });
        }
        let mut conflicts = Conflicts::default();
        let trees = table.exact.values_mut().chain(table.below.values_mut()).chain([&mut table.any]);
        for tree in trees {
            tree.settle(&mut |one, other| conflicts.add(&labels[one], &labels[other]));
        }
        conflicts.0.sort_by(|one, other| (&one.project, &one.route).cmp(&(&other.project, &other.route)));
        if conflicts.0.is_empty() { Ok(table) } else { Err(conflicts) }
    }

    /// The most specific route that the request fits. `host` is without port, in any case; `path` as it came. If the
    /// most specific host or path has no route that fits in method and headers, less specific ones are tried.
    pub fn find<'path>(
        &self,
        host: &str,
        path: &'path str,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Found<'_, 'path, T>, Miss> {
        let Some(path) = path.strip_prefix('/') else { return Err(Miss::Route) };
        let mut host = Cow::Borrowed(host);
        if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
            host.to_mut().make_ascii_lowercase();
        }
        let found = self.search(&host, path, &mut |leaf| leaf.takes(method) && leaf.fits(headers));
        found.ok_or_else(|| {
            let mut allow = Vec::new();
            self.search(&host, path, &mut |leaf| {
                if leaf.fits(headers) {
                    allow.extend(leaf.methods.iter().cloned());
                }
                false
            });
            if allow.is_empty() {
                return Miss::Route;
            }
            allow.sort_by(|one, other| one.as_str().cmp(other.as_str()));
            allow.dedup();
            Miss::Method { allow }
        })
    }

    /// The first route of this host and path that is accepted, the most specific one first.
    fn search<'path>(
        &self,
        host: &str,
        path: &'path str,
        accept: &mut impl FnMut(&Leaf<T>) -> bool,
    ) -> Option<Found<'_, 'path, T>> {
        let exact = self.exact.get(host).into_iter();
        let dots = if self.below.is_empty() { "" } else { host };
        let below = dots.match_indices('.').filter_map(|(dot, _)| {
            let name = &host[dot + 1..];
            if dot == 0 || name.len() > self.below_longest { None } else { self.below.get(name) }
        });
        let mut values = Vec::new();
        for tree in exact.chain(below).chain([&self.any]) {
            if let Some(leaf) = tree.search(Some(path), &mut values, accept) {
                for (param, name) in values.iter_mut().zip(&leaf.params) {
                    param.0 = name;
                }
                return Some(Found { target: &leaf.target, params: values });
            }
        }
        None
    }
}

impl<T> Node<T> {
    fn insert(&mut self, matches: &Match, index: usize, target: T) {
        let mut params: Vec<Box<str>> = Vec::new();
        let mut node = self;
        let mut rest = false;
        for segment in &matches.path.segments {
            match segment {
                Segment::Literal(text) => node = node.literals.entry(text.as_str().into()).or_default(),
                Segment::Param(name) => {
                    params.push(name.as_str().into());
                    node = node.param.get_or_insert_default();
                }
                Segment::Rest(name) => {
                    params.push(name.as_str().into());
                    rest = true;
                    break;
                }
            }
        }
        let mut headers = matches.headers.clone();
        headers.sort_by(|one, other| order_of(one).cmp(&order_of(other)));
        let methods = matches.methods.as_slice().into();
        let leaf = Leaf { params: params.into(), methods, headers: headers.into(), index, target };
        if rest { node.rest.push(leaf) } else { node.leaves.push(leaf) }
    }

    /// Brings the routes of each path in order and reports each that fits a request like one before it.
    fn settle(&mut self, conflict: &mut impl FnMut(usize, usize)) {
        for leaves in [&mut self.leaves, &mut self.rest] {
            leaves.sort_by(|one, other| {
                let by_headers = || one.headers.iter().map(order_of).cmp(other.headers.iter().map(order_of));
                one.rank().cmp(&other.rank()).then_with(by_headers)
            });
            for (position, leaf) in leaves.iter().enumerate() {
                let mut alike = leaves[..position].iter().rev().take_while(|other| other.rank() == leaf.rank());
                if let Some(other) = alike.find(|other| other.meets(leaf)) {
                    conflict(other.index, leaf.index);
                }
            }
        }
        self.literals.values_mut().for_each(|node| node.settle(conflict));
        self.param.iter_mut().for_each(|node| node.settle(conflict));
    }

    /// The first accepted route for the rest of a path, none if all its segments are behind. What stands at params is
    /// pushed to `params`; their names are not known before the route is.
    fn search<'table, 'path>(
        &'table self,
        path: Option<&'path str>,
        params: &mut Vec<(&'table str, &'path str)>,
        accept: &mut impl FnMut(&Leaf<T>) -> bool,
    ) -> Option<&'table Leaf<T>> {
        let Some(path) = path else { return self.leaves.iter().find(|leaf| accept(leaf)) };
        let (segment, behind) = match path.split_once('/') {
            Some((segment, behind)) => (segment, Some(behind)),
            None => (path, None),
        };
        if let Some(node) = self.literals.get(segment)
            && let Some(leaf) = node.search(behind, params, accept)
        {
            return Some(leaf);
        }
        if let Some(node) = &self.param
            && !segment.is_empty()
        {
            params.push(("", segment));
            if let Some(leaf) = node.search(behind, params, accept) {
                return Some(leaf);
            }
            params.pop();
        }
        let leaf = self.rest.iter().find(|leaf| accept(leaf))?;
        params.push(("", path));
        Some(leaf)
    }
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self { literals: HashMap::new(), param: None, rest: Vec::new(), leaves: Vec::new() }
    }
}

impl<T> Leaf<T> {
    fn takes(&self, method: &Method) -> bool {
        self.methods.is_empty() || self.methods.contains(method)
    }

    fn fits(&self, headers: &HeaderMap) -> bool {
        self.headers.iter().all(|condition| match &condition.equals {
            Some(value) => headers.get_all(&condition.name).iter().any(|present| present == value),
            None => headers.contains_key(&condition.name),
        })
    }

    /// The most specific first.
    fn rank(&self) -> impl Ord + use<T> {
        let equals = self.headers.iter().filter(|condition| condition.equals.is_some()).count();
        (Reverse(self.headers.len()), Reverse(equals), self.methods.is_empty())
    }

    /// Whether some request fits both, if no sender repeats a header that is asked for by value.
    fn meets(&self, other: &Self) -> bool {
        let methods =
            self.methods.is_empty() || other.methods.is_empty() || self.methods.iter().any(|m| other.takes(m));
        let apart = self.headers.iter().any(|condition| {
            let (mut asked, mut common) = (false, false);
            for theirs in other.headers.iter().filter(|theirs| theirs.name == condition.name && theirs.equals.is_some())
            {
                asked = true;
                common |= self.headers.contains(theirs);
            }
            condition.equals.is_some() && asked && !common
        });
        methods && !apart
    }
}

/// What brings header conditions in order.
fn order_of(condition: &HeaderMatch) -> (&str, Option<&[u8]>) {
    (condition.name.as_str(), condition.equals.as_ref().map(|value| value.as_bytes()))
}

/// What a message says about a route.
struct Label {
    project: Name,
    route: Name,
    host: Host,
    path: Path,
}

impl Conflicts {
    fn add(&mut self, one: &Label, other: &Label) {
        const REMEDY: &str = "another host or path, methods that only it lists, or one more header condition";
        for (label, other) in [(one, other), (other, one)] {
            let named = (label.project == other.project).then(|| other.route.clone());
            let problem = match &named {
                Some(other) => format!("fits the same requests as `{other}` ({label}): give one of them {REMEDY}"),
                None => format!("fits the same requests as a route of another project ({label}): give it {REMEDY}"),
            };
            let (project, route) = (label.project.clone(), label.route.clone());
            self.0.push(Conflict { project, route, other: named, problem });
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Exact(name) => write!(out, "host `{name}`, path `")?,
            Host::Below(name) => write!(out, "host `*.{name}`, path `")?,
            Host::Any => out.write_str("any host, path `")?,
        }
        for segment in &self.path.segments {
            match segment {
                Segment::Literal(text) => write!(out, "/{text}")?,
                Segment::Param(name) => write!(out, "/{{{name}}}")?,
                Segment::Rest(name) => write!(out, "/{{*{name}}}")?,
            }
        }
        out.write_str("`")
    }
}
