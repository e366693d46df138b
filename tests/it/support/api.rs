//! The admin API, as any program would call it.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

use super::Answer;

/// One host's, for one project.
#[derive(Clone)]
pub(crate) struct Api {
    address: SocketAddr,
    token: String,
    project: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Api {
    pub(crate) fn new(address: SocketAddr, token: &str) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { address, token: token.to_owned(), project: "default".to_owned(), client }
    }

    pub(crate) fn in_project(&self, project: &str) -> Self {
        Self { project: project.to_owned(), ..self.clone() }
    }

    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], "").await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::PUT, path, &[("content-type", "application/json")], body.to_string()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::POST, path, &[("content-type", "application/json")], body.to_string()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.ask(Method::DELETE, path, &[], "").await
    }

    /// Uploads a module, right or wrong.
    pub(crate) async fn upload(&self, name: &str, bytes: impl Into<Bytes>) -> Answer {
        let path = format!("/modules/{name}");
        self.ask(Method::POST, &path, &[("content-type", "application/wasm")], bytes).await
    }

    /// `path` is below the project, unless it begins with `/v1` or one of the words that stand outside of it.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        self.try_ask(method, path, headers, body).await.unwrap_or_else(|error| panic!("{path}: {error:?}"))
    }

    /// Like `ask`, where the host may be gone.
    pub(crate) async fn try_ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
        let whole =
            ["/v1", "/healthz", "/metrics", "/readyz", "/openapi.json"].iter().any(|known| path.starts_with(known));
        let below = if whole { String::new() } else { format!("/v1/projects/{}", self.project) };
        let mut request = Request::builder().method(method).uri(format!("http://{}{below}{path}", self.address));
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.client.request(request.body(Full::new(body.into()))?).await?;
        Ok(Answer::read(answer).await?)
    }
}
