//! `test`: a filter is run here, in this process, under the limits that the host would hold it to.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
};

use filters::{Chain, Engine, Filter, Given, Module, Ran, Secrets, kv::Overlay};
use http::HeaderMap;
use model::{
    Attachment, Draft, Event, EventId, Faults, Name, Phase, Scheme, Secret, Timestamp,
    event_file::Parts,
    limits::BODY_BYTES_MOST,
    record::{Outcome, Run},
    spec::{AttachmentSpec, ForwardSpec, GrantsSpec, RouteSpec},
};
use serde_json::{Value, json};

use super::{
    Global, attachment, event_file,
    failure::{Exit, Failure},
    module,
    secret::{of_file, of_variable},
    send::sign_for_github,
    serve::pair,
    show, story,
};
use crate::config_schema;

#[derive(Debug, clap::Args)]
pub(crate) struct Exercise {
    /// The component: a .wasm file. By default the one in this folder.
    file: Option<PathBuf>,
    /// The event: a JSON file with method, path, query, headers and one of body, body_text, body_base64.
    #[arg(long, value_name = "FILE")]
    event: PathBuf,
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
    /// Run the filter with this event so many times, over the same key-value namespaces; the last run is shown.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    times: u32,
    /// The verdict that is right: pass, edit, reject, respond, drop, retry-later, or failed. Any other one exits with 1.
    #[arg(long, value_name = "VERDICT", value_parser = ["pass", "edit", "reject", "respond", "drop", "retry-later", "failed"])]
    expect: Option<String>,
    #[command(flatten)]
    parts: attachment::Parts,
}

impl Exercise {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        let mut file = event_file::open(&self.event)?;
        if let Some(name) = &self.sign {
            let secrets = values("--secret", &self.secret)?;
            let secret = secrets.get(name).and_then(|values| values.first());
            let secret = secret.ok_or_else(|| Failure::usage(format!("--sign: there is no --secret {name}=…")))?;
            sign_for_github(&mut file.headers, &file.body, Some(secret));
        }
        let component = self.file.clone().map_or_else(only_component, Ok)?;
        let module = load(&component).await?;
        let name = module::name_of(&component).unwrap_or_else(|_| "filter".parse().expect("this is a name"));
        let filter = self.attach(Arc::clone(&module), &global.project, &name).await?;
        let missing = missing(&module, &filter.1);
        missing.iter().for_each(|hint| show::note(&format!("{} {hint}", show::styled(show::ODD, "note:"))));
        let event = event(file, &filter.0);
        let ran = self.call(filter.0, &event).await;
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
            _ => Ok(()),
        }
    }

    /// The filter, configured, as it would be on a route; and its attachment.
    async fn attach(&self, module: Arc<Module>, project: &Name, name: &Name) -> Result<(Filter, Attachment), Failure> {
        let own = |pairs: &[(String, String)]| pairs.iter().map(|(name, _)| (name.clone(), name.clone())).collect();
        let (secrets, reveal) = (own(&self.secret), own(&self.reveal));
        let grants = GrantsSpec { secrets, reveal, kv: self.kv.clone(), keys: Vec::new() };
        let spec = self.parts.spec(name, module.digest.to_string(), grants)?;
        let mut faults = Faults::default();
        faults.keep("--config", config_schema::check(&module.manifest, &spec.config));
        faults.or(())?;
        let attachment = self.meant(project, spec)?;
        let prepared = module
            .configure(&attachment.config, &attachment.limits)
            .await
            .map_err(|refused| Failure::failed(format!("--config: {refused}")))?;
        let secrets =
            Secrets { usable: values("--secret", &self.secret)?, revealed: values("--reveal", &self.reveal)? };
        let route = "test".parse().expect("this is a name");
        Ok((Filter::new(project, &route, &attachment, module, prepared, secrets), attachment))
    }

    /// What is written becomes what is meant as it would on a route.
    fn meant(&self, project: &Name, spec: AttachmentSpec) -> Result<Attachment, Failure> {
        let candidates = self.destination.iter().map(ToString::to_string).collect();
        let route = RouteSpec {
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
        let route = route.read(project, &"test".parse().expect("this is a name"))?;
        route.filters.into_iter().next().ok_or_else(|| Failure::failed("the route lost its filter"))
    }

    async fn call(&self, filter: Filter, event: &Event) -> Ran {
        let chain = Chain::new(vec![Arc::new(filter)]);
        let kv = Arc::new(Overlay::default());
        let mut now = event.received;
        let mut event = event.clone();
        let mut times = self.times;
        loop {
            let given = Given {
                phase: Phase::Route,
                now,
                kv: Arc::clone(&kv) as _,
                destinations: self.destination.as_slice().into(),
                exactly_one: true,
                seed: None,
                body_limit: BODY_BYTES_MOST,
            };
            let ran = chain.run(Draft::new(event.clone()), &given).await;
            times -= 1;
            if times == 0 {
                return ran;
            }
            now = Timestamp::now();
            // Another event, or it would not be told from the one before.
            event.id = EventId::new(now, rand::random());
        }
    }
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

/// The component, compiled and tried out as an upload would be.
pub(crate) async fn load(file: &Path) -> Result<Arc<Module>, Failure> {
    let settings = filters::Settings { calls_most: 8, calls_most_per_project: 8, ..filters::Settings::default() };
    let engine = Engine::start(&settings).map_err(Failure::failed)?;
    engine
        .load(module::read(file)?)
        .await
        .map_err(|refused| Failure::failed(format!("`{}`: {refused}", file.display())))
}

/// Grants that the module asks for and does not get, as hints.
fn missing(module: &Module, attachment: &Attachment) -> Vec<String> {
    let (asked, granted) = (&module.manifest, &attachment.grants);
    let secrets = asked.secrets.iter().filter(|name| !granted.secrets.contains_key(*name));
    let reveal = asked.reveal.iter().filter(|name| !granted.reveal.contains_key(*name));
    let kv = asked.kv.iter().filter(|name| !granted.kv.contains(name));
    let hints = secrets.map(|name| format!("the filter asks for secret `{name}`: --secret {name}=text:VALUE"));
    let hints =
        hints.chain(reveal.map(|name| format!("the filter asks to read secret `{name}`: --reveal {name}=text:VALUE")));
    hints.chain(kv.map(|name| format!("the filter asks for key-value namespace `{name}`: --kv {name}"))).collect()
}

fn values(
    option: &str,
    pairs: &[(String, String)],
) -> Result<std::collections::BTreeMap<String, Vec<Secret>>, Failure> {
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

fn event(file: Parts, filter: &Filter) -> Event {
    let received = Timestamp::now();
    Event {
        id: EventId::new(received, rand::random()),
        project: filter.project.clone(),
        route: filter.route.clone(),
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
    let head = show::diff(&head(before), &head(after));
    if !head.is_empty() {
        text.push_str(&format!("\n{}\n{head}", show::styled(show::STRONG, "head")));
    }
    let (old, new) = (before.body.as_deref().unwrap_or_default(), after.body.as_deref().unwrap_or_default());
    if old != new {
        let body = show::diff(&story::body_bytes(old), &story::body_bytes(new));
        let body = if body.is_empty() { "  only its spelling changed\n".to_owned() } else { body };
        text.push_str(&format!("\n{}\n{body}", show::styled(show::STRONG, "body")));
    }
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

fn head(event: &Event) -> String {
    let query = event.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
    format!(
        "{} {}{query}\n{}",
        event.method,
        event.path,
        readable(&event.headers).iter().map(|(name, value)| format!("{name}: {value}\n")).collect::<String>()
    )
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
