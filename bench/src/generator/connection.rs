//! One connection, with one request at a time.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Instant,
};

use anyhow::{Context, Result, ensure};

use crate::http;

/// Longer than any answer to a webhook.
const BUFFER: usize = 16 << 10;

/// A connection that stays open.
pub struct Connection {
    stream: TcpStream,
    buffer: Box<[u8]>,
    filled: usize,
    intended: Instant,
}

/// What came back.
pub struct Answer {
    /// When its request should have left.
    pub intended: Instant,
    /// 2xx.
    pub is_success: bool,
    /// All of it, if it is no success.
    pub text: String,
}

impl Connection {
    /// A new one.
    ///
    /// # Errors
    /// Nobody listens.
    pub fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("no connection to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER].into(), filled: 0, intended: Instant::now() })
    }

    /// What epoll watches.
    pub const fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Sends a request that should leave at `intended`. It fits into the socket's buffer, so this does not wait.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn send(&mut self, request: &[u8], intended: Instant) -> Result<()> {
        self.intended = intended;
        self.stream.write_all(request).context("a connection broke off while a request was sent")
    }

    /// Takes what has come; gives the answer once it is whole.
    ///
    /// # Errors
    /// The connection is gone, or it is no answer.
    pub fn receive(&mut self) -> Result<Option<Answer>> {
        let read = self.stream.read(&mut self.buffer[self.filled..]).context("a connection broke off")?;
        ensure!(read > 0, "the server closed a connection, or its answer is too long");
        self.filled += read;
        let bytes = &self.buffer[..self.filled];
        let Some(answer) = http::answer(bytes)? else { return Ok(None) };
        ensure!(answer.end == self.filled, "the server answered more than was asked");
        let is_success = (200..300).contains(&answer.status);
        let text = if is_success { String::new() } else { String::from_utf8_lossy(bytes).into_owned() };
        self.filled = 0;
        Ok(Some(Answer { intended: self.intended, is_success, text }))
    }
}
