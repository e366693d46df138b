//! What comes over the network: any bytes on a connection to a running gateway. It answers with what is well-formed or closes,
//! nothing in it panics, a destination gets whole requests only, and the next sender is served as always.
//!
//! Input whose first byte is 0 is not sent: requests are made of it.

use std::{
    borrow::Cow,
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::LazyLock,
    time::Duration,
};

use arbitrary::Unstructured;

mod host;
mod made;
mod sink;

use host::Host;

/// Words that are worth trying.
pub const WORDS: &[&str] = &[
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    " ",
    "\t",
    "\0",
    ":",
    "GET ",
    "POST ",
    "HEAD ",
    "OPTIONS * ",
    "CONNECT ",
    "/hook",
    "/stream",
    "/hook?a=b",
    "http://a.example/hook",
    " HTTP/1.1\r\n",
    " HTTP/1.0\r\n",
    "Host: a.example\r\n",
    "host: b\r\n",
    "Content-Length: 2\r\n",
    "content-length: 02\r\n",
    "content-length: +2\r\n",
    "Content-Length: 99999999999999999999\r\n",
    "Transfer-Encoding: chunked\r\n",
    "transfer-encoding: gzip, chunked\r\n",
    "transfer-encoding:\tchunked\r\n",
    "0\r\n\r\n",
    "2\r\n{}\r\n",
    "2;a=b\r\n{}\r\n",
    "ffffffffffffffff\r\n",
    "Connection: close\r\n",
    "connection: x-a, content-length\r\n",
    "Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
    "Expect: 100-continue\r\n",
    "TE: trailers\r\n",
    "Trailer: x-a\r\n",
    "x-a: 1\r\n",
    " folded\r\n",
    "x-a : 1\r\n",
    "Forwarded: for=\"[::1]\"\r\n",
    "X-Forwarded-For: 1, 2\r\n",
    "x-forwarded-host: a,b\r\n",
    "traceparent: 00-1-1-1\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "\0\0\0\u{4}\0\0\0\0\0",
    "\0\0\u{1}\u{1}\u{5}\0\0\0\u{1}",
    "%00",
    "é",
    "{}",
];

/// Nobody waits this long unless something hangs, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long an answer is waited for before the sender says that nothing more will come. A sender that has gone away is not
/// answered, so without it few would be.
const PAUSE: Duration = Duration::from_millis(10);
/// More than the gateway takes of a head.
const BYTES_MOST: usize = 128 << 10;
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

static HOST: LazyLock<Host> = LazyLock::new(Host::start);

pub fn run(bytes: &[u8]) {
    let bytes = match bytes.split_first() {
        Some((0, rest)) => Cow::Owned(made::requests(&mut Unstructured::new(rest)).unwrap_or_default()),
        _ => Cow::Borrowed(bytes),
    };
    let bytes = &bytes[..bytes.len().min(BYTES_MOST)];
    let answer = spoken(HOST.gateway, bytes, PAUSE);
    if bytes.starts_with(PREFACE) && !answer.starts_with(b"HTTP/1.") {
        frames(&answer);
    } else {
        answers(&answer);
    }
    let good = b"POST /hook HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
    let next = spoken(HOST.gateway, good, PATIENCE);
    let served = next.starts_with(b"HTTP/1.1 200 ") && next.ends_with(b"\r\n\r\nok");
    assert!(served, "the next sender is answered {}", next.escape_ascii());
    HOST.was_well();
}

/// Everything that is said to these bytes until the connection is closed. After a pause the sender says that nothing more
/// will come.
fn spoken(to: SocketAddr, bytes: &[u8], pause: Duration) -> Vec<u8> {
    let mut tcp = TcpStream::connect(to).expect("the gateway takes connections");
    tcp.set_write_timeout(Some(PATIENCE)).expect("a timeout");
    // Whether it takes all of it is the gateway's choice.
    _ = tcp.write_all(bytes);
    let mut answer = Vec::new();
    for (pause, last) in [(pause, false), (PATIENCE, true)] {
        tcp.set_read_timeout(Some(pause)).expect("a timeout");
        let mut room = [0; 8 << 10];
        loop {
            match tcp.read(&mut room) {
                Ok(0) => return answer,
                Ok(length) => answer.extend_from_slice(&room[..length]),
                Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                    assert!(!last, "the connection hangs after {}", answer.escape_ascii());
                    break;
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                // A reset is a way to close.
                Err(_) => return answer,
            }
        }
        _ = tcp.shutdown(Shutdown::Write);
    }
    answer
}

/// One whole answer after the other, interim ones included.
fn answers(mut bytes: &[u8]) {
    let shown = bytes;
    let wrong = |what: &str| -> ! { panic!("{what}: {}", shown.escape_ascii()) };
    while !bytes.is_empty() {
        let mut room = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Response::new(&mut room);
        let Ok(httparse::Status::Complete(length)) = head.parse(bytes) else { wrong("no head of an answer") };
        let Some(status @ 100..=599) = head.code else { wrong("no status of an answer") };
        let header = |name: &str| {
            let mut values =
                head.headers.iter().filter(|line| line.name.eq_ignore_ascii_case(name)).map(|line| line.value);
            let value = values.next();
            if values.next().is_some() { wrong("a header twice") } else { value }
        };
        let (content_length, encoding) = (header("content-length"), header("transfer-encoding"));
        bytes = &bytes[length..];
        // Of an answer to HEAD the body is not there.
        if matches!(status, 100..=199 | 204 | 304) || bytes.is_empty() || bytes.starts_with(b"HTTP/1.") {
            continue;
        }
        let body = match (content_length, encoding) {
            (Some(digits), None) => {
                let length = str::from_utf8(digits).ok().and_then(|digits| digits.parse::<usize>().ok());
                length.unwrap_or_else(|| wrong("no length"))
            }
            (None, Some(b"chunked")) => chunks(bytes).unwrap_or_else(|| wrong("no chunks")),
            // As of old: to the end of the connection.
            (None, None) => bytes.len(),
            _ => wrong("an answer that is framed in two ways"),
        };
        let Some(rest) = bytes.get(body..) else { wrong("an answer that breaks off") };
        assert!(!bytes[..body].windows(8).any(|part| part == b"panicked"), "{}", shown.escape_ascii());
        bytes = rest;
    }
}

/// How long a chunked body is; none if it is no such body.
pub(crate) fn chunks(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let httparse::Status::Complete((head, size)) = httparse::parse_chunk_size(&bytes[at..]).ok()? else {
            return None;
        };
        at += head;
        if size == 0 {
            let mut room = [httparse::EMPTY_HEADER; 64];
            let trailers = httparse::parse_headers(&bytes[at..], &mut room).ok()?;
            return if let httparse::Status::Complete((length, _)) = trailers { Some(at + length) } else { None };
        }
        at = at.checked_add(usize::try_from(size).ok()?)?.checked_add(2)?;
        if bytes.get(at - 2..at)? != b"\r\n" {
            return None;
        }
    }
}

/// Frames of HTTP/2 (RFC 9113, section 4.1), the last one whole.
fn frames(mut bytes: &[u8]) {
    while let Some((head, rest)) = bytes.split_first_chunk::<9>() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        assert!(length <= 1 << 14, "a frame of {length} bytes");
        let Some(rest) = rest.get(length..) else { panic!("a frame breaks off: {}", bytes.escape_ascii()) };
        bytes = rest;
    }
    assert!(bytes.is_empty(), "no frame: {}", bytes.escape_ascii());
}
