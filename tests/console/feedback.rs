//! What customers say of a handoff afterwards.

use serde_json::json;

use crate::{
    desk::Desk,
    support::{
        answer::Answer,
        relay::{Relay, START_KEY},
    },
};

#[tokio::test]
async fn the_details_show_what_the_customer_has_said() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&id).await;
    desk.clicks("#conversation-actions [data-action=end]").await;
    desk.confirms("End the conversation").await;
    relay.alex().sees_the_end(&id).await;
    for (feedback, shown) in [
        (json!({ "rating": 4, "comment": "<b>Fast</b> and kind" }), "4: <b>Fast</b> and kind"),
        (json!({ "rating": "good" }), "good"),
    ] {
        let mut body = feedback;
        body["conversation_id"] = json!(chat);
        let request = relay.http.post(format!("{}/handoffs/feedback", relay.url)).bearer_auth(START_KEY);
        Answer::to(request.json(&body)).await.good(200);
        desk.shows("#details-facts dd", shown).await;
    }
    desk.closes().await;
}
