//! What the host is to serve: the project's route.toml with the filter on it, or a route that takes everything.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use model::{
    Name, Secret,
    destination::DestinationSpec,
    spec::{AttachmentSpec, CaptureWhen, ForwardSpec, GrantsSpec, MatchSpec, RouteSpec},
};
use serde_json::json;

use super::{Dev, Serving};
use crate::cli::{
    Global,
    answers::{Applied, Module},
    apply::{self, Configuration, ConfigurationFile},
    client::Client,
    exercise,
    failure::Failure,
    module,
};

/// The project's own configuration, if it has one.
const FILE: &str = "route.toml";

#[derive(Debug)]
pub(super) struct Plan {
    project: Name,
    file: PathBuf,
    /// By the names that the filter's code says, or the project.
    secrets: BTreeMap<String, Secret>,
    /// The filter without name, module and grants.
    filter: AttachmentSpec,
    /// Where events go that have nowhere else to go.
    inbox: SocketAddr,
    /// The route and destination that are made where there is no file.
    made: OnceLock<Name>,
}

impl Plan {
    pub(super) fn new(dev: &Dev, global: &Global, inbox: SocketAddr) -> Result<Self, Failure> {
        let secrets = exercise::values("--secret", &dev.secret)?.into_iter();
        let secrets = secrets.filter_map(|(name, values)| Some((name, values.into_iter().next()?)));
        let filter =
            dev.parts.spec(&"filter".parse().expect("this is a name"), String::new(), GrantsSpec::default())?;
        Ok(Self {
            project: global.project.clone(),
            file: dev.folder.join(FILE),
            secrets: secrets.collect(),
            filter,
            inbox,
            made: OnceLock::new(),
        })
    }

    /// Has the host serve this component, as one change. `own`: the host is nobody else's, so what is missing is made there.
    pub(super) async fn serve(&self, client: &Client, component: &Path, own: bool) -> Result<Serving, Failure> {
        let name = module::name_of(component)?;
        let bytes = module::read(component)?;
        let pushed: Module =
            client.post_module(&format!("/modules/{name}?dry_run=true"), bytes.clone()).await?.read()?;
        let file = if self.file.is_file() { Some(ConfigurationFile::open(&self.file)?) } else { None };
        let mut configuration = match &file {
            Some(file) => file.read(&self.project)?,
            None => self.takes_everything(&name),
        };
        if !configuration.modules.values().any(|known| *known == bytes) {
            configuration.modules.insert(name.clone(), bytes);
        }
        let route = self.attach(&mut configuration, &name, &pushed)?;
        if own {
            self.complete(&mut configuration)?;
        } else {
            self.add_secrets(&mut configuration);
        }
        let applied = apply::send(client, &configuration, "").await;
        let applied = applied.map_err(|failure| match &file {
            Some(file) => file.locate(failure),
            None => failure,
        });
        let applied: Applied = applied?.read()?;
        if file.is_none() {
            // It is the same one each time.
            _ = self.made.set(name);
        }
        let path = configuration.routes[&route].matches.path.clone().unwrap_or_else(|| "/".to_owned());
        let changed = applied.changes.iter().any(|change| change.change != "unchanged");
        Ok(Serving { component: component.to_owned(), digest: pushed.digest, route, path, changed })
    }

    /// A route that takes everything and forwards it to the inbox.
    fn takes_everything(&self, name: &Name) -> Configuration {
        let destination = format!("dev-{name}");
        let destination: Name = destination.parse().unwrap_or_else(|_| name.clone());
        let route = RouteSpec {
            matches: MatchSpec::default(),
            forward: Some(ForwardSpec { candidates: vec![destination.to_string()], default: None }),
            deliver: None,
            filters: Vec::new(),
            body_limit_bytes: None,
            capture: CaptureWhen::All,
            keep: Default::default(),
            search: false,
            acknowledgement: None,
        };
        let mut configuration = Configuration::default();
        configuration.routes.insert(destination.clone(), route);
        configuration.destinations.insert(destination, self.to_inbox());
        configuration
    }

    fn to_inbox(&self) -> DestinationSpec {
        let spec = json!({ "url": format!("http://{}", self.inbox), "path": "append" });
        serde_json::from_value(spec).expect("this is a destination")
    }

    /// Puts the filter on the route, unless the file does. Returns the route.
    fn attach(&self, configuration: &mut Configuration, name: &Name, module: &Module) -> Result<Name, Failure> {
        let names_it = |filter: &AttachmentSpec| filter.module.split('@').next() == Some(name.as_str());
        let with_it = configuration.routes.iter().find(|(_, route)| route.filters.iter().any(names_it));
        if let Some((route, _)) = with_it {
            return Ok(route.clone());
        }
        let routes = configuration.routes.len();
        let mut only = configuration.routes.iter_mut();
        let (Some((route, spec)), None) = (only.next(), only.next()) else {
            return Err(Failure::usage(format!(
                "`{}` has {routes} routes, and none has a filter of module `{name}`: put it on one of them",
                self.file.display()
            )));
        };
        let own = |names: &[String]| names.iter().map(|name| (name.clone(), name.clone())).collect();
        let asked = &module.manifest;
        let (secrets, reveal) = (own(&asked.secrets), own(&asked.reveal));
        let grants = GrantsSpec { secrets, reveal, kv: asked.kv.clone(), keys: asked.keys.clone() };
        let (name, module) = (name.to_string(), name.to_string());
        spec.filters.push(AttachmentSpec { name, module, grants, ..self.filter.clone() });
        Ok(route.clone())
    }

    /// On a host that has nothing yet: every destination that is not described is the inbox, and requests are kept, so that
    /// they can be shown.
    fn complete(&self, configuration: &mut Configuration) -> Result<(), Failure> {
        self.add_secrets(configuration);
        let mut destinations = Vec::new();
        let mut missing = Vec::new();
        for route in configuration.routes.values_mut() {
            route.capture = CaptureWhen::All;
            destinations.extend(route.destinations().cloned());
            for (code, secret) in route.filters.iter().flat_map(|filter| secrets(&filter.grants)) {
                if secret.parse().is_ok_and(|secret: Name| !configuration.secrets.contains_key(&secret)) {
                    missing.push(format!("the filter asks for secret `{code}`: --secret {secret}=text:VALUE"));
                }
            }
        }
        for name in destinations.iter().filter_map(|name| name.parse::<Name>().ok()) {
            configuration.destinations.entry(name).or_insert_with(|| self.to_inbox());
        }
        if missing.is_empty() { Ok(()) } else { Err(Failure::usage(missing.join("\n"))) }
    }

    /// The values of secrets that were typed.
    fn add_secrets(&self, configuration: &mut Configuration) {
        let grants = configuration.routes.values().flat_map(|route| &route.filters).map(|filter| &filter.grants);
        let named: Vec<(String, String)> = grants.flat_map(secrets).collect();
        for (code, secret) in named {
            let value = self.secrets.get(&secret).or_else(|| self.secrets.get(&code));
            if let (Some(value), Ok(secret)) = (value, secret.parse::<Name>()) {
                configuration.secrets.insert(secret, value.clone());
            }
        }
    }

    /// Removes the route and the destination that were made, from a host that goes on.
    pub(super) async fn take_away(&self, client: &Client) {
        let Some(name) = self.made.get() else { return };
        for (route, _) in self.takes_everything(name).routes {
            // Whoever took them away before did what is to be done.
            _ = client.delete(&format!("/routes/{route}")).await;
            _ = client.delete(&format!("/destinations/{route}")).await;
        }
    }
}

/// What the code says, and the project's secret.
fn secrets(grants: &GrantsSpec) -> Vec<(String, String)> {
    let all = grants.secrets.iter().chain(&grants.reveal);
    all.map(|(code, secret)| (code.clone(), secret.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(secrets: &[(&str, &str)]) -> Plan {
        let filter = serde_json::from_value(json!({ "name": "filter", "module": "" })).unwrap();
        Plan {
            project: "default".parse().unwrap(),
            file: "route.toml".into(),
            secrets: secrets
                .iter()
                .map(|(name, value)| ((*name).to_owned(), Secret::new(value.as_bytes().to_vec())))
                .collect(),
            filter,
            inbox: SocketAddr::from(([127, 0, 0, 1], 9)),
            made: OnceLock::new(),
        }
    }

    fn pushed(manifest: serde_json::Value) -> Module {
        serde_json::from_value(json!({
            "name": "guard", "version": 1, "digest": "sha256:ab", "size": 1, "created": 0, "world": "w", "imports": [],
            "manifest": manifest,
        }))
        .unwrap()
    }

    #[test]
    fn without_a_file_everything_is_taken() {
        let (plan, name) = (plan(&[("webhook", "hush")]), "guard".parse().unwrap());
        let mut configuration = plan.takes_everything(&name);
        let module = pushed(json!({ "secrets": ["webhook"], "kv": ["seen"] }));
        assert_eq!(plan.attach(&mut configuration, &name, &module).unwrap().as_str(), "dev-guard");
        plan.complete(&mut configuration).unwrap();
        let written = configuration.json(&BTreeMap::new());
        let route = &written["routes"]["dev-guard"];
        assert_eq!((&route["match"], &route["capture"]), (&json!({}), &json!("all")));
        assert_eq!(route["filters"][0]["grants"], json!({ "secrets": { "webhook": "webhook" }, "kv": ["seen"] }));
        assert_eq!(written["destinations"]["dev-guard"], json!({ "url": "http://127.0.0.1:9", "path": "append" }));
        assert_eq!(written["secrets"]["webhook"]["value_base64"], "aHVzaA==");
        // The next time it is there already.
        plan.attach(&mut configuration, &name, &module).unwrap();
        assert_eq!(configuration.routes.values().next().unwrap().filters.len(), 1);
    }

    #[test]
    fn what_is_missing_is_told() {
        let (plan, name) = (plan(&[]), "guard".parse().unwrap());
        let mut configuration = plan.takes_everything(&name);
        plan.attach(&mut configuration, &name, &pushed(json!({ "secrets": ["webhook"] }))).unwrap();
        let said = plan.complete(&mut configuration).unwrap_err().to_string();
        assert_eq!(said, "the filter asks for secret `webhook`: --secret webhook=text:VALUE");
        let said = plan.attach(&mut Configuration::default(), &name, &pushed(json!({}))).unwrap_err().to_string();
        assert_eq!(said, "`route.toml` has 0 routes, and none has a filter of module `guard`: put it on one of them");
    }
}
