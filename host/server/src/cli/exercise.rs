//! `test`: a filter is run here, in this process, under the limits that the host would hold it to.

mod bless;
mod case;
mod expected;
mod rig;
mod suite;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use filters::{Ran, kv::Overlay};
use http::HeaderMap;
use model::{
    Event, EventId, Faults, Name, Secret, Timestamp,
    event_file::Parts,
    record::{Outcome, Run},
    spec::GrantsSpec,
};
pub(crate) use rig::Values;
use rig::{Attaching, Missing, Rig, Turn};
use serde_json::{Value, json};

use super::{
    Global, attachment,
    difference::difference,
    event_file,
    failure::{Exit, Failure},
    module,
    secret::{of_file, of_variable},
    send,
    serve::pair,
    show, story,
};

pub(crate) use rig::load;

/// Where cases are if nobody says.
const CASES: &str = "cases";

#[derive(Debug, clap::Args)]
#[command(
    after_long_help = "An event says what comes in and shows what comes of it; cases also say what is right. With \
neither --event nor --cases, the cases in the folder `cases` are run."
)]
pub(crate) struct Exercise {
    /// The component: a .wasm file. By default the one in this folder.
    file: Option<PathBuf>,
    /// One event: a JSON file with method, path, query, headers and one of body, body_text, body_base64.
    #[arg(long, value_name = "FILE")]
    event: Option<PathBuf>,
    /// A folder of cases, or one case: TOML files that say what comes in and what is to come of it.
    #[arg(long, value_name = "FOLDER|FILE", conflicts_with_all = ONE_EVENT)]
    cases: Option<PathBuf>,
    /// Show what came of each case that is not what the case expects, and write it into the case as what is right.
    #[arg(long, conflicts_with_all = ONE_EVENT)]
    bless: bool,
    /// Run each case so many times: its microseconds are the median.
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=10_000), conflicts_with_all = ONE_EVENT)]
    runs: u32,
    /// A secret to verify and sign with: NAME=env:VARIABLE, NAME=file:FILE or NAME=text:VALUE. NAME is what the filter's
    /// code says.
    #[arg(long, value_name = "NAME=SOURCE", value_parser = pair)]
    secret: Vec<(String, String)>,
    /// A secret that the filter may read, written in the same way.
    #[arg(long, value_name = "NAME=SOURCE", value_parser = pair)]
    reveal: Vec<(String, String)>,
    /// Sign the event as GitHub would, with the secret of this name.
    #[arg(long, value_name = "NAME")]
    sign: Option<String>,
    /// A key-value namespace; it is empty at the start.
    #[arg(long, value_name = "NAMESPACE")]
    kv: Vec<String>,
    /// A destination that the route would list, for filters that choose.
    #[arg(long, value_name = "NAME", default_value = "destination")]
    destination: Vec<Name>,
    /// What the route would do with the event; in mode deliver a filter may choose several destinations.
    #[arg(long, value_name = "MODE", value_enum, default_value_t = rig::Mode::Forward)]
    mode: rig::Mode,
    /// Run the filter with this event so many times, over the same key-value namespaces; the last run is shown.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    times: u32,
    /// The verdict that is right: pass, edit, reject, respond, drop, retry-later, or failed. Any other one exits with 1.
    #[arg(long, value_name = "VERDICT", value_parser = ["pass", "edit", "reject", "respond", "drop", "retry-later", "failed"])]
    expect: Option<String>,
    #[command(flatten)]
    parts: attachment::Parts,
}

/// What a case says itself.
const ONE_EVENT: [&str; 13] = [
    "event",
    "secret",
    "reveal",
    "sign",
    "kv",
    "destination",
    "mode",
    "times",
    "expect",
    "config",
    "instance",
    "limits",
    "on_failure",
];

impl Exercise {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        match &self.event {
            Some(event) => self.run_event(global, event).await,
            None => self.run_cases(global).await,
        }
    }

    async fn run_cases(&self, global: &Global) -> Result<(), Failure> {
        if !(self.secret.is_empty() && self.reveal.is_empty() && self.kv.is_empty()) || self.sign.is_some() {
            return Err(Failure::usage("there is no --event to run with these secrets and namespaces"));
        }
        let cases = self.cases.clone().unwrap_or_else(|| PathBuf::from(CASES));
        if self.cases.is_none() && !cases.is_dir() {
            return Err(Failure::usage(
                "what is the filter to be run with? name an event with --event, or cases with --cases",
            ));
        }
        let suite = suite::Suite { runs: self.runs, bless: self.bless };
        suite.run(global, &self.component()?, &cases).await
    }

    fn component(&self) -> Result<PathBuf, Failure> {
        self.file.clone().map_or_else(only_component, Ok)
    }

    async fn run_event(&self, global: &Global, event: &Path) -> Result<(), Failure> {
        let mut file = event_file::open(event)?;
        if let Some(name) = &self.sign {
            let secrets = values("--secret", &self.secret)?;
            let secret = secrets.get(name).and_then(|values| values.first());
            let secret = secret.ok_or_else(|| Failure::usage(format!("--sign: there is no --secret {name}=…")))?;
            send::sign_for_github(&mut file.headers, &file.body, Some(secret), rand::random());
        }
        let rig = self.put_up(global).await?;
        let notes = rig.missing.iter().map(hint);
        notes.for_each(|hint| show::note(&format!("{} {hint}", show::styled(show::ODD, "note:"))));
        let (event, ran) = self.call(&rig, file).await;
        let run = ran.runs.last().ok_or_else(|| Failure::failed("the filter was not called"))?;
        if global.json {
            show::print_json(&told_as_json(&ran, run))?;
        } else {
            show::print(&format!("{}{}", story::run(run), told(&event, &ran)))?;
        }
        match (&self.expect, verdict(&run.outcome)) {
            (Some(expected), got) if expected != got => {
                Err(Failure::new(Exit::Failed, format!("expected verdict `{expected}`, got `{got}`")))
            }
            (None, "failed") => Err(Failure::new(Exit::Failed, "the filter failed")),
            _ => Ok(()),
        }
    }

    /// The filter, configured, as it would be on a route.
    async fn put_up(&self, global: &Global) -> Result<Rig, Failure> {
        let component = self.component()?;
        let module = load(&component).await?;
        let own = |pairs: &[(String, String)]| pairs.iter().map(|(name, _)| (name.clone(), name.clone())).collect();
        let (secrets, reveal) = (own(&self.secret), own(&self.reveal));
        let grants = GrantsSpec { secrets, reveal, kv: self.kv.clone(), keys: Vec::new() };
        let attaching = Attaching {
            project: global.project.clone(),
            spec: self.parts.spec(&filter_name(&component), module.digest.to_string(), grants)?,
            usable: values("--secret", &self.secret)?,
            revealed: values("--reveal", &self.reveal)?,
            destinations: self.destination.clone(),
            mode: self.mode,
        };
        Rig::put_up(&module, attaching).await.map_err(option_faults)
    }

    /// The event, and what came of it the last time.
    async fn call(&self, rig: &Rig, file: Parts) -> (Event, Ran) {
        let mut now = file.received.unwrap_or_else(Timestamp::now);
        let of_the_file = file.received;
        let event = rig.event(file, EventId::new(now, rand::random()), now);
        let kv = Arc::new(Overlay::default());
        let mut sent = event.clone();
        let mut times = self.times;
        loop {
            let ran = rig.call(&sent, &Turn { now, seed: None, kv: &kv }).await;
            times -= 1;
            if times == 0 {
                return (event, ran);
            }
            now = of_the_file.unwrap_or_else(Timestamp::now);
            // Another event, or it would not be told from the one before.
            sent.id = EventId::new(now, rand::random());
        }
    }
}

/// What the filter is called on the route.
fn filter_name(component: &Path) -> Name {
    module::name_of(component).unwrap_or_else(|_| "filter".parse().expect("this is a name"))
}

/// Faults of the attachment at the options that say it.
fn option_faults(mut faults: Faults) -> Failure {
    for fault in &mut faults.0 {
        fault.at = match fault.at.split_once(['.', '/']) {
            Some(("limits", name)) => format!("--limit {name}"),
            _ => format!("--{}", fault.at),
        };
    }
    faults.into()
}

/// Where `snaphook build` puts it.
fn only_component() -> Result<PathBuf, Failure> {
    let here =
        std::fs::read_dir(".").map_err(|error| Failure::failed(format!("cannot look into this folder: {error}")))?;
    let files = here.filter_map(|entry| entry.ok().map(|entry| entry.file_name()));
    let components =
        files.map(PathBuf::from).filter(|file| file.extension().is_some_and(|extension| extension == "wasm"));
    match components.collect::<Vec<_>>().as_slice() {
        [component] => Ok(component.clone()),
        [] => Err(Failure::usage("there is no .wasm file in this folder: run `snaphook build`, or name one")),
        several => Err(Failure::usage(format!("there are {} .wasm files in this folder: name one", several.len()))),
    }
}

fn hint(missing: &Missing) -> String {
    match missing {
        Missing::Secret(name) => format!("the filter asks for secret `{name}`: --secret {name}=text:VALUE"),
        Missing::Reveal(name) => format!("the filter asks to read secret `{name}`: --reveal {name}=text:VALUE"),
        Missing::Kv(name) => format!("the filter asks for key-value namespace `{name}`: --kv {name}"),
    }
}

pub(crate) fn values(option: &str, pairs: &[(String, String)]) -> Result<Values, Failure> {
    let read = |(name, source): &(String, String)| match source.split_once(':') {
        Some(("env", variable)) => of_variable(variable).map(|secret| (name.clone(), vec![secret])),
        Some(("file", file)) => of_file(Path::new(file)).map(|secret| (name.clone(), vec![secret])),
        Some(("text", text)) => Ok((name.clone(), vec![Secret::new(text.as_bytes().to_vec())])),
        _ => Err("write NAME=env:VARIABLE, NAME=file:FILE or NAME=text:VALUE".to_owned()),
    };
    let values: Result<_, String> =
        pairs.iter().map(|pair| read(pair).map_err(|problem| format!("{option} {}: {problem}", pair.0))).collect();
    values.map_err(Failure::usage)
}

/// The word for what a call came to.
fn verdict(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Verdict { verdict, .. } => verdict,
        Outcome::Failure { .. } => "failed",
    }
}

/// What the filter made of the event, as a difference, and what it said beside its verdict.
fn told(before: &Event, ran: &Ran) -> String {
    let after = &ran.draft.current;
    let said = said(ran);
    let mut text = String::new();
    if !said.is_empty() {
        text.push('\n');
        text.push_str(&show::facts(&said));
    }
    text.push_str(&difference(&parts(before), &parts(after)));
    text
}

fn said(ran: &Ran) -> Vec<(&'static str, String)> {
    let said = &ran.draft.annotations;
    let mut facts: Vec<(&str, String)> =
        said.labels.iter().map(|(name, value)| ("label", format!("{name} = {value}"))).collect();
    facts.extend(ran.draft.chosen.iter().flatten().map(|name| ("chosen", name.to_string())));
    facts.extend(said.idempotency_key.iter().map(|key| ("idempotency key", key.clone())));
    facts.extend(said.order_key.iter().map(|key| ("order key", key.clone())));
    facts.extend(said.deliver_after.iter().map(|time| ("deliver after", show::time(time.as_millis()))));
    facts
        .extend(said.answer.iter().map(|answer| ("answer", format!("{}, {} bytes", answer.status, answer.body.len()))));
    facts
}

fn parts(event: &Event) -> Parts {
    Parts {
        method: event.method.clone(),
        path: event.path.clone(),
        query: event.query.clone(),
        received: None,
        headers: (*event.headers).clone(),
        body: event.body.clone().unwrap_or_default(),
    }
}

fn readable(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}

fn told_as_json(ran: &Ran, run: &Run) -> Value {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    let (after, said) = (&ran.draft.current, &ran.draft.annotations);
    json!({
        "verdict": verdict(&run.outcome),
        "run": run,
        "chosen": ran.draft.chosen.as_ref().map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>()),
        "labels": said.labels,
        "idempotency_key": said.idempotency_key,
        "order_key": said.order_key,
        "deliver_after": said.deliver_after,
        "event": {
            "method": after.method.as_str(),
            "path": after.path,
            "query": after.query,
            "headers": readable(&after.headers),
            "body_base64": STANDARD.encode(after.body.as_deref().unwrap_or_default()),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_come_from_where_they_are_said_to_be() {
        let of = |source: &str| values("--secret", &[("webhook".to_owned(), source.to_owned())]);
        assert_eq!(of("text:a:b").unwrap()["webhook"][0].expose(), b"a:b");
        for (source, problem) in [
            ("plain", "--secret webhook: write NAME=env:VARIABLE, NAME=file:FILE or NAME=text:VALUE"),
            ("env:SURELY_NOT_SET", "--secret webhook: the environment variable `SURELY_NOT_SET` is not set"),
        ] {
            assert_eq!(of(source).unwrap_err().to_string(), problem);
        }
    }
}
