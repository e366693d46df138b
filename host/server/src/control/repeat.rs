//! An event run again as it was: the versions, configurations, clock and random numbers of its record; secrets as they are
//! now; and a key-value store of its own, so that what filters keep is neither consulted nor changed.

use std::sync::Arc;

use filters::{Chain, End, Filter, Given, Kv, kv::Overlay};
use model::{
    Draft, Name, Phase, Timestamp,
    record::{Outcome, Run},
    spec::InstancePolicy,
};
use store::{journal::Stored, registry::Project};

use super::{Control, Error, build, replay::why};
use crate::snapshot::Served;

impl Control {
    /// What the filters of then make of the event; or why nothing comes of it. Rights and limits are those that the filters of
    /// the same names have now.
    pub(super) async fn repeat(
        &self,
        project: &Name,
        served: &Served,
        stored: &Stored,
    ) -> Result<Result<Draft, String>, Error> {
        let state = self.project(project).await?;
        let kv: Arc<dyn Kv> = Arc::new(Overlay::default());
        let mut event = stored.received.clone();
        event.replay = true;
        let mut draft = Draft::new(event);
        for run in stored.record.filters.iter().filter(|run| matches!(run.outcome, Outcome::Verdict { .. })) {
            let filter = match self.filter_of(&state, served, run).await? {
                Ok(filter) => filter,
                Err(reason) => return Ok(Err(reason)),
            };
            let given = Given {
                phase: Phase::Route,
                now: Timestamp::from_millis(run.clock),
                seed: Some(run.seed),
                kv: Arc::clone(&kv),
                destinations: Arc::clone(&served.names),
                exactly_one: matches!(served.route.mode, model::Mode::Forward(_)),
                body_limit: served.route.body_limit,
            };
            let ran = Chain::new([Arc::new(filter)]).run(draft, &given).await;
            match ran.end {
                End::Passed => draft = ran.draft,
                ended => return Ok(Err(why(ended))),
            }
        }
        Ok(Ok(draft))
    }

    async fn filter_of(&self, project: &Project, served: &Served, run: &Run) -> Result<Result<Filter, String>, Error> {
        let Some(attachment) = served.route.attachments().find(|known| known.name == run.filter) else {
            let problem =
                format!("filter {} is not on its route any more, so that nobody knows its rights", run.filter);
            return Ok(Err(problem));
        };
        let mut attachment = attachment.clone();
        attachment.config = self.registry.configuration(&served.route.project, run.config_digest).await?;
        // What an instance kept of other events is not repeated.
        attachment.instance = InstancePolicy::Fresh;
        let module = self.load(run.digest).await?;
        let prepared = match module.configure(&attachment.config, &attachment.limits).await {
            Ok(prepared) => prepared,
            Err(refused) => return Ok(Err(format!("filter {} refuses its configuration: {refused}", run.filter))),
        };
        let secrets = build::secrets(project, &attachment)?;
        let (project, route) = (&served.route.project, &served.route.name);
        Ok(Ok(Filter::new(project, route, &attachment, module, prepared, secrets)))
    }
}
