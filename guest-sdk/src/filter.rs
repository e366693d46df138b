//! What an author implements, and how the host's two calls reach it.

use std::any::TypeId;

use serde::de::{DeserializeOwned, IntoDeserializer, value};

use crate::{
    error::{Error, Result},
    event::Event,
    host, json,
    verdict::{Decision, Verdict},
};

/// A filter. Implement it for a type of your own and hand that to [`export!`](crate::export).
pub trait Filter: 'static {
    /// What an operator configures: any type that `serde` reads from JSON. `()` takes no configuration and refuses any;
    /// then no JSON parser is linked.
    ///
    /// ```
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// #[serde(deny_unknown_fields)]
    /// struct Config {
    ///     header: String,
    ///     #[serde(default)]
    ///     optional: bool,
    /// }
    /// ```
    ///
    /// Without `deny_unknown_fields` a misspelt name goes unnoticed.
    type Config: DeserializeOwned + 'static;

    /// Judges one event. Do not count on anything that an earlier call left in memory, nor on its not being there: the
    /// operator decides whether instances are fresh or used again.
    ///
    /// # Errors
    /// A [`Refusal`](crate::Refusal) rejects the event; every other error is failure class `failed`, and the
    /// attachment's policy decides.
    fn handle(event: &Event, config: &Self::Config) -> Result<Verdict>;

    /// What types cannot say about a configuration. Called when it is written, not for each event.
    ///
    /// # Errors
    /// What is wrong, for the operator; the configuration is not attached.
    fn validate(config: &Self::Config) -> Result<(), String> {
        let _ = config;
        Ok(())
    }

    /// What is kept for `handle` to read its configuration from; by default the JSON itself. Override it together with
    /// [`restore`](Filter::restore) to keep what is costly to make: a sorted table, a compact form.
    ///
    /// # Errors
    /// As [`validate`](Filter::validate).
    fn prepare(config: &Self::Config, json: &str) -> Result<Vec<u8>, String> {
        let _ = config;
        Ok(json.as_bytes().to_vec())
    }

    /// The configuration out of what [`prepare`](Filter::prepare) made. Called once for each instance.
    ///
    /// # Errors
    /// Failure class `failed`.
    fn restore(prepared: &[u8]) -> Result<Self::Config> {
        serde_json::from_slice(prepared).map_err(|error| Error::Failed(error.to_string()))
    }
}

/// The host's `configure`: checks a configuration and prepares it.
pub(crate) fn configure<F: Filter>(text: &str) -> Result<Vec<u8>, String> {
    let config = match unit::<F::Config>() {
        Some(nothing) => {
            refuse_any(text)?;
            nothing
        }
        None => serde_json::from_slice(text.as_bytes()).map_err(|error| json::fault(text, &error))?,
    };
    F::validate(&config)?;
    if is_unit::<F::Config>() { Ok(Vec::new()) } else { F::prepare(&config, text) }
}

/// The host's `handle`: the verdict, or the text of a failure.
pub(crate) fn handle<F: Filter>(event: &Event) -> Result<Decision, String> {
    let judge = || {
        if let Some(nothing) = unit::<F::Config>() {
            return F::handle(event, &nothing);
        }
        let config = match kept::take() {
            Some(config) => config,
            None => Box::new(F::restore(&host::config_prepared())?),
        };
        let verdict = F::handle(event, &config);
        kept::put(config);
        verdict
    };
    match judge().and_then(Verdict::decision) {
        Ok(decision) => Ok(decision),
        Err(Error::Refused(refusal)) => Ok(Decision::Reject(refusal)),
        Err(Error::Failed(reason)) => Err(reason),
    }
}

/// The configuration, for the next event of an instance that serves several: it is the same for all of them.
#[cfg(target_arch = "wasm32")]
mod kept {
    use std::{any::Any, cell::Cell};

    thread_local! {
        static KEPT: Cell<Option<Box<dyn Any>>> = const { Cell::new(None) };
    }

    pub(super) fn take<C: 'static>() -> Option<Box<C>> {
        KEPT.take()?.downcast().ok()
    }

    pub(super) fn put<C: 'static>(config: Box<C>) {
        KEPT.set(Some(config));
    }
}

/// A test has a configuration of its own, on a thread that served others.
#[cfg(not(target_arch = "wasm32"))]
mod kept {
    pub(super) fn take<C: 'static>() -> Option<Box<C>> {
        None
    }

    pub(super) fn put<C: 'static>(_: Box<C>) {}
}

/// Known when it is compiled, so that a filter without configuration carries no parser.
fn is_unit<C: 'static>() -> bool {
    TypeId::of::<C>() == TypeId::of::<()>()
}

/// `()`, if that is what the configuration is.
fn unit<C: DeserializeOwned + 'static>() -> Option<C> {
    if !is_unit::<C>() {
        return None;
    }
    let unit: value::UnitDeserializer<value::Error> = ().into_deserializer();
    C::deserialize(unit).ok()
}

fn refuse_any(text: &str) -> Result<(), String> {
    let inside = text.trim().strip_prefix('{').and_then(|text| text.strip_suffix('}')).map(str::trim);
    match inside {
        Some("") => Ok(()),
        Some(members) => {
            let name = members.split('"').nth(1).unwrap_or_default();
            Err(["this filter takes no configuration: remove `", name, "`"].concat())
        }
        None => Err("this filter takes no configuration: write `{}` or leave it out".to_owned()),
    }
}
