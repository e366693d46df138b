//! Finds what is due and has it tried.
//!
//! One loop holds what is known about each destination that something waits for, and does nothing but decide; whatever
//! takes time is a task that tells the loop how it ended. It is woken by the gateway, by the time at which something is due,
//! and by attempts that end; what it might have missed it finds in the journal every few seconds.

pub(crate) mod conditions;
mod line;
mod shift;
mod waker;

use std::{sync::Arc, time::Duration};

use model::{
    Name,
    delivery::{Condition, Disabled},
};
use store::Journal;
use tokio_util::sync::CancellationToken;

use crate::{Clock, Counters, House, attempt::Room, memory::Memory, observe};
use conditions::Conditions;
pub use waker::Waker;

/// How much the engine does at a time.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Attempts under way in all; beyond it each destination may have one.
    pub in_flight: u32,
    /// Bytes of the bodies of their events, as they are stored. One that does not fit waits, and small ones (below 16 KiB)
    /// do not count; if there is no other, one may be larger.
    pub in_flight_bytes: u64,
    /// How long attempts may go on when the host stops.
    pub drain: Duration,
    /// How often the journal is looked through for what nobody told.
    pub look_every: Duration,
    /// What chance is made of.
    pub seed: u64,
}

impl Options {
    pub fn new(seed: u64) -> Self {
        Self {
            in_flight: 256,
            in_flight_bytes: 256 << 20,
            drain: Duration::from_secs(30),
            look_every: Duration::from_secs(5),
            seed,
        }
    }
}

/// Makes deliveries. There is one for each journal.
#[derive(Debug)]
pub struct Engine {
    room: Arc<Room>,
    waker: Waker,
    options: Options,
}

/// A destination of a project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(Arc<(Name, Name)>);

impl Key {
    pub(crate) fn new(project: &Name, target: &Name) -> Self {
        Self(Arc::new((project.clone(), target.clone())))
    }

    fn project(&self) -> &Name {
        &self.0.0
    }

    fn target(&self) -> &Name {
        &self.0.1
    }
}

impl Engine {
    pub fn new(journal: Arc<dyn Journal>, house: Arc<dyn House>, clock: Clock, options: Options) -> Self {
        let (conditions, counters) = (Conditions::default(), Counters::default());
        let memory = Memory::new(options.in_flight_bytes);
        let room = Room { journal, house, clock, conditions, memory, counters };
        Self { room: Arc::new(room), waker: Waker::default(), options }
    }

    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    pub fn counters(&self) -> &Counters {
        &self.room.counters
    }

    /// Makes deliveries until `stop`; then nothing new is begun, what is under way may end within the drain time, and the
    /// rest is given back. Run once at a time.
    pub async fn run(&self, stop: CancellationToken) {
        let mut pause = Duration::from_millis(100);
        while let Err(error) = self.room.conditions.read(self.room.journal.as_ref()).await {
            self.room.counters.journal_failed("reading how destinations are", &error);
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = (2 * pause).min(Duration::from_secs(10)),
                () = stop.cancelled() => return,
            }
        }
        shift::Shift::new(self).run(stop).await;
    }

    /// Nothing is sent to it any more, and what comes for it waits. Durable when it returns; on an error nothing has changed.
    pub async fn disable(&self, project: &Name, name: &Name, reason: &str) -> store::Result<()> {
        let disabled = Disabled { since: self.room.clock.now(), reason: reason.to_owned() };
        self.set_disabled(project, name, Some(disabled)).await?;
        observe::disabled(project, name, reason);
        Ok(())
    }

    /// What waits for it is sent again, whatever it asked for before, with its breaker closed. As `disable`. Attempts that
    /// are under way change nothing about it any more.
    pub async fn enable(&self, project: &Name, name: &Name) -> store::Result<()> {
        self.set_disabled(project, name, None).await?;
        self.waker.wake_afresh(project, name, self.room.clock.now());
        observe::enabled(project, name);
        Ok(())
    }

    /// What was known about a destination of this name goes: called when one is created, which need not be the one that
    /// was there before. As `enable`, and nothing is told.
    pub async fn forget(&self, project: &Name, name: &Name) -> store::Result<()> {
        self.set_disabled(project, name, None).await?;
        self.waker.wake_afresh(project, name, self.room.clock.now());
        Ok(())
    }

    async fn set_disabled(&self, project: &Name, name: &Name, disabled: Option<Disabled>) -> store::Result<()> {
        let key = Key::new(project, name);
        let before = self.room.conditions.decide(&key, |condition| match disabled {
            Some(disabled) => condition.disabled = Some(disabled),
            None => *condition = Condition::default(),
        });
        if let Err(error) = self.room.conditions.keep(self.room.journal.as_ref(), &key).await {
            self.room.conditions.decide(&key, |condition| *condition = before);
            return Err(error);
        }
        self.waker.wake(project, name, self.room.clock.now());
        Ok(())
    }

    /// How destinations are, of those that are not as they are at first.
    pub fn conditions(&self) -> Vec<(Name, Name, Condition)> {
        let all = self.room.conditions.all().into_iter();
        all.map(|(key, condition)| (key.project().clone(), key.target().clone(), condition)).collect()
    }

    pub fn condition(&self, project: &Name, name: &Name) -> Condition {
        self.room.conditions.of(&Key::new(project, name))
    }

    /// The configuration has changed, or the journal behind the engine's back.
    pub fn wake_all(&self) {
        self.waker.wake_all();
    }
}
