//! Deliveries of one destination and lane are made one after the other.

use std::sync::Arc;

use model::delivery::{Status, Wanted};

use super::{
    events::{
        accept, claim, conclude, dead, delivery, delivery_id, event_id, ids, in_lane, new_event, project, retry, status,
    },
    journal::after,
    sample::name,
};
use crate::{
    Journal,
    journal::{Next, Unblocked},
};

/// Deliveries to `billing` in lane `l`, one for each second from 1.
async fn queue(journal: &Arc<dyn Journal>, seconds: u64) {
    for second in 1..=seconds {
        accept(journal, new_event(second, "{}"), vec![in_lane(delivery(second, 0, "billing"), "l")]).await;
    }
}

fn unblocked(second: u64) -> Option<Unblocked> {
    Some(Unblocked { target: name("billing"), due: after(second) })
}

const BEHIND: (Status, Option<model::Timestamp>) = (Status::Waiting, None);

pub async fn one_after_the_other(journal: Arc<dyn Journal>) {
    queue(&journal, 3).await;
    let beside = vec![
        in_lane(delivery(4, 0, "billing"), "other"),
        in_lane(delivery(4, 1, "audit"), "l"),
        delivery(4, 2, "billing"),
    ];
    accept(&journal, new_event(4, "{}"), beside).await;
    assert_eq!(status(&journal, delivery_id(1, 0)).await, (Status::Waiting, Some(after(1))));
    assert_eq!(status(&journal, delivery_id(2, 0)).await, BEHIND);
    // What is in another lane, in none, or at another destination does not wait for it.
    let claimed = claim(&journal, "billing", 10, 10).await;
    assert_eq!(ids(&claimed), [delivery_id(1, 0), delivery_id(4, 0), delivery_id(4, 2)]);
    assert_eq!(ids(&claim(&journal, "audit", 10, 10).await), [delivery_id(4, 1)]);
    // Nor does a retry let others pass.
    assert_eq!(conclude(&journal, &claimed.leases[0], 11, retry(20, "backup", 1)).await, None);
    assert!(claim(&journal, "billing", 15, 10).await.leases.is_empty());
    let lease = claim(&journal, "backup", 20, 10).await.leases.remove(0);
    assert_eq!(conclude(&journal, &lease, 21, Next::Delivered).await, unblocked(21));
    let lease = claim(&journal, "billing", 21, 10).await.leases.remove(0);
    assert_eq!(lease.delivery.id, delivery_id(2, 0));
    assert_eq!(status(&journal, delivery_id(3, 0)).await, BEHIND);
    let gone = Next::Cancelled { reason: "a filter".to_owned() };
    assert_eq!(conclude(&journal, &lease, 22, gone).await, unblocked(22));
    let lease = claim(&journal, "billing", 22, 10).await.leases.remove(0);
    assert_eq!(conclude(&journal, &lease, 23, Next::Delivered).await, None);
    // The lane is empty: the next one is first at once.
    accept(&journal, new_event(30, "{}"), vec![in_lane(delivery(30, 0, "billing"), "l")]).await;
    assert_eq!(ids(&claim(&journal, "billing", 30, 10).await), [delivery_id(30, 0)]);
}

pub async fn one_that_may_not_be_made_yet_keeps_its_time(journal: Arc<dyn Journal>) {
    let mut later = in_lane(delivery(2, 0, "billing"), "l");
    later.due = after(100);
    accept(&journal, new_event(1, "{}"), vec![in_lane(delivery(1, 0, "billing"), "l"), later]).await;
    let lease = claim(&journal, "billing", 1, 10).await.leases.remove(0);
    assert_eq!(conclude(&journal, &lease, 2, Next::Delivered).await, unblocked(100));
    assert!(claim(&journal, "billing", 99, 10).await.leases.is_empty());
    assert_eq!(ids(&claim(&journal, "billing", 100, 10).await), [delivery_id(2, 0)]);
}

pub async fn a_dead_one_lets_others_pass_or_holds_them(journal: Arc<dyn Journal>) {
    queue(&journal, 4).await;
    let lease = claim(&journal, "billing", 5, 10).await.leases.remove(0);
    assert_eq!(conclude(&journal, &lease, 6, dead(1, false)).await, unblocked(6));
    let lease = claim(&journal, "billing", 6, 10).await.leases.remove(0);
    assert_eq!(conclude(&journal, &lease, 7, dead(1, true)).await, None);
    assert_eq!(status(&journal, delivery_id(2, 0)).await, (Status::Dead, None));
    let nothing = claim(&journal, "billing", 1_000, 10).await;
    assert!(nothing.leases.is_empty() && nothing.next.is_none());
    assert!(journal.backlogs().await.unwrap().is_empty());
    // Sent again, it is the first as it was.
    let wanted = Wanted { event: Some(event_id(2)), ..Wanted::default() };
    let redriven = journal.redrive(&project(), &wanted, None, after(50), 0, 10).await.unwrap();
    assert_eq!((redriven.deliveries, redriven.targets), (1, vec![name("billing")]));
    let lease = claim(&journal, "billing", 50, 10).await.leases.remove(0);
    assert_eq!(lease.delivery.id, delivery_id(2, 0));
    conclude(&journal, &lease, 51, dead(1, true)).await;
    // Or given up: then the next one is.
    assert!(journal.cancel(&project(), delivery_id(2, 0), "enough", after(60)).await.unwrap());
    assert_eq!(status(&journal, delivery_id(2, 0)).await, (Status::Cancelled, None));
    assert_eq!(status(&journal, delivery_id(3, 0)).await, (Status::Waiting, Some(after(60))));
    assert_eq!(status(&journal, delivery_id(4, 0)).await, BEHIND);
}

pub async fn cancelling_in_the_middle_leaves_the_order(journal: Arc<dyn Journal>) {
    queue(&journal, 4).await;
    assert!(journal.cancel(&project(), delivery_id(2, 0), "enough", after(5)).await.unwrap());
    assert_eq!(status(&journal, delivery_id(3, 0)).await, BEHIND);
    assert!(journal.cancel(&project(), delivery_id(1, 0), "enough", after(6)).await.unwrap());
    assert_eq!(status(&journal, delivery_id(3, 0)).await, (Status::Waiting, Some(after(6))));
    assert_eq!(status(&journal, delivery_id(4, 0)).await, BEHIND);
}

pub async fn one_that_is_sent_again_waits_for_who_is_first(journal: Arc<dyn Journal>) {
    queue(&journal, 3).await;
    let lease = claim(&journal, "billing", 5, 10).await.leases.remove(0);
    conclude(&journal, &lease, 6, Next::Delivered).await;
    let second = claim(&journal, "billing", 6, 10).await.leases.remove(0);
    let wanted = Wanted { event: Some(event_id(1)), ..Wanted::default() };
    let redriven = journal.redrive(&project(), &wanted, None, after(7), 0, 10).await.unwrap();
    assert_eq!((redriven.deliveries, redriven.targets.len()), (1, 0));
    assert_eq!(status(&journal, delivery_id(1, 0)).await, BEHIND);
    // It was written first: it comes before those that never were sent.
    assert_eq!(conclude(&journal, &second, 8, Next::Delivered).await, unblocked(8));
    assert_eq!(ids(&claim(&journal, "billing", 8, 10).await), [delivery_id(1, 0)]);
    assert_eq!(status(&journal, delivery_id(3, 0)).await, BEHIND);
}
