//! The host's imports and the exports it calls, in a component.

use std::{marker::PhantomData, mem::ManuallyDrop};

use self::bindings::{
    exports::snaphook::filter::handler::Guest,
    snaphook::filter::{body, clock, config, crypto, event, keys, kv, log as lines, random as numbers, secrets, types},
};
use crate::{
    crypto::{Key, PublicKey},
    error::CallError,
    event::{Event, Head, Phase},
    filter::{self, Filter},
    hmac::Part,
    keys::{Request, Text},
    kv::Reservation,
    log::Level,
    verdict::{Decision, Edit, Response},
};

#[doc(hidden)]
pub(crate) mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "filter",
        ownership: Borrowing { duplicate_if_necessary: false },
        pub_export_macro: true,
        default_bindings_module: "snaphook_sdk::__component",
    });
}

/// The component's exports for a filter.
#[derive(Debug)]
pub struct Component<F>(PhantomData<F>);

impl<F: Filter> Guest for Component<F> {
    fn handle(head: types::Head, body: &body::Body) -> Result<types::Verdict, String> {
        let event = Event::new(head.into(), crate::body::Body(Body::borrowed(body)));
        filter::handle::<F>(&event).map(Into::into)
    }

    fn configure(config: String) -> Result<Vec<u8>, String> {
        filter::configure::<F>(&config)
    }
}

/// A handle to a body: lent for the call, or the filter's own.
#[derive(Debug)]
pub(crate) enum Body {
    Lent(ManuallyDrop<body::Body>),
    Own(body::Body),
}

impl Body {
    /// The event that holds it is only ever lent to the filter's `handle`, so the handle does not outlive the call.
    #[expect(unsafe_code, reason = "keeps a lifetime out of `Event`, which authors write in their signatures")]
    fn borrowed(body: &body::Body) -> Self {
        // SAFETY: the handle is valid as long as `body` is, which outlives the event, and it is not dropped here.
        Self::Lent(ManuallyDrop::new(unsafe { body::Body::from_handle(body.handle()) }))
    }

    fn handle(&self) -> &body::Body {
        match self {
            Self::Lent(body) => body,
            Self::Own(body) => body,
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.handle().len()
    }

    pub(crate) fn read(&self, offset: u64, max: u32) -> Vec<u8> {
        self.handle().read(offset, max)
    }

    pub(crate) fn read_all(&self) -> Vec<u8> {
        self.handle().read_all()
    }

    pub(crate) fn digest(&self, algorithm: &str) -> Result<Vec<u8>, CallError> {
        Ok(self.handle().digest(algorithm)?)
    }

    pub(crate) fn mac_verify(&self, secret: &str, algorithm: &str, signature: &[u8]) -> Result<bool, CallError> {
        Ok(self.handle().mac_verify(secret, algorithm, signature)?)
    }

    pub(crate) fn json(&self, pointer: &str) -> Result<Option<String>, CallError> {
        Ok(self.handle().json(pointer)?)
    }

    pub(crate) fn json_each(&self, pointers: &[&str]) -> Result<Vec<Option<String>>, CallError> {
        Ok(self.handle().json_each(pointers)?)
    }

    pub(crate) fn text(&self, pointer: &str) -> Result<Option<String>, CallError> {
        Ok(self.handle().text(pointer)?)
    }

    pub(crate) fn original(&self) -> Self {
        Self::Own(self.handle().original())
    }
}

pub(crate) fn log(level: Level, message: &str) {
    let level = match level {
        Level::Trace => lines::Level::Trace,
        Level::Debug => lines::Level::Debug,
        Level::Info => lines::Level::Info,
        Level::Warn => lines::Level::Warn,
        Level::Error => lines::Level::Error,
    };
    lines::log(level, message);
}

pub(crate) fn config_raw() -> String {
    config::raw()
}

pub(crate) fn config_prepared() -> Vec<u8> {
    config::prepared()
}

pub(crate) fn now() -> u64 {
    clock::now()
}

pub(crate) fn random(length: u32) -> Result<Vec<u8>, CallError> {
    Ok(numbers::bytes(length)?)
}

pub(crate) fn set_label(name: &str, value: &str) -> Result<(), CallError> {
    Ok(event::set_label(name, value)?)
}

pub(crate) fn set_idempotency_key(key: &str) -> Result<(), CallError> {
    Ok(event::set_idempotency_key(key)?)
}

pub(crate) fn set_order_key(key: &str) -> Result<(), CallError> {
    Ok(event::set_order_key(key)?)
}

pub(crate) fn set_deliver_after(time: u64) -> Result<(), CallError> {
    Ok(event::set_deliver_after(time)?)
}

pub(crate) fn set_answer(answer: &Response) -> Result<(), CallError> {
    let headers: Vec<_> = answer.headers.iter().collect();
    Ok(event::set_answer(answer.status, &headers, &answer.body)?)
}

pub(crate) fn mac_verify(
    secret: &str,
    algorithm: &str,
    parts: &[Part<'_>],
    signature: &[u8],
) -> Result<bool, CallError> {
    Ok(crypto::mac_verify(secret, algorithm, &parts_of(parts), signature)?)
}

pub(crate) fn mac_sign(secret: &str, algorithm: &str, parts: &[Part<'_>]) -> Result<Vec<u8>, CallError> {
    Ok(crypto::mac_sign(secret, algorithm, &parts_of(parts))?)
}

fn parts_of<'a>(parts: &[Part<'a>]) -> Vec<crypto::Part<'a>> {
    let part = |part: &Part<'a>| match *part {
        Part::Literal(bytes) => crypto::Part::Literal(bytes),
        Part::Header(name) => crypto::Part::Header(name),
        Part::Body(body) => crypto::Part::Body(body.0.handle()),
        Part::Key => crypto::Part::Key,
    };
    parts.iter().map(part).collect()
}

fn key_of<'a>(key: Key<'a>) -> crypto::Key<'a> {
    crypto::Key { secret: key.secret, prefix: key.prefix, form: key.form.name() }
}

pub(crate) fn key_verify(
    key: Key<'_>,
    algorithm: &str,
    parts: &[Part<'_>],
    signature: &[u8],
) -> Result<bool, CallError> {
    Ok(crypto::key_verify(key_of(key), algorithm, &parts_of(parts), signature)?)
}

pub(crate) fn key_sign(key: Key<'_>, algorithm: &str, parts: &[Part<'_>]) -> Result<Vec<u8>, CallError> {
    Ok(crypto::key_sign(key_of(key), algorithm, &parts_of(parts))?)
}

pub(crate) fn digest(algorithm: &str, parts: &[Part<'_>]) -> Result<Vec<u8>, CallError> {
    Ok(crypto::digest(algorithm, &parts_of(parts))?)
}

pub(crate) fn token_equal(secret: &str, token: &[u8]) -> Result<bool, CallError> {
    Ok(crypto::token_equal(secret, token)?)
}

pub(crate) fn signature_verify(
    key: PublicKey<'_>,
    algorithm: &str,
    parts: &[Part<'_>],
    signature: &[u8],
) -> Result<bool, CallError> {
    let key = match key {
        PublicKey::Secret(key) => crypto::PublicKey::Secret(key_of(key)),
        PublicKey::Given(bytes) => crypto::PublicKey::Given(bytes),
    };
    Ok(crypto::signature_verify(key, algorithm, &parts_of(parts), signature)?)
}

pub(crate) fn keys_fetch(request: &Request<'_>) -> Result<Vec<u8>, CallError> {
    fn texts<'a>(texts: &'a [Text<'a>]) -> Vec<keys::Text<'a>> {
        let text = |text: &'a Text<'a>| match *text {
            Text::Literal(text) => keys::Text::Literal(text),
            Text::Secret(name) => keys::Text::Secret(name),
            Text::SecretJson(name) => keys::Text::SecretJson(name),
            Text::SecretBase64(name) => keys::Text::SecretBase64(name),
        };
        texts.iter().map(text).collect()
    }
    let headers: Vec<_> = request.headers.iter().map(|(name, value)| (*name, texts(value))).collect();
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_slice())).collect();
    let body = request.body.as_deref().map(texts);
    Ok(keys::fetch(keys::Request {
        url: request.url,
        headers: &headers,
        body: body.as_deref(),
        keep_seconds: request.keep_seconds,
    })?)
}

pub(crate) fn reveal(name: &str) -> Result<Vec<u8>, CallError> {
    Ok(secrets::reveal(name)?)
}

pub(crate) fn kv_get(namespace: &str, key: &str) -> Result<Option<Vec<u8>>, CallError> {
    Ok(kv::get(namespace, key)?)
}

pub(crate) fn kv_set(namespace: &str, key: &str, value: &[u8], ttl: Option<u32>) -> Result<(), CallError> {
    Ok(kv::set(namespace, key, value, ttl)?)
}

pub(crate) fn kv_delete(namespace: &str, key: &str) -> Result<(), CallError> {
    Ok(kv::delete(namespace, key)?)
}

pub(crate) fn kv_increment(namespace: &str, key: &str, delta: i64, ttl: Option<u32>) -> Result<i64, CallError> {
    Ok(kv::increment(namespace, key, delta, ttl)?)
}

pub(crate) fn kv_compare_and_swap(
    namespace: &str,
    key: &str,
    expected: Option<&[u8]>,
    value: &[u8],
    ttl: Option<u32>,
) -> Result<bool, CallError> {
    Ok(kv::compare_and_swap(namespace, key, expected, value, ttl)?)
}

pub(crate) fn kv_once(namespace: &str, key: &str, ttl: u32) -> Result<Reservation, CallError> {
    Ok(match kv::once(namespace, key, ttl)? {
        kv::Reservation::First => Reservation::First,
        kv::Reservation::Pending => Reservation::Pending,
        kv::Reservation::Known => Reservation::Known,
    })
}

impl From<types::CallError> for CallError {
    fn from(error: types::CallError) -> Self {
        match error {
            types::CallError::Denied(name) => Self::Denied(name),
            types::CallError::Invalid(text) => Self::Invalid(text),
            types::CallError::Limit(text) => Self::Limit(text),
            types::CallError::Unavailable(text) => Self::Unavailable(text),
            types::CallError::Other(text) => Self::Other(text),
        }
    }
}

impl From<types::Head> for Head {
    fn from(head: types::Head) -> Self {
        Self {
            event: head.event,
            project: head.project,
            route: head.route,
            phase: match head.phase {
                types::Phase::Route => Phase::Route,
                types::Phase::Destination(name) => Phase::Destination(name),
            },
            method: head.method,
            scheme: head.scheme,
            authority: head.authority,
            path: head.path,
            query: head.query,
            headers: head.headers,
            source: head.source,
            received: head.received,
            attempt: head.attempt,
            replay: head.replay,
            body_length: head.body_length,
            attributes: head.attributes,
        }
    }
}

impl From<Decision> for types::Verdict {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Pass => Self::Pass,
            Decision::Edit(edits) => Self::Edit(edits.into_iter().map(Into::into).collect()),
            Decision::Reject(refusal) => Self::Reject(types::Rejection {
                status: refusal.status,
                headers: refusal.headers,
                reason: refusal.reason,
            }),
            Decision::Respond(response) => Self::Respond(types::Response {
                status: response.status,
                headers: response.headers,
                body: response.body,
            }),
            Decision::Drop { reason } => Self::Drop(reason),
            Decision::RetryLater { seconds } => Self::RetryLater(seconds),
        }
    }
}

impl From<Edit> for types::Edit {
    fn from(edit: Edit) -> Self {
        match edit {
            Edit::SetHeader(header) => Self::SetHeader(header),
            Edit::AppendHeader(header) => Self::AppendHeader(header),
            Edit::RemoveHeader(name) => Self::RemoveHeader(name),
            Edit::SetMethod(method) => Self::SetMethod(method),
            Edit::SetPath(path) => Self::SetPath(path),
            Edit::SetQuery(query) => Self::SetQuery(query),
            Edit::ReplaceBody(body) => Self::ReplaceBody(body),
            Edit::JsonSet(pointer, text) => Self::JsonSet((pointer, text)),
            Edit::JsonRemove(pointer) => Self::JsonRemove(pointer),
            Edit::Choose(names) => Self::Choose(names),
        }
    }
}
