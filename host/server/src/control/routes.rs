//! Operations on the filters of a route. Each reads the route as it is, changes its list and writes it whole, on the
//! revision that it read.

use model::{
    Faults, Name,
    spec::{AttachmentSpec, RouteRecord, RouteSpec},
};
use store::registry::Precondition;

use super::{Author, Changed, Control, Error, Wish, Write};

impl Control {
    pub async fn put_route(
        &self,
        author: &Author,
        name: &Name,
        spec: RouteSpec,
        precondition: Precondition,
    ) -> Result<(RouteRecord, Changed), Error> {
        let wish = Wish { write: Write::PutRoute { name: name.clone(), spec }, precondition };
        let changed = self.change(author, vec![wish]).await?;
        let record = changed.project.routes.iter().find(|route| name.as_str() == route.record.name);
        let record = record.map(|route| route.record.clone());
        let mut record = record.ok_or_else(|| Error::NotFound(format!("route `{name}`")))?;
        record.revision = changed.applied.first().map_or(record.revision, |applied| applied.revision);
        Ok((record, changed))
    }

    /// Puts the filter on the route: in place of one of the same name, else at `position`, else at the end. A position
    /// moves one that is there.
    pub async fn attach(
        &self,
        author: &Author,
        route: &Name,
        filter: AttachmentSpec,
        position: Option<usize>,
        precondition: Precondition,
    ) -> Result<(RouteRecord, Changed), Error> {
        self.edit_filters(author, route, precondition, |filters| {
            let place = filters.iter().position(|known| known.name == filter.name);
            if let (Some(place), None) = (place, position) {
                filters[place] = filter.clone();
                return Ok(());
            }
            filters.retain(|known| known.name != filter.name);
            filters.insert(position.unwrap_or(filters.len()).min(filters.len()), filter.clone());
            Ok(())
        })
        .await
    }

    pub async fn detach(
        &self,
        author: &Author,
        route: &Name,
        filter: &str,
        precondition: Precondition,
    ) -> Result<(RouteRecord, Changed), Error> {
        self.edit_filters(author, route, precondition, |filters| {
            let before = filters.len();
            filters.retain(|known| known.name != filter);
            if filters.len() == before {
                return Err(Error::NotFound(format!("filter `{filter}` of route `{route}`")));
            }
            Ok(())
        })
        .await
    }

    /// `order` names every filter of the route once.
    pub async fn reorder(
        &self,
        author: &Author,
        route: &Name,
        order: &[String],
        precondition: Precondition,
    ) -> Result<(RouteRecord, Changed), Error> {
        self.edit_filters(author, route, precondition, |filters| {
            let mut ordered = Vec::with_capacity(filters.len());
            for name in order {
                match filters.iter().position(|known| known.name == *name) {
                    Some(place) => ordered.push(filters.remove(place)),
                    None => {
                        let problem = format!("`{name}` is no filter of the route, or is there twice");
                        return Err(Faults::one("order", problem).into());
                    }
                }
            }
            if let Some(left) = filters.first() {
                return Err(
                    Faults::one("order", format!("lacks `{}`: name every filter of the route", left.name)).into()
                );
            }
            *filters = ordered;
            Ok(())
        })
        .await
    }

    /// Without a precondition of the caller's, two edits at the same time would undo each other: the second is made again
    /// on what the first left.
    async fn edit_filters(
        &self,
        author: &Author,
        route: &Name,
        precondition: Precondition,
        edit: impl Fn(&mut Vec<AttachmentSpec>) -> Result<(), Error>,
    ) -> Result<(RouteRecord, Changed), Error> {
        const TRIES_MOST: usize = 8;
        for _ in 1..TRIES_MOST {
            let record = self.route(&author.project, route).await?;
            let mut spec = record.spec;
            edit(&mut spec.filters)?;
            let read = match precondition {
                Precondition::Any => Precondition::Revision(record.revision),
                given => given,
            };
            match self.put_route(author, route, spec, read).await {
                Err(Error::Conflict(_)) if precondition == Precondition::Any => {}
                done => return done,
            }
        }
        Err(Error::Conflict(format!("route `{route}` is changed by others all the time; try again")))
    }
}
