//! A file server that does as it is told, on loopback.

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What the server does once it has read a request.
#[derive(Clone)]
pub enum Reply {
    /// Sends this and hangs up.
    Bytes(Vec<u8>),
    /// Sends the first, and then the second for ever, at once or with pauses.
    Endless(String, Vec<u8>, Duration),
    /// Nothing, and stays.
    Silence,
}

/// 200 with these headers (`Name: value\r\n`) and this body, whose length is declared if `headers` don't.
pub fn ok(headers: &str, body: &[u8]) -> Reply {
    answer(200, headers, body)
}

pub fn answer(status: u16, headers: &str, body: &[u8]) -> Reply {
    let length = match headers.to_ascii_lowercase() {
        told if told.contains("content-length") || told.contains("transfer-encoding") => String::new(),
        _ => format!("Content-Length: {}\r\n", body.len()),
    };
    let mut bytes = format!("HTTP/1.1 {status} X\r\n{headers}{length}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    Reply::Bytes(bytes)
}

pub fn redirect(status: u16, location: &str) -> Reply {
    answer(status, &format!("Location: {location}\r\n"), b"not the file")
}

pub struct Server {
    pub port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers each path as `script` says.
    pub async fn start(script: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (requests, script) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(script));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&seen)));
            }
        });
        Self { port, requests }
    }

    /// The heads of all requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// The paths of all requests so far, without what follows `?`.
    pub fn paths(&self) -> Vec<String> {
        self.requests().iter().map(|head| path(head).to_owned()).collect()
    }
}

async fn serve(
    mut stream: TcpStream,
    script: Arc<impl Fn(&str) -> Reply>,
    seen: Arc<Mutex<Vec<String>>>,
) -> Option<()> {
    let head = read_head(&mut stream).await?;
    let reply = script(path(&head));
    seen.lock().unwrap().push(head);
    match reply {
        Reply::Bytes(bytes) => stream.write_all(&bytes).await.ok()?,
        Reply::Endless(head, piece, pause) => {
            stream.write_all(head.as_bytes()).await.ok()?;
            loop {
                // Until the client hangs up.
                stream.write_all(&piece).await.ok()?;
                tokio::time::sleep(pause).await;
            }
        }
        Reply::Silence => pending::<()>().await,
    }
    Some(())
}

async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

fn path(head: &str) -> &str {
    let target = head.split(' ').nth(1).unwrap_or_default();
    target.split('?').next().unwrap_or_default()
}
