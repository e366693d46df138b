//! A destination that takes everything and looks closely at it: what the gateway sends is one whole request after the other.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use super::chunks;

pub(super) struct Sink {
    pub(super) address: SocketAddr,
    wrong: Mutex<Vec<String>>,
}

/// Nobody beside the host says these, and they go no further than to it.
const OF_ONE_CONNECTION: [&str; 4] = ["keep-alive", "proxy-connection", "upgrade", "expect"];

impl Sink {
    pub(super) fn open() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let sink = Arc::new(Self { address, wrong: Mutex::default() });
        let shared = Arc::clone(&sink);
        thread::spawn(move || {
            for tcp in listener.incoming().flatten() {
                let sink = Arc::clone(&shared);
                thread::spawn(move || sink.serve(tcp));
            }
        });
        sink
    }

    /// What was wrong with what came, and is forgotten then.
    pub(super) fn wrong(&self) -> Vec<String> {
        std::mem::take(&mut *self.wrong.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn serve(&self, tcp: TcpStream) {
        let mut tcp = BufReader::new(tcp);
        // A sender that broke off breaks this off.
        while let Some(head) = read_head(&mut tcp) {
            let Some(body) = self.framing(&head) else {
                let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
                return wrong.push(head.escape_ascii().to_string());
            };
            if read_body(&mut tcp, &body).is_none() {
                return;
            }
            let rest: &[u8] = if head.starts_with(b"HEAD ") { b"" } else { b"ok" };
            let answer = [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", rest].concat();
            if tcp.get_mut().write_all(&answer).is_err() {
                return;
            }
        }
    }

    /// How the body is framed; none if this is not a head as it must be.
    fn framing(&self, head: &[u8]) -> Option<Framing> {
        let strict = head.iter().enumerate().all(|(at, byte)| match byte {
            b'\n' => at > 0 && head[at - 1] == b'\r',
            b'\r' => head.get(at + 1) == Some(&b'\n'),
            _ => *byte != 0,
        });
        let mut room = [httparse::EMPTY_HEADER; 512];
        let mut read = httparse::Request::new(&mut room);
        let Ok(httparse::Status::Complete(length)) = read.parse(head) else { return None };
        let values = |name: &str| -> Vec<&[u8]> {
            read.headers.iter().filter(|line| line.name.eq_ignore_ascii_case(name)).map(|line| line.value).collect()
        };
        let foreign = OF_ONE_CONNECTION.iter().any(|name| !values(name).is_empty());
        let own_host = values("host") == [self.address.to_string().as_bytes()];
        let target = read.path.is_some_and(|path| path.starts_with('/'));
        let right = strict && length == head.len() && own_host && target && !foreign && read.version == Some(1);
        if !right || values("via").is_empty() || values("traceparent").len() != 1 {
            return None;
        }
        match (&values("content-length")[..], &values("transfer-encoding")[..]) {
            ([], []) => Some(Framing::Length(0)),
            ([digits], []) if digits.iter().all(u8::is_ascii_digit) => {
                Some(Framing::Length(str::from_utf8(digits).ok()?.parse().ok()?))
            }
            ([], [b"chunked"]) => Some(Framing::Chunked),
            _ => None,
        }
    }
}

enum Framing {
    Length(u64),
    Chunked,
}

fn read_head(tcp: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if tcp.read_until(b'\n', &mut head).ok()? == 0 {
            return None;
        }
    }
    Some(head)
}

fn read_body(tcp: &mut BufReader<TcpStream>, framing: &Framing) -> Option<()> {
    match framing {
        Framing::Length(length) => {
            let mut body = Vec::new();
            (tcp.take(*length).read_to_end(&mut body).ok()? as u64 == *length).then_some(())
        }
        Framing::Chunked => {
            let mut body = Vec::new();
            while chunks(&body).is_none() {
                if tcp.read_until(b'\n', &mut body).ok()? == 0 {
                    return None;
                }
            }
            Some(())
        }
    }
}
