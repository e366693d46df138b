//! The admin API over HTTP, and the gateway for events that are sent to it.

use std::{error::Error as _, time::Duration};

use bytes::Bytes;
use http::{
    Method, Request, StatusCode, Uri,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT},
};
use http_body_util::{BodyExt, Full, Limited, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use model::{Fault, Faults, Name, Secret};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::failure::{Exit, Failure};

/// By this the list of changes tells who made one.
const AGENT: &str = concat!("snaphook-cli/", env!("CARGO_PKG_VERSION"));

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer may take: a large module is compiled before it is answered.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);
/// Bytes of an answer.
const ANSWER_BYTES_MOST: usize = 64 << 20;

/// Plain HTTP to one place.
#[derive(Debug)]
pub(crate) struct Http(legacy::Client<HttpConnector, Body>);

/// The body of a request.
pub(crate) type Body = UnsyncBoxBody<Bytes, std::io::Error>;

impl Http {
    pub(crate) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        Self(legacy::Client::builder(TokioExecutor::new()).build(connector))
    }

    /// The answer's head, with its body still to come. The error says what stands in the way, without the address.
    pub(crate) async fn open(&self, request: Request<Body>) -> Result<http::Response<Incoming>, String> {
        match tokio::time::timeout(ANSWER_TIMEOUT, self.0.request(request)).await {
            Ok(answered) => answered.map_err(|error| innermost(&error)),
            Err(_) => Err(format!("no answer within {} s", ANSWER_TIMEOUT.as_secs())),
        }
    }

    /// The whole answer.
    pub(crate) async fn ask(&self, request: Request<Body>) -> Result<http::Response<Bytes>, String> {
        let (head, body) = self.open(request).await?.into_parts();
        let body = tokio::time::timeout(ANSWER_TIMEOUT, Limited::new(body, ANSWER_BYTES_MOST).collect()).await;
        let body = body.map_err(|_| format!("the answer did not end within {} s", ANSWER_TIMEOUT.as_secs()))?;
        let body = body.map_err(|error| format!("the answer broke off: {error}"))?;
        Ok(http::Response::from_parts(head, body.to_bytes()))
    }
}

/// What really happened, below what each layer says about it.
fn innermost(error: &legacy::Error) -> String {
    let mut cause = error.source();
    let mut text = error.to_string();
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    text
}

/// The admin API of one host, for one project.
#[derive(Debug)]
pub(crate) struct Client {
    /// `http://127.0.0.1:8081`, without a slash at the end.
    base: String,
    token: Token,
    project: Name,
    http: Http,
}

/// The token, or where it was looked for.
#[derive(Debug)]
pub(crate) enum Token {
    Known(Secret),
    Missing(String),
}

/// An answer that was no error.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        T::deserialize(&self.body).map_err(|error| {
            Failure::failed(format!(
                "the host answers in a way that this command does not know ({error}): is it of another version?"
            ))
        })
    }
}

/// RFC 9457, and the faults that the host adds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: String,
    detail: Option<String>,
    faults: Vec<Fault>,
}

impl Client {
    pub(crate) fn new(base: &str, token: Token, project: Name) -> Result<Self, Failure> {
        let uri: Uri = base.parse().map_err(|error| Failure::usage(format!("--admin: `{base}` is no URL: {error}")))?;
        if uri.scheme_str() != Some("http") || uri.authority().is_none() {
            return Err(Failure::usage(format!(
                "--admin: `{base}` must begin with http://; to reach a host elsewhere, forward its port: \
                 ssh -L 8081:127.0.0.1:8081 HOST"
            )));
        }
        Ok(Self { base: base.trim_end_matches('/').to_owned(), token, project, http: Http::new() })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.ask(Method::GET, path, "", Bytes::new()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Answer, Failure> {
        self.ask(Method::DELETE, path, "", Bytes::new()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &impl Serialize) -> Result<Answer, Failure> {
        self.ask(Method::PUT, path, "application/json", json(body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &impl Serialize) -> Result<Answer, Failure> {
        self.ask(Method::POST, path, "application/json", json(body)).await
    }

    pub(crate) async fn post_module(&self, path: &str, bytes: Bytes) -> Result<Answer, Failure> {
        self.ask(Method::POST, path, "application/wasm", bytes).await
    }

    async fn ask(&self, method: Method, path: &str, kind: &str, body: Bytes) -> Result<Answer, Failure> {
        let request = self.request(method, path, kind, body)?;
        let answer = self.http.ask(request).await.map_err(|problem| self.unreachable(&problem))?;
        let status = answer.status();
        if !status.is_success() {
            return Err(self.refused(status, answer.body()));
        }
        let body = match answer.body().is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(answer.body()).map_err(|error| {
                Failure::failed(format!("the host's answer is no JSON: {error}; is this the admin API?"))
            })?,
        };
        Ok(Answer { status, body })
    }

    /// A stream of server-sent events.
    pub(crate) async fn tail(&self, path: &str) -> Result<Incoming, Failure> {
        let request = self.request(Method::GET, path, "", Bytes::new())?;
        let answer = self.http.open(request).await.map_err(|problem| self.unreachable(&problem))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer.into_body());
        }
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MOST).collect().await.map(|body| body.to_bytes());
        Err(self.refused(status, &body.unwrap_or_default()))
    }

    /// `path` begins with `/v1/` or is below the project.
    fn request(&self, method: Method, path: &str, kind: &str, body: Bytes) -> Result<Request<Body>, Failure> {
        let below = if path.starts_with("/v1/") { String::new() } else { format!("/v1/projects/{}", self.project) };
        let mut request = Request::builder().method(method).uri(format!("{}{below}{path}", self.base));
        request = request.header(ACCEPT, "application/json, text/event-stream").header(USER_AGENT, AGENT);
        if !kind.is_empty() {
            request = request.header(CONTENT_TYPE, kind);
        }
        if let Token::Known(token) = &self.token {
            request = request.header(AUTHORIZATION, [b"Bearer ", token.expose()].concat());
        }
        request
            .body(Full::new(body).map_err(|never| match never {}).boxed_unsync())
            .map_err(|error| Failure::usage(format!("this cannot be asked of the host: {error}")))
    }

    fn unreachable(&self, problem: &str) -> Failure {
        let base = &self.base;
        Failure::new(
            Exit::Unreachable,
            format!(
                "cannot reach the host at {base}: {problem}\nstart one with `snaphook serve`, or say where it is with \
                 --admin or SNAPHOOK_ADMIN"
            ),
        )
    }

    fn refused(&self, status: StatusCode, body: &[u8]) -> Failure {
        let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
        let mut text = problem.text(status);
        let exit = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                text.push('\n');
                text.push_str(&match &self.token {
                    Token::Missing(place) => {
                        format!("no token was sent: {place}; name one with --token-file or SNAPHOOK_TOKEN")
                    }
                    Token::Known(_) => "say which one it is with --token-file or SNAPHOOK_TOKEN".to_owned(),
                });
                Exit::Token
            }
            StatusCode::NOT_FOUND => Exit::NotFound,
            status if status.is_client_error() => Exit::Refused,
            _ => Exit::Failed,
        };
        Failure::new(exit, text).with_faults(Faults(problem.faults))
    }
}

impl Problem {
    fn text(&self, status: StatusCode) -> String {
        match (&self.faults[..], self.detail.as_deref().unwrap_or(&self.title)) {
            ([], "") => format!("the host answers {status}"),
            ([], said) => said.to_owned(),
            // The detail would say once more what is listed below.
            ([..], _) => "the host refuses what was written".to_owned(),
        }
    }
}

fn json(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).expect("what the command line sends is JSON").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(base: &str, token: Token) -> Result<Client, Failure> {
        Client::new(base, token, "default".parse().unwrap())
    }

    fn refused(status: u16, body: &str) -> (Exit, String) {
        let client =
            client("http://127.0.0.1:8081", Token::Missing("`/data/admin-token` cannot be read: no such file".into()));
        let failure = client.unwrap().refused(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        (failure.exit, failure.to_string())
    }

    #[test]
    fn refusals_are_told_with_all_their_faults() {
        let faults = r#"{"type":"about:blank","title":"Unprocessable Content","status":422,"detail":"a: b; c: d",
            "faults":[{"at":"url","problem":"`x` is no URL"},{"at":"","problem":"\u001b[2Jtoo much"}]}"#;
        let told = "the host refuses what was written\n  url: `x` is no URL\n  \\u{1b}[2Jtoo much";
        assert_eq!(refused(422, faults), (Exit::Refused, told.to_owned()));
        let in_use =
            r#"{"title":"Conflict","detail":"secret `a` is in use by route `b`; change or remove that first"}"#;
        assert_eq!(
            refused(409, in_use),
            (Exit::Refused, "secret `a` is in use by route `b`; change or remove that first".to_owned())
        );
        assert_eq!(refused(404, r#"{"detail":"route `x` does not exist"}"#).0, Exit::NotFound);
        assert_eq!(refused(503, "<html>"), (Exit::Failed, "the host answers 503 Service Unavailable".to_owned()));
        assert_eq!(
            refused(401, r#"{"title":"Unauthorized","detail":"a token is needed"}"#),
            (
                Exit::Token,
                "a token is needed\nno token was sent: `/data/admin-token` cannot be read: no such file; name one with \
                 --token-file or SNAPHOOK_TOKEN"
                    .to_owned()
            )
        );
    }

    #[tokio::test]
    async fn a_host_that_does_not_run_is_said_with_what_to_do() {
        let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let client = client(&format!("http://{free}/"), Token::Known(Secret::new(b"t".to_vec()))).unwrap();
        let failure = client.get("/v1/status").await.unwrap_err();
        assert_eq!(failure.exit, Exit::Unreachable);
        let text = failure.to_string();
        assert!(text.starts_with(&format!("cannot reach the host at http://{free}: Connection refused")), "{text}");
        assert!(
            text.ends_with("start one with `snaphook serve`, or say where it is with --admin or SNAPHOOK_ADMIN"),
            "{text}"
        );
    }

    #[test]
    fn only_plain_http_is_spoken() {
        let failure = client("https://example.com", Token::Missing(String::new())).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.to_string().starts_with("--admin: `https://example.com` must begin with http://; "));
    }
}
