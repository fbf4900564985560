//! Whether a connection has a backend of PostgreSQL to itself.

use std::{
    future::{Ready, ready},
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{
    Client,
    tls::{ChannelBinding, TlsConnect, TlsStream},
};

/// Whether the process that PostgreSQL named at the beginning is the one that answers. A pooler makes up a number of its
/// own, and may give each transaction another backend.
///
/// # Errors
/// As PostgreSQL gives them.
pub async fn is_ours(client: &Client) -> Result<bool, tokio_postgres::Error> {
    let answer = client.query_typed("SELECT pg_backend_pid()", &[]).await?;
    let answers: Option<i32> = answer.first().map(|row| row.try_get(0)).transpose()?;
    Ok(answers.is_some() && answers == named(client).await)
}

/// The process that was named at the beginning. The driver keeps it to itself, but for a request to cancel: two numbers of
/// its last eight bytes, of which this is the first.
///
/// Source: <https://www.postgresql.org/docs/current/protocol-message-formats.html>, `CancelRequest`.
async fn named(client: &Client) -> Option<i32> {
    let mut request = Vec::new();
    client.cancel_token().cancel_query_raw(Paper(&mut request), NoHandshake).await.ok()?;
    let (process, _) = request.last_chunk::<8>()?.split_first_chunk::<4>()?;
    Some(i32::from_be_bytes(*process))
}

/// What is written here goes nowhere. Who asks for TLS is told that it may begin.
struct Paper<'a>(&'a mut Vec<u8>);

impl AsyncRead for Paper<'_> {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() > 0 {
            buffer.put_slice(b"S");
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Paper<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().0.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl TlsStream for Paper<'_> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

struct NoHandshake;

impl<'a> TlsConnect<Paper<'a>> for NoHandshake {
    type Stream = Paper<'a>;
    type Error = io::Error;
    type Future = Ready<io::Result<Paper<'a>>>;

    fn connect(self, paper: Paper<'a>) -> Self::Future {
        ready(Ok(paper))
    }
}
