//! `route`: what comes in where, through which filters, to whom.

use std::path::PathBuf;

use model::{
    Name,
    spec::{MatchSpec, RouteRecord},
};

use super::{
    Global,
    answers::{List, Trial},
    apply, attachment, event_file,
    failure::Failure,
    show, story,
};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Route {
    /// Write a route, with what it needs, as a file says: as `snaphook apply`, for a file with one route.
    Apply(apply::Apply),
    /// List all routes.
    List,
    /// Show a route and its filters.
    Show {
        /// Its name.
        name: Name,
    },
    /// Remove a route.
    Rm {
        /// Its name.
        name: Name,
    },
    /// Try a route with an event: its filters run on the host as they are, nothing is sent and nothing kept.
    Test {
        /// Its name.
        name: Name,
        /// The event: a JSON file with method, path, query, headers and one of body, body_text, body_base64.
        #[arg(long, value_name = "FILE")]
        event: PathBuf,
    },
}

impl Route {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        match self {
            Self::Apply(apply) => apply.run_for_one_route(global).await,
            Self::List => {
                let answer = global.client()?.get("/routes").await?;
                global.show(&answer, |List { items }: List<RouteRecord>| {
                    show::table(&["name", "match", "filters", "to"], items.iter().map(row))
                })
            }
            Self::Show { name } => {
                let answer = global.client()?.get(&format!("/routes/{name}")).await?;
                global.show(&answer, |record: RouteRecord| text(&record))
            }
            Self::Rm { name } => {
                let answer = global.client()?.delete(&format!("/routes/{name}")).await?;
                global.done(&answer, &format!("route {name} is removed"))
            }
            Self::Test { name, event } => {
                let event = event_file::open(&event)?;
                let answer =
                    global.client()?.post(&format!("/routes/{name}/test"), &serde_json::json!(event.file())).await?;
                global.show(&answer, |trial: Trial| told(&trial))
            }
        }
    }
}

fn matches(spec: &MatchSpec) -> String {
    let methods = if spec.methods.is_empty() { String::new() } else { format!("{} ", spec.methods.join(",")) };
    let host = spec.host.as_deref().unwrap_or_default();
    let path = spec.path.as_deref().unwrap_or("/{*rest}");
    let headers = spec.headers.iter().map(|header| match &header.equals {
        Some(value) => format!(" {}={value}", header.name),
        None => format!(" {}", header.name),
    });
    format!("{methods}{host}{path}{}", headers.collect::<String>())
}

fn destinations(record: &RouteRecord) -> String {
    if let Some(deliver) = &record.spec.deliver {
        return format!("{} (stored)", deliver.destinations.join(" + "));
    }
    let Some(forward) = &record.spec.forward else { return String::new() };
    let default = forward.default.as_ref().or(forward.candidates.first());
    let named = |name: &String| {
        if Some(name) == default && forward.candidates.len() > 1 { format!("{name}*") } else { name.clone() }
    };
    forward.candidates.iter().map(named).collect::<Vec<_>>().join(", ")
}

fn row(record: &RouteRecord) -> Vec<String> {
    let filters: Vec<&str> = record.spec.filters.iter().map(|filter| filter.name.as_str()).collect();
    vec![record.name.clone(), matches(&record.spec.matches), filters.join(" → "), destinations(record)]
}

/// A route and its filters.
pub(crate) fn text(record: &RouteRecord) -> String {
    let mut text = show::facts(&[
        ("route", record.name.clone()),
        ("match", matches(&record.spec.matches)),
        ("to", destinations(record)),
        ("revision", record.revision.to_string()),
    ]);
    if record.spec.filters.is_empty() {
        return text;
    }
    let rows = record.spec.filters.iter().enumerate().map(|(index, filter)| {
        let digest = record.resolutions.get(index).map(|resolution| resolution.active.short()).unwrap_or_default();
        let secrets = filter.grants.secrets.iter().map(|(name, secret)| format!("secrets.{name}={secret}"));
        let reveal = filter.grants.reveal.iter().map(|(name, secret)| format!("reveal.{name}={secret}"));
        let grants = secrets.chain(reveal).chain(filter.grants.kv.iter().map(|namespace| format!("kv={namespace}")));
        let grants: Vec<String> = grants.chain(filter.grants.keys.iter().map(|url| format!("keys={url}"))).collect();
        let on_failure = attachment::on_failure_typed(&filter.on_failure);
        vec![index.to_string(), filter.name.clone(), filter.module.clone(), digest, on_failure, grants.join(" ")]
    });
    text.push('\n');
    text.push_str(&show::table(&["#", "filter", "module", "runs", "on failure", "grants"], rows));
    text
}

/// What a route would have done.
fn told(trial: &Trial) -> String {
    let mut text: String = trial.record.filters.iter().map(story::run).collect();
    let reason = trial.record.reason.as_deref().map(|reason| format!("  {}", show::line(reason))).unwrap_or_default();
    text.push_str(&format!("\n{}{reason}\n", story::disposition(trial.record.disposition, 0)));
    let part = |heading: String, headers: &[(String, String)], body: &str| {
        let headers: String =
            headers.iter().map(|(name, value)| format!("{}: {}\n", show::line(name), show::line(value))).collect();
        format!(
            "\n{}\n{headers}\n{}",
            show::styled(show::STRONG, &show::line(&heading)),
            show::lines(&story::body(body))
        )
    };
    if let Some(forward) = &trial.forward {
        let query = forward.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
        let heading = format!("to {}: {} {}{query}", forward.destination, forward.method, forward.path);
        text.push_str(&part(heading, &forward.headers, &forward.body_base64));
    }
    if let Some(answer) = &trial.answer {
        text.push_str(&part(format!("answer: {}", answer.status), &answer.headers, &answer.body_base64));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record() -> RouteRecord {
        serde_json::from_value(json!({
            "name": "github", "revision": 7,
            "spec": {
                "match": { "host": "hooks.example.com", "path": "/github", "methods": ["POST"], "headers": [{ "name": "x-a" }] },
                "forward": { "candidates": ["ci", "chat"], "default": "chat" },
                "filters": [{ "name": "verify", "module": "github-verify@1",
                    "grants": { "secrets": { "webhook": "github" }, "kv": ["deliveries"] },
                    "on_failure": { "trap": "previous" } }],
            },
            "resolutions": [{ "active": format!("sha256:{}", "ab".repeat(32)) }],
        }))
        .unwrap()
    }

    #[test]
    fn a_route_is_shown_with_its_filters() {
        assert_eq!(
            anstream::adapter::strip_str(&text(&record())).to_string(),
            "route     github\n\
             match     POST hooks.example.com/github x-a\n\
             to        ci, chat*\n\
             revision  7\n\
             \n\
             #  FILTER  MODULE           RUNS          ON FAILURE            GRANTS\n\
             0  verify  github-verify@1  abababababab  closed trap=previous  secrets.webhook=github kv=deliveries\n"
        );
        assert_eq!(row(&record()), ["github", "POST hooks.example.com/github x-a", "verify", "ci, chat*"]);
    }

    #[test]
    fn a_trial_is_told() {
        let trial: Trial = serde_json::from_value(json!({
            "record": { "id": "evt_1", "project": "default", "route": "github", "received": 0, "source": "127.0.0.1",
                "method": "POST", "path": "/github", "revision": 1, "disposition": "forwarded", "status": 0, "duration_us": 1,
                "body_bytes": 2, "filters": [] },
            "forward": { "destination": "ci", "method": "POST", "path": "/github", "query": "a=1",
                "headers": [["x-a", "\u{1b}"]], "body_base64": "e30=" },
            "answer": null,
        }))
        .unwrap();
        assert_eq!(
            anstream::adapter::strip_str(&told(&trial)).to_string(),
            "\nforwarded\n\nto ci: POST /github?a=1\nx-a: \\u{1b}\n\n{}\n"
        );
    }
}
