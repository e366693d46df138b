//! A recipe as it is written: one route in an apply file, and cases for the last filter of its chain.

use std::path::{Path, PathBuf};

use model::event_file::{EventFile, Parts};
use serde_json::{Value, json};

use crate::support::{repository, target};

/// Where the files of recipes say that destinations are.
const ELSEWHERE: &str = "http://127.0.0.1:9900";
const GUESTS: &str = "../../../target/wasm32-wasip2/guest/";

pub(super) struct Recipe {
    pub(super) name: String,
    pub(super) folder: PathBuf,
    /// `route.toml`.
    pub(super) file: Value,
    /// What its cases have in common.
    pub(super) defaults: Value,
    pub(super) cases: Vec<Case>,
}

pub(super) struct Case {
    pub(super) name: String,
    written: Value,
}

/// The filter's own code: how Markdown calls its language, and the text.
pub(super) struct Code {
    pub(super) language: &'static str,
    pub(super) text: String,
}

/// By the names of their folders.
pub(super) fn all() -> Vec<Recipe> {
    let folder = repository().join("examples/cookbook");
    let folders = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = folders.filter(|path| path.join("route.toml").is_file()).collect();
    folders.sort();
    folders.into_iter().map(Recipe::read).collect()
}

#[track_caller]
fn toml(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A machine with much to do is not the filter's fault.
pub(super) fn make_patient(limits: &mut Value) {
    (limits["time_ms"], limits["wall_ms"]) = (json!(5_000), json!(20_000));
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

impl Recipe {
    fn read(folder: PathBuf) -> Self {
        let files = std::fs::read_dir(folder.join("cases")).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> = files.filter(|path| !path.ends_with("defaults.toml")).collect();
        files.sort();
        let case = |path: &PathBuf| Case { name: stem(path), written: toml(path) };
        Self {
            name: stem(&folder),
            file: toml(&folder.join("route.toml")),
            defaults: toml(&folder.join("cases/defaults.toml")),
            cases: files.iter().map(case).collect(),
            folder,
        }
    }

    /// None where filters that are shipped do it all.
    pub(super) fn code(&self) -> Option<Code> {
        [("rust", "rs"), ("js", "js"), ("python", "py")].into_iter().find_map(|(language, kind)| {
            let text = std::fs::read_to_string(self.folder.join("filter").with_extension(kind)).ok()?;
            Some(Code { language, text })
        })
    }

    pub(super) fn route(&self) -> &Value {
        let routes = self.file["routes"].as_object().unwrap();
        assert_eq!(routes.len(), 1, "{} has one route", self.name);
        routes.values().next().unwrap()
    }

    fn filters(&self) -> &[Value] {
        self.route()["filters"].as_array().unwrap()
    }

    /// The filter that the cases are about.
    pub(super) fn filter(&self) -> &Value {
        self.filters().last().unwrap()
    }

    /// The first filter of the chain, if it is the one that checks who sends.
    pub(super) fn verifies(&self) -> Option<&Value> {
        self.filters().first().filter(|filter| filter["module"] == "verify")
    }

    /// Whether the cases are about checking who sends.
    pub(super) fn is_about_senders(&self) -> bool {
        self.filter()["module"] == "verify"
    }

    /// The names of all destinations that the route lists.
    pub(super) fn destinations(&self) -> Vec<String> {
        let route = self.route();
        texts(&route["forward"]["candidates"]).into_iter().chain(texts(&route["deliver"]["destinations"])).collect()
    }

    pub(super) fn component(&self) -> PathBuf {
        let module = self.filter()["module"].as_str().unwrap();
        self.resolved(&self.file["modules"][module]["file"])
    }

    fn resolved(&self, file: &Value) -> PathBuf {
        let file = file.as_str().unwrap();
        match file.strip_prefix(GUESTS) {
            Some(guest) => target().join("wasm32-wasip2/guest").join(guest),
            None => self.folder.join(file),
        }
    }

    /// The apply file, for destinations at this URL and for a machine with much to do.
    pub(super) fn applied_to(&self, url: &str) -> String {
        let mut file = self.file.clone();
        for module in file["modules"].as_object_mut().unwrap().values_mut() {
            module["file"] = json!(self.resolved(&module["file"]));
        }
        for destination in file["destinations"].as_object_mut().unwrap().values_mut() {
            destination["url"] = json!(destination["url"].as_str().unwrap().replace(ELSEWHERE, url));
        }
        for route in file["routes"].as_object_mut().unwrap().values_mut() {
            route["filters"].as_array_mut().unwrap().iter_mut().for_each(|filter| make_patient(&mut filter["limits"]));
        }
        toml::to_string(&file).unwrap()
    }

    /// The environment variables that the file takes secrets from.
    pub(super) fn variables(&self) -> Vec<String> {
        let secrets = self.file["secrets"].as_object().into_iter().flat_map(|secrets| secrets.values());
        secrets.map(|secret| secret["env"].as_str().unwrap().to_owned()).collect()
    }

    /// The paths at which destinations get what comes of the case.
    pub(super) fn arrivals(&self, case: &Case) -> Vec<String> {
        if !matches!(case.verdict(), "pass" | "edit") {
            return Vec::new();
        }
        let listed = self.destinations();
        let chosen = match case.expect()["chosen"].as_array() {
            Some(_) => texts(&case.expect()["chosen"]),
            None if self.route()["deliver"].is_null() => listed[..1].to_vec(),
            None => listed,
        };
        let own = case.expect()["event"]["path"].as_str().or(case.written["event"]["path"].as_str()).unwrap();
        let path = |name: &String| {
            let destination = &self.file["destinations"][name];
            let fixed = destination["url"].as_str().unwrap().strip_prefix(ELSEWHERE).unwrap();
            if destination["path"] == "append" { format!("{fixed}{own}") } else { fixed.to_owned() }
        };
        let mut paths: Vec<String> = chosen.iter().map(path).collect();
        paths.sort();
        paths
    }

    /// What the sender of the case is answered.
    pub(super) fn status(&self, case: &Case) -> u64 {
        let accepted = if self.route()["deliver"].is_null() && case.verdict() != "drop" { 200 } else { 202 };
        let accepted = self.route()["acknowledgement"].as_u64().unwrap_or(accepted);
        case.expect()["answer"]["status"].as_u64().unwrap_or(accepted)
    }
}

impl Case {
    pub(super) fn expect(&self) -> &Value {
        &self.written["expect"]
    }

    pub(super) fn verdict(&self) -> &str {
        self.expect()["verdict"].as_str().unwrap()
    }

    pub(super) fn times(&self) -> u64 {
        self.written["times"].as_u64().unwrap_or(1)
    }

    pub(super) fn event(&self) -> Parts {
        let file: EventFile = serde_json::from_value(self.written["event"].clone()).unwrap();
        file.read().unwrap_or_else(|faults| panic!("{}: {faults}", self.name))
    }

    /// Whether it is about the route as it stands there, at whatever time.
    pub(super) fn can_be_sent(&self) -> bool {
        ["config", "kv", "time"].iter().all(|key| self.written[key].is_null())
    }
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().to_owned()
}
