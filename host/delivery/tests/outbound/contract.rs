//! What holds for every kind of destination, whatever it speaks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use delivery::{
    Destination,
    destinations::{End, Message, http::Endpoint},
};
use model::delivery::{Outcome, Timings};
use tokio::io::AsyncWriteExt;

use crate::{
    deliveries::{LATE, NOW, delivery, endpoint, event, http},
    server,
};

/// Makes destinations of one kind that behave in a certain way. Each must give up within two seconds.
#[async_trait]
trait Kind {
    type Destination: Destination;
    /// Takes messages; how many it has taken.
    async fn takes() -> (Self::Destination, Arc<AtomicUsize>);
    /// Refuses them, but could take them another time.
    async fn refuses() -> Self::Destination;
    /// Takes a connection and never says anything; how many connections there are.
    async fn is_silent() -> (Self::Destination, Arc<AtomicUsize>);
    /// Is not there.
    async fn is_absent() -> Self::Destination;
}

async fn outcome(destination: &impl Destination) -> (Outcome, Timings) {
    let (delivery, event, policy) = (delivery(), event(&[]), model::destination::Policy::default());
    let begun = Instant::now();
    let sent = destination.send(Message { delivery: &delivery, event: &event, now: NOW }).await;
    assert!(begun.elapsed() < destination.longest() + LATE);
    assert!(!matches!(sent.end, End::Unsendable { .. }), "{sent:?}");
    let tried = delivery::schedule::Tried {
        delivery: &delivery,
        slowed: 0,
        here: 0,
        onward: None,
        target: &policy,
        home: &delivery.destination,
        comes_back: false,
        retry: &policy.retry,
        holds_lane: false,
    };
    (delivery::schedule::decide(tried, &sent.end, NOW, 0).outcome, sent.timings)
}

async fn holds<K: Kind>() {
    let (takes, taken) = K::takes().await;
    assert!(takes.longest() <= Duration::from_secs(2));
    for number in 1..=3 {
        let (outcome, timings) = outcome(&takes).await;
        assert_eq!((outcome, taken.load(Relaxed)), (Outcome::Delivered, number));
        assert!(timings.total_us > 0);
    }
    assert_eq!(outcome(&K::refuses().await).await.0, Outcome::Failed);
    assert_eq!(outcome(&K::is_absent().await).await.0, Outcome::Failed);
    let (silent, open) = K::is_silent().await;
    assert_eq!(outcome(&silent).await.0, Outcome::Failed);
    // Who is not waited for any more is not kept: the connection is closed.
    let cut = tokio::time::timeout(Duration::from_millis(100), outcome(&silent)).await;
    assert!(cut.is_err());
    for _ in 0..100 {
        if open.load(Relaxed) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{open:?} connections are still open");
}

struct OverHttp;

#[async_trait]
impl Kind for OverHttp {
    type Destination = Endpoint;

    async fn takes() -> (Endpoint, Arc<AtomicUsize>) {
        let taken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&taken);
        let address = server::http(move |_, _| {
            count.fetch_add(1, Relaxed);
            std::future::ready(http::Response::new(http_body_util::Full::new(bytes::Bytes::new())))
        })
        .await;
        (endpoint(&http(&format!("http://{address}")), &[]), taken)
    }

    async fn refuses() -> Endpoint {
        let address = server::says("HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n").await;
        endpoint(&http(&format!("http://{address}")), &[])
    }

    async fn is_silent() -> (Endpoint, Arc<AtomicUsize>) {
        let open = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&open);
        let address = server::raw(move |mut tcp| {
            let count = Arc::clone(&count);
            async move {
                count.fetch_add(1, Relaxed);
                let _ = tokio::io::copy(&mut tcp, &mut tokio::io::sink()).await;
                let _ = tcp.shutdown().await;
                count.fetch_sub(1, Relaxed);
            }
        })
        .await;
        (endpoint(&http(&format!("http://{address}")), &[]), open)
    }

    async fn is_absent() -> Endpoint {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        endpoint(&http(&format!("http://{address}")), &[])
    }
}

#[tokio::test]
async fn http_endpoints_are_destinations() {
    holds::<OverHttp>().await;
}
