//! The file that `apply` reads. What it names outside (components, files and variables that hold secrets) is read along
//! with it, so that everything that is wrong is reported at once and before anything is sent.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use model::{Faults, Name, Secret, destination::DestinationSpec, spec::RouteSpec};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Value, json};
use toml::de::{DeTable, DeValue};

use crate::{
    cli::{module, secret},
    written::{Source, join, unquoted},
};

/// Everything that the file says, ready to be sent.
#[derive(Debug, Default)]
pub(crate) struct Configuration {
    pub(crate) modules: BTreeMap<Name, Bytes>,
    pub(crate) secrets: BTreeMap<Name, Secret>,
    pub(crate) destinations: BTreeMap<Name, DestinationSpec>,
    pub(crate) routes: BTreeMap<Name, RouteSpec>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModuleFile {
    /// Relative to the file that names it.
    file: PathBuf,
}

/// Where a secret's value is: in one of the three.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
struct SecretSource {
    env: Option<String>,
    /// Relative to the file that names it.
    file: Option<PathBuf>,
    #[serde(default, deserialize_with = "unquoted::text")]
    value_base64: Option<String>,
}

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        unquoted::object(deserializer)
    }
}

impl<'de> unquoted::Object<'de> for SecretSource {
    const SHAPE: &'static str = "a table with one of `env`, `file` and `value_base64`";

    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // What is derived.
        Self::deserialize(deserializer)
    }
}

const SECTIONS: &[&str] = &["modules", "secrets", "destinations", "routes"];

impl Configuration {
    /// `folder` is where the file lies. Reports every fault with its line.
    pub(crate) fn read(source: &Source<'_>, project: &Name, folder: &Path) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let table = source.parse(&mut faults);
        for (key, value) in &table {
            let name = key.get_ref().as_ref();
            let problem = match value.get_ref() {
                _ if !SECTIONS.contains(&name) => format!("unknown key; there may be {}", quoted(SECTIONS)),
                DeValue::Table(_) => continue,
                _ => format!("must be a table: write [{name}.NAME]"),
            };
            source.fault(&mut faults, &key.span(), name, &problem);
        }
        let modules: BTreeMap<Name, ModuleFile> = section(source, &table, "modules", |_, _| Ok(()), &mut faults);
        let secrets: BTreeMap<Name, SecretSource> = section(source, &table, "secrets", |_, _| Ok(()), &mut faults);
        let sense = |name: &Name, spec: &DestinationSpec| spec.read(project, name).map(drop);
        let destinations = section(source, &table, "destinations", sense, &mut faults);
        let sense = |name: &Name, spec: &RouteSpec| spec.read(project, name).map(drop);
        let routes = section(source, &table, "routes", sense, &mut faults);
        // What is well written may still lead nowhere.
        let mut outside = Faults::default();
        let modules = modules.into_iter().filter_map(|(name, module)| {
            let read = module::read(&folder.join(&module.file)).map_err(|failure| failure.to_string());
            let read = read.map_err(|problem| outside.add(format!("modules.{name}.file"), problem));
            Some((name, read.ok()?))
        });
        let modules = modules.collect();
        let secrets = secrets.into_iter().filter_map(|(name, secret)| {
            let read =
                secret.read(folder).map_err(|(key, problem)| outside.add(format!("secrets.{name}{key}"), problem));
            Some((name, read.ok()?))
        });
        let secrets = secrets.collect();
        faults.0.extend(source.locate(&table, outside).0);
        faults.or(Self { modules, secrets, destinations, routes })
    }

    /// As the host takes it; the digests are those that it gave the pushed modules.
    pub(crate) fn json(&self, digests: &BTreeMap<&Name, String>) -> Value {
        let modules = digests.iter().map(|(name, digest)| (name.to_string(), json!({ "digest": digest })));
        let secrets = self
            .secrets
            .iter()
            .map(|(name, secret)| (name.to_string(), json!({ "value_base64": STANDARD.encode(secret.expose()) })));
        json!({
            "modules": modules.collect::<serde_json::Map<_, _>>(),
            "secrets": secrets.collect::<serde_json::Map<_, _>>(),
            "destinations": self.destinations,
            "routes": self.routes,
        })
    }
}

/// Everything under one heading, by name.
fn section<T: DeserializeOwned>(
    source: &Source<'_>,
    table: &DeTable<'_>,
    section: &str,
    sense: impl Fn(&Name, &T) -> Result<(), Faults>,
    faults: &mut Faults,
) -> BTreeMap<Name, T> {
    let entries = table.get(section).and_then(|value| value.get_ref().as_table());
    let entries = entries.into_iter().flatten().filter_map(|(key, value)| {
        let path = join(section, key.get_ref());
        let name: Result<Name, String> = key.get_ref().parse();
        if let Err(problem) = &name {
            source.fault(faults, &key.span(), &path, problem);
        }
        let sense = |spec: &T| name.as_ref().map_or(Ok(()), |name| sense(name, spec));
        let read = source.read(&path, value, sense, faults);
        Some((name.ok()?, read?))
    });
    entries.collect()
}

impl SecretSource {
    /// The value; or the key that is at fault, and why.
    fn read(self, folder: &Path) -> Result<Secret, (&'static str, String)> {
        let secret = match (self.env, self.file, self.value_base64) {
            (Some(variable), None, None) => secret::of_variable(&variable).map_err(|problem| (".env", problem))?,
            (None, Some(file), None) => secret::of_file(&folder.join(file)).map_err(|problem| (".file", problem))?,
            (None, None, Some(base64)) => match STANDARD.decode(base64) {
                Ok(bytes) => Secret::new(bytes),
                Err(error) => return Err((".value_base64", format!("is no base64: {error}"))),
            },
            _ => return Err(("", "needs one of `env`, `file` and `value_base64`".to_owned())),
        };
        if secret.expose().is_empty() { Err(("", "the value is empty".to_owned())) } else { Ok(secret) }
    }
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, folder: &Path) -> Result<Configuration, Vec<String>> {
        let source = Source { name: "host.toml", text };
        Configuration::read(&source, &"default".parse().unwrap(), folder)
            .map_err(|faults| faults.0.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_file_says_everything() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("verify.wasm"), b"\0asm").unwrap();
        std::fs::write(folder.path().join("secret"), b"hush\n").unwrap();
        let configuration = read(
            r#"
            [modules.verify]
            file = "verify.wasm"
            [secrets.github]
            file = "secret"
            [secrets.other]
            value_base64 = "AAE="
            [destinations.ci]
            url = "https://ci.example.com/hooks"
            [routes.github]
            match = { path = "/github", methods = ["POST"] }
            forward.candidates = ["ci"]
            [[routes.github.filters]]
            name = "verify"
            module = "verify"
            config = { strict = true, names = ["a", "b"] }
            grants.secrets.webhook = "github"
            limits.time_ms = 20
            on_failure.overload = "open"
            "#,
            folder.path(),
        )
        .unwrap();
        assert_eq!(configuration.modules.keys().map(Name::as_str).collect::<Vec<_>>(), ["verify"]);
        let digests = configuration.modules.keys().map(|name| (name, "sha256:ab".to_owned())).collect();
        let json = configuration.json(&digests);
        assert_eq!(json["modules"], json!({ "verify": { "digest": "sha256:ab" } }));
        assert_eq!(
            json["secrets"],
            json!({ "github": { "value_base64": "aHVzaA==" }, "other": { "value_base64": "AAE=" } })
        );
        assert_eq!(json["destinations"]["ci"], json!({ "url": "https://ci.example.com/hooks", "path": "fixed" }));
        let filter = &json["routes"]["github"]["filters"][0];
        assert_eq!(filter["config"], json!({ "strict": true, "names": ["a", "b"] }));
        assert_eq!(filter["grants"], json!({ "secrets": { "webhook": "github" } }));
        assert_eq!(filter["limits"], json!({ "time_ms": 20 }));
    }

    #[test]
    fn every_fault_is_reported_at_its_line() {
        let faults = read(
            r#"modlues = 1
secrets = 2

[modules.Verify]
file = "x"
[modules.gone]
file = "gone.wasm"

[secretz]

[destinations.ci]
url = "ftp://x"
colour = "red"
[destinations.chat]
url = "ftp://chat"

[routes.github]
match.path = "no-slash"
forward.candidates = []
[[routes.github.filters]]
name = "verify"
module = "x@"
limits.time_ms = 0
"#,
            Path::new("/no/such"),
        )
        .unwrap_err();
        let expected = [
            "host.toml:1: modlues: unknown key; there may be `modules`, `secrets`, `destinations`, `routes`",
            "host.toml:2: secrets: must be a table: write [secrets.NAME]",
            "host.toml:9: secretz: unknown key; there may be `modules`, `secrets`, `destinations`, `routes`",
            "host.toml:4: modules.Verify: `Verify` is not a name: ",
            "host.toml:12: destinations.ci.url: `ftp://x` must begin with http:// or https://",
            "host.toml:13: destinations.ci.colour: unknown field `colour`, expected one of ",
            "host.toml:15: destinations.chat.url: `ftp://chat` must begin with http:// or https://",
            "host.toml:18: routes.github.match.path: ",
            "host.toml:19: routes.github.forward.candidates: ",
            "host.toml:22: routes.github.filters[0].module: ",
            "host.toml:23: routes.github.filters[0].limits.time_ms: ",
            "host.toml:7: modules.gone.file: `/no/such/gone.wasm` cannot be read: ",
        ];
        for expected in expected {
            assert!(
                faults.iter().any(|fault| fault.starts_with(expected)),
                "{expected}\nis not among\n{}",
                faults.join("\n")
            );
        }
        assert_eq!(faults.len(), expected.len(), "{}", faults.join("\n"));
    }

    #[test]
    fn a_secret_has_one_source() {
        let faults = |text: &str| read(text, Path::new("")).unwrap_err();
        assert_eq!(faults("[secrets.a]\n"), ["host.toml:1: secrets.a: needs one of `env`, `file` and `value_base64`"]);
        assert_eq!(
            faults("[secrets.a]\nenv = \"SURELY_NOT_SET\"\n"),
            ["host.toml:2: secrets.a.env: the environment variable `SURELY_NOT_SET` is not set"]
        );
        assert_eq!(
            faults("secrets.a = { env = \"A\", value_base64 = \"\" }"),
            ["host.toml:1: secrets.a: needs one of `env`, `file` and `value_base64`"]
        );
    }

    #[test]
    fn no_fault_quotes_a_secret() {
        let faults =
            read("[secrets]\na = \"hush hush\"\nb = { value_base64 = 12345678 }\n", Path::new("")).unwrap_err();
        let expected = [
            "host.toml:2: secrets.a: is not shown here, and must be a table with one of `env`, `file` and `value_base64`",
            "host.toml:3: secrets.b.value_base64: is not shown here, and must be a text, in quotes",
        ];
        assert_eq!(faults, expected);
    }
}
