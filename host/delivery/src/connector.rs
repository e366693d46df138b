//! The one way out: every connection that Snaphook makes is made here.

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName},
};
use tokio::{
    net::TcpStream,
    sync::Semaphore,
    time::{Instant, timeout_at},
};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use crate::{
    egress::{self, Allow, Denied},
    observe,
    stream::Stream,
};

mod laps;
mod tls;

pub use laps::{Laps, metered};
pub(crate) use laps::{micros, running as running_laps};
pub(crate) use tls::Parts as TlsParts;
pub use tls::Tls;

/// How long connecting may take where nobody set another limit.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How many host names are resolved at a time, because each waits in a thread of its own; others queue, within their
/// limit of time.
pub const RESOLUTIONS_MAX: usize = 64;

tokio::task_local! {
    static LIMIT: Duration;
}

/// Runs `work` so that every connection which it opens must be ready within `limit`: resolved, connected, TLS agreed.
///
/// A pool asks for connections by URL alone, so the limit comes to the connector around it, by the task.
pub async fn within<F: Future>(limit: Duration, work: F) -> F::Output {
    LIMIT.scope(limit, work).await
}

/// Why there is no connection. The text is for the log; a sender must not learn it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("cannot resolve `{host}`; check the name and the name servers")]
    Resolve { host: String, source: io::Error },
    #[error("cannot connect to `{host}` port {port}")]
    Connect { host: String, port: u16, source: io::Error },
    #[error("no connection to `{host}` port {port} within {limit:?}")]
    Timeout { host: String, port: u16, limit: Duration },
    #[error("no TLS with `{host}` port {port}; check its certificate and the trusted roots")]
    Tls { host: String, port: u16, source: io::Error },
    #[error("`{0}` cannot be connected to; write it as `http://HOST` or `https://HOST`")]
    Url(Uri),
}

/// Opens connections: resolves the name, drops every address that `egress` denies, connects to one of the others
/// without resolving again, and agrees on TLS for `https`. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Connector {
    parts: Arc<Parts>,
    tls: Arc<ClientConfig>,
}

#[derive(Debug)]
struct Parts {
    allow: Allow,
    /// What a destination trusts that says nothing else.
    roots: RootCertStore,
    resolutions: Arc<Semaphore>,
}

impl Connector {
    /// Trusts the machine's root certificates, which it reads from disk, and `extra_roots`. Fails on a faulty one of
    /// the extra; faulty or missing ones of the machine are logged, for a gateway without `https` needs none.
    pub fn new(allow: Allow, extra_roots: &[CertificateDer<'_>]) -> Result<Self, rustls::Error> {
        let mut roots = RootCertStore::empty();
        let native = rustls_native_certs::load_native_certs();
        let (_, ignored) = roots.add_parsable_certificates(native.certs);
        for root in extra_roots {
            roots.add(root.clone().into_owned())?;
        }
        observe::roots_read(roots.len(), ignored, &native.errors);
        let tls = tls::config(roots.clone(), None)?;
        let resolutions = Arc::new(Semaphore::new(RESOLUTIONS_MAX));
        Ok(Self { parts: Arc::new(Parts { allow, roots, resolutions }), tls: Arc::new(tls) })
    }

    /// The same way out, for one destination that agrees on TLS by rules of its own.
    #[must_use]
    pub fn trusting(&self, tls: &Tls) -> Self {
        Self { parts: Arc::clone(&self.parts), tls: tls.config() }
    }

    /// A TCP connection, for destinations that do not speak HTTP.
    pub async fn connect(&self, host: &str, port: u16, limit: Duration) -> Result<TcpStream, Error> {
        self.connect_until(host, port, limit, Instant::now() + limit, &laps::running()).await
    }

    async fn connect_until(
        &self,
        host: &str,
        port: u16,
        limit: Duration,
        end: Instant,
        laps: &Laps,
    ) -> Result<TcpStream, Error> {
        let timeout = || Error::Timeout { host: host.to_owned(), port, limit };
        let resolving = timeout_at(end, self.resolve(host, port));
        let resolved = laps.lap(Laps::resolve, resolving).await.map_err(|_| timeout())?;
        let resolved = resolved.map_err(|source| Error::Resolve { host: host.to_owned(), source })?;
        let addresses = self.permitted(resolved, host)?;
        match laps.lap(Laps::connect, first_connected(&addresses, end)).await {
            Ok(tcp) => {
                observe::connected(host, tcp.peer_addr().ok());
                Ok(tcp)
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(timeout()),
            Err(source) => Err(Error::Connect { host: host.to_owned(), port, source }),
        }
    }

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let permit = Arc::clone(&self.parts.resolutions).acquire_owned().await.expect("the semaphore is never closed");
        let name = host.to_owned();
        // The system's resolver cannot be cancelled, so the permit stays with it even if nobody waits any more.
        let resolving = tokio::task::spawn_blocking(move || {
            let addresses = (name, port).to_socket_addrs().map(Iterator::collect);
            drop(permit);
            addresses
        });
        resolving.await.map_err(io::Error::other)?
    }

    /// The addresses that may be called; if there is none, why.
    fn permitted(&self, resolved: Vec<SocketAddr>, host: &str) -> Result<Vec<SocketAddr>, Error> {
        let mut permitted = resolved;
        let mut first_denied = None;
        permitted.retain(|address| match egress::check(address.ip(), address.port(), host, &self.parts.allow) {
            Ok(()) => true,
            Err(denied) => {
                observe::denied(&denied);
                first_denied.get_or_insert(denied);
                false
            }
        });
        match first_denied {
            Some(denied) if permitted.is_empty() => Err(denied.into()),
            _ => Ok(permitted),
        }
    }

    pub(crate) async fn open(self, url: Uri, limit: Duration, laps: Arc<Laps>) -> Result<Stream, Error> {
        let end = Instant::now() + limit;
        let secure = match url.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(Error::Url(url)),
        };
        let Some(host) = url.host() else { return Err(Error::Url(url)) };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = url.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let tcp = self.connect_until(host, port, limit, end, &laps).await?;
        if !secure {
            return Ok(Stream::Plain(TokioIo::new(tcp)));
        }
        let failed = |source| Error::Tls { host: host.to_owned(), port, source };
        let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(io::Error::other(error)))?;
        let agreeing = timeout_at(end, TlsConnector::from(Arc::clone(&self.tls)).connect(name, tcp));
        match laps.lap(Laps::tls, agreeing).await {
            Ok(Ok(tls)) => Ok(Stream::Tls(Box::new(TokioIo::new(tls)))),
            Ok(Err(source)) => Err(failed(source)),
            Err(_) => Err(Error::Timeout { host: host.to_owned(), port, limit }),
        }
    }
}

/// Tries the addresses in the resolver's order. Each has its even share of the time that is left, so that one that
/// never answers does not use up the time of the next.
async fn first_connected(addresses: &[SocketAddr], end: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for (index, address) in addresses.iter().enumerate() {
        let now = Instant::now();
        let left = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        let share = now + end.saturating_duration_since(now) / left;
        last = match timeout_at(share, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => {
                tcp.set_nodelay(true)?;
                return Ok(tcp);
            }
            Ok(Err(error)) => error,
            Err(_) => io::ErrorKind::TimedOut.into(),
        };
        observe::address_failed(*address, &last);
    }
    Err(last)
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        // Read now, in the task of the one who waits: a pool may finish connecting in a task of its own.
        let limit = LIMIT.try_with(|limit| *limit).unwrap_or(CONNECT_TIMEOUT);
        Box::pin(self.clone().open(url, limit, laps::running()))
    }
}
