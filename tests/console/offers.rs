//! Handoffs that are offered to one agent, and those that gone agents leave behind.

use handoff_relay::store::sessions::Digest;
use serde_json::json;
use thirtyfour::Key;

use crate::{
    connection::AWAY,
    desk::{Desk, row},
    displaced::SOUNDS,
    support::relay::{Relay, Setup, token_of},
};

/// Whoever is on duty is offered handoffs; Alex has time for one.
pub async fn relay_that_offers(timeout: &str) -> Relay {
    let mut relay = Setup::new().set("ASSIGNMENT", "least_busy").set("OFFER_TIMEOUT", timeout).start().await;
    relay.stop().await;
    let agent = |name: &str, rest: &str| {
        let digest = Digest::of(token_of(name));
        format!("[[agents]]\nname = \"{name}\"\ntoken_sha256 = \"{}\"\n{rest}\n", digest.as_str())
    };
    relay.lists_agents(&[agent("Alex", "limit = 1"), agent("Sam", "")].concat());
    relay.start_again().await;
    relay
}

/// From now on lists begin with the newest.
const NEWEST_FIRST: &str = "localStorage.setItem('handoff-relay.view',
    JSON.stringify({filters: {}, orders: {waiting: 'newest'}}))";

#[tokio::test]
async fn what_is_offered_to_an_agent_stands_first_until_they_decline() {
    let relay = relay_that_offers("1h").await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.js::<()>(SOUNDS, &[]).await;
    desk.switches("sound").await;
    desk.js::<()>("window.sounds = 0", &[]).await;
    let (_, mine) = relay.hand_off().await;
    let offer = |handoff: &str, whose: &str| format!("{} .offer{whose}", row(handoff));
    desk.shows(&offer(&mine, "[data-mine]"), "Offered to you, 3").await;
    desk.comes_to("return window.sounds > 0", json!(true)).await;
    desk.comes_to("return document.title", json!("(1) handoff-relay")).await;

    relay.agent("Sam").get("/session").await.good(200);
    let (_, of_sam) = relay.hand_off().await;
    desk.shows(&offer(&of_sam, ":not([data-mine])"), "Offered to Sam").await;
    desk.comes_to("return document.title", json!("(1) handoff-relay")).await;
    desk.js::<()>(NEWEST_FIRST, &[]).await;
    desk.reloads().await;
    desk.is_signed_in("Alex").await;
    let first = "return document.querySelector('#queue-list [aria-posinset=\"1\"]')?.dataset.handoffId";
    desk.comes_to(first, json!(mine)).await;

    // What is a colleague's to accept isn't the next one, and can be taken over.
    desk.presses(Key::Control + Key::Shift + "8" + Key::Null).await;
    desk.sees(&format!("#conversation[data-handoff-id='{mine}']")).await;
    desk.shows("#conversation-status", "Offered to you, 3").await;
    desk.sees("#conversation-actions [data-action=accept]").await;
    desk.shows("#conversation-actions [data-action=decline]", "Decline").await;
    desk.presses(Key::Control + Key::Shift + "9" + Key::Null).await;
    desk.shows("#toasts", "Declined.").await;
    desk.shows(&offer(&mine, ""), "Offered to Sam").await;
    desk.shows("#conversation-status", "Offered to Sam").await;
    desk.misses("#conversation-actions :is([data-action=accept], [data-action=decline])").await;
    desk.shows("#composer-reason", "This conversation is offered to Sam.").await;
    desk.clicks("#conversation-actions [data-action=takeOver]").await;
    desk.confirms("Take over from Sam?").await;
    desk.shows("#conversation-status", "Assigned to you").await;
    // The page shows it before the relay has said so.
    desk.until("Alex at the relay", async || {
        (relay.alex().handoff(&mine).await["agent"]["name"] == "Alex").then_some(())
    })
    .await;
    desk.closes().await;
}

#[tokio::test]
async fn an_offer_that_lapses_is_gone_from_the_page_and_asks_the_next() {
    let relay = relay_that_offers("3s").await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    let (_, handoff) = relay.hand_off().await;
    relay.agent("Sam").get("/session").await.good(200);
    desk.opens(&handoff).await;
    desk.shows("#conversation-status", "Offered to you").await;
    desk.shows("#conversation-status", "Offered to Sam").await;
    desk.shows(&format!("{} .offer", row(&handoff)), "Offered to Sam").await;
    desk.shows("[data-action=takeOver]", "Take over").await;
    desk.closes().await;
}

/// An offer is over when its time is, also while the relay can't say so.
#[tokio::test]
async fn an_offer_lapses_on_the_page_by_its_own_time() {
    let mut relay = relay_that_offers("5s").await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    let (_, handoff) = relay.hand_off().await;
    desk.opens(&handoff).await;
    desk.shows("#conversation-actions [data-action=decline]", "Decline").await;
    relay.stop().await;
    desk.misses(&format!("{} .offer", row(&handoff))).await;
    desk.misses("#conversation-actions [data-action=decline]").await;
    desk.comes_to("return document.title", json!("Maria Silva · handoff-relay")).await;
    desk.closes_after(AWAY).await;
}

#[tokio::test]
async fn who_was_gone_is_told_and_others_see_whom_a_customer_lost() {
    let relay = Setup::new().set("AGENT_GONE_AFTER", "1s").start().await;
    let (_, handoff) = relay.hand_off().await;
    let (alex, sam) = Desk::of_alex_and_sam(&relay).await;
    alex.accepts(&handoff).await;
    // From now on the browser knows that it is Alex's.
    let knows = format!("return localStorage.getItem('handoff-relay.owned.Alex').includes('{handoff}')");
    alex.comes_to(&knows, json!(true)).await;
    // A page that the browser keeps at hand would keep its stream.
    alex.js::<()>("addEventListener('unload', () => {})", &[]).await;
    alex.driver().goto("about:blank").await.unwrap();
    sam.shows(&format!("{} .offer", row(&handoff)), "Alex is gone").await;
    sam.opens(&handoff).await;
    sam.shows("#conversation-status", "Alex is gone").await;
    sam.shows("#messages .line", "Alex was gone: back in the queue").await;
    alex.goes_to("/").await;
    alex.is_told(&handoff, "lost", "went back to the queue, because you were gone.").await;
    alex.opens(&handoff).await;
    alex.shows("#messages .line", "You were gone: back in the queue").await;
    alex.closes().await;
    sam.closes().await;
}
