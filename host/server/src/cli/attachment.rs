//! The parts of an attachment as they are typed: configuration, grants, limits, what happens on failure.

use model::{
    Name,
    route::ModuleRef,
    spec::{AttachmentSpec, CandidateMode, GrantsSpec, InstancePolicy, LimitsSpec, OnFailureSpec},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{failure::Failure, serve::pair};

/// What is said about a filter beside its module and grants.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Parts {
    /// Its configuration: JSON, or @FILE.
    #[arg(long, value_name = "JSON|@FILE")]
    pub(crate) config: Option<String>,
    /// Whether each event gets a fresh instance of the module, or instances are used again.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) instance: Instance,
    /// A limit over its default, such as time_ms=20 or memory_bytes=1048576.
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = pair)]
    pub(crate) limits: Vec<(String, String)>,
    /// What happens to an event when the filter fails: closed refuses it (the default), open skips the filter,
    /// previous calls the version that ran before; for one class of failure, such as time=open.
    #[arg(long, value_name = "[CLASS=]POLICY")]
    pub(crate) on_failure: Vec<String>,
}

impl Parts {
    /// The attachment; every fault that can be seen without the host is reported.
    pub(crate) fn spec(&self, name: &Name, module: String, grants: GrantsSpec) -> Result<AttachmentSpec, Failure> {
        Ok(AttachmentSpec {
            name: name.to_string(),
            module,
            candidate: None,
            mode: CandidateMode::Off,
            instance: self.instance.into(),
            config: self.config.as_deref().map_or_else(|| Ok(Value::Object(Map::new())), config)?,
            grants,
            limits: limits(&self.limits)?,
            on_failure: on_failure(&self.on_failure)?,
        })
    }
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(crate) enum Instance {
    /// Fresh, unless that was slow when the module was uploaded.
    #[default]
    Auto,
    Fresh,
    Warm,
}

impl From<Instance> for InstancePolicy {
    fn from(instance: Instance) -> Self {
        match instance {
            Instance::Auto => Self::Auto,
            Instance::Fresh => Self::Fresh,
            Instance::Warm => Self::Warm,
        }
    }
}

/// The name of a filter that nobody named: its module's.
pub(crate) fn filter_name(module: &ModuleRef) -> Result<Name, Failure> {
    match module {
        ModuleRef::Latest(name) | ModuleRef::Version(name, _) | ModuleRef::Alias(name, _) => Ok(name.clone()),
        ModuleRef::Digest(_) => Err(Failure::usage("a digest is no name for a filter: give it one with --name")),
    }
}

fn config(text: &str) -> Result<Value, Failure> {
    let (place, text) = match text.strip_prefix('@') {
        Some(file) => match std::fs::read_to_string(file) {
            Ok(text) => (file, text),
            Err(error) => return Err(Failure::usage(format!("--config: `{file}` cannot be read: {error}"))),
        },
        None => ("--config", text.to_owned()),
    };
    serde_json::from_str(&text).map_err(|error| Failure::usage(format!("{place}: is no JSON: {error}")))
}

/// `secrets.webhook=github`, `secrets.webhook` (the project's secret has the same name), `reveal.token=…`, `kv=deliveries`,
/// `keys=https://…`.
pub(crate) fn grants(written: &[String]) -> Result<GrantsSpec, Failure> {
    let mut grants = GrantsSpec::default();
    for grant in written {
        let (right, value) =
            grant.split_once('=').map_or((grant.as_str(), None), |(right, value)| (right, Some(value)));
        let (kind, name) = right.split_once('.').map_or((right, None), |(kind, name)| (kind, Some(name)));
        match (kind, name, value) {
            ("secrets", Some(name), value) => {
                _ = grants.secrets.insert(name.to_owned(), value.unwrap_or(name).to_owned())
            }
            ("reveal", Some(name), value) => {
                _ = grants.reveal.insert(name.to_owned(), value.unwrap_or(name).to_owned())
            }
            ("kv", None, Some(namespace)) => grants.kv.push(namespace.to_owned()),
            ("keys", None, Some(url)) => grants.keys.push(url.to_owned()),
            _ => {
                return Err(Failure::usage(format!(
                    "--grant: `{grant}` is no grant: write secrets.NAME=SECRET, reveal.NAME=SECRET, \
                     kv=NAMESPACE or keys=URL"
                )));
            }
        }
    }
    Ok(grants)
}

fn limits(written: &[(String, String)]) -> Result<LimitsSpec, Failure> {
    let mut limits = Map::new();
    for (name, number) in written {
        let number: u64 = number.parse().map_err(|_| {
            Failure::usage(format!("--limit {name}: `{number}` is no whole number: milliseconds, bytes or a count"))
        })?;
        limits.insert(name.clone(), number.into());
    }
    read("--limit", limits)
}

fn on_failure(written: &[String]) -> Result<OnFailureSpec, Failure> {
    let policies = written.iter().map(|text| {
        let (class, policy) = text.split_once('=').unwrap_or(("default", text));
        (class.to_owned(), Value::from(policy))
    });
    read("--on-failure", policies.collect())
}

/// The policies as they are typed: `closed trap=previous`.
pub(super) fn on_failure_typed(policies: &OnFailureSpec) -> String {
    let written = serde_json::to_value(policies).unwrap_or_default();
    let typed = written.as_object().into_iter().flatten().filter_map(|(class, policy)| {
        let policy = policy.as_str()?;
        Some(if class == "default" { policy.to_owned() } else { format!("{class}={policy}") })
    });
    typed.collect::<Vec<_>>().join(" ")
}

fn read<T: DeserializeOwned>(option: &str, written: Map<String, Value>) -> Result<T, Failure> {
    T::deserialize(Value::Object(written)).map_err(|error| Failure::usage(format!("{option}: {error}")))
}

#[cfg(test)]
mod tests {
    use model::spec::Policy;
    use serde_json::json;

    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn grants_are_read() {
        let read =
            grants(&texts(&["secrets.webhook=github", "secrets.other", "reveal.a.b=c", "kv=x", "kv=y"])).unwrap();
        assert_eq!(
            read.secrets.into_iter().collect::<Vec<_>>(),
            [("other".to_owned(), "other".to_owned()), ("webhook".to_owned(), "github".to_owned())]
        );
        assert_eq!(read.reveal["a.b"], "c");
        assert_eq!(read.kv, ["x", "y"]);
        for wrong in ["kv", "secrets", "secrets=x", "hosts.x=y", "kv.x=y"] {
            assert_eq!(
                grants(&texts(&[wrong])).unwrap_err().to_string(),
                format!(
                    "--grant: `{wrong}` is no grant: write secrets.NAME=SECRET, reveal.NAME=SECRET, kv=NAMESPACE or keys=URL"
                )
            );
        }
    }

    #[test]
    fn an_attachment_is_put_together() {
        let parts = Parts {
            instance: Instance::Auto,
            config: Some(r#"{"a": 1}"#.to_owned()),
            limits: vec![("time_ms".to_owned(), "20".to_owned())],
            on_failure: texts(&["open", "bad-output=closed", "trap=previous"]),
        };
        let spec = parts.spec(&"verify".parse().unwrap(), "verify@3".to_owned(), GrantsSpec::default()).unwrap();
        assert_eq!((spec.config, spec.limits.time_ms), (json!({"a": 1}), Some(20)));
        assert_eq!((spec.on_failure.default, spec.on_failure.bad_output), (Policy::Open, Some(Policy::Closed)));
        assert_eq!(spec.on_failure.trap, Some(Policy::Previous));
        assert_eq!(on_failure_typed(&spec.on_failure), "open trap=previous bad-output=closed");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_option() {
        let failure = |parts: Parts| {
            parts.spec(&"x".parse().unwrap(), "x".to_owned(), GrantsSpec::default()).unwrap_err().to_string()
        };
        let limit =
            |name: &str, number: &str| Parts { limits: vec![(name.to_owned(), number.to_owned())], ..Parts::default() };
        assert_eq!(
            failure(limit("time_ms", "fast")),
            "--limit time_ms: `fast` is no whole number: milliseconds, bytes or a count"
        );
        assert!(
            failure(limit("tim_ms", "1")).starts_with("--limit: unknown field `tim_ms`, expected one of `time_ms`, ")
        );
        let policies = Parts { on_failure: texts(&["maybe"]), ..Parts::default() };
        assert_eq!(
            failure(policies),
            "--on-failure: unknown variant `maybe`, expected one of `closed`, `open`, `previous`"
        );
        let config = |text: &str| Parts { config: Some(text.to_owned()), ..Parts::default() };
        assert_eq!(failure(config("{a}")), "--config: is no JSON: key must be a string at line 1 column 2");
        assert!(failure(config("@/no/such")).starts_with("--config: `/no/such` cannot be read: "));
    }
}
