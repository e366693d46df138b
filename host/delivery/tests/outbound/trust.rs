//! Destinations with roots and client certificates of their own.

use std::{net::SocketAddr, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use delivery::{
    Connector,
    destinations::{
        End,
        http::{Client, Endpoint, Pool},
    },
    egress::Allow,
};
use model::{
    Secret,
    destination::{DestinationSpec, Http},
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    RootCertStore,
    pki_types::PrivateKeyDer,
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpListener};
use tokio_rustls::TlsAcceptor;

use crate::deliveries::{answered, event, http, send};

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn issuer() -> Issuer {
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap()
}

fn pem(label: &str, der: &[u8]) -> String {
    let lines: Vec<String> = der.chunks(48).map(|line| STANDARD.encode(line)).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// A certificate and its key, PEM.
fn issued(by: &Issuer, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, by).unwrap();
    (pem("CERTIFICATE", certificate.der()), pem("PRIVATE KEY", &key.serialize_der()))
}

/// For `localhost`, with a certificate of `by`. Asks for one of `clients`, if there are any, and answers who called.
async fn secure(by: &Issuer, clients: Option<&Issuer>) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier: Arc<dyn ClientCertVerifier> = match clients {
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            roots.add(clients.der().clone()).unwrap();
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap()
        }
        None => WebPkiClientVerifier::no_client_auth(),
    };
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, by).unwrap();
    let settings = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(settings));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut tls) = acceptor.accept(tcp).await else { return };
                loop {
                    let mut read = Vec::new();
                    while !read.ends_with(b"{\"a\": 1}") {
                        match tokio::io::AsyncReadExt::read_buf(&mut tls, &mut read).await {
                            Ok(0) | Err(_) => return,
                            Ok(_) => {}
                        }
                    }
                    let shown = tls.get_ref().1.peer_certificates().is_some_and(|chain| !chain.is_empty());
                    let says = format!("HTTP/1.1 200 OK\r\nx-shown: {shown}\r\ncontent-length: 0\r\n\r\n");
                    tls.write_all(says.as_bytes()).await.unwrap();
                }
            });
        }
    });
    address
}

/// Destinations of one house, which share a client.
struct House {
    connector: Connector,
    client: Arc<Client>,
}

impl House {
    fn new() -> Self {
        let allow = Allow::read(&["127.0.0.1", "localhost"]).unwrap();
        let connector = Connector::new(allow, &[]).unwrap();
        Self { client: Arc::new(Client::new(connector.clone(), Pool::default())), connector }
    }

    fn endpoint(&self, address: SocketAddr, ca: Option<&Issuer>, client: Option<(&str, &str)>) -> Endpoint {
        self.try_endpoint(address, ca, client).unwrap()
    }

    fn try_endpoint(
        &self,
        address: SocketAddr,
        ca: Option<&Issuer>,
        client: Option<(&str, &str)>,
    ) -> Result<Endpoint, model::Faults> {
        let mut spec = json!({ "url": format!("https://localhost:{}", address.port()) });
        if let Some(ca) = ca {
            spec["ca"] = json!(pem("CERTIFICATE", ca.der()));
        }
        if let Some((certificate, _)) = client {
            spec["client_certificate"] = json!({ "certificate": certificate, "key": "key" });
        }
        let spec: DestinationSpec = serde_json::from_value(spec).unwrap();
        let read = spec.read(&"team".parse().unwrap(), &"ci".parse().unwrap()).unwrap();
        let http = Http { trust: read.http.trust, ..http(&spec.url) };
        let key = client.map(|(_, key)| Secret::new(key.as_bytes().to_vec()));
        Endpoint::new(&http, &self.connector, Arc::clone(&self.client), |_| key.iter().cloned().collect())
    }
}

async fn fails(endpoint: &Endpoint) -> String {
    match send(endpoint, &event(&[])).await.end {
        End::Failed { reason } => reason,
        end => panic!("{end:?}"),
    }
}

#[tokio::test]
async fn an_own_root_is_trusted_by_its_destination_alone() {
    let (house, issuer) = (House::new(), issuer());
    let address = secure(&issuer, None).await;
    let sent = send(&house.endpoint(address, Some(&issuer), None), &event(&[])).await;
    assert_eq!(answered(&sent).0.status, 200);
    assert!(sent.timings.tls_us.is_some_and(|micros| micros > 0), "{:?}", sent.timings);
    // The connection that is open must not serve one that does not trust it.
    let stranger = fails(&house.endpoint(address, None, None)).await;
    assert!(stranger.contains("UnknownIssuer"), "{stranger}");
    let other = self::issuer();
    let stranger = fails(&house.endpoint(address, Some(&other), None)).await;
    assert!(stranger.contains("the destination offers no TLS that can be trusted"), "{stranger}");
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_who_asks() {
    let (house, issuer, clients) = (House::new(), issuer(), issuer());
    let address = secure(&issuer, Some(&clients)).await;
    let (certificate, key) = issued(&clients, "snaphook");
    let known = house.endpoint(address, Some(&issuer), Some((&certificate, &key)));
    for _ in 0..2 {
        let sent = send(&known, &event(&[])).await;
        let shown = ("x-shown".to_owned(), "true".to_owned());
        assert!(answered(&sent).0.headers.contains(&shown), "{sent:?}");
    }
    // Neither one without nor one of somebody else gets in, not even over the connection that is open.
    fails(&house.endpoint(address, Some(&issuer), None)).await;
    let (certificate, key) = issued(&issuer, "snaphook");
    fails(&house.endpoint(address, Some(&issuer), Some((&certificate, &key)))).await;
}

#[tokio::test]
async fn what_cannot_be_used_is_told_at_its_place() {
    let (house, issuer) = (House::new(), issuer());
    let address = "127.0.0.1:1".parse().unwrap();
    let (certificate, key) = issued(&issuer, "snaphook");
    let (_, other_key) = issued(&issuer, "snaphook");
    for (client, expected) in [
        ((certificate.as_str(), "hush"), "client_certificate.key: secret `key` holds no private key in PEM"),
        ((&certificate, &other_key), "client_certificate: certificate and key cannot be used together"),
    ] {
        let said = house.try_endpoint(address, None, Some(client)).unwrap_err().to_string();
        assert!(said.starts_with(expected) && !said.contains("hush"), "{said}");
    }
    house.try_endpoint(address, None, Some((&certificate, &key))).unwrap();
    let faulty = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n";
    let spec: DestinationSpec = serde_json::from_value(json!({ "url": "https://a", "ca": faulty })).unwrap();
    let read = spec.read(&"team".parse().unwrap(), &"ci".parse().unwrap()).unwrap();
    let said = house.connector.tls(&read.http.trust, None).unwrap_err().to_string();
    assert!(said.starts_with("ca: certificate 1 is no root"), "{said}");
}
