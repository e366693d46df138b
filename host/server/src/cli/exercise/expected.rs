//! What is to come of a case, and what came of it, in the same words: so the one can be held against the other, shown as a
//! difference, and written in place of it.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use filters::{End, Ran};
use http::{HeaderMap, HeaderName, HeaderValue};
use model::{
    Event, Faults, Octets,
    record::{FailureClass, Outcome, Run},
};
use serde::{Deserialize, Serialize};

/// As it is written; what is left out is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Expected {
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Word>,
    /// The class, if the filter failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureClass>,
    /// Of a rejection, a drop or a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_seconds: Option<u32>,
    /// In the words of an event's record.
    #[serde(skip_serializing_if = "Option::is_none")]
    edits: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chosen: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_key: Option<String>,
    /// Milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    deliver_after: Option<u64>,
    /// Grants that were missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    denied: Option<Vec<String>>,
    /// Level and message.
    #[serde(skip_serializing_if = "Option::is_none")]
    logs: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<ExpectedEvent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<ExpectedAnswer>,
    /// What is there afterwards: namespace, key, value; `false` if nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    kv: Option<BTreeMap<String, BTreeMap<String, Values>>>,
}

/// The event as it goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ExpectedEvent {
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// Empty if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    /// As JSON; how it is spelled does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_json: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, Values>,
}

/// What the sender is answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ExpectedAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_json: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, Values>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Word {
    Pass,
    Edit,
    Reject,
    Respond,
    Drop,
    RetryLater,
    Failed,
}

/// What stands under a name: `false` for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a text, { base64 = \"…\" }, a list of these, or `false` for nothing")]
enum Values {
    There(bool),
    One(Octets),
    Several(Vec<Octets>),
}

impl Values {
    fn of<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut values: Vec<Octets> = values.into_iter().map(Octets::of).collect();
        match values.len() {
            0 => Self::There(false),
            1 => Self::One(values.remove(0)),
            _ => Self::Several(values),
        }
    }

    fn of_header(headers: &HeaderMap, name: &str) -> Self {
        Self::of(headers.get_all(name).iter().map(HeaderValue::as_bytes))
    }

    /// Written as `of` writes it.
    fn normal(&self) -> Self {
        let octets: &[Octets] = match self {
            Self::There(_) => &[],
            Self::One(octets) => std::slice::from_ref(octets),
            Self::Several(several) => several,
        };
        let bytes: Vec<Vec<u8>> = octets.iter().filter_map(|octets| octets.bytes().ok()).collect();
        Self::of(bytes.iter().map(Vec::as_slice))
    }

    fn sense(&self) -> Result<(), String> {
        match self {
            Self::There(true) => Err("`true` is no value: write a text, or `false` for nothing".to_owned()),
            Self::There(false) => Ok(()),
            Self::One(octets) => octets.bytes().map(drop),
            Self::Several(several) => several.iter().try_for_each(|octets| octets.bytes().map(drop)),
        }
    }
}

/// Namespace, key, value.
pub(super) type Kept = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

/// Everything that came of a call.
#[derive(Debug)]
pub(super) struct Came {
    pub(super) run: Run,
    before: Event,
    end: End,
    after: Event,
    said: model::Annotations,
    chosen: Option<Vec<model::Name>>,
    kv_before: Kept,
    kv_after: Kept,
}

/// Status, headers, body.
type Answer<'a> = (u16, HeaderMap, &'a [u8]);

impl Came {
    /// None if the filter was not called.
    pub(super) fn new(before: &Event, ran: Ran, kv_before: Kept, kv_after: Kept) -> Option<Self> {
        let Ran { draft, end, mut runs, .. } = ran;
        let run = runs.pop()?;
        let (after, said, chosen) = (draft.current, draft.annotations, draft.chosen);
        Some(Self { run, before: before.clone(), end, after, said, chosen, kv_before, kv_after })
    }

    pub(super) fn word(&self) -> Word {
        match &self.run.outcome {
            Outcome::Failure { .. } => Word::Failed,
            Outcome::Verdict { verdict, .. } => match &**verdict {
                "pass" => Word::Pass,
                "edit" => Word::Edit,
                "reject" => Word::Reject,
                "respond" => Word::Respond,
                "drop" => Word::Drop,
                _ => Word::RetryLater,
            },
        }
    }

    fn reason(&self) -> Option<String> {
        match &self.end {
            End::Rejected { reason, .. } | End::Dropped { reason } => Some(reason.clone()),
            End::Failed { detail, .. } => Some(detail.clone()),
            End::Passed | End::Responded { .. } | End::RetryLater { .. } => None,
        }
    }

    /// What the filters have the sender answered.
    fn answer(&self) -> Option<Answer<'_>> {
        match &self.end {
            End::Rejected { answer, .. } | End::Responded { answer } => {
                Some((answer.status.as_u16(), answer.headers.clone(), &answer.body))
            }
            End::Failed { status, .. } => Some((status.as_u16(), HeaderMap::new(), &[])),
            End::RetryLater { .. } => None,
            End::Passed | End::Dropped { .. } => self.said.answer.as_ref().map(|answer| {
                let mut headers = HeaderMap::new();
                for (name, value) in &answer.headers {
                    let name = HeaderName::from_bytes(name.as_bytes());
                    let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) else { continue };
                    headers.append(name, value);
                }
                (answer.status, headers, answer.body.as_ref())
            }),
        }
    }

    fn edits(&self) -> Option<Vec<String>> {
        match &self.run.outcome {
            Outcome::Verdict { edits, .. } if self.word() == Word::Edit => {
                Some(edits.iter().map(ToString::to_string).collect())
            }
            _ => None,
        }
    }

    fn logs(&self) -> Vec<String> {
        self.run.logs.iter().map(|line| format!("{} {}", line.level, line.message)).collect()
    }

    fn goes_on(&self) -> bool {
        matches!(self.end, End::Passed)
    }

    /// All of it.
    pub(super) fn whole(&self) -> Expected {
        let kv = changed(&self.kv_before, &self.kv_after);
        Expected {
            verdict: Some(self.word()),
            failure: self.failure(),
            reason: self.reason(),
            retry_seconds: self.retry_seconds(),
            edits: self.edits(),
            chosen: self.chosen(),
            idempotency_key: self.said.idempotency_key.clone(),
            order_key: self.said.order_key.clone(),
            deliver_after: self.said.deliver_after.map(|time| time.as_millis()),
            denied: Some(self.run.denied.clone()).filter(|denied| !denied.is_empty()),
            logs: Some(self.logs()),
            labels: Some(self.labels()),
            event: self.goes_on().then(|| self.whole_event()).filter(|event| *event != ExpectedEvent::default()),
            answer: self.answer().map(whole_answer),
            kv: Some(kv).filter(|kv| !kv.is_empty()),
        }
    }

    /// As much of it as was asked for, in the same form.
    pub(super) fn narrowed_to(&self, asked: &Expected) -> Expected {
        let of = |namespace: &str, key: &str| {
            let value = self.kv_after.get(namespace).and_then(|values| values.get(key));
            Values::of(value.map(Vec::as_slice))
        };
        let kv = asked.kv.as_ref().map(|namespaces| {
            let namespaces = namespaces.iter().map(|(namespace, values)| {
                (namespace.clone(), values.keys().map(|key| (key.clone(), of(namespace, key))).collect())
            });
            namespaces.collect()
        });
        Expected {
            verdict: asked.verdict.map(|_| self.word()),
            failure: asked.failure.and(self.failure()),
            reason: asked.reason.as_ref().and(self.reason()),
            retry_seconds: asked.retry_seconds.and(self.retry_seconds()),
            edits: asked.edits.as_ref().and(self.edits()),
            chosen: asked.chosen.as_ref().and(self.chosen()),
            idempotency_key: asked.idempotency_key.as_ref().and(self.said.idempotency_key.clone()),
            order_key: asked.order_key.as_ref().and(self.said.order_key.clone()),
            deliver_after: asked.deliver_after.and(self.said.deliver_after.map(|time| time.as_millis())),
            denied: asked.denied.as_ref().map(|_| self.run.denied.clone()),
            logs: asked.logs.as_ref().map(|_| self.logs()),
            labels: asked.labels.as_ref().map(|asked| self.narrowed_labels(asked)),
            event: asked.event.as_ref().filter(|_| self.goes_on()).map(|asked| self.narrowed_event(asked)),
            answer: asked.answer.as_ref().and_then(|asked| Some(narrowed_answer(asked, self.answer()?))),
            kv,
        }
    }

    fn failure(&self) -> Option<FailureClass> {
        match &self.run.outcome {
            Outcome::Failure { class, .. } => Some(*class),
            Outcome::Verdict { .. } => None,
        }
    }

    fn retry_seconds(&self) -> Option<u32> {
        match self.end {
            End::RetryLater { seconds } => Some(seconds),
            _ => None,
        }
    }

    fn chosen(&self) -> Option<Vec<String>> {
        self.chosen.as_ref().map(|names| names.iter().map(ToString::to_string).collect())
    }

    /// All, if that there are none was asked for, or if none is there of those that were.
    fn narrowed_labels(&self, asked: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let all = self.labels();
        let wanted: BTreeMap<_, _> = all.clone().into_iter().filter(|(name, _)| asked.contains_key(name)).collect();
        if wanted.is_empty() { all } else { wanted }
    }

    fn labels(&self) -> BTreeMap<String, String> {
        self.said.labels.iter().cloned().collect()
    }

    /// What the filter changed of the event.
    fn whole_event(&self) -> ExpectedEvent {
        let (before, after) = (&self.before, &self.after);
        let names = before.headers.keys().chain(after.headers.keys());
        let changed = names.filter(|name| {
            let (old, new) = (before.headers.get_all(*name), after.headers.get_all(*name));
            !old.iter().eq(new.iter())
        });
        let headers = changed.map(|name| (name.to_string(), Values::of_header(&after.headers, name.as_str())));
        let (old, new) = (body(before), body(after));
        let [body_json, body_text, body_base64] = if old == new { [None, None, None] } else { readable(new) };
        ExpectedEvent {
            method: (before.method != after.method).then(|| after.method.to_string()),
            path: (before.path != after.path).then(|| after.path.clone()),
            query: (before.query != after.query).then(|| after.query.clone().unwrap_or_default()),
            body_json,
            body_text,
            body_base64,
            headers: headers.collect(),
        }
    }

    fn narrowed_event(&self, asked: &ExpectedEvent) -> ExpectedEvent {
        let after = &self.after;
        let body = [asked.body_json.as_deref(), asked.body_text.as_deref(), asked.body_base64.as_deref()];
        let [body_json, body_text, body_base64] = alike(body, self::body(after));
        ExpectedEvent {
            method: asked.method.as_ref().map(|_| after.method.to_string()),
            path: asked.path.as_ref().map(|_| after.path.clone()),
            query: asked.query.as_ref().map(|_| after.query.clone().unwrap_or_default()),
            body_json,
            body_text,
            body_base64,
            headers: narrowed_headers(&asked.headers, &after.headers),
        }
    }
}

fn whole_answer((status, headers, body): Answer<'_>) -> ExpectedAnswer {
    let [body_json, body_text, body_base64] = if body.is_empty() { [None, None, None] } else { readable(body) };
    let headers = headers.keys().map(|name| (name.to_string(), Values::of_header(&headers, name.as_str())));
    ExpectedAnswer { status: Some(status), body_json, body_text, body_base64, headers: headers.collect() }
}

fn narrowed_answer(asked: &ExpectedAnswer, (status, headers, body): Answer<'_>) -> ExpectedAnswer {
    let bodies = [asked.body_json.as_deref(), asked.body_text.as_deref(), asked.body_base64.as_deref()];
    let [body_json, body_text, body_base64] = alike(bodies, body);
    ExpectedAnswer {
        status: asked.status.map(|_| status),
        body_json,
        body_text,
        body_base64,
        headers: narrowed_headers(&asked.headers, &headers),
    }
}

fn narrowed_headers(asked: &BTreeMap<String, Values>, headers: &HeaderMap) -> BTreeMap<String, Values> {
    // A name in capitals is found all the same.
    asked.keys().map(|name| (name.clone(), Values::of_header(headers, &name.to_ascii_lowercase()))).collect()
}

/// What is not there any more is `false`.
fn changed(before: &Kept, after: &Kept) -> BTreeMap<String, BTreeMap<String, Values>> {
    let nothing = BTreeMap::new();
    let mut namespaces = BTreeMap::new();
    for namespace in before.keys().chain(after.keys()) {
        let (old, new) = (before.get(namespace).unwrap_or(&nothing), after.get(namespace).unwrap_or(&nothing));
        let keys = old.keys().chain(new.keys()).filter(|key| old.get(*key) != new.get(*key));
        let values: BTreeMap<String, Values> =
            keys.map(|key| (key.clone(), Values::of(new.get(key).map(Vec::as_slice)))).collect();
        if !values.is_empty() {
            namespaces.insert(namespace.clone(), values);
        }
    }
    namespaces
}

fn body(event: &Event) -> &[u8] {
    event.body.as_ref().map_or(&[], Bytes::as_ref)
}

/// As JSON, text or base64, the first that it is.
fn readable(body: &[u8]) -> [Option<String>; 3] {
    if let Some(json) = indented(body) {
        return [Some(json), None, None];
    }
    match Octets::of(body) {
        Octets::Text(text) => [None, Some(text), None],
        Octets::Bytes { base64 } => [None, None, Some(base64)],
    }
}

/// In the forms that are asked for; what is not of such a form stands there as it is.
fn alike(asked: [Option<&str>; 3], body: &[u8]) -> [Option<String>; 3] {
    let text = || String::from_utf8_lossy(body).into_owned();
    let [json, plain, base64] = asked;
    // As it was asked for, if no more than its spelling is another.
    let same = |asked: &str| {
        let [asked, came] = [asked.as_bytes(), body].map(|text| serde_json::from_slice::<serde_json::Value>(text).ok());
        asked.is_some() && asked == came
    };
    let json = json.map(|asked| indented(if same(asked) { asked.as_bytes() } else { body }).unwrap_or_else(text));
    [json, plain.map(|_| text()), base64.map(|_| STANDARD.encode(body))]
}

fn indented(body: &[u8]) -> Option<String> {
    let json: serde_json::Value = serde_json::from_slice(body).ok()?;
    serde_json::to_string_pretty(&json).ok()
}

impl Expected {
    /// What is well formed and cannot be meant.
    pub(super) fn sense(&self) -> Result<(), Faults> {
        let mut faults = Faults::default();
        let bodies = [
            ("event", self.event.as_ref().and_then(|event| event.body_json.as_ref())),
            ("answer", self.answer.as_ref().and_then(|answer| answer.body_json.as_ref())),
        ];
        for (place, text) in bodies.into_iter().filter_map(|(place, text)| Some((place, text?))) {
            if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
                faults.add(format!("{place}.body_json"), format!("is no JSON: {error}"));
            }
        }
        let event = self.event.iter().map(|event| ("event.headers".to_owned(), &event.headers));
        let answer = self.answer.iter().map(|answer| ("answer.headers".to_owned(), &answer.headers));
        let kv = self.kv.iter().flatten().map(|(namespace, values)| (format!("kv.{namespace}"), values));
        for (place, values) in event.chain(answer).chain(kv) {
            for (name, value) in values {
                faults.keep(&format!("{place}.{name}"), value.sense().map_err(|problem| Faults::one("", problem)));
            }
        }
        faults.or(())
    }

    /// The verdict that is right.
    pub(super) fn word(&self) -> Option<Word> {
        self.verdict
    }

    /// Written as it would be told of what came, so that only what differs differs.
    pub(super) fn normal(mut self) -> Self {
        fn normal(values: &mut BTreeMap<String, Values>) {
            values.values_mut().for_each(|value| *value = value.normal());
        }
        fn json(text: &mut Option<String>) {
            *text = text.take().map(|text| indented(text.as_bytes()).unwrap_or(text));
        }

        if let Some(event) = &mut self.event {
            normal(&mut event.headers);
            json(&mut event.body_json);
        }
        if let Some(answer) = &mut self.answer {
            normal(&mut answer.headers);
            json(&mut answer.body_json);
        }
        self.kv.iter_mut().flat_map(BTreeMap::values_mut).for_each(normal);
        self
    }

    /// As it stands in a case, below `[expect]`.
    pub(super) fn text(&self) -> String {
        #[derive(Serialize)]
        struct Case<'a> {
            expect: &'a Expected,
        }

        toml::to_string_pretty(&Case { expect: self }).expect("what is expected is TOML")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_means_the_same_is_written_the_same() {
        let written = |value: serde_json::Value| serde_json::from_value::<Expected>(value).unwrap().normal();
        let one = json!({ "event": { "headers": { "a": ["1"], "b": { "base64": "YQ==" }, "c": [] }, "body_json": "{\"a\":1}" } });
        let other =
            json!({ "event": { "headers": { "a": "1", "b": "a", "c": false }, "body_json": "{ \"a\" : 1 }\n" } });
        assert_eq!(written(one), written(other));
    }

    #[test]
    fn what_cannot_be_meant_is_told() {
        let faults = |value: serde_json::Value| {
            let read = serde_json::from_value::<Expected>(value).unwrap().sense().unwrap_err();
            read.0.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            faults(
                json!({ "event": { "headers": { "a": true }, "body_json": "{" }, "kv": { "n": { "k": { "base64": "?" } } } })
            ),
            [
                "event.body_json: is no JSON: EOF while parsing an object at line 1 column 1",
                "event.headers.a: `true` is no value: write a text, or `false` for nothing",
                "kv.n.k: is no base64: Invalid symbol 63, offset 0.",
            ]
        );
    }

    #[test]
    fn what_changed_in_a_namespace_is_told() {
        let kept = |pairs: &[(&str, &str)]| {
            let values = pairs.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect();
            Kept::from([("n".to_owned(), values)])
        };
        let changes =
            changed(&kept(&[("a", "1"), ("b", "1"), ("c", "1")]), &kept(&[("a", "1"), ("b", "2"), ("d", "1")]));
        assert_eq!(serde_json::to_value(changes).unwrap(), json!({ "n": { "b": "2", "c": false, "d": "1" } }));
        assert!(changed(&kept(&[("a", "1")]), &kept(&[("a", "1")])).is_empty());
    }

    #[test]
    fn it_is_written_as_toml() {
        let expected: Expected = serde_json::from_value(json!({
            "verdict": "edit", "edits": ["set header a: b"], "logs": [], "labels": { "kind": "push" },
            "event": { "headers": { "a": "b" }, "body_json": "{\n  \"n\": 1\n}" },
        }))
        .unwrap();
        let text = expected.text();
        let read: BTreeMap<String, Expected> = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(read["expect"], expected);
        assert!(text.contains("\n  \"n\": 1\n"), "{text}");
    }
}
