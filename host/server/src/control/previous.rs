//! The version of a filter that ran before, made ready to be called where the active one fails.

use bytes::Bytes;
use model::{Attachment, Digest, Fault, Faults, spec::AttachmentSpec};

use super::{
    Control, Error, State,
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
    ) -> Result<Option<Bytes>, Error> {
        let Some(digest) = digest.filter(|_| filter.on_failure.calls_previous()) else { return Ok(None) };
        let module = self.module(state, &digest).await?;
        let mut faults = Faults::default();
        // What else there is to say about its grants does not keep it from being called.
        check_grants(&module.manifest, &filter.grants, &mut faults);
        faults.keep("config", config_schema::check(&module.manifest, &written.config));
        let mut prepared = None;
        if faults.is_empty() {
            prepared = earlier.and_then(|earlier| earlier.prepared_by(&digest, &written.config)).cloned();
            if prepared.is_none() {
                let configured = module.configure(&filter.config, &filter.limits).await;
                let configured = configured.map_err(|refused| Faults::one("", refused.to_string()));
                prepared = faults.keep("config", configured);
            }
        }
        warnings.extend(faults.0.into_iter().map(|fault| Fault {
            at: "on_failure".to_owned(),
            problem: format!(
                "`previous` is `closed` for now, because the version that ran before ({}) cannot be called: {fault}",
                digest.short()
            ),
        }));
        Ok(prepared)
    }
}
