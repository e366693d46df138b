//! What is read of GitHub's events, and the messages that are made of it. Source:
//! <https://docs.github.com/en/webhooks/webhook-events-and-payloads>

use serde::Deserialize;

use crate::slack::{Markup, Message, one_line};

#[derive(Deserialize)]
pub struct Push {
    r#ref: String,
    created: bool,
    deleted: bool,
    forced: bool,
    compare: String,
    commits: Vec<Commit>,
    repository: Repository,
    pusher: Pusher,
}

#[derive(Deserialize)]
struct Commit {
    id: String,
    message: String,
    url: String,
    author: Pusher,
}

#[derive(Deserialize)]
struct Pusher {
    name: String,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
    html_url: String,
}

#[derive(Deserialize)]
pub struct Issues {
    action: String,
    issue: Issue,
    repository: Repository,
    sender: Sender,
}

#[derive(Deserialize)]
struct Issue {
    number: u64,
    title: String,
    html_url: String,
    body: Option<String>,
    #[serde(default)]
    labels: Option<Vec<Label>>,
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

#[derive(Deserialize)]
struct Sender {
    login: String,
}

/// Who pushed what where, and a line for each commit.
pub fn push(push: &Push) -> Message {
    let (kind, name) = match push.r#ref.strip_prefix("refs/tags/") {
        Some(name) => ("tag", name),
        None => ("branch", push.r#ref.strip_prefix("refs/heads/").unwrap_or(&push.r#ref)),
    };
    let count = match push.commits.len() {
        1 => "1 commit".to_owned(),
        count => format!("{count} commits"),
    };
    let who = &push.pusher.name;
    let repository = &push.repository;
    let said = |done: &str| (format!("{who} {done} {kind} {name} in {}", repository.full_name), done.to_owned());
    let (summary, done) = match push {
        Push { deleted: true, .. } => said("deleted"),
        Push { created: true, commits, .. } if commits.is_empty() => said("created"),
        Push { forced: true, .. } => said(&format!("force-pushed {count} to")),
        _ => said(&format!("pushed {count} to")),
    };
    let line = Markup::default().plain(&format!("{who} ")).link(&push.compare, &done);
    let line = line.plain(&format!(" {kind} ")).code(name);
    let commit = |commit: &Commit| {
        let short: String = commit.id.chars().take(7).collect();
        let line = Markup::default().link(&commit.url, &short);
        line.plain(&format!(" {} – {}", one_line(&commit.message), commit.author.name))
    };
    Message::new(Markup::default().plain(&summary))
        .section(line)
        .lines(push.commits.iter().map(commit))
        .context(Markup::default().link(&repository.html_url, &repository.full_name))
}

/// What happened to which issue; what it says, when it is new.
pub fn issue(event: &Issues) -> Message {
    let Issues { action, issue, repository, sender } = event;
    let title = format!("#{} {}", issue.number, one_line(&issue.title));
    let done = action.replace('_', " ");
    let summary = format!("{} {done} issue {title} in {}", sender.login, repository.full_name);
    let line = Markup::default().plain(&format!("{} {done} issue ", sender.login)).link(&issue.html_url, &title);
    let text = issue.body.as_deref().filter(|_| action == "opened").unwrap_or_default();
    let mut context = Markup::default().link(&repository.html_url, &repository.full_name);
    for label in issue.labels.iter().flatten() {
        context = context.plain(&format!(" · {}", label.name));
    }
    Message::new(Markup::default().plain(&summary))
        .section(line)
        .section(Markup::default().plain(text))
        .context(context)
}
