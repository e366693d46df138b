//! `apply`: the configuration of a project becomes what a file says, as one change. Applying it again changes nothing.

mod file;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use file::Configuration;
use http::StatusCode;
use model::Faults;
use serde_json::Value;

use super::{
    Global,
    answers::{Applied, Change, Module},
    failure::Failure,
    show,
};
use crate::settings::written::Source;

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
        let name = self.file.display().to_string();
        let text = std::fs::read_to_string(&self.file)
            .map_err(|error| Failure::usage(format!("`{name}` cannot be read: {error}")))?;
        let source = Source { name: &name, text: &text };
        let folder = self.file.parent().unwrap_or(Path::new(""));
        let configuration = Configuration::read(&source, &global.project, folder)?;
        check(&configuration)?;
        let sent = self.send(global, &configuration).await;
        // What the host finds wrong is shown at the lines where it was written.
        sent.map_err(|mut failure| {
            let table = source.parse(&mut Faults::default());
            failure.faults = source.locate(&table, std::mem::take(&mut failure.faults));
            failure
        })
    }

    /// Modules first: a configuration names them by their digests.
    async fn send(&self, global: &Global, configuration: &Configuration) -> Result<(), Failure> {
        let client = global.client()?;
        let dry_run = if self.dry_run { "?dry_run=true" } else { "" };
        let (mut digests, mut new) = (BTreeMap::new(), BTreeMap::new());
        for (name, bytes) in &configuration.modules {
            let pushed = client.post_module(&format!("/modules/{name}{dry_run}"), bytes.clone()).await;
            let pushed = pushed.map_err(|failure| failure.below(&format!("modules.{name}.file")))?;
            let module: Module = pushed.read()?;
            if pushed.status == StatusCode::CREATED {
                new.insert(name.as_str(), if module.version == 1 { "created" } else { "updated" });
            }
            digests.insert(name, module.digest);
        }
        let query = match (self.dry_run, self.prune) {
            (false, false) => "",
            (true, false) => "?dry_run=true",
            (false, true) => "?prune=true",
            (true, true) => "?dry_run=true&prune=true",
        };
        let mut answer = client.post(&format!("/apply{query}"), &configuration.json(&digests)).await?;
        tell_pushed(&mut answer.body, &new);
        global.show(&answer, |applied: Applied| text(&applied, self.dry_run))
    }
}

/// To the host, a module that was pushed a moment ago was there already.
fn tell_pushed(answer: &mut Value, new: &BTreeMap<&str, &str>) {
    for change in answer["changes"].as_array_mut().into_iter().flatten().filter(|change| change["kind"] == "module") {
        if let Some(word) = change["name"].as_str().and_then(|name| new.get(name)) {
            change["change"] = (*word).into();
        }
    }
}

/// What changed, in the order in which the host tells it; in a dry run with the differences.
fn text(applied: &Applied, dry_run: bool) -> String {
    let mut text: String = applied.changes.iter().map(|each| change(each, dry_run)).collect();
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
    fn modules_that_were_just_pushed_are_changes() {
        let mut answer = json!({ "changes": [
            { "kind": "module", "name": "a", "change": "unchanged" },
            { "kind": "module", "name": "b", "change": "unchanged" },
            { "kind": "route", "name": "a", "change": "unchanged" },
        ]});
        tell_pushed(&mut answer, &BTreeMap::from([("a", "updated")]));
        let words: Vec<&str> =
            answer["changes"].as_array().unwrap().iter().filter_map(|c| c["change"].as_str()).collect();
        assert_eq!(words, ["updated", "unchanged", "unchanged"]);
    }

    #[test]
    fn changes_are_listed() {
        let applied: Applied = serde_json::from_value(json!({ "revision": 12, "changes": [
            { "kind": "module", "name": "verify", "change": "unchanged" },
            { "kind": "route", "name": "github", "change": "updated", "diff": ["- capture: none", "+ capture: \u{1b}all"] },
        ]}))
        .unwrap();
        let plain = |dry_run| anstream::adapter::strip_str(&text(&applied, dry_run)).to_string();
        assert_eq!(plain(false), "unchanged  module verify\nupdated    route github\n1 changed, revision 12\n");
        assert_eq!(
            plain(true),
            "unchanged  module verify\nupdated    route github\n    - capture: none\n    + capture: \\u{1b}all\n\
             1 would change; nothing was changed\n"
        );
    }
}
