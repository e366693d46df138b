//! Senders that others wrote, as processes.

use std::net::SocketAddr;

use serde_json::json;

use crate::support::{Destination, Platform, Program, Received, Reply, repository};

async fn platform(destination: &Destination) -> Platform {
    let platform = Platform::with_told(destination).await;
    platform.route("stream", "/stream", &["ci"], json!([])).await;
    platform
}

async fn echo() -> Destination {
    Destination::start(|received| Reply::status(201).header("x-echo", received.body.len().to_string()).body("done"))
        .await
}

fn url(gateway: SocketAddr, way: &str) -> String {
    format!("http://{gateway}{way}?a=1&b=%20")
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_is_served() {
    let destination = echo().await;
    let platform = platform(&destination).await;
    let large = "0123456789".repeat(50_000);
    for way in ["/hook", "/stream"] {
        for (arguments, body, method) in [
            (vec!["--data-binary", "@-"], "a=1\r\n\0b", "POST"),
            (vec!["--data-binary", "@-"], large.as_str(), "POST"),
            (vec!["--http2-prior-knowledge", "--data-binary", "@-"], large.as_str(), "POST"),
            (vec!["--upload-file", "-"], large.as_str(), "PUT"),
            (vec!["--http2-prior-knowledge", "--upload-file", "-"], large.as_str(), "PUT"),
            (
                vec!["--header", "Expect: 100-continue", "--expect100-timeout", "50", "--data-binary", "@-"],
                large.as_str(),
                "POST",
            ),
            (vec!["--header", "Transfer-Encoding: chunked", "--data-binary", "@-"], large.as_str(), "POST"),
        ] {
            let address = url(platform.gateway(), way);
            let format = "%{http_code} %{size_download}";
            let common = ["--silent", "--show-error", "--max-time", "60", "--write-out", format, "--header", "X-A: 1"];
            let curl = Program::new("curl").args(common).args(&arguments).args([&address]).input(body);
            assert_eq!(curl.printed().await, "done201 4", "{arguments:?} {way}");
            let received = destination.only();
            assert_eq!((received.method.as_str(), received.target.as_str()), (method, &*format!("{way}?a=1&b=%20")));
            assert_eq!(received.header("x-a"), "1");
            assert!(received.body == body.as_bytes(), "{arguments:?} {way}: {} bytes", received.body.len());
            destination.forget();
        }
    }
    platform.stop().await;
}

/// Over HTTP/2 older versions of curl forget the answer when the rest of the body is not wanted (RFC 9113, section 8.1), so
/// that is left to other clients.
#[tokio::test(flavor = "multi_thread")]
async fn curl_is_refused_what_is_too_large() {
    let destination = echo().await;
    let platform = platform(&destination).await;
    let large = "x".repeat((1 << 20) + 1);
    for way in ["/hook", "/stream"] {
        for arguments in [
            vec!["--data-binary", "@-"],
            vec!["--upload-file", "-"],
            vec!["--header", "Expect: 100-continue", "--expect100-timeout", "50", "--data-binary", "@-"],
        ] {
            let address = url(platform.gateway(), way);
            let common = [
                "--silent",
                "--show-error",
                "--max-time",
                "60",
                "--write-out",
                "%{http_code}",
                "--output",
                "/dev/null",
            ];
            let curl = Program::new("curl").args(common).args(&arguments).args([&address]).input(&large);
            let ended = curl.run().await;
            assert_eq!(ended.output, "413", "{arguments:?} {way}: {}", ended.errors);
        }
    }
    assert_eq!(destination.received(), []);
    platform.stop().await;
}

fn check(received: &[Received]) {
    let seen: Vec<_> = received
        .iter()
        .map(|event| (event.method.as_str(), event.header("x-case"), event.body.len(), event.header("x-text")))
        .collect();
    let expected = [
        ("POST", "bytes", 256, "caf\u{e9}"),
        ("POST", "chunks", 150_000, ""),
        ("PUT", "empty", 0, ""),
        ("DELETE", "none", 0, ""),
    ];
    let expected = expected.map(|(method, case, length, text)| (method, case.to_owned(), length, text.to_owned()));
    assert_eq!(seen, expected);
    assert_eq!(received[0].body, (0..=255).collect::<Vec<u8>>());
    assert!(received[1].body == "chunk".repeat(30_000).as_bytes());
}

/// `http.client` of the standard library, over one connection.
#[tokio::test(flavor = "multi_thread")]
async fn python_is_served() {
    let destination = echo().await;
    let platform = platform(&destination).await;
    for way in ["/hook", "/stream"] {
        let script = repository().join("tests/it/clients/client.py");
        let gateway = platform.gateway();
        let arguments = [script.to_str().unwrap(), &gateway.ip().to_string(), &gateway.port().to_string(), way];
        let printed = Program::new("python3").args(arguments).printed().await;
        assert_eq!(printed, "201 256 done\n201 150000 done\n201 0 done\n201 0 done\n413\n404\n");
        check(&destination.received());
        destination.forget();
    }
    platform.stop().await;
}

/// `fetch`, with a stream among its bodies.
#[tokio::test(flavor = "multi_thread")]
async fn node_is_served() {
    let destination = echo().await;
    let platform = platform(&destination).await;
    for way in ["/hook", "/stream"] {
        let script = repository().join("tests/it/clients/client.mjs");
        let arguments = [script.to_str().unwrap(), &format!("http://{}", platform.gateway()), way];
        let printed = Program::new("node").args(arguments).printed().await;
        assert_eq!(printed, "201 256 done\n201 150000 done\n201 0 done\n201 0 done\n413\n404\n");
        check(&destination.received());
        destination.forget();
    }
    platform.stop().await;
}
