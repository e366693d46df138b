//! A filter put up in this process as it would be on a route, to be called: the host's engine, limits and instances.

use std::{collections::BTreeMap, net::Ipv4Addr, path::Path, sync::Arc};

use filters::{Chain, Engine, Filter, Given, Module, Ran, Secrets, kv::Overlay};
use model::{
    Attachment, Draft, Event, EventId, Faults, Name, Phase, Scheme, Secret, Timestamp,
    event_file::Parts,
    limits::BODY_BYTES_MOST,
    record::Seed,
    spec::{AttachmentSpec, ForwardSpec, RouteSpec},
};

use crate::{
    cli::{failure::Failure, module},
    config_schema,
};

/// The values of secrets by the names that the filter's code says.
pub(crate) type Values = BTreeMap<String, Vec<Secret>>;

/// What a filter is given once, when it is attached.
#[derive(Debug)]
pub(super) struct Attaching {
    pub(super) project: Name,
    pub(super) spec: AttachmentSpec,
    pub(super) usable: Values,
    pub(super) revealed: Values,
    /// Those that the route would list.
    pub(super) destinations: Vec<Name>,
    pub(super) mode: Mode,
}

/// What the route would do with an event: a filter may choose one destination, or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    #[default]
    Forward,
    Deliver,
}

/// A filter that can be called.
#[derive(Debug)]
pub(super) struct Rig {
    chain: Chain,
    destinations: Arc<[Name]>,
    mode: Mode,
    project: Name,
    filter: Name,
    /// Grants that the module asks for and does not get.
    pub(super) missing: Vec<Missing>,
}

/// A grant that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Missing {
    Secret(String),
    Reveal(String),
    Kv(String),
}

/// What a call is given beside the event.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) now: Timestamp,
    /// What random numbers come from; by default chance.
    pub(super) seed: Option<Seed>,
    pub(super) kv: &'a Arc<Overlay>,
}

/// The component, compiled and tried out as an upload would be.
pub(crate) async fn load(file: &Path) -> Result<Arc<Module>, Failure> {
    let settings = filters::Settings { calls_most: 8, calls_most_per_project: 8, ..filters::Settings::default() };
    let engine = Engine::start(&settings).map_err(Failure::failed)?;
    engine
        .load(module::read(file)?)
        .await
        .map_err(|refused| Failure::failed(format!("`{}`: {refused}", file.display())))
}

impl Rig {
    /// The filter, configured. Faults are those of what is written in the attachment, with their places in it.
    pub(super) async fn put_up(module: &Arc<Module>, attaching: Attaching) -> Result<Self, Faults> {
        let Attaching { project, spec, usable, revealed, destinations, mode } = attaching;
        config_schema::check(&module.manifest, &spec.config).map_err(|faults| below("config", faults))?;
        let route = "test".parse().expect("this is a name");
        let attachment = meant(&project, &route, spec, &destinations)?;
        let missing = missing(module, &attachment);
        let prepared = module.configure(&attachment.config, &attachment.limits).await;
        let prepared = prepared.map_err(|refused| Faults::one("config", refused.to_string()))?;
        let secrets = Secrets { usable, revealed };
        let filter = Filter::new(&project, &route, &attachment, Arc::clone(module), prepared, secrets);
        let chain = Chain::new(vec![Arc::new(filter)]);
        Ok(Self { chain, destinations: destinations.into(), mode, project, filter: attachment.name, missing })
    }

    /// An event as it would arrive on the route.
    pub(super) fn event(&self, file: Parts, id: EventId, received: Timestamp) -> Event {
        Event {
            id,
            project: self.project.clone(),
            route: "test".parse().expect("this is a name"),
            received,
            source: Ipv4Addr::LOCALHOST.into(),
            scheme: Scheme::Http,
            method: file.method,
            authority: "localhost".to_owned(),
            path: file.path,
            query: file.query,
            headers: Arc::new(file.headers),
            body: Some(file.body),
            replay: false,
            attributes: Vec::new(),
        }
    }

    /// Where the filter's values of a key-value namespace are.
    pub(super) fn scope(&self, namespace: &str) -> filters::kv::Scope {
        filters::kv::Scope {
            project: self.project.clone(),
            route: "test".parse().expect("this is a name"),
            filter: self.filter.clone(),
            namespace: namespace.to_owned(),
        }
    }

    pub(super) async fn call(&self, event: &Event, turn: &Turn<'_>) -> Ran {
        let given = Given {
            phase: Phase::Route,
            now: turn.now,
            kv: Arc::clone(turn.kv) as _,
            destinations: Arc::clone(&self.destinations),
            exactly_one: self.mode == Mode::Forward,
            seed: turn.seed,
            body_limit: BODY_BYTES_MOST,
        };
        self.chain.run(Draft::new(event.clone()), &given).await
    }
}

fn below(place: &str, faults: Faults) -> Faults {
    let mut all = Faults::default();
    all.take(place, faults);
    all
}

/// What is written becomes what is meant as it would on a route.
fn meant(project: &Name, route: &Name, spec: AttachmentSpec, destinations: &[Name]) -> Result<Attachment, Faults> {
    let candidates = destinations.iter().map(ToString::to_string).collect();
    let written = RouteSpec {
        matches: Default::default(),
        forward: Some(ForwardSpec { candidates, default: None }),
        deliver: None,
        filters: vec![spec],
        body_limit_bytes: None,
        capture: Default::default(),
        keep: Default::default(),
        search: false,
        acknowledgement: None,
    };
    let read = written.read(project, route).map_err(|mut faults| {
        for fault in &mut faults.0 {
            // The route is nobody's.
            fault.at = fault.at.strip_prefix("filters[0].").unwrap_or(&fault.at).to_owned();
        }
        faults
    });
    Ok(read?.filters.into_iter().next().expect("a route keeps its filters"))
}

fn missing(module: &Module, attachment: &Attachment) -> Vec<Missing> {
    let (asked, granted) = (&module.manifest, &attachment.grants);
    let secrets = asked.secrets.iter().filter(|name| !granted.secrets.contains_key(*name));
    let reveal = asked.reveal.iter().filter(|name| !granted.reveal.contains_key(*name));
    let kv = asked.kv.iter().filter(|name| !granted.kv.contains(name));
    let missing = secrets.cloned().map(Missing::Secret).chain(reveal.cloned().map(Missing::Reveal));
    missing.chain(kv.cloned().map(Missing::Kv)).collect()
}
