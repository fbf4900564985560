//! Connections that a handler can close instead of answering.

use std::future::Future;
use std::io::{self, Error, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// A request's connection, from its extensions.
#[derive(Clone)]
pub(crate) struct Connection(CancellationToken);

impl Connection {
    /// Closes it: no byte is read or written any more.
    pub(crate) fn cut(&self) {
        self.0.cancel();
    }
}

impl Connected<IncomingStream<'_, SeverableListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, SeverableListener>) -> Self {
        Self(stream.io().cut.clone())
    }
}

/// Makes [`Severable`] connections.
pub(crate) struct SeverableListener {
    listener: TcpListener,
    cut_all: CancellationToken,
}

impl SeverableListener {
    /// `cut_all` closes every connection at once.
    pub(crate) fn new(listener: TcpListener, cut_all: CancellationToken) -> Self {
        Self { listener, cut_all }
    }
}

impl Listener for SeverableListener {
    type Io = Severable;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Severable, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        (Severable::new(stream, self.cut_all.child_token()), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A stream that fails from the moment on that it is cut; the server then closes it.
pub(crate) struct Severable {
    stream: TcpStream,
    cut: CancellationToken,
    /// Wakes a server that waits for the client.
    woken: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Severable {
    fn new(stream: TcpStream, cut: CancellationToken) -> Self {
        let woken = Box::pin(cut.clone().cancelled_owned());
        Self { stream, cut, woken }
    }

    fn open(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        if self.cut.is_cancelled() { Err(severed()) } else { Ok(Pin::new(&mut self.stream)) }
    }
}

fn severed() -> Error {
    Error::new(ErrorKind::ConnectionAborted, "cut by a fault")
}

impl AsyncRead for Severable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.woken.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(severed()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Severable {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.open()?.poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.open()?.poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.open()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.open()?.poll_shutdown(cx)
    }
}
