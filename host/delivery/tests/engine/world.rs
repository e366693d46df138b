//! A house with destinations that do what a test says, on a clock that stands still unless it is waited for.

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use delivery::{
    Clock, Destination, Engine, House, Preparation, Ready,
    destinations::{Asks, End, Message, Sent, Wait},
    engine::Options,
};
use http::Method;
use model::{
    Delivery, DeliveryId, Event, EventId, Name, Scheme, Timestamp,
    delivery::{AnswerSeen, Attempt, Status, Timings},
    destination::Policy,
    record::{Disposition, Record},
};
use store::{
    Journal,
    journal::{Accept, NewDelivery, NewEvent, Stored},
};
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::journal::{Disturbed, Watched};

/// When every test begins, milliseconds.
pub(crate) const BEGIN: u64 = 1_790_000_000_000;

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// What a destination does with a message: so long, then this.
pub(crate) type Script = dyn FnMut(&Said) -> (Duration, End) + Send;

/// A message as a destination got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) delivery: DeliveryId,
    pub(crate) target: Name,
    pub(crate) body: Bytes,
    /// Milliseconds since the begin.
    pub(crate) at: u64,
    /// Whether the destination answered that it has it; none at the begin of an attempt.
    pub(crate) took: Option<bool>,
}

/// Everything that destinations saw, in order.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) began: Mutex<Vec<Said>>,
    pub(crate) ended: Mutex<Vec<Said>>,
    /// Both.
    pub(crate) story: Mutex<Vec<Said>>,
    pub(crate) now: Mutex<HashMap<Name, usize>>,
    pub(crate) most: Mutex<HashMap<Name, usize>>,
}

struct Scripted {
    script: Mutex<Box<Script>>,
    log: Arc<Log>,
    disturbed: Arc<Disturbed>,
    begun: Instant,
}

impl fmt::Debug for Scripted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Scripted")
    }
}

impl Scripted {
    fn since(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap()
    }
}

/// Counts an attempt for as long as it lasts, also if it is cut off.
struct Counted<'a>(&'a Log, Name);

impl<'a> Counted<'a> {
    fn new(log: &'a Log, target: &Name) -> Self {
        let mut now = log.now.lock().unwrap();
        let now = now.entry(target.clone()).or_default();
        *now += 1;
        let mut most = log.most.lock().unwrap();
        let most = most.entry(target.clone()).or_default();
        *most = (*most).max(*now);
        Self(log, target.clone())
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        *self.0.now.lock().unwrap().get_mut(&self.1).unwrap() -= 1;
    }
}

#[async_trait]
impl Destination for Scripted {
    async fn send(&self, message: Message<'_>) -> Sent {
        let mut said = Said {
            delivery: message.delivery.id,
            target: message.delivery.target.clone(),
            body: message.event.body.clone().unwrap_or_default(),
            at: self.since(),
            took: None,
        };
        let _counted = Counted::new(&self.log, &said.target);
        self.disturbed.moment().await;
        self.log.began.lock().unwrap().push(said.clone());
        self.log.story.lock().unwrap().push(said.clone());
        let (time, end) = (self.script.lock().unwrap_or_else(PoisonError::into_inner))(&said);
        tokio::time::sleep(time).await;
        said.at = self.since();
        said.took = Some(matches!(&end, End::Answered { answer, .. } if answer.status == 200));
        self.log.story.lock().unwrap().push(said.clone());
        self.log.ended.lock().unwrap().push(said);
        self.disturbed.moment().await;
        Sent { timings: Timings::default(), end }
    }

    fn longest(&self) -> Duration {
        Duration::from_secs(30)
    }
}

pub(crate) fn status(status: u16) -> End {
    let answer = AnswerSeen { status, headers: Vec::new(), body: String::new(), truncated: false };
    End::Answered { answer, asks: Asks::default() }
}

pub(crate) fn busy(status: u16, seconds: u64) -> End {
    let answer = AnswerSeen { status, headers: Vec::new(), body: String::new(), truncated: false };
    End::Answered { answer, asks: Asks { wait: Some(Wait::For(Duration::from_secs(seconds))), ..Asks::default() } }
}

/// What filters do.
pub(crate) type Prepare = dyn Fn(&Stored, &Delivery) -> Preparation + Send + Sync;

pub(crate) struct Rooms {
    destinations: Mutex<HashMap<Name, Arc<Ready>>>,
    pub(crate) prepare: Mutex<Option<Box<Prepare>>>,
    pub(crate) prepared: AtomicU64,
    pub(crate) holds_lane: std::sync::atomic::AtomicBool,
}

impl fmt::Debug for Rooms {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Rooms")
    }
}

#[async_trait]
impl House for Rooms {
    fn destination(&self, _: &Name, name: &Name) -> Option<Arc<Ready>> {
        self.destinations.lock().unwrap().get(name).cloned()
    }

    async fn prepare(&self, stored: &Stored, delivery: &Delivery) -> Preparation {
        self.prepared.fetch_add(1, Relaxed);
        let prepare = self.prepare.lock().unwrap();
        prepare.as_ref().map_or(Preparation::Unchanged, |prepare| prepare(stored, delivery))
    }

    fn holds_lane(&self, _: &Delivery) -> bool {
        self.holds_lane.load(Relaxed)
    }
}

pub(crate) struct World {
    pub(crate) journal: Arc<Watched>,
    pub(crate) disturbed: Arc<Disturbed>,
    folder: tempfile::TempDir,
    pub(crate) rooms: Arc<Rooms>,
    pub(crate) log: Arc<Log>,
    pub(crate) clock: Clock,
    begun: Instant,
    /// How far the clock was set from what it should be, milliseconds.
    pub(crate) set: Arc<AtomicI64>,
    pub(crate) options: Options,
    pub(crate) engine: Arc<Engine>,
    stop: CancellationToken,
    running: Option<JoinHandle<()>>,
    next_id: AtomicU64,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Options::new(7))
    }

    pub(crate) fn with(options: Options) -> Self {
        let (begun, set) = (Instant::now(), Arc::new(AtomicI64::new(0)));
        let told = Arc::clone(&set);
        let clock = Clock::new(move || {
            let millis = BEGIN + u64::try_from(begun.elapsed().as_millis()).unwrap();
            Timestamp::from_millis(millis.saturating_add_signed(told.load(Relaxed)))
        });
        let (folder, disturbed) = (tempfile::tempdir().unwrap(), Arc::default());
        let journal = Watched::open(folder.path(), &disturbed);
        let rooms = Arc::new(Rooms {
            destinations: Mutex::default(),
            prepare: Mutex::default(),
            prepared: AtomicU64::new(0),
            holds_lane: false.into(),
        });
        let engine = engine(&journal, &rooms, &clock, options);
        Self {
            journal,
            disturbed,
            folder,
            rooms,
            log: Arc::default(),
            clock,
            begun,
            set,
            options,
            engine,
            stop: CancellationToken::new(),
            running: None,
            next_id: AtomicU64::new(1),
        }
    }

    pub(crate) fn has(
        &self,
        destination: &str,
        policy: Policy,
        script: impl FnMut(&Said) -> (Duration, End) + Send + 'static,
    ) {
        let (log, disturbed) = (Arc::clone(&self.log), Arc::clone(&self.disturbed));
        let scripted = Scripted { script: Mutex::new(Box::new(script)), log, disturbed, begun: self.begun };
        self.is(destination, Ready { policy, destination: Box::new(scripted) });
    }

    pub(crate) fn is(&self, destination: &str, ready: Ready) {
        self.rooms.destinations.lock().unwrap().insert(name(destination), Arc::new(ready));
    }

    pub(crate) fn removes(&self, destination: &str) {
        self.rooms.destinations.lock().unwrap().remove(&name(destination));
    }

    pub(crate) fn start(&mut self) {
        let (engine, stop) = (Arc::clone(&self.engine), self.stop.clone());
        self.running = Some(tokio::spawn(async move { engine.run(stop).await }));
    }

    pub(crate) async fn stop(&mut self) {
        self.stop.cancel();
        self.running.take().unwrap().await.unwrap();
        self.stop = CancellationToken::new();
    }

    /// The host is gone from one moment to the next, and another one begins.
    pub(crate) async fn crash(self) -> Self {
        let Self {
            journal,
            disturbed,
            folder,
            rooms,
            log,
            clock,
            begun,
            set,
            options,
            engine: old,
            running,
            next_id,
            ..
        } = self;
        let running = running.unwrap();
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        drop(old);
        // Its tasks go with it as soon as the runtime comes to it.
        while Arc::strong_count(&journal) > 1 {
            tokio::task::yield_now().await;
        }
        drop(journal);
        let journal = Watched::open(folder.path(), &disturbed);
        let engine = engine(&journal, &rooms, &clock, options);
        let stop = CancellationToken::new();
        let mut world = Self {
            journal,
            disturbed,
            folder,
            rooms,
            log,
            clock,
            begun,
            set,
            options,
            engine,
            stop,
            running: None,
            next_id,
        };
        world.start();
        world
    }

    /// Accepts an event with one delivery for each of them, without telling the engine.
    pub(crate) async fn accept(&self, destinations: &[&str], lane: Option<&str>) -> Vec<DeliveryId> {
        let body = Bytes::from(self.next_id.load(Relaxed).to_string());
        self.accept_body(destinations, lane, body).await
    }

    pub(crate) async fn accept_body(&self, destinations: &[&str], lane: Option<&str>, body: Bytes) -> Vec<DeliveryId> {
        let number = self.next_id.fetch_add(1, Relaxed);
        let now = self.clock.now();
        let received = event(EventId::new(now, number.into()), now, body);
        let deliveries: Vec<NewDelivery> = destinations
            .iter()
            .enumerate()
            .map(|(index, destination)| NewDelivery {
                id: DeliveryId::new(Timestamp::from_millis(BEGIN), u128::from(number) << 8 | index as u128),
                destination: name(destination),
                due: now,
                lane: lane.map(str::to_owned),
                replay: false,
            })
            .collect();
        let ids = deliveries.iter().map(|delivery| delivery.id).collect();
        let record = record(&received);
        let event = NewEvent { made: received.clone(), received, record, authenticated: true };
        self.journal.accept(Accept { event, deliveries, idempotency: None, reserved: false }).await.unwrap();
        ids
    }

    /// Accepts and tells.
    pub(crate) async fn take(&self, destinations: &[&str]) -> Vec<DeliveryId> {
        let ids = self.accept(destinations, None).await;
        self.tell(destinations);
        ids
    }

    pub(crate) fn tell(&self, destinations: &[&str]) {
        for destination in destinations {
            self.engine.waker().wake(&name("team"), &name(destination), self.clock.now());
        }
    }

    pub(crate) async fn all(&self) -> Vec<(Delivery, Vec<Attempt>)> {
        self.journal.all(&name("team")).await
    }

    pub(crate) async fn delivery(&self, id: DeliveryId) -> (Delivery, Vec<Attempt>) {
        self.journal.delivery(&name("team"), id).await.unwrap().unwrap()
    }

    pub(crate) async fn statuses(&self) -> Vec<Status> {
        self.all().await.into_iter().map(|(delivery, _)| delivery.status).collect()
    }

    /// How many are in this status.
    pub(crate) async fn count(&self, status: Status) -> usize {
        self.statuses().await.into_iter().filter(|found| *found == status).count()
    }

    /// Milliseconds since the begin, whatever the clock was set to.
    pub(crate) fn since(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap()
    }

    /// When attempts at a destination began, seconds since the begin.
    pub(crate) fn began(&self, destination: &str) -> Vec<u64> {
        let began = self.log.began.lock().unwrap();
        began.iter().filter(|said| said.target == name(destination)).map(|said| said.at / 1_000).collect()
    }

    pub(crate) fn most(&self, destination: &str) -> usize {
        self.log.most.lock().unwrap().get(&name(destination)).copied().unwrap_or(0)
    }
}

fn engine(journal: &Arc<Watched>, rooms: &Arc<Rooms>, clock: &Clock, options: Options) -> Arc<Engine> {
    let (journal, rooms) = (Arc::clone(journal) as Arc<dyn Journal>, Arc::clone(rooms) as Arc<dyn House>);
    Arc::new(Engine::new(journal, rooms, clock.clone(), options))
}

pub(crate) async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

pub(crate) fn event(id: EventId, received: Timestamp, body: Bytes) -> Event {
    Event {
        id,
        project: name("team"),
        route: name("hooks"),
        received,
        source: IpAddr::from([127, 0, 0, 1]),
        scheme: Scheme::Https,
        method: Method::POST,
        authority: "hooks.example.com".to_owned(),
        path: "/".to_owned(),
        query: None,
        headers: Arc::default(),
        body: Some(body),
        replay: false,
        attributes: Vec::new(),
    }
}

fn record(event: &Event) -> Record {
    Record {
        id: event.id.to_string(),
        project: event.project.to_string(),
        route: event.route.to_string(),
        received: event.received.as_millis(),
        source: event.source.to_string(),
        method: event.method.to_string(),
        path: event.path.clone(),
        revision: 1,
        disposition: Disposition::Accepted,
        status: 202,
        reason: None,
        destination: None,
        labels: Vec::new(),
        idempotency_key: None,
        order_key: None,
        duration_us: 0,
        destination_us: None,
        body_bytes: None,
        filters: Vec::new(),
        capture: None,
    }
}
