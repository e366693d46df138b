//! Leases: who has a delivery, for how long, and what becomes of it.

use std::sync::Arc;

use bytes::Bytes;
use model::{
    Event, Name,
    delivery::{Breaker, Condition, Disabled, Outcome, Status},
};
use tokio::task::JoinSet;

use super::{
    JOURNAL_LIMITS,
    events::{
        accept, accept_many, attempt, claim, conclude, dead, delivery, delivery_id, event_id, ids, look, new_event,
        project, retry, run, settlement, status,
    },
    journal::after,
    sample::{digest, name},
};
use crate::{
    Error, Journal,
    journal::{Backlog, Next, Prepared},
};

pub async fn what_is_due_longest_comes_first(journal: Arc<dyn Journal>) {
    for (second, destination) in [(1, "billing"), (2, "billing"), (3, "audit"), (4, "billing"), (9, "billing")] {
        accept(&journal, new_event(second, "{}"), vec![delivery(second, 0, destination)]).await;
    }
    let first = claim(&journal, "billing", 5, 2).await;
    assert_eq!(ids(&first), [delivery_id(1, 0), delivery_id(2, 0)]);
    assert_eq!(first.next, Some(after(4)));
    let lease = &first.leases[0];
    assert_eq!((lease.delivery.event, lease.delivery.due), (event_id(1), Some(after(65))));
    let second = claim(&journal, "billing", 5, 10).await;
    assert_eq!(ids(&second), [delivery_id(4, 0)]);
    assert_eq!(second.next, Some(after(9)));
    let third = claim(&journal, "billing", 10, 10).await;
    assert_eq!(ids(&third), [delivery_id(9, 0)]);
    // The end of a lease is something that comes, too.
    assert_eq!(third.next, Some(after(65)));
    assert_eq!(ids(&claim(&journal, "audit", 10, 10).await), [delivery_id(3, 0)]);
    let nothing = claim(&journal, "nobody", 10, 10).await;
    assert!(nothing.leases.is_empty() && nothing.next.is_none());
}

pub async fn a_lease_that_is_over_goes_to_the_next(journal: Arc<dyn Journal>) {
    accept_many(&journal, 1..2).await;
    let first = claim(&journal, "billing", 1, 1).await.leases.remove(0);
    assert!(claim(&journal, "billing", 60, 1).await.leases.is_empty());
    let second = claim(&journal, "billing", 61, 1).await.leases.remove(0);
    assert!(second.fence > first.fence);
    let late = |result| assert!(matches!(result, Err(Error::Late { delivery }) if delivery == delivery_id(1, 0)));
    late(journal.conclude(settlement(&first, 61, Next::Delivered)).await.map(|_| ()));
    let prepared = || Prepared { made: new_event(1, "made").made, runs: Vec::new() };
    late(journal.prepare(first.delivery.id, first.fence, prepared()).await);
    assert!(journal.prepared(first.delivery.id).await.unwrap().is_none());
    // Nobody else took it meanwhile, so that being late is no fault.
    conclude(&journal, &second, 1_000, Next::Delivered).await;
    late(journal.conclude(settlement(&second, 1_000, Next::Delivered)).await.map(|_| ()));
    late(journal.prepare(second.delivery.id, second.fence, prepared()).await);
    let (found, attempts) = journal.delivery(&project(), delivery_id(1, 0)).await.unwrap().unwrap();
    assert_eq!((found.status, found.attempts, attempts.len()), (Status::Delivered, 1, 1));
    let unknown = journal.prepare(delivery_id(7, 7), 1, prepared()).await;
    assert!(matches!(unknown, Err(Error::Late { .. })), "{unknown:?}");
}

pub async fn a_lease_is_concluded_once(journal: Arc<dyn Journal>) {
    accept_many(&journal, 1..2).await;
    let lease = claim(&journal, "billing", 1, 1).await.leases.remove(0);
    conclude(&journal, &lease, 2, retry(10, "billing", 1)).await;
    let again = journal.conclude(settlement(&lease, 2, dead(1, false))).await;
    assert!(matches!(again, Err(Error::Late { .. })), "{again:?}");
    assert_eq!(status(&journal, delivery_id(1, 0)).await, (Status::Waiting, Some(after(10))));
}

pub async fn what_becomes_of_an_attempt_is_kept(journal: Arc<dyn Journal>) {
    accept_many(&journal, 1..2).await;
    let id = delivery_id(1, 0);
    let lease = claim(&journal, "billing", 1, 1).await.leases.remove(0);
    assert_eq!(conclude(&journal, &lease, 2, retry(10, "backup", 1)).await, None);
    let found = look(&journal, id).await;
    assert_eq!((found.attempts, found.due, found.reason.as_deref()), (1, Some(after(10)), Some("timeout")));
    assert_eq!((found.destination, found.target), (name("billing"), name("backup")));
    // It is due elsewhere, and not before.
    assert!(claim(&journal, "billing", 50, 1).await.leases.is_empty());
    assert_eq!(claim(&journal, "backup", 9, 1).await.next, Some(after(10)));
    let lease = claim(&journal, "backup", 10, 1).await.leases.remove(0);
    // Given back untried: nothing is written about an attempt.
    let back = crate::journal::Settlement { attempt: None, ..settlement(&lease, 11, retry(12, "billing", 1)) };
    journal.conclude(back).await.unwrap();
    let lease = claim(&journal, "billing", 12, 1).await.leases.remove(0);
    assert_eq!(conclude(&journal, &lease, 13, dead(2, false)).await, None);
    let (found, attempts) = journal.delivery(&project(), id).await.unwrap().unwrap();
    assert_eq!((found.status, found.attempts, found.due), (Status::Dead, 2, None));
    assert_eq!(found.reason.as_deref(), Some("gone"));
    assert_eq!(attempts, [attempt(1, Outcome::Failed), attempt(2, Outcome::Failed)]);
    let nothing = claim(&journal, "billing", 1_000, 1).await;
    assert!(nothing.leases.is_empty() && nothing.next.is_none());
}

/// Four are kept.
pub async fn attempts_have_a_limit(journal: Arc<dyn Journal>) {
    accept_many(&journal, 1..2).await;
    for number in 1..=7 {
        let lease = claim(&journal, "billing", 10, 1).await.leases.remove(0);
        conclude(&journal, &lease, 10, retry(10, "billing", number)).await;
    }
    let (found, attempts) = journal.delivery(&project(), delivery_id(1, 0)).await.unwrap().unwrap();
    assert_eq!(found.attempts, 7);
    let numbers: Vec<u32> = attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, [4, 5, 6, 7]);
    assert_eq!(numbers.len(), JOURNAL_LIMITS.attempts as usize);
}

pub async fn what_was_made_is_kept_once(journal: Arc<dyn Journal>) {
    accept_many(&journal, 1..2).await;
    let lease = claim(&journal, "billing", 1, 1).await.leases.remove(0);
    let id = lease.delivery.id;
    assert!(journal.prepared(id).await.unwrap().is_none());
    let event = new_event(1, "{}").made;
    for body in ["first", "second"] {
        let made =
            Event { path: "/elsewhere".to_owned(), body: Some(Bytes::from_static(body.as_bytes())), ..event.clone() };
        let prepared = Prepared { made: made.clone(), runs: vec![run("three", body)] };
        journal.prepare(id, lease.fence, prepared).await.unwrap();
        let kept = journal.prepared(id).await.unwrap().unwrap();
        assert_eq!(format!("{:?}", kept.made), format!("{made:?}"));
        assert_eq!(kept.runs, [run("three", body)]);
        assert_eq!(journal.configurations(&project()).await.unwrap(), [digest(body)].into());
    }
    assert!(journal.refers_to_module(&digest("three")).await.unwrap());
    // It outlives the attempt.
    conclude(&journal, &lease, 2, retry(3, "billing", 1)).await;
    assert_eq!(journal.prepared(id).await.unwrap().unwrap().made.body.unwrap(), "second");
}

pub async fn a_cancelled_delivery_is_not_made(journal: Arc<dyn Journal>) {
    accept_many(&journal, 1..4).await;
    let cancel =
        async |second, project: Name| journal.cancel(&project, delivery_id(second, 0), "enough", after(9)).await;
    assert!(cancel(1, project()).await.unwrap());
    assert!(!cancel(1, project()).await.unwrap());
    for (second, project) in [(2, name("team")), (7, project())] {
        let refused = cancel(second, project).await;
        assert!(matches!(refused, Err(Error::NotFound { .. })), "{refused:?}");
    }
    let found = look(&journal, delivery_id(1, 0)).await;
    assert_eq!((found.status, found.due, found.reason.as_deref()), (Status::Cancelled, None, Some("enough")));
    let claimed = claim(&journal, "billing", 9, 10).await;
    assert_eq!(ids(&claimed), [delivery_id(2, 0), delivery_id(3, 0)]);
    // One that is being made may arrive, but what becomes of it is decided.
    assert!(cancel(2, project()).await.unwrap());
    let late = journal.conclude(settlement(&claimed.leases[0], 9, Next::Delivered)).await;
    assert!(matches!(late, Err(Error::Late { .. })), "{late:?}");
    conclude(&journal, &claimed.leases[1], 9, Next::Delivered).await;
    assert!(!cancel(3, project()).await.unwrap());
}

pub async fn every_delivery_is_claimed_by_one(journal: Arc<dyn Journal>) {
    accept_many(&journal, 0..100).await;
    let mut claimers = JoinSet::new();
    for _ in 0..8 {
        let journal = Arc::clone(&journal);
        claimers.spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claimed = claim(&journal, "billing", 100, 3).await;
                if claimed.leases.is_empty() {
                    return mine;
                }
                for lease in &claimed.leases {
                    conclude(&journal, lease, 101, Next::Delivered).await;
                }
                mine.extend(ids(&claimed));
            }
        });
    }
    let mut all: Vec<_> = claimers.join_all().await.into_iter().flatten().collect();
    all.sort_unstable();
    assert_eq!(all, (0..100).map(|second| delivery_id(second, 0)).collect::<Vec<_>>());
}

pub async fn backlogs_tell_who_has_something_to_do(journal: Arc<dyn Journal>) {
    assert!(journal.backlogs().await.unwrap().is_empty());
    for (second, destination) in [(1, "b"), (2, "a"), (3, "b"), (4, "c"), (5, "a.b")] {
        accept(&journal, new_event(second, "{}"), vec![delivery(second, 0, destination)]).await;
    }
    let backlog = |target, second| Backlog { project: project(), target: name(target), next: after(second) };
    let all = [backlog("a", 2), backlog("a.b", 5), backlog("b", 1), backlog("c", 4)];
    assert_eq!(journal.backlogs().await.unwrap(), all);
    let lease = claim(&journal, "b", 1, 1).await.leases.remove(0);
    assert_eq!(journal.backlogs().await.unwrap()[2], backlog("b", 3));
    conclude(&journal, &lease, 2, Next::Delivered).await;
    let lease = claim(&journal, "b", 3, 1).await.leases.remove(0);
    assert_eq!(journal.backlogs().await.unwrap()[2], backlog("b", 63));
    conclude(&journal, &lease, 2, Next::Delivered).await;
    assert_eq!(journal.backlogs().await.unwrap(), [backlog("a", 2), backlog("a.b", 5), backlog("c", 4)]);
    // In other projects too, whatever order their names have.
    for (second, project) in [(6, "aaa"), (7, "team")] {
        let mut new = new_event(second, "{}");
        new.received.project = name(project);
        new.made.project = name(project);
        accept(&journal, new, vec![delivery(second, 0, "b")]).await;
    }
    let of = |project, second| Backlog { project: name(project), ..backlog("b", second) };
    let all = [of("aaa", 6), backlog("a", 2), backlog("a.b", 5), backlog("c", 4), of("team", 7)];
    assert_eq!(journal.backlogs().await.unwrap(), all);
}

pub async fn conditions_are_kept(journal: Arc<dyn Journal>) {
    let open = Condition { breaker: Breaker::Open { until: after(9), times: 2 }, ..Condition::default() };
    let off = Condition {
        disabled: Some(Disabled { since: after(1), reason: "410".to_owned() }),
        breaker: Breaker::Closed { failures: 3 },
    };
    let put = async |project: &str, destination: &str, condition: &Condition| {
        journal.put_condition(&name(project), &name(destination), condition).await.unwrap();
    };
    put("default", "b", &open).await;
    put("default", "a", &open).await;
    put("team", "a", &open).await;
    put("default", "a", &off).await;
    put("default", "b", &Condition::default()).await;
    let expected = [(name("default"), name("a"), off), (name("team"), name("a"), open)];
    assert_eq!(journal.conditions().await.unwrap(), expected);
}

pub async fn writing_can_be_tried(journal: Arc<dyn Journal>) {
    journal.probe().await.unwrap();
    assert_eq!(journal.health(), crate::journal::Health::default());
    journal.acknowledge_loss().await.unwrap();
    journal.probe().await.unwrap();
}
