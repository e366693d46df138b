//! Requests that are mostly right, made out of the input's bytes: what is wrong in them is not found at the first line.

use arbitrary::{Result, Unstructured};

use crate::event::{self, Words};

const METHODS: Words = (&["POST", "GET", "PUT", "HEAD"], &["OPTIONS", "CONNECT", "post", "TRACE", "", "P\0"]);
const TARGETS: Words = (
    &["/hook", "/hook?a=b", "/stream/a", "/stream/a/b?c", "/stream/%2e%2e/\"{}"],
    &[
        "*",
        "http://a.example/hook",
        "http://b/stream/x?y#z",
        "/nowhere",
        "//hook",
        "/hook ",
        "/stream/é",
        "hook",
        "a:1",
        "/stream/\0",
    ],
);
const VERSIONS: Words = (&["HTTP/1.1", "HTTP/1.1", "HTTP/1.0"], &["HTTP/2.0", "HTTP/1.2", "http/1.1", "HTTP/1.10", ""]);
const LINES: Words = (
    &[
        "content-type: application/json",
        "Connection: keep-alive",
        "Connection: close, x-a",
        "Keep-Alive: timeout=5",
        "Proxy-Connection: keep-alive",
        "Proxy-Authorization: Basic eA==",
        "Upgrade: h2c",
        "Connection: Upgrade",
        "TE: trailers",
        "TE: gzip, trailers",
        "Trailer: x-sum",
        "Expect: 100-continue",
        "x-a: 1",
        "x-a:2",
        "X-A:   \u{80}\u{ff} ",
        "Via: 1.1 a",
        "Forwarded: for=1.2.3.4;host=\"x\", for=_a",
        "X-Forwarded-For: 1.2.3.4, ::1",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: h",
        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "tracestate: a=b",
        "x-request-id: 1",
        "snaphook-event: evt_1",
    ],
    &[
        "Host: a",
        "Host: b",
        "Content-Length: 0",
        "content-length: 2, 2",
        "Content-Length: -1",
        "content-length: 0x2",
        "content-length : 2",
        "Transfer-Encoding: identity",
        "transfer-encoding: chunked, chunked",
        "transfer-encoding: xchunked",
        "Transfer-Encoding:\u{b}chunked",
        "Connection: content-length, host, transfer-encoding",
        "Connection: \"",
        "Expect: other",
        "x-a: 1\rx-b: 2",
        "x-a: 1\nx-b: 2",
        " folded",
        "\tfolded",
        "x a: 1",
        ": 1",
        "x-a",
        "x-a: \0",
        "x-\"a: 1",
        "traceparent: 00",
        "Forwarded: for=\"",
        "X-Forwarded-For: a\"b",
        "",
    ],
);
const HOSTS: Words = (&["a", "a.example", "[::1]:80"], &["", "a b", "a@b", "a:99999", "[", "a/b"]);
const BODIES: Words =
    (&["{}", "[1,2]", "a", ""], &["0\r\n\r\n", "GET /stream/smuggled HTTP/1.1\r\nhost: a\r\n\r\n", "\r\n"]);

/// Up to three, one behind the other.
pub(super) fn requests(input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for _ in 0..input.int_in_range(1..=3)? {
        request(input, &mut bytes)?;
    }
    Ok(bytes)
}

fn request(input: &mut Unstructured<'_>, bytes: &mut Vec<u8>) -> Result<()> {
    let line = [event::text(input, METHODS)?, event::text(input, TARGETS)?, event::text(input, VERSIONS)?].join(" ");
    let mut lines = vec![line, format!("Host: {}", event::text(input, HOSTS)?)];
    lines.extend(event::list(input, 6, |input| event::text(input, LINES))?);
    let body = event::text(input, BODIES)?;
    let framing = input.int_in_range(0..=11)?;
    if matches!(framing, 0..=4 | 9 | 10) {
        let length = if framing == 9 { body.len() + 1 } else { body.len() };
        lines.push(format!("Content-Length: {length}"));
    }
    if matches!(framing, 5..=8 | 10) {
        lines.push("Transfer-Encoding: chunked".to_owned());
    }
    for line in lines {
        bytes.extend(latin(&line));
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"\r\n");
    if matches!(framing, 5..=8) {
        let half = body.floor_char_boundary(body.len() / 2);
        for chunk in [&body[..half], &body[half..]].into_iter().filter(|chunk| !chunk.is_empty()) {
            let extension = if input.ratio(1, 4)? { ";a=\"b\"" } else { "" };
            bytes.extend(format!("{:x}{extension}\r\n{chunk}\r\n", chunk.len()).bytes());
        }
        bytes.extend(b"0\r\n");
        if input.ratio(1, 4)? {
            bytes.extend(latin(&event::text(input, LINES)?));
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"\r\n");
    } else {
        bytes.extend(body.bytes());
    }
    Ok(())
}

/// One byte for each of the first 256 characters, and UTF-8 for the others.
fn latin(text: &str) -> Vec<u8> {
    let bytes = text.chars().map(|character| match u8::try_from(character) {
        Ok(byte) => vec![byte],
        Err(_) => character.to_string().into_bytes(),
    });
    bytes.collect::<Vec<_>>().concat()
}
