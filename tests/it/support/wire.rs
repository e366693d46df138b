//! A connection to the gateway where every byte is the story's own.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use super::{Answer, within};

pub(crate) struct Wire(BufReader<TcpStream>);

impl Wire {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) fn over(tcp: TcpStream) -> Self {
        Self(BufReader::new(tcp))
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Writes what the gateway may no longer want to read.
    pub(crate) async fn try_write(&mut self, bytes: impl AsRef<[u8]>) {
        // Whether it still takes them is the gateway's choice; its answer is what counts.
        _ = self.0.write_all(bytes.as_ref()).await;
    }

    /// The status of the answer to a request; none if the host is gone before all of it came.
    pub(crate) async fn try_exchange(&mut self, request: impl AsRef<[u8]>) -> Option<u16> {
        self.0.write_all(request.as_ref()).await.ok()?;
        let (mut status, mut length) = (None, 0);
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                status = rest.get(..3)?.parse().ok();
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().ok()?;
            }
            if line == "\r\n" {
                break;
            }
        }
        self.0.read_exact(&mut vec![0; length]).await.ok()?;
        status
    }

    /// Says that nothing more will come.
    pub(crate) async fn end(&mut self) {
        self.0.shutdown().await.unwrap();
    }

    /// The next answer, also an interim one. Of an answer to HEAD the body is not there.
    pub(crate) async fn answer_to(&mut self, method: &str) -> Answer {
        within("an answer on the wire", async {
            let line = self.line().await;
            let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
            let status: u16 = status.unwrap_or_else(|| panic!("no status line: {line:?}"));
            let headers = self.fields().await;
            let mut answer = Answer { status, headers, body: Bytes::new(), trailers: HeaderMap::new() };
            if method == "HEAD" || matches!(status, 100..=199 | 204 | 304) {
                return answer;
            }
            if answer.header("transfer-encoding") == "chunked" {
                self.chunks(&mut answer).await;
            } else {
                let length = answer.header("content-length").parse().unwrap();
                let mut body = vec![0; length];
                self.0.read_exact(&mut body).await.unwrap();
                answer.body = body.into();
            }
            answer
        })
        .await
    }

    pub(crate) async fn answer(&mut self) -> Answer {
        self.answer_to("POST").await
    }

    /// What comes up to the end of a head, that of a request as well.
    pub(crate) async fn read_head(&mut self) -> String {
        within("a head on the wire", async {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                assert_ne!(self.0.read_until(b'\n', &mut head).await.unwrap(), 0, "closed before the head's end");
            }
            String::from_utf8(head).unwrap()
        })
        .await
    }

    /// Exactly so many bytes.
    pub(crate) async fn read_bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        within("bytes on the wire", self.0.read_exact(&mut bytes)).await.unwrap();
        bytes
    }

    /// Waits until the gateway closes the connection, without another byte.
    pub(crate) async fn closed(mut self) {
        let mut rest = Vec::new();
        // A reset is a way to close.
        _ = within("the end of the connection", self.0.read_to_end(&mut rest)).await;
        assert_eq!(rest.escape_ascii().to_string(), "");
    }

    async fn chunks(&mut self, answer: &mut Answer) {
        let mut body = Vec::new();
        loop {
            let size = usize::from_str_radix(&self.line().await, 16).unwrap();
            if size == 0 {
                answer.trailers = self.fields().await;
                answer.body = body.into();
                return;
            }
            let start = body.len();
            body.resize(start + size, 0);
            self.0.read_exact(&mut body[start..]).await.unwrap();
            assert_eq!(self.line().await, "");
        }
    }

    async fn fields(&mut self) -> HeaderMap {
        let mut fields = HeaderMap::new();
        loop {
            let line = self.bytes().await;
            if line.is_empty() {
                return fields;
            }
            let colon = line.iter().position(|byte| *byte == b':').unwrap();
            let name = HeaderName::from_bytes(&line[..colon]).unwrap();
            fields.append(name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).unwrap());
        }
    }

    async fn line(&mut self) -> String {
        String::from_utf8(self.bytes().await).unwrap()
    }

    async fn bytes(&mut self) -> Vec<u8> {
        let mut line = Vec::new();
        self.0.read_until(b'\n', &mut line).await.unwrap();
        let end = line.strip_suffix(b"\r\n").map(<[u8]>::len);
        line.truncate(end.unwrap_or_else(|| panic!("the connection ended in a line: {}", line.escape_ascii())));
        line
    }
}
