//! TLS with certificates of our own making.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use delivery::{
    Connector,
    destinations::http::{Client, Kind, Pool, Target},
    egress::Allow,
};
use http::{HeaderName, HeaderValue, Request, Response, Version};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use model::destination::PathRule;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{destination, post, server, target, text};

/// A server for the name `localhost`, and the root to trust it by. Answers with the version of HTTP that it was
/// spoken to in, the authority, and the connection's number.
async fn secure(alpn: &[&[u8]]) -> (SocketAddr, CertificateDer<'static>) {
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut settings = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    settings.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(settings));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for connection in 1.. {
            let (tcp, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(tls) = acceptor.accept(tcp).await else { return };
                let service = service_fn(|request: Request<Incoming>| async move {
                    if request.uri().path() == "/silence" {
                        std::future::pending::<()>().await;
                    }
                    let version = if request.version() == Version::HTTP_2 { 2 } else { 1 };
                    let answer = format!("{version} {} {connection}", request.uri().authority().is_some());
                    let mut answer = Response::new(Full::new(Bytes::from(answer)));
                    if request.uri().path() == "/quoted" {
                        let name = HeaderName::from_lowercase(b"x\"y").unwrap();
                        answer.headers_mut().insert(name, HeaderValue::from_static("1"));
                    }
                    Ok::<_, Infallible>(answer)
                });
                let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(tls), service).await;
            });
        }
    });
    (address, authority.der().clone())
}

fn client(roots: &[CertificateDer<'static>]) -> Client {
    let allow = Allow::read(&["127.0.0.1", "localhost"]).unwrap();
    Client::new(Connector::new(allow, roots).unwrap(), Pool::default())
}

#[tokio::test]
async fn a_trusted_server_is_spoken_to_in_the_agreed_version() {
    for (alpn, expected) in
        [(&[b"h2".as_slice(), b"http/1.1"][..], "2 true 1"), (&[b"http/1.1"], "1 false 1"), (&[], "1 false 1")]
    {
        let (address, root) = secure(alpn).await;
        let target = target(&format!("https://localhost:{}", address.port()));
        let answer = client(&[root]).send(&target, post("/", "{}")).await.unwrap();
        assert_eq!(answer.version(), Version::HTTP_11);
        assert_eq!(text(answer).await, expected);
    }
}

/// Over HTTP/1.1 such a name is malformed, and the sender may speak that.
#[tokio::test]
async fn a_name_that_only_http_2_carries_is_not_passed_on() {
    let (address, root) = secure(&[b"h2"]).await;
    let mut destination = destination(&format!("https://localhost:{}/quoted", address.port()));
    destination.path = PathRule::Fixed;
    let target = Target::new(&destination).unwrap();
    let error = client(&[root]).send(&target, post("/", "{}")).await.unwrap_err();
    assert_eq!(error.kind, Kind::Broken);
    assert!(error.reason().contains("a header of the answer has a name that is none in HTTP"), "{}", error.reason());
}

#[tokio::test]
async fn requests_share_a_connection_of_http_2() {
    let (address, root) = secure(&[b"h2"]).await;
    let client = client(&[root]);
    let target = target(&format!("https://localhost:{}", address.port()));
    assert_eq!(text(client.send(&target, post("/", "{}")).await.unwrap()).await, "2 true 1");
    let (one, two) = tokio::join!(client.send(&target, post("/", "{}")), client.send(&target, post("/", "{}")));
    assert_eq!(text(one.unwrap()).await, "2 true 1");
    assert_eq!(text(two.unwrap()).await, "2 true 1");
}

#[tokio::test]
async fn the_head_of_the_answer_has_its_limit_in_http_2_too() {
    let (address, root) = secure(&[b"h2"]).await;
    let client = client(&[root]);
    let mut destination = destination(&format!("https://localhost:{}/silence", address.port()));
    destination.path = PathRule::Fixed;
    destination.first_byte_timeout = Duration::from_millis(200);
    let target = Target::new(&destination).unwrap();
    for body in ["", "{}"] {
        let error = client.send(&target, post("/", body)).await.unwrap_err();
        assert_eq!(error.kind, Kind::FirstByteTimeout);
    }
}

#[tokio::test]
async fn an_unknown_issuer_is_not_trusted() {
    let (address, _) = secure(&[b"http/1.1"]).await;
    let target = target(&format!("https://localhost:{}", address.port()));
    let error = client(&[]).send(&target, post("/", "{}")).await.unwrap_err();
    assert_eq!(error.kind, Kind::Tls);
    assert!(error.reason().contains("UnknownIssuer"), "{}", error.reason());
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_trusted() {
    let (address, root) = secure(&[b"http/1.1"]).await;
    let error = client(&[root]).send(&target(&format!("https://{address}")), post("/", "{}")).await.unwrap_err();
    assert_eq!(error.kind, Kind::Tls);
    assert!(error.reason().contains("not valid for name"), "{}", error.reason());
}

#[tokio::test]
async fn a_server_without_tls_gets_no_request() {
    let address = server::raw(|mut tcp| async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut hello = vec![0; 1024];
        let read = tcp.read(&mut hello).await.unwrap();
        assert!(!hello[..read].windows(4).any(|bytes| bytes == b"POST"));
        tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    })
    .await;
    let error = client(&[]).send(&target(&format!("https://{address}")), post("/", "{}")).await.unwrap_err();
    assert_eq!(error.kind, Kind::Tls);
}

#[test]
fn a_faulty_root_is_refused() {
    let faulty = CertificateDer::from(vec![1, 2, 3]);
    Connector::new(Allow::default(), &[faulty]).expect_err("three bytes are no certificate");
}
