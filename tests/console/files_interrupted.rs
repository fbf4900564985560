//! Files of agents that something comes between: a change of mind, a broken connection, a reload, another agent.

use sandbox::{Call, Fault};
use serde_json::json;

use crate::{
    desk::{Desk, OnDisk},
    files_sent::arrived,
    samples::{self, PDF},
    support::{eventually, relay::Relay},
};

const MB: usize = 1 << 20;

#[tokio::test]
async fn an_upload_can_be_called_back() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    desk.uploads_at(200_000).await;
    let (log, form) = (OnDisk::new("day.log", samples::log(8 * MB)), OnDisk::new("form.pdf", PDF));
    desk.attaches(&[&log, &form]).await;
    desk.sends().await;
    desk.until("a part of it", async || {
        let part = "return document.querySelector('#pending progress')?.value ?? 0";
        (desk.js::<f64>(part, &[]).await > 0.0).then_some(())
    })
    .await;
    desk.clicks("#pending [aria-label='Cancel day.log']").await;
    desk.has_file("form.pdf", "confirmed").await;
    desk.misses("#pending .entry").await;
    assert_eq!(arrived(&relay, &conversation, 1).await[0].filename, "form.pdf");
    let rows = relay.alex().rows(&handoff).await;
    assert!(!rows.iter().any(|row| row["content"]["filename"] == "day.log"));
    desk.closes().await;
}

#[tokio::test]
async fn a_broken_connection_doubles_nothing_and_ada_is_asked_again() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    // The first answer is lost on its way to the page.
    desk.js::<()>(
        "const send = XMLHttpRequest.prototype.send;
        XMLHttpRequest.prototype.send = function (body) {
            XMLHttpRequest.prototype.send = send;
            const {onload, onerror} = this;
            this.onload = () => onerror.call(this);
            send.call(this, body);
        }",
        &[],
    )
    .await;
    let form = OnDisk::new("form.pdf", PDF);
    desk.attaches(&[&form]).await;
    desk.sends().await;
    desk.has_file("form.pdf", "confirmed").await;
    desk.misses("#pending .entry").await;

    let refusal = Fault::Status { status: 400, retry_after: None };
    relay.ada.fault_next(Call::UploadAttachment, refusal);
    let map = OnDisk::new("map.png", samples::png(20, 20));
    desk.attaches(&[&map]).await;
    desk.sends().await;
    desk.has_file("map.png", "failed").await;
    desk.clicks("[data-action=retry]").await;
    desk.has_file("map.png", "confirmed").await;
    let files = arrived(&relay, &conversation, 2).await;
    assert_eq!([&*files[0].filename, &*files[1].filename], ["form.pdf", "map.png"]);
    desk.closes().await;
}

#[tokio::test]
async fn a_reload_in_the_middle_is_asked_about_and_told_of() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let (_, other) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    let asks = "return !dispatchEvent(new Event('beforeunload', {cancelable: true}))";
    assert!(!desk.js::<bool>(asks, &[]).await);
    let log = OnDisk::new("day.log", samples::log(8 * MB));
    desk.attaches(&[&log]).await;
    desk.shows("#composer-hint", "lost when the page is reloaded").await;
    // They stay with their conversation.
    desk.accepts(&other).await;
    desk.misses("#attachments li").await;
    assert!(desk.js::<bool>(asks, &[]).await);
    desk.clicks("#tab-mine").await;
    desk.opens(&handoff).await;
    desk.uploads_at(200_000).await;
    desk.sends().await;
    desk.sees("#pending progress").await;
    assert!(desk.js::<bool>(asks, &[]).await);

    desk.reloads().await;
    desk.shows("#pending .failure", "The upload was interrupted.").await;
    assert!(!desk.js::<bool>(asks, &[]).await);
    desk.clicks("#pending [data-action=drop]").await;
    desk.misses("#pending .entry").await;
    desk.uploads_at(-1).await;
    desk.attaches(&[&log]).await;
    desk.sends().await;
    desk.has_file("day.log", "confirmed").await;
    arrived(&relay, &conversation, 1).await;
    desk.closes().await;
}

#[tokio::test]
async fn whoever_loses_the_conversation_or_signs_out_is_told_what_was_not_sent() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    let log = OnDisk::new("day.log", samples::log(2 * MB));
    desk.uploads_at(1_000_000).await;
    desk.attaches(&[&log]).await;
    desk.sends().await;
    desk.sees("#pending progress").await;
    relay
        .agent("Sam")
        .post(&format!("/handoffs/{handoff}/accept"), &json!({"take_over": true}))
        .await
        .good(200);
    desk.shows("#pending .failure p", "Sam").await;
    desk.shows("#composer-reason", "Sam has this conversation.").await;
    desk.drags(&[&log], "#thread", "dragEnter").await;
    desk.shows("#drop[data-refused]", "Sam has this conversation.").await;
    desk.drags(&[&log], "#queue", "dragOver").await;
    desk.misses("#drop").await;

    desk.clicks("#composer-open").await;
    desk.confirms("Take over from Sam?").await;
    desk.uploads_at(200_000).await;
    desk.clicks("#pending [data-action=retry]").await;
    desk.sees("#pending progress").await;
    desk.clicks("#account").await;
    desk.clicks("[data-action=sign-out]").await;
    desk.shows("dialog.ask", "1 file will not be sent.").await;
    desk.clicks("dialog.ask [data-action=confirm]").await;
    desk.sees("#sign-in").await;
    let left: String = desk.js("return JSON.stringify([{...localStorage}, {...sessionStorage}])", &[]).await;
    assert!(!left.contains("day.log"), "{left}");
    eventually("peace", async || relay.ada.is_idle().then_some(())).await;
    assert_eq!(relay.ada.files_sent_to(&conversation), []);
    desk.closes_after(&["status of 409", "status of 401"]).await;
}
