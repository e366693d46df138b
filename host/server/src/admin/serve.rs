//! The API's listener.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Admin, Shared, guard, observe};

/// Connections open at the same time; more wait to be accepted.
const CONNECTIONS_MOST: usize = 256;
/// Until a request's head has arrived, and how long a connection may be idle.
const HEAD_MOST: Duration = Duration::from_secs(30);
/// Bytes of a request's head.
const HEAD_BYTES_MOST: usize = 64 << 10;
/// What open requests get to end when the API is stopped.
const DRAIN_MOST: Duration = Duration::from_secs(10);
/// After a connection could not be accepted, for want of file descriptors most likely.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers until it is told to stop; then ends what is open, and returns. An error means that it could not begin.
pub async fn serve(listener: TcpListener, mut admin: Admin, stop: CancellationToken) -> Result<()> {
    admin.listen = listener.local_addr().context("the admin API's listener has no address")?;
    observe::listening(admin.listen);
    let service = TowerToHyperService::new(guard::router(Shared::new(admin, stop.clone())));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_MOST).max_buf_size(HEAD_BYTES_MOST);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MOST));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    while let Some(place) = stop.run_until_cancelled(Arc::clone(&places).acquire_owned()).await {
        let socket = match stop.run_until_cancelled(listener.accept()).await {
            Some(Ok((socket, _))) => socket,
            Some(Err(error)) => {
                observe::not_accepted(&error);
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            None => break,
        };
        let connection = graceful.watch(http.serve_connection(TokioIo::new(socket), service.clone()));
        connections.spawn(async move {
            // How a connection ends is its client's affair.
            _ = connection.await;
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_MOST, graceful.shutdown()).await.is_err() {
        observe::cut_off(connections.len());
    }
    Ok(())
}
