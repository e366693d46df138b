//! Operations on deliveries: look, try again, give up, send the dead again.

use model::{
    Delivery, DeliveryId, EventId, Name, Timestamp,
    delivery::{Breaker, Status, Wanted},
    story::{DeliveryStory, Listed, Redriven},
};

use super::{Control, Error};

/// Deliveries that one transaction sends again.
const SLICE: u32 = 1_000;

impl Control {
    /// Newest first.
    pub async fn deliveries(
        &self,
        project: &Name,
        wanted: &Wanted,
        before: Option<DeliveryId>,
        at_most: u32,
    ) -> Result<Listed<Delivery>, Error> {
        self.check_project(project).await?;
        let page = self.journal.deliveries(project, wanted, before, at_most).await?;
        let items = page.entries.into_iter().map(|delivery| self.told(delivery)).collect();
        Ok(Listed { items, next: page.next.map(|id| id.to_string()) })
    }

    pub async fn delivery(&self, project: &Name, delivery: DeliveryId) -> Result<DeliveryStory, Error> {
        self.check_project(project).await?;
        let found = self.journal.delivery(project, delivery).await?;
        let (delivery, attempts_made) = found.ok_or_else(|| Error::NotFound(format!("delivery `{delivery}`")))?;
        Ok(DeliveryStory { delivery: self.told(delivery), attempts_made })
    }

    /// With what holds it back, if something does.
    fn told(&self, delivery: Delivery) -> Delivery {
        if delivery.status != Status::Waiting {
            return delivery;
        }
        let target = &delivery.target;
        let condition = self.delivering.condition(&delivery.project, target);
        let held = if self.current.load().destination(&delivery.project, target).is_none() {
            format!("held back: destination `{target}` is not configured")
        } else if let Some(disabled) = &condition.disabled {
            format!("held back: `{target}` is disabled: {}", disabled.reason)
        } else if matches!(condition.breaker, Breaker::Open { .. }) {
            format!("held back: `{target}` failed time after time and is left alone for a while")
        } else {
            return delivery;
        };
        let reason = delivery.reason.map_or_else(|| held.clone(), |reason| format!("{held}; before: {reason}"));
        Delivery { reason: Some(reason), ..delivery }
    }

    /// Refuses what could not be sent.
    async fn check_body(&self, project: &Name, delivery: &Delivery) -> Result<(), Error> {
        let id = delivery.id;
        match self.journal.event(project, delivery.event).await {
            Ok(Some(stored)) if stored.has_body => Ok(()),
            Ok(_) => Err(Error::Conflict(format!(
                "delivery `{id}` cannot be made: the body of its event is not kept any more"
            ))),
            Err(store::Error::Corrupt { what }) => {
                Err(Error::Conflict(format!("delivery `{id}` cannot be made: {what}")))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// All of an event, with their attempts.
    pub(super) async fn deliveries_of(&self, project: &Name, event: EventId) -> Result<Vec<DeliveryStory>, Error> {
        const MOST: u32 = 1_000;
        let wanted = Wanted { event: Some(event), ..Wanted::default() };
        let mut stories = Vec::new();
        for delivery in self.journal.deliveries(project, &wanted, None, MOST).await?.entries {
            if let Some((delivery, attempts_made)) = self.journal.delivery(project, delivery.id).await? {
                stories.push(DeliveryStory { delivery: self.told(delivery), attempts_made });
            }
        }
        stories.reverse();
        Ok(stories)
    }

    /// Tries a delivery now, whatever its schedule says and whether it is decided or not.
    pub async fn retry_delivery(&self, project: &Name, delivery: DeliveryId) -> Result<DeliveryStory, Error> {
        let story = self.delivery(project, delivery).await?;
        self.check_body(project, &story.delivery).await?;
        let (now, wanted) = (Timestamp::now(), Wanted { id: Some(delivery), ..Wanted::default() });
        let redriven = self.journal.redrive(project, &wanted, None, now, 0, 1).await?;
        self.wake(project, redriven.targets.iter(), now);
        self.delivery(project, delivery).await
    }

    /// Gives a delivery up. One that is being made may still arrive.
    pub async fn cancel_delivery(&self, project: &Name, delivery: DeliveryId) -> Result<DeliveryStory, Error> {
        let story = self.delivery(project, delivery).await?;
        let now = Timestamp::now();
        let cancelled = self.journal.cancel(project, delivery, "given up by hand", now).await?;
        if !cancelled {
            let status = story.delivery.status.name();
            return Err(Error::Conflict(format!(
                "delivery `{delivery}` is {status}: only one that waits can be given up"
            )));
        }
        self.wake(project, [&story.delivery.target].into_iter(), now);
        self.delivery(project, delivery).await
    }

    /// Sends again what `wanted` takes of the decided deliveries, oldest first, so many a second. A dry run only counts them.
    pub async fn redrive(
        &self,
        project: &Name,
        wanted: &Wanted,
        per_second: Option<u32>,
        dry_run: bool,
    ) -> Result<Redriven, Error> {
        self.check_project(project).await?;
        if wanted.status == Some(Status::Waiting) {
            let problem = "`waiting` are sent anyway: ask for `dead`, `cancelled` or `delivered`";
            return Err(Error::Invalid(model::Faults::one("status", problem)));
        }
        if let Some(id) = wanted.id {
            let story = self.delivery(project, id).await?;
            let (is, asked) = (story.delivery.status, wanted.status.unwrap_or(Status::Dead));
            if is != asked {
                let problem = format!("delivery `{id}` is {}, not {}", is.name(), asked.name());
                return Err(Error::Conflict(problem));
            }
            self.check_body(project, &story.delivery).await?;
        }
        if dry_run {
            return Ok(Redriven { deliveries: self.journal.count(project, wanted).await?, dry_run });
        }
        let pause_ms = per_second.map_or(0, |per_second| 1_000 / u64::from(per_second.clamp(1, 1_000)));
        let (mut after, mut deliveries) = (None, 0);
        let now = Timestamp::now();
        loop {
            let from = Timestamp::from_millis(now.as_millis() + deliveries * pause_ms);
            let slice = self.journal.redrive(project, wanted, after, from, pause_ms, SLICE).await?;
            deliveries += slice.deliveries;
            self.wake(project, slice.targets.iter(), now);
            match slice.next {
                Some(next) => after = Some(next),
                None => return Ok(Redriven { deliveries, dry_run }),
            }
        }
    }

    pub(super) fn wake<'a>(&self, project: &Name, targets: impl Iterator<Item = &'a Name>, due: Timestamp) {
        let waker = self.delivering.waker();
        targets.for_each(|target| waker.wake(project, target, due));
    }
}
