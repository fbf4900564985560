//! A message that could not be sent in time fails at that moment, whatever it waits for.

use std::time::Duration;

use sandbox::{Call, Fault};
use tokio::time::timeout;

use crate::support::{
    relay::{Relay, Setup},
    settles,
};

/// Far sooner than a refused key is tried again, or a minute's calls are over.
const SOON: Duration = Duration::from_secs(15);

async fn is_active(relay: &Relay) -> String {
    let (_, id) = relay.hand_off().await;
    relay.alex().accepts(&id).await;
    settles(&(0, 0), || relay.left_over()).await;
    id
}

#[tokio::test]
async fn while_the_key_is_refused() {
    let relay = Setup::new().set("SEND_MAX_AGE", "2s").start().await;
    let ids = [is_active(&relay).await, is_active(&relay).await];
    let refused = Fault::Status { status: 401, retry_after: None };
    for call in [Call::SendMessage, Call::ListMessages, Call::GetConversation] {
        relay.ada.fault_always(call, Some(refused));
    }
    for id in &ids {
        relay.alex().writes(id, "One").await;
        relay.alex().writes(id, "Two").await;
    }
    for id in &ids {
        let row =
            timeout(SOON, relay.alex().sees(id, "One", &["failed"])).await.expect("it fails at its age");
        let error = row["delivery"]["error"].as_str().unwrap();
        assert!(error.starts_with("could not be sent in time: ") && error.contains("401"), "{error}");
        relay.alex().sees(id, "Two", &["failed"]).await;
    }
    relay.finish().await;
}

#[tokio::test]
async fn while_adas_limits_leave_no_room() {
    let relay = Setup::new().set("SEND_MAX_AGE", "6s").set("ADA_RATE_PER_MINUTE", "12").start().await;
    let id = is_active(&relay).await;
    for number in 0..14 {
        relay.alex().writes(&id, &format!("Number {number}")).await;
    }
    relay.alex().sees(&id, "Number 0", &["sent", "confirmed"]).await;
    let row =
        timeout(SOON, relay.alex().sees(&id, "Number 13", &["failed"])).await.expect("it fails at its age");
    let error = row["delivery"]["error"].as_str().unwrap();
    assert!(error.contains("could not be sent"), "{error}");
    // What was sent is a beginning of them, in their order.
    let states: Vec<bool> = relay
        .alex()
        .rows(&id)
        .await
        .iter()
        .filter(|row| row["author"]["role"] == "human_agent")
        .map(|row| row["delivery"]["state"] == "failed")
        .collect();
    assert!(states.is_sorted(), "{states:?}");
    relay.finish().await;
}
