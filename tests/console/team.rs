//! Two agents, each in a browser of their own.

use handoff_relay::store::sessions::Digest;
use serde_json::json;
use thirtyfour::Key;

use crate::{
    connection::AWAY,
    desk::{Desk, row},
    support::{
        relay::{Relay, token_of},
        soon,
    },
};

/// Holds requests to a path until `window.letGo()` is called.
pub const HOLD: &str = "const [path, real] = [arguments[0], window.fetch];
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

/// Alex is in Support, Sam in Billing, and Kim leads.
pub async fn relay_with_teams() -> Relay {
    let mut relay = Relay::start().await;
    relay.stop().await;
    relay.lists_agents(&teams_with_alex_in("Support"));
    relay.start_again().await;
    relay
}

fn teams_with_alex_in(team: &str) -> String {
    let agent = |name: &str, rest: &str| {
        let digest = Digest::of(token_of(name));
        let (name, digest) =
            (format!("name = \"{name}\""), format!("token_sha256 = \"{}\"", digest.as_str()));
        format!("[[agents]]\n{name}\n{digest}\n{rest}\n")
    };
    let agents = [
        agent("Alex", &format!("teams = [\"{team}\"]")),
        agent("Sam", "teams = [\"Billing\"]"),
        agent("Kim", "role = \"lead\""),
    ];
    let teams = "default_team = \"Support\"\n[[teams]]\nname = \"Support\"\n[[teams]]\nname = \"Billing\"\n";
    format!("{teams}{}", agents.concat())
}

#[tokio::test]
async fn who_changes_teams_sees_the_queue_of_the_new_one() {
    let mut relay = relay_with_teams().await;
    let (_, of_billing) = relay.hand_off().await;
    let (_, of_support) = relay.hand_off().await;
    let kim = relay.agent("Kim");
    let moved = kim.post(&format!("/handoffs/{of_billing}/hand-over"), &json!({ "team": "Billing" })).await;
    moved.good(200);
    let alex = Desk::of_agent(&relay, "Alex").await;
    alex.opens(&of_support).await;
    alex.misses(&row(&of_billing)).await;
    relay.stop().await;
    relay.rewrites(&teams_with_alex_in("Billing"));
    relay.comes_back().await;
    alex.sees(&row(&of_billing)).await;
    alex.misses(&row(&of_support)).await;
    alex.shows("#thread-state", "This conversation is another team's now.").await;
    alex.misses("#composer-text").await;
    alex.closes_after(AWAY).await;
}

#[tokio::test]
async fn a_conversation_is_handed_over_to_a_team_and_back_to_a_colleague() {
    let relay = relay_with_teams().await;
    let (_, handoff) = relay.hand_off().await;
    let (alex, sam) = Desk::of_alex_and_sam(&relay).await;
    sam.misses(&row(&handoff)).await;
    alex.accepts(&handoff).await;
    alex.presses(Key::Control + Key::Shift + "7").await;
    alex.shows("dialog.ask h2", "Hand over the conversation").await;
    let options =
        "return [...document.querySelectorAll('#hand-over-to option')].map((option) => option.textContent)";
    assert_eq!(alex.js::<Vec<String>>(options, &[]).await, ["Billing", "Support", "Sam", "Kim (not here)"]);
    alex.clicks("#hand-over-note").await;
    alex.types("It is about an invoice.").await;
    alex.clicks("dialog.ask [data-action=confirm]").await;
    alex.shows("#toasts", "Handed over to Billing.").await;
    alex.shows("#thread-state", "This conversation is another team's now.").await;
    alex.misses(&row(&handoff)).await;

    sam.sees(&row(&handoff)).await;
    sam.accepts(&handoff).await;
    sam.shows("#messages .line", "Alex handed it over to Billing").await;
    sam.shows("#messages .entry[data-kind=note]", "It is about an invoice.").await;
    sam.clicks("#conversation-actions [data-action=handOver]").await;
    sam.shows("dialog.ask h2", "Hand over the conversation").await;
    sam.js::<()>("document.getElementById('hand-over-to').value = '2'", &[]).await;
    sam.clicks("dialog.ask [data-action=confirm]").await;
    sam.shows("#conversation-status", "Assigned to Alex").await;
    alex.clicks("#tab-mine").await;
    alex.sees(&row(&handoff)).await;

    sam.clicks("#duty[data-duty=on]").await;
    sam.shows("#duty", "Away").await;
    sam.reloads().await;
    sam.shows("#duty", "Away").await;
    alex.clicks(&row(&handoff)).await;
    alex.clicks("#conversation-actions [data-action=handOver]").await;
    alex.shows("dialog.ask h2", "Hand over the conversation").await;
    alex.comes_to(
        "return document.querySelector('#hand-over-to').textContent.includes('Sam (away)')",
        json!(true),
    )
    .await;
    alex.clicks("dialog.ask [value=no]").await;
    // Rows may have been asked for at the moment at which the conversation left Alex's sight.
    alex.closes_after(&["status of 404"]).await;
    sam.closes().await;
}
