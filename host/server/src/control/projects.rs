//! Operations on projects.

use model::{Name, Timestamp};
use store::registry::{Precondition, ProjectRecord};

use super::{Author, Changed, Control, Error, Wish, Write};

impl Control {
    pub async fn projects(&self) -> Result<Vec<ProjectRecord>, Error> {
        Ok(self.registry.projects().await?)
    }

    /// Makes the author's project, unless it is there. The answer says which.
    pub async fn create_project(
        &self,
        author: &Author,
        precondition: Precondition,
    ) -> Result<(ProjectRecord, bool, Changed), Error> {
        let changed = self.change(author, vec![Wish { write: Write::CreateProject, precondition }]).await?;
        let new = changed.applied.first().is_some_and(|applied| applied.changed);
        let known = self.projects().await?.into_iter().find(|known| known.name == author.project);
        let project = known.unwrap_or_else(|| ProjectRecord {
            name: author.project.clone(),
            created: Timestamp::now(),
            revision: changed.revision,
        });
        Ok((project, new, changed))
    }

    /// Fails if there is no such project.
    pub async fn check_project(&self, name: &Name) -> Result<(), Error> {
        match self.state.lock().await.contents.projects.contains_key(name) {
            true => Ok(()),
            false => Err(Error::NotFound(format!("project `{name}`"))),
        }
    }
}
