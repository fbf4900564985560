//! Files and connections that the system lets a process have open.

use futures_util::future::join_all;
use tokio::net::TcpStream;

use crate::{
    ada::Ada,
    parcel::Parcel,
    relay::{Relay, folder},
};

const FEW_FILES: &str =
    "the limit of open files is low, so each address accepts few connections; raise ulimit -n";

/// The soft and the hard limit of a process.
fn limits(id: u32) -> [String; 2] {
    let limits = std::fs::read_to_string(format!("/proc/{id}/limits")).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let mut numbers = line.split_whitespace().map(str::to_owned);
    [(); 2].map(|()| numbers.next().unwrap())
}

#[tokio::test]
async fn the_soft_limit_is_raised_to_the_hard_one() {
    let (ada, folder) = (Ada::start().await, folder());
    let relay = Relay::start_with_limit("-Sn 64", folder.path(), &ada.url, &[]).await;
    let [soft, hard] = limits(relay.process.id());
    assert_eq!(soft, hard);
}

/// Connections that do nothing take neither the descriptors of the relay's work nor the places of those that do.
#[tokio::test]
async fn idle_connections_leave_descriptors_for_the_work() {
    // The other ends are here.
    handoff_relay::descriptors::raise();
    let (ada, folder) = (Ada::start().await, folder());
    let settings = [("FILES_ALLOW_PRIVATE", "on"), ("DEBOUNCE_MS", "50")];
    let relay = Relay::start_with_limit("-n 400", folder.path(), &ada.url, &settings).await;
    ada.meets(&relay.url);
    relay.process.stderr.logged(1, FEW_FILES).await;
    let idle = join_all((0..600).map(|_| TcpStream::connect(relay.address()))).await;
    assert!(idle.iter().all(Result::is_ok));
    let chat = ada.hands_off().await;
    let handoff = relay.handoff().await;
    relay.post(&format!("/api/handoffs/{handoff}/accept"), &serde_json::json!({})).await;
    ada.customer_sends(&chat, &Parcel::new("in.png", 10_000)).await;
    relay.file(&handoff, "in.png", "kept").await;
    relay.sends(&handoff, &Parcel::new("out.png", 10_000)).await;
    relay.writes(&handoff, "Here you are").await;
    ada.sandbox.until(|_| ada.agents_said(&chat) == ["Here you are"]).await;
    let log = relay.process.stderr.so_far().join("\n");
    assert!(!log.contains("could not accept"), "{log}");
}
