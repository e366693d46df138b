//! HTTP endpoints as destinations of deliveries, over real sockets: what they get, and what is told about whatever they do.

use std::{
    net::SocketAddr,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use delivery::{
    Connector, Destination as _,
    destinations::{
        Asks, End, Message, Sent, Wait,
        http::{Client, Endpoint, Pool},
    },
};
use http::{HeaderMap, HeaderValue, Method};
use model::{
    Delivery, DeliveryId, Event, EventId, Scheme, Secret, Timestamp,
    delivery::{AnswerSeen, Status},
    destination::{Http, PathRule, Sign, SignatureScheme},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
};

use crate::{connector, server};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_999);

/// How late a machine that has much to do may be.
pub(crate) const LATE: Duration = Duration::from_secs(5);

pub(crate) fn delivery() -> Delivery {
    Delivery {
        id: DeliveryId::new(NOW, 77),
        event: EventId::new(NOW, 1),
        project: "team".parse().unwrap(),
        route: "hooks".parse().unwrap(),
        destination: "ci".parse().unwrap(),
        target: "ci".parse().unwrap(),
        status: Status::Waiting,
        attempts: 0,
        due: None,
        under_way: false,
        lane: None,
        replay: false,
        created: NOW,
        reason: None,
    }
}

pub(crate) fn event(headers: &[(&'static str, &'static str)]) -> Event {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, HeaderValue::from_static(value));
    }
    Event {
        id: EventId::new(NOW, 1),
        project: "team".parse().unwrap(),
        route: "hooks".parse().unwrap(),
        received: NOW,
        source: [127, 0, 0, 1].into(),
        scheme: Scheme::Https,
        method: Method::POST,
        authority: "gateway.example".to_owned(),
        path: "/in/x".to_owned(),
        query: Some("q=1".to_owned()),
        headers: Arc::new(map),
        body: Some(Bytes::from_static(b"{\"a\": 1}")),
        replay: false,
        attributes: Vec::new(),
    }
}

/// With short limits, so that whoever is waited for in vain is not waited for long.
pub(crate) fn http(url: &str) -> Http {
    let (first_byte_timeout, total_timeout) = (Duration::from_secs(1), Duration::from_secs(2));
    Http { first_byte_timeout, total_timeout, ..Http::to(url.parse().unwrap()) }
}

pub(crate) fn endpoint(http: &Http, secrets: &'static [(&'static str, &'static str)]) -> Endpoint {
    // Reading the roots of the machine takes its time.
    static CONNECTOR: LazyLock<Connector> = LazyLock::new(|| connector(&["127.0.0.1", "localhost"]));
    let client = Arc::new(Client::new(CONNECTOR.clone(), Pool::default()));
    Endpoint::new(http, &CONNECTOR, client, |name| {
        let values = secrets.iter().filter(|(of, _)| *of == name.as_str());
        values.map(|(_, value)| Secret::new(value.as_bytes().to_vec())).collect()
    })
    .unwrap()
}

pub(crate) async fn send(endpoint: &Endpoint, event: &Event) -> Sent {
    let delivery = delivery();
    let begun = Instant::now();
    let sent = endpoint.send(Message { delivery: &delivery, event, now: NOW }).await;
    assert!(begun.elapsed() <= endpoint.longest() + LATE, "{:?}", begun.elapsed());
    sent
}

async fn sent_to(address: SocketAddr) -> Sent {
    send(&endpoint(&http(&format!("http://{address}")), &[]), &event(&[])).await
}

pub(crate) fn answered(sent: &Sent) -> (&AnswerSeen, Asks) {
    match &sent.end {
        End::Answered { answer, asks } => (answer, *asks),
        end => panic!("{end:?}"),
    }
}

fn failed(sent: &Sent) -> &str {
    match &sent.end {
        End::Failed { reason } => reason,
        end => panic!("{end:?}"),
    }
}

/// Answers 204 and tells the head and the body that came.
async fn listener() -> (SocketAddr, mpsc::UnboundedReceiver<(String, String)>) {
    let (told, heard) = mpsc::unbounded_channel();
    let address = server::raw(move |mut tcp| {
        let told = told.clone();
        async move {
            let mut read = Vec::new();
            loop {
                while !read.ends_with(b"{\"a\": 1}") {
                    if tcp.read_buf(&mut read).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                let text = String::from_utf8(std::mem::take(&mut read)).unwrap();
                let (head, body) = text.split_once("\r\n\r\n").unwrap();
                told.send((head.to_owned(), body.to_owned())).unwrap();
                tcp.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            }
        }
    })
    .await;
    (address, heard)
}

fn header<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(of, _)| *of == name).map(|(_, value)| value).collect()
}

#[tokio::test]
async fn a_delivery_says_what_it_is() {
    let (address, mut heard) = listener().await;
    let mut http = http(&format!("http://{address}/hooks"));
    http.headers.insert("x-environment", HeaderValue::from_static("staging"));
    http.headers.insert("x-replaced", HeaderValue::from_static("ours"));
    let endpoint = endpoint(&http, &[]);
    let event = event(&[
        ("content-type", "application/json"),
        ("x-twice", "1"),
        ("x-twice", "2"),
        ("x-replaced", "theirs"),
        ("user-agent", "GitHub-Hookshot/1"),
        ("webhook-id", "theirs"),
        ("webhook-timestamp", "1"),
        ("webhook-signature", "v1,theirs"),
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("content-length", "999"),
    ]);
    for _ in 0..2 {
        assert_eq!(answered(&send(&endpoint, &event).await).0.status, 204);
        let (head, body) = heard.recv().await.unwrap();
        assert!(head.starts_with("POST /hooks HTTP/1.1\r\n"), "{head}");
        assert_eq!(body, "{\"a\": 1}");
        assert_eq!(header(&head, "webhook-id"), [delivery().id.to_string()]);
        assert_eq!(header(&head, "webhook-timestamp"), ["1790000000"]);
        assert_eq!(header(&head, "user-agent"), [concat!("snaphook/", env!("CARGO_PKG_VERSION"))]);
        assert_eq!(header(&head, "x-twice"), ["1", "2"]);
        assert_eq!((header(&head, "x-environment"), header(&head, "x-replaced")), (vec!["staging"], vec!["ours"]));
        assert_eq!(header(&head, "content-length"), ["8"]);
        assert_eq!(header(&head, "host"), [address.to_string()]);
        for gone in ["webhook-signature", "x-hop", "connection", "transfer-encoding"] {
            assert!(header(&head, gone).is_empty(), "{head}");
        }
        assert_eq!(header(&head, "traceparent").len(), 1);
    }
}

#[tokio::test]
async fn a_trace_goes_on_and_a_path_is_appended() {
    let (address, mut heard) = listener().await;
    let http = Http { path: PathRule::Append, ..http(&format!("http://{address}/hooks?k=1")) };
    let trace = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
    send(&endpoint(&http, &[]), &event(&[trace, ("tracestate", "a=b")])).await;
    let (head, _) = heard.recv().await.unwrap();
    assert!(head.starts_with("POST /hooks/in/x?k=1&q=1 HTTP/1.1\r\n"), "{head}");
    assert_eq!((header(&head, "traceparent"), header(&head, "tracestate")), (vec![trace.1], vec!["a=b"]));
    let unsendable = Event { path: "/../x".to_owned(), ..event(&[]) };
    let sent = send(&endpoint(&http, &[]), &unsendable).await;
    assert!(matches!(sent.end, End::Unsendable { .. }), "{sent:?}");
}

#[tokio::test]
async fn a_signature_is_verified_with_what_was_sent() {
    let (address, mut heard) = listener().await;
    let sign = |scheme| Some(Sign { scheme, secret: "out".parse().unwrap() });
    let hmac = Http { sign: sign(SignatureScheme::V1), ..http(&format!("http://{address}")) };
    let values =
        &[("out", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), ("out", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")];
    send(&endpoint(&hmac, values), &event(&[])).await;
    let (head, body) = heard.recv().await.unwrap();
    let signed = format!("{}.1790000000.{body}", delivery().id);
    let expected: Vec<String> = values
        .iter()
        .map(|(_, value)| {
            let key = STANDARD.decode(value.strip_prefix("whsec_").unwrap()).unwrap();
            let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
            format!("v1,{}", STANDARD.encode(aws_lc_rs::hmac::sign(&key, signed.as_bytes())))
        })
        .collect();
    assert_eq!(header(&head, "webhook-signature"), [expected.join(" ")]);

    let seed = "whsk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let ed25519 = Http { sign: sign(SignatureScheme::V1a), ..http(&format!("http://{address}")) };
    send(&endpoint(&ed25519, &[("out", "whsk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]), &event(&[])).await;
    let (head, _) = heard.recv().await.unwrap();
    let public = Ed25519KeyPair::from_seed_unchecked(&STANDARD.decode(&seed[5..]).unwrap()).unwrap();
    let signature = STANDARD.decode(header(&head, "webhook-signature")[0].strip_prefix("v1a,").unwrap()).unwrap();
    UnparsedPublicKey::new(&ED25519, public.public_key().as_ref()).verify(signed.as_bytes(), &signature).unwrap();
}

#[test]
fn a_secret_that_cannot_sign_is_told_at_its_place() {
    let sign = Some(Sign { scheme: SignatureScheme::V1, secret: "out".parse().unwrap() });
    let http = Http { sign, ..http("http://127.0.0.1") };
    let connector = connector(&[]);
    let client = Arc::new(Client::new(connector.clone(), Pool::default()));
    let faults = Endpoint::new(&http, &connector, client, |_| vec![Secret::new(b"hush".to_vec())]).unwrap_err();
    assert_eq!(faults.0[0].at, "sign.secret");
    assert!(!faults.to_string().contains("hush"));
}

#[tokio::test]
async fn every_answer_is_told_as_it_is() {
    let seconds = |seconds| Some(Wait::For(Duration::from_secs(seconds)));
    let date = Some(Wait::Until(Timestamp::from_millis(784_111_777_000)));
    for status in [200, 204, 301, 302, 307, 400, 401, 404, 408, 409, 410, 425, 429, 500, 502, 503, 504, 599] {
        for (field, wait) in [
            ("", None),
            ("retry-after: 120\r\n", seconds(120)),
            ("retry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\n", date),
            ("retry-after: soon\r\n", None),
        ] {
            let says = format!("HTTP/1.1 {status} X\r\n{field}x-a: b\r\ncontent-length: 0\r\n\r\n");
            let sent = sent_to(server::says(says.leak()).await).await;
            let (answer, asks) = answered(&sent);
            assert_eq!((answer.status, asks), (status, Asks { wait, ..Asks::default() }));
            assert!(answer.headers.contains(&("x-a".to_owned(), "b".to_owned())));
            assert!(answer.body.is_empty() && !answer.truncated);
        }
    }
    let says = "HTTP/1.1 400 X\r\nwebhook-delivery: abort-message\r\ncontent-length: 2\r\n\r\nno";
    let sent = sent_to(server::says(says).await).await;
    let (answer, asks) = answered(&sent);
    assert!(asks.abort && !asks.disable);
    assert_eq!(STANDARD.decode(&answer.body).unwrap(), b"no");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let followed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&followed);
    let private = server::raw(move |_| {
        count.fetch_add(1, Relaxed);
        std::future::ready(())
    })
    .await;
    for (status, to) in [
        (301, format!("http://{private}/")),
        (302, format!("http://localhost:{}/", private.port())),
        (303, "http://169.254.169.254/latest/meta-data".to_owned()),
        (307, format!("http://[::ffff:127.0.0.1]:{}/", private.port())),
        (308, format!("//{private}/")),
    ] {
        let says = format!("HTTP/1.1 {status} X\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
        let sent = sent_to(server::says(says.leak()).await).await;
        assert_eq!(answered(&sent).0.status, status);
    }
    assert_eq!(followed.load(Relaxed), 0);
}

#[tokio::test]
async fn of_a_long_answer_the_beginning_is_kept_and_the_connection_closed() {
    let (told, mut heard) = mpsc::unbounded_channel();
    let address = server::raw(move |mut tcp| {
        let told = told.clone();
        async move {
            server::read_head(&mut tcp).await;
            let bytes = 100 << 20;
            tcp.write_all(format!("HTTP/1.1 500 X\r\ncontent-length: {bytes}\r\n\r\n").as_bytes()).await.unwrap();
            let mut written = 0;
            while written < bytes {
                match tcp.write(&[b'x'; 64 << 10]).await {
                    Ok(more) => written += more,
                    Err(_) => break,
                }
            }
            told.send(written).unwrap();
        }
    })
    .await;
    let sent = sent_to(address).await;
    let (answer, _) = answered(&sent);
    assert_eq!((answer.status, answer.truncated), (500, true));
    assert_eq!(STANDARD.decode(&answer.body).unwrap(), vec![b'x'; 16 << 10]);
    // What the sockets hold and not much more.
    assert!(heard.recv().await.unwrap() < 50 << 20);
}

#[tokio::test]
async fn long_heads_are_kept_in_part() {
    let says = format!(
        "HTTP/1.1 500 X\r\nx-a: b\r\nx-long: {}\r\nx-more: {}\r\ncontent-length: 0\r\n\r\n",
        "y".repeat(10_000),
        "z".repeat(10_000)
    );
    let sent = sent_to(server::says(says.leak()).await).await;
    let (answer, _) = answered(&sent);
    let bytes: usize = answer.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(answer.truncated && bytes <= 16 << 10 && answer.headers.len() >= 2);
}

#[tokio::test]
async fn a_status_counts_whatever_becomes_of_the_body() {
    // Closes too early, hangs, and one byte a second.
    let closes = server::says_and_closes("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await;
    let hangs = server::says("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await;
    let drips = server::raw(|mut tcp| async move {
        server::read_head(&mut tcp).await;
        tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await.unwrap();
        while tcp.write_all(b"h").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
    .await;
    for address in [closes, hangs, drips] {
        let sent = sent_to(address).await;
        let (answer, _) = answered(&sent);
        assert_eq!((answer.status, answer.truncated), (200, true));
        assert!(STANDARD.decode(&answer.body).unwrap().starts_with(b"h"));
        assert!(sent.timings.first_byte_us.unwrap() <= sent.timings.total_us);
    }
}

#[tokio::test]
async fn who_does_not_answer_has_failed() {
    let silent = server::raw(|mut tcp| async move {
        server::read_head(&mut tcp).await;
        std::future::pending().await
    })
    .await;
    let drips = server::raw(|mut tcp| async move {
        server::read_head(&mut tcp).await;
        for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n" {
            if tcp.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
    .await;
    let resets = server::raw(|mut tcp| async move {
        server::read_head(&mut tcp).await;
        tcp.set_zero_linger().unwrap();
    })
    .await;
    let closes = server::says_and_closes("").await;
    let no_http = server::says("SSH-2.0-OpenSSH_9.6\r\n\r\n").await;
    let switches = server::says("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n").await;
    for (address, why) in [
        (silent, "did not begin to answer in time"),
        (drips, "did not begin to answer in time"),
        (resets, "broke off or answered something that is not HTTP"),
        (closes, "broke off or answered something that is not HTTP"),
        (no_http, "broke off or answered something that is not HTTP"),
        (switches, "broke off or answered something that is not HTTP"),
    ] {
        let sent = sent_to(address).await;
        assert!(failed(&sent).contains(why), "{sent:?}");
        assert!(sent.timings.total_us > 0 && sent.timings.first_byte_us.is_none());
    }
}

#[tokio::test]
async fn denied_addresses_are_not_called() {
    let connector = connector(&[]);
    let client = Arc::new(Client::new(connector.clone(), Pool::default()));
    let endpoint = Endpoint::new(&http("http://169.254.169.254/"), &connector, client, |_| Vec::new()).unwrap();
    let sent = send(&endpoint, &event(&[])).await;
    assert!(failed(&sent).contains("link-local and cloud metadata"), "{sent:?}");
}

#[tokio::test]
async fn the_parts_of_an_attempt_are_timed() {
    let (address, _heard) = listener().await;
    let endpoint = endpoint(&http(&format!("http://localhost:{}", address.port())), &[]);
    let first = send(&endpoint, &event(&[])).await.timings;
    let parts = [first.resolve_us, first.connect_us, first.first_byte_us];
    assert!(parts.iter().all(|part| part.is_some_and(|micros| micros > 0 && micros <= first.total_us)), "{first:?}");
    assert_eq!(first.tls_us, None);
    // Over the same connection.
    let second = send(&endpoint, &event(&[])).await.timings;
    assert_eq!((second.resolve_us, second.connect_us), (None, None));
    assert!(second.first_byte_us.is_some());
}
