//! Two agents, each in a browser of their own.

use serde_json::json;

use crate::{
    desk::{Desk, row},
    support::{relay::Relay, soon},
};

/// Holds requests to a path until `window.letGo()` is called.
const HOLD: &str = "const [path, real] = [arguments[0], window.fetch];
    window.fetch = async (url, options) => {
        if (url.endsWith(path)) await new Promise((go) => (window.letGo = go));
        return real(url, options);
    }";

#[tokio::test]
async fn one_accepts_and_the_other_is_refused_and_takes_over() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let (alex, sam) = Desk::of_alex_and_sam(&relay).await;
    sam.opens(&handoff).await;
    sam.js::<()>(HOLD, &[json!("/accept")]).await;
    sam.clicks("[data-action=accept]").await;
    // It shows at once; the relay knows nothing of it yet.
    sam.shows("#conversation-status", "Assigned to you").await;

    alex.accepts(&handoff).await;
    sam.comes_to("return typeof window.letGo", json!("function")).await;
    sam.js::<()>("window.letGo()", &[]).await;
    sam.shows("#toasts", "Alex").await;
    sam.shows("#conversation-status", "Assigned to Alex").await;
    sam.shows("#composer-reason", "Alex has this conversation.").await;
    sam.misses(&row(&handoff)).await;
    sam.clicks("#tab-everyone").await;
    sam.shows(&format!("{} .more", row(&handoff)), "Alex").await;

    sam.reloads().await;
    sam.clicks("#conversation-actions [data-action=takeOver]").await;
    sam.confirms("Take over from Alex?").await;
    sam.shows("#conversation-status", "Assigned to you").await;
    alex.shows("#conversation-status", "Assigned to Sam").await;
    alex.shows("#messages .line", "Sam took over").await;
    alex.misses("#composer-text").await;
    sam.writes("Hello, now it's Sam.").await;
    alex.shows("#messages .entry[data-kind=colleague] .bubble", "Hello, now it's Sam.").await;
    soon(
        "Sam's message at Ada",
        relay.ada.until(|ada| {
            let messages = ada.messages(&conversation);
            messages.last().is_some_and(|last| last.display_name.as_deref() == Some("Sam"))
        }),
    )
    .await;

    sam.clicks("#conversation-actions [data-action=release]").await;
    alex.shows("#conversation-status", "Waiting for").await;
    alex.sees(&row(&handoff)).await;
    alex.closes().await;
    sam.closes_after(&["status of 409"]).await;
}
