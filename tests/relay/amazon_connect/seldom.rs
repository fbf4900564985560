//! What goes wrong seldom: lost notifications, interrupted calls, hostile names, contacts that nobody has ended.

use sandbox::amazon_connect::{ConnectFault, ConnectOptions, Dial};
use serde_json::json;

use crate::support::{
    connect::{Connect, answers, customer_sees, door, hand_off, is_noted},
    settles,
};

fn lose_all() -> Dial {
    Dial { lose: 1.0, ..Default::default() }
}

#[tokio::test]
async fn a_lost_notification_is_found_also_when_newer_ones_have_come() {
    let connect = Connect::start().await;
    let mut relay = connect.relay().await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    let ann = connect.joins(&contact, "Ann");
    connect.says(&contact, &ann, "one");
    customer_sees(&relay, &chat, &["one"]).await;
    connect.standin.set_dial(lose_all());
    connect.says(&contact, &ann, "two");
    settles(&true, || async { connect.standin.is_idle() }).await;
    connect.standin.set_dial(Dial::default());
    // Three minutes later, the next word comes through.
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(3);
    let three = json!({
        "AbsoluteTime": later.to_string(), "Content": "three", "ContentType": "text/plain", "Id": "three",
        "Type": "MESSAGE", "ParticipantId": ann, "DisplayName": "Ann", "ParticipantRole": "AGENT",
        "InitialContactId": contact, "ContactId": contact,
    });
    let request = relay.http.post(door(&relay)).header("x-amz-sns-message-type", "Notification");
    let envelope = connect.standin.envelope(&three.to_string()).to_string();
    assert_eq!(request.body(envelope).send().await.unwrap().status(), 200);
    customer_sees(&relay, &chat, &["one", "three"]).await;
    relay.restart().await;
    connect.follow(&relay);
    settles(&true, || async { answers(&relay, &chat).iter().any(|(_, text)| text == "two") }).await;
    relay.finish().await;
}

#[tokio::test]
async fn words_of_the_downtime_come_before_newer_ones() {
    let connect = Connect::start().await;
    let mut relay = connect.relay().await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    let ann = connect.joins(&contact, "Ann");
    connect.says(&contact, &ann, "one");
    customer_sees(&relay, &chat, &["one"]).await;
    relay.stop().await;
    connect.standin.set_dial(lose_all());
    connect.says(&contact, &ann, "two");
    settles(&true, || async { connect.standin.is_idle() }).await;
    connect.standin.set_dial(Dial::default());
    // Amazon Connect is a little slow, or throttles, when all contacts are compared at once.
    connect.standin.answer_next("GetTranscript", 429, "ThrottlingException", "slow down");
    relay.start_again().await;
    connect.follow(&relay);
    connect.says(&contact, &ann, "three");
    customer_sees(&relay, &chat, &["one", "two", "three"]).await;
    relay.finish().await;
}

#[tokio::test]
async fn a_shorter_cut_that_is_interrupted_loses_nothing() {
    let options = ConnectOptions { message_bytes: 1_024, ..Default::default() };
    let connect = Connect::with(options).await;
    let relay = connect.relay().await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    // The whole text, which is refused; its first part; then trouble.
    for _ in 0..2 {
        connect.standin.fault_next("SendMessage", ConnectFault::Slow { ms: 1 });
    }
    connect.standin.answer_next("SendMessage", 503, "ServiceUnavailable", "later");
    let text: String = (0..400).map(|number| format!("{number:09} ")).collect();
    relay.ada.customer_says(&chat, text.trim()).await.unwrap();
    relay.ada.customer_says(&chat, "behind").await.unwrap();
    settles(&true, || async { connect.customer_says(&contact).last().is_some_and(|text| text == "behind") })
        .await;
    let said = connect.customer_says(&contact).join(" ");
    let numbers = said.split(' ').filter(|word| word.len() == 9).count();
    assert_eq!(numbers, 400, "of 400 words");
    relay.finish().await;
}

#[tokio::test]
async fn a_contact_whose_handoff_ended_while_the_platform_was_off_is_ended_when_it_is_back() {
    let connect = Connect::start().await;
    let mut relay = connect.relay().await;
    let (_, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    relay.stop().await;
    for (name, _) in connect.settings() {
        relay.set(name, "");
    }
    relay.start_again().await;
    relay.alex().ends(&id).await;
    relay.stop().await;
    for (name, value) in connect.settings() {
        relay.set(name, &value);
    }
    relay.start_again().await;
    connect.follow(&relay);
    connect.is_over(&contact).await;
    relay.finish().await;
}

#[tokio::test]
async fn no_chat_is_started_for_a_handoff_that_is_over() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    for _ in 0..2 {
        connect.standin.answer_next("StartChatContact", 429, "LimitExceededException", "too many chats");
    }
    let (_, id) = hand_off(&relay, json!({})).await;
    settles(&2, || async { connect.standin.requests_of("StartChatContact").len() }).await;
    relay.alex().ends(&id).await;
    settles(&0, || relay.notices()).await;
    assert_eq!(connect.standin.contacts().len(), 0, "nothing had been made, and nobody waits");
    relay.finish().await;
}

#[tokio::test]
async fn a_file_is_fetched_when_amazon_connect_answers_again() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    let ann = connect.joins(&contact, "Ann");
    for _ in 0..2 {
        connect.standin.answer_next("GetAttachment", 429, "ThrottlingException", "slow down");
    }
    let png = include_bytes!("../../fixtures/receipt.png");
    connect.standin.attach(&contact, &ann, "label.png", "image/png", png.to_vec()).unwrap();
    customer_sees(&relay, &chat, &["label.png"]).await;
    relay.finish().await;
}

/// Also when it can't be had for long: what was said before it does not wait.
#[tokio::test]
async fn words_before_a_file_do_not_wait_for_it() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    let ann = connect.joins(&contact, "Ann");
    for _ in 0..50 {
        connect.standin.answer_next("GetAttachment", 429, "ThrottlingException", "slow down");
    }
    connect.says(&contact, &ann, "before");
    let png = include_bytes!("../../fixtures/receipt.png");
    connect.standin.attach(&contact, &ann, "label.png", "image/png", png.to_vec()).unwrap();
    connect.says(&contact, &ann, "behind");
    settles(&true, || async { answers(&relay, &chat).iter().any(|(_, text)| text == "before") }).await;
    let words: Vec<String> = answers(&relay, &chat).into_iter().map(|(_, text)| text).collect();
    assert!(!words.contains(&"behind".to_owned()), "{words:?}");
}

#[tokio::test]
async fn a_contact_that_is_given_up_is_ended() {
    let connect = Connect::start().await;
    let relay = connect.setup().set("PLATFORM_MAX_AGE", "3s").start().await;
    connect.subscribe(&relay).await;
    let chat = relay.ada.open_conversation();
    for _ in 0..3 {
        relay.ada.customer_says(&chat, &"x".repeat(9_000)).await.unwrap();
    }
    for _ in 0..20 {
        connect.standin.answer_next("SendMessage", 503, "ServiceUnavailable", "later");
    }
    assert_eq!(relay.ada.start_handoff(&chat, json!({})).await.unwrap(), 200);
    let id = relay.alex().handoff_of(&chat).await["id"].as_str().unwrap().to_owned();
    let contact = connect.contact(&relay, &id).await;
    is_noted(&relay, &id, "No chat could be made in Amazon Connect").await;
    connect.is_over(&contact).await;
    relay.finish().await;
}

#[tokio::test]
async fn an_unknown_earlier_contact_does_not_keep_a_new_one_from_being_made() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    connect.contact(&relay, &id).await;
    relay.alex().ends(&id).await;
    settles(&false, || async { relay.ada.in_handoff(&chat) }).await;
    settles(&0, || relay.notices()).await;
    connect.standin.answer_next(
        "StartChatContact",
        404,
        "ResourceNotFoundException",
        "The related contact was not found",
    );
    assert_eq!(relay.ada.start_handoff(&chat, json!({})).await.unwrap(), 200);
    settles(&2, || async { connect.standin.contacts().len() }).await;
    relay.finish().await;
}

#[tokio::test]
async fn a_start_call_that_is_repeated_does_not_change_the_chat_that_is_being_made() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    for _ in 0..2 {
        connect.standin.fault_next("StartChatContact", ConnectFault::DropAnswer);
    }
    let (chat, id) = hand_off(&relay, json!({ "attributes": { "plan": "gold" } })).await;
    settles(&2, || async { connect.standin.requests_of("StartChatContact").len() }).await;
    let again = json!({ "attributes": { "plan": "silver" } });
    assert_eq!(relay.ada.start_handoff(&chat, again).await.unwrap(), 200);
    connect.contact(&relay, &id).await;
    connect.has_no_complaints();
    relay.finish().await;
}

#[tokio::test]
async fn a_hostile_name_is_made_plain_and_short() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    let name = format!("Ann\u{202e}\n\u{7}{}", "x".repeat(5_000));
    let ann = connect.joins(&contact, &name);
    connect.says(&contact, &ann, "hi");
    customer_sees(&relay, &chat, &["hi"]).await;
    let shown = answers(&relay, &chat).remove(0).0;
    let owner = relay.alex().handoff(&id).await["agent"]["name"].as_str().unwrap().to_owned();
    for shown in [shown, owner] {
        assert!(!shown.contains(['\u{202e}', '\n', '\u{7}']), "unseen characters");
        assert!(shown.chars().count() <= 220, "{} characters", shown.chars().count());
    }
    relay.finish().await;
}

#[tokio::test]
async fn a_hostile_file_name_is_made_plain() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    let ann = connect.joins(&contact, "Ann");
    let png = include_bytes!("../../fixtures/receipt.png");
    let name = "../../a\u{202e}gnp.png";
    connect.standin.attach(&contact, &ann, name, "image/png", png.to_vec()).unwrap();
    settles(&1, || async { answers(&relay, &chat).len() }).await;
    let shown = answers(&relay, &chat).remove(0).1;
    assert!(!shown.contains(['\u{202e}', '/']), "{shown:?}");
    relay.finish().await;
}

#[tokio::test]
async fn a_file_without_a_type_and_what_is_behind_it_arrive() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let contact = connect.contact(&relay, &id).await;
    let ann = connect.joins(&contact, "Ann");
    let png = include_bytes!("../../fixtures/receipt.png");
    connect.standin.attach(&contact, &ann, "a.png", "", png.to_vec()).unwrap();
    connect.says(&contact, &ann, "behind");
    settles(&true, || async { answers(&relay, &chat).iter().any(|(_, text)| text == "behind") }).await;
    customer_sees(&relay, &chat, &["a.png", "behind"]).await;
    relay.finish().await;
}
