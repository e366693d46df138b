//! The wiring: builds every part, starts every task, and stops them in order.
//!
//! | task | on error | on stop |
//! |---|---|---|
//! | `gateway` (accepts; a thread and runtime per core serve) | stops the program | accepts no more, finishes what is in flight, within the drain timeout |
//! | `admin` (a thread and runtime of its own) | stops the program | after the gateway, finishes what is in flight |
//! | `deliveries` (a runtime of its own) | logs, goes on | begins no attempt, finishes what is in flight, within the drain timeout |
//! | `index` | logs, goes on | ends after its slice |
//! | `upkeep` | logs, goes on | ends at once |
//! | `epoch` (thread, in `filters`) | – | ends with the engine |

use std::{collections::HashSet, net::SocketAddr, sync::Arc};

use anyhow::{Context, Result, anyhow};
use delivery::{Clock, Connector};
use filters::{Compiler, Engine};
use model::{
    Digest, EventId, Name, Timestamp,
    record::{Record, Wanted},
};
use store::{Journal, embedded, journal::Settled};
use tokio::{
    net::TcpListener,
    sync::{broadcast, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    admin::{self, Admin},
    control::{self, Control, Outbound, Recent},
    gateway::{self, Gateway, Recorder, Reservations},
    house,
    kept::Kept,
    keys, private_file,
    settings::Settings,
    snapshot::{self, Snapshot},
    telemetry, upkeep,
};

/// Runs the host until it is told to stop, or until a part that it cannot do without fails.
pub async fn main(settings: Settings) -> Result<()> {
    telemetry::start(settings.log.format, &settings.log.filter)?;
    let mut signals = Signals::listen()?;
    let mut running = tokio::select! {
        running = start(settings) => running?,
        () = signals.stop() => return Ok(()),
    };
    let failed = tokio::select! {
        () = signals.stop() => None,
        failure = running.failure() => Some(failure),
    };
    tracing::info!("stopping: finishing what is in flight; once more ends at once");
    tokio::select! {
        stopped = running.stop() => stopped?,
        () = signals.stop() => {
            tracing::warn!("told twice: what was in flight is cut off");
            // To return would be to wait for threads that are in the middle of something.
            std::process::exit(i32::from(failed.is_some()));
        }
    }
    failed.map_or(Ok(()), Err)
}

/// A host that runs.
#[derive(Debug)]
pub struct Running {
    /// Where webhooks arrive.
    pub gateway: SocketAddr,
    /// Where the admin API is.
    pub admin: SocketAddr,
    tasks: JoinSet<(&'static str, Result<()>)>,
    say_ready: watch::Sender<bool>,
    stop_gateway: CancellationToken,
    stop_rest: CancellationToken,
}

/// Opens the data folder, builds the snapshot of what is stored, and serves.
pub async fn start(settings: Settings) -> Result<Running> {
    // Fails if there is a provider already, which can only be the same one.
    _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let options = embedded::Options { journal: settings.journal, ..embedded::Options::new(&settings.data) };
    let opened = tokio::task::spawn_blocking(move || embedded::open(&options)).await?;
    let (registry, journal) = opened.map_err(|error| anyhow!("cannot open {}: {error:#}", settings.data.display()))?;
    let journal: Arc<dyn Journal> = Arc::new(journal);
    let compiler = settings.compiler.clone().map(|program| Compiler { program, arguments: vec!["compile".into()] });
    let cache = Some(code_cache(&settings)?);
    let engine = Engine::start(&filters::Settings { cache, compiler, ..settings.filters.clone() })
        .map_err(anyhow::Error::msg)?;
    let limits = settings.gateway.limits.clone();
    let recorder = Arc::new(Recorder::new(limits.records));
    let unauthenticated_life = limits.records.unauthenticated_life;
    let control_settings = control::Settings { buffer_bytes_per_project: limits.buffer_bytes_per_project };
    let part = engine.clone();
    let connector = Connector::new(settings.egress.clone(), &[]).context("cannot set up outbound connections")?;
    let (publisher, current) = snapshot::serve(Snapshot::empty());
    engine.fetch_with(Arc::new(keys::Keys::new(connector.clone())));
    let kv: Arc<dyn filters::Kv> = Arc::new(Kept(Arc::clone(&journal)));
    let reservations: Arc<dyn Reservations> = Arc::new(Settling(Arc::clone(&journal)));
    let deliveries = Arc::new(delivery::Engine::new(
        Arc::clone(&journal),
        Arc::new(house::Served {
            current: current.clone(),
            kv: Arc::clone(&kv),
            reservations: Arc::clone(&reservations),
        }),
        Clock::default(),
        settings.deliveries,
    ));
    let parts = control::Parts {
        registry: Arc::new(registry),
        journal: Arc::clone(&journal),
        engine,
        delivering: Arc::clone(&deliveries),
        outbound: Outbound::new(connector.clone()),
        recent: Arc::new(Remembered(Arc::clone(&recorder))),
        publisher,
        current: current.clone(),
    };
    let control = Arc::new(Control::open(parts, control_settings).await.context("cannot serve what is stored")?);
    let serving = current.clone();
    let gateway = Arc::new(Gateway::new(
        current,
        connector,
        kv,
        reservations,
        Arc::clone(&journal),
        deliveries.waker(),
        recorder,
        limits,
    ));
    // Before anybody can connect: who does looks for it in its file.
    let token = Arc::new(admin::Token::open_or_create(&settings.token_file())?);
    let gateway_listener = bind("gateway.listen", settings.gateway.listen).await?;
    let admin_listener = bind("admin.listen", settings.admin.listen).await?;
    let (gateway_address, admin_address) = (gateway_listener.local_addr()?, admin_listener.local_addr()?);

    let (stop_gateway, stop_rest) = (CancellationToken::new(), CancellationToken::new());
    let mut tasks = JoinSet::new();
    let (stop, served_by) = (stop_gateway.clone(), Arc::clone(&gateway));
    tasks.spawn(async move {
        let served = gateway::serve(gateway_listener, served_by, stop, move || part.take_part()).await;
        ("gateway", served.map_err(Into::into))
    });
    let (say_ready, ready) = watch::channel(true);
    let admin = Admin {
        control: Arc::clone(&control),
        token,
        ready,
        listen: admin_address,
        names: settings.admin.names.clone(),
        gateway: gateway_address,
        metrics: Arc::new(telemetry::metrics::registry(Arc::clone(&gateway), Arc::clone(&deliveries))),
    };
    let admin_listener = admin_listener.into_std()?;
    tasks.spawn(on_own_runtime("admin", stop_rest.clone(), move |stop| async move {
        admin::serve(TcpListener::from_std(admin_listener)?, admin, stop).await
    }));
    let stop = stop_rest.clone();
    tasks.spawn(on_own_runtime("deliveries", stop, move |stop| async move {
        deliveries.run(stop).await;
        Ok(())
    }));
    let (stop, indexed, searched) = (stop_rest.clone(), Arc::clone(&journal), serving.clone());
    tasks.spawn(async move {
        upkeep::index(indexed, searched, stop).await;
        ("index", Ok(()))
    });
    let stop = stop_rest.clone();
    tasks.spawn(async move {
        upkeep::run(journal, serving, unauthenticated_life, stop).await;
        ("upkeep", Ok(()))
    });
    tracing::info!(gateway = %gateway_address, admin = %admin_address, data = %settings.data.display(), "serving");
    Ok(Running { gateway: gateway_address, admin: admin_address, tasks, say_ready, stop_gateway, stop_rest })
}

impl Running {
    /// Waits until a task ends though nobody told it to.
    pub async fn failure(&mut self) -> anyhow::Error {
        match self.tasks.join_next().await {
            Some(Ok((task, Err(error)))) => error.context(format!("{task} failed")),
            Some(Ok((task, Ok(())))) => anyhow!("{task} ended by itself"),
            Some(Err(error)) => anyhow!(error).context("a task failed"),
            None => anyhow!("nothing runs any more"),
        }
    }

    /// The gateway first, with the admin API still answering; then the rest. What was acknowledged is on disk.
    pub async fn stop(mut self) -> Result<()> {
        self.say_ready.send_replace(false);
        self.stop_gateway.cancel();
        let mut first = Ok(());
        while let Some(ended) = self.tasks.join_next().await {
            let (task, result) = ended.context("a task failed")?;
            if task == "gateway" {
                self.stop_rest.cancel();
            }
            first = first.and(result.with_context(|| format!("{task} failed")));
        }
        first
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop_gateway.cancel();
        self.stop_rest.cancel();
    }
}

/// The key that tells code that this host compiled from any other; made at first start.
fn code_cache(settings: &Settings) -> Result<filters::Cached> {
    let key = private_file::open_or_create(&settings.data.join("code.key"), || rand::random::<[u8; 32]>().to_vec())?;
    let key = key.try_into().map_err(|_| anyhow!("code.key in {} is damaged: remove it", settings.data.display()))?;
    Ok(filters::Cached { folder: settings.data.join("code"), key, bytes_most: settings.code_bytes })
}

async fn bind(setting: &str, address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("cannot listen on {address}: set `{setting}` to an address that is free"))
}

/// A busy data plane must not make others wait, such as the admin API's health checks: they have threads to themselves.
async fn on_own_runtime<F: Future<Output = Result<()>>>(
    name: &'static str,
    stop: CancellationToken,
    work: impl FnOnce(CancellationToken) -> F + Send + 'static,
) -> (&'static str, Result<()>) {
    let served = tokio::task::spawn_blocking(move || -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(name)
            .enable_all()
            .build()
            .with_context(|| format!("cannot start the runtime of `{name}`"))?;
        runtime.block_on(work(stop))
    });
    (name, served.await.unwrap_or_else(|error| Err(error.into())))
}

/// The same number on Linux, the BSDs and macOS.
#[cfg(unix)]
const SIGXFSZ: i32 = 25;

/// How the program is told to stop. What comes from the moment that this is made is heard.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    /// Taken, so that a file that may not grow any more is an error like a full disk, and not the end.
    #[cfg(unix)]
    _file_too_large: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn listen() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            _file_too_large: signal(SignalKind::from_raw(SIGXFSZ))?,
        })
    }

    #[cfg(unix)]
    async fn stop(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    fn listen() -> Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn stop(&mut self) {
        // An error only says that nobody can tell it.
        _ = tokio::signal::ctrl_c().await;
    }
}

/// Decides reservations in the journal.
struct Settling(Arc<dyn Journal>);

impl Reservations for Settling {
    fn settle(&self, event: EventId, accepted: bool) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        let journal = Arc::clone(&self.0);
        Box::pin(async move {
            let settled = if accepted { Settled::Commit } else { Settled::Release };
            if let Err(error) = journal.settle(event, settled).await {
                tracing::error!(%event, error = &error as &dyn std::error::Error, "reservations could not be decided");
            }
        })
    }
}

/// The newest events are those that the recorder remembers.
#[derive(Debug)]
struct Remembered(Arc<Recorder>);

impl Recent for Remembered {
    fn latest(&self, wanted: &Wanted) -> Vec<Record> {
        self.0.latest(wanted, Timestamp::now())
    }

    fn find(&self, project: &Name, event: EventId) -> Option<Record> {
        self.0.find(project, event, Timestamp::now())
    }

    fn refers_to_module(&self, digest: &Digest) -> bool {
        self.0.refers_to_module(digest)
    }

    fn configurations(&self, project: &Name) -> HashSet<Digest> {
        self.0.configurations(project)
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<Record>> {
        self.0.subscribe()
    }
}
