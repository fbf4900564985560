//! A conversation stops being an agent's, or becomes theirs, without their doing: they can't miss it.

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    desk::{Desk, row},
    support::{
        past_the_doubt,
        relay::{Relay, Setup},
    },
    team::relay_with_teams,
};

const DRAFT: &str = "I have looked into it, and";

/// Keeps what is copied.
const CLIPBOARD: &str = "navigator.clipboard.writeText = async (text) => { window.copied = text; }";

/// Counts the sounds.
pub const SOUNDS: &str = "window.sounds = 0;
    const real = AudioContext.prototype.createOscillator;
    AudioContext.prototype.createOscillator = function () { window.sounds += 1; return real.call(this); }";

fn notice(handoff: &str, kind: &str) -> String {
    format!(".notice-of-handoff[data-handoff-id='{handoff}'][data-kind={kind}]")
}

impl Desk {
    /// Switches a setting on or off.
    pub async fn switches(&self, setting: &str) {
        self.clicks("#account").await;
        self.clicks("[data-action=settings]").await;
        self.clicks(&format!("#settings [data-setting={setting}]")).await;
        self.clicks("#settings [data-close]").await;
    }

    pub async fn is_told(&self, handoff: &str, kind: &str, words: &str) {
        self.shows(&format!("{} p", notice(handoff, kind)), words).await;
    }

    async fn copies(&self, css: &str) {
        self.js::<()>(CLIPBOARD, &[]).await;
        self.clicks(&format!("{css} [data-action=copy-draft]")).await;
        self.comes_to("return window.copied", json!(DRAFT)).await;
    }

    /// Nothing more is on its way: what the page does about a change it has done.
    async fn has_no_notice(&self, relay: &Relay) {
        let (_, marker) = relay.hand_off().await;
        self.clicks("#tab-waiting").await;
        self.sees(&row(&marker)).await;
        self.misses(".notice-of-handoff").await;
    }
}

async fn act(relay: &Relay, agent: &str, handoff: &str, what: &str, body: Value) {
    relay.agent(agent).post(&format!("/handoffs/{handoff}/{what}"), &body).await.good(200);
}

#[tokio::test]
async fn who_is_taken_over_is_told_until_they_have_read_it_and_keeps_the_draft() {
    let relay = Relay::start().await;
    let (_, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    desk.types(DRAFT).await;
    act(&relay, "Sam", &handoff, "accept", json!({ "take_over": true })).await;
    desk.is_told(&handoff, "lost", "Sam took over the conversation with").await;
    desk.shows("#composer-draft blockquote", DRAFT).await;
    desk.copies("#composer-draft").await;

    // It is still there after a reload, and in another view; and goes when it is dismissed.
    desk.reloads().await;
    desk.is_told(&handoff, "lost", "Sam took over").await;
    desk.shows("#composer-draft blockquote", DRAFT).await;
    desk.goes_to("/#/").await;
    desk.is_told(&handoff, "lost", "Sam took over").await;
    desk.copies(".notice-of-handoff").await;
    desk.clicks(".notice-of-handoff [aria-label=Dismiss]").await;
    desk.misses(".notice-of-handoff").await;
    desk.reloads().await;
    desk.is_signed_in("Alex").await;
    desk.has_no_notice(&relay).await;
    desk.clicks("#tab-everyone").await;
    desk.opens(&handoff).await;
    desk.clicks("#composer-draft [data-action=drop-draft]").await;
    desk.misses("#composer-draft").await;
    desk.closes().await;
}

#[tokio::test]
async fn each_way_to_lose_a_conversation_is_told_with_its_reason() {
    let relay = Relay::start().await;
    let began = Instant::now();
    let (ended_chat, ended) = relay.hand_off().await;
    let (_, handed) = relay.hand_off().await;
    let (_, over) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    for handoff in [&ended, &handed, &over] {
        act(&relay, "Alex", handoff, "accept", json!({})).await;
    }
    desk.clicks("#tab-mine").await;
    desk.sees(&row(&over)).await;
    past_the_doubt(began).await;
    relay.ada.customer_ends_chat(&ended_chat).await.unwrap();
    desk.is_told(&ended, "lost", "Maria Silva ended it.").await;
    // Somebody who takes it over may do anything with it.
    act(&relay, "Sam", &over, "accept", json!({ "take_over": true })).await;
    act(&relay, "Sam", &over, "end", json!({ "outcome": "spam" })).await;
    desk.is_told(&over, "lost", "Sam").await;
    desk.clicks(&format!("{} [data-action=open]", notice(&over, "lost"))).await;
    desk.shows("#conversation-status", "Sam ended it · Spam").await;
    desk.misses(&notice(&over, "lost")).await;

    // What is missed while the page is closed is told when it opens.
    desk.driver().goto("about:blank").await.unwrap();
    act(&relay, "Sam", &handed, "accept", json!({ "take_over": true })).await;
    act(&relay, "Sam", &handed, "release", json!({})).await;
    desk.goes_to("/").await;
    desk.is_told(&handed, "lost", "Sam returned the conversation with").await;
    desk.closes().await;
}

#[tokio::test]
async fn who_answers_too_late_is_told_so() {
    let relay = Setup::new().set("IDLE_TIMEOUT", "3s").start().await;
    let (_, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    desk.types(DRAFT).await;
    desk.is_told(&handoff, "lost", "is over. Missed: the agent did not answer in time.").await;
    desk.shows("#composer-draft blockquote", DRAFT).await;
    desk.closes().await;
}

#[tokio::test]
async fn a_draft_stays_in_view_when_the_conversation_has_left_it() {
    let relay = relay_with_teams().await;
    let (_, handoff) = relay.hand_off().await;
    let (_, other) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&other).await;
    desk.accepts(&handoff).await;
    desk.types(DRAFT).await;
    let moves = async |handoff: &str| {
        act(&relay, "Kim", handoff, "accept", json!({ "take_over": true })).await;
        act(&relay, "Kim", handoff, "hand-over", json!({ "team": "Billing" })).await;
    };
    moves(&handoff).await;
    // The page may have seen the first step alone.
    desk.sees(&notice(&handoff, "lost")).await;
    desk.shows("#thread-state", "This conversation is another team's now.").await;
    desk.shows(".kept-drafts blockquote", DRAFT).await;
    desk.copies(".kept-drafts").await;
    desk.reloads().await;
    desk.sees(&notice(&handoff, "lost")).await;
    desk.shows(".kept-drafts blockquote", DRAFT).await;
    desk.clicks(".kept-drafts [data-action=drop-draft]").await;
    desk.misses(".kept-drafts blockquote").await;
    desk.driver().goto("about:blank").await.unwrap();
    moves(&other).await;
    desk.goes_to("/").await;
    desk.is_told(&other, "lost", "it is another team's, or was deleted.").await;
    desk.closes_after(&["status of 404"]).await;
}

#[tokio::test]
async fn what_an_agent_does_themselves_is_no_surprise() {
    let relay = Relay::start().await;
    let mut handoffs = Vec::new();
    for _ in 0..3 {
        handoffs.push(relay.hand_off().await.1);
    }
    let desk = Desk::of_agent(&relay, "Alex").await;
    for handoff in &handoffs {
        desk.accepts(handoff).await;
    }
    desk.clicks("#conversation-actions [data-action=release]").await;
    desk.shows("#toasts", "Returned to the queue.").await;
    // The same over the API, as by another browser of theirs.
    act(&relay, "Alex", &handoffs[0], "end", json!({})).await;
    act(&relay, "Alex", &handoffs[1], "hand-over", json!({ "agent": "Sam" })).await;
    desk.clicks("#tab-mine").await;
    desk.misses("#queue-list .row").await;
    desk.has_no_notice(&relay).await;
    desk.closes().await;
}

#[tokio::test]
async fn who_is_handed_a_conversation_hears_it_and_may_give_it_back_with_a_note() {
    let relay = Relay::start().await;
    let (_, handoff) = relay.hand_off().await;
    let (_, other) = relay.hand_off().await;
    let (alex, sam) = Desk::of_alex_and_sam(&relay).await;
    sam.js::<()>(SOUNDS, &[]).await;
    sam.switches("sound").await;
    sam.js::<()>("window.sounds = 0", &[]).await;
    sam.opens(&other).await;
    alex.accepts(&handoff).await;
    alex.clicks("#conversation-actions [data-action=handOver]").await;
    alex.shows("dialog.ask h2", "Hand over the conversation").await;
    alex.clicks("dialog.ask [data-action=confirm]").await;
    alex.shows("#toasts", "Handed over to Sam.").await;

    sam.is_told(&handoff, "given", "Alex handed the conversation with").await;
    sam.comes_to("return window.sounds > 0", json!(true)).await;
    sam.sees(&format!("#conversation[data-handoff-id='{other}']")).await;
    sam.clicks(&format!("{} [data-action=give-back]", notice(&handoff, "given"))).await;
    sam.shows("dialog.ask h2", "Give back the conversation").await;
    sam.types("I am on my way out.").await;
    sam.clicks("dialog.ask [data-action=confirm]").await;
    sam.misses(&notice(&handoff, "given")).await;
    // Alex had handed it over, so Alex is told.
    alex.is_told(&handoff, "returned", "Sam gave the conversation with").await;
    alex.clicks(&format!("{} [data-action=open]", notice(&handoff, "returned"))).await;
    alex.shows("#messages .entry[data-kind=note]", "I am on my way out.").await;
    alex.shows("#conversation-status", "Waiting for").await;
    sam.misses(".notice-of-handoff").await;
    alex.misses(".notice-of-handoff").await;
    alex.closes().await;
    sam.closes().await;
}
