//! Signed events over kept-alive connections for some time, and how long each took to be acknowledged.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use benches::event;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet, time::sleep};

use crate::SENDERS;

/// What was done, and in which time.
pub(crate) struct Told {
    latencies: Vec<Duration>,
    pub(crate) took: Duration,
}

impl Told {
    pub(crate) fn new(mut latencies: Vec<Duration>, took: Duration) -> Self {
        latencies.sort_unstable();
        Self { latencies, took }
    }

    pub(crate) fn count(&self) -> usize {
        self.latencies.len()
    }

    pub(crate) fn a_second(&self) -> f64 {
        self.count() as f64 / self.took.as_secs_f64()
    }

    pub(crate) fn percentile(&self, share: f64) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get((last as f64 * share) as usize).copied().unwrap_or_default()
    }
}

/// As fast as they are acknowledged, or so many a second in all.
pub(crate) async fn send(address: SocketAddr, body: &Bytes, time: Duration, a_second: Option<u32>) -> Result<Told> {
    let pause = a_second.map(|a_second| Duration::from_secs(SENDERS as u64) / a_second);
    let began = Instant::now();
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        senders.spawn(send_on(address, body.clone(), began + time, pause));
    }
    let mut latencies = Vec::new();
    while let Some(sender) = senders.join_next().await {
        latencies.extend(sender??);
    }
    Ok(Told::new(latencies, began.elapsed()))
}

async fn send_on(address: SocketAddr, body: Bytes, end: Instant, pause: Option<Duration>) -> Result<Vec<Duration>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut connection, driver) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(driver);
    let mut request = Request::new(Full::new(body.clone()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = "/J1".parse()?;
    *request.headers_mut() = event::headers(&body);
    let mut latencies = Vec::new();
    while Instant::now() < end {
        let began = Instant::now();
        connection.ready().await?;
        let response = connection.send_request(request.clone()).await.context("no answer")?;
        let status = response.status();
        let answer = response.into_body().collect().await?.to_bytes();
        ensure!(status == StatusCode::ACCEPTED, "answered {status}: {}", String::from_utf8_lossy(&answer));
        latencies.push(began.elapsed());
        if let Some(pause) = pause {
            sleep(pause.saturating_sub(began.elapsed())).await;
        }
    }
    Ok(latencies)
}
