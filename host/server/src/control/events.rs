//! What happened to events: those that are kept, and the newest, which are remembered for a while whether kept or not.

use std::{collections::HashSet, fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::{
    Digest, Event, EventId, Faults, Name,
    event_file::{EventFile, Parts},
    record::{Disposition, Record, Wanted as Recently},
    story::{EventListed, EventStory, Listed, Request, Standing},
};
use store::journal::{EventWanted, Health, Kept, Page};
use tokio::sync::broadcast;

use super::{Control, Error};

/// What is remembered of the newest events, in memory.
pub trait Recent: fmt::Debug + Send + Sync {
    /// The newest first.
    fn latest(&self, wanted: &Recently) -> Vec<Record>;

    fn find(&self, project: &Name, event: EventId) -> Option<Record>;

    fn refers_to_module(&self, module: &Digest) -> bool;

    fn configurations(&self, project: &Name) -> HashSet<Digest>;

    /// Every record from now on, of all projects.
    fn subscribe(&self) -> broadcast::Receiver<Arc<Record>>;
}

impl Control {
    /// Newest first. Looks at a bounded number of events: a page may be short and still have a `next`.
    pub async fn events(
        &self,
        wanted: &EventWanted,
        before: Option<EventId>,
        at_most: u32,
    ) -> Result<Listed<EventListed>, Error> {
        self.check_project(&wanted.project).await?;
        let kept = self.journal.events(wanted, before, at_most).await?;
        Ok(merge(kept, self.remembered(wanted, before), at_most as usize))
    }

    /// As `events`, of those whose route lets them be searched and that have each of the words.
    pub async fn search_events(
        &self,
        wanted: &EventWanted,
        text: &str,
        before: Option<EventId>,
        at_most: u32,
    ) -> Result<Listed<EventListed>, Error> {
        self.check_project(&wanted.project).await?;
        if let Some(route) = &wanted.route {
            let searched = self.route(&wanted.project, route).await?.spec.search;
            if !searched {
                let problem =
                    format!("route `{route}` has no `search = true`: its events cannot be searched for words");
                return Err(Error::Invalid(Faults::one("route", problem)));
            }
        }
        let kept = self.journal.search(wanted, text, before, at_most).await?;
        Ok(merge(kept, Vec::new(), at_most as usize))
    }

    /// Forgets what the search knows and fills it again.
    pub async fn reindex(&self) -> Result<(), Error> {
        Ok(self.journal.reindex().await?)
    }

    /// The newest events, kept or not.
    fn remembered(&self, wanted: &EventWanted, before: Option<EventId>) -> Vec<(EventId, Record)> {
        // What is asked about deliveries and requests only what is kept can say.
        if wanted.destination.is_some() || wanted.status.is_some() || wanted.header.is_some() {
            return Vec::new();
        }
        let recently = Recently {
            project: wanted.project.clone(),
            route: wanted.route.clone(),
            disposition: wanted.disposition,
            at_most: usize::MAX,
        };
        let records = self.recent.latest(&recently).into_iter();
        let records = records.filter_map(|record| Some((record.id.parse::<EventId>().ok()?, record)));
        let takes = |(id, record): &(EventId, Record)| {
            // What was accepted and is not kept any more is gone.
            record.disposition != Disposition::Accepted
                && before.is_none_or(|before| *id < before)
                && wanted.from.is_none_or(|from| record.received >= from.as_millis())
                && wanted.until.is_none_or(|until| record.received < until.as_millis())
                && wanted.label.as_ref().is_none_or(|label| record.labels.contains(label))
        };
        records.filter(takes).collect()
    }

    pub async fn event(&self, project: &Name, event: EventId) -> Result<EventStory, Error> {
        self.check_project(project).await?;
        let Some(stored) = self.journal.event(project, event).await? else {
            let record = self.recent.find(project, event);
            let record = record.ok_or_else(|| Error::NotFound(format!("event `{event}`")))?;
            return Ok(EventStory { record, received: None, made: None, deliveries: Vec::new() });
        };
        let (received, made) = (request(&stored.received, stored.has_body), request(&stored.made, stored.has_body));
        let made = Some(made).filter(|made| *made != received);
        let deliveries = self.deliveries_of(project, event).await?;
        Ok(EventStory { record: stored.record, received: Some(received), made, deliveries })
    }

    /// An event as it was received, as a file; without a body if that was not read.
    pub async fn event_file(&self, project: &Name, event: EventId) -> Result<EventFile, Error> {
        self.check_project(project).await?;
        let Some(stored) = self.journal.event(project, event).await? else {
            let known = self.recent.find(project, event);
            let record = known.ok_or_else(|| Error::NotFound(format!("event `{event}`")))?;
            return Err(Error::Conflict(format!(
                "the request of event `{event}` is not kept: say `capture = \"all\"` (or `\"failures\"`) on route `{}`, and have it sent again",
                record.route
            )));
        };
        if !stored.has_body {
            return Err(Error::Conflict(format!("the body of event `{event}` is not kept any more")));
        }
        let Event { method, path, query, received, headers, body, .. } = stored.received;
        let (headers, body) = (Arc::unwrap_or_clone(headers), body.unwrap_or_default());
        Ok(Parts { method, path, query, received: Some(received), headers, body }.file())
    }

    /// Why events cannot be stored, or are missing from the store; none if all is well.
    pub fn journal_trouble(&self) -> Option<String> {
        let Health { failing, lost, .. } = self.journal.health();
        let lost = (lost > 0).then(|| {
            format!(
                "the journal's file was damaged: the last {lost} acknowledged events are gone from it; take note of that \
                 with `snaphook event acknowledge-loss`"
            )
        });
        failing.map(|why| format!("events cannot be stored: {why}")).or(lost)
    }

    /// Takes note that acknowledged events were lost.
    pub async fn acknowledge_loss(&self) -> Result<(), Error> {
        if self.journal.health().lost == 0 {
            return Err(Error::Conflict("no event is lost: there is nothing to take note of".to_owned()));
        }
        Ok(self.journal.acknowledge_loss().await?)
    }

    pub fn follow_events(&self) -> broadcast::Receiver<Arc<Record>> {
        self.recent.subscribe()
    }
}

/// For people; without a body if that is not kept any more.
fn request(event: &Event, has_body: bool) -> Request {
    Request {
        method: event.method.to_string(),
        path: event.path.clone(),
        query: event.query.clone(),
        headers: super::trial::readable(&event.headers),
        body_base64: event.body.as_ref().filter(|_| has_body).map(|body| STANDARD.encode(body)),
    }
}

/// What is kept goes before what is remembered of the same event. Of what is older than the page was looked at, nothing.
fn merge(kept: Page<Kept, EventId>, recent: Vec<(EventId, Record)>, at_most: usize) -> Listed<EventListed> {
    let listed = |kept: Kept| {
        let id = kept.record.id.parse::<EventId>().ok()?;
        Some((id, EventListed { record: kept.record, deliveries: Standing::of(kept.deliveries) }))
    };
    let mut all: Vec<(EventId, EventListed)> = kept.entries.into_iter().filter_map(listed).collect();
    for (id, record) in recent {
        match all.iter_mut().find(|(known, _)| *known == id) {
            Some((_, known)) => known.record.capture = record.capture,
            None if kept.next.is_none_or(|next| id >= next) => all.push((id, EventListed { record, deliveries: None })),
            None => {}
        }
    }
    all.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
    let rest = all.len() > at_most;
    all.truncate(at_most);
    let next = if rest { all.last().map(|(id, _)| *id) } else { kept.next };
    Listed { items: all.into_iter().map(|(_, event)| event).collect(), next: next.map(|id| id.to_string()) }
}

#[cfg(test)]
mod tests {
    use model::{Timestamp, record::Disposition};

    use super::*;

    fn id(number: u64) -> EventId {
        EventId::new(Timestamp::from_millis(number), 0)
    }

    fn record(number: u64, path: &str) -> Record {
        Record {
            id: id(number).to_string(),
            project: "default".to_owned(),
            route: "orders".to_owned(),
            received: number,
            source: "127.0.0.1".to_owned(),
            method: "POST".to_owned(),
            path: path.to_owned(),
            revision: 1,
            disposition: Disposition::Accepted,
            status: 202,
            reason: None,
            destination: None,
            labels: Vec::new(),
            idempotency_key: None,
            order_key: None,
            duration_us: 1,
            destination_us: None,
            body_bytes: Some(0),
            filters: Vec::new(),
            capture: None,
        }
    }

    fn page(kept: &[u64], next: Option<u64>, recent: &[u64], at_most: usize) -> (Vec<String>, Option<String>) {
        let entries = kept.iter().map(|n| Kept { record: record(*n, &format!("k{n}")), deliveries: [1, 0, 0, 0] });
        let kept = Page { entries: entries.collect(), next: next.map(id) };
        let recent = recent.iter().map(|n| (id(*n), record(*n, &format!("r{n}")))).collect();
        let listed = merge(kept, recent, at_most);
        (listed.items.into_iter().map(|event| event.record.path).collect(), listed.next)
    }

    #[test]
    fn what_is_kept_and_what_is_remembered_make_one_list() {
        assert_eq!(
            page(&[9, 5], None, &[9, 7, 3], 10),
            (vec!["k9", "r7", "k5", "r3"].into_iter().map(str::to_owned).collect(), None)
        );
        let (paths, next) = page(&[9, 5], Some(5), &[7, 3], 10);
        assert_eq!((paths.join(" "), next), ("k9 r7 k5".to_owned(), Some(id(5).to_string())));
        let (paths, next) = page(&[9, 5], Some(5), &[8, 7], 2);
        assert_eq!((paths.join(" "), next), ("k9 r8".to_owned(), Some(id(8).to_string())));
        assert_eq!(page(&[], None, &[], 2), (Vec::new(), None));
    }
}
