//! The bench's filter, attached to a route as the host would.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use filters::{Engine, Filter, Given, Module, Secrets, kv::Overlay};
use model::{
    Attachment, Limits, Name, Phase, Secret, Timestamp,
    limits::BODY_BYTES,
    route::{Grants, ModuleRef, OnFailure},
    spec::{CandidateMode, InstancePolicy},
};

use crate::event::SECRET;

/// A filter that does this job of the bench's module.
pub async fn filter(module: &Arc<Module>, job: &str, instance: InstancePolicy) -> Result<Arc<Filter>> {
    limited(module, job, instance, Limits::default()).await
}

/// The same with limits of its own.
pub async fn limited(module: &Arc<Module>, job: &str, instance: InstancePolicy, limits: Limits) -> Result<Arc<Filter>> {
    let config = format!(r#"{{"job":"{job}"}}"#);
    let prepared = module.configure(&config, &limits).await?;
    let attachment = Attachment {
        name: name("bench"),
        module: ModuleRef::Digest(module.digest),
        candidate: None,
        mode: CandidateMode::Off,
        instance,
        config,
        grants: Grants::default(),
        limits,
        on_failure: OnFailure::default(),
    };
    let usable = [("webhook".to_owned(), vec![Secret::new(SECRET.as_bytes().to_vec())])];
    let secrets = Secrets { usable: usable.into(), ..Secrets::default() };
    Ok(Arc::new(Filter::new(&name("default"), &name("github"), &attachment, Arc::clone(module), prepared, secrets)))
}

/// An engine of the default size.
pub fn engine() -> Result<Engine> {
    Engine::start(&filters::Settings::default()).map_err(|problem| anyhow!(problem))
}

/// What a run is given on a route in mode `forward`.
pub fn given() -> Given {
    Given {
        phase: Phase::Route,
        now: Timestamp::now(),
        kv: Arc::new(Overlay::default()),
        destinations: [name("upstream")].into(),
        exactly_one: true,
        seed: None,
        body_limit: BODY_BYTES,
    }
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}
