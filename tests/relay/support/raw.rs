//! Requests byte by byte, those included that no HTTP client would send.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
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

    /// What comes back; `None` if the connection ends without an answer.
    pub async fn send_to(&self, url: &str) -> Option<Answer> {
        let address = url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let (mut from, mut to) = stream.split();
        let end: &[u8] = if self.head.is_empty() { b"" } else { b"\r\n" };
        let bytes = [&self.head, end, &self.body].concat();
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

async fn read(from: &mut (impl AsyncRead + Unpin)) -> Option<Answer> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(from.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
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
