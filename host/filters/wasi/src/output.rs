//! Standard output and error, cut into lines and bounded.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub stream: Stream,
    pub text: String,
}

/// Both streams of one call, in the order in which they were written.
#[derive(Debug, Clone)]
pub(crate) struct Output(Arc<Mutex<Written>>);

#[derive(Debug)]
struct Written {
    chunks: Vec<(Stream, Vec<u8>)>,
    room: usize,
    left_out: u32,
    /// Whether the beginning of a line was kept and its end has not come, on standard output and error.
    begun: [bool; 2],
}

impl Written {
    fn new(room: usize) -> Self {
        Self { chunks: Vec::new(), room, left_out: 0, begun: [false; 2] }
    }
}

impl Output {
    pub(crate) fn new(room: usize) -> Self {
        Self(Arc::new(Mutex::new(Written::new(room))))
    }

    /// For another call.
    pub(crate) fn begin(&self, room: usize) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Written::new(room);
    }

    pub(crate) fn stream(&self, stream: Stream) -> Writer {
        Writer { stream, output: self.clone() }
    }

    fn write(&self, stream: Stream, bytes: &[u8]) {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (kept, rest) = bytes.split_at(bytes.len().min(written.room));
        let begun = &mut written.begun[stream as usize];
        *begun = kept.last().map_or(*begun, |last| *last != b'\n');
        let mut lost = rest.iter().filter(|byte| **byte == b'\n').count();
        // A line that was kept in part is there.
        if lost > 0 && std::mem::take(begun) {
            lost -= 1;
        }
        written.left_out = written.left_out.saturating_add(u32::try_from(lost).unwrap_or(u32::MAX));
        written.room -= kept.len();
        if kept.is_empty() {
            return;
        }
        match written.chunks.last_mut() {
            Some((last, chunk)) if *last == stream => chunk.extend_from_slice(kept),
            _ => written.chunks.push((stream, kept.to_vec())),
        }
    }

    pub(crate) fn take(&self) -> (Vec<Line>, u32) {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = Vec::new();
        for (stream, chunk) in written.chunks.drain(..) {
            let text = String::from_utf8_lossy(&chunk);
            lines.extend(text.lines().map(|line| Line { stream, text: line.to_owned() }));
        }
        (lines, std::mem::take(&mut written.left_out))
    }
}

/// What the guest writes to; never full and never waiting, since what does not fit is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    stream: Stream,
    output: Output,
}

impl IsTerminal for Writer {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Writer {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    // Written at once, so that what a guest says right before it traps is not lost in a buffer.
    fn p2_stream(&self) -> Box<dyn wasmtime_wasi::p2::OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl wasmtime_wasi::p2::Pollable for Writer {
    async fn ready(&mut self) {}
}

impl wasmtime_wasi::p2::OutputStream for Writer {
    fn write(&mut self, bytes: bytes::Bytes) -> Result<(), wasmtime_wasi::p2::StreamError> {
        self.output.write(self.stream, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), wasmtime_wasi::p2::StreamError> {
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, wasmtime_wasi::p2::StreamError> {
        Ok(64 << 10)
    }
}

impl AsyncWrite for Writer {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.output.write(self.stream, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
