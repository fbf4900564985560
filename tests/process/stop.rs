//! Signals: the first stops in order, the second at once.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use futures_util::StreamExt;
use reqwest::Method;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    ada::{Ada, NOWHERE, Refusing, Silent},
    process::log_line,
    relay::{Relay, folder},
    soon,
};

/// What an orderly stop may take.
const PROMISED: Duration = Duration::from_secs(10);
/// What is under way may go on for so long.
const PATIENCE: Duration = Duration::from_secs(8);
const STOPPING: &str = "stopping; send the signal again to stop at once";

#[tokio::test]
async fn an_idle_relay_stops_at_once() {
    for (signal, store) in
        [("TERM", "sqlite://handoffs.db"), ("INT", "sqlite://handoffs.db"), ("TERM", "memory:")]
    {
        let folder = folder();
        let settings = [("AGENT_LISTEN", "127.0.0.2:0"), ("DATABASE_URL", store)];
        let relay = Relay::start(folder.path(), NOWHERE, &settings).await;
        let told = Instant::now();
        relay.process.signal(signal);
        let ended = relay.process.ended().await;
        assert_eq!(ended.code, Some(0), "SIG{signal}: {:#?}", ended.stderr);
        assert!(told.elapsed() < PATIENCE, "SIG{signal}: {:?}", told.elapsed());
        let said: Vec<_> = ended.stderr.iter().filter_map(|line| log_line(line)).collect();
        let said: Vec<_> = said.iter().filter_map(|line| line["message"].as_str()).collect();
        assert_eq!(said, ["handoff-relay is up", STOPPING, "stopped"]);
    }
}

#[tokio::test]
async fn neither_streams_nor_idle_connections_hold_up_the_stop() {
    let folder = folder();
    let relay = Relay::start(folder.path(), NOWHERE, &[]).await;
    let mut stream = relay.request(Method::GET, "/api/events").send().await.unwrap().bytes_stream();
    soon("the first event", stream.next()).await.unwrap().unwrap();
    let _idle = TcpStream::connect(relay.address()).await.unwrap();

    let (ended, took) = relay.process.stopped().await;
    assert_eq!(ended.code, Some(0), "{:#?}", ended.stderr);
    assert!(took < PATIENCE, "{took:?}");
    while let Some(chunk) = soon("the end of the stream", stream.next()).await {
        chunk.expect("a stream that ends, not one that breaks");
    }
}

/// A call to Ada, and a request that is never completed.
#[tokio::test]
async fn what_hangs_holds_up_the_stop_for_its_share_only() {
    let (relay, _silent, _folder) = with_a_call_that_hangs().await;
    let mut half = TcpStream::connect(relay.address()).await.unwrap();
    half.write_all(b"POST /handoffs/start HTTP/1.1\r\nhost: ").await.unwrap();

    let (ended, took) = relay.process.stopped().await;
    assert_eq!(ended.code, Some(0), "{:#?}", ended.stderr);
    assert!(took < PROMISED, "{took:?}");
    assert!(ended.stderr.iter().any(|line| line.contains("did not finish in time")), "{:#?}", ended.stderr);
}

/// Ada wants to hear nothing for ten minutes; waiting for that is no work under way.
#[tokio::test]
async fn a_line_that_ada_has_closed_does_not_hold_up_the_stop() {
    let (ada, folder) = (Ada::start().await, folder());
    let refusing = Refusing::start(StatusCode::TOO_MANY_REQUESTS).await;
    let relay = Relay::start(folder.path(), &refusing.url, &[]).await;
    ada.meets(&relay.url);
    ada.hands_off().await;
    relay.process.stderr.logged(1, "a call to Ada failed").await;
    ada.hands_off().await;
    let (ended, took) = relay.process.stopped().await;
    assert_eq!(ended.code, Some(0), "{:#?}", ended.stderr);
    assert!(took < PATIENCE, "{took:?}");
}

#[tokio::test]
async fn a_second_signal_stops_at_once() {
    for signal in ["TERM", "INT"] {
        let (relay, _silent, _folder) = with_a_call_that_hangs().await;
        relay.process.signal("TERM");
        relay.process.stderr.logged(1, STOPPING).await;
        let told = Instant::now();
        relay.process.signal(signal);
        let ended = relay.process.ended().await;
        assert_eq!(ended.code, Some(130), "{:#?}", ended.stderr);
        assert!(told.elapsed() < PATIENCE / 2, "{:?}", told.elapsed());
    }
}

/// A relay that waits for an answer of Ada's which never comes.
async fn with_a_call_that_hangs() -> (Relay, (Silent, TcpStream), tempfile::TempDir) {
    let (ada, silent, folder) = (Ada::start().await, Silent::start().await, folder());
    let relay = Relay::start(folder.path(), &silent.url, &[("ADA_TIMEOUT_MS", "120000")]).await;
    ada.meets(&relay.url);
    ada.hands_off().await;
    let call = silent.called().await;
    (relay, (silent, call), folder)
}
