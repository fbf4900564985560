//! What agents see of those who wait, before they open a conversation.

use serde_json::{Value, json};

use crate::{
    desk::{Desk, row},
    support::{
        events::customer_says,
        eventually,
        relay::{Relay, Setup},
    },
};

/// How many rows of the list are to be seen whole.
const WHOLE_ROWS: &str = "const frame = document.getElementById('queue-scroller').getBoundingClientRect();
    return [...document.querySelectorAll('#queue-list > li')].filter((row) => {
        const {top, bottom} = row.getBoundingClientRect();
        return top >= frame.top && bottom <= frame.bottom && bottom <= innerHeight;
    }).length";

/// Whether all tabs stand whole beside each other.
const TABS_ARE_WHOLE: &str = "const tabs = [...document.querySelectorAll('[role=tab]')];
    const frame = document.getElementById('queue').getBoundingClientRect();
    return tabs.length === 5 && tabs.every((tab) => {
        const {left, right, top} = tab.getBoundingClientRect();
        return left >= frame.left && right <= frame.right && tab.scrollWidth <= tab.clientWidth
            && top === tabs[0].getBoundingClientRect().top;
    })";

/// Somebody is handed over with these fields. Gives the conversation, and the handoff's id.
async fn waits(relay: &Relay, context: Value) -> (String, String) {
    let conversation = relay.ada.open_conversation();
    assert_eq!(relay.ada.start_handoff(&conversation, context).await.unwrap(), 200);
    let handoff = relay.alex().handoff_of(&conversation).await["id"].as_str().unwrap().to_owned();
    (conversation, handoff)
}

/// Ada calls the customer of all messages Maria Silva.
#[tokio::test]
async fn the_name_that_the_business_gave_stands_first() {
    let relay = Relay::start().await;
    let (known, handoff) = waits(&relay, json!({"first_name": "Ana", "last_name": "Souza"})).await;
    let (nameless, other) = waits(&relay, json!({"name": "{{name}}", "email": "None"})).await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    let end = &nameless[nameless.len() - 4..];
    desk.shows(&format!("{} .name", row(&other)), &format!("Customer {end}")).await;
    for conversation in [&known, &nameless] {
        relay.gets(&customer_says(conversation, "Hello")).await;
    }
    desk.shows(&format!("{} .name", row(&other)), "Maria Silva").await;
    desk.misses(&format!("{} .alias", row(&other))).await;
    desk.shows(&format!("{} .name bdi", row(&handoff)), "Ana Souza").await;
    desk.shows(&format!("{} .name .alias", row(&handoff)), "Maria Silva").await;

    desk.accepts(&handoff).await;
    desk.shows("#conversation-name", "Ana Souza Maria Silva").await;
    desk.shows("#details .person", "In Ada: Maria Silva").await;
    relay.alex().post("/canned-replies", &json!({"title": "Greet", "text": "Hello {name}!"})).await.good(201);
    desk.clicks("#composer-text").await;
    desk.types("/Greet").await;
    desk.clicks("#canned-list [role=option]").await;
    desk.comes_to("return document.getElementById('composer-text').value", json!("Hello Ana Souza!")).await;
    desk.closes().await;
}

/// A message of the customer, over this kind of channel.
async fn says(relay: &Relay, conversation: &str, text: &str, modality: &str) {
    let mut event = customer_says(conversation, text);
    event["data"]["channel"]["modality"] = json!(modality);
    relay.gets(&event).await;
}

#[tokio::test]
async fn a_row_says_why_somebody_waits() {
    let relay = Relay::start().await;
    let fields = json!({"name": "Ana", "issue_category": "Refunds", "plan": "{plan}", "language": "pt-BR"});
    let (conversation, handoff) = waits(&relay, fields).await;
    let summary = "Was charged twice for order A-1077.";
    let summed =
        json!({"name": "Bo", "summary": summary, "category": "Billing", "plan": "Pro", "language": "sv"});
    let (other, summed) = waits(&relay, summed).await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    let of = |handoff: &str, part: &str| format!("{} {part}", row(handoff));
    desk.shows(&of(&handoff, ".preview"), "The customer has not written yet").await;
    // What nobody filled in is left out, and so is what there is no room for.
    desk.shows(&of(&handoff, ".facts"), "Refunds · Brazilian Portuguese").await;
    desk.shows(&of(&summed, ".facts"), "Billing · Pro").await;
    desk.shows(&of(&summed, ".preview"), summary).await;
    desk.misses(&of(&handoff, ".channel svg")).await;

    says(&relay, &conversation, "Where is my refund?", "email").await;
    let mut event = customer_says(&conversation, "A person will answer soon.");
    event["data"]["author"] = json!({"role": "ai_agent", "display_name": "Acme assistant"});
    event["data"]["channel"]["modality"] = json!("email");
    relay.gets(&event).await;
    desk.shows(&of(&handoff, ".channel"), "E-mail").await;
    eventually("the AI Agent's words", async || {
        let last = relay.alex().handoff(&handoff).await["last_message"]["author"]["role"] == "ai_agent";
        last.then_some(())
    })
    .await;
    desk.shows(&of(&handoff, ".preview"), "Where is my refund?").await;
    for (modality, name) in [("sms", "SMS"), ("voice", "Voice"), ("messaging", "Chat"), ("fax", "fax")] {
        says(&relay, &other, &format!("By {modality}"), modality).await;
        desk.shows(&of(&summed, ".channel"), name).await;
        desk.shows(&of(&summed, ".preview"), &format!("By {modality}")).await;
    }
    desk.closes().await;
}

#[tokio::test]
async fn sixteen_rows_and_all_lists_have_room() {
    let relay = Relay::start().await;
    for number in 0..20 {
        waits(&relay, json!({"name": format!("Customer {number}"), "category": "Billing"})).await;
    }
    let desk = Desk::of_agent(&relay, "Alex").await;
    for (width, height, rows) in
        [(390, 844, 11), (720, 900, 16), (1280, 800, 14), (1440, 900, 16), (1920, 1080, 20)]
    {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        desk.devtools("Emulation.setDeviceMetricsOverride", size).await;
        desk.comes_to(TABS_ARE_WHOLE, json!(true)).await;
        let what = format!("{rows} rows at {width}x{height}");
        desk.until(&what, async || (desk.js::<u64>(WHOLE_ROWS, &[]).await >= rows).then_some(())).await;
    }
    desk.closes().await;
}

/// What a list's tab reads.
async fn reads(desk: &Desk, list: &str, text: &str) {
    desk.comes_to(&format!("return document.getElementById('tab-{list}').textContent"), json!(text)).await;
}

#[tokio::test]
async fn the_numbers_count_who_waits_and_what_is_unread() {
    let relay = Relay::start().await;
    let (conversation, mine) = waits(&relay, json!({"name": "Ana"})).await;
    waits(&relay, json!({"name": "Bo"})).await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    reads(&desk, "waiting", "Waiting 2 waiting").await;
    desk.accepts(&mine).await;
    reads(&desk, "waiting", "Waiting 1 waiting").await;
    desk.clicks("#tab-mine").await;
    // Nobody has answered since the handoff.
    desk.sees(&format!("{} .when[data-wait=short]", row(&mine))).await;
    desk.writes("Hello").await;
    desk.misses(&format!("{} .when[data-wait]", row(&mine))).await;
    desk.goes_to("/#/").await;
    for text in ["One", "Two"] {
        relay.gets(&customer_says(&conversation, text)).await;
    }
    reads(&desk, "mine", "Mine 2 unread").await;
    desk.sees(&format!("{} .when[data-wait=short]", row(&mine))).await;
    for list in ["everyone", "missed", "ended"] {
        assert_eq!(desk.texts(&format!("#tab-{list} .number")).await, [""]);
    }
    desk.closes().await;
}

#[tokio::test]
async fn who_was_missed_stands_apart_with_what_they_were_told() {
    let setup =
        Setup::new().set("WAITING_TIMEOUT", "6s").set("WAITING_TIMEOUT_TEXT", "Sorry, nobody is free.");
    let relay = setup.start().await;
    let (_, solved) = waits(&relay, json!({"name": "Bo"})).await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&solved).await;
    desk.clicks("#conversation-actions [data-action=end]").await;
    desk.confirms("End the conversation").await;
    let (_, handoff) = waits(&relay, json!({"name": "Ana"})).await;
    desk.opens(&handoff).await;
    desk.shows(&format!("{} .when[data-wait=too-long]", row(&handoff)), "left").await;
    desk.shows("#conversation-status", "left").await;
    desk.shows("#conversation-status", "Missed: nobody accepted it in time").await;
    desk.misses(&row(&handoff)).await;
    desk.clicks("#tab-missed").await;
    desk.shows(&format!("{} .preview", row(&handoff)), "Told: Sorry, nobody is free.").await;
    desk.misses(&row(&solved)).await;
    desk.clicks("#tab-ended").await;
    desk.shows(&format!("{} .more", row(&solved)), "you").await;
    desk.misses(&row(&handoff)).await;
    desk.reloads().await;
    desk.sees(&row(&solved)).await;
    desk.misses(&row(&handoff)).await;
    desk.clicks("#tab-missed").await;
    desk.sees(&row(&handoff)).await;
    desk.closes().await;
}
