//! `destination`: where events go.

use model::{
    Name,
    delivery::{Breaker, Condition},
    destination::{DestinationSpec, FailoverSpec, PathRule, RateSpec, SignSpec, SignatureScheme},
    retry::RetrySpec,
};

use super::{
    Global,
    answers::{self, List},
    failure::Failure,
    show,
};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Destination {
    /// Create a destination, or change it.
    Set(Set),
    /// List all destinations.
    List,
    /// Show one destination.
    Show {
        /// Its name.
        name: Name,
    },
    /// Hold back all deliveries to a destination; what comes for it waits.
    Disable {
        /// Its name.
        name: Name,
        /// For people.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Send to a destination again: what waits for it at once.
    Enable {
        /// Its name.
        name: Name,
    },
    /// Remove a destination that no route names.
    Rm {
        /// Its name.
        name: Name,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Set {
    /// Its name.
    name: Name,
    /// http:// or https://, without user and fragment.
    #[arg(value_name = "URL")]
    url: String,
    /// Add the event's own path and query after the URL's path.
    #[arg(long)]
    append_path: bool,
    /// A header that every request gets: NAME:VALUE; may be given several times.
    #[arg(long = "header", value_name = "NAME:VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// Sign deliveries after Standard Webhooks with this secret of the project: `whsec_…`, or `whsk_…` with
    /// `--sign-scheme v1a`.
    #[arg(long, value_name = "SECRET")]
    sign: Option<Name>,
    /// `v1` is HMAC-SHA256, `v1a` Ed25519.
    #[arg(long, requires = "sign", value_parser = scheme, default_value = "v1")]
    sign_scheme: SignatureScheme,
    /// Deliveries: the seconds after each failed attempt until the next, with commas between; default a little over three days.
    #[arg(long, value_name = "SECONDS", value_delimiter = ',')]
    retry_seconds: Option<Vec<u64>>,
    /// Deliveries: the most that are made at the same time; default 16.
    #[arg(long, value_name = "N")]
    concurrency: Option<u32>,
    /// Deliveries: the most that are begun in a second.
    #[arg(long, value_name = "N")]
    per_second: Option<u32>,
    /// Deliveries: the destination that steps in when this one fails.
    #[arg(long, value_name = "DESTINATION")]
    failover: Option<Name>,
    /// Milliseconds until a connection is there; default 5000.
    #[arg(long, value_name = "MS")]
    connect_timeout_ms: Option<u64>,
    /// Milliseconds from the sent request to the head of the answer; default 10000.
    #[arg(long, value_name = "MS")]
    first_byte_timeout_ms: Option<u64>,
    /// Milliseconds from the start to the last byte of the answer; default 30000.
    #[arg(long, value_name = "MS")]
    total_timeout_ms: Option<u64>,
}

impl Destination {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = global.client()?;
        match self {
            Self::Set(set) => {
                let answer = client.put(&format!("/destinations/{}", set.name), &set.spec()).await?;
                global.show(&answer, |destination| text(&destination))
            }
            Self::List => {
                let answer = client.get("/destinations").await?;
                global.show(&answer, |List { items }: List<answers::Destination>| {
                    let row = |known: answers::Destination| {
                        vec![known.name, known.spec.url, path(known.spec.path).to_owned()]
                    };
                    show::table(&["name", "url", "path"], items.into_iter().map(row))
                })
            }
            Self::Show { name } => {
                let answer = client.get(&format!("/destinations/{name}")).await?;
                let condition = client.get(&format!("/destinations/{name}/condition")).await?;
                let told: Condition = condition.read()?;
                global.show(&answer, |destination| format!("{}{}", text(&destination), condition_text(&told)))
            }
            Self::Disable { name, reason } => {
                let asked = serde_json::json!({ "reason": reason });
                let answer = client.post(&format!("/destinations/{name}/disable"), &asked).await?;
                global.done(&answer, &format!("deliveries to {name} are held back until it is enabled"))
            }
            Self::Enable { name } => {
                let answer = client.post(&format!("/destinations/{name}/enable"), &serde_json::json!({})).await?;
                global.done(&answer, &format!("deliveries to {name} are made"))
            }
            Self::Rm { name } => {
                let answer = client.delete(&format!("/destinations/{name}")).await?;
                global.done(&answer, &format!("destination {name} is removed"))
            }
        }
    }
}

fn scheme(text: &str) -> Result<SignatureScheme, String> {
    serde_json::from_value(serde_json::Value::from(text)).map_err(|error| error.to_string())
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write NAME:VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

impl Set {
    fn spec(&self) -> DestinationSpec {
        DestinationSpec {
            url: self.url.clone(),
            path: if self.append_path { PathRule::Append } else { PathRule::Fixed },
            connect_timeout_ms: self.connect_timeout_ms,
            first_byte_timeout_ms: self.first_byte_timeout_ms,
            total_timeout_ms: self.total_timeout_ms,
            headers: self.headers.iter().cloned().collect(),
            sign: self.sign.as_ref().map(|secret| SignSpec { secret: secret.to_string(), scheme: self.sign_scheme }),
            retry: self
                .retry_seconds
                .clone()
                .map(|delays| RetrySpec { delays_seconds: Some(delays), ..RetrySpec::default() }),
            concurrency: self.concurrency,
            rate: self.per_second.map(|events| RateSpec { events, per_seconds: None }),
            failover: self.failover.as_ref().map(|to| FailoverSpec { to: to.to_string(), ..FailoverSpec::default() }),
            ..DestinationSpec::default()
        }
    }
}

const fn path(rule: PathRule) -> &'static str {
    match rule {
        PathRule::Fixed => "fixed",
        PathRule::Append => "append",
    }
}

/// What keeps deliveries from being made, if something does.
fn condition_text(condition: &Condition) -> String {
    let mut facts = Vec::new();
    if let Some(disabled) = &condition.disabled {
        let since = show::time(disabled.since.as_millis());
        facts.push(("disabled", format!("since {since}: {}", disabled.reason)));
    }
    if let Breaker::Open { until, times } = condition.breaker {
        facts.push(("breaker", format!("open until {}, {times} times in a row", show::time(until.as_millis()))));
    }
    show::facts(&facts)
}

fn text(destination: &answers::Destination) -> String {
    let spec = &destination.spec;
    let timeout = |written: Option<u64>| written.map_or_else(|| "default".to_owned(), |millis| format!("{millis} ms"));
    let mut facts = vec![
        ("destination", destination.name.clone()),
        ("url", spec.url.clone()),
        ("path", path(spec.path).to_owned()),
        ("connect timeout", timeout(spec.connect_timeout_ms)),
        ("first byte timeout", timeout(spec.first_byte_timeout_ms)),
        ("total timeout", timeout(spec.total_timeout_ms)),
    ];
    facts.extend(spec.sign.as_ref().map(|sign| ("signed with", sign.secret.clone())));
    facts.extend(spec.failover.as_ref().map(|failover| ("failover", failover.to.clone())));
    facts.extend(spec.headers.iter().map(|(name, value)| ("header", format!("{name}: {value}"))));
    show::facts(&facts)
}
