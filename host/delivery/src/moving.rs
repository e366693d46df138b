//! Deliveries that leave a destination without an attempt.

use std::time::Duration;

use futures_util::future::join_all;
use model::{Name, Timestamp};
use store::journal::{Claim, Lease, Next};
use tokio_util::sync::CancellationToken;

use crate::{
    attempt::{self, Coming, Held, Room},
    failover::Fitness,
};

/// How many are taken at a time.
const AT_MOST: u32 = 64;
/// How long they may be held for it.
const LEASE: Duration = Duration::from_secs(30);

/// What became of it.
#[derive(Debug)]
pub(crate) struct Moved {
    /// When more is due at the destination that they left.
    pub(crate) next: Option<Timestamp>,
    pub(crate) due: Vec<Coming>,
    pub(crate) taken: usize,
    /// How many of those went elsewhere.
    pub(crate) left: usize,
}

/// Sends what is due at a destination that is left alone to those that step in and are so fit; what has come from
/// elsewhere goes back if there are none, and the rest is due as before. To one of which nobody knows whether it is well,
/// one is sent.
pub(crate) async fn go_over(
    room: &Room,
    project: &Name,
    from: &Name,
    fitness: Fitness,
    cut: CancellationToken,
) -> store::Result<Moved> {
    let now = room.clock.now();
    let until = now.after(LEASE);
    let at_most = if fitness == Fitness::Well { AT_MOST } else { 1 };
    let claim = Claim { project: project.clone(), target: from.clone(), now, until, at_most };
    let claimed = room.journal.claim(claim).await?;
    let mut moved = Moved { next: claimed.next, due: Vec::new(), taken: claimed.leases.len(), left: 0 };
    let left = &mut moved.left;
    let leaving = claimed.leases.into_iter().map(|lease| {
        let Lease { delivery, .. } = &lease;
        let succession = room.succession(project, &delivery.destination, from);
        let to = succession.away(from, fitness);
        *left += usize::from(to.is_some());
        let reason = to.map(|to| {
            let does = if *to == delivery.destination { "has it back" } else { "steps in" };
            format!("`{from}` is left alone, `{to}` {does}")
        });
        let next = Next::Retry {
            due: now,
            target: to.unwrap_or(from).clone(),
            attempts: delivery.attempts,
            reason: reason.or_else(|| delivery.reason.clone()),
        };
        let held = Held { lease, until, cut: cut.clone() };
        async move { attempt::conclude(room, &held, None, next).await }
    });
    // At the same time, so that the journal can write many at once.
    for concluded in join_all(leaving).await {
        match concluded {
            // One that stays is no news.
            Ok(due) => moved.due.extend(
                due.into_iter().map(|coming| Coming { guest: coming.guest && coming.target != *from, ..coming }),
            ),
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
