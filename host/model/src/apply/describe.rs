//! An edit in words, for the event's record.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    Edit,
    excerpt::{excerpt, excerpt_of_bytes},
    verdict::Header,
};

/// An edit's description, put into words when somebody reads it: most records are read by nobody.
#[derive(Clone)]
pub struct Described(Line);

#[derive(Clone)]
enum Line {
    Written(String),
    Kept(Edit),
}

/// What a kept edit may hold; a longer one is put into words at once.
const KEPT_BYTES_MOST: usize = 128;

impl Described {
    pub fn new(edit: &Edit) -> Self {
        let small = match edit {
            Edit::SetHeader((name, value)) | Edit::AppendHeader((name, value)) => {
                name.len() + value.len() <= KEPT_BYTES_MOST
            }
            Edit::RemoveHeader(name) => name.len() <= KEPT_BYTES_MOST,
            Edit::JsonSet { pointer, value } => pointer.len() + value.len() <= KEPT_BYTES_MOST,
            _ => false,
        };
        Self(if small { Line::Kept(edit.clone()) } else { Line::Written(describe(edit)) })
    }
}

impl fmt::Display for Described {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Line::Written(line) => out.write_str(line),
            Line::Kept(edit) => out.write_str(&describe(edit)),
        }
    }
}

impl fmt::Debug for Described {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the edit itself: its values may be nobody's business.
        fmt::Debug::fmt(&self.to_string(), out)
    }
}

impl PartialEq for Described {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for Described {}

impl From<String> for Described {
    fn from(line: String) -> Self {
        Self(Line::Written(line))
    }
}

impl Serialize for Described {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Described {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Self::from)
    }
}

/// One line: what the edit does, values cut to what fits it. Values of headers that carry credentials are left out, as
/// the record is read by more people than may see them.
pub fn describe(edit: &Edit) -> String {
    match edit {
        Edit::SetHeader(header) => format!("set header {}", line_of(header)),
        Edit::AppendHeader(header) => format!("append header {}", line_of(header)),
        Edit::RemoveHeader(name) => format!("remove header {}", excerpt(name)),
        Edit::SetMethod(method) => format!("set method {}", excerpt(method)),
        Edit::SetPath(path) => format!("set path {}", excerpt(path)),
        Edit::SetQuery(Some(query)) => format!("set query {}", excerpt(query)),
        Edit::SetQuery(None) => "remove query".to_owned(),
        Edit::ReplaceBody(body) => format!("replace body ({} bytes)", body.len()),
        Edit::JsonSet { pointer, value } => format!("set json {}: {}", excerpt(pointer), excerpt(value)),
        Edit::JsonRemove { pointer } => format!("remove json {}", excerpt(pointer)),
        Edit::Choose(names) => format!("choose {}", excerpt(&names.join(", "))),
    }
}

fn line_of((name, value): &Header) -> String {
    let lower = name.to_ascii_lowercase();
    let whole = ["authorization", "cookie", "set-cookie"];
    let parts = ["token", "secret", "password", "api-key", "apikey"];
    if whole.contains(&lower.as_str()) || parts.iter().any(|part| lower.contains(part)) {
        format!("{}: ({} bytes)", excerpt(name), value.len())
    } else {
        format!("{}: {}", excerpt(name), excerpt_of_bytes(value))
    }
}
