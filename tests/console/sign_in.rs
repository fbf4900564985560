//! Into the console and out of it.

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
