//! Bodies on their way: streamed both ways, limited, waited for, and given up.

use std::sync::atomic::Ordering::Relaxed;

use http_body_util::StreamBody;
use hyper::body::Frame;

use super::*;
use crate::gateway::{
    deadline::Clock,
    intake::{self, Room},
    peer::{Exchange, Peer},
};

/// Answers at once and sends back each piece as it comes.
async fn echo(request: Request<Incoming>) -> Answer {
    let body = request.into_body();
    let pieces = futures_util::stream::unfold(body, |mut body| async move {
        let piece = body.frame().await?.ok()?.into_data().ok()?;
        Some((Ok(Frame::data(piece)), body))
    });
    Response::new(BodyExt::boxed(StreamBody::new(pieces)))
}

#[tokio::test]
async fn pieces_go_through_as_they_come() {
    let host = Host::to(upstream(echo).await).await;
    let mut sender = host.connect().await;
    sender.write("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n").await;
    let head = sender.until("\r\n\r\n").await;
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    assert_eq!(sender.until("one\r\n").await, "3\r\none\r\n");
    sender.write("4\r\nmore\r\n").await;
    assert_eq!(sender.until("more\r\n").await, "4\r\nmore\r\n");
    sender.write("0\r\n\r\n").await;
    assert_eq!(sender.until("0\r\n\r\n").await, "0\r\n\r\n");
    // And the connection is as good as new.
    assert_eq!(sender.ask("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.status, 200);
}

#[tokio::test]
async fn trailers_of_a_streamed_body_go_through() {
    let (address, mut received) = told().await;
    let host = Host::to(address).await;
    let request = "POST / HTTP/1.1\r\nhost: a\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n\
                   3\r\none\r\n0\r\nx-sum: 1\r\n\r\n";
    let mut sender = host.connect().await;
    let reply = sender.ask(request).await;
    assert!(reply.status == 200 && !reply.headers.contains_key("connection"));
    assert_eq!(sender.ask(request).await.status, 200);
    let received = received.recv().await.unwrap();
    assert_eq!((&received.body[..], &received.trailers.unwrap()["x-sum"]), (&b"one"[..], &"1".parse().unwrap()));
}

fn limited(to: SocketAddr, bytes: u64) -> Vec<Arc<Served>> {
    vec![served("all", &format!("http://{to}"), json!({ "body_limit_bytes": bytes }))]
}

#[tokio::test]
async fn a_body_that_says_that_it_is_too_large_is_not_read() {
    let (address, mut received) = told().await;
    let host = Host::start(Settings::default(), limited(address, 1_000)).await;
    let mut sender = host.connect().await;
    assert_eq!(sender.ask(post("/", &"x".repeat(1_000))).await.status, 200);
    sender.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1001\r\n\r\n").await;
    let reply = sender.reply().await;
    reply.problem();
    assert_eq!((reply.status, &reply.headers["connection"]), (413, &"close".parse().unwrap()));
    sender.closed().await;
    assert_eq!(received.recv().await.unwrap().body.len(), 1_000);
    assert!(received.try_recv().is_err());
    let record = &host.records()[0];
    assert_eq!((record.disposition, record.status), (Disposition::Rejected, 413));
}

#[tokio::test]
async fn a_sender_that_writes_before_it_reads_still_sees_the_413() {
    let (address, _received) = told().await;
    let host = Host::start(Settings::default(), limited(address, 1_000)).await;
    let mut sender = host.connect().await;
    let reply = sender.ask(post("/", &"x".repeat(8 << 20))).await;
    assert_eq!(reply.status, 413);
}

#[tokio::test]
async fn a_chunked_body_is_refused_where_it_passes_the_limit() {
    let (address, mut received) = told().await;
    let host = Host::start(Settings::default(), limited(address, 1_000)).await;
    let chunked = |bytes: usize| {
        let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        format!("{head}{bytes:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(bytes))
    };
    assert_eq!(host.connect().await.ask(chunked(1_000)).await.status, 200);
    assert_eq!(received.recv().await.unwrap().body.len(), 1_000);
    let reply = host.connect().await.ask(chunked(1_001)).await;
    reply.problem();
    assert_eq!(reply.status, 413);
    assert!(received.try_recv().is_err());
}

#[tokio::test]
async fn a_sender_is_told_to_continue_only_if_the_body_is_wanted() {
    let (address, mut received) = told().await;
    let to = format!("http://{address}");
    let host = Host::start(
        Settings::default(),
        vec![served("all", &to, json!({ "match": { "path": "/in" }, "body_limit_bytes": 10 }))],
    )
    .await;
    let asking = |path: &str, bytes: u64| {
        format!("POST {path} HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: {bytes}\r\n\r\n")
    };
    assert_eq!(host.connect().await.ask(asking("/elsewhere", 3)).await.status, 404);
    assert_eq!(host.connect().await.ask(asking("/in", 11)).await.status, 413);
    let mut sender = host.connect().await;
    sender.write(asking("/in", 3)).await;
    assert_eq!(sender.until("\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(sender.ask("abc").await.status, 200);
    let received = received.recv().await.unwrap();
    assert_eq!(received.body, "abc");
    assert!(!received.head.headers.contains_key("expect"));
}

#[tokio::test]
async fn a_body_that_stops_coming_is_answered_408() {
    let (address, _received) = told().await;
    let settings = Settings { body_idle_timeout: Duration::from_millis(50), ..Settings::default() };
    let host = Host::start(settings, limited(address, 1_000)).await;
    let reply = host.connect().await.ask("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc").await;
    reply.problem();
    assert_eq!(reply.status, 408);
}

#[tokio::test]
async fn a_sender_that_goes_away_cancels() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let address = upstream(move |_| {
        let tell = tell.clone();
        async move {
            struct Told(mpsc::UnboundedSender<&'static str>);
            impl Drop for Told {
                fn drop(&mut self) {
                    _ = self.0.send("cancelled");
                }
            }
            tell.send("asked").unwrap();
            let _told = Told(tell);
            std::future::pending::<Answer>().await
        }
    })
    .await;
    let to = format!("http://{address}");
    let mut route = served("all", &to, json!({}));
    let patient = json!({ "url": to, "first_byte_timeout_ms": 600_000, "total_timeout_ms": 600_000 });
    let patient: model::destination::DestinationSpec = serde_json::from_value(patient).unwrap();
    let (project, up): (Name, Name) = ("default".parse().unwrap(), "up".parse().unwrap());
    let target = Target::new(&patient.read(&project, &up).unwrap().http).unwrap();
    Arc::get_mut(&mut route).unwrap().destinations = vec![(up, target)];
    let host = Host::start(Settings::default(), vec![route]).await;
    let mut sender = host.connect().await;
    sender.write(post("/", "{}")).await;
    assert_eq!(timeout(STUCK, told.recv()).await.unwrap(), Some("asked"));
    drop(sender);
    assert_eq!(timeout(STUCK, told.recv()).await.unwrap(), Some("cancelled"));
    eventually(|| !host.records().is_empty()).await;
    let record = &host.records()[0];
    assert_eq!((record.disposition, record.status), (Disposition::Failed, 0));
    assert_eq!(host.gateway.counters().abandoned.load(Relaxed), 1);
}

/// What becomes of a request's body that a filter wants, with so many KiB of room for it.
async fn taken(request: &str, limit: u64, room_kib: u64) -> Result<Bytes, intake::Error> {
    let (here, there) = tokio::io::duplex(64);
    let gateway = gateway(Settings::default(), snapshot_of(Vec::new()));
    let peer = Peer::new(
        Arc::clone(&gateway),
        gateway.client(),
        ([127, 0, 0, 1], 1).into(),
        Arc::new(Clock::default()).deadline(),
    );
    let exchange = Arc::new(Exchange::begin(Arc::new(peer)));
    let (tell, mut told) = mpsc::unbounded_channel();
    let service = service_fn(move |request: Request<Incoming>| {
        let (exchange, tell) = (Arc::clone(&exchange), tell.clone());
        async move {
            let (all, project) = (Budget::new(1 << 30), Budget::new(room_kib << 10));
            let mut room = Room::new(&all, &project);
            let taken = intake::take(&exchange.line, request.into_body(), true, limit, &mut room).await;
            let fully = taken.map(|(body, streamed)| {
                assert!(streamed.is_none());
                body.unwrap()
            });
            tell.send(fully).unwrap();
            Ok::<_, hyper::Error>(whole("ok"))
        }
    });
    let request = request.to_owned();
    let (mut reading, mut writing) = tokio::io::split(here);
    tokio::spawn(async move { _ = writing.write_all(request.as_bytes()).await });
    tokio::spawn(async move { _ = tokio::io::copy(&mut reading, &mut tokio::io::sink()).await });
    tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(there), service));
    timeout(STUCK, told.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_body_for_filters_is_read_whole() {
    let chunked = |pieces: &[&str]| {
        let pieces: String = pieces.iter().map(|piece| format!("{:x}\r\n{piece}\r\n", piece.len())).collect();
        format!("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{pieces}0\r\nx-sum: 1\r\n\r\n")
    };
    let long: String = (0..300_000).map(|index| char::from(b'a' + (index % 26) as u8)).collect();
    assert_eq!(taken("GET / HTTP/1.1\r\nhost: a\r\n\r\n", 10, 1).await.unwrap(), "");
    assert_eq!(taken(&post("/", "abc"), 3, 1).await.unwrap(), "abc");
    assert_eq!(taken(&post("/", &long), 300_000, 300).await.unwrap(), long);
    assert_eq!(taken(&chunked(&["abc", "defg"]), 7, 64).await.unwrap(), "abcdefg");
    assert_eq!(taken(&chunked(&[&long]), 400_000, 400).await.unwrap(), long);
    let too_large = |result| matches!(result, Err(intake::Error::TooLarge { limit: 6 }));
    assert!(too_large(taken(&post("/", "abcdefg"), 6, 64).await));
    assert!(too_large(taken(&chunked(&["abc", "defg"]), 6, 64).await));
    let full = |result| matches!(result, Err(intake::Error::Full));
    assert!(full(taken(&post("/", "abc"), 10, 0).await));
    assert!(full(taken(&post("/", &long), 300_000, 100).await));
    assert!(full(taken(&chunked(&[&long]), 300_000, 100).await));
}
