//! Texts that agents write often.

use serde_json::json;
use thirtyfour::Key;

use crate::{desk::Desk, relay::chat, support::relay::Relay};

impl Desk {
    /// Opens the dialog in which canned replies are managed.
    pub async fn manages_replies(&self) {
        self.clicks("#account").await;
        self.clicks("[data-action=canned]").await;
        self.sees("#canned-dialog[open]").await;
    }

    /// Adds one there.
    pub async fn adds_reply(&self, title: &str, text: &str) {
        self.clicks("[data-action=add-reply]").await;
        self.pastes(title).await;
        self.presses(Key::Tab).await;
        self.pastes(text).await;
        self.clicks("#canned-dialog form .main").await;
        self.shows("#canned-dialog .canned-title", title).await;
    }
}

#[tokio::test]
async fn a_reply_is_kept_and_filled_in_with_a_slash() {
    let relay = Relay::start().await;
    let (_, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    desk.manages_replies().await;
    desk.adds_reply("Greeting", "Hello {name}, this is {agent}. {unknown}").await;
    desk.adds_reply("Goodbye", "Goodbye {first_name}!").await;
    desk.clicks("[data-action=add-reply]").await;
    desk.pastes("Greeting").await;
    desk.presses(Key::Tab).await;
    desk.pastes("Another one").await;
    desk.clicks("#canned-dialog form .main").await;
    desk.sees("#canned-dialog form .problem:not(:empty)").await;
    desk.clicks("#canned-dialog [data-close]").await;

    desk.clicks("#composer-text").await;
    let draft = "return document.getElementById('composer-text').value";
    desk.types("/gre").await;
    desk.shows("#canned-list [aria-selected=true]", "Hello Maria Silva, this is Alex. {unknown}").await;
    desk.presses(Key::Enter).await;
    desk.comes_to(draft, json!("Hello Maria Silva, this is Alex. {unknown}")).await;
    desk.shows("#composer-hint", "{unknown} is not filled in").await;
    desk.presses(Key::Control + "a").await;
    desk.types("/good").await;
    desk.presses(Key::Tab).await;
    desk.comes_to(draft, json!("Goodbye Maria!")).await;
    // The button takes the focus, and gives it back before the field is told that it was gone.
    desk.js::<()>("document.activeElement.blur(); document.getElementById('composer-canned').click()", &[])
        .await;
    desk.sees("#canned-list .canned-title").await;
    desk.presses(Key::Escape).await;

    // Others' changes come by themselves.
    let list = relay.alex().get("/canned-replies").await.good(200);
    let id = list["data"][0]["id"].as_str().unwrap();
    assert_eq!(list["data"][0]["title"], "Goodbye");
    let changed = json!({"title": "Farewell", "text": "Farewell, {first_name}!"});
    relay.agent("Sam").request("PUT", &format!("/canned-replies/{id}")).json(&changed).send().await.unwrap();
    desk.presses(Key::Control + "a").await;
    desk.until("the changed reply", async || {
        desk.presses(Key::Backspace + Key::Null).await;
        desk.types("/").await;
        desk.texts("#canned-list .canned-title").await.contains(&"Farewell".to_owned()).then_some(())
    })
    .await;
    desk.presses(Key::Escape).await;

    desk.manages_replies().await;
    desk.clicks(&format!("[data-canned-id='{id}'] button")).await;
    desk.clicks("[data-action=delete-reply]").await;
    desk.confirms("Delete “Farewell”?").await;
    desk.until("one reply", async || {
        (desk.texts("#canned-dialog .canned-title").await == ["Greeting"]).then_some(())
    })
    .await;
    desk.closes_after(&["status of 409"]).await;
}

#[tokio::test]
async fn a_field_without_a_value_and_a_reply_that_is_not_there_are_asked_about() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    desk.manages_replies().await;
    desk.adds_reply("Order", "Your order {nope} is on its way.").await;
    desk.clicks("#canned-dialog [data-close]").await;
    let selected = "const text = document.getElementById('composer-text');
        return text.value.slice(text.selectionStart, text.selectionEnd)";
    desk.clicks("#composer-text").await;
    desk.types("/ord").await;
    desk.presses(Key::Enter).await;
    desk.sees("#composer[data-doubtful]").await;
    desk.shows("#composer-hint", "{nope} is not filled in").await;
    desk.presses(Key::Enter).await;
    desk.shows("dialog.ask[data-ready] p", "{nope} is not filled in.").await;
    desk.presses(Key::Enter).await;
    desk.misses("dialog.ask").await;
    desk.sees("#composer-text:focus").await;
    desk.comes_to(selected, json!("{nope}")).await;
    desk.types("20817").await;
    desk.presses(Key::Enter).await;
    desk.has_message("Your order 20817 is on its way.", "confirmed").await;

    desk.types("Good morning /gre").await;
    desk.shows("#composer-hint", "“/gre” is not a canned reply").await;
    desk.presses(Key::Enter).await;
    desk.shows("dialog.ask[data-ready] p", "“/gre” is not a canned reply.").await;
    desk.presses(Key::Enter).await;
    desk.misses("dialog.ask").await;
    desk.comes_to(selected, json!("/gre")).await;
    desk.presses(Key::Enter).await;
    desk.confirms("Send it as it is?").await;
    desk.has_message("Good morning /gre", "confirmed").await;

    // The beginning of one that was not chosen, and fields with blanks.
    for words in ["/ord is a command", "Your plan is {{ plan name }}"] {
        desk.types(words).await;
        desk.presses(Key::Enter).await;
        desk.confirms("Send it as it is?").await;
        desk.has_message(words, "confirmed").await;
    }

    // A slash elsewhere is no such thing.
    desk.types("It is in /home/maria, and/or there").await;
    desk.presses(Key::Enter).await;
    desk.has_message("It is in /home/maria, and/or there", "confirmed").await;
    let said = chat(&relay, &conversation);
    assert_eq!(said[said.len() - 1], "It is in /home/maria, and/or there");
    desk.closes().await;
}

#[tokio::test]
async fn several_go_into_one_text_at_the_caret_with_what_is_empty_marked() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    for (title, text) in [("Greeting", "Hello {name}."), ("Order", "Your order {nope} is on its way.")] {
        relay.alex().post("/canned-replies", &json!({ "title": title, "text": text })).await.good(201);
    }
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    desk.types("Bye!").await;
    desk.presses(Key::Home).await;
    desk.types("/gree").await;
    desk.shows("#canned-preview", "Hello Maria Silva.").await;
    desk.presses(Key::Enter).await;
    desk.types(" /ord").await;
    desk.shows("#canned-preview mark", "{nope}").await;
    desk.presses(Key::Enter).await;
    let draft = "return document.getElementById('composer-text').value";
    let text = "Hello Maria Silva. Your order {nope} is on its way.Bye!";
    desk.comes_to(draft, json!(text)).await;

    // The mark lies where the field stands.
    desk.shows("#composer-marks mark", "{nope}").await;
    let same_place = "const [marks, text] = ['composer-marks', 'composer-text'].map((id) => document.getElementById(id));
        const style = (one) => ['fontSize', 'fontFamily', 'lineHeight', 'padding', 'letterSpacing'].map((name) => getComputedStyle(one)[name]).join();
        return marks.textContent === text.value && style(marks) === style(text)
            && marks.clientWidth === text.clientWidth && marks.scrollHeight <= text.scrollHeight";
    desk.comes_to(same_place, json!(true)).await;
    desk.presses(Key::Enter).await;
    desk.shows("dialog.ask[data-ready] p", "{nope} is not filled in.").await;
    desk.presses(Key::Escape).await;
    desk.types("A-1").await;
    desk.misses("#composer-marks mark").await;
    desk.presses(Key::Enter).await;
    let sent = "Hello Maria Silva. Your order A-1 is on its way.Bye!";
    desk.has_message(sent, "confirmed").await;
    assert!(chat(&relay, &conversation).contains(&sent.to_owned()));
    desk.closes().await;
}

#[tokio::test]
async fn a_reply_may_be_for_its_agent_alone() {
    let relay = Relay::start().await;
    let (_, handoff) = relay.hand_off().await;
    let (alex, sam) = Desk::of_alex_and_sam(&relay).await;
    alex.manages_replies().await;
    alex.clicks("[data-action=add-reply]").await;
    alex.pastes("Mine").await;
    alex.presses(Key::Tab).await;
    alex.pastes("My own words").await;
    alex.clicks("#reply-personal").await;
    alex.clicks("#canned-dialog form .main").await;
    alex.shows("#canned-dialog .canned-own", "Only for you").await;
    alex.adds_reply("Ours", "Our words").await;
    alex.clicks("#canned-dialog li:first-child button").await;
    alex.shows("#reply-owned", "Only you see this reply.").await;
    alex.misses("#reply-personal").await;
    alex.clicks("#canned-dialog [data-close]").await;

    sam.opens(&handoff).await;
    sam.clicks("[data-action=accept]").await;
    sam.sees("#composer-text:focus").await;
    sam.until("the shared one", async || {
        sam.presses(Key::Control + "a" + Key::Null + Key::Backspace).await;
        sam.types("/").await;
        (sam.texts("#canned-list .canned-title").await == ["Ours"]).then_some(())
    })
    .await;
    alex.closes().await;
    sam.closes().await;
}

/// Lists and events have the beginnings of long values alone.
#[tokio::test]
async fn a_long_value_of_the_handover_is_whole_also_once_it_has_changed() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    desk.manages_replies().await;
    desk.adds_reply("Notes", "As you said: {notes}").await;
    desk.clicks("#canned-dialog [data-close]").await;
    for last in ["first", "second"] {
        let notes = format!("{}{last}", "long ".repeat(100));
        let again = json!({ "conversation_id": conversation, "notes": notes });
        relay.post_start(&again).await.good(200);
        desk.until("all of it", async || {
            desk.clicks("#composer-text").await;
            desk.presses(Key::Control + "a").await;
            desk.presses(Key::Backspace + Key::Null).await;
            desk.types("/notes").await;
            desk.shows("#canned-list [aria-selected=true]", "Notes").await;
            desk.presses(Key::Enter).await;
            let draft: String = desk.js("return document.getElementById('composer-text').value", &[]).await;
            draft.ends_with(last).then_some(())
        })
        .await;
    }
    desk.presses(Key::Control + "a").await;
    desk.presses(Key::Backspace + Key::Null).await;
    desk.closes().await;
}

#[tokio::test]
async fn a_reply_can_be_undone_and_knows_no_names_but_those_of_fields() {
    let relay = Relay::start().await;
    let (_, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    desk.manages_replies().await;
    desk.adds_reply("Bye", "Goodbye {first_name},\n{constructor} {toString}").await;
    desk.clicks("#canned-dialog [data-close]").await;
    let draft = "return document.getElementById('composer-text').value";
    desk.clicks("#composer-text").await;
    desk.types("Dear customer, /bye").await;
    desk.presses(Key::Enter).await;
    desk.comes_to(draft, json!("Dear customer, Goodbye Maria,\n{constructor} {toString}")).await;
    desk.shows("#composer-hint", "{constructor} is not filled in").await;
    desk.misses("#canned").await;
    desk.presses(Key::Control + "z").await;
    desk.comes_to(draft, json!("Dear customer, /bye")).await;
    desk.closes().await;
}
