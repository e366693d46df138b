//! What leaves the house, over real sockets on loopback.

mod contract;
mod deliveries;
mod denied;
mod faults;
mod sending;
mod server;
mod tls;
mod trust;

use std::time::Duration;

use bytes::Bytes;
use delivery::{
    Connector,
    destinations::http::{Client, EventBody, Pool, SendError, Target},
    egress::Allow,
};
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use model::destination::{Http, PathRule};

/// Long enough never to be reached.
const NEVER: Duration = Duration::from_secs(120);

fn connector(allow: &[&str]) -> Connector {
    Connector::new(Allow::read(allow).unwrap(), &[]).unwrap()
}

fn client(allow: &[&str]) -> Client<Incoming> {
    Client::new(connector(allow), Pool::default())
}

fn destination(url: &str) -> Http {
    Http {
        path: PathRule::Append,
        connect_timeout: NEVER,
        first_byte_timeout: NEVER,
        total_timeout: NEVER,
        ..Http::to(url.parse().unwrap())
    }
}

fn target(url: &str) -> Target {
    Target::new(&destination(url)).unwrap()
}

fn post(path: &str, body: impl Into<Bytes>) -> Request<EventBody> {
    Request::post(path).body(EventBody::whole(body.into())).unwrap()
}

async fn text<B>(answer: Response<B>) -> String
where
    B: http_body::Body<Error = SendError>,
{
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}
