//! Every action and every conversation from the keyboard: the palette, the keys, the list as one stop.

use serde_json::json;
use thirtyfour::Key;

use crate::{
    desk::{Desk, row},
    support::{events::customer_says, relay::Relay},
    triage::waits,
};

/// What has the focus: its id, or the handoff of its row.
const FOCUS: &str = "const {activeElement: one} = document;
    return one.closest('[data-handoff-id]:is(li)')?.dataset.handoffId ?? one.id";

impl Desk {
    /// Opens the palette and looks for this.
    async fn looks_for(&self, text: &str) {
        self.presses(Key::Control + "k" + Key::Null).await;
        self.sees("#palette[open] #palette-text:focus").await;
        self.types(text).await;
    }
}

#[tokio::test]
async fn the_palette_has_every_action_and_every_conversation() {
    let relay = Relay::start().await;
    let (_, ana) = waits(&relay, json!({ "name": "Ana Souza" })).await;
    let (_, bo) = waits(&relay, json!({ "name": "Bo Ek" })).await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.looks_for("souza").await;
    desk.shows("#palette-list [aria-selected=true]", "Ana Souza").await;
    desk.presses(Key::Enter).await;
    desk.misses("#palette").await;
    desk.sees(&format!("#conversation[data-handoff-id='{ana}']")).await;

    // Only what would do something is offered.
    desk.looks_for("return to").await;
    desk.shows("#palette-none", "Nothing found.").await;
    desk.presses(Key::Escape).await;
    desk.misses("#palette").await;
    desk.looks_for("accept").await;
    desk.shows("#palette-list [aria-selected=true]", "Accept, or take over").await;
    desk.presses(Key::Enter).await;
    desk.shows("#conversation-status", "Assigned to you").await;

    // Also while the agent writes; what they write stays.
    desk.sees("#composer-text:focus").await;
    desk.types("A draft").await;
    desk.looks_for("be away").await;
    desk.presses(Key::Enter).await;
    desk.shows("#duty", "Away").await;
    desk.comes_to("return document.getElementById('composer-text').value", json!("A draft")).await;
    desk.looks_for("list: everyone").await;
    desk.clicks("#palette-list [role=option]").await;
    desk.sees("#tab-everyone[aria-selected=true]").await;
    desk.looks_for("waiting ek").await;
    desk.clicks(&format!("#palette-list [data-handoff-id='{bo}']")).await;
    desk.sees(&format!("#conversation[data-handoff-id='{bo}']")).await;
    desk.clicks("#keys").await;
    desk.shows("#help[open] dl", "everything: actions and conversations").await;
    desk.closes().await;
}

#[tokio::test]
async fn the_next_one_without_an_answer_is_one_combination_away() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let (first_chat, first) = relay.hand_off().await;
    let (_, second) = relay.hand_off().await;
    let (_, answered) = relay.hand_off().await;
    for handoff in [&first, &second, &answered] {
        alex.accepts(handoff).await;
    }
    for handoff in [&first, &answered] {
        alex.writes(handoff, "Hello").await;
        alex.sees(handoff, "Hello", &["confirmed"]).await;
    }
    // The first one's answer is older than this question.
    relay.gets(&customer_says(&first_chat, "And now?")).await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.clicks("#tab-mine").await;
    desk.sees(&format!("{} .when[data-wait]", row(&first))).await;
    for handoff in [&second, &first, &second] {
        desk.presses(Key::Control + Key::Shift + "." + Key::Null).await;
        desk.sees(&format!("#conversation[data-handoff-id='{handoff}']")).await;
    }
    desk.closes().await;
}

#[tokio::test]
async fn the_list_is_one_stop_and_keys_move_within_it() {
    let relay = Relay::start().await;
    let mut handoffs = Vec::new();
    for number in 0..40 {
        handoffs.push(waits(&relay, json!({ "name": format!("Customer {number}") })).await.1);
    }
    let desk = Desk::of_agent(&relay, "Alex").await;
    let stops = "return [...document.querySelectorAll('#queue-list a')].filter((one) => one.tabIndex === 0)
        .map((one) => one.closest('li').dataset.handoffId)";
    desk.comes_to(stops, json!([handoffs[0]])).await;
    desk.js::<()>("document.querySelector('#queue-list a').focus()", &[]).await;
    for (key, wanted) in
        [(Key::Down, 1), (Key::Down, 2), (Key::Up, 1), (Key::End, 39), (Key::Up, 38), (Key::Home, 0)]
    {
        desk.presses(key).await;
        desk.comes_to(FOCUS, json!(handoffs[wanted])).await;
        desk.comes_to(stops, json!([handoffs[wanted]])).await;
    }
    desk.presses(Key::End).await;
    desk.presses(Key::Tab).await;
    desk.comes_to("return document.activeElement.closest('#queue-list') === null", json!(true)).await;
    desk.presses(Key::Shift + Key::Tab).await;
    desk.comes_to(FOCUS, json!(handoffs[39])).await;

    // The stop stays, also where the list has scrolled away from it.
    desk.js::<()>(
        "document.activeElement.blur(); document.getElementById('queue-scroller').scrollTop = 0",
        &[],
    )
    .await;
    desk.comes_to(stops, json!([handoffs[39]])).await;
    desk.closes().await;
}
