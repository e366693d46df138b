//! Operations on destinations.

use model::{Name, delivery::Condition, destination::DestinationSpec};
use store::registry::{Destination, Precondition};

use super::{Author, Changed, Control, Error, Wish, Write};

impl Control {
    pub async fn destinations(&self, project: &Name) -> Result<Vec<Destination>, Error> {
        Ok(self.project(project).await?.destinations)
    }

    pub async fn destination(&self, project: &Name, name: &Name) -> Result<Destination, Error> {
        let mut destinations = self.destinations(project).await?.into_iter();
        destinations.find(|known| known.name == *name).ok_or_else(|| Error::NotFound(format!("destination `{name}`")))
    }

    /// How it is, beside what is configured.
    pub async fn condition(&self, project: &Name, name: &Name) -> Result<Condition, Error> {
        self.destination(project, name).await?;
        Ok(self.delivering.condition(project, name))
    }

    /// Nothing is sent to it any more; what comes for it waits.
    pub async fn disable_destination(&self, project: &Name, name: &Name, reason: &str) -> Result<Condition, Error> {
        self.destination(project, name).await?;
        self.delivering.disable(project, name, reason).await?;
        self.condition(project, name).await
    }

    /// What waits for it is sent.
    pub async fn enable_destination(&self, project: &Name, name: &Name) -> Result<Condition, Error> {
        self.destination(project, name).await?;
        self.delivering.enable(project, name).await?;
        self.condition(project, name).await
    }

    pub async fn put_destination(
        &self,
        author: &Author,
        name: &Name,
        spec: DestinationSpec,
        precondition: Precondition,
    ) -> Result<(Destination, Changed), Error> {
        let write = Write::PutDestination { name: name.clone(), spec: spec.clone() };
        let changed = self.change(author, vec![Wish { write, precondition }]).await?;
        let revision = changed.applied.first().map_or(changed.revision, |applied| applied.revision);
        Ok((Destination { name: name.clone(), spec, revision }, changed))
    }
}
