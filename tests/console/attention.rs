//! What gets an agent's attention: sounds and notifications, and messages that were not sent.

use sandbox::{Call, Fault};
use serde_json::json;

use crate::{desk::Desk, displaced::SOUNDS, relay::chat, support::relay::Relay, team::HOLD};

#[tokio::test]
async fn sound_and_notifications_are_offered_once_and_can_be_tried_out() {
    let relay = Relay::start().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.js::<()>(SOUNDS, &[]).await;
    desk.shows("#welcome h3", "Hear when somebody needs you").await;
    desk.clicks("#welcome [data-action=test]").await;
    desk.shows("#toasts", "Sound and notifications are off.").await;
    desk.clicks("#welcome [data-setting=sound]").await;
    desk.comes_to("return window.sounds", json!(2)).await;
    desk.clicks("#welcome [data-action=test]").await;
    desk.comes_to("return window.sounds", json!(4)).await;
    desk.clicks("#welcome [data-action=welcomed]").await;
    desk.misses("#welcome").await;
    desk.reloads().await;
    desk.is_signed_in("Alex").await;
    desk.misses("#welcome").await;
    desk.clicks("#account").await;
    desk.clicks("[data-action=settings]").await;
    desk.sees("#settings [data-setting=sound]:checked").await;
    desk.sees("#settings [data-action=test]").await;
    desk.closes().await;
}

#[tokio::test]
async fn a_phone_offers_them_above_the_list() {
    let relay = Relay::start().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    let is_wide = async |width: u32| {
        let size = json!({"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": false});
        desk.devtools("Emulation.setDeviceMetricsOverride", size).await;
    };
    desk.sees("#conversation-none > #welcome").await;
    is_wide(390).await;
    desk.sees("#queue > #welcome").await;
    is_wide(1_280).await;
    desk.sees("#conversation-none > #welcome").await;
    is_wide(390).await;
    desk.clicks("#queue > #welcome [data-action=welcomed]").await;
    desk.misses("#welcome").await;
    desk.sees("#tab-waiting:focus").await;
    desk.closes().await;
}

#[tokio::test]
async fn who_goes_on_to_a_conversation_is_not_offered_them_again() {
    let relay = Relay::start().await;
    let (_, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.sees("#welcome").await;
    desk.opens(&handoff).await;
    desk.goes_to("/#/").await;
    desk.sees("#conversation-none").await;
    desk.misses("#welcome").await;
    desk.closes().await;
}

#[tokio::test]
async fn a_message_that_failed_is_told_in_any_view_and_sent_again_from_there() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let (_, other) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    desk.clicks("#tab-waiting").await;
    desk.opens(&other).await;
    let refusal = || Fault::Status { status: 400, retry_after: None };
    relay.ada.fault_next(Call::SendMessage, refusal());
    relay.alex().writes(&handoff, "First").await;
    let notice = ".notice-of-handoff[data-kind=failed]";
    desk.shows(&format!("{notice} p"), "Your message to Maria Silva was not sent").await;
    assert!(!chat(&relay, &conversation).contains(&"First".to_owned()));

    // It is still there after a reload, and goes when the message is on its way.
    desk.reloads().await;
    desk.clicks(&format!("{notice} [data-action=send-again]")).await;
    desk.misses(notice).await;
    desk.until("the message at Ada", async || {
        chat(&relay, &conversation).contains(&"First".to_owned()).then_some(())
    })
    .await;

    relay.ada.fault_next(Call::SendMessage, refusal());
    relay.alex().writes(&handoff, "Second").await;
    desk.clicks(&format!("{notice} [data-action=open]")).await;
    desk.has_message("Second", "failed").await;
    desk.misses(notice).await;
    desk.closes().await;
}

/// It never became a row: the page alone has it.
#[tokio::test]
async fn a_message_that_the_relay_refuses_is_told_too() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let (_, other) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    desk.js::<()>(HOLD, &[json!("/messages")]).await;
    desk.writes("Too late").await;
    desk.comes_to("return typeof window.letGo", json!("function")).await;
    desk.clicks("#tab-waiting").await;
    desk.opens(&other).await;
    let takes_over = json!({ "take_over": true });
    relay.agent("Sam").post(&format!("/handoffs/{handoff}/accept"), &takes_over).await.good(200);
    desk.js::<()>("window.letGo()", &[]).await;
    let notice = ".notice-of-handoff[data-kind=failed]";
    desk.shows(&format!("{notice} p"), "Your message to Maria Silva was not sent: Sam").await;
    assert!(!chat(&relay, &conversation).contains(&"Too late".to_owned()));
    desk.clicks(&format!("{notice} [data-action=open]")).await;
    desk.has_message("Too late", "failed").await;
    desk.misses(notice).await;
    desk.closes_after(&["status of 409"]).await;
}
