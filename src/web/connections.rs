//! The accept loop that `axum::serve` lacks: it bounds how many connections there are and how long each may
//! take over a request's head.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

use super::{
    entry::Entry,
    peer::{Peer, Stream},
    slots::{Slots, Turn, Whose},
    unreadable::{ProblemStream, TrackedEntry, explained},
};

/// The longest request head, and what a connection may buffer: hyper's own 400 KB each would add up.
pub const MAX_HEAD: usize = 64 * 1024;
/// How long a client may go on sending what nobody reads any more.
const LINGER: Duration = Duration::from_secs(1);
/// The wait after a failed accept: doubles from the first to the second while it goes on failing.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

type Connection<E> = http1::Connection<TokioIo<ProblemStream>, TrackedEntry<E>>;

/// What connections may take.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// How many there may be at once at a listener. For one more, one that waits for its client is closed; while all
    /// are busy, more wait in the system's queue. At least 1.
    pub max_connections: usize,
    /// How long a request's head may take from the first byte that is waited for, so that it is also how
    /// long a connection may stay idle.
    pub header_timeout: Duration,
    /// How long a client may take none of an answer that waits for it.
    pub write_timeout: Duration,
}

/// Answers HTTP/1.1 with `entry` until `stop`: then accepts no more, closes idle connections, and returns
/// when the last request has been answered. Streams that don't end by themselves must end on `stop`, too.
///
/// Dropping the future closes everything at once.
///
/// # Errors
/// The listener is broken. Errors that pass (too many open files, a client that gave up) are waited out.
pub async fn serve_connections<E: Entry>(
    listener: TcpListener,
    entry: E,
    limits: ConnectionLimits,
    stop: CancellationToken,
) -> io::Result<()> {
    let slots = Slots::new(limits.max_connections);
    let mut connections = JoinSet::new();
    while let Some(accepted) = stop.run_until_cancelled(accept(&listener)).await.transpose()? {
        let (stream, peer) = accepted;
        let (turn, evicted) = (slots.turn(), CancellationToken::new());
        let Some(slot) = stop.run_until_cancelled(slots.take(&turn, &evicted)).await else { break };
        let connection = open(stream, peer, turn.clone(), entry.clone(), limits);
        let stop = stop.clone();
        connections.spawn(async move {
            converse(connection, &turn, &evicted, &stop).await;
            drop(slot);
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
    Ok(())
}

/// The next connection.
async fn accept(listener: &TcpListener) -> io::Result<(TcpStream, Peer)> {
    let mut failures = 0;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return Ok((stream, Peer(peer.ip()))),
            // The one answer that means the listener itself is unfit.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection, trying again");
                sleep(pause(failures)).await;
                failures += 1;
            }
        }
    }
}

fn pause(failures: u32) -> Duration {
    PAUSE.0.saturating_mul(1 << failures.min(16)).min(PAUSE.1)
}

fn open<E: Entry>(
    stream: TcpStream,
    peer: Peer,
    turn: Turn,
    entry: E,
    limits: ConnectionLimits,
) -> Connection<E> {
    // Events of a stream are small and must not wait for each other. Works without, only slower.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "could not set TCP_NODELAY");
    }
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.write_timeout));
    let (stream, answering) = explained(Box::pin(stream), peer, turn, entry);
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        // Who has nothing more to say still waits for an answer.
        .half_close(true)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), answering)
}

/// What ends a connection from our side.
enum End {
    Evicted,
    Stopped,
}

/// Serves one connection until either side is done, another needs its place, or `stop` comes.
async fn converse<E: Entry>(
    mut connection: Connection<E>,
    turn: &Turn,
    evicted: &CancellationToken,
    stop: &CancellationToken,
) {
    let serve = poll_fn(|cx| connection.poll_without_shutdown(cx));
    // In a set, they are polled when one of them comes, and not whenever the connection has something to do.
    let mut ends: FuturesUnordered<_> = [(evicted, End::Evicted), (stop, End::Stopped)]
        .into_iter()
        .map(|(token, end)| token.cancelled().map(move |()| end))
        .collect();
    let served = tokio::select! {
        biased;
        Some(end) = ends.next() => {
            let goes_on = match end {
                End::Evicted => turn.is(Whose::Answer),
                // Half a head is no request yet, and need not become one.
                End::Stopped => !turn.is(Whose::Request),
            };
            if !goes_on {
                return;
            }
            None
        }
        served = serve => Some(served),
    };
    let served = match served {
        Some(served) => served,
        None => {
            Pin::new(&mut connection).graceful_shutdown();
            poll_fn(|cx| connection.poll_without_shutdown(cx)).await
        }
    };
    let answered = match &served {
        Ok(()) => true,
        Err(error) => {
            tracing::debug!(%error, "a connection ended");
            // That was answered, too.
            error.is_parse()
        }
    };
    if answered {
        close(connection.into_parts().io.into_inner().into_inner(), evicted, stop).await;
    }
}

/// Ends a connection so that the last answer arrives.
///
/// Closing a socket that still receives (a body that was refused unread) makes the system send a reset,
/// which can overtake the answer. So we first say that we are done and hear the client out for a moment.
async fn close(mut stream: Stream, evicted: &CancellationToken, stop: &CancellationToken) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut waste = [0; 4096];
    let hear_out = async { while matches!(stream.read(&mut waste).await, Ok(1..)) {} };
    // Neither the next one nor our end shall wait for clients that leave their end open.
    let _ = timeout(LINGER, evicted.run_until_cancelled(stop.run_until_cancelled(hear_out))).await;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{net::SocketAddr, sync::Arc};

    use axum::Router;
    use axum::body::Bytes;
    use axum::http::StatusCode;
    use axum::routing::{get, post};
    use tokio::sync::Notify;
    use tokio::task::JoinHandle;

    use super::*;

    /// Long enough for a busy machine; no test waits for it when things are well.
    const PATIENCE: Duration = Duration::from_secs(20);
    const BRIEF: Duration = Duration::from_millis(100);

    struct Server {
        address: SocketAddr,
        stop: CancellationToken,
        /// `/slow` has been asked.
        asked: Arc<Notify>,
        /// Lets `/slow` answer.
        answer: Arc<Notify>,
        task: JoinHandle<io::Result<()>>,
    }

    impl Server {
        async fn start(max_connections: usize, header_timeout: Duration) -> Self {
            Self::within(ConnectionLimits { max_connections, header_timeout, write_timeout: BRIEF }).await
        }

        async fn within(limits: ConnectionLimits) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
            let (asked, answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
            let slow = {
                let (asked, answer) = (asked.clone(), answer.clone());
                move || async move {
                    asked.notify_one();
                    answer.notified().await;
                    "slow"
                }
            };
            let router = Router::new()
                .route("/", get(|| async { "hello" }))
                .route("/much", get(|| async { Bytes::from(vec![b'x'; 64 << 20]) }))
                .route("/refuse", post(|| async { StatusCode::PAYLOAD_TOO_LARGE }))
                .route("/echo", post(|body: Bytes| async { body }))
                .route("/slow", get(slow));
            let task = tokio::spawn(serve_connections(listener, router, limits, stop.clone()));
            Self { address, stop, asked, answer, task }
        }

        async fn connect(&self) -> Client {
            Client(TcpStream::connect(self.address).await.unwrap())
        }

        async fn ended(self) {
            timeout(PATIENCE, self.task).await.unwrap().unwrap().unwrap();
        }
    }

    struct Client(TcpStream);

    impl Client {
        async fn send(&mut self, text: &str) {
            self.0.write_all(text.as_bytes()).await.unwrap();
        }

        async fn get(&mut self, path: &str) {
            self.send(&format!("GET {path} HTTP/1.1\r\nhost: relay\r\n\r\n")).await;
        }

        /// Reads until `end` was the last that came.
        async fn expect(&mut self, end: &str) {
            let mut seen = Vec::new();
            while !seen.ends_with(end.as_bytes()) {
                let byte = timeout(PATIENCE, self.0.read_u8()).await.unwrap();
                seen.push(byte.unwrap_or_else(|error| {
                    unreachable!("{error} after {:?}", String::from_utf8_lossy(&seen))
                }));
            }
        }

        /// Whatever comes until the server closes.
        async fn rest(&mut self) -> String {
            let mut rest = String::new();
            timeout(PATIENCE, self.0.read_to_string(&mut rest)).await.unwrap().unwrap();
            rest
        }
    }

    #[tokio::test]
    async fn a_head_that_does_not_end_is_cut_off() {
        let server = Server::start(10, BRIEF).await;
        let mut half = server.connect().await;
        half.send("GET / HTTP/1.1\r\nhost: re").await;
        let mut silent = server.connect().await;
        assert_eq!(half.rest().await, "");
        assert_eq!(silent.rest().await, "");
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_cut_off() {
        let server = Server::start(1, PATIENCE).await;
        let mut slow = server.connect().await;
        slow.get("/much").await;
        // Its place is the only one.
        let mut next = server.connect().await;
        next.get("/").await;
        next.expect("hello").await;
    }

    #[tokio::test]
    async fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
        let server = Server::start(10, BRIEF).await;
        let mut idle = server.connect().await;
        idle.get("/").await;
        idle.expect("hello").await;
        let mut busy = server.connect().await;
        busy.get("/slow").await;
        server.asked.notified().await;
        assert_eq!(idle.rest().await, "", "the timeout has passed");
        server.answer.notify_one();
        busy.expect("slow").await;
    }

    #[tokio::test]
    async fn stop_lets_answers_finish_and_closes_the_rest_at_once() {
        let server = Server::start(10, PATIENCE).await;
        let mut idle = server.connect().await;
        idle.get("/").await;
        idle.expect("hello").await;
        let mut fresh = server.connect().await;
        let mut busy = server.connect().await;
        busy.get("/slow").await;
        server.asked.notified().await;

        server.stop.cancel();
        assert_eq!(idle.rest().await, "");
        assert_eq!(fresh.rest().await, "");
        assert!(!server.task.is_finished());
        server.answer.notify_one();
        let answer = busy.rest().await;
        assert!(answer.contains("connection: close") && answer.ends_with("slow"), "{answer}");
        let address = server.address;
        server.ended().await;
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn connections_over_the_limit_wait_for_their_turn() {
        let server = Server::start(1, PATIENCE).await;
        let mut first = server.connect().await;
        first.get("/slow").await;
        server.asked.notified().await;
        let mut second = server.connect().await;
        second.get("/").await;
        assert!(timeout(BRIEF, second.0.read_u8()).await.is_err(), "nobody answers yet");
        server.answer.notify_one();
        first.expect("slow").await;
        drop(first);
        second.expect("hello").await;
    }

    /// Of connections that do nothing, do half of something, or take nothing.
    #[tokio::test]
    async fn clients_that_are_waited_for_keep_nobody_out() {
        let ever = Duration::from_hours(1);
        let limits = ConnectionLimits { max_connections: 3, header_timeout: ever, write_timeout: ever };
        let server = Server::within(limits).await;
        let mut idle = server.connect().await;
        idle.get("/").await;
        idle.expect("hello").await;
        let mut half = server.connect().await;
        half.send("GET / HTTP/1.1\r\nhost: re").await;
        let mut takes_nothing = server.connect().await;
        takes_nothing.get("/much").await;
        takes_nothing.0.readable().await.unwrap();
        let mut later = Vec::new();
        for _ in 0..6 {
            let mut next = server.connect().await;
            next.get("/").await;
            next.expect("hello").await;
            later.push(next);
        }
        assert_eq!([idle.rest().await, half.rest().await], ["", ""]);
        let mut taken = Vec::new();
        // It ends, in whatever way.
        let _ = timeout(PATIENCE, takes_nothing.0.read_to_end(&mut taken)).await.unwrap();
        assert!(taken.len() < 64 << 20, "{}", taken.len());
    }

    #[tokio::test]
    async fn a_refusal_arrives_though_the_body_goes_on() {
        let server = Server::start(10, PATIENCE).await;
        let mut client = server.connect().await;
        let body = "x".repeat(1 << 20);
        client
            .send(&format!("POST /refuse HTTP/1.1\r\nhost: relay\r\ncontent-length: {}\r\n\r\n", 2 << 20))
            .await;
        client.send(&body).await;
        assert!(client.rest().await.starts_with("HTTP/1.1 413 "));
    }

    #[tokio::test]
    async fn a_body_larger_than_the_buffer_passes_and_a_head_does_not() {
        let server = Server::start(10, PATIENCE).await;
        let text = "x".repeat(3 * MAX_HEAD);
        let mut body = server.connect().await;
        body.send(&format!("POST /echo HTTP/1.1\r\nhost: relay\r\ncontent-length: {}\r\n\r\n", text.len()))
            .await;
        body.send(&format!("{text}GET / HTTP/1.1\r\nhost: relay\r\n\r\n")).await;
        body.expect("hello").await;
        let mut head = server.connect().await;
        head.send(&format!("GET / HTTP/1.1\r\nhost: {}", "x".repeat(MAX_HEAD))).await;
        assert!(head.rest().await.starts_with("HTTP/1.1 431 "));
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_told_why_as_a_first_request_and_later() {
        let server = Server::start(10, PATIENCE).await;
        let mut client = server.connect().await;
        client.get("/").await;
        client.expect("hello").await;
        client.send("garbage\r\n\r\n").await;
        let later = client.rest().await;
        let mut client = server.connect().await;
        client.send("garbage\r\n\r\n").await;
        for answer in [later, client.rest().await] {
            assert!(answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("}"), "{answer}");
            assert!(answer.contains("the request's head is not valid HTTP/1.1"), "{answer}");
        }
    }

    #[tokio::test]
    async fn a_client_that_has_said_all_gets_its_answer() {
        let server = Server::start(10, PATIENCE).await;
        let mut early = server.connect().await;
        early.get("/").await;
        early.0.shutdown().await.unwrap();
        assert!(early.rest().await.ends_with("hello"));
        let mut late = server.connect().await;
        late.get("/slow").await;
        server.asked.notified().await;
        late.0.shutdown().await.unwrap();
        server.answer.notify_one();
        assert!(late.rest().await.ends_with("slow"));
        // One that asks for nothing goes.
        let mut silent = server.connect().await;
        silent.0.shutdown().await.unwrap();
        assert_eq!(silent.rest().await, "");
    }

    #[tokio::test]
    async fn dropping_the_server_drops_its_connections() {
        let server = Server::start(10, PATIENCE).await;
        let mut client = server.connect().await;
        client.get("/slow").await;
        server.asked.notified().await;
        server.task.abort();
        assert!(timeout(PATIENCE, client.0.read(&mut [0; 8])).await.unwrap().is_ok_and(|read| read == 0));
    }

    #[test]
    fn pauses_double_up_to_a_second() {
        let pauses = [0, 1, 4, 5, u32::MAX].map(|failures| pause(failures).as_millis());
        assert_eq!(pauses, [50, 100, 800, 1000, 1000]);
    }
}
