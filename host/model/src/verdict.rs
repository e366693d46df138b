//! What a filter decided, as it handed it over: nothing here is checked yet, `apply` does that.

use bytes::Bytes;

use crate::Name;

/// Where in an event's way a filter is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    Route,
    Destination { name: Name, attempt: u32 },
}

/// A header as a guest wrote it.
pub type Header = (String, Vec<u8>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    Edit(Vec<Edit>),
    Reject(Rejection),
    Respond(Response),
    Drop { reason: String },
    RetryLater { seconds: u32 },
}

impl Verdict {
    /// The word for it in records, logs and tables.
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

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    SetHeader(Header),
    AppendHeader(Header),
    RemoveHeader(String),
    SetMethod(String),
    SetPath(String),
    SetQuery(Option<String>),
    ReplaceBody(Bytes),
    JsonSet { pointer: String, value: String },
    JsonRemove { pointer: String },
    Choose(Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    pub status: u16,
    pub headers: Vec<Header>,
    /// For the log and the record; the sender never sees it.
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<Header>,
    pub body: Bytes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_verdict_has_its_word() {
        let rejection = Rejection { status: 401, headers: Vec::new(), reason: String::new() };
        let response = Response { status: 200, headers: Vec::new(), body: Bytes::new() };
        let verdicts = [
            Verdict::Pass,
            Verdict::Edit(Vec::new()),
            Verdict::Reject(rejection),
            Verdict::Respond(response),
            Verdict::Drop { reason: String::new() },
            Verdict::RetryLater { seconds: 1 },
        ];
        assert_eq!(
            verdicts.each_ref().map(Verdict::name),
            ["pass", "edit", "reject", "respond", "drop", "retry-later"]
        );
    }
}
