//! Where events go that have nowhere else to go: a destination that answers, and remembers what it got for a while.

use std::{collections::VecDeque, convert::Infallible, net::SocketAddr};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use model::event_file::Parts;
use tokio::{net::TcpListener, sync::mpsc, task::JoinSet};

use crate::cli::failure::Failure;

/// Bytes of a body.
const BODY_BYTES_MOST: usize = 64 << 20;
/// Requests that are remembered until their events are told.
const REMEMBERED_MOST: usize = 64;
/// By this the host names an event to its destination.
const REQUEST_ID: &str = "x-request-id";

#[derive(Debug)]
pub(super) struct Inbox {
    pub(super) address: SocketAddr,
    arrived: mpsc::Receiver<Parts>,
    remembered: VecDeque<Parts>,
    /// Ends with this.
    _serving: JoinSet<()>,
}

impl Inbox {
    pub(super) async fn listen() -> Result<Self, Failure> {
        let cannot = |error: std::io::Error| Failure::failed(format!("cannot listen for what is forwarded: {error}"));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let (tell, arrived) = mpsc::channel(REMEMBERED_MOST);
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, tell));
        Ok(Self { address, arrived, remembered: VecDeque::new(), _serving: serving })
    }

    /// Remembers what arrives; never returns.
    pub(super) async fn take_forever(&mut self) {
        while let Some(parts) = self.arrived.recv().await {
            self.remember(parts);
        }
        std::future::pending::<()>().await;
    }

    fn remember(&mut self, parts: Parts) {
        if self.remembered.len() == REMEMBERED_MOST {
            self.remembered.pop_front();
        }
        self.remembered.push_back(parts);
    }

    /// What arrived of an event, by its id or by the id that its sender gave the request.
    pub(super) fn find(&mut self, ids: &[&str]) -> Option<Parts> {
        while let Ok(parts) = self.arrived.try_recv() {
            self.remember(parts);
        }
        let is_it = |parts: &Parts| parts.headers.get(REQUEST_ID).is_some_and(|id| ids.iter().any(|known| id == known));
        let place = self.remembered.iter().rposition(is_it)?;
        self.remembered.remove(place)
    }
}

async fn serve(listener: TcpListener, tell: mpsc::Sender<Parts>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let tell = tell.clone();
                let service = service_fn(move |request| answer(request, tell.clone()));
                connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
            // What goes wrong on a connection is for whoever opened it to say.
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn answer(request: Request<Incoming>, tell: mpsc::Sender<Parts>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let mut response = Response::new(Full::new(Bytes::new()));
    match Limited::new(body, BODY_BYTES_MOST).collect().await {
        Ok(body) => {
            let (path, query) = (head.uri.path().to_owned(), head.uri.query().map(str::to_owned));
            let parts = Parts {
                method: head.method,
                path,
                query,
                received: None,
                headers: head.headers,
                body: body.to_bytes(),
            };
            // It fails when the command ends, and then nobody waits for the answer either.
            _ = tell.send(parts).await;
        }
        Err(_) => *response.status_mut() = StatusCode::BAD_REQUEST,
    }
    Ok(response)
}

/// Without what the host itself says about a request on its way.
pub(super) fn without_the_way(headers: &HeaderMap) -> HeaderMap {
    const OF_THE_HOST: [&str; 9] = [
        "host",
        "content-length",
        "forwarded",
        "via",
        "traceparent",
        "tracestate",
        "transfer-encoding",
        "connection",
        REQUEST_ID,
    ];
    let mut own = headers.clone();
    model::headers::leave_out(&mut own, |name| {
        OF_THE_HOST.contains(&name.as_str())
            || name.as_str().starts_with("x-forwarded-")
            || name.as_str().starts_with("webhook-")
    });
    own
}
