//! Keys that filters need from elsewhere: fetched once, kept as long as their publisher says, and asked for again seldom.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use delivery::Connector;
use filters::fetch::{Fetcher, Request};
use http::{HeaderMap, Method, StatusCode, Uri, header::CACHE_CONTROL, header::USER_AGENT};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::{client::legacy, rt::TokioExecutor};
use model::Name;
use moka::{Expiry, sync::Cache};
use tokio::sync::Semaphore;

/// Of one document.
const DOCUMENT_BYTES_MOST: usize = 256 << 10;
/// Documents that are kept, of all projects.
const DOCUMENTS_MOST: u64 = 10_000;
const TIMEOUT: Duration = Duration::from_secs(10);
/// Fetches at the same time; others wait for their turn.
const AT_ONCE: usize = 8;
/// What a project may have fetched from one host in this time: senders choose the ids of keys.
const FETCHES_MOST: u32 = 30;
const FETCHES_IN: Duration = Duration::from_secs(10);
/// How long it is remembered that a document could not be had.
const FAILED_FOR: Duration = Duration::from_secs(10);
/// What a publisher says about how long a document may be kept counts between these.
const KEPT: std::ops::RangeInclusive<u64> = 60..=86_400;

type Client = legacy::Client<Connector, Full<Bytes>>;
type Fetched = Result<Bytes, String>;

pub(crate) struct Keys(Arc<Inner>);

struct Inner {
    client: Client,
    /// By project and what was asked, secrets included: a document that was had with them is nobody else's.
    documents: Cache<(Name, Request), (Fetched, Duration)>,
    /// By project and host.
    fetches: Cache<(Name, String), Arc<AtomicU32>>,
    turns: Semaphore,
}

/// As long as each document says.
struct AsSaid;

impl Expiry<(Name, Request), (Fetched, Duration)> for AsSaid {
    fn expire_after_create(
        &self,
        _: &(Name, Request),
        (_, keep): &(Fetched, Duration),
        _: Instant,
    ) -> Option<Duration> {
        Some(*keep)
    }
}

impl Keys {
    pub(crate) fn new(connector: Connector) -> Self {
        Self(Arc::new(Inner {
            client: legacy::Client::builder(TokioExecutor::new()).build(connector),
            documents: Cache::builder().max_capacity(DOCUMENTS_MOST).expire_after(AsSaid).build(),
            fetches: Cache::builder().max_capacity(DOCUMENTS_MOST).time_to_live(FETCHES_IN).build(),
            turns: Semaphore::new(AT_ONCE),
        }))
    }
}

#[async_trait]
impl Fetcher for Keys {
    async fn fetch(&self, project: &Name, request: Request) -> Fetched {
        let key = (project.clone(), request);
        if let Some((known, _)) = self.0.documents.get(&key) {
            return known;
        }
        // Goes on if the filter's time is over: the next event then finds the document.
        let inner = Arc::clone(&self.0);
        let fetching = tokio::spawn(async move { inner.fetch(key).await });
        fetching.await.unwrap_or_else(|_| Err("fetching ended badly".to_owned()))
    }
}

impl Inner {
    async fn fetch(&self, key: (Name, Request)) -> Fetched {
        let _turn = self.turns.acquire().await.map_err(|_| "the host stops".to_owned())?;
        // Whoever had the turn before may have fetched it.
        if let Some((known, _)) = self.documents.get(&key) {
            return known;
        }
        let (project, request) = &key;
        let url: Uri = request.url.parse().map_err(|error| format!("`{}` is no URL: {error}", request.url))?;
        let host = url.authority().map(ToString::to_string).unwrap_or_default();
        let fetches = self.fetches.get_with((project.clone(), host.clone()), Arc::default);
        if fetches.fetch_add(1, Relaxed) >= FETCHES_MOST {
            return Err(format!("more than {FETCHES_MOST} keys were asked of {host} in {} s", FETCHES_IN.as_secs()));
        }
        let asked = tokio::time::timeout(TIMEOUT, self.ask(request, url)).await;
        let asked = asked.unwrap_or_else(|_| Err(format!("no answer within {} s", TIMEOUT.as_secs())));
        let (fetched, keep) = match asked {
            Ok((document, keep)) => (Ok(document), keep),
            Err(problem) => {
                tracing::warn!(project = %project, url = request.url, problem, "a key could not be fetched");
                (Err(format!("{}: {problem}", request.url)), FAILED_FOR)
            }
        };
        self.documents.insert(key, (fetched.clone(), keep));
        fetched
    }

    async fn ask(&self, request: &Request, url: Uri) -> Result<(Bytes, Duration), String> {
        let body = request.body.clone().map(Bytes::from);
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let mut asked = http::Request::builder().method(method).uri(url);
        asked = asked.header(USER_AGENT, concat!("snaphook/", env!("CARGO_PKG_VERSION")));
        for (name, value) in &request.headers {
            asked = asked.header(name, value.as_slice());
        }
        let asked = asked.body(Full::new(body.unwrap_or_default())).map_err(|_| "a header is none".to_owned())?;
        let answer = self.client.request(asked).await.map_err(|error| reason(&error))?;
        let (head, body) = answer.into_parts();
        if head.status != StatusCode::OK {
            return Err(format!("it answered {}", head.status));
        }
        let body = Limited::new(body, DOCUMENT_BYTES_MOST).collect().await.map_err(|error| error.to_string())?;
        let keep = max_age(&head.headers).unwrap_or_else(|| u64::from(request.keep_seconds));
        Ok((body.to_bytes(), Duration::from_secs(keep.clamp(*KEPT.start(), *KEPT.end()))))
    }
}

/// The innermost cause, which says what happened.
fn reason(error: &legacy::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// RFC 9111, section 5.2.2.1.
fn max_age(headers: &HeaderMap) -> Option<u64> {
    let directives = headers.get(CACHE_CONTROL)?.to_str().ok()?;
    directives.split(',').find_map(|directive| directive.trim().strip_prefix("max-age=")?.parse().ok())
}
