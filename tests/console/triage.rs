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
    const rows = [...document.querySelectorAll('#queue-list > li')].map((row) => row.getBoundingClientRect());
    return rows.filter(({top, bottom}, index) => top >= frame.top && bottom <= frame.bottom && bottom <= innerHeight
        && bottom <= (rows[index + 1]?.top ?? Infinity)).length";

/// Whether all tabs stand whole beside each other.
const TABS_ARE_WHOLE: &str = "const tabs = [...document.querySelectorAll('[role=tab]')];
    const frame = document.getElementById('queue').getBoundingClientRect();
    return tabs.length === 5 && tabs.every((tab) => {
        const {left, right, top} = tab.getBoundingClientRect();
        return left >= frame.left && right <= frame.right && tab.scrollWidth <= tab.clientWidth
            && top === tabs[0].getBoundingClientRect().top;
    })";

/// Somebody is handed over with these fields. Gives the conversation, and the handoff's id.
pub async fn waits(relay: &Relay, context: Value) -> (String, String) {
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
pub async fn says(relay: &Relay, conversation: &str, text: &str, modality: &str) {
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
    assert_eq!(desk.texts(&of(&summed, ".facts")).await, ["Billing · Pro"]);
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
    // It is there once, and on a phone above the list.
    desk.clicks("[data-action=welcomed]").await;
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
        Setup::new().set("WAITING_TIMEOUT", "8s").set("WAITING_TIMEOUT_TEXT", "Sorry, nobody is free.");
    let relay = setup.start().await;
    // The time that they wait must not go by while the browser starts.
    let desk = Desk::of_agent(&relay, "Alex").await;
    let (_, solved) = waits(&relay, json!({"name": "Bo"})).await;
    desk.accepts(&solved).await;
    desk.clicks("#conversation-actions [data-action=end]").await;
    desk.confirms("End the conversation").await;
    let (_, handoff) = waits(&relay, json!({"name": "Ana"})).await;
    desk.opens(&handoff).await;
    desk.shows(&format!("{} .when[data-wait=too-long]", row(&handoff)), "left").await;
    desk.shows("#conversation-status", "left").await;
    desk.shows("#conversation-status", "Missed: nobody accepted it in time").await;
    desk.shows("#details-facts dd", "Sorry, nobody is free.").await;
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

impl Desk {
    /// Chooses an entry of a selection, and waits until it is the chosen one.
    async fn chooses(&self, name: &str, value: &str) {
        let select = format!("#filters [name='{name}']");
        let script = "const select = document.querySelector(arguments[0]);
            if (![...select?.options ?? []].some((one) => one.value === arguments[1])) return false;
            select.value = arguments[1];
            select.dispatchEvent(new Event('change'));
            return true";
        self.until(&format!("{value} of {name}"), async || {
            self.js::<bool>(script, &[json!(select), json!(value)]).await.then_some(())
        })
        .await;
    }

    /// Writes into the field for searches.
    async fn searches(&self, text: &str) {
        let search = "const field = document.getElementById('search');
            field.value = arguments[0];
            field.dispatchEvent(new Event('input'))";
        self.js::<()>(search, &[json!(text)]).await;
    }

    /// Waits until the list shows these handoffs in this order.
    async fn lists(&self, handoffs: &[&String]) {
        let script =
            "return [...document.querySelectorAll('#queue-list > li')].map((one) => one.dataset.handoffId)";
        self.comes_to(script, json!(handoffs)).await;
    }
}

#[tokio::test]
async fn a_list_is_filtered_and_sorted() {
    let relay = Relay::start().await;
    let (_, billing) = waits(&relay, json!({"name": "Ana", "category": "Billing", "shop": "Lisbon"})).await;
    let (chat, other) = waits(&relay, json!({"name": "Bo", "category": "Delivery", "shop": "Malmö"})).await;
    let (_, third) = waits(&relay, json!({"name": "Cy", "category": "Billing", "shop": "Malmö"})).await;
    says(&relay, &chat, "Hello", "sms").await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.lists(&[&billing, &other, &third]).await;
    desk.shows(&format!("{} .channel", row(&other)), "SMS").await;
    desk.clicks("#filter-toggle").await;
    desk.chooses("order", "newest").await;
    desk.lists(&[&third, &other, &billing]).await;
    desk.chooses("field:category", "Billing").await;
    desk.lists(&[&third, &billing]).await;
    reads(&desk, "waiting", "Waiting 3 waiting").await;
    desk.chooses("further", "field:shop").await;
    desk.chooses("field:shop", "Lisbon").await;
    desk.lists(&[&billing]).await;

    desk.reloads().await;
    desk.lists(&[&billing]).await;
    desk.clicks("#filter-chips [aria-label='Remove the filter Category: Billing']").await;
    desk.clicks("#filter-chips [aria-label='Remove the filter Shop: Lisbon']").await;
    desk.lists(&[&third, &other, &billing]).await;
    desk.clicks("#filter-toggle").await;
    desk.chooses("channel", "SMS").await;
    desk.lists(&[&other]).await;
    desk.clicks("#tab-mine").await;
    desk.shows("#queue-empty", "Nobody here fits the filters").await;
    desk.clicks("#queue-empty button").await;
    desk.shows("#queue-empty", "You have no conversations").await;

    // What a search finds is filtered, too.
    for handoff in [&other, &third] {
        eventually("the index", async || {
            relay.alex().list("q=Malm").await.iter().any(|one| one["id"] == **handoff).then_some(())
        })
        .await;
    }
    desk.searches("Malm").await;
    desk.sees(&row(&other)).await;
    desk.sees(&row(&third)).await;
    desk.misses("#filters [name='order']").await;
    desk.chooses("field:category", "Delivery").await;
    desk.lists(&[&other]).await;
    desk.searches("Lisbon").await;
    desk.shows("#queue-empty", "the search has found 1 conversation").await;
    desk.clicks("#queue-empty button").await;
    desk.lists(&[&billing]).await;
    desk.searches("nowhere to be found").await;
    desk.shows("#queue-empty", "Nothing found").await;

    // What values say may be personal.
    desk.clicks("#tab-waiting").await;
    desk.chooses("further", "field:shop").await;
    desk.chooses("field:shop", "Lisbon").await;
    desk.lists(&[&billing]).await;
    desk.clicks("#account").await;
    desk.clicks("[data-action=sign-out]").await;
    desk.sees("#sign-in").await;
    desk.comes_to("return JSON.stringify(localStorage).includes('Lisbon')", json!(false)).await;
    desk.closes().await;
}

#[tokio::test]
async fn in_mine_whoever_waits_longest_for_an_answer_may_come_first() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let mut handoffs = Vec::new();
    for name in ["Ana", "Bo", "Cy"] {
        let (chat, handoff) = waits(&relay, json!({ "name": name })).await;
        alex.writes(&handoff, "Hello").await;
        handoffs.push((chat, handoff));
    }
    // Bo has asked first, and again since Cy did. Ana has her answer.
    for (who, text) in [(1, "One"), (2, "Two"), (1, "Three"), (0, "Four")] {
        relay.gets(&customer_says(&handoffs[who].0, text)).await;
        eventually(text, async || {
            alex.reads(&handoffs[who].1).await.contains(&text.to_owned()).then_some(())
        })
        .await;
    }
    alex.writes(&handoffs[0].1, "Here it is").await;
    let [ana, bo, cy] = [0, 1, 2].map(|who: usize| &handoffs[who].1);
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.clicks("#tab-mine").await;
    desk.lists(&[ana, bo, cy]).await;
    desk.clicks("#filter-toggle").await;
    desk.chooses("order", "answer").await;
    desk.lists(&[bo, cy, ana]).await;
    desk.sees(&format!("{} .when[data-wait]", row(bo))).await;
    desk.misses(&format!("{} .when[data-wait]", row(ana))).await;
    desk.closes().await;
}

/// Makes so many of a handoff that is over, each a little younger; takes `[handoff, number]`.
const MANY: &str = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers
        WHERE n < json_extract(?1, '$[1]'))
    INSERT INTO handoffs (id, ai_agent, conversation, status, ended_at, doc)
    SELECT id || '-' || n, ai_agent, conversation, status, ended_at, json_set(doc, '$.id', id || '-' || n,
        '$.created_at', json_extract(doc, '$.created_at') + n * 1000)
    FROM handoffs, numbers WHERE id = json_extract(?1, '$[0]')";

/// Has a handoff that is over run out; takes its id.
const MISSED: &str =
    "UPDATE handoffs SET missed = 1, doc = json_set(doc, '$.missed', json('{\"at\": 1, \"told\": null}'))
    WHERE id = ?1";

#[tokio::test]
async fn a_filter_looks_through_many_that_are_over_a_part_at_a_time() {
    let mut relay = Relay::start().await;
    let mut over = Vec::new();
    for category in ["Billing", "Missed", "Delivery"] {
        let (_, handoff) = waits(&relay, json!({ "name": category, "category": category })).await;
        relay.alex().post(&format!("/handoffs/{handoff}/end"), &json!({})).await.good(200);
        over.push(handoff);
    }
    eventually("peace", async || (relay.left_over().await == (0, 0) && relay.ada.is_idle()).then_some(()))
        .await;
    relay.stop().await;
    relay.change_file(MANY, &json!([over[2], 1_100]).to_string()).await;
    relay.change_file(MISSED, &over[1]).await;
    relay.comes_back().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.js::<()>("localStorage.setItem('handoff-relay.view', JSON.stringify({filters: {'field:category': 'Billing'}}))", &[]).await;
    desk.reloads().await;
    desk.clicks("#tab-ended").await;
    desk.sees("#queue-more").await;
    desk.misses(&row(&over[0])).await;
    desk.clicks("#queue-more").await;
    desk.sees(&row(&over[0])).await;
    desk.misses("#queue-more").await;

    desk.clicks("#filter-chips button").await;
    desk.clicks("#tab-missed").await;
    desk.lists(&[&over[1]]).await;
    // It was asked for, rather than found among all that are over.
    let asked = "return performance.getEntriesByType('resource').filter(({name}) => name.includes('status=missed')).length";
    desk.comes_to(asked, json!(1)).await;

    // Where nobody looks at them, most of them leave the page's memory. They are loaded again when somebody does.
    let begins = "return performance.getEntriesByType('resource')
        .filter(({name}) => name.includes('status=ended') && !name.includes('cursor')).length";
    desk.comes_to(begins, json!(1)).await;
    desk.clicks("#tab-waiting").await;
    desk.shows("#queue-empty", "Nobody is waiting").await;
    desk.clicks("#tab-ended").await;
    desk.comes_to(begins, json!(2)).await;
    let to_the_end = "const scroller = document.getElementById('queue-scroller');
        scroller.scrollTop = scroller.scrollHeight;
        return document.querySelector('#queue-list > li:last-child')?.ariaSetSize";
    desk.comes_to(to_the_end, json!("1102")).await;
    desk.closes().await;
}

#[tokio::test]
async fn the_details_begin_with_what_an_agent_needs_to_know_first() {
    let relay = Relay::start().await;
    // Lists and events have only the beginning of it.
    let summary = format!("Was charged twice. {}The end.", "And so on. ".repeat(40));
    let known = json!({"name": "Ana", "summary": summary, "language": "pt-BR", "identity_verified": true,
        "handoff_reason": "A refund over 100 € needs a person.", "plan": "Pro"});
    let (conversation, known) = waits(&relay, known).await;
    let unknown =
        json!({"name": "Bo", "summary": "{summary}", "language": "null", "verified": "no", "reason": ""});
    let (_, unknown) = waits(&relay, unknown).await;
    says(&relay, &conversation, "Hello", "email").await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.opens(&known).await;
    for fact in ["Identity verified", "Brazilian Portuguese", "E-mail"] {
        desk.shows("#details .identity", fact).await;
    }
    desk.shows("#details .gist", "A refund over 100 € needs a person.").await;
    desk.shows("#details .gist", "The end.").await;
    let titles = "return [...document.querySelectorAll('#details h3')].map((one) => one.innerText)";
    desk.comes_to(titles, json!(["Reason", "Summary", "From the handover", "Conversation"])).await;
    let fields = "return [...document.querySelectorAll('#details-facts section:first-child dt')].map((one) => one.innerText)";
    desk.comes_to(fields, json!(["Plan"])).await;

    desk.opens(&unknown).await;
    desk.shows("#details .identity", "Identity not verified").await;
    assert_eq!(desk.texts("#details .identity").await, ["Identity not verified"]);
    desk.misses("#details .gist").await;
    desk.closes().await;
}

#[tokio::test]
async fn earlier_handoffs_of_the_same_customer_are_one_click_away() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let visit = async |context: Value, text: &str| {
        let (conversation, handoff) = waits(&relay, context).await;
        // Of the same customer, whom Ada knows by an id.
        relay.gets(&customer_says(&conversation, text)).await;
        eventually(text, async || alex.reads(&handoff).await.contains(&text.to_owned()).then_some(())).await;
        handoff
    };
    let first = visit(json!({"name": "Ana", "category": "Billing"}), "My first question").await;
    alex.writes(&first, "Hello").await;
    alex.post(&format!("/handoffs/{first}/notes"), &json!({"text": "Promised a refund by Friday."}))
        .await
        .good(201);
    alex.post(&format!("/handoffs/{first}/end"), &json!({})).await.good(200);
    let second = visit(json!({"name": "Ana"}), "My second question").await;
    waits(&relay, json!({"name": "Somebody else"})).await;

    let desk = Desk::of_agent(&relay, "Sam").await;
    desk.opens(&second).await;
    let entry = format!("#details .earlier [data-handoff-id='{first}']");
    desk.shows(&entry, "Alex ended it · Billing").await;
    desk.shows(&format!("{entry} blockquote"), "Promised a refund by Friday.").await;
    desk.comes_to("return document.querySelectorAll('#details .earlier li').length", json!(1)).await;
    // What has been folded stays so while the conversation goes on.
    desk.clicks(&format!("{entry} summary")).await;
    desk.misses(&format!("{entry} blockquote")).await;
    desk.js::<()>("document.querySelector('.earlier').isTheSame = true", &[]).await;
    let chat = alex.handoff(&second).await["conversation_id"].as_str().unwrap().to_owned();
    relay.gets(&customer_says(&chat, "Hello?")).await;
    desk.shows("#messages .bubble", "Hello?").await;
    eventually("the change", async || {
        let preview = format!("{} .preview", row(&second));
        desk.texts(&preview).await.contains(&"Hello?".to_owned()).then_some(())
    })
    .await;
    desk.comes_to("return document.querySelector('.earlier').isTheSame", json!(true)).await;

    desk.clicks(&format!("{entry} a")).await;
    desk.sees(&format!("#conversation[data-handoff-id='{first}']")).await;
    desk.shows("#details .earlier h3", "Later handoffs").await;
    desk.shows(&format!("#details .earlier [data-handoff-id='{second}']"), "Waiting for an agent").await;
    desk.closes().await;
}

#[tokio::test]
async fn earlier_handoffs_that_could_not_be_loaded_are_asked_for_again() {
    let relay = Relay::start().await;
    let (_, first) = relay.hand_off().await;
    relay.alex().post(&format!("/handoffs/{first}/end"), &json!({})).await.good(200);
    let (_, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.js::<()>(
        "window.real = window.fetch;
         window.fetch = async (url, options) => {
             if (url.includes('conversation_id=')) throw new TypeError('no road');
             return window.real(url, options);
         }",
        &[],
    )
    .await;
    desk.opens(&handoff).await;
    desk.shows("#details .earlier", "They could not be loaded.").await;
    desk.js::<()>("window.fetch = window.real", &[]).await;
    desk.clicks("#details .earlier button").await;
    desk.misses("#details .earlier").await;
    desk.closes().await;
}

#[tokio::test]
async fn a_row_that_a_search_has_found_says_where() {
    let relay = Relay::start().await;
    let (conversation, handoff) = waits(&relay, json!({"name": "Ana", "order": "A-1077"})).await;
    for text in ["My zebra has not arrived.", "Hello?"] {
        relay.gets(&customer_says(&conversation, text)).await;
    }
    let desk = Desk::of_agent(&relay, "Alex").await;
    let preview = format!("{} .preview", row(&handoff));
    desk.shows(&preview, "Hello?").await;
    for (searched, shown) in [("zebra", "My zebra has not arrived."), ("A-1077", "A-1077")] {
        // What has just been said is found once it has been added to the index.
        eventually(searched, async || {
            (!relay.alex().list(&format!("q={searched}")).await.is_empty()).then_some(())
        })
        .await;
        desk.searches(searched).await;
        desk.shows(&preview, shown).await;
    }
    desk.clicks("#tab-waiting").await;
    desk.shows(&preview, "Hello?").await;
    desk.closes().await;
}
