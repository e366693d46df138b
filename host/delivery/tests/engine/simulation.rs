//! The engine over the real journal through whatever can happen, in simulated time: destinations that flap, are slow, want
//! patience or nothing at all; crashes, stops, a clock that is set, a journal that fails, configuration that goes and
//! comes. All of it comes from a seed; what fails is repeated with the command that the failure tells.

use std::{
    collections::{BTreeMap, HashMap},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, atomic::Ordering::Relaxed},
    time::Duration,
};

use delivery::{destinations::End, engine::Options};
use model::{
    Delivery, DeliveryId,
    delivery::{Attempt, Outcome, Status},
    destination::{Breaker, ComeBack, Failover, Policy, Rate, Statuses},
};
use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};
use store::Journal as _;

use crate::{
    flow::policy,
    world::{Said, World, busy, name, seconds, status},
};

const NAMES: [&str; 5] = ["steady", "a", "b", "c", "d"];
/// How long a delivery to a destination that is well may wait if nothing else happens: once around the look.
const PROMPT_MILLIS: u64 = 6_000;

#[derive(Debug, Clone, Copy)]
enum Mood {
    Well,
    Failing,
    Flapping,
    Slow,
    Busy,
    Unreachable,
    Gone,
}

type Moods = Arc<Mutex<HashMap<&'static str, Mood>>>;

struct Run {
    rng: StdRng,
    world: Option<World>,
    moods: Moods,
    policies: BTreeMap<&'static str, Policy>,
    accepted: Vec<Taken>,
    /// When something happened that may make everybody wait, milliseconds.
    disturbed: Vec<u64>,
}

struct Taken {
    id: DeliveryId,
    lane: Option<(&'static str, &'static str)>,
    at: u64,
    steady: bool,
}

#[test]
fn whatever_happens_nothing_is_lost() {
    let given = std::env::var("SIMULATION_SEED").ok().map(|seed| seed.parse::<u64>().unwrap());
    let runs = std::env::var("SIMULATION_RUNS").map_or(12, |runs| runs.parse::<u64>().unwrap());
    let first = given.unwrap_or_else(|| rand::random::<u32>().into());
    for seed in first..first + given.map_or(runs, |_| 1) {
        let run = std::panic::catch_unwind(AssertUnwindSafe(|| simulate(seed)));
        if let Err(panic) = run {
            eprintln!(
                "repeat it with: SIMULATION_SEED={seed} cargo test -p snaphook-delivery --test engine simulation -- --nocapture"
            );
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn a_seed_repeats_itself() {
    let (once, again) = (simulate(7), simulate(7));
    assert!(once.len() > 100);
    assert_eq!(once, again);
}

/// What the destinations saw.
fn simulate(seed: u64) -> Vec<Said> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut run = Run::new(seed);
        for _ in 0..run.rng.random_range(50..200) {
            run.step().await;
        }
        run.settle().await;
        run.check().await;
        run.world().log.story.lock().unwrap().clone()
    })
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let options =
            Options { in_flight: rng.random_range(1..40), drain: Duration::from_secs(5), ..Options::new(seed) };
        let mut world = World::with(options);
        world.rooms.holds_lane.store(rng.random(), Relaxed);
        let moods: Moods = Arc::new(Mutex::new(NAMES.iter().map(|name| (*name, Mood::Well)).collect()));
        let policies = NAMES.iter().map(|name| (*name, rules(name, &mut rng))).collect();
        for name in NAMES {
            configure(&world, name, &policies, &moods, rng.next_u64());
        }
        world.start();
        Self { rng, world: Some(world), moods, policies, accepted: Vec::new(), disturbed: Vec::new() }
    }

    fn world(&self) -> &World {
        self.world.as_ref().unwrap()
    }

    async fn step(&mut self) {
        match self.rng.random_range(0..100) {
            0..50 => self.accept().await,
            50..75 => {
                let mood = match self.rng.random_range(0..8) {
                    0 | 1 => Mood::Well,
                    2 => Mood::Failing,
                    3 => Mood::Flapping,
                    4 => Mood::Slow,
                    5 => Mood::Busy,
                    6 => Mood::Unreachable,
                    _ => Mood::Gone,
                };
                let of = NAMES[self.rng.random_range(1..NAMES.len())];
                self.moods.lock().unwrap().insert(of, mood);
            }
            75..80 => {
                self.disturb();
                self.world = Some(self.world.take().unwrap().crash().await);
            }
            80..83 => {
                self.disturb();
                let world = self.world.as_mut().unwrap();
                world.stop().await;
                world.start();
                self.disturb();
            }
            83..87 => {
                self.disturb();
                let set = self.rng.random_range(-120_000..300_000);
                self.world().set.store(set, Relaxed);
            }
            87..91 => {
                self.disturb();
                self.world().disturbed.failing.store(true, Relaxed);
                seconds(self.rng.random_range(1..20)).await;
                self.world().disturbed.failing.store(false, Relaxed);
                self.disturb();
            }
            91..94 => {
                let of = NAMES[self.rng.random_range(1..NAMES.len())];
                self.world().removes(of);
                seconds(self.rng.random_range(1..20)).await;
                let seed = self.rng.next_u64();
                configure(self.world(), of, &self.policies, &self.moods, seed);
                self.world().engine.wake_all();
            }
            94..96 => self.enable_all().await,
            96..98 => {
                let of = name(NAMES[self.rng.random_range(1..NAMES.len())]);
                self.world().engine.disable(&name("team"), &of, "by hand").await.unwrap();
            }
            _ => seconds(self.rng.random_range(10..120)).await,
        }
        let pause = self.rng.random_range(0..3_000);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }

    fn disturb(&mut self) {
        self.disturbed.push(self.world().since());
    }

    async fn accept(&mut self) {
        for _ in 0..self.rng.random_range(1..6) {
            let many = self.rng.random_range(1..=NAMES.len());
            let from = self.rng.random_range(0..NAMES.len());
            let destinations: Vec<&'static str> = (0..many).map(|index| NAMES[(from + index) % NAMES.len()]).collect();
            let lane = (self.rng.random_range(0..3) == 0).then(|| ["x", "y"][self.rng.random_range(0..2)]);
            let at = self.world().since();
            let ids = self.world().accept(&destinations, lane).await;
            for (id, destination) in ids.into_iter().zip(&destinations) {
                let lane = lane.map(|lane| (*destination, lane));
                self.accepted.push(Taken { id, lane, at, steady: *destination == "steady" && lane.is_none() });
            }
            if self.rng.random_range(0..4) > 0 {
                self.world().tell(&destinations);
            }
        }
    }

    async fn enable_all(&self) {
        for of in NAMES {
            self.world().engine.enable(&name("team"), &name(of)).await.unwrap();
        }
    }

    /// All is well from now on: until nothing waits.
    async fn settle(&mut self) {
        self.disturb();
        self.world().set.store(0, Relaxed);
        self.moods.lock().unwrap().values_mut().for_each(|mood| *mood = Mood::Well);
        // What is under way may still be answered in the old mood.
        seconds(60).await;
        self.enable_all().await;
        for _ in 0..24 * 60 {
            seconds(60).await;
            let all = self.world().all().await;
            // Somebody decides about those that hold their lanes.
            for (delivery, _) in all.iter().filter(|(delivery, _)| delivery.status == Status::Dead) {
                let world = self.world();
                let now = world.clock.now();
                if delivery.lane.is_some()
                    && world.journal.cancel(&name("team"), delivery.id, "by hand", now).await.unwrap()
                {
                    world.tell(&[delivery.destination.as_str()]);
                }
            }
            if all.iter().all(|(delivery, _)| delivery.status != Status::Waiting) {
                return;
            }
        }
        let all = self.world().all().await;
        let waiting: Vec<_> = all.iter().filter(|(delivery, _)| delivery.status == Status::Waiting).collect();
        panic!("after a day {} deliveries still wait, the first: {:#?}", waiting.len(), waiting[0]);
    }

    async fn check(&self) {
        let all: HashMap<DeliveryId, (Delivery, Vec<Attempt>)> =
            self.world().all().await.into_iter().map(|both| (both.0.id, both)).collect();
        let story = self.world().log.story.lock().unwrap().clone();
        assert_eq!(all.len(), self.accepted.len());
        for (delivery, attempts) in all.values() {
            ends_with_a_reason(delivery, attempts, &story);
            // One that is well may have the first attempt that goes there although none was left.
            let most = self.policies[delivery.destination.as_str()].retry.attempts() as usize + NAMES.len();
            assert!(delivery.attempts as usize <= most, "{delivery:#?} {attempts:#?}");
        }
        self.lanes_are_in_order(&all, &story);
        self.nobody_waits_for_others(&story);
        self.no_attempt_is_made_beside_another(&story);
        for (of, policy) in &self.policies {
            let most = self.world().most(of);
            assert!(most <= policy.concurrency as usize, "{most} attempts at a time at `{of}`, {}", policy.concurrency);
        }
    }

    fn lanes_are_in_order(&self, all: &HashMap<DeliveryId, (Delivery, Vec<Attempt>)>, story: &[Said]) {
        let mut took_before: HashMap<(&str, &str), (DeliveryId, usize)> = HashMap::new();
        for taken in &self.accepted {
            let Some(lane) = taken.lane else { continue };
            if all[&taken.id].0.status != Status::Delivered {
                continue;
            }
            let of = |said: &&(usize, &Said)| said.1.delivery == taken.id;
            let began = story.iter().enumerate().find(|said| of(&said)).map(|(index, _)| index).unwrap();
            if let Some((before, took)) = took_before.get(&lane) {
                assert!(*took < began, "{} began before {before} of its lane {lane:?} had arrived", taken.id);
            }
            let took = story.iter().enumerate().find(|said| of(&said) && said.1.took == Some(true));
            took_before.insert(lane, (taken.id, took.unwrap().0));
        }
    }

    /// Except when all have to.
    fn nobody_waits_for_others(&self, story: &[Said]) {
        for taken in self.accepted.iter().filter(|taken| taken.steady) {
            let began = story.iter().find(|said| said.delivery == taken.id).unwrap().at;
            // A look that fails is made again a look later.
            let calm = !self.disturbed.iter().any(|at| (taken.at.saturating_sub(15_000)..=began).contains(at));
            assert!(
                !calm || began - taken.at <= PROMPT_MILLIS,
                "{} was accepted at {} and tried at {began}",
                taken.id,
                taken.at
            );
        }
    }
}

impl Run {
    /// Unless the host crashed meanwhile, or the clock was set so that a lease was over.
    fn no_attempt_is_made_beside_another(&self, story: &[Said]) {
        let mut under_way: HashMap<DeliveryId, u64> = HashMap::new();
        for said in story {
            if said.took.is_some() {
                under_way.remove(&said.delivery);
            } else if let Some(began) = under_way.insert(said.delivery, said.at) {
                let calm = !self.disturbed.iter().any(|at| (began..=said.at).contains(at));
                assert!(!calm, "{} was tried at {began} and at {} besides", said.delivery, said.at);
            }
        }
    }
}

/// At least once, or given up with a reason; and no attempt counts that another had the lease of.
pub(crate) fn ends_with_a_reason(delivery: &Delivery, attempts: &[Attempt], story: &[Said]) {
    let id = delivery.id;
    let took = story.iter().any(|said| said.delivery == id && said.took == Some(true));
    match delivery.status {
        Status::Delivered => assert!(took, "{id} is said to have arrived"),
        Status::Dead | Status::Cancelled => assert!(delivery.reason.is_some(), "{id} has no reason"),
        Status::Waiting => panic!("{id} waits"),
    }
    let delivered = attempts.iter().filter(|attempt| attempt.outcome == Outcome::Delivered).count();
    assert_eq!(delivered, usize::from(delivery.status == Status::Delivered), "{delivery:#?} {attempts:#?}");
    let numbers: Vec<u32> = attempts.iter().map(|attempt| attempt.number).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{id} has attempts {numbers:?}");
    let counted = attempts.iter().filter(|attempt| matches!(attempt.outcome, Outcome::Delivered | Outcome::Failed));
    assert_eq!(counted.count(), delivery.attempts as usize, "{delivery:#?} {attempts:#?}");
    let began = story.iter().filter(|said| said.delivery == id && said.took.is_none()).count();
    assert!(attempts.len() <= began, "{id} has more attempts than were made");
}

fn rules(of: &str, rng: &mut StdRng) -> Policy {
    let delays: Vec<u64> = (0..rng.random_range(0..12)).map(|_| rng.random_range(1..90)).collect();
    if of == "steady" {
        return policy(&delays);
    }
    let breaker = Breaker {
        failures: rng.random_range(1..6),
        pause: Duration::from_secs(rng.random_range(1..60)),
        most: Duration::from_secs(300),
    };
    let rate = Rate { events: rng.random_range(1..20), per: Duration::from_secs(rng.random_range(1..10)) };
    let mut policy = Policy {
        concurrency: rng.random_range(1..20),
        breaker: rng.random::<bool>().then_some(breaker),
        rate: (rng.random_range(0..4) == 0).then_some(rate),
        slow_downs: rng.random_range(0..10),
        ..policy(&delays)
    };
    // Three hops, and sometimes round.
    let next = match of {
        "a" => "b",
        "b" => "c",
        "c" => "d",
        _ => ["a", "b"][rng.random_range(0..2)],
    };
    if rng.random_range(0..3) < if of == "d" { 1 } else { 2 } {
        policy.failover = Some(Failover {
            to: name(next),
            after_attempts: rng.random::<bool>().then(|| rng.random_range(1..5)),
            when_breaker_open: rng.random(),
            on_status: if rng.random() { Statuses::read(&["503".to_owned()]).unwrap() } else { Statuses::none() },
            come_back: if rng.random() { ComeBack::NextAttempt } else { ComeBack::NextDelivery },
        });
    }
    policy
}

fn configure(world: &World, of: &'static str, policies: &BTreeMap<&'static str, Policy>, moods: &Moods, seed: u64) {
    let (moods, mut rng) = (Arc::clone(moods), StdRng::seed_from_u64(seed));
    world.has(of, policies[of].clone(), move |_| {
        let mood = moods.lock().unwrap()[of];
        let quick = Duration::from_millis(rng.random_range(1..500));
        match mood {
            Mood::Well => (quick, status(200)),
            Mood::Failing => (quick, status(500)),
            Mood::Flapping => (quick, status(if rng.random() { 500 } else { 200 })),
            Mood::Slow => (Duration::from_millis(rng.random_range(500..30_000)), status(200)),
            Mood::Busy => (quick, if rng.random() { busy(429, rng.random_range(0..100)) } else { status(503) }),
            Mood::Unreachable => (Duration::from_secs(10), End::Failed { reason: "nobody is there".to_owned() }),
            Mood::Gone => (quick, status(410)),
        }
    });
}
