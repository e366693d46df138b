//! Deliveries that leave a destination without an attempt.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use model::{Name, Timestamp};
use store::journal::{Claim, Lease, Next, Unblocked};
use tokio_util::sync::CancellationToken;

use crate::attempt::{self, Held, Room};

/// How many are taken at a time.
const AT_MOST: u32 = 64;
/// How long they may be held for it.
const LEASE: Duration = Duration::from_secs(30);

/// What became of it.
#[derive(Debug)]
pub(crate) struct Moved {
    /// When more is due at the destination that they left.
    pub(crate) next: Option<Timestamp>,
    pub(crate) due: Vec<Unblocked>,
}

/// Sends what is due at a destination that is left alone until then to the one that steps in. What came from yet another
/// destination waits: nothing goes over twice.
pub(crate) async fn go_over(
    room: &Room,
    project: &Name,
    from: &Name,
    to: &Name,
    until: Timestamp,
    cut: CancellationToken,
) -> store::Result<Moved> {
    let now = room.clock.now();
    let lease_end = now.after(LEASE);
    let claim = Claim { project: project.clone(), target: from.clone(), now, until: lease_end, at_most: AT_MOST };
    let claimed = room.journal.claim(claim).await?;
    let ready = room.house.destination(project, from);
    let mut moved = Moved { next: claimed.next, due: Vec::new() };
    let Some(ready) = ready else { return Ok(moved) };
    let leaving = claimed.leases.into_iter().map(|lease| {
        let Lease { delivery, .. } = &lease;
        let goes = delivery.destination == *from;
        let reason = format!("`{from}` is left alone, `{to}` steps in");
        let next = Next::Retry {
            due: if goes { now } else { until },
            target: if goes { to.clone() } else { from.clone() },
            attempts: delivery.attempts,
            reason: if goes { Some(reason) } else { delivery.reason.clone() },
        };
        let held = Held { lease, until: lease_end, ready: Arc::clone(&ready), chance: 0, cut: cut.clone() };
        async move { attempt::conclude(room, &held, None, next).await }
    });
    // At the same time, so that the journal can write many at once.
    for left in join_all(leaving).await {
        match left {
            Ok(due) => moved.due.extend(due),
            Err(store::Error::Late { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(moved)
}

/// Gives a delivery back that was claimed and not tried. If that fails, its lease ends by itself.
pub(crate) async fn give_back(room: &Room, held: &Held) {
    if let Err(error) = attempt::conclude(room, held, None, attempt::give_back(room, held)).await {
        room.counters.journal_failed("giving a delivery back", &error);
    }
}
