//! The host's part on the author's machine: one host for each thread, put there by `testing` for the time of a call.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::{
    crypto::{self, Form, PublicKey},
    error::CallError,
    hmac::Part,
    keys::{Request, Text},
    kv::Reservation,
    log::Level,
    testing::document,
    verdict::{Header, Response},
};

thread_local! {
    static HOST: RefCell<Option<Host>> = const { RefCell::new(None) };
}

/// Namespace and key.
pub(crate) type Key = (String, String);

/// Algorithm, key, message, signature.
type Verify = dyn Fn(&str, &[u8], &[u8], &[u8]) -> Result<bool, String>;

/// Who checks public-key signatures.
#[derive(Default)]
pub(crate) struct Verifier(pub(crate) Option<Box<Verify>>);

impl std::fmt::Debug for Verifier {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Verifier")
    }
}

/// What one attachment has and what one call of its filter did.
#[derive(Debug, Default)]
pub(crate) struct Host {
    /// While `configure` runs, only log, clock and random work.
    pub(crate) configuring: bool,
    pub(crate) config: String,
    pub(crate) prepared: Vec<u8>,
    pub(crate) clock: u64,
    pub(crate) random: u64,
    /// Valid values, the newest first.
    pub(crate) secrets: BTreeMap<String, Vec<Vec<u8>>>,
    pub(crate) reveal: BTreeMap<String, Vec<u8>>,
    /// Documents by their URLs, and who checks public-key signatures.
    pub(crate) documents: BTreeMap<String, Vec<u8>>,
    pub(crate) verifier: Verifier,
    pub(crate) namespaces: BTreeSet<String>,
    pub(crate) values: BTreeMap<Key, Stored>,
    /// Committed keys and when they expire.
    pub(crate) known: BTreeMap<Key, u64>,
    /// Keys that another event holds.
    pub(crate) held: BTreeSet<Key>,
    /// The event's headers, as the filter was given them.
    pub(crate) headers: Vec<Header>,
    pub(crate) said: Said,
}

#[derive(Debug)]
pub(crate) struct Stored {
    value: Vec<u8>,
    expires: Option<u64>,
}

/// What one call left behind beside its verdict.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) logs: Vec<(Level, String)>,
    pub(crate) denied: Vec<String>,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) order_key: Option<String>,
    pub(crate) deliver_after: Option<u64>,
    pub(crate) answer: Option<Response>,
    /// Reserved by this event, and when they expire once they are committed.
    pub(crate) reserved: Vec<(Key, u64)>,
}

/// Runs a call with this host in place and gives the host back.
pub(crate) fn run<T>(host: Host, call: impl FnOnce() -> T) -> (Host, T) {
    HOST.with_borrow_mut(|place| *place = Some(host));
    let result = call();
    let host = HOST.with_borrow_mut(Option::take).expect("was put there before the call");
    (host, result)
}

fn with<T>(call: impl FnOnce(&mut Host) -> Result<T, CallError>) -> Result<T, CallError> {
    HOST.with_borrow_mut(|host| match host {
        Some(host) => call(host),
        None => Err(CallError::Unavailable("there is no host here: run the filter with `testing::Test`".to_owned())),
    })
}

impl Host {
    fn deny(&mut self, name: &str) -> CallError {
        self.said.denied.push(name.to_owned());
        CallError::Denied(name.to_owned())
    }

    /// What is said about the event; there is none while a configuration is checked.
    fn event(&mut self) -> Result<&mut Said, CallError> {
        if self.configuring { Err(self.deny("event")) } else { Ok(&mut self.said) }
    }

    fn secret(&mut self, name: &str) -> Result<&[Vec<u8>], CallError> {
        if self.configuring || !self.secrets.contains_key(name) {
            return Err(self.deny(&format!("secrets.{name}")));
        }
        Ok(&self.secrets[name])
    }

    fn key(&mut self, namespace: &str, key: &str, ttl: Option<u32>) -> Result<Key, CallError> {
        if self.configuring || !self.namespaces.contains(namespace) {
            return Err(self.deny(&format!("kv.{namespace}")));
        }
        let length = key.len();
        if !(1..=512).contains(&length) {
            return Err(CallError::Invalid(format!("a key has 1 to 512 bytes, not {length}")));
        }
        if let Some(ttl) = ttl.filter(|ttl| !(1..=400 * 86_400).contains(ttl)) {
            return Err(CallError::Invalid(format!("a time to live is 1 second to 400 days, not {ttl} seconds")));
        }
        Ok((namespace.to_owned(), key.to_owned()))
    }

    fn expiry(&self, ttl: u32) -> u64 {
        self.clock + u64::from(ttl) * 1_000
    }

    fn value(&self, key: &Key) -> Option<&Vec<u8>> {
        let stored = self.values.get(key)?;
        stored.expires.is_none_or(|expires| expires > self.clock).then_some(&stored.value)
    }

    fn store(&mut self, key: Key, value: &[u8], ttl: Option<u32>) -> Result<(), CallError> {
        if value.len() > 64 << 10 {
            return Err(CallError::Invalid(format!("a value has at most 65536 bytes, not {}", value.len())));
        }
        let expires = ttl.map(|ttl| self.expiry(ttl));
        self.values.insert(key, Stored { value: value.to_vec(), expires });
        Ok(())
    }
}

pub(crate) fn log(level: Level, message: &str) {
    HOST.with_borrow_mut(|host| {
        if let Some(host) = host {
            host.said.logs.push((level, message.to_owned()));
        }
    });
}

pub(crate) fn config_raw() -> String {
    HOST.with_borrow(|host| host.as_ref().map_or_else(|| "{}".to_owned(), |host| host.config.clone()))
}

pub(crate) fn config_prepared() -> Vec<u8> {
    HOST.with_borrow(|host| host.as_ref().map_or_else(Vec::new, |host| host.prepared.clone()))
}

pub(crate) fn now() -> u64 {
    HOST.with_borrow(|host| host.as_ref().map_or(0, |host| host.clock))
}

pub(crate) fn random(length: u32) -> Result<Vec<u8>, CallError> {
    if length > 65_536 {
        return Err(CallError::Invalid(format!("at most 65536 bytes a call, not {length}")));
    }
    with(|host| Ok((0..length).map(|_| split_mix(&mut host.random)).collect()))
}

/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
fn split_mix(state: &mut u64) -> u8 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed >> 56) as u8
}

pub(crate) fn set_label(name: &str, value: &str) -> Result<(), CallError> {
    let letters = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-'));
    if !letters || !(1..=64).contains(&name.len()) {
        return Err(CallError::Invalid(format!("`{name}` is no label, which has 1 to 64 characters of a-z 0-9 _ . -")));
    }
    if value.len() > 256 {
        return Err(CallError::Invalid(format!("the value of a label has at most 256 bytes, not {}", value.len())));
    }
    with(|host| {
        let said = host.event()?;
        said.labels.retain(|(known, _)| known != name);
        said.labels.push((name.to_owned(), value.to_owned()));
        Ok(())
    })
}

pub(crate) fn set_idempotency_key(key: &str) -> Result<(), CallError> {
    let key = event_key(key)?;
    with(|host| host.event().map(|said| said.idempotency_key = Some(key)))
}

pub(crate) fn set_order_key(key: &str) -> Result<(), CallError> {
    let key = event_key(key)?;
    with(|host| host.event().map(|said| said.order_key = Some(key)))
}

fn event_key(key: &str) -> Result<String, CallError> {
    let length = key.len();
    if (1..=255).contains(&length) {
        Ok(key.to_owned())
    } else {
        Err(CallError::Invalid(format!("a key has 1 to 255 bytes, not {length}")))
    }
}

pub(crate) fn set_deliver_after(time: u64) -> Result<(), CallError> {
    with(|host| host.event().map(|said| said.deliver_after = Some(time)))
}

pub(crate) fn set_answer(answer: &Response) -> Result<(), CallError> {
    with(|host| host.event().map(|said| said.answer = Some(answer.clone())))
}

pub(crate) fn mac_verify(
    secret: &str,
    algorithm: &str,
    parts: &[Part<'_>],
    signature: &[u8],
) -> Result<bool, CallError> {
    with(|host| {
        let message = joined(&host.headers, parts, b"");
        for value in host.secret(secret)? {
            if mac(algorithm, value, &message)? == signature {
                return Ok(true);
            }
        }
        Ok(false)
    })
}

pub(crate) fn mac_sign(secret: &str, algorithm: &str, parts: &[Part<'_>]) -> Result<Vec<u8>, CallError> {
    with(|host| {
        let message = joined(&host.headers, parts, b"");
        mac(algorithm, &host.secret(secret)?[0], &message)
    })
}

/// What a secret's text stands for.
fn derived(text: &[u8], key: crypto::Key<'_>) -> Result<Vec<u8>, CallError> {
    let text = text.strip_prefix(key.prefix.as_bytes()).unwrap_or(text);
    let wrong = || CallError::Invalid(format!("the secret is not {}", key.form.name()));
    match key.form {
        Form::Utf8 => Ok(text.to_vec()),
        Form::Sha1 => Ok(Sha1::digest(text).to_vec()),
        Form::Hex => crate::hex::decode(text.trim_ascii()).ok_or_else(wrong),
        Form::Base64 => base64(text.trim_ascii()).ok_or_else(wrong),
    }
}

/// RFC 4648, either alphabet, padded or not.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for byte in &text[..digits] {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    Some(bytes)
}

fn made(
    algorithm: &str,
    text: &[u8],
    key: crypto::Key<'_>,
    headers: &[Header],
    parts: &[Part<'_>],
) -> Result<Vec<u8>, CallError> {
    let key = derived(text, key)?;
    let message = joined(headers, parts, &key);
    match algorithm {
        "sha1" | "sha256" | "sha512" => hash(algorithm, &message),
        mac_algorithm => mac(mac_algorithm, &key, &message),
    }
}

fn hash(algorithm: &str, message: &[u8]) -> Result<Vec<u8>, CallError> {
    match algorithm {
        "sha1" => Ok(Sha1::digest(message).to_vec()),
        "sha256" => Ok(Sha256::digest(message).to_vec()),
        "sha384" => Ok(Sha384::digest(message).to_vec()),
        "sha512" => Ok(Sha512::digest(message).to_vec()),
        other => Err(CallError::Invalid(format!("`{other}` is no digest: sha1, sha256, sha384 or sha512"))),
    }
}

pub(crate) fn key_verify(
    key: crypto::Key<'_>,
    algorithm: &str,
    parts: &[Part<'_>],
    signature: &[u8],
) -> Result<bool, CallError> {
    with(|host| {
        let headers = host.headers.clone();
        let made = |value: &Vec<u8>| made(algorithm, value, key, &headers, parts);
        let macs = host.secret(key.secret)?.iter().map(made).collect::<Result<Vec<_>, _>>()?;
        Ok(macs.iter().any(|mac| mac == signature))
    })
}

pub(crate) fn key_sign(key: crypto::Key<'_>, algorithm: &str, parts: &[Part<'_>]) -> Result<Vec<u8>, CallError> {
    with(|host| {
        let headers = host.headers.clone();
        made(algorithm, &host.secret(key.secret)?[0], key, &headers, parts)
    })
}

pub(crate) fn digest(algorithm: &str, parts: &[Part<'_>]) -> Result<Vec<u8>, CallError> {
    with(|host| hash(algorithm, &joined(&host.headers, parts, b"")))
}

pub(crate) fn token_equal(secret: &str, token: &[u8]) -> Result<bool, CallError> {
    with(|host| Ok(host.secret(secret)?.iter().any(|value| value == token)))
}

pub(crate) fn signature_verify(
    key: PublicKey<'_>,
    algorithm: &str,
    parts: &[Part<'_>],
    signature: &[u8],
) -> Result<bool, CallError> {
    with(|host| {
        let keys = match key {
            PublicKey::Given(bytes) => vec![bytes.to_vec()],
            PublicKey::Secret(key) => {
                host.secret(key.secret)?.iter().map(|value| derived(value, key)).collect::<Result<_, _>>()?
            }
        };
        let message = joined(&host.headers, parts, b"");
        let verify = host.verifier.0.as_ref().ok_or_else(|| {
            CallError::Unavailable("this test does not say who checks public-key signatures: Test::verifier".to_owned())
        })?;
        for key in keys {
            if verify(algorithm, &key, &message, signature).map_err(CallError::Invalid)? {
                return Ok(true);
            }
        }
        Ok(false)
    })
}

pub(crate) fn keys_fetch(request: &Request<'_>) -> Result<Vec<u8>, CallError> {
    with(|host| {
        let secret = |text: &Text<'_>| match *text {
            Text::Literal(_) => None,
            Text::Secret(name) | Text::SecretJson(name) | Text::SecretBase64(name) => Some(name.to_owned()),
        };
        let texts = request.headers.iter().flat_map(|(_, value)| value).chain(request.body.iter().flatten());
        for name in texts.filter_map(secret) {
            host.secret(&name)?;
        }
        match host.documents.get(request.url) {
            Some(document) => Ok(document.clone()),
            None => Err(host.deny(&format!("keys={}", request.url))),
        }
    })
}

fn joined(headers: &[Header], parts: &[Part<'_>], key: &[u8]) -> Vec<u8> {
    let header = |name: &str| headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let bytes = |part: &Part<'_>| match *part {
        Part::Literal(bytes) => bytes.to_vec(),
        Part::Header(name) => header(name).map(|(_, value)| value.clone()).unwrap_or_default(),
        Part::Body(body) => body.0.current.to_vec(),
        Part::Key => key.to_vec(),
    };
    parts.iter().flat_map(bytes).collect()
}

/// The MAC of a message; used by tests to sign as well.
pub(crate) fn mac(algorithm: &str, key: &[u8], message: &[u8]) -> Result<Vec<u8>, CallError> {
    fn of<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
        let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
        mac.update(message);
        mac.finalize().into_bytes().to_vec()
    }
    match algorithm {
        "hmac-sha1" => Ok(of::<Hmac<Sha1>>(key, message)),
        "hmac-sha256" => Ok(of::<Hmac<Sha256>>(key, message)),
        "hmac-sha384" => Ok(of::<Hmac<Sha384>>(key, message)),
        "hmac-sha512" => Ok(of::<Hmac<Sha512>>(key, message)),
        other => {
            let known = "hmac-sha1, hmac-sha256, hmac-sha384, hmac-sha512";
            Err(CallError::Invalid(format!("`{other}` is no algorithm: {known}")))
        }
    }
}

pub(crate) fn reveal(name: &str) -> Result<Vec<u8>, CallError> {
    with(|host| match host.reveal.get(name) {
        Some(value) if !host.configuring => Ok(value.clone()),
        _ => Err(host.deny(&format!("reveal.{name}"))),
    })
}

pub(crate) fn kv_get(namespace: &str, key: &str) -> Result<Option<Vec<u8>>, CallError> {
    with(|host| {
        let key = host.key(namespace, key, None)?;
        Ok(host.value(&key).cloned())
    })
}

pub(crate) fn kv_set(namespace: &str, key: &str, value: &[u8], ttl: Option<u32>) -> Result<(), CallError> {
    with(|host| {
        let key = host.key(namespace, key, ttl)?;
        host.store(key, value, ttl)
    })
}

pub(crate) fn kv_delete(namespace: &str, key: &str) -> Result<(), CallError> {
    with(|host| {
        let key = host.key(namespace, key, None)?;
        host.values.remove(&key);
        Ok(())
    })
}

pub(crate) fn kv_increment(namespace: &str, key: &str, delta: i64, ttl: Option<u32>) -> Result<i64, CallError> {
    with(|host| {
        let key = host.key(namespace, key, ttl)?;
        let Some(value) = host.value(&key) else {
            host.store(key, delta.to_string().as_bytes(), ttl)?;
            return Ok(delta);
        };
        let number: Option<i64> = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        let sum = number
            .and_then(|number| number.checked_add(delta))
            .ok_or_else(|| CallError::Invalid(format!("`{}` holds no counter, or the sum is out of range", key.1)))?;
        host.values.get_mut(&key).expect("was just read").value = sum.to_string().into_bytes();
        Ok(sum)
    })
}

pub(crate) fn kv_compare_and_swap(
    namespace: &str,
    key: &str,
    expected: Option<&[u8]>,
    value: &[u8],
    ttl: Option<u32>,
) -> Result<bool, CallError> {
    with(|host| {
        let key = host.key(namespace, key, ttl)?;
        if host.value(&key).map(Vec::as_slice) != expected {
            return Ok(false);
        }
        host.store(key, value, ttl).map(|()| true)
    })
}

pub(crate) fn kv_once(namespace: &str, key: &str, ttl: u32) -> Result<Reservation, CallError> {
    with(|host| {
        let key = host.key(namespace, key, Some(ttl))?;
        if host.known.get(&key).is_some_and(|expires| *expires > host.clock) {
            return Ok(Reservation::Known);
        }
        if host.held.contains(&key) {
            return Ok(Reservation::Pending);
        }
        let expires = host.expiry(ttl);
        host.said.reserved.retain(|(known, _)| *known != key);
        host.said.reserved.push((key, expires));
        Ok(Reservation::First)
    })
}

/// A body in memory.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    pub(crate) current: Rc<[u8]>,
    pub(crate) original: Rc<[u8]>,
}

impl Body {
    pub(crate) fn len(&self) -> u64 {
        self.current.len() as u64
    }

    pub(crate) fn read(&self, offset: u64, max: u32) -> Vec<u8> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.current.get(offset..)).unwrap_or_default();
        rest[..rest.len().min(max as usize)].to_vec()
    }

    pub(crate) fn read_all(&self) -> Vec<u8> {
        self.current.to_vec()
    }

    pub(crate) fn digest(&self, algorithm: &str) -> Result<Vec<u8>, CallError> {
        match algorithm {
            "sha1" => Ok(Sha1::digest(&self.current).to_vec()),
            "sha256" => Ok(Sha256::digest(&self.current).to_vec()),
            "sha512" => Ok(Sha512::digest(&self.current).to_vec()),
            other => Err(CallError::Invalid(format!("`{other}` is no algorithm: sha1, sha256, sha512"))),
        }
    }

    pub(crate) fn mac_verify(&self, secret: &str, algorithm: &str, signature: &[u8]) -> Result<bool, CallError> {
        mac_verify(secret, algorithm, &[Part::Literal(&self.current)], signature)
    }

    pub(crate) fn json(&self, pointer: &str) -> Result<Option<String>, CallError> {
        Ok(document::at(&self.current, pointer)?.map(ToOwned::to_owned))
    }

    pub(crate) fn json_each(&self, pointers: &[&str]) -> Result<Vec<Option<String>>, CallError> {
        pointers.iter().map(|pointer| self.json(pointer)).collect()
    }

    pub(crate) fn text(&self, pointer: &str) -> Result<Option<String>, CallError> {
        Ok(document::at(&self.current, pointer)?.and_then(document::text))
    }

    pub(crate) fn original(&self) -> Self {
        Self { current: Rc::clone(&self.original), original: Rc::clone(&self.original) }
    }
}
