//! The rewrite of job J2 with a JSON parser: the native proxy runs this file as it is, and so does the bench's filter.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

type Text<'a> = Option<Cow<'a, str>>;

#[derive(Deserialize)]
struct Repository<'a> {
    #[serde(borrow)]
    full_name: Text<'a>,
}

#[derive(Deserialize)]
struct Sender<'a> {
    #[serde(borrow)]
    login: Text<'a>,
}

#[derive(Deserialize)]
struct Author<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

#[derive(Deserialize)]
struct Commit<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    author: Option<Author<'a>>,
}

#[derive(Deserialize)]
struct Push<'a> {
    #[serde(borrow)]
    repository: Option<Repository<'a>>,
    #[serde(borrow)]
    sender: Option<Sender<'a>>,
    #[serde(borrow, rename = "ref")]
    git_ref: Text<'a>,
    #[serde(borrow)]
    action: Text<'a>,
    #[serde(borrow, default)]
    commits: Vec<Commit<'a>>,
}

#[derive(Serialize)]
struct ShortCommit<'a> {
    id: &'a Text<'a>,
    message: &'a Text<'a>,
    author: Option<&'a str>,
}

#[derive(Serialize)]
struct ShortPush<'a> {
    repository: Option<&'a str>,
    sender: Option<&'a str>,
    r#ref: &'a Text<'a>,
    action: &'a Text<'a>,
    commits: Vec<ShortCommit<'a>>,
}

/// The few values that a destination wants, `null` for what is missing.
pub fn rewrite(body: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let push: Push<'_> = serde_json::from_slice(body)?;
    let commits = push.commits.iter().map(|commit| ShortCommit {
        id: &commit.id,
        message: &commit.message,
        author: commit.author.as_ref().and_then(|author| author.name.as_deref()),
    });
    serde_json::to_vec(&ShortPush {
        repository: push.repository.as_ref().and_then(|repository| repository.full_name.as_deref()),
        sender: push.sender.as_ref().and_then(|sender| sender.login.as_deref()),
        r#ref: &push.git_ref,
        action: &push.action,
        commits: commits.collect(),
    })
}
