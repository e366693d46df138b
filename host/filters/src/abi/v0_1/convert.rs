//! Between the house's nouns and the generated types. What goes in is borrowed: nothing of an event is copied on the
//! host's side before it is lowered into the guest.

use std::net::IpAddr;

use http::HeaderMap;
use model::{Draft, Edit, EventId, Phase, Rejection, Response, Verdict};

use super::bindings::{exports::snaphook::filter::handler, snaphook::filter::types};

/// What has to be made into text once per call.
pub(super) struct Strings {
    event: [u8; EventId::TEXT_BYTES],
    source: Source,
    /// The attributes' names of the labels that earlier filters set.
    labels: Vec<String>,
}

impl Strings {
    pub(super) fn new(draft: &Draft) -> Self {
        Self {
            event: draft.current.id.text(),
            source: Source::of(draft.current.source),
            labels: draft.annotations.labels.iter().map(|(name, _)| format!("label.{name}")).collect(),
        }
    }
}

/// An address as text. Most are of version 4, and formatting one takes longer than anything else about them.
enum Source {
    V4 { text: [u8; 15], length: usize },
    Other(String),
}

impl Source {
    fn of(address: IpAddr) -> Self {
        let IpAddr::V4(address) = address else { return Self::Other(address.to_string()) };
        let (mut text, mut length) = ([b'.'; 15], 0);
        for (index, octet) in address.octets().into_iter().enumerate() {
            length += usize::from(index > 0);
            for (least, digit) in [(100, octet / 100), (10, octet / 10 % 10), (0, octet % 10)] {
                if octet >= least {
                    text[length] = b'0' + digit;
                    length += 1;
                }
            }
        }
        Self::V4 { text, length }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::V4 { text, length } => str::from_utf8(&text[..*length]).expect("digits and dots"),
            Self::Other(text) => text,
        }
    }
}

pub(super) fn headers(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

pub(super) fn attributes<'a>(draft: &'a Draft, strings: &'a Strings) -> Vec<(&'a str, &'a str)> {
    let own = draft.current.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let labels = strings.labels.iter().zip(&draft.annotations.labels);
    own.chain(labels.map(|(name, (_, value))| (name.as_str(), value.as_str()))).collect()
}

pub(super) fn head<'a>(
    draft: &'a Draft,
    phase: &'a Phase,
    strings: &'a Strings,
    headers: &'a [(&'a str, &'a [u8])],
    attributes: &'a [(&'a str, &'a str)],
) -> handler::Head<'a> {
    let event = &draft.current;
    let (phase, attempt) = match phase {
        Phase::Route => (types::Phase::Route, 0),
        Phase::Destination { name, attempt } => (types::Phase::Destination(name.as_str()), *attempt),
    };
    handler::Head {
        event: str::from_utf8(&strings.event).expect("letters and digits"),
        project: event.project.as_str(),
        route: event.route.as_str(),
        phase,
        method: event.method.as_str(),
        scheme: event.scheme.as_str(),
        authority: &event.authority,
        path: &event.path,
        query: event.query.as_deref(),
        headers,
        source: strings.source.as_str(),
        received: event.received.as_millis(),
        attempt,
        replay: event.replay,
        body_length: event.body.as_ref().map(|body| body.len() as u64),
        attributes,
    }
}

pub(super) fn verdict(verdict: handler::Verdict) -> Verdict {
    match verdict {
        handler::Verdict::Pass => Verdict::Pass,
        handler::Verdict::Edit(edits) => Verdict::Edit(edits.into_iter().map(edit).collect()),
        handler::Verdict::Reject(types::Rejection { status, headers, reason }) => {
            Verdict::Reject(Rejection { status, headers, reason })
        }
        handler::Verdict::Respond(types::Response { status, headers, body }) => {
            Verdict::Respond(Response { status, headers, body: body.into() })
        }
        handler::Verdict::Drop(reason) => Verdict::Drop { reason },
        handler::Verdict::RetryLater(seconds) => Verdict::RetryLater { seconds },
        handler::Verdict::Other(never) => super::host::Never::unmade(&never),
    }
}

fn edit(edit: types::Edit) -> Edit {
    match edit {
        types::Edit::SetHeader(header) => Edit::SetHeader(header),
        types::Edit::AppendHeader(header) => Edit::AppendHeader(header),
        types::Edit::RemoveHeader(name) => Edit::RemoveHeader(name),
        types::Edit::SetMethod(method) => Edit::SetMethod(method),
        types::Edit::SetPath(path) => Edit::SetPath(path),
        types::Edit::SetQuery(query) => Edit::SetQuery(query),
        types::Edit::ReplaceBody(body) => Edit::ReplaceBody(body.into()),
        types::Edit::JsonSet((pointer, value)) => Edit::JsonSet { pointer, value },
        types::Edit::JsonRemove(pointer) => Edit::JsonRemove { pointer },
        types::Edit::Choose(names) => Edit::Choose(names),
        types::Edit::Other(never) => super::host::Never::unmade(&never),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_as_it_is_written() {
        for text in ["0.0.0.0", "127.0.0.1", "10.200.30.4", "255.255.255.255", "99.100.9.109", "::1", "2001:db8::7"] {
            assert_eq!(Source::of(text.parse().unwrap()).as_str(), text);
        }
    }
}
