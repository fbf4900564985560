//! What hyper answers by itself to a request it can't read, before any router sees it: here those refusals
//! become problems, too.
//!
//! hyper asks nobody what to say then, and says it without a body. But only it writes to a connection while no
//! answer of ours is under way, so [`ProblemStream`] knows such a refusal when it passes.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{
    body::{Body, HttpBody},
    http::{Request, Response, StatusCode},
};
use bytes::{Buf, Bytes};
use hyper::{
    body::{Frame, Incoming, SizeHint},
    service::Service,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    entry::{Answering, Entry},
    peer::{Peer, Stream},
    problem::{MEDIA_TYPE, Problem},
    slots::{Turn, Whose},
};

/// How hyper says that its refusal has no body.
const NO_BODY: &str = "content-length: 0\r\n";

/// A head and a body that are no longer are written as one: for the system that is less work than two parts.
const SMALL: usize = 2_048;

/// Lasts as long as an answer is being made.
struct Answer(Turn);

impl Drop for Answer {
    fn drop(&mut self) {
        self.0.set(Whose::Taking);
    }
}

/// The two ends of a connection between which hyper stands: its stream, and what answers its requests.
pub fn explained<E: Entry>(
    stream: Stream,
    peer: Peer,
    turn: Turn,
    entry: E,
) -> (ProblemStream, TrackedEntry<E>) {
    let answering = TrackedEntry { entry, peer, turn: turn.clone() };
    (ProblemStream { stream, turn, problem: Bytes::new() }, answering)
}

/// An entry that says when it is answering, and is told who asks.
pub struct TrackedEntry<E> {
    entry: E,
    peer: Peer,
    turn: Turn,
}

impl<E: Entry> Service<Request<Incoming>> for TrackedEntry<E> {
    type Response = Response<TrackedBody>;
    type Error = Infallible;
    type Future = TrackedAnswer;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.turn.set(Whose::Answer);
        let answer = Answer(self.turn.clone());
        TrackedAnswer {
            answering: self.entry.answer(request.map(Body::new), self.peer),
            answer: Some(answer),
        }
    }
}

/// An answer that is being made.
pub struct TrackedAnswer {
    answering: Answering,
    answer: Option<Answer>,
}

impl Future for TrackedAnswer {
    type Output = Result<Response<TrackedBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(self.answering.as_mut().poll(cx));
        let answer = self.answer.take();
        Poll::Ready(Ok(response.map(|body| TrackedBody { body, _answer: answer })))
    }
}

/// The body of an answer, which lasts until this is dropped.
pub struct TrackedBody {
    body: Body,
    _answer: Option<Answer>,
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream on which refusals without a body get one.
pub struct ProblemStream {
    stream: Stream,
    turn: Turn,
    /// What stands for a refusal of hyper's, as far as it hasn't been written.
    problem: Bytes,
}

impl ProblemStream {
    /// The stream alone.
    pub fn into_inner(self) -> Stream {
        self.stream
    }

    /// Takes `written` for a refusal, if it is one.
    fn takes(&mut self, written: &[u8]) -> bool {
        let refusal = self.turn.is(Whose::Request).then(|| std::str::from_utf8(written).ok()).flatten();
        let Some(problem) = refusal.and_then(explain) else { return false };
        self.problem = problem;
        true
    }

    fn poll_problem(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.problem.has_remaining() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.problem))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.problem.advance(written);
        }
        Poll::Ready(Ok(()))
    }
}

/// These parts in one, if they are small.
fn joined<'a>(parts: &[io::IoSlice<'_>], small: &'a mut [u8; SMALL]) -> Option<&'a [u8]> {
    let mut length = 0;
    for part in parts {
        let end = length + part.len();
        small.get_mut(length..end)?.copy_from_slice(part);
        length = end;
    }
    Some(&small[..length])
}

/// The refusal with a problem for a body; `None` if it isn't such a refusal.
fn explain(refusal: &str) -> Option<Bytes> {
    let status = refusal.strip_prefix("HTTP/1.")?.get(2..5)?.parse::<StatusCode>().ok()?;
    let (before, after) = refusal.strip_suffix("\r\n")?.split_once(NO_BODY)?;
    let sentence = match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "the request's head is too large",
        StatusCode::URI_TOO_LONG => "the request's path is too long",
        _ => "the request's head is not valid HTTP/1.1",
    };
    let body = Problem::new(status, sentence).json();
    let length = body.len();
    let headers = format!(
        "content-type: {MEDIA_TYPE}\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\ncontent-length: {length}\r\n"
    );
    Some(format!("{before}{headers}{after}\r\n{body}").into())
}

impl AsyncRead for ProblemStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for ProblemStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_problem(cx))?;
        if self.takes(buf) {
            return Poll::Ready(Ok(buf.len()));
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_problem(cx))?;
        if let Some(first) = bufs.first()
            && self.takes(first)
        {
            return Poll::Ready(Ok(first.len()));
        }
        let mut small = [0; SMALL];
        match joined(bufs, &mut small) {
            Some(joined) => Pin::new(&mut self.stream).poll_write(cx, joined),
            None => Pin::new(&mut self.stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_problem(cx))?;
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        // hyper flushes when it has written everything.
        if self.turn.is(Whose::Taking) {
            self.turn.set(Whose::Request);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_problem(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn small_parts_are_one_and_others_stay_apart() {
        let of = |lengths: &[usize]| {
            let parts: Vec<_> =
                lengths.iter().zip(*b"abc").map(|(length, byte)| vec![byte; *length]).collect();
            let slices: Vec<_> = parts.iter().map(|part| io::IoSlice::new(part)).collect();
            let mut small = [0; SMALL];
            (joined(&slices, &mut small).map(<[u8]>::to_vec), parts.concat())
        };
        for lengths in [&[][..], &[3], &[2, 0, 1], &[SMALL - 1, 1]] {
            let (joined, whole) = of(lengths);
            assert_eq!(joined, Some(whole), "{lengths:?}");
        }
        for lengths in [&[SMALL + 1][..], &[SMALL, 1], &[1, SMALL, 1]] {
            assert_eq!(of(lengths).0, None, "{lengths:?}");
        }
    }

    #[test]
    fn only_a_refusal_without_a_body_gets_one() {
        let refusal =
            "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\ndate: now\r\n\r\n";
        let explained = explain(refusal).unwrap();
        let (head, body) = std::str::from_utf8(&explained).unwrap().split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n"), "{head}");
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
        assert!(head.ends_with("\r\ndate: now"), "{head}");
        assert!(body.contains("the request's head is not valid HTTP/1.1"), "{body}");
        for other in
            ["", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 400 Bad Request\r\ncontent-length: 1\r\n\r\nx"]
        {
            assert_eq!(explain(other), None, "{other}");
        }
    }
}
