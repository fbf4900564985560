//! Agents see who else is there: in a conversation, and on duty.

use serde_json::json;
use thirtyfour::Key;

use crate::{
    desk::{Desk, row},
    support::{answer::Answer, relay::Relay},
};

/// What screen readers were told of a colleague, from now on.
const LISTEN: &str = "window.told = [];
    new MutationObserver((changes) => {
        for (const {addedNodes} of changes)
            for (const node of addedNodes) if (/Sam|Kim/.test(node.textContent)) window.told.push(node.textContent);
    }).observe(document.getElementById('announcer'), {childList: true})";

async fn says(relay: &Relay, agent: &str, handoff: &str, state: &str) {
    let request = relay.agent(agent).request("PUT", &format!("/handoffs/{handoff}/presence"));
    Answer::to(request.json(&json!({ "state": state }))).await.good(200);
}

#[tokio::test]
async fn two_who_open_the_same_conversation_see_each_other() {
    let relay = Relay::start().await;
    let (_, handoff) = relay.hand_off().await;
    let (_, other) = relay.hand_off().await;
    let (alex, sam) = Desk::of_alex_and_sam(&relay).await;
    alex.js::<()>(LISTEN, &[]).await;
    alex.opens(&handoff).await;
    alex.misses("#viewers").await;
    sam.opens(&handoff).await;
    alex.shows("#viewers", "Sam is looking at this").await;
    sam.shows("#viewers", "Alex is looking at this").await;
    alex.shows(&format!("{} .present", row(&handoff)), "Sam").await;
    alex.misses(&format!("{} .present", row(&other))).await;

    // Who accepts writes, and the other one sees that.
    sam.clicks("[data-action=accept]").await;
    sam.sees("#composer-text:focus").await;
    sam.types("Good morn").await;
    alex.shows("#viewers", "Sam is writing…").await;
    alex.clicks("#tab-everyone").await;
    alex.sees(&format!("{} .present[title='Sam is writing…']", row(&handoff))).await;
    sam.presses(Key::Enter).await;
    sam.has_message("Good morn", "confirmed").await;
    alex.shows("#viewers", "Sam is looking at this").await;
    sam.types("And").await;
    alex.shows("#viewers", "Sam is writing…").await;

    // Who opens another conversation is gone from this one.
    sam.clicks("#tab-waiting").await;
    sam.opens(&other).await;
    alex.misses("#viewers").await;
    alex.clicks("#tab-waiting").await;
    alex.shows(&format!("{} .present", row(&other)), "Sam").await;
    // Each was said once, however often it changed.
    alex.comes_to(
        "return window.told.filter((line) => line.startsWith('Sam is'))",
        json!(["Sam is looking at this conversation.", "Sam is writing in this conversation."]),
    )
    .await;
    // And who leaves the page is gone from all.
    sam.js::<()>("location.replace('about:blank')", &[]).await;
    alex.misses(&format!("{} .present", row(&other))).await;
    sam.closes().await;
    alex.closes().await;
}

#[tokio::test]
async fn several_are_named_together_and_nobody_sees_themselves() {
    let relay = Relay::start().await;
    let (_, handoff) = relay.hand_off().await;
    let desk = Desk::open(&relay).await;
    // Sam was there before Alex had a stream.
    says(&relay, "Sam", &handoff, "looking").await;
    desk.signs_in("Alex").await;
    desk.opens(&handoff).await;
    desk.shows("#viewers", "Sam is looking at this").await;
    says(&relay, "Sam", &handoff, "writing").await;
    desk.shows("#viewers", "Sam is writing…").await;
    says(&relay, "Sam", &handoff, "none").await;
    desk.misses("#viewers").await;
    says(&relay, "Alex", &handoff, "writing").await;
    says(&relay, "Sam", &handoff, "looking").await;
    desk.shows("#viewers", "Sam is looking at this").await;
    assert!(!desk.texts("#viewers").await[0].contains("Alex"));
    // A page that nobody sees looks at nothing.
    desk.js::<()>(
        "Object.defineProperty(document, 'hidden', {get: () => true, configurable: true});
            document.dispatchEvent(new Event('visibilitychange'))",
        &[],
    )
    .await;
    desk.until("nobody there but Sam", async || {
        let request = relay.agent("Sam").request("PUT", &format!("/handoffs/{handoff}/presence"));
        let answer = Answer::to(request.json(&json!({ "state": "looking" }))).await.good(200);
        (answer["data"] == json!([])).then_some(())
    })
    .await;
    desk.closes().await;
}

#[tokio::test]
async fn who_is_on_duty_is_one_click_away_and_so_is_being_away() {
    let relay = Relay::start().await;
    let (alex, sam) = Desk::of_alex_and_sam(&relay).await;
    alex.clicks("#colleagues-toggle").await;
    alex.shows("#colleagues [data-duty=on]", "Alex (you)").await;
    alex.shows("#colleagues [data-duty=on]", "Sam").await;
    sam.clicks("#duty").await;
    sam.shows("#duty", "Away").await;
    alex.shows("#colleagues [data-duty=away]", "Sam").await;
    alex.shows("#colleagues-number", "1").await;
    alex.presses(Key::Escape).await;
    alex.misses("#colleagues").await;
    alex.sees("#colleagues-toggle:focus").await;
    sam.clicks("#duty").await;
    sam.shows("#duty", "On duty").await;
    alex.clicks("#colleagues-toggle").await;
    alex.shows("#colleagues-number", "2").await;
    // A click elsewhere closes the list.
    alex.clicks("#conversation-none").await;
    alex.misses("#colleagues").await;
    alex.closes().await;
    sam.closes().await;
}
