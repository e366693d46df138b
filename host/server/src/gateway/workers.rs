//! The threads that serve connections, each with a runtime of its own: a connection stays on the thread that it was given
//! to, with the connections to destinations that it uses, so that nothing is handed from one core to another.

use std::{
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use delivery::destinations::http::Client;
use tokio::{
    net::TcpStream,
    runtime,
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    task::{JoinError, JoinSet},
    time::{Instant, Interval, MissedTickBehavior, interval, sleep_until},
};

use super::{
    Gateway,
    connection::{Protocols, protocols, serve},
    deadline::{Clock, TICK},
    observe,
};

/// What each thread does first.
pub(super) type Begins = dyn Fn() + Send + Sync;

/// All of them.
#[derive(Debug)]
pub(super) struct Workers(Vec<Worker>);

#[derive(Debug)]
struct Worker {
    give: mpsc::UnboundedSender<Given>,
    /// Connections that it serves.
    open: Arc<AtomicUsize>,
    /// Tells how many connections it gave up at its end; closed if it panicked.
    ended: oneshot::Receiver<usize>,
}

/// A connection on its way to a worker.
#[derive(Debug)]
struct Given {
    tcp: std::net::TcpStream,
    address: SocketAddr,
    place: Place,
}

/// What a connection takes up as long as it is served.
#[derive(Debug)]
struct Place {
    _permit: OwnedSemaphorePermit,
    open: Arc<AtomicUsize>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Relaxed);
    }
}

impl Workers {
    /// Each thread calls `begins` before it serves, one after another.
    pub(super) fn start(gateway: &Arc<Gateway>, begins: &Arc<Begins>) -> io::Result<Self> {
        (0..gateway.settings.threads)
            .map(|index| Worker::start(index, Arc::clone(gateway), Arc::clone(begins)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// To the one that serves the fewest.
    pub(super) fn give(&self, tcp: TcpStream, address: SocketAddr, permit: OwnedSemaphorePermit) -> io::Result<()> {
        let worker = self.0.iter().min_by_key(|worker| worker.open.load(Relaxed)).expect("there is at least one");
        worker.open.fetch_add(1, Relaxed);
        let place = Place { _permit: permit, open: Arc::clone(&worker.open) };
        let given = Given { tcp: tcp.into_std()?, address, place };
        worker.give.send(given).map_err(|_| io::Error::other("a thread of the gateway ended by a fault"))
    }

    /// Lets every connection come to its end; returns when all have, or the time for it is over.
    pub(super) async fn stop(self) -> io::Result<()> {
        observe::draining(self.0.iter().map(|worker| worker.open.load(Relaxed)).sum());
        let (give, ended): (Vec<_>, Vec<_>) = self.0.into_iter().map(|worker| (worker.give, worker.ended)).unzip();
        drop(give);
        let mut given_up = 0;
        for ended in ended {
            given_up += ended.await.map_err(|_| io::Error::other("a thread of the gateway ended by a fault"))?;
        }
        observe::drained(given_up);
        Ok(())
    }
}

impl Worker {
    fn start(index: usize, gateway: Arc<Gateway>, begins: Arc<Begins>) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (begun, wait) = std::sync::mpsc::channel();
        let (give, given) = mpsc::unbounded_channel();
        let (tell, ended) = oneshot::channel();
        let work = move || {
            begins();
            // Whoever waits is there until it is told.
            _ = begun.send(());
            let given_up = runtime.block_on(work(given, gateway));
            // Nobody listens if the gateway was given up itself.
            _ = tell.send(given_up);
        };
        thread::Builder::new().name(format!("gateway-{index}")).spawn(work)?;
        wait.recv().map_err(|_| io::Error::other("a thread of the gateway ended by a fault"))?;
        Ok(Self { give, open: Arc::default(), ended })
    }
}

/// Serves what it is given until nothing more can come; returns how many connections had to be given up.
async fn work(mut given: mpsc::UnboundedReceiver<Given>, gateway: Arc<Gateway>) -> usize {
    let clock = Arc::new(Clock::default());
    let protocols = Arc::new(protocols(&gateway.settings, &clock));
    let client = gateway.client();
    let mut connections = JoinSet::new();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => clock.tick(),
            Some(ended) = connections.join_next() => reap(ended),
            next = given.recv() => match next {
                Some(next) => {
                    let (protocols, clock) = (Arc::clone(&protocols), Arc::clone(&clock));
                    connections.spawn(next.serve(protocols, Arc::clone(&gateway), Arc::clone(&client), clock));
                }
                None => break,
            },
        }
    }
    drain(connections, &clock, ticks, gateway.settings.drain).await
}

impl Given {
    async fn serve(
        self,
        protocols: Arc<Protocols>,
        gateway: Arc<Gateway>,
        client: Arc<Client<super::intake::Streamed>>,
        clock: Arc<Clock>,
    ) {
        let Self { tcp, address, place } = self;
        match TcpStream::from_std(tcp) {
            Ok(tcp) => serve(protocols, gateway, client, clock, tcp, address).await,
            Err(error) => observe::accept_failed(&error),
        }
        drop(place);
    }
}

async fn drain(mut connections: JoinSet<()>, clock: &Clock, mut ticks: Interval, time: Duration) -> usize {
    clock.stop();
    let mut end = pin!(sleep_until(Instant::now() + time));
    loop {
        tokio::select! {
            () = &mut end => break,
            _ = ticks.tick() => clock.tick(),
            ended = connections.join_next() => match ended {
                Some(ended) => reap(ended),
                None => break,
            },
        }
    }
    let given_up = connections.len();
    connections.shutdown().await;
    given_up
}

fn reap(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        observe::connection_panicked(&error);
    }
}
