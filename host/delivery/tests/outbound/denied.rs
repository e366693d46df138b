//! Addresses that may not be called.

use std::{io::ErrorKind, net::TcpListener};

use delivery::{
    connector,
    destinations::http::{Kind, SendError},
};

use crate::{NEVER, client, connector, post, target, text};

/// Sends to `url`, in which PORT stands for that of a listener that must see no connection.
async fn refused(url: &str, allow: &[&str]) -> SendError {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let target = target(&url.replace("PORT", &port));
    let error = client(allow).send(&target, post("/", "{}")).await.expect_err(url);
    // A connection that was made would wait here.
    let waiting = listener.accept();
    assert!(waiting.is_err_and(|error| error.kind() == ErrorKind::WouldBlock), "{url} was connected to");
    error
}

#[tokio::test]
async fn loopback_is_denied_however_it_is_written() {
    for url in [
        "http://127.0.0.1:PORT",
        "http://127.9.9.9:PORT",
        "http://localhost:PORT",
        "http://LOCALHOST:PORT",
        "http://[::1]:PORT",
        "http://[::ffff:127.0.0.1]:PORT",
        "http://[::127.0.0.1]:PORT",
        "http://[64:ff9b::127.0.0.1]:PORT",
        "http://[2002:7f00:1::]:PORT",
        "http://0.0.0.0:PORT",
        "http://[::]:PORT",
        "https://127.0.0.1:PORT",
        // The system's resolver takes these for 127.0.0.1.
        "http://2130706433:PORT",
        "http://0x7f000001:PORT",
        "http://0177.0.0.1:PORT",
        "http://127.1:PORT",
    ] {
        assert_eq!(refused(url, &[]).await.kind, Kind::Denied, "{url}");
    }
}

#[tokio::test]
async fn metadata_and_private_addresses_are_denied() {
    for url in
        ["http://169.254.169.254/latest/meta-data", "http://[fd00:ec2::254]", "http://10.0.0.1", "http://[fe80::1]"]
    {
        assert_eq!(refused(url, &["127.0.0.1", "localhost"]).await.kind, Kind::Denied, "{url}");
    }
}

#[tokio::test]
async fn the_log_is_told_what_to_set_and_the_sender_is_not() {
    let error = refused("http://localhost:PORT", &["localhost:1", "127.0.0.1:1", "10.0.0.0/8"]).await;
    assert_eq!(error.status(), 502);
    assert_eq!(error.to_string(), "the destination's address is denied");
    assert!(error.reason().contains("`localhost` to `egress.allow`"), "{}", error.reason());
    assert!(error.reason().contains("loopback"), "{}", error.reason());
}

#[tokio::test]
async fn an_entry_opens_what_it_names() {
    let address = crate::server::says_and_closes("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let port = address.port();
    for (host, allow) in [
        ("127.0.0.1", format!("127.0.0.1:{port}")),
        ("127.0.0.1", "127.0.0.0/8".to_owned()),
        ("localhost", format!("localhost:{port}")),
        // Of the name's addresses the one that is allowed is taken.
        ("localhost", format!("127.0.0.1:{port}")),
        ("[::ffff:127.0.0.1]", "127.0.0.1".to_owned()),
    ] {
        let target = target(&format!("http://{host}:{port}"));
        let answer = client(&[&allow]).send(&target, post("/", "{}")).await.unwrap();
        assert_eq!(text(answer).await, "ok", "{host} with {allow}");
    }
}

#[tokio::test]
async fn a_raw_connection_is_denied_as_well() {
    let error = connector(&[]).connect("localhost", 9, NEVER).await.unwrap_err();
    assert!(matches!(&error, connector::Error::Denied(denied) if denied.address.ip().is_loopback()), "{error}");
}
