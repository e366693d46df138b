//! Documents that filters need from elsewhere: the keys of those who sign. Whoever runs the engine fetches and keeps them.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use model::Name;

/// What is asked for; everything about it is checked and granted. It may hold secrets.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Request {
    pub url: String,
    pub headers: Vec<(String, Vec<u8>)>,
    /// Sent by POST; none for GET.
    pub body: Option<Vec<u8>>,
    /// How long the answer is kept if it does not say itself.
    pub keep_seconds: u32,
}

impl fmt::Debug for Request {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Request").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Fetches documents, and keeps them.
#[async_trait]
pub trait Fetcher: Send + Sync {
    /// The error says why it cannot be had, without a secret.
    async fn fetch(&self, project: &Name, request: Request) -> Result<Bytes, String>;
}
