//! A verdict's edits: collected while they are checked, made when all of them are right.

use std::{mem, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header::MaxSizeReached};

use super::{
    Rules,
    check::{
        check_header, check_header_name, check_header_room, check_method, check_path, check_query, check_target_length,
        too_much_output,
    },
};
use crate::{Draft, Edit, Limits, Name, Phase, excerpt::excerpt, headers, json::Document, limits};

/// What the edits come to.
#[derive(Debug, Default)]
pub(super) struct Changes {
    headers: Vec<HeaderChange>,
    method: Option<Method>,
    path: Option<String>,
    query: Option<Option<String>>,
    body: Body,
    chosen: Option<Vec<Name>>,
    /// Bytes of bodies, JSON values and pointers that were handed over.
    output_bytes: usize,
    /// Bytes that JSON edits copied.
    json_bytes: usize,
}

#[derive(Debug)]
enum HeaderChange {
    Set(HeaderName, HeaderValue),
    Append(HeaderName, HeaderValue),
    Remove(HeaderName),
}

#[derive(Debug, Default)]
enum Body {
    #[default]
    Kept,
    Replaced(Bytes),
    Json(Arc<Document>),
}

impl Changes {
    /// Takes one more edit, or says why it cannot be made. The draft is only asked for its JSON.
    pub(super) fn add(&mut self, draft: &mut Draft, edit: &Edit, rules: &Rules<'_>) -> Result<(), String> {
        match edit {
            Edit::SetHeader((name, value)) => {
                let (name, value) = check_header(name, value)?;
                self.headers.push(HeaderChange::Set(name, value));
            }
            Edit::AppendHeader((name, value)) => {
                let (name, value) = check_header(name, value)?;
                self.headers.push(HeaderChange::Append(name, value));
            }
            Edit::RemoveHeader(name) => self.headers.push(HeaderChange::Remove(check_header_name(name)?)),
            Edit::SetMethod(method) => self.method = Some(check_method(method)?),
            Edit::SetPath(path) => {
                check_path(path)?;
                self.path = Some(path.clone());
            }
            Edit::SetQuery(query) => {
                query.as_deref().map_or(Ok(()), check_query)?;
                self.query = Some(query.clone());
            }
            Edit::ReplaceBody(body) => {
                self.spend(body.len(), rules.limits)?;
                check_body(body.len(), rules.body_limit)?;
                self.body = Body::Replaced(body.clone());
            }
            Edit::JsonSet { pointer, value } => {
                self.spend(pointer.len() + value.len(), rules.limits)?;
                let document = self.document(draft)?.set(pointer, value).map_err(|error| error.to_string())?;
                check_body(document.source().len(), rules.body_limit)?;
                self.body = Body::Json(Arc::new(document));
            }
            Edit::JsonRemove { pointer } => {
                self.spend(pointer.len(), rules.limits)?;
                if let Some(document) = self.document(draft)?.remove(pointer).map_err(|error| error.to_string())? {
                    self.body = Body::Json(Arc::new(document));
                }
            }
            Edit::Choose(names) => self.chosen = Some(choice(names, rules)?),
        }
        Ok(())
    }

    /// Makes the changes, all or none.
    pub(super) fn make(self, draft: &mut Draft, limits: &Limits) -> Result<(), String> {
        let event = &mut draft.current;
        if self.path.is_some() || self.query.is_some() {
            let path = self.path.as_ref().unwrap_or(&event.path);
            let query = self.query.as_ref().unwrap_or(&event.query).as_ref();
            check_target_length(path.len() + query.map_or(0, |query| query.len() + 1))?;
        }
        // The last that can fail.
        change_headers(&mut event.headers, self.headers, limits)?;
        event.method = self.method.unwrap_or_else(|| mem::take(&mut event.method));
        event.path = self.path.unwrap_or_else(|| mem::take(&mut event.path));
        event.query = self.query.unwrap_or_else(|| event.query.take());
        match self.body {
            Body::Kept => {}
            Body::Replaced(body) => {
                event.body = Some(body);
                draft.document = None;
            }
            Body::Json(document) => {
                event.body = Some(document.source().clone());
                draft.document = Some(Ok(document));
            }
        }
        draft.chosen = self.chosen.or_else(|| draft.chosen.take());
        Ok(())
    }

    fn spend(&mut self, bytes: usize, limits: &Limits) -> Result<(), String> {
        self.output_bytes = self.output_bytes.saturating_add(bytes);
        if self.output_bytes > limits.output_bytes { Err(too_much_output(self.output_bytes, limits)) } else { Ok(()) }
    }

    /// The body as JSON, with the edits so far.
    fn document(&mut self, draft: &mut Draft) -> Result<Arc<Document>, String> {
        let document = match &self.body {
            Body::Kept => draft.document(),
            Body::Replaced(body) => Document::parse(body.clone()).map(Arc::new),
            Body::Json(document) => Ok(Arc::clone(document)),
        };
        let document = document.map_err(|error| format!("the body is {error}"))?;
        // Each edit makes the text anew, so many edits of a long body would take long.
        self.json_bytes = self.json_bytes.saturating_add(document.source().len());
        let most = limits::JSON_EDIT_BYTES_MOST;
        if self.json_bytes > most {
            return Err(format!(
                "too many JSON edits of a body this long: replace the body, or edit at most {most} bytes"
            ));
        }
        Ok(document)
    }
}

fn check_body(bytes: usize, most: u64) -> Result<(), String> {
    if bytes as u64 > most {
        return Err(format!("a body of {bytes} bytes is too long: the route allows {most}"));
    }
    Ok(())
}

fn choice(names: &[String], rules: &Rules<'_>) -> Result<Vec<Name>, String> {
    if matches!(rules.phase, Phase::Destination { .. }) {
        return Err("in phase `destination` the choice is made".to_owned());
    }
    if names.is_empty() {
        return Err("name at least one destination, or drop the event".to_owned());
    }
    if rules.exactly_one && names.len() > 1 {
        return Err(format!("{} destinations are too many: in mode `forward` choose one", names.len()));
    }
    let mut chosen: Vec<Name> = Vec::with_capacity(names.len().min(rules.destinations.len()));
    for name in names {
        let Some(listed) = rules.destinations.iter().find(|listed| listed.as_str() == name) else {
            let list: Vec<&str> = rules.destinations.iter().map(Name::as_str).collect();
            let list = list.join("`, `");
            return Err(format!("`{}` is not one of the route's destinations, `{list}`", excerpt(name)));
        };
        if chosen.contains(listed) {
            return Err(format!("`{listed}` is there twice"));
        }
        chosen.push(listed.clone());
    }
    Ok(chosen)
}

/// Changes the headers in place if nobody shares them, all or none.
fn change_headers(headers: &mut Arc<HeaderMap>, changes: Vec<HeaderChange>, limits: &Limits) -> Result<(), String> {
    if changes.is_empty() {
        return Ok(());
    }
    let before = (headers.len(), bytes_of(headers));
    // If all of them were added, and then even a `HeaderMap` has room.
    let (mut count, mut bytes) = before;
    for change in &changes {
        if let HeaderChange::Set(name, value) | HeaderChange::Append(name, value) = change {
            count += 1;
            bytes += name.as_str().len() + value.len();
        }
    }
    const NO_ROOM: &str = "the headers are too many";
    if count <= limits.headers.min(ALWAYS_FIT) && bytes <= limits.header_bytes {
        return make_changes(Arc::make_mut(headers), changes).map_err(|_| NO_ROOM.to_owned());
    }
    let mut changed = HeaderMap::clone(headers);
    make_changes(&mut changed, changes).map_err(|_| NO_ROOM.to_owned())?;
    let after = (changed.len(), bytes_of(&changed));
    // An event that came with more may keep them.
    if after.0 > before.0 || after.1 > before.1 {
        check_header_room(after.0, after.1, limits)?;
    }
    *headers = Arc::new(changed);
    Ok(())
}

/// So many headers fit every `HeaderMap`.
const ALWAYS_FIT: usize = 4 << 10;

fn bytes_of(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

/// Keeps names in the order of their first appearance.
fn make_changes(headers: &mut HeaderMap, changes: Vec<HeaderChange>) -> Result<(), MaxSizeReached> {
    let mut gone: Vec<HeaderName> = Vec::new();
    for change in changes {
        match change {
            HeaderChange::Remove(name) => {
                if headers.contains_key(&name) && !gone.contains(&name) {
                    gone.push(name);
                }
                continue;
            }
            HeaderChange::Set(name, value) => {
                leave_out(headers, &mut gone);
                headers.try_insert(name, value)?;
            }
            HeaderChange::Append(name, value) => {
                leave_out(headers, &mut gone);
                headers.try_append(name, value)?;
            }
        }
    }
    leave_out(headers, &mut gone);
    Ok(())
}

fn leave_out(headers: &mut HeaderMap, gone: &mut Vec<HeaderName>) {
    // Before each header that is set: looking at all of them then would take as long as the square of their number.
    if gone.is_empty() {
        return;
    }
    headers::leave_out(headers, |name| gone.contains(name));
    gone.clear();
}
