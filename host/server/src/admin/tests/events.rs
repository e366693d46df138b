//! What happened, and what happens.

use std::time::Duration;

use http_body_util::Full;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::admin::serve;

/// Of the events that were told, counted from 0.
fn id(number: u64) -> String {
    EventId::new(Timestamp::from_millis(number), 0).to_string()
}

#[tokio::test]
async fn the_newest_come_first_and_only_what_is_wanted() {
    let host = Host::start().await;
    host.events.add("default", "github", Disposition::Forwarded);
    host.events.add("other", "github", Disposition::Forwarded);
    host.events.add("default", "github", Disposition::Rejected);
    host.events.add("default", "gitlab", Disposition::Forwarded);
    let ids = async |query: &str| {
        let answer = host.get(&format!("/events{query}")).await.is(200);
        answer.body["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|record| record["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids("").await, [id(3), id(2), id(0)]);
    assert_eq!(ids("?route=github&disposition=forwarded").await, [id(0)]);
    assert_eq!(ids("?limit=1").await, [id(3)]);
    assert_eq!(ids(&format!("?before={}", id(2))).await, [id(0)]);
    host.get("/events?route=Git%20Hub").await.refuses(422, &[("route", "`Git Hub` is not a name")]);
    host.get("/events?disposition=lost").await.refuses(400, &[("query", "disposition: unknown variant `lost`")]);
    host.get("/v1/projects/other/events").await.refuses(404, &[]);
}

#[tokio::test]
async fn a_tail_tells_what_happens_and_what_it_missed() {
    let host = Host::start().await;
    let answer = host.send(Ask::new(Method::GET, "/events/tail?route=github")).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut stream = answer.into_body();
    let mut next = async || {
        let frame = tokio::time::timeout(Duration::from_secs(60), stream.frame()).await.unwrap().unwrap().unwrap();
        String::from_utf8(frame.into_data().unwrap().into()).unwrap()
    };
    host.events.add("other", "github", Disposition::Forwarded);
    host.events.add("default", "github", Disposition::Rejected);
    let told = next().await;
    assert!(told.contains(&format!("id: {}\n", id(1))), "{told}");
    let record = told.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let record: Record = serde_json::from_str(record).unwrap();
    assert_eq!(record, host.events.records.lock().unwrap()[1]);

    // More than are held for those who lag behind.
    (0..5).for_each(|_| host.events.add("default", "github", Disposition::Forwarded));
    let lag = next().await;
    assert!(lag.contains("event: lag\n") && lag.contains(r#"data: {"missed":3}"#), "{lag}");
    assert!(next().await.contains(&format!("id: {}\n", id(5))));
}

#[tokio::test]
async fn the_listener_answers_until_it_is_stopped() {
    let host = Host::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve(listener, host.admin.clone(), stop.clone()));
    let open = async || {
        let socket = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.unwrap();
        tokio::spawn(connection);
        sender
    };
    let request = |path: &str, host: &str| {
        let request = Request::get(path).header("host", host).header("authorization", format!("Bearer {TOKEN}"));
        request.body(Full::<Bytes>::default()).unwrap()
    };
    let mut one = open().await;
    let status = one.send_request(request("/v1/status", &address.to_string())).await.unwrap();
    assert_eq!(status.status(), 200);
    let mut other = open().await;
    assert_eq!(other.send_request(request("/v1/status", "rebound.example")).await.unwrap().status(), 421);

    // An open tail ends with the listener, and does not hold it up.
    let mut tailing = open().await;
    let tail = tailing.send_request(request("/v1/projects/default/events/tail", "localhost")).await.unwrap();
    assert_eq!(tail.status(), 200);
    stop.cancel();
    assert!(tail.into_body().collect().await.unwrap().to_bytes().is_empty());
    serving.await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
