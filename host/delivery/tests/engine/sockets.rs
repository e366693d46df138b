//! All of it at once: the journal on disk, the engine, and an HTTP endpoint behind a socket, in real time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use delivery::{
    Connector, Ready,
    destinations::http::{Client, Endpoint, Pool},
    egress::Allow,
};
use model::{
    Secret,
    delivery::{Outcome, Status},
    destination::{DestinationSpec, Policy},
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::world::{World, name};

/// Wants patience first, then takes everything.
async fn receiver() -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, taken) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&taken);
    tokio::spawn(async move {
        loop {
            let (mut tcp, _) = listener.accept().await.unwrap();
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let mut read = Vec::new();
                while tcp.read_buf(&mut read).await.is_ok_and(|bytes| bytes > 0) {
                    let text = String::from_utf8_lossy(&read);
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    if body.is_empty() {
                        continue;
                    }
                    assert!(head.contains("webhook-signature: v1,") && head.contains("webhook-id: dlv_"), "{head}");
                    let says = match count.fetch_add(1, Relaxed) {
                        0 => "HTTP/1.1 503 X\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n",
                        _ => "HTTP/1.1 204 No Content\r\n\r\n",
                    };
                    read.clear();
                    tcp.write_all(says.as_bytes()).await.unwrap();
                }
            });
        }
    });
    (address, taken)
}

#[tokio::test]
async fn from_the_journal_to_a_socket() {
    let (address, taken) = receiver().await;
    let spec = json!({ "url": format!("http://{address}/hooks"), "sign": { "secret": "out" } });
    let spec: DestinationSpec = serde_json::from_value(spec).unwrap();
    let destination = spec.read(&name("team"), &name("ci")).unwrap();
    let connector = Connector::new(Allow::read(&["127.0.0.1"]).unwrap(), &[]).unwrap();
    let client = Arc::new(Client::new(connector.clone(), Pool::default()));
    let secret = || vec![Secret::new(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_vec())];
    let endpoint = Endpoint::new(&destination.http, &connector, client, |_| secret()).unwrap();
    let policy = Policy { ..destination.policy };
    let mut world = World::new();
    world.is("ci", Ready { policy, destination: Box::new(endpoint) });
    world.start();
    let first = world.take(&["ci"]).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    for _ in 0..50 {
        world.take(&["ci"]).await;
    }
    let arrived = async {
        while world.count(Status::Delivered).await < 51 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), arrived).await.unwrap();
    assert_eq!(taken.load(Relaxed), 52);
    let (_, attempts) = world.delivery(first[0]).await;
    assert_eq!(
        attempts.iter().map(|attempt| attempt.outcome).collect::<Vec<_>>(),
        [Outcome::Slowed, Outcome::Delivered]
    );
    let waited = attempts[1].started.as_millis() - attempts[0].started.as_millis();
    assert!((1_000..2_000).contains(&waited), "{waited}");
    assert_eq!(attempts[0].answer.as_ref().unwrap().status, 503);
    world.stop().await;
}
