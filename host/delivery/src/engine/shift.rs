//! The loop: from the start of the engine to its stop.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use model::{Timestamp, delivery::Disabled};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use store::journal::{Backlog, Claim, Claimed};
use tokio::{
    task::{Id, JoinError, JoinSet},
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

use super::{
    Engine, Key, Options, Waker,
    line::{Line, Sight, Turn},
};
use crate::{
    Ready,
    attempt::{self, Coming, Ended, Held, PREPARING_MOST, Room, WAITING_MOST},
    breaker,
    failover::Fitness,
    moving, observe,
};

/// What a lease is longer than the longest attempt: for reading, and for writing down what came of it.
const LEASE_MARGIN: Duration = Duration::from_secs(15);
/// How long what was cut off by the stop may take to be given back.
const GIVING_BACK: Duration = Duration::from_secs(5);

pub(super) struct Shift {
    room: Arc<Room>,
    waker: Waker,
    options: Options,
    lines: HashMap<Key, Line>,
    /// When it is whose turn.
    agenda: BTreeSet<(Timestamp, Key)>,
    /// Those that wait for room.
    crowd: VecDeque<Key>,
    tasks: JoinSet<Done>,
    /// For whom a task works; the look works for all.
    owners: HashMap<Id, Owner>,
    /// Places of attempts that are taken.
    taken: u32,
    looking: bool,
    chance: StdRng,
    cut: CancellationToken,
    stopping: bool,
}

/// A destination that a task works for.
struct Owner {
    key: Key,
    /// Places of attempts that the task holds.
    places: u32,
    /// Whether nothing else is taken for the destination meanwhile.
    alone: bool,
}

/// How a task of the engine ended.
enum Done {
    Claimed { claimed: store::Result<Claimed>, until: Timestamp, ready: Arc<Ready> },
    Attempted { ended: store::Result<Ended>, decided: u64 },
    Moved { moved: store::Result<moving::Moved>, fitness: Fitness },
    Looked(store::Result<Vec<Backlog>>),
    Kept(store::Result<()>),
    GivenBack,
}

impl Shift {
    pub(super) fn new(engine: &Engine) -> Self {
        Self {
            room: Arc::clone(&engine.room),
            waker: engine.waker.clone(),
            options: engine.options,
            lines: HashMap::new(),
            agenda: BTreeSet::new(),
            crowd: VecDeque::new(),
            tasks: JoinSet::new(),
            owners: HashMap::new(),
            taken: 0,
            looking: false,
            chance: StdRng::seed_from_u64(engine.options.seed),
            cut: CancellationToken::new(),
            stopping: false,
        }
    }

    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut look = tokio::time::interval(self.options.look_every);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let waker = self.waker.clone();
        loop {
            // All of each, so that none of them can keep the others from being heard.
            self.rung();
            while let Some(done) = self.tasks.try_join_next_with_id() {
                self.done(done);
            }
            let next = self.begin_due();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(done) = self.tasks.join_next_with_id() => self.done(done),
                () = waker.rung() => {}
                _ = look.tick() => self.look(),
                () = tokio::time::sleep_until(next) => {}
            }
        }
        self.drain().await;
    }

    /// Begins what is due. When to come again.
    fn begin_due(&mut self) -> Instant {
        loop {
            let now = self.room.clock.now();
            match self.agenda.first() {
                Some((due, _)) if *due <= now => {
                    let (_, key) = self.agenda.pop_first().expect("is there");
                    if let Some(line) = self.lines.get_mut(&key) {
                        line.planned = None;
                    }
                    self.plan(&key);
                }
                // The clock may be set meanwhile; the look that comes before notices.
                Some((due, _)) => {
                    let pause = Duration::from_millis(due.as_millis() - now.as_millis());
                    return Instant::now() + pause.min(self.options.look_every);
                }
                None => return Instant::now() + self.options.look_every,
            }
        }
    }

    /// Works out when it is this destination's turn; if it is now, takes it.
    fn plan(&mut self, key: &Key) {
        if self.stopping {
            return;
        }
        let line = self.lines.entry(key.clone()).or_default();
        if let Some(planned) = line.planned.take() {
            self.agenda.remove(&(planned, key.clone()));
        }
        if line.due.is_none() || line.busy {
            return;
        }
        let Some(ready) = self.room.house.destination(key.project(), key.target()) else {
            if !std::mem::replace(&mut line.warned, true) {
                observe::unknown_destination(key.project(), key.target());
            }
            if !line.own_only && line.due.is_some_and(|due| due.max(line.quiet) <= self.room.clock.now()) {
                self.go_over(key, Fitness::Well);
            }
            return;
        };
        line.warned = false;
        let steps_in = ready.policy.failover.as_ref().and_then(|_| self.steps_in(key));
        let sight = Sight {
            policy: &ready.policy,
            condition: &self.room.conditions.of(key),
            steps_in,
            room: self.free(),
            now: self.room.clock.now(),
        };
        let line = self.lines.entry(key.clone()).or_default();
        match line.turn(sight) {
            Turn::Never => {}
            Turn::At(time) => {
                line.planned = Some(time);
                self.agenda.insert((time, key.clone()));
            }
            Turn::Claim(at_most) => self.claim(key, &ready, at_most, sight.now),
            Turn::Move(fitness) => self.go_over(key, fitness),
            Turn::WhenThereIsRoom if line.crowded => {}
            Turn::WhenThereIsRoom => {
                line.crowded = true;
                self.crowd.push_back(key.clone());
            }
        }
    }

    /// Places for attempts that are left.
    fn free(&self) -> u32 {
        self.options.in_flight.saturating_sub(self.taken)
    }

    /// Lets those that wait for room have it, in turn.
    fn let_in(&mut self) {
        while self.free() > 0
            && let Some(key) = self.crowd.pop_front()
        {
            if let Some(line) = self.lines.get_mut(&key) {
                line.crowded = false;
                self.plan(&key);
            }
        }
    }

    /// How fit those are that can step in for it. If nobody knows whether they are well, one delivery finds out, unless
    /// another one does.
    fn steps_in(&self, key: &Key) -> Option<Fitness> {
        let (project, here) = (key.project(), key.target());
        let succession = self.room.succession(project, here, here);
        if succession.away(here, Fitness::Well).is_some() {
            return Some(Fitness::Well);
        }
        let to = succession.away(here, Fitness::Untold)?;
        let line = self.lines.get(&Key::new(project, to));
        line.is_none_or(Line::is_idle).then_some(Fitness::Untold)
    }

    fn claim(&mut self, key: &Key, ready: &Arc<Ready>, at_most: u32, now: Timestamp) {
        let until = now.after(WAITING_MOST + PREPARING_MOST + ready.destination.longest() + LEASE_MARGIN);
        let claim = Claim { project: key.project().clone(), target: key.target().clone(), now, until, at_most };
        let (room, ready) = (Arc::clone(&self.room), Arc::clone(ready));
        room.counters.claimed();
        self.spawn_alone(key, at_most, async move {
            let claimed = room.journal.claim(claim).await;
            Done::Claimed { claimed, until, ready }
        });
    }

    fn go_over(&mut self, key: &Key, fitness: Fitness) {
        let (room, of, cut) = (Arc::clone(&self.room), key.clone(), self.cut.clone());
        self.spawn_alone(key, 0, async move {
            let moved = moving::go_over(&room, of.project(), of.target(), fitness, cut).await;
            Done::Moved { moved, fitness }
        });
    }

    /// Takes something out of the journal; nothing else is taken for this destination meanwhile.
    fn spawn_alone(&mut self, key: &Key, places: u32, work: impl Future<Output = Done> + Send + 'static) {
        let line = self.lines.entry(key.clone()).or_default();
        line.busy = true;
        line.due = None;
        self.spawn_owned(Owner { key: key.clone(), places, alone: true }, work);
    }

    fn spawn(&mut self, key: &Key, places: u32, work: impl Future<Output = Done> + Send + 'static) {
        self.spawn_owned(Owner { key: key.clone(), places, alone: false }, work);
    }

    fn spawn_owned(&mut self, owner: Owner, work: impl Future<Output = Done> + Send + 'static) {
        self.lines.entry(owner.key.clone()).or_default().in_flight += owner.places;
        self.taken += owner.places;
        let id = self.tasks.spawn(work).id();
        self.owners.insert(id, owner);
    }

    fn done(&mut self, done: Result<(Id, Done), JoinError>) {
        let (id, done) = match done {
            Ok((id, done)) => (id, Some(done)),
            Err(error) => {
                self.room.counters.lost(&error);
                (error.id(), None)
            }
        };
        let Some(Owner { key, places, alone }) = self.owners.remove(&id) else {
            self.looking = false;
            if let Some(Done::Looked(backlogs)) = done {
                self.looked(backlogs);
            }
            return;
        };
        let line = self.lines.entry(key.clone()).or_default();
        line.in_flight = line.in_flight.saturating_sub(places);
        line.busy = line.busy && !alone;
        self.taken = self.taken.saturating_sub(places);
        match done {
            Some(Done::Claimed { claimed, until, ready }) => self.claimed(&key, claimed, until, &ready),
            Some(Done::Attempted { ended, decided }) => self.attempted(&key, ended, decided),
            Some(Done::Moved { moved, fitness }) => self.moved(&key, moved, fitness),
            Some(Done::Kept(Err(error))) => {
                self.room.counters.journal_failed("writing down how a destination is", &error);
            }
            Some(Done::Kept(Ok(())) | Done::GivenBack | Done::Looked(_)) => {}
            // Whatever it was, the journal still knows what is due.
            None => {
                let now = self.room.clock.now();
                line.trouble(now);
                line.wake(now);
            }
        }
        // Those that have waited for room come first.
        self.let_in();
        self.plan(&key);
    }

    fn claimed(&mut self, key: &Key, claimed: store::Result<Claimed>, until: Timestamp, ready: &Arc<Ready>) {
        let now = self.room.clock.now();
        let line = self.lines.entry(key.clone()).or_default();
        let Claimed { leases, next } = match claimed {
            Ok(claimed) => claimed,
            Err(error) => {
                self.room.counters.journal_failed("taking deliveries that are due", &error);
                line.trouble(now);
                line.wake(now);
                return;
            }
        };
        line.troubles = 0;
        if let Some(next) = next {
            line.wake(next);
        }
        if leases.is_empty() {
            line.nothing_taken(next, now);
        }
        if let Some(rate) = &ready.policy.rate {
            line.bucket.take(rate, now, u32::try_from(leases.len()).unwrap_or(u32::MAX));
        }
        for lease in leases {
            let (chance, cut) = (self.chance.next_u32(), self.cut.clone());
            let held = Held { lease, until, cut };
            let (room, ready) = (Arc::clone(&self.room), Arc::clone(ready));
            if self.stopping {
                self.spawn(key, 0, async move {
                    moving::give_back(&room, &held).await;
                    Done::GivenBack
                });
                continue;
            }
            let decided = room.conditions.decided(key);
            self.spawn(key, 1, async move {
                Done::Attempted { ended: attempt::make(&room, &held, &ready, chance).await, decided }
            });
        }
    }

    /// `decided` is how often somebody had decided about the destination when it began.
    fn attempted(&mut self, key: &Key, ended: store::Result<Ended>, decided: u64) {
        let now = self.room.clock.now();
        let line = self.lines.entry(key.clone()).or_default();
        let ended = match ended {
            Ok(ended) => ended,
            // Whoever has the delivery now sees to it.
            Err(store::Error::Late { delivery }) => return self.room.counters.late(delivery),
            Err(error) => {
                self.room.counters.journal_failed("an attempt", &error);
                return line.trouble(now);
            }
        };
        let quiet = ended.quiet.filter(|quiet| *quiet > line.quiet);
        let policy = self.room.house.destination(key.project(), key.target());
        let policy = policy.as_ref().and_then(|ready| ready.policy.breaker.as_ref());
        let mut changed = false;
        let is_news = self.room.conditions.learn(key, decided, |condition| {
            let after = breaker::after(&condition.breaker, policy, ended.health, ended.started, now);
            if breaker::changed(&condition.breaker, &after) {
                observe::breaker_changed(key.project(), key.target(), &after, now);
                changed = true;
            }
            condition.breaker = after;
            if let Some(reason) = ended.disable.filter(|_| condition.disabled.is_none()) {
                observe::disabled(key.project(), key.target(), &reason);
                condition.disabled = Some(Disabled { since: now, reason });
                changed = true;
            }
        });
        if let Some(quiet) = quiet.filter(|_| is_news) {
            observe::quiet(key.project(), key.target(), quiet, now);
            line.quiet = quiet;
        }
        if changed {
            let (room, of) = (Arc::clone(&self.room), key.clone());
            self.spawn(key, 0, async move { Done::Kept(room.conditions.keep(room.journal.as_ref(), &of).await) });
        }
        self.coming(key, ended.due);
    }

    fn moved(&mut self, key: &Key, moved: store::Result<moving::Moved>, fitness: Fitness) {
        let now = self.room.clock.now();
        let line = self.lines.entry(key.clone()).or_default();
        match moved {
            Ok(moved) => {
                line.troubles = 0;
                if let Some(next) = moved.next {
                    line.wake(next);
                }
                if moved.taken == 0 {
                    line.nothing_taken(moved.next, now);
                }
                // If there are guests behind so many others, they wait with them.
                line.own_only |= fitness == Fitness::Well && moved.taken > 0 && moved.left == 0;
                self.coming(key, moved.due);
            }
            Err(error) => {
                self.room.counters.journal_failed("moving deliveries to another destination", &error);
                line.trouble(now);
                line.wake(now);
            }
        }
    }

    /// From one destination of a project to any of them.
    fn coming(&mut self, from: &Key, coming: Vec<Coming>) {
        for Coming { target, due, guest } in coming {
            let key = Key::new(from.project(), &target);
            self.lines.entry(key.clone()).or_default().own_only &= !guest;
            self.wake(&key, due);
        }
    }

    fn wake(&mut self, key: &Key, due: Timestamp) {
        self.lines.entry(key.clone()).or_default().wake(due);
        self.plan(key);
    }

    fn rung(&mut self) {
        let rung = self.waker.take();
        for key in rung.afresh {
            self.lines.entry(key).or_default().quiet = Timestamp::default();
        }
        for (key, due) in rung.due {
            self.wake(&key, due);
        }
        if rung.all {
            // Some may have a home again.
            self.lines.values_mut().for_each(|line| line.own_only = false);
            self.look();
        }
    }

    /// Asks the journal what waits, in case nobody told.
    fn look(&mut self) {
        if std::mem::replace(&mut self.looking, true) {
            return;
        }
        let room = Arc::clone(&self.room);
        self.tasks.spawn(async move { Done::Looked(room.journal.backlogs().await) });
    }

    fn looked(&mut self, backlogs: store::Result<Vec<Backlog>>) {
        let now = self.room.clock.now();
        match backlogs {
            Ok(backlogs) => {
                self.lines.retain(|_, line| !line.is_over(now));
                for Backlog { project, target, next } in backlogs {
                    self.wake(&Key::new(&project, &target), next);
                }
            }
            Err(error) => self.room.counters.journal_failed("looking for deliveries that are due", &error),
        }
    }

    async fn drain(mut self) {
        self.stopping = true;
        observe::stopping(self.tasks.len());
        let _ = tokio::time::timeout(self.options.drain, self.finish()).await;
        self.cut.cancel();
        let _ = tokio::time::timeout(GIVING_BACK, self.finish()).await;
    }

    async fn finish(&mut self) {
        while let Some(done) = self.tasks.join_next_with_id().await {
            self.done(done);
        }
    }
}
