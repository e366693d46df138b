//! What a filter decides.

use serde::Serialize;

use crate::error::{Error, Refusal, Result};

/// A header's name and the value's exact bytes.
pub type Header = (String, Vec<u8>);

/// What becomes of the event. Made by one of the functions below and filled in by the methods after them:
///
/// ```
/// use snaphook_sdk::prelude::*;
///
/// let edited = Verdict::edit().set_header("x-hello", "world").remove_header("cookie");
/// let refused = Verdict::reject(401).reason("no token").header("www-authenticate", "Bearer");
/// let answered = Verdict::respond(200).header("content-type", "text/plain").body("pong");
/// let later = Verdict::retry_later(30);
/// ```
///
/// A method that does not belong to the verdict (a body for `reject`, an edit for `drop`) turns it into failure class
/// `failed`, with a text that says so.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict(Result<Decision, String>);

/// The verdict, spelled out as the host reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Pass,
    Edit(Vec<Edit>),
    Reject(Refusal),
    Respond(Response),
    Drop { reason: String },
    RetryLater { seconds: u32 },
}

/// One change to the event. A list of them is applied in order, all or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    SetHeader(Header),
    AppendHeader(Header),
    RemoveHeader(String),
    SetMethod(String),
    SetPath(String),
    SetQuery(Option<String>),
    ReplaceBody(Vec<u8>),
    /// JSON pointer and JSON text.
    JsonSet(String, String),
    JsonRemove(String),
    Choose(Vec<String>),
}

/// An answer to the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// 200 to 599.
    pub status: u16,
    pub headers: Vec<Header>,
    pub body: Vec<u8>,
}

impl Verdict {
    /// Go on with the event as it is.
    pub const fn pass() -> Self {
        Self(Ok(Decision::Pass))
    }

    /// Go on with the event changed. Without an edit it is the same as `pass`; without an edit of the body the host's
    /// own bytes go out untouched.
    pub const fn edit() -> Self {
        Self(Ok(Decision::Edit(Vec::new())))
    }

    /// Refuse the event with a status from 400 to 599. For a destination: dead-letter this delivery.
    pub const fn reject(status: u16) -> Self {
        Self(Ok(Decision::Reject(Refusal { status, reason: String::new(), headers: Vec::new() })))
    }

    /// Answer the sender at once and forward nothing; for handshakes. 200 to 599. Not allowed for a destination.
    pub const fn respond(status: u16) -> Self {
        Self(Ok(Decision::Respond(Response { status, headers: Vec::new(), body: Vec::new() })))
    }

    /// Accept the event and forward it nowhere; the reason goes to the log. For a destination: cancel this delivery.
    pub fn drop(reason: impl Into<String>) -> Self {
        Self(Ok(Decision::Drop { reason: reason.into() }))
    }

    /// Ask the sender to come again after this many seconds (503 with `Retry-After`). For a destination: try this
    /// delivery again then.
    pub const fn retry_later(seconds: u32) -> Self {
        Self(Ok(Decision::RetryLater { seconds }))
    }

    pub(crate) const fn rejection(refusal: Refusal) -> Self {
        Self(Ok(Decision::Reject(refusal)))
    }
}

/// For `edit` (and `pass`, which becomes one).
impl Verdict {
    /// Replaces every value of the name.
    pub fn set_header(self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.with(Edit::SetHeader((name.into(), value.into())))
    }

    /// Adds a value beside those that are there.
    pub fn append_header(self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.with(Edit::AppendHeader((name.into(), value.into())))
    }

    /// Removing what is not there is no fault.
    pub fn remove_header(self, name: impl Into<String>) -> Self {
        self.with(Edit::RemoveHeader(name.into()))
    }

    pub fn set_method(self, method: impl Into<String>) -> Self {
        self.with(Edit::SetMethod(method.into()))
    }

    /// Begins with `/`, no query.
    pub fn set_path(self, path: impl Into<String>) -> Self {
        self.with(Edit::SetPath(path.into()))
    }

    /// Without the `?`; `None` removes it.
    pub fn set_query(self, query: Option<String>) -> Self {
        self.with(Edit::SetQuery(query))
    }

    /// The new body, whole.
    pub fn set_body(self, body: impl Into<Vec<u8>>) -> Self {
        self.with(Edit::ReplaceBody(body.into()))
    }

    /// The new body, as JSON, and a content type to match.
    pub fn set_json<T: Serialize + ?Sized>(self, body: &T) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => self.set_body(body).set_header("content-type", "application/json"),
            Err(error) => Self(Err(format!("the new body cannot be written as JSON: {error}"))),
        }
    }

    /// Sets or adds the value at a JSON pointer (RFC 6901) of the body; missing parent objects are made, `-` appends to
    /// an array. The bytes around it stay as they are.
    pub fn json_set<T: Serialize + ?Sized>(self, pointer: impl Into<String>, value: &T) -> Self {
        let pointer = pointer.into();
        match serde_json::to_string(value) {
            Ok(text) => self.json_set_text(pointer, text),
            Err(error) => Self(Err(format!("the value for `{pointer}` cannot be written as JSON: {error}"))),
        }
    }

    /// Like `json_set`, with a value that is JSON text already.
    pub fn json_set_text(self, pointer: impl Into<String>, text: impl Into<String>) -> Self {
        self.with(Edit::JsonSet(pointer.into(), text.into()))
    }

    /// Removes the value at a JSON pointer (RFC 6901). Removing what is not there is no fault.
    pub fn json_remove(self, pointer: impl Into<String>) -> Self {
        self.with(Edit::JsonRemove(pointer.into()))
    }

    /// The destinations to send to, by name, out of those that the route lists; in mode `forward` exactly one.
    pub fn choose(self, destinations: impl IntoIterator<Item: Into<String>>) -> Self {
        self.with(Edit::Choose(destinations.into_iter().map(Into::into).collect()))
    }

    /// Adds edits that were made elsewhere.
    pub fn edits(self, edits: impl IntoIterator<Item = Edit>) -> Self {
        edits.into_iter().fold(self, Self::with)
    }

    fn with(mut self, edit: Edit) -> Self {
        match &mut self.0 {
            Ok(Decision::Edit(edits)) => edits.push(edit),
            Ok(Decision::Pass) => self.0 = Ok(Decision::Edit(vec![edit])),
            Ok(_) => return self.misused("an edit", "edit"),
            Err(_) => {}
        }
        self
    }
}

/// For `reject` and `respond`.
impl Verdict {
    /// For `reject`: why, for the log and the event's record. The sender never sees it.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        match &mut self.0 {
            Ok(Decision::Reject(refusal)) => refusal.reason = reason.into(),
            Ok(_) => return self.misused("a reason", "reject"),
            Err(_) => {}
        }
        self
    }

    /// For `reject` and `respond`: a header of the answer.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        match &mut self.0 {
            Ok(Decision::Reject(Refusal { headers, .. }) | Decision::Respond(Response { headers, .. })) => {
                headers.push((name.into(), value.into()));
            }
            Ok(_) => return self.misused("a header of the answer", "reject and respond"),
            Err(_) => {}
        }
        self
    }

    /// For `respond`: the answer's body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        match &mut self.0 {
            Ok(Decision::Respond(response)) => response.body = body.into(),
            Ok(_) => return self.misused("a body of the answer", "respond"),
            Err(_) => {}
        }
        self
    }

    fn misused(self, what: &str, owner: &str) -> Self {
        Self(self.0.and_then(|decision| Err(format!("{what} belongs to {owner}, not to {}", decision.name()))))
    }

    /// What the host is told. An edit without edits is a pass.
    pub fn decision(self) -> Result<Decision> {
        match self.0 {
            Ok(Decision::Edit(edits)) if edits.is_empty() => Ok(Decision::Pass),
            Ok(decision) => Ok(decision),
            Err(problem) => Err(Error::Failed(problem)),
        }
    }
}

impl Decision {
    /// The word for it in logs and records.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Edit(_) => "edit",
            Self::Reject(_) => "reject",
            Self::Respond(_) => "respond",
            Self::Drop { .. } => "drop",
            Self::RetryLater { .. } => "retry-later",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builders_fill_in_what_belongs_to_them() {
        let edits = vec![Edit::SetHeader(("a".into(), b"1".to_vec())), Edit::Choose(vec!["ci".into()])];
        assert_eq!(Verdict::edit().set_header("a", "1").choose(["ci"]).decision(), Ok(Decision::Edit(edits.clone())));
        assert_eq!(Verdict::pass().edits(edits.clone()).decision(), Ok(Decision::Edit(edits)));
        assert_eq!(Verdict::edit().decision(), Ok(Decision::Pass));
        assert_eq!(Verdict::reject(401).reason("no").decision(), Ok(Decision::Reject(Refusal::new(401, "no"))));
    }

    #[test]
    fn a_method_of_another_verdict_fails_with_a_text_that_says_so() {
        let failed = |text: &str| Err(Error::failed(text));
        assert_eq!(Verdict::pass().reason("no").decision(), failed("a reason belongs to reject, not to pass"));
        assert_eq!(
            Verdict::reject(400).set_header("a", "b").body("x").decision(),
            failed("an edit belongs to edit, not to reject")
        );
        assert_eq!(
            Verdict::drop("x").header("a", "b").decision(),
            failed("a header of the answer belongs to reject and respond, not to drop")
        );
    }
}
