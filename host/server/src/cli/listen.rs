//! `listen`: a destination for trying things out, which shows what arrives.

use std::{convert::Infallible, net::SocketAddr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::{net::TcpListener, sync::mpsc, task::JoinSet};

use super::{Global, failure::Failure, show, story};

/// Bytes of a body.
const BODY_BYTES_MOST: usize = 64 << 20;
/// Requests that wait to be shown; more wait to be answered.
const WAITING_MOST: usize = 64;

#[derive(Debug, clap::Args)]
pub(crate) struct Listen {
    /// Where to listen.
    #[arg(default_value = "127.0.0.1:9900")]
    address: SocketAddr,
    /// What every request is answered with.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(200..=599))]
    status: u16,
}

type Arrived = (http::request::Parts, Bytes);

impl Listen {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        let address = self.address;
        let cannot = |error: std::io::Error| Failure::failed(format!("cannot listen on {address}: {error}"));
        let listener = TcpListener::bind(address).await.map_err(cannot)?;
        let bound = listener.local_addr().map_err(cannot)?;
        show::note(&format!("listening on http://{bound}, until Ctrl-C"));
        let status = StatusCode::from_u16(self.status).map_err(|error| Failure::usage(error.to_string()))?;
        let (shown, mut arrived) = mpsc::channel(WAITING_MOST);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                Some(request) = arrived.recv() => show_request(global, &request)?,
                accepted = listener.accept() => {
                    let Ok((stream, _)) = accepted else { continue };
                    let shown = shown.clone();
                    let service = service_fn(move |request| answer(request, status, shown.clone()));
                    connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
                }
                // What goes wrong on a connection is for whoever opened it to say.
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    status: StatusCode,
    shown: mpsc::Sender<Arrived>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let mut response = Response::new(Full::new(Bytes::new()));
    match Limited::new(body, BODY_BYTES_MOST).collect().await {
        Ok(body) => {
            *response.status_mut() = status;
            // It fails when the command ends, and then nobody waits for the answer either.
            _ = shown.send((head, body.to_bytes())).await;
        }
        Err(_) => *response.status_mut() = StatusCode::BAD_REQUEST,
    }
    Ok(response)
}

fn show_request(global: &Global, (head, body): &Arrived) -> Result<(), Failure> {
    let value = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: Vec<_> = head.headers.iter().map(|(name, shown)| (name.as_str(), value(shown))).collect();
    if global.json {
        return show::print_json_line(&json!({
            "method": head.method.as_str(),
            "path": head.uri.path(),
            "query": head.uri.query(),
            "headers": headers,
            "body_bytes": body.len(),
            "body_base64": STANDARD.encode(body),
        }));
    }
    let mut text = show::styled(show::STRONG, &show::line(&format!("{} {}", head.method, head.uri)));
    headers.iter().for_each(|(name, value)| text.push_str(&format!("\n{name}: {}", show::line(value))));
    show::print(&format!("{text}\n\n{}\n", show::lines(&story::body_bytes(body))))
}
