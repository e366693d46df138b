//! `apply`: the configuration of a project becomes what a file says, as one change. Applying it again changes nothing.

mod file;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub(crate) use file::Configuration;
use model::{Faults, Name};

use super::{
    Global,
    answers::{Applied, Change, Module},
    client::{Answer, Client},
    failure::Failure,
    show,
};
use crate::written::Source;

#[derive(Debug, clap::Args)]
pub(crate) struct Apply {
    /// The file: TOML with [modules.NAME], [secrets.NAME], [destinations.NAME] and [routes.NAME].
    file: PathBuf,
    /// Check everything and show what would change; change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Remove routes and destinations that the file does not name.
    #[arg(long)]
    prune: bool,
}

impl Apply {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        self.apply(global, |_| Ok(())).await
    }

    /// For `route apply`.
    pub(crate) async fn run_for_one_route(self, global: &Global) -> Result<(), Failure> {
        self.apply(global, |configuration| match configuration.routes.len() {
            1 => Ok(()),
            routes => Err(Failure::usage(format!("the file holds {routes} routes, not one: use `snaphook apply`"))),
        })
        .await
    }

    async fn apply(
        self,
        global: &Global,
        check: impl FnOnce(&Configuration) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let file = ConfigurationFile::open(&self.file)?;
        let configuration = file.read(&global.project)?;
        check(&configuration)?;
        self.send(global, &configuration).await.map_err(|failure| file.locate(failure))
    }

    async fn send(&self, global: &Global, configuration: &Configuration) -> Result<(), Failure> {
        let query = match (self.dry_run, self.prune) {
            (false, false) => "",
            (true, false) => "?dry_run=true",
            (false, true) => "?prune=true",
            (true, true) => "?dry_run=true&prune=true",
        };
        let answer = send(&global.client()?, configuration, query).await?;
        global.show(&answer, |applied: Applied| text(&applied, self.dry_run))
    }
}

/// A file with its text, to tell faults by its lines.
#[derive(Debug)]
pub(crate) struct ConfigurationFile {
    path: PathBuf,
    name: String,
    text: String,
}

impl ConfigurationFile {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("`{name}` cannot be read: {error}")))?;
        Ok(Self { path: path.to_owned(), name, text })
    }

    /// What it says, and what it names outside.
    pub(crate) fn read(&self, project: &Name) -> Result<Configuration, Faults> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        Configuration::read(&self.source(), project, folder)
    }

    /// What the host finds wrong is shown at the lines where it was written.
    pub(crate) fn locate(&self, mut failure: Failure) -> Failure {
        let source = self.source();
        let table = source.parse(&mut Faults::default());
        failure.faults = source.locate(&table, std::mem::take(&mut failure.faults));
        failure
    }

    fn source(&self) -> Source<'_> {
        Source { name: &self.name, text: &self.text }
    }
}

/// A configuration names modules by their digests, so they are uploaded first; as dry runs, so that they are kept with the
/// rest or not at all.
pub(crate) async fn send(client: &Client, configuration: &Configuration, query: &str) -> Result<Answer, Failure> {
    let mut digests = BTreeMap::new();
    for (name, bytes) in &configuration.modules {
        let pushed = client.post_module(&format!("/modules/{name}?dry_run=true"), bytes.clone()).await;
        let pushed = pushed.map_err(|failure| failure.below(&format!("modules.{name}.file")))?;
        let module: Module = pushed.read()?;
        digests.insert(name, module.digest);
    }
    client.post(&format!("/apply{query}"), &configuration.json(&digests)).await
}

/// What changed, in the order in which the host tells it. Of what was there before with the differences: who leaves a filter
/// out of a file takes it off its route.
fn text(applied: &Applied, dry_run: bool) -> String {
    let mut text: String =
        applied.changes.iter().map(|each| change(each, dry_run || each.change == "updated")).collect();
    let changed = applied.changes.iter().filter(|change| change.change != "unchanged").count();
    text.push_str(&match (changed, dry_run) {
        (0, _) => "nothing to change\n".to_owned(),
        (_, true) => format!("{changed} would change; nothing was changed\n"),
        (_, false) => format!("{changed} changed, revision {}\n", applied.revision),
    });
    text
}

fn change(change: &Change, with_diff: bool) -> String {
    let style = match change.change.as_str() {
        "created" => show::GOOD,
        "updated" => show::ODD,
        "deleted" => show::BAD,
        _ => show::FAINT,
    };
    let word = show::styled(style, &format!("{:<9}", show::line(&change.change)));
    let diff = change.diff.iter().filter(|_| with_diff);
    let diff: String = diff.map(|line| format!("    {}\n", show::diff_line(line))).collect();
    format!("{word}  {} {}\n{diff}", show::line(&change.kind), show::line(&change.name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_listed() {
        let applied: Applied = serde_json::from_value(json!({ "revision": 12, "changes": [
            { "kind": "module", "name": "verify", "change": "unchanged" },
            { "kind": "route", "name": "github", "change": "updated", "diff": ["- capture: none", "+ capture: \u{1b}all"] },
        ]}))
        .unwrap();
        let plain = |dry_run| anstream::adapter::strip_str(&text(&applied, dry_run)).to_string();
        assert_eq!(
            plain(false),
            "unchanged  module verify\nupdated    route github\n    - capture: none\n    + capture: \\u{1b}all\n\
             1 changed, revision 12\n"
        );
        assert_eq!(
            plain(true),
            "unchanged  module verify\nupdated    route github\n    - capture: none\n    + capture: \\u{1b}all\n\
             1 would change; nothing was changed\n"
        );
    }
}
