//! A sender's connection, which comes back when HTTP is done with it.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

#[derive(Debug)]
pub(super) struct Socket {
    /// There until it is dropped.
    tcp: Option<TokioIo<TcpStream>>,
    returned: Returned,
}

/// Where a socket's connection is found after the socket was dropped.
#[derive(Debug, Clone, Default)]
pub(super) struct Returned(Arc<Mutex<Option<TcpStream>>>);

impl Socket {
    pub(super) fn new(tcp: TcpStream) -> (Self, Returned) {
        let returned = Returned::default();
        (Self { tcp: Some(TokioIo::new(tcp)), returned: returned.clone() }, returned)
    }

    fn tcp(self: Pin<&mut Self>) -> Pin<&mut TokioIo<TcpStream>> {
        Pin::new(self.get_mut().tcp.as_mut().expect("there until it is dropped"))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let tcp = self.tcp.take().map(TokioIo::into_inner);
        *self.returned.0.lock().unwrap_or_else(PoisonError::into_inner) = tcp;
    }
}

impl Returned {
    /// Reads and forgets what the sender still sends, until it stops or the time is over. A connection that is closed
    /// with something unread is reset, and then the answer may be lost on its way.
    pub(super) async fn linger(self, time: Duration) {
        let Some(mut tcp) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let mut sink = vec![0; 8 << 10];
        let drained = timeout(time, async {
            tcp.shutdown().await?;
            while tcp.read(&mut sink).await? > 0 {}
            io::Result::Ok(())
        });
        // Whatever came of it, the connection is at its end.
        _ = drained.await;
    }
}

impl Read for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        self.tcp().poll_read(cx, buf)
    }
}

impl Write for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.tcp().poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Nothing is kept back on the way to the kernel.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tcp().poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.tcp().poll_write_vectored(cx, bufs)
    }
}
