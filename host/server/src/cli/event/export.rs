//! `event export`: what came in becomes files that can be sent and tested with.

use std::{
    fs::File,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use model::{
    EventId,
    event_file::EventFile,
    story::{EventListed, EventStory},
};
use serde_json::json;

use crate::cli::{
    Global,
    client::Client,
    failure::{Exit, Failure},
    query::{self, Events},
    show,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// Just this one.
    #[arg(conflicts_with_all = ["route", "became", "label", "header", "destination", "status", "since", "until", "text", "limit"])]
    id: Option<EventId>,
    /// The file to write; for several events the folder, where each gets a file of its id's name. What is there already is
    /// not written over.
    #[arg(long, value_name = "FILE|FOLDER")]
    to: PathBuf,
    /// How many at most, the newest.
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Only those with each of these words in their body, path or labels; of routes with `search = true`.
    #[arg(long, value_name = "WORDS")]
    text: Option<String>,
    #[command(flatten)]
    events: Events,
}

/// What became of one event.
#[derive(Debug)]
enum Exported {
    Written(PathBuf),
    /// It is there already.
    Left(PathBuf),
    /// The host does not have it any more; it says why.
    Gone(String),
}

impl Export {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = global.client()?;
        if let Some(id) = self.id {
            // A folder that is there is meant as one.
            let file = if self.to.is_dir() { self.to.join(file_name(id)) } else { self.to };
            let exported = export(&client, id, &file).await?;
            return match exported {
                Exported::Written(_) => told(global, &[(id, exported)]),
                Exported::Left(file) => {
                    Err(Failure::usage(format!("`{}` is there already: name another file", file.display())))
                }
                Exported::Gone(why) => Err(Failure::new(Exit::Refused, why)),
            };
        }
        let query = self.events.query().with("text", self.text.as_ref());
        let items = query::gather(&client, "/events", query, self.limit).await?;
        std::fs::create_dir_all(&self.to)
            .map_err(|error| Failure::failed(format!("cannot make the folder `{}`: {error}", self.to.display())))?;
        let mut all = Vec::with_capacity(items.len());
        for item in items {
            let listed: EventListed = serde_json::from_value(item)
                .map_err(|error| Failure::failed(format!("the host lists an event that cannot be read: {error}")))?;
            let id: EventId = listed.record.id.parse().map_err(Failure::failed)?;
            all.push((id, export(&client, id, &self.to.join(file_name(id))).await?));
        }
        told(global, &all)
    }
}

fn file_name(id: EventId) -> String {
    format!("{id}.json")
}

async fn export(client: &Client, id: EventId, file: &Path) -> Result<Exported, Failure> {
    let event: EventFile = match client.get(&format!("/events/{id}/file")).await {
        Ok(answer) => answer.read()?,
        Err(refused) if refused.exit == Exit::Refused => return Ok(Exported::Gone(refused.to_string())),
        Err(failure) => return Err(failure),
    };
    let mut text = serde_json::to_string_pretty(&event).expect("an event file is JSON");
    text.push('\n');
    let folder = file.parent().map_or(Ok(()), std::fs::create_dir_all);
    let written = folder.and_then(|()| File::create_new(file)).and_then(|mut open| open.write_all(text.as_bytes()));
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(Exported::Left(file.to_owned())),
        Err(error) => return Err(Failure::failed(format!("cannot write `{}`: {error}", file.display()))),
    }
    let bodyless = event.body.is_none() && event.body_text.is_none() && event.body_base64.is_none();
    if bodyless && !was_read(client, id).await? {
        show::note(&format!("the body of {id} was not read on its route, and is not in `{}`", file.display()));
    }
    Ok(Exported::Written(file.to_owned()))
}

/// Whether the host had the body; where no filter looks at it, it goes by.
async fn was_read(client: &Client, id: EventId) -> Result<bool, Failure> {
    let story: EventStory = client.get(&format!("/events/{id}")).await?.read()?;
    Ok(story.record.body_bytes.is_some())
}

fn told(global: &Global, all: &[(EventId, Exported)]) -> Result<(), Failure> {
    if global.json {
        let items = all.iter().map(|(id, exported)| {
            let (file, became) = match exported {
                Exported::Written(file) => (Some(file), "written"),
                Exported::Left(file) => (Some(file), "left"),
                Exported::Gone(_) => (None, "gone"),
            };
            let reason = match exported {
                Exported::Gone(why) => Some(why),
                _ => None,
            };
            json!({ "event": id, "file": file, "became": became, "reason": reason })
        });
        return show::print_json(&json!({ "items": items.collect::<Vec<_>>() }));
    }
    let mut text = String::new();
    for (id, exported) in all {
        text.push_str(&match exported {
            Exported::Written(file) => format!("{}\n", show::line(&file.display().to_string())),
            Exported::Left(file) => format!("{} is there already\n", show::line(&file.display().to_string())),
            Exported::Gone(why) => format!("{id}: {}\n", show::line(why)),
        });
    }
    let written = all.iter().filter(|(_, exported)| matches!(exported, Exported::Written(_))).count() as u64;
    show::print(&format!("{text}{} written\n", show::count(written, "event", "events")))?;
    if !all.is_empty() && all.iter().all(|(_, exported)| matches!(exported, Exported::Gone(_))) {
        return Err(Failure::new(Exit::Refused, "the host has none of these events any more"));
    }
    Ok(())
}
