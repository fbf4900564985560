//! Requests byte by byte, those included that no HTTP client would send.

use std::{sync::Arc, time::Duration};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
    task::JoinSet,
};

use super::{answer::Answer, soon};

const CHUNK: usize = 1 << 16;

/// A request, or what is meant to look like one.
#[derive(Clone)]
pub struct Raw {
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Raw {
    pub fn new(method: &str, path: impl AsRef<[u8]>) -> Self {
        let head = [method.as_bytes(), b" ", path.as_ref(), b" HTTP/1.1\r\nhost: relay\r\n"].concat();
        Self { head, body: Vec::new() }
    }

    /// These bytes and nothing more.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self { head: Vec::new(), body: bytes.into() }
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.head.extend([name.as_bytes(), b": ", value.as_ref(), b"\r\n"].concat());
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let length = body.len();
        self.unfinished(body, length)
    }

    /// Declares `length` bytes and sends these.
    pub fn unfinished(self, body: impl Into<Vec<u8>>, length: usize) -> Self {
        Self { body: body.into(), ..self.header("content-length", length.to_string()) }
    }

    /// Doesn't say how long the body is.
    pub fn streamed(self, body: &[u8]) -> Self {
        let mut chunks = Vec::new();
        for chunk in body.chunks(CHUNK) {
            chunks.extend([format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
        }
        chunks.extend(b"0\r\n\r\n");
        Self { body: chunks, ..self.header("transfer-encoding", "chunked") }
    }

    /// Its first line, for people.
    pub fn first_line(&self) -> String {
        let all = if self.head.is_empty() { &self.body } else { &self.head };
        let line = all.split(|byte| *byte == b'\r').next().unwrap_or_default();
        line.strip_suffix(b" HTTP/1.1").unwrap_or(line).escape_ascii().to_string()
    }

    fn bytes_to_send(&self) -> Vec<u8> {
        let end: &[u8] = if self.head.is_empty() { b"" } else { b"\r\n" };
        [&self.head, end, &self.body].concat()
    }

    /// So many connections that send this, as far as it is taken, and then neither more nor an end.
    pub fn hang(&self, url: &str, count: usize) -> Hanging {
        let (so_far, bytes) = (watch::Sender::new(SoFar::default()), Arc::new(self.bytes_to_send()));
        let mut connections = JoinSet::new();
        for _ in 0..count {
            let address = url.strip_prefix("http://").unwrap().to_owned();
            let (so_far, bytes) = (so_far.clone(), Arc::clone(&bytes));
            connections.spawn(async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                for chunk in bytes.chunks(CHUNK) {
                    if stream.write_all(chunk).await.is_err() {
                        break;
                    }
                    so_far.send_modify(|so_far| so_far.bytes += chunk.len());
                }
                so_far.send_modify(|so_far| so_far.done += 1);
                if stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {
                    so_far.send_modify(|so_far| so_far.refused += 1);
                }
            });
        }
        Hanging { _connections: connections, so_far: so_far.subscribe() }
    }

    /// Sends it and breaks the connection after a while, whatever comes back.
    pub async fn send_and_leave(&self, url: &str, after: Duration) {
        let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
        stream.write_all(&self.bytes_to_send()).await.unwrap();
        tokio::time::sleep(after).await;
        // With a reset, so that the server learns of it at once.
        stream.set_zero_linger().unwrap();
    }

    /// Sends the head, and waits until the server asks for the body: it has judged the head then.
    pub async fn begin(mut self, url: &str) -> Begun {
        self = self.header("expect", "100-continue");
        let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
        stream.write_all(&[&self.head, &b"\r\n"[..]].concat()).await.unwrap();
        let answer = soon("the server asks for the body", head(&mut stream)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 100 "), "{}: {answer}", self.first_line());
        Begun { what: self.first_line(), stream, body: self.body }
    }

    /// What comes back; `None` if the connection ends without an answer.
    pub async fn send_to(&self, url: &str) -> Option<Answer> {
        let address = url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let (mut from, mut to) = stream.split();
        let bytes = self.bytes_to_send();
        let send = async {
            // Who is refused may find nobody listening any more.
            let _ = to.write_all(&bytes).await;
            std::future::pending::<()>().await;
        };
        soon("an answer, or the end", async {
            tokio::select! {
                answer = read(&mut from) => answer,
                () = send => None,
            }
        })
        .await
    }
}

/// A request whose body the server waits for.
pub struct Begun {
    pub what: String,
    stream: TcpStream,
    body: Vec<u8>,
}

impl Begun {
    /// What comes back when the body is there.
    pub async fn finish(mut self) -> Answer {
        self.stream.write_all(&self.body).await.unwrap();
        soon("an answer", read(&mut self.stream)).await.expect("an answer")
    }
}

/// Connections that end when this is dropped.
pub struct Hanging {
    _connections: JoinSet<()>,
    so_far: watch::Receiver<SoFar>,
}

#[derive(Default)]
struct SoFar {
    /// Sent by all together.
    bytes: usize,
    /// Connections that have sent all, or were cut off.
    done: usize,
    /// Connections that got an answer all the same.
    refused: usize,
}

impl Hanging {
    /// Returns when all together have sent so many bytes.
    pub async fn have_sent(&mut self, bytes: usize) {
        self.are(|so_far| so_far.bytes >= bytes).await;
    }

    /// Returns when so many have sent all, or were cut off.
    pub async fn are_done(&mut self, count: usize) {
        self.are(|so_far| so_far.done >= count).await;
    }

    /// Returns when so many have been refused.
    pub async fn are_refused(&mut self, count: usize) {
        self.are(|so_far| so_far.refused >= count).await;
    }

    async fn are(&mut self, so_far: impl Fn(&SoFar) -> bool) {
        soon("what strangers send", self.so_far.wait_for(so_far)).await.unwrap();
    }
}

async fn head(from: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(from.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).unwrap())
}

async fn read(from: &mut (impl AsyncRead + Unpin)) -> Option<Answer> {
    let head = head(from).await?;
    let mut lines = head.trim_end().split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: HeaderMap = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap()))
        .collect();
    let mut body = Vec::new();
    match headers.get("content-length") {
        Some(length) => {
            body.resize(length.to_str().unwrap().parse().unwrap(), 0);
            from.read_exact(&mut body).await.unwrap();
        }
        // A stream: its first event will do.
        None => {
            while !body.ends_with(b"\n\n") {
                body.push(from.read_u8().await.unwrap());
            }
        }
    }
    Some(Answer { status, headers, body: body.into() })
}
