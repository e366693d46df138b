//! Signed events over kept-alive connections for some time, and how long each took to be acknowledged.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use benches::event;
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::sleep,
};

use crate::SENDERS;

/// What was done, and in which time.
pub(crate) struct Told {
    latencies: Vec<Duration>,
    pub(crate) took: Duration,
    /// What the process that did it computed meanwhile.
    pub(crate) cpu: Duration,
}

impl Told {
    pub(crate) fn new(mut latencies: Vec<Duration>, took: Duration) -> Self {
        latencies.sort_unstable();
        Self { latencies, took, cpu: Duration::ZERO }
    }

    pub(crate) fn count(&self) -> usize {
        self.latencies.len()
    }

    pub(crate) fn a_second(&self) -> f64 {
        self.count() as f64 / self.took.as_secs_f64()
    }

    /// Microseconds.
    pub(crate) fn cpu_for_each(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.count() as f64
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

/// Writes one request again and again, and reads as much of each answer as it takes to know it: a client that did more would
/// take the cores from what is measured.
async fn send_on(address: SocketAddr, body: Bytes, end: Instant, pause: Option<Duration>) -> Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let request = request(&body);
    let (mut latencies, mut answer) = (Vec::new(), Vec::with_capacity(4 << 10));
    while Instant::now() < end {
        let began = Instant::now();
        stream.write_all(&request).await?;
        answer.clear();
        while !is_whole(&answer)? {
            ensure!(stream.read_buf(&mut answer).await? > 0, "the connection ended without an answer");
        }
        ensure!(answer.starts_with(b"HTTP/1.1 202 "), "answered {}", String::from_utf8_lossy(&answer));
        latencies.push(began.elapsed());
        if let Some(pause) = pause {
            sleep(pause.saturating_sub(began.elapsed())).await;
        }
    }
    Ok(latencies)
}

fn request(body: &Bytes) -> Vec<u8> {
    let mut request = format!("POST /J1 HTTP/1.1\r\ncontent-length: {}\r\n", body.len()).into_bytes();
    for (name, value) in &event::headers(body) {
        if name != CONTENT_LENGTH {
            request.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
    }
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body);
    request
}

/// With a content length, which is what acknowledgements have.
fn is_whole(answer: &[u8]) -> Result<bool> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(false) };
    let head = std::str::from_utf8(&answer[..end])?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    });
    let length = length.with_context(|| format!("an answer without length: {head}"))??;
    Ok(answer.len() >= end + 4 + length)
}
