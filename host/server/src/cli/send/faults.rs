//! What goes wrong on the way, on demand: how requests are sent.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderValue, Request, Uri, header::CONTENT_LENGTH};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use tokio::time::sleep;

use super::super::{
    client::Http,
    failure::{Exit, Failure},
    show,
};

/// How long a slow sender takes for its body.
const SLOW: Duration = Duration::from_secs(5);
/// Pieces in which it comes.
const PIECES: usize = 20;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Faults on demand")]
pub(super) struct Faults {
    /// Change one bit of the body after it is signed.
    #[arg(long)]
    pub(super) tamper: bool,
    /// Sign with a time that is too old for the provider.
    #[arg(long)]
    pub(super) stale: bool,
    /// Send everything twice: the same delivery, as senders do that saw no answer.
    #[arg(long)]
    duplicate: bool,
    /// Send in another order than the events were made in.
    #[arg(long)]
    reorder: bool,
    /// Break off in the middle of the body, and read no answer.
    #[arg(long, conflicts_with_all = ["slow", "expect"])]
    truncate: bool,
    /// Take five seconds for the body.
    #[arg(long)]
    slow: bool,
    /// How many events, each with an id of its own.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) count: u32,
    /// So many a second; without it one after the other as they are answered.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rate: Option<u32>,
}

/// What became of one request.
pub(super) struct Answered {
    pub(super) number: usize,
    pub(super) answer: http::Response<Bytes>,
    pub(super) took: Duration,
}

impl Answered {
    pub(super) fn status(&self) -> u16 {
        self.answer.status().as_u16()
    }
}

impl Faults {
    pub(super) async fn send(&self, requests: Vec<Request<Bytes>>, url: &Uri) -> Result<Vec<Answered>, Failure> {
        let mut order: Vec<usize> = (0..requests.len()).collect();
        if self.reorder {
            // Neighbours change places, as when two deliveries are under way at the same time.
            order.chunks_mut(2).for_each(<[usize]>::reverse);
        }
        if self.duplicate {
            order = order.into_iter().flat_map(|number| [number, number]).collect();
        }
        let http = Http::new();
        let pause = self.rate.map(|rate| Duration::from_secs(1) / rate);
        let mut answers = Vec::new();
        for number in order {
            let start = Instant::now();
            let answer = http.ask(self.body(requests[number].clone())).await;
            let took = start.elapsed();
            match answer {
                Ok(answer) => answers.push(Answered { number: number + 1, answer, took }),
                Err(_) if self.truncate => {
                    show::note(&format!("{}: broken off in the middle of the body; no answer is read", number + 1));
                }
                Err(problem) => {
                    return Err(Failure::new(Exit::Unreachable, format!("cannot send to {url}: {problem}")));
                }
            }
            if let Some(pause) = pause {
                sleep(pause.saturating_sub(start.elapsed())).await;
            }
        }
        Ok(answers)
    }

    /// The request with its body as it is to be sent.
    fn body(&self, request: Request<Bytes>) -> Request<UnsyncBoxBody<Bytes, std::io::Error>> {
        let (mut head, body) = request.into_parts();
        if !self.truncate && !self.slow {
            return Request::from_parts(head, Full::new(body).map_err(|never| match never {}).boxed_unsync());
        }
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        let sent = if self.truncate { body.len() / 2 } else { body.len() };
        let piece = sent.div_ceil(PIECES).max(1);
        let pieces: Vec<Bytes> = body[..sent].chunks(piece).map(Bytes::copy_from_slice).collect();
        let pause = if self.slow { SLOW / PIECES as u32 } else { Duration::ZERO };
        let end = self.truncate.then(|| Err(std::io::Error::other("broken off, as it was asked for")));
        let frames = stream::iter(pieces).then(move |piece| async move {
            sleep(pause).await;
            Ok(Frame::data(piece))
        });
        Request::from_parts(head, StreamBody::new(frames.chain(stream::iter(end))).boxed_unsync())
    }
}
