//! Filters tested on the author's own machine, with `cargo test` and no host.
//!
//! ```
//! use snaphook_sdk::{prelude::*, testing::Test, verify};
//!
//! struct Guard;
//!
//! impl Filter for Guard {
//!     type Config = ();
//!
//!     fn handle(event: &Event, _config: &()) -> Result<Verdict> {
//!         verify::github(event, "webhook")?;
//!         Ok(Verdict::edit().set_header("x-verified", "1"))
//!     }
//! }
//!
//! snaphook_sdk::export!(Guard, secrets: ["webhook"]);
//!
//! # fn main() {
//! let test = || Test::new::<Guard>().secret("webhook", "It's a Secret to Everybody").body("Hello, World!");
//!
//! let outcome = test().signed("webhook").run();
//! assert_eq!(outcome.event().header("x-verified"), Some("1"));
//!
//! let outcome = test().header("x-hub-signature-256", "sha256=00").run();
//! assert_eq!((outcome.status(), outcome.reason()), (Some(401), "header x-hub-signature-256 is malformed"));
//! # }
//! ```
//!
//! What a filter is granted is what `export!` asks for: a secret or namespace that is missing there is denied here too.
//! Limits of time, memory, log and number of calls are the host's alone.

mod apply;
pub(crate) mod document;
mod outcome;
mod sample;

use std::{mem, rc::Rc};

use serde::Serialize;

pub use self::outcome::{Outcome, Sent};
use crate::{
    body::Body,
    event::{Event, Head, Phase},
    filter, hex,
    host::fake::{self, Host},
    manifest::{Manifest, Module},
    verdict::Decision,
};

/// A filter on its route, and the next event for it. What `kv` holds stays from one [`run`](Test::run) to the next.
#[derive(Debug)]
pub struct Test {
    manifest: Manifest,
    configure: fn(&str) -> Result<Vec<u8>, String>,
    handle: fn(&Event) -> Result<Decision, String>,
    host: Host,
    head: Head,
    body: Vec<u8>,
    original: Option<Vec<u8>>,
    signed: Option<String>,
    destinations: Vec<String>,
    refusing: bool,
    runs: u64,
}

/// The attachment.
impl Test {
    /// With configuration `{}`, and an empty `POST /` as the event.
    ///
    /// # Panics
    /// If the file that `export!` names as `config_schema` is not JSON.
    pub fn new<F: Module>() -> Self {
        serde_json::from_str::<serde::de::IgnoredAny>(&F::MANIFEST.text()).expect("`config_schema` is JSON");
        let host = Host {
            config: "{}".to_owned(),
            clock: 1_790_000_000_000,
            namespaces: F::MANIFEST.namespaces().map(str::to_owned).collect(),
            ..Host::default()
        };
        let head = Head {
            event: "evt_01KB4QJ0000000000000000000".to_owned(),
            project: "default".to_owned(),
            route: "test".to_owned(),
            method: "POST".to_owned(),
            scheme: "https".to_owned(),
            authority: "hooks.example.com".to_owned(),
            path: "/".to_owned(),
            source: "192.0.2.1".to_owned(),
            ..Head::default()
        };
        Self {
            manifest: F::MANIFEST,
            configure: filter::configure::<F>,
            handle: filter::handle::<F>,
            host,
            head,
            body: Vec::new(),
            original: None,
            signed: None,
            destinations: Vec::new(),
            refusing: false,
            runs: 0,
        }
    }

    /// The configuration: `json!({…})`, or anything that `serde` writes.
    ///
    /// # Panics
    /// If it cannot be written as JSON.
    #[must_use]
    pub fn config(self, config: impl Serialize) -> Self {
        self.config_text(&serde_json::to_string(&config).expect("a configuration is JSON"))
    }

    /// The configuration as it stands in a file.
    #[must_use]
    pub fn config_text(mut self, config: &str) -> Self {
        config.clone_into(&mut self.host.config);
        self
    }

    /// A granted secret. Called again, the new value is the newest one, and the older ones stay valid.
    ///
    /// # Panics
    /// If `export!` does not ask for it.
    #[must_use]
    pub fn secret(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        assert!(self.manifest.asks_for_secret(name), "`export!` does not ask for secret `{name}`");
        self.host.secrets.entry(name.to_owned()).or_default().insert(0, value.into());
        self
    }

    /// What is at a URL from which keys are fetched. Every other URL is denied.
    #[must_use]
    pub fn document(mut self, url: &str, document: impl Into<Vec<u8>>) -> Self {
        self.host.documents.insert(url.to_owned(), document.into());
        self
    }

    /// Who checks public-key signatures: a function of algorithm, key, message and signature, of a library of yours.
    #[must_use]
    pub fn verifier(mut self, verify: impl Fn(&str, &[u8], &[u8], &[u8]) -> Result<bool, String> + 'static) -> Self {
        self.host.verifier = fake::Verifier(Some(Box::new(verify)));
        self
    }

    /// A secret that the filter is granted to read.
    ///
    /// # Panics
    /// If `export!` does not ask for it.
    #[must_use]
    pub fn reveal(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        assert!(self.manifest.asks_to_reveal(name), "`export!` does not ask to reveal secret `{name}`");
        self.host.reveal.insert(name.to_owned(), value.into());
        self
    }

    /// The destinations that the route lists; choosing another is bad output. Without this every name is right.
    #[must_use]
    pub fn destinations(mut self, names: impl IntoIterator<Item: Into<String>>) -> Self {
        self.destinations = names.into_iter().map(Into::into).collect();
        self
    }

    /// From now on destinations refuse what they get: nothing is accepted, and keys reserved with `once` are released.
    #[must_use]
    pub const fn destinations_refuse(mut self) -> Self {
        self.refusing = true;
        self
    }

    /// Another event, not decided yet, holds this key.
    #[must_use]
    pub fn reserved(mut self, namespace: &str, key: &str) -> Self {
        self.host.held.insert((namespace.to_owned(), key.to_owned()));
        self
    }

    /// The time, milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn clock_ms(mut self, now: u64) -> Self {
        self.host.clock = now;
        self
    }

    /// What the attachment's author is told: the prepared bytes, or what is wrong with the configuration.
    ///
    /// # Errors
    /// The text with which the filter refuses the configuration.
    pub fn configure(&mut self) -> Result<Vec<u8>, String> {
        let host = Host { configuring: true, ..mem::take(&mut self.host) };
        let config = host.config.clone();
        let (host, prepared) = fake::run(host, || (self.configure)(&config));
        self.host = Host { configuring: false, ..host };
        prepared
    }
}

/// The next event.
impl Test {
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.head.method);
        self
    }

    /// The path, and the query if there is a `?`.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        path.clone_into(&mut self.head.path);
        self.head.query = query.map(ToOwned::to_owned);
        self
    }

    /// Host and port, as the sender wrote them.
    #[must_use]
    pub fn authority(mut self, authority: &str) -> Self {
        authority.clone_into(&mut self.head.authority);
        self
    }

    /// Sets a header, in place of what it had.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.head.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.append_header(name, value)
    }

    /// Adds a value to a header.
    #[must_use]
    pub fn append_header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.head.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The body as JSON, with its content type.
    ///
    /// # Panics
    /// If it cannot be written as JSON.
    #[must_use]
    pub fn json(self, body: impl Serialize) -> Self {
        let body = serde_json::to_vec(&body).expect("a body is JSON");
        self.body(body).header("content-type", "application/json")
    }

    /// The body as it was received, where an earlier filter changed it.
    #[must_use]
    pub fn original_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.original = Some(body.into());
        self
    }

    /// The event out of an event file, as `snaphook test` and `snaphook send` read them: JSON with `method`, `path`,
    /// `query`, `headers` as a list of pairs, `received_ms` (when it arrives), and `body` (JSON), `body_text` or `body_base64`.
    ///
    /// # Panics
    /// If the text is no such file.
    #[must_use]
    pub fn event(self, file: &str) -> Self {
        sample::read(self, file)
    }

    /// Signs the body as GitHub does, with the newest value of a granted secret.
    #[must_use]
    pub fn signed(mut self, secret: &str) -> Self {
        self.signed = Some(secret.to_owned());
        self
    }

    /// What stands for `{name}` in the route's path.
    #[must_use]
    pub fn path_param(self, name: &str, value: &str) -> Self {
        self.attribute("path", name, value)
    }

    /// A label that an earlier filter set.
    #[must_use]
    pub fn label(self, name: &str, value: &str) -> Self {
        self.attribute("label", name, value)
    }

    fn attribute(mut self, group: &str, name: &str, value: &str) -> Self {
        let name = format!("{group}.{name}");
        self.head.attributes.retain(|(known, _)| *known != name);
        self.head.attributes.push((name, value.to_owned()));
        self
    }

    #[must_use]
    pub fn source(mut self, address: &str) -> Self {
        address.clone_into(&mut self.head.source);
        self
    }

    /// Calls the filter for a destination instead of for the route.
    #[must_use]
    pub fn for_destination(mut self, name: &str, attempt: u32) -> Self {
        self.head.phase = Phase::Destination(name.to_owned());
        self.head.attempt = attempt;
        self
    }

    /// The event is sent again on somebody's request.
    #[must_use]
    pub const fn replay(mut self) -> Self {
        self.head.replay = true;
        self
    }

    /// Configures the filter, hands it the event, and applies its verdict as the host does.
    ///
    /// # Panics
    /// If the filter refuses the configuration; test that with [`Test::configure`]. If the event is to be signed with
    /// a secret that is not there.
    pub fn run(&mut self) -> Outcome {
        self.host.prepared =
            self.configure().unwrap_or_else(|problem| panic!("the configuration is refused: {problem}"));
        self.runs += 1;
        let head = self.next_head();
        let body = if self.manifest.needs_body() { self.body.clone() } else { Vec::new() };
        let current: Rc<[u8]> = body.into();
        let original = self.original.as_deref().filter(|_| self.manifest.needs_body());
        let original = original.map_or_else(|| Rc::clone(&current), Rc::from);
        let event = Event::new(head.clone(), Body(fake::Body { current, original }));
        let mut host = mem::take(&mut self.host);
        host.headers.clone_from(&head.headers);
        host.random = self.runs;
        host.said = fake::Said::default();
        let (host, decided) = fake::run(host, || (self.handle)(&event));
        self.host = host;
        let said = mem::take(&mut self.host.said);
        let applied = decided.and_then(|decision| apply::apply(decision, &head, &self.body, &self.destinations));
        let accepted = applied.as_ref().is_ok_and(|(decision, _)| match decision {
            Decision::Pass | Decision::Edit(_) => !self.refusing,
            Decision::Drop { .. } => true,
            _ => false,
        });
        if accepted {
            self.host.known.extend(said.reserved.iter().cloned());
        }
        Outcome::new(applied, said)
    }

    fn next_head(&self) -> Head {
        let mut head = self.head.clone();
        head.received = self.host.clock;
        head.body_length = self.manifest.needs_body().then_some(self.body.len() as u64);
        if let Some(secret) = &self.signed {
            let values = self.host.secrets.get(secret).unwrap_or_else(|| panic!("secret `{secret}` has no value"));
            let signature = format!("sha256={}", hex::encode(&hmac_sha256(&values[0], &self.body)));
            head.headers.retain(|(known, _)| known != "x-hub-signature-256");
            head.headers.push(("x-hub-signature-256".to_owned(), signature.into_bytes()));
        }
        head
    }
}

/// The HMAC-SHA256 of a message, to sign events for tests.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    fake::mac("hmac-sha256", key, message).expect("is one of the algorithms")
}
