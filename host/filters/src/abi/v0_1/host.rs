//! The host's side of every import. A missing grant is a typed answer, never a trap: guests that bind everything run.

use std::time::Duration;

use bytes::Bytes;
use model::{Timestamp, apply, json};
use signatures::native;
use wasmtime::{Result, component::Resource};

use super::bindings::snaphook::filter::{body, clock, config, crypto, event, kv, log, random, secrets, types};
use crate::{call::Call, kv as store};

pub(super) type Answer<T> = Result<Result<T, types::CallError>>;

/// What a body handle stands for. Handles hold no memory of their own: there are just two bodies.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated code re-exports it")]
pub struct HostBody;

impl HostBody {
    pub(super) const CURRENT: u32 = 0;
    pub(super) const ORIGINAL: u32 = 1;
}

/// The resource of cases that later versions bring.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated code re-exports it")]
pub enum Never {}

impl Never {
    /// The host makes none, so a guest cannot hand one over: wasmtime refuses handles that do not exist.
    pub(super) fn unmade(_: &Resource<Self>) -> ! {
        unreachable!("a resource that the host never makes")
    }
}

pub(super) fn denied<T>(call: &mut Call, grant: &str) -> Answer<T> {
    call.deny(grant);
    Ok(Err(types::CallError::Denied(grant.to_owned())))
}

pub(super) fn invalid<T>(problem: impl Into<String>) -> Answer<T> {
    Ok(Err(types::CallError::Invalid(problem.into())))
}

/// The event that is handled, or a `denied` while a configuration is checked.
macro_rules! handling {
    ($call:ident, $grant:expr) => {
        match &mut $call.handling {
            Some(handling) => handling,
            None => return denied($call, $grant),
        }
    };
}
pub(super) use handling;

impl types::Host for Call {}

impl types::HostOtherEdit for Call {
    fn drop(&mut self, never: Resource<Never>) -> Result<()> {
        Never::unmade(&never)
    }
}

impl types::HostOtherVerdict for Call {
    fn drop(&mut self, never: Resource<Never>) -> Result<()> {
        Never::unmade(&never)
    }
}

impl Call {
    fn bytes(&self, handle: &Resource<HostBody>) -> &Bytes {
        static EMPTY: Bytes = Bytes::new();
        match &self.handling {
            None => &EMPTY,
            Some(handling) if handle.rep() == HostBody::ORIGINAL => &handling.original,
            Some(handling) => &handling.body,
        }
    }

    fn at<T>(
        &mut self,
        handle: &Resource<HostBody>,
        read: impl FnOnce(&json::Document, &mut json::Place) -> Result<T, json::PointerError>,
    ) -> Answer<T> {
        let handling = handling!(self, "body");
        let original = handle.rep() == HostBody::ORIGINAL;
        let document = handling.document(original);
        let document = match document {
            Ok(document) => document,
            Err(error) => return invalid(error.to_string()),
        };
        match read(&document, &mut handling.places[usize::from(original)]) {
            Ok(found) => Ok(Ok(found)),
            Err(error) => invalid(error.to_string()),
        }
    }
}

/// Pointers of one call; and how many times the body's bytes they may be, one always.
const POINTERS_MOST: usize = 64;
const EACH_BYTES_MOST: usize = 4 << 20;

impl body::Host for Call {}

impl body::HostBody for Call {
    fn len(&mut self, this: Resource<HostBody>) -> Result<u64> {
        Ok(self.bytes(&this).len() as u64)
    }

    fn read(&mut self, this: Resource<HostBody>, offset: u64, max: u32) -> Result<Vec<u8>> {
        let bytes = self.bytes(&this);
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let end = start.saturating_add(max as usize).min(bytes.len());
        Ok(bytes[start..end].to_vec())
    }

    fn read_all(&mut self, this: Resource<HostBody>) -> Result<Vec<u8>> {
        Ok(self.bytes(&this).to_vec())
    }

    fn digest(&mut self, this: Resource<HostBody>, algorithm: String) -> Answer<Vec<u8>> {
        match native::hash(&algorithm, std::iter::once(&self.bytes(&this)[..])) {
            Some(digest) => Ok(Ok(digest)),
            None => invalid(format!("`{algorithm}` is no digest: sha1, sha256, sha384 or sha512")),
        }
    }

    fn mac_verify(
        &mut self,
        this: Resource<HostBody>,
        secret: String,
        algorithm: String,
        signature: Vec<u8>,
    ) -> Answer<bool> {
        crypto::Host::mac_verify(self, secret, algorithm, vec![crypto::Part::Body(this)], signature)
    }

    fn json(&mut self, this: Resource<HostBody>, pointer: String) -> Answer<Option<String>> {
        self.at(&this, |document, place| Ok(document.get_from(place, &pointer)?.map(str::to_owned)))
    }

    fn json_each(&mut self, this: Resource<HostBody>, pointers: Vec<String>) -> Answer<Vec<Option<String>>> {
        let bytes = self.bytes(&this).len();
        // What one call may read through and hand over, whatever its pointers lead to. It is paid for when it returns.
        let most = (EACH_BYTES_MOST / bytes.max(1)).clamp(1, POINTERS_MOST);
        if pointers.len() > most {
            let problem = format!("{} pointers are too many: at most {most} a call, of {bytes} bytes", pointers.len());
            return invalid(problem);
        }
        let mut found = Vec::with_capacity(pointers.len());
        for pointer in pointers {
            match body::HostBody::json(self, Resource::new_borrow(this.rep()), pointer)? {
                Ok(text) => found.push(text),
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(found))
    }

    fn text(&mut self, this: Resource<HostBody>, pointer: String) -> Answer<Option<String>> {
        self.at(&this, |document, place| Ok(document.text_from(place, &pointer)?.map(std::borrow::Cow::into_owned)))
    }

    fn original(&mut self, _: Resource<HostBody>) -> Result<Resource<HostBody>> {
        Ok(Resource::new_own(HostBody::ORIGINAL))
    }

    fn drop(&mut self, _: Resource<HostBody>) -> Result<()> {
        Ok(())
    }
}

impl log::Host for Call {
    fn log(&mut self, level: log::Level, message: String) -> Result<()> {
        let level = match level {
            log::Level::Trace => "trace",
            log::Level::Debug => "debug",
            log::Level::Info => "info",
            log::Level::Warn => "warn",
            log::Level::Error => "error",
        };
        self.log.write(level, message);
        Ok(())
    }
}

impl config::Host for Call {
    fn raw(&mut self) -> Result<String> {
        Ok(self.handling.as_ref().map(|handling| handling.filter.config.clone()).unwrap_or_default())
    }

    fn prepared(&mut self) -> Result<Vec<u8>> {
        Ok(self.handling.as_ref().map(|handling| handling.filter.prepared.to_vec()).unwrap_or_default())
    }
}

impl clock::Host for Call {
    fn now(&mut self) -> Result<u64> {
        Ok(self.now.as_millis())
    }
}

impl random::Host for Call {
    fn bytes(&mut self, len: u32) -> Answer<Vec<u8>> {
        const MOST: u32 = 64 << 10;
        if len > MOST {
            return invalid(format!("{len} random bytes are too many: at most {MOST} a call"));
        }
        Ok(Ok(self.random(len as usize)))
    }
}

impl event::Host for Call {
    fn set_label(&mut self, name: String, value: String) -> Answer<()> {
        let said = &mut handling!(self, "event").said;
        if let Err(problem) = apply::check_label(&name, &value) {
            return invalid(problem.to_string());
        }
        if said.labels.len() >= model::limits::LABELS_MOST && !said.labels.iter().any(|(known, _)| *known == name) {
            let problem = format!("at most {} labels on one event", model::limits::LABELS_MOST);
            return Ok(Err(types::CallError::Limit(problem)));
        }
        said.set_label(name, value);
        Ok(Ok(()))
    }

    fn set_idempotency_key(&mut self, key: String) -> Answer<()> {
        let said = &mut handling!(self, "event").said;
        match apply::check_key(&key) {
            Err(problem) => invalid(problem.to_string()),
            Ok(()) => {
                said.idempotency_key = Some(key);
                Ok(Ok(()))
            }
        }
    }

    fn set_order_key(&mut self, key: String) -> Answer<()> {
        let said = &mut handling!(self, "event").said;
        match apply::check_key(&key) {
            Err(problem) => invalid(problem.to_string()),
            Ok(()) => {
                said.order_key = Some(key);
                Ok(Ok(()))
            }
        }
    }

    fn set_deliver_after(&mut self, time: u64) -> Answer<()> {
        handling!(self, "event").said.deliver_after = Some(Timestamp::from_millis(time));
        Ok(Ok(()))
    }

    fn set_answer(&mut self, status: u16, headers: Vec<(String, Vec<u8>)>, body: Vec<u8>) -> Answer<()> {
        let handling = handling!(self, "event");
        let (body, limits) = (Bytes::from(body), &handling.filter.limits);
        match apply::check_answer(status, apply::RESPONSE_STATUSES, &headers, body.clone(), limits) {
            Err(problem) => invalid(problem.to_string()),
            Ok(_) => {
                handling.said.answer = Some(model::Response { status, headers, body });
                Ok(Ok(()))
            }
        }
    }
}

impl secrets::Host for Call {
    fn reveal(&mut self, name: String) -> Answer<Vec<u8>> {
        let handling = handling!(self, &format!("reveal.{name}"));
        match handling.filter.revealed(&name) {
            None => denied(self, &format!("reveal.{name}")),
            Some(value) => Ok(Ok(value.to_vec())),
        }
    }
}

const KEY_BYTES_MOST: usize = 512;
const VALUE_BYTES_MOST: usize = 64 << 10;
const TTL_SECONDS_MOST: u32 = 400 * 24 * 3_600;

impl Call {
    /// The scope of a granted namespace, after everything about the call was checked.
    fn kv_scope(&mut self, namespace: String, key: &str, ttl: Option<u32>) -> Result<store::Scope, types::CallError> {
        let Some(handling) = &mut self.handling else { return Err(self.deny_kv(namespace)) };
        if !handling.filter.kv.contains(&namespace) {
            return Err(self.deny_kv(namespace));
        }
        if key.is_empty() || key.len() > KEY_BYTES_MOST {
            return Err(types::CallError::Invalid(format!("a key has 1 to {KEY_BYTES_MOST} bytes")));
        }
        if ttl.is_some_and(|seconds| seconds == 0 || seconds > TTL_SECONDS_MOST) {
            return Err(types::CallError::Invalid(format!("a time to live is 1 to {TTL_SECONDS_MOST} seconds")));
        }
        if handling.kv_calls >= handling.filter.limits.kv_calls {
            let problem = format!("kv_calls: at most {} for one event", handling.filter.limits.kv_calls);
            return Err(types::CallError::Limit(problem));
        }
        handling.kv_calls += 1;
        let filter = &handling.filter;
        let (project, route, name) = (filter.project.clone(), filter.route.clone(), filter.name.clone());
        Ok(store::Scope { project, route, filter: name, namespace })
    }

    fn deny_kv(&mut self, namespace: String) -> types::CallError {
        let grant = format!("kv.{namespace}");
        self.deny(&grant);
        types::CallError::Denied(grant)
    }

    /// `kv_scope` succeeded, so an event is being handled.
    fn kv(&self) -> &dyn store::Kv {
        &*self.handling.as_ref().expect("checked by kv_scope").kv
    }
}

fn kv_answer<T>(answer: Result<T, store::Error>) -> Answer<T> {
    Ok(answer.map_err(|error| match error {
        store::Error::Limit(problem) => types::CallError::Limit(problem),
        store::Error::Invalid(problem) => types::CallError::Invalid(problem),
        store::Error::Unavailable(problem) => types::CallError::Unavailable(problem),
    }))
}

fn seconds(ttl: Option<u32>) -> Option<Duration> {
    ttl.map(|seconds| Duration::from_secs(u64::from(seconds)))
}

fn check_value(value: &[u8]) -> Result<(), types::CallError> {
    if value.len() > VALUE_BYTES_MOST {
        return Err(types::CallError::Invalid(format!("a value has at most {VALUE_BYTES_MOST} bytes")));
    }
    Ok(())
}

/// Leaves the host function with the guest's typed error.
macro_rules! check {
    ($checked:expr) => {
        match $checked {
            Ok(value) => value,
            Err(error) => return Ok(Err(error)),
        }
    };
}

impl kv::Host for Call {
    async fn get(&mut self, namespace: String, key: String) -> Answer<Option<Vec<u8>>> {
        let scope = check!(self.kv_scope(namespace, &key, None));
        kv_answer(self.kv().get(&scope, &key, self.now).await.map(|value| value.map(|value| value.to_vec())))
    }

    async fn set(&mut self, namespace: String, key: String, value: Vec<u8>, ttl: Option<u32>) -> Answer<()> {
        let scope = check!(self.kv_scope(namespace, &key, ttl));
        check!(check_value(&value));
        kv_answer(self.kv().set(&scope, &key, value.into(), seconds(ttl), self.now).await)
    }

    async fn delete(&mut self, namespace: String, key: String) -> Answer<()> {
        let scope = check!(self.kv_scope(namespace, &key, None));
        kv_answer(self.kv().delete(&scope, &key).await)
    }

    async fn increment(&mut self, namespace: String, key: String, delta: i64, ttl: Option<u32>) -> Answer<i64> {
        let scope = check!(self.kv_scope(namespace, &key, ttl));
        kv_answer(self.kv().increment(&scope, &key, delta, seconds(ttl), self.now).await)
    }

    async fn compare_and_swap(
        &mut self,
        namespace: String,
        key: String,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
        ttl: Option<u32>,
    ) -> Answer<bool> {
        let scope = check!(self.kv_scope(namespace, &key, ttl));
        check!(check_value(&value));
        let (expected, value) = (expected.as_deref(), value.into());
        kv_answer(self.kv().compare_and_swap(&scope, &key, expected, value, seconds(ttl), self.now).await)
    }

    async fn once(&mut self, namespace: String, key: String, ttl: u32) -> Answer<kv::Reservation> {
        let scope = check!(self.kv_scope(namespace, &key, Some(ttl)));
        let handling = self.handling.as_mut().expect("checked by kv_scope");
        let ttl = Duration::from_secs(u64::from(ttl));
        // Said before the answer: a call that is cut off while it waits may hold the key already.
        handling.reserved = true;
        let reserved = handling.kv.once(&scope, &key, handling.event, ttl, self.now).await;
        kv_answer(reserved.map(|reservation| match reservation {
            store::Reservation::First => kv::Reservation::First,
            store::Reservation::Pending => kv::Reservation::Pending,
            store::Reservation::Known => kv::Reservation::Known,
        }))
    }
}
