//! What is done again and again beside the events: what has outlived its time goes, in slices, so that nobody waits for it
//! long; and a journal that could not be written is tried until it can.

use std::{sync::Arc, time::Duration};

use model::{Name, Timestamp, route::Keep};
use store::{
    Journal,
    journal::{Indexed, Retention},
};
use tokio_util::sync::CancellationToken;

use crate::snapshot::Current;

/// Between two looks for what has outlived its time.
const EVERY: Duration = Duration::from_secs(60);
/// Between two tries to write.
const PROBE_EVERY: Duration = Duration::from_secs(1);
/// Between two looks for events to index when there was none, between two slices, and events in a slice.
const INDEX_EVERY: Duration = Duration::from_millis(500);
const INDEX_BREATH: Duration = Duration::from_millis(5);
const INDEX_SLICE: u32 = 200;
/// Keys that go in one transaction.
const KEYS: u32 = 1_000;
/// Events that go, and pages that are given back, before those who wait to write have their turn.
const EVENTS: u32 = 200;
const PAGES: u32 = 64;
const BREATH: Duration = Duration::from_millis(2);

/// Until it is told to stop.
pub(crate) async fn run(
    journal: Arc<dyn Journal>,
    current: Current,
    unauthenticated_life: Duration,
    stop: CancellationToken,
) {
    let mut due = Timestamp::now().after(EVERY);
    while stop.run_until_cancelled(tokio::time::sleep(PROBE_EVERY)).await.is_some() {
        if journal.health().failing.is_some() && journal.probe().await.is_ok() {
            tracing::info!("what is written becomes durable again");
        }
        let now = Timestamp::now();
        if now < due {
            continue;
        }
        let tidied = stop.run_until_cancelled(tidy(journal.as_ref(), &current, unauthenticated_life, now)).await;
        if let Some(Err(error)) = tidied {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "what has outlived its time could not be removed"
            );
        }
        due = Timestamp::now().after(EVERY);
    }
}

/// Makes events searchable, until it is told to stop.
pub(crate) async fn index(journal: Arc<dyn Journal>, current: Current, stop: CancellationToken) {
    let mut failing = false;
    loop {
        let mut routes = current.load().searched();
        routes.sort();
        let pause = match journal.index(&routes, INDEX_SLICE).await {
            Ok(Indexed { events: 0, lag: 0 }) => INDEX_EVERY,
            // Others come first.
            Ok(_) => INDEX_BREATH,
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::error!(error = &error as &dyn std::error::Error, "events cannot be indexed");
                }
                EVERY
            }
        };
        failing &= pause == EVERY;
        if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
    }
}

/// Removes everything that need not be kept any longer.
async fn tidy(
    journal: &dyn Journal,
    current: &Current,
    unauthenticated_life: Duration,
    now: Timestamp,
) -> store::Result<()> {
    while journal.kv_expire(now, KEYS).await? == KEYS {}
    for (project, route) in journal.kept_routes().await? {
        let keep = current.load().named(&project, &route).map(|served| served.route.keep.clone());
        let retention = retention(project, route, &keep.unwrap_or_default(), unauthenticated_life, now);
        loop {
            let gone = journal.retain(&retention, EVENTS).await?;
            if gone.events + gone.bodies < EVENTS {
                break;
            }
            tokio::time::sleep(BREATH).await;
        }
    }
    while journal.give_back(PAGES).await? > 0 {
        tokio::time::sleep(BREATH).await;
    }
    Ok(())
}

fn retention(project: Name, route: Name, keep: &Keep, unauthenticated_life: Duration, now: Timestamp) -> Retention {
    let before = |life: Duration| now.before(life);
    Retention {
        project,
        route,
        before: Some(before(keep.time)),
        bodies_before: (keep.body_time < keep.time).then(|| before(keep.body_time)),
        unauthenticated_before: Some(before(unauthenticated_life)),
        events: keep.events,
        bytes: keep.bytes,
    }
}
