//! The version of a filter that ran before, made ready to be called where the active one fails.

use std::sync::Arc;

use bytes::Bytes;
use filters::Module;
use model::{Attachment, Digest, Fault, Faults, spec::AttachmentSpec};

use super::{
    Control, State,
    attach::{Earlier, check_grants},
};
use crate::config_schema;

impl Control {
    /// What that version makes of the configuration, if the attachment calls it and it can be called. If it cannot, that is
    /// only noted: it is the active version that must be right.
    pub(super) async fn prepare_previous(
        &self,
        state: &mut State,
        digest: Option<Digest>,
        filter: &Attachment,
        written: &AttachmentSpec,
        earlier: Option<&Earlier<'_>>,
        warnings: &mut Vec<Fault>,
    ) -> Option<Bytes> {
        let digest = digest.filter(|_| filter.on_failure.calls_previous())?;
        let mut faults = Faults::default();
        let prepared = match self.module(state, &digest).await {
            Ok(module) => fit(&module, filter, written, earlier, &mut faults).await,
            Err(error) => {
                faults.add("", error.to_string());
                None
            }
        };
        warnings.extend(faults.0.into_iter().map(|fault| Fault {
            at: "on_failure".to_owned(),
            problem: format!(
                "`previous` is `closed` for now, because the version that ran before ({}) cannot be called: {fault}",
                digest.short()
            ),
        }));
        prepared
    }
}

async fn fit(
    module: &Arc<Module>,
    filter: &Attachment,
    written: &AttachmentSpec,
    earlier: Option<&Earlier<'_>>,
    faults: &mut Faults,
) -> Option<Bytes> {
    // What else there is to say about its grants does not keep it from being called.
    check_grants(&module.manifest, &filter.grants, faults);
    faults.keep("config", config_schema::check(&module.manifest, &written.config));
    if !faults.is_empty() {
        return None;
    }
    if let Some(prepared) = earlier.and_then(|earlier| earlier.prepared_by(&module.digest, &written.config)) {
        return Some(prepared.clone());
    }
    let configured = module.configure(&filter.config, &filter.limits).await;
    faults.keep("config", configured.map_err(|refused| Faults::one("", refused.to_string())))
}
