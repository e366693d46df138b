//! Accepts connections and hands each to a thread that serves it, until told to stop; then lets them come to their end.

use std::{io, sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::Semaphore, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    Gateway, observe,
    workers::{Begins, Workers},
};

/// How long nothing is accepted after the system had no room for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves HTTP/1.1 and, for senders that begin with its preface, cleartext HTTP/2. Once `stop` is cancelled nothing more
/// is accepted, requests in flight have the settings' time to end, and what has not ended then is cut off. Fails if a
/// thread cannot be started or ends by a fault. Each thread that serves calls `begins` first, one after another.
pub async fn serve(
    listener: TcpListener,
    gateway: Arc<Gateway>,
    stop: CancellationToken,
    begins: impl Fn() + Send + Sync + 'static,
) -> io::Result<()> {
    let begins: Arc<Begins> = Arc::new(begins);
    let workers = Workers::start(&gateway, &begins)?;
    let room = Arc::new(Semaphore::new(gateway.settings.connections_most));
    if let Ok(address) = listener.local_addr() {
        observe::listening(address);
    }
    loop {
        let next = async {
            let permit = Arc::clone(&room).acquire_owned().await.expect("never closed");
            (listener.accept().await, permit)
        };
        let Some((accepted, permit)) = stop.run_until_cancelled(next).await else { break };
        match accepted {
            Ok((tcp, address)) => workers.give(tcp, address, permit)?,
            Err(error) => pause(&error).await,
        }
    }
    // New connections are refused from here on, and not left to wait.
    drop(listener);
    workers.stop().await
}

async fn pause(error: &io::Error) {
    // A connection that was given up before it was accepted says nothing about the next one.
    let of_one = matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset);
    if !of_one {
        observe::accept_failed(error);
        sleep(ACCEPT_PAUSE).await;
    }
}
