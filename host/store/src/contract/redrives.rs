//! Sending again what was decided.

use std::sync::Arc;

use model::delivery::{Status, Wanted};

use super::{
    events::{accept_many, claim, conclude, dead, delivery_id, ids, look, project, retry, settlement, status},
    journal::after,
    sample::name,
};
use crate::{Error, Journal, journal::Next};

/// Deliveries to `billing`, one for each second from 1, all dead after two attempts, the last one at `backup`.
async fn all_dead(journal: &Arc<dyn Journal>, seconds: u64) {
    accept_many(journal, 1..seconds + 1).await;
    for lease in &claim(journal, "billing", seconds, 100).await.leases {
        conclude(journal, lease, seconds, retry(seconds, "backup", 1)).await;
    }
    for lease in &claim(journal, "backup", seconds, 100).await.leases {
        conclude(journal, lease, seconds, dead(2, false)).await;
    }
}

pub async fn dead_ones_are_sent_again_one_after_the_other(journal: Arc<dyn Journal>) {
    all_dead(&journal, 5).await;
    let wanted = Wanted { status: Some(Status::Dead), until: Some(after(5)), ..Wanted::default() };
    let first = journal.redrive(&project(), &wanted, None, after(100), 2_000, 3).await.unwrap();
    assert_eq!((first.deliveries, first.next, first.targets), (3, Some(delivery_id(3, 0)), vec![name("billing")]));
    let second = journal.redrive(&project(), &wanted, first.next, after(106), 2_000, 3).await.unwrap();
    assert_eq!((second.deliveries, second.next), (1, None));
    for second in 1..=4 {
        let found = look(&journal, delivery_id(second, 0)).await;
        assert_eq!((found.status, found.attempts, found.reason), (Status::Waiting, 0, None));
        assert_eq!((found.target, found.due), (name("billing"), Some(after(98 + 2 * second))));
    }
    assert_eq!(look(&journal, delivery_id(5, 0)).await.status, Status::Dead);
    let again = journal.redrive(&project(), &wanted, None, after(100), 0, 3).await.unwrap();
    assert_eq!((again.deliveries, again.next, again.targets.len()), (0, None, 0));
    let elsewhere = journal.redrive(&name("team"), &Wanted::default(), None, after(100), 0, 3).await.unwrap();
    assert_eq!((elsewhere.deliveries, elsewhere.next), (0, None));
    assert_eq!(ids(&claim(&journal, "billing", 102, 10).await), [delivery_id(1, 0), delivery_id(2, 0)]);
}

pub async fn what_waits_becomes_due_at_once(journal: Arc<dyn Journal>) {
    accept_many(&journal, 1..5).await;
    let leases = claim(&journal, "billing", 4, 10).await.leases;
    conclude(&journal, &leases[0], 4, retry(500, "backup", 3)).await;
    conclude(&journal, &leases[1], 4, Next::Delivered).await;
    conclude(&journal, &leases[2], 4, Next::Cancelled { reason: "enough".to_owned() }).await;
    let redriven = journal.redrive(&project(), &Wanted::default(), None, after(50), 0, 10).await.unwrap();
    assert_eq!((redriven.deliveries, redriven.next), (3, None));
    assert_eq!(redriven.targets, [name("backup"), name("billing")]);
    let found = look(&journal, delivery_id(1, 0)).await;
    assert_eq!((found.attempts, found.target, found.due), (3, name("backup"), Some(after(50))));
    for second in [2, 3] {
        assert_eq!(status(&journal, delivery_id(second, 0)).await, (Status::Waiting, Some(after(50))));
    }
    // The one that is being made stays so.
    conclude(&journal, &leases[3], 50, Next::Delivered).await;
}

pub async fn an_old_lease_is_over(journal: Arc<dyn Journal>) {
    accept_many(&journal, 1..2).await;
    let lease = claim(&journal, "billing", 1, 10).await.leases.remove(0);
    assert!(journal.cancel(&project(), delivery_id(1, 0), "enough", after(2)).await.unwrap());
    journal.redrive(&project(), &Wanted::default(), None, after(3), 0, 10).await.unwrap();
    let late = journal.conclude(settlement(&lease, 4, Next::Delivered)).await;
    assert!(matches!(late, Err(Error::Late { .. })), "{late:?}");
    let anew = claim(&journal, "billing", 3, 10).await.leases.remove(0);
    assert!(anew.fence > lease.fence);
    conclude(&journal, &anew, 4, Next::Delivered).await;
}
