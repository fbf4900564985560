//! As much of HTTP/1.1 as the bench needs: prebuilt requests, the end of an answer, and a call by hand.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::child::PATIENCE;

/// An answer that has come whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// 200 and the like.
    pub status: u16,
    /// Where it ends.
    pub end: usize,
}

/// The answer at the start of `bytes`, once it is whole.
///
/// # Errors
/// It is none that the bench knows.
pub fn answer(bytes: &[u8]) -> Result<Option<Answer>> {
    let Some(head) = bytes.windows(4).position(|end| end == b"\r\n\r\n") else { return Ok(None) };
    let status = bytes.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    let status = status.context("an answer has no status")?;
    let head_lines = &bytes[..head];
    let length = head_lines.split(|byte| *byte == b'\n').find_map(|line| {
        let (name, value) = line.split_at_checked(15)?;
        let is_length = name.eq_ignore_ascii_case(b"content-length:");
        is_length.then(|| std::str::from_utf8(value).ok()?.trim().parse::<usize>().ok()).flatten()
    });
    ensure!(length.is_some() || status == 204, "an answer with status {status} does not say how long it is");
    let end = head + 4 + length.unwrap_or(0);
    Ok((bytes.len() >= end).then_some(Answer { status, end }))
}

/// A request as bytes. `headers` are lines with their ends.
pub fn request(method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{headers}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Sends one request on a connection of its own; gives the answer's body.
///
/// # Errors
/// There is no answer, or none of success.
pub fn call(address: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&request(method, path, &format!("connection: close\r\n{headers}"), body))?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let answer = answer(&bytes)?.with_context(|| format!("{method} {path}: the answer broke off"))?;
    let head = bytes.windows(4).position(|end| end == b"\r\n\r\n").map_or(0, |head| head + 4);
    let body = String::from_utf8_lossy(&bytes[head..answer.end]).into_owned();
    ensure!((200..300).contains(&answer.status), "{method} {path}: {} {body}", answer.status);
    Ok(body)
}

/// Asks again and again until there is an answer.
///
/// # Errors
/// It does not come in time.
pub fn until<T>(what: &str, every: Duration, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if began.elapsed() > PATIENCE {
            bail!("waited {} s in vain: {what}", PATIENCE.as_secs());
        }
        std::thread::sleep(every);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_its_length_says() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nx: y\r\n\r\nabcHTTP";
        for whole in 0..bytes.len() {
            let known = answer(&bytes[..whole]).expect("a good answer");
            let wanted = (whole >= bytes.len() - 4).then_some(Answer { status: 200, end: bytes.len() - 4 });
            assert_eq!(known, wanted, "{whole}");
        }
    }

    #[test]
    fn without_a_length_only_204_ends() {
        let bytes = b"HTTP/1.1 204 No Content\r\n\r\n";
        assert_eq!(answer(bytes).expect("a good answer"), Some(Answer { status: 204, end: bytes.len() }));
        assert!(answer(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}
