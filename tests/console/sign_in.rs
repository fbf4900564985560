//! Into the console and out of it.

use serde_json::json;
use thirtyfour::Key;

use crate::{
    desk::Desk,
    relay::streams,
    support::relay::{Relay, token_of},
};

#[tokio::test]
async fn with_a_token_and_out_again() {
    let relay = Relay::start().await;
    let (_, handoff) = relay.hand_off().await;
    let desk = Desk::open(&relay).await;
    desk.sees("#token:focus").await;
    desk.types("token-of-nobody-0123456789").await;
    desk.presses(Key::Enter).await;
    desk.shows("#sign-in-problem", "This token is not valid.").await;
    desk.js::<()>("document.getElementById('token').value = ''", &[]).await;
    desk.types(token_of("Alex")).await;
    desk.clicks("#sign-in-button").await;
    desk.is_signed_in("Alex").await;
    let kept: String = desk.js("return JSON.stringify({...localStorage, ...sessionStorage})", &[]).await;
    assert!(!kept.contains(token_of("Alex")), "{kept}");

    desk.reloads().await;
    desk.is_signed_in("Alex").await;
    desk.accepts(&handoff).await;
    desk.types("A secret draft").await;

    desk.clicks("#account").await;
    desk.clicks("[data-action=sign-out]").await;
    desk.sees("#sign-in").await;
    let left: String =
        desk.js("return document.body.textContent + JSON.stringify({...localStorage})", &[]).await;
    assert!(!left.contains("Maria") && !left.contains("A secret draft"), "{left}");
    desk.until("no session and no stream", async || {
        (relay.sessions().await == 0 && streams(&relay).await == 0).then_some(())
    })
    .await;
    desk.reloads().await;
    desk.sees("#sign-in").await;
    desk.closes_after(&["status of 401"]).await;
}

#[tokio::test]
async fn with_a_link_that_is_good_once() {
    let relay = Relay::start().await;
    let desk = Desk::open(&relay).await;
    let link = relay.sign_in_link.trim_start_matches(&desk.url).to_owned();
    desk.goes_to(&link).await;
    desk.is_signed_in("Alex").await;
    assert_eq!(desk.js::<String>("return location.href", &[]).await, format!("{}/", desk.url));

    desk.clicks("#account").await;
    desk.clicks("[data-action=sign-out]").await;
    desk.sees("#sign-in").await;
    desk.goes_to(&link).await;
    desk.shows("#sign-in-problem", "This link has been used or has expired. Sign in with your token.").await;
    desk.closes_after(&["status of 401"]).await;
}

/// As when it has lasted as long as it may, or the token has changed.
#[tokio::test]
async fn a_session_that_ends_by_itself_takes_nothing_with_it_that_was_written() {
    let relay = Relay::start().await;
    let (_, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    let first = desk.driver().window().await.unwrap();
    desk.accepts(&handoff).await;
    // A message is on its way for as long as the relay does not get it.
    desk.js::<()>(
        "window.fetched = window.fetch;
        window.fetch = (url, options) =>
            `${url}`.endsWith('/messages') && options?.method === 'POST' ? Promise.reject(new TypeError()) : fetched(url, options)",
        &[],
    )
    .await;
    desk.writes("Not acknowledged").await;
    desk.shows("#pending .bubble", "Not acknowledged").await;
    desk.types("Half an answer").await;
    desk.opens_another_tab().await;
    desk.is_signed_in("Alex").await;
    // The relay ends the session's stream, and refuses another one.
    desk.js::<()>("fetch('/api/session', {method: 'DELETE'})", &[]).await;
    desk.shows("#sign-in-problem", "Your session has ended. Sign in again.").await;
    desk.switches_to(&first).await;
    desk.shows("#sign-in-problem", "Your session has ended. Sign in again.").await;
    desk.js::<()>("window.fetch = window.fetched", &[]).await;
    desk.signs_in("Alex").await;
    desk.opens_own(&handoff).await;
    desk.comes_to("return document.getElementById('composer-text').value", json!("Half an answer")).await;
    desk.has_message("Not acknowledged", "confirmed").await;
    desk.closes_after(&["status of 401"]).await;
}

#[tokio::test]
async fn signing_out_is_made_up_for_once_the_relay_can_be_reached() {
    let relay = Relay::start().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.is_offline(true).await;
    desk.clicks("#account").await;
    desk.clicks("[data-action=sign-out]").await;
    desk.shows("#sign-in-problem", "your session is still valid").await;
    assert_eq!(relay.sessions().await, 1);
    desk.is_offline(false).await;
    desk.until("no session", async || (relay.sessions().await == 0).then_some(())).await;
    desk.comes_to("return document.getElementById('sign-in-problem').textContent", json!("")).await;
    desk.signs_in("Sam").await;
    desk.closes_after(&["ERR_INTERNET_DISCONNECTED", "status of 401"]).await;
}

#[tokio::test]
async fn a_link_that_no_relay_has_made_is_refused() {
    let relay = Relay::start().await;
    let desk = Desk::open(&relay).await;
    desk.goes_to("/#code=%E0%A4%A").await;
    desk.shows("#sign-in-problem", "This link has been used or has expired.").await;
    desk.closes_after(&["status of 401"]).await;
}

impl Desk {
    /// Opens a conversation of the agent's own.
    async fn opens_own(&self, handoff: &str) {
        self.clicks("#tab-mine").await;
        self.opens(handoff).await;
    }

    /// Whether the browser has no network.
    async fn is_offline(&self, offline: bool) {
        let network =
            json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
        self.devtools("Network.emulateNetworkConditions", network).await;
    }
}
