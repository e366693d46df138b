//! An edit in words, for the event's record.

use crate::{
    Edit,
    excerpt::{excerpt, excerpt_of_bytes},
    verdict::Header,
};

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
