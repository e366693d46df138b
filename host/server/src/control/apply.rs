//! A project's whole configuration as one change: applied twice, the second time changes nothing.

use std::collections::BTreeMap;

use model::{Digest, Fault, Faults, Name, destination::DestinationSpec, spec::RouteRecord, spec::RouteSpec};
use serde::{Deserialize, Serialize};
use similar::TextDiff;
use store::registry::{Applied, Project};
use utoipa::ToSchema;

use super::{Author, Changed, Control, Error, SecretSpec, State, Wish, Write};

/// What a project is to have, each by its name.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// What the newest version of each module is to be. Its bytes were uploaded before, by a dry run at least.
    #[serde(default)]
    pub modules: BTreeMap<String, ModuleSpec>,
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretSpec>,
    #[serde(default)]
    pub destinations: BTreeMap<String, DestinationSpec>,
    #[serde(default)]
    pub routes: BTreeMap<String, RouteSpec>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModuleSpec {
    /// SHA-256 of its bytes.
    #[schema(value_type = String, example = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub digest: Digest,
}

/// What applying a configuration came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApplyReport {
    /// The revision that is now served; in a dry run the one that would be.
    pub revision: u64,
    /// Everything that the configuration names, and what was removed because it does not.
    pub changes: Vec<ApplyChange>,
    /// What is right but probably not meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Fault>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApplyChange {
    pub kind: ApplyKind,
    pub name: String,
    pub change: ApplyEffect,
    /// Lines of the thing as JSON, each after ` `, `-` or `+`; `…` where some are left out. Never of a secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diff: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ApplyKind {
    Module,
    Secret,
    Destination,
    Route,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ApplyEffect {
    Created,
    Updated,
    Unchanged,
    Deleted,
}

impl Control {
    /// Adds and updates what the configuration names; with `prune` also removes routes and destinations that it does not
    /// name. All of it or nothing.
    pub async fn apply(
        &self,
        author: &Author,
        configuration: Configuration,
        prune: bool,
    ) -> Result<ApplyReport, Error> {
        // Held from here on, so that what is removed is what was there.
        let mut state = self.state.lock().await;
        let (wanted, faults) = self.wanted(&state, author, configuration, prune).await?;
        let (things, wishes): (Vec<_>, Vec<_>) = wanted.into_iter().unzip();
        let placed: Vec<bool> = wishes.iter().map(Option::is_some).collect();
        let changed = self.change_from(&mut state, author, wishes.into_iter().flatten().collect(), faults).await?;
        drop(state);
        let mut applied = changed.applied.iter();
        let changes = things.into_iter().zip(placed).map(|(thing, placed)| {
            let applied = if placed { applied.next() } else { None };
            thing.change(applied, &changed)
        });
        let changes = changes.collect();
        Ok(ApplyReport { revision: changed.revision, changes, warnings: changed.warnings })
    }

    /// Each thing, with what is to be done about it; and what is wrong with the others.
    async fn wanted(
        &self,
        state: &State,
        author: &Author,
        configuration: Configuration,
        prune: bool,
    ) -> Result<(Vec<(Thing, Option<Wish>)>, Faults), Error> {
        let project = state.contents.projects.get(&author.project);
        let project = project.ok_or_else(|| Error::NotFound(format!("project `{}`", author.project)))?;
        let mut faults = Faults::default();
        let mut wanted = Vec::new();
        for (name, module) in &configuration.modules {
            let at = format!("modules.{name}");
            if let Some(name) = named(&mut faults, &at, name) {
                let write = self.wanted_module(project, author, &name, module.digest).await?;
                let write = faults.keep(&format!("{at}.digest"), write).flatten();
                wanted.push((Thing::new(ApplyKind::Module, &name), write.map(Wish::from)));
            }
        }
        for (name, secret) in configuration.secrets {
            let at = format!("secrets.{name}");
            if let (Some(name), Some((value, older))) =
                (named(&mut faults, &at, &name), faults.keep(&at, secret.read()))
            {
                let thing = Thing::new(ApplyKind::Secret, &name);
                wanted.push((thing, Some(Write::PutSecret { name, value, older }.into())));
            }
        }
        for (name, spec) in configuration.destinations {
            if let Some(name) = named(&mut faults, &format!("destinations.{name}"), &name) {
                let thing = Thing::new(ApplyKind::Destination, &name);
                wanted.push((thing, Some(Write::PutDestination { name, spec }.into())));
            }
        }
        for (name, spec) in configuration.routes {
            if let Some(name) = named(&mut faults, &format!("routes.{name}"), &name) {
                wanted.push((Thing::new(ApplyKind::Route, &name), Some(Write::PutRoute { name, spec }.into())));
            }
        }
        if prune {
            prune_from(project, &mut wanted);
        }
        Ok((wanted, faults))
    }

    /// None if the newest version has these bytes already.
    async fn wanted_module(
        &self,
        project: &Project,
        author: &Author,
        name: &Name,
        digest: Digest,
    ) -> Result<Result<Option<Write>, Faults>, Error> {
        if newest(project, name) == Some(digest) {
            return Ok(Ok(None));
        }
        let uploaded = self.uploads.find(&author.project, digest);
        let (bytes, module) = match uploaded {
            Some(uploaded) => (uploaded.bytes, uploaded.module),
            None if project.modules.iter().any(|known| known.digest == digest) => {
                let bytes = self.registry.module_bytes(digest).await?;
                match self.engine.load(bytes.clone()).await {
                    Ok(module) => (bytes, module),
                    Err(refused) => return Ok(Err(Faults::one("", refused.0))),
                }
            }
            None => {
                let problem = format!(
                    "no module of this project has these bytes; push them first: snaphook module push {name} FILE.wasm"
                );
                return Ok(Err(Faults::one("", problem)));
            }
        };
        Ok(Ok(Some(Write::PushModule { name: name.clone(), bytes, module })))
    }
}

fn named(faults: &mut Faults, at: &str, name: &str) -> Option<Name> {
    faults.keep(at, name.parse().map_err(|problem: String| Faults::one("", problem)))
}

fn newest(project: &Project, name: &Name) -> Option<Digest> {
    let versions = project.modules.iter().filter(|known| known.name == *name);
    versions.max_by_key(|known| known.version).map(|newest| newest.digest)
}

fn prune_from(project: &Project, wanted: &mut Vec<(Thing, Option<Wish>)>) {
    let unnamed = |kind: ApplyKind, name: &str, wanted: &[(Thing, Option<Wish>)]| {
        !wanted.iter().any(|(thing, _)| thing.kind == kind && thing.name == name)
    };
    let routes = project.routes.iter().filter_map(|route| route.record.name.parse::<Name>().ok());
    for name in routes.filter(|name| unnamed(ApplyKind::Route, name.as_str(), wanted)).collect::<Vec<_>>() {
        wanted.push((Thing::new(ApplyKind::Route, &name), Some(Write::RemoveRoute { name }.into())));
    }
    let destinations = project.destinations.iter().map(|known| known.name.clone());
    for name in destinations.filter(|name| unnamed(ApplyKind::Destination, name.as_str(), wanted)).collect::<Vec<_>>() {
        wanted.push((Thing::new(ApplyKind::Destination, &name), Some(Write::RemoveDestination { name }.into())));
    }
}

/// Something that a configuration names, or does not name any more.
struct Thing {
    kind: ApplyKind,
    name: String,
}

impl Thing {
    fn new(kind: ApplyKind, name: &Name) -> Self {
        Self { kind, name: name.to_string() }
    }

    fn change(self, applied: Option<&Applied>, changed: &Changed) -> ApplyChange {
        let (before, after) = (self.text(&changed.before), self.text(&changed.project));
        let change = match (&before, &after) {
            _ if applied.is_none_or(|applied| !applied.changed) => ApplyEffect::Unchanged,
            (None, _) => ApplyEffect::Created,
            (Some(_), Some(_)) => ApplyEffect::Updated,
            (Some(_), None) => ApplyEffect::Deleted,
        };
        let diff = match change {
            ApplyEffect::Unchanged => Vec::new(),
            _ => diff(&before.unwrap_or_default(), &after.unwrap_or_default()),
        };
        ApplyChange { kind: self.kind, name: self.name, change, diff }
    }

    /// As it is compared; none if it is not there.
    fn text(&self, project: &Project) -> Option<String> {
        let is_it = |name: &Name| name.as_str() == self.name;
        match self.kind {
            ApplyKind::Module => newest(project, &self.name.parse().ok()?).map(|digest| format!("{digest}\n")),
            // Whether it is there, and nothing of it.
            ApplyKind::Secret => project.secrets.iter().any(|known| is_it(&known.name)).then(String::new),
            ApplyKind::Destination => {
                project.destinations.iter().find(|known| is_it(&known.name)).map(|known| pretty(&known.spec))
            }
            ApplyKind::Route => project
                .routes
                .iter()
                .find(|known| known.record.name == self.name)
                .map(|known| route_text(&known.record)),
        }
    }
}

/// What its filters run is a part of a route that its specification may not show: `module = "verify"`.
fn route_text(record: &RouteRecord) -> String {
    let mut text = pretty(&record.spec);
    for (filter, resolution) in record.spec.attachments().zip(&record.resolutions) {
        text.push_str(&format!("filter {} runs {}\n", filter.name, resolution.active));
    }
    text
}

fn pretty(spec: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(spec).expect("a specification is JSON");
    text.push('\n');
    text
}

fn diff(before: &str, after: &str) -> Vec<String> {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        if !lines.is_empty() {
            lines.push("…".to_owned());
        }
        lines.extend(
            hunk.iter_changes().map(|change| format!("{}{}", change.tag(), change.value().trim_end_matches('\n'))),
        );
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_shows_what_changes_and_its_surroundings() {
        let before: String = (0..30).map(|line| format!("{line}\n")).collect();
        let after = before.replace("10\n", "ten\n").replace("20\n", "");
        let lines = diff(&before, &after);
        let shown = [
            " 7", " 8", " 9", "-10", "+ten", " 11", " 12", " 13", "…", " 17", " 18", " 19", "-20", " 21", " 22", " 23",
        ];
        assert_eq!(lines, shown);
        assert!(diff(&before, &before).is_empty());
    }

    #[test]
    fn secrets_are_not_shown() {
        let written = r#"{"secrets": {"webhook": {"value": "hush"}}}"#;
        let configuration: Configuration = serde_json::from_str(written).unwrap();
        assert!(!format!("{configuration:?}").contains("hush"));
    }
}
