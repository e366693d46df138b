//! `destination`: where events go.

use model::{
    Name,
    destination::{DestinationSpec, PathRule},
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
                global.show(&answer, |destination| text(&destination))
            }
            Self::Rm { name } => {
                let answer = client.delete(&format!("/destinations/{name}")).await?;
                global.done(&answer, &format!("destination {name} is removed"))
            }
        }
    }
}

impl Set {
    fn spec(&self) -> DestinationSpec {
        DestinationSpec {
            url: self.url.clone(),
            path: if self.append_path { PathRule::Append } else { PathRule::Fixed },
            connect_timeout_ms: self.connect_timeout_ms,
            first_byte_timeout_ms: self.first_byte_timeout_ms,
            total_timeout_ms: self.total_timeout_ms,
        }
    }
}

const fn path(rule: PathRule) -> &'static str {
    match rule {
        PathRule::Fixed => "fixed",
        PathRule::Append => "append",
    }
}

fn text(destination: &answers::Destination) -> String {
    let spec = &destination.spec;
    let timeout = |written: Option<u64>| written.map_or_else(|| "default".to_owned(), |millis| format!("{millis} ms"));
    show::facts(&[
        ("destination", destination.name.clone()),
        ("url", spec.url.clone()),
        ("path", path(spec.path).to_owned()),
        ("connect timeout", timeout(spec.connect_timeout_ms)),
        ("first byte timeout", timeout(spec.first_byte_timeout_ms)),
        ("total timeout", timeout(spec.total_timeout_ms)),
    ])
}
