//! A contact is made.

use sandbox::amazon_connect::ConnectOptions;
use serde_json::json;

use crate::support::{
    connect::{Connect, customer_sees, hand_off, is_noted},
    settles,
};

/// The five steps of Ada's own guide: the subscription is confirmed, the contact is with the agent, the agent's reply is
/// in the conversation, the end, the customer is back with the AI Agent.
#[tokio::test]
async fn the_five_steps_of_adas_guide() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    let fields = json!({
        "contact_flow_id": connect.standin.options().contact_flow_ids[0],
        "attributes": { "plan": "gold", "odd key": "x" },
    });
    let (chat, id) = hand_off(&relay, fields).await;
    let contact = connect.contact(&relay, &id).await;
    let view = connect.standin.contact(&contact).unwrap();
    assert_eq!((view.display_name.as_str(), view.attributes["plan"].as_str()), ("Maria Silva", "gold"));
    assert_eq!(view.attributes.len(), 1);
    let opening = view.initial_message.unwrap();
    assert!(opening.starts_with("[Conversation so far]\nAcme assistant: Hi Maria"), "{opening}");
    assert!(opening.contains("\nCustomer: Where is my parcel?\nAcme assistant: "), "{opening}");

    let ann = connect.joins(&contact, "Ann");
    connect.says(&contact, &ann, "On its **way**.");
    customer_sees(&relay, &chat, &["On its **way**."]).await;
    assert_eq!(relay.alex().handoff(&id).await["agent"]["name"], "Ann (Amazon Connect)");
    let human = relay.ada.messages(&chat).into_iter().find(|said| said.content["body"] == "On its **way**.");
    assert_eq!(human.unwrap().display_name.as_deref(), Some("Ann"));
    is_noted(&relay, &id, "“odd key”").await;

    connect.standin.end_as_agent(&contact).unwrap();
    settles(&false, || async { relay.ada.in_handoff(&chat) }).await;
    let handoff = relay.alex().handoff(&id).await;
    assert_eq!((&handoff["status"], &handoff["ended_by"]), (&json!("ended"), &json!("agent")));
    connect.is_over(&contact).await;
    assert!(connect.standin.open_contacts().is_empty());

    let variables = json!({
        "agent_system_amazon_connect_conversation_id": contact,
        "agent_system_amazon_connect_agent_id": ann,
    });
    settles(variables.as_object().unwrap(), || async { relay.ada.metavariables(&chat) }).await;
    settles(variables.as_object().unwrap(), || async { relay.ada.metadata(&chat) }).await;
    connect.has_no_complaints();
    connect.fits_the_models_of_aws();
    relay.finish().await;
}

#[tokio::test]
async fn the_next_handoff_of_a_conversation_is_linked_to_the_one_before() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    let (chat, id) = hand_off(&relay, json!({})).await;
    let first = connect.contact(&relay, &id).await;
    relay.alex().ends(&id).await;
    connect.is_over(&first).await;
    settles(&false, || async { relay.ada.in_handoff(&chat) }).await;
    assert_eq!(relay.ada.start_handoff(&chat, json!({})).await.unwrap(), 200);
    let next = relay.alex().handoff_of(&chat).await["id"].as_str().unwrap().to_owned();
    let second = connect.contact(&relay, &next).await;
    assert_eq!(connect.standin.contact(&second).unwrap().related_contact_id, Some(first));
    connect.has_no_complaints();
    relay.finish().await;
}

/// Histories of any length: what Amazon Connect got. `CONNECT_HISTORY=5000` makes the longest one longer.
#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_told_whole_and_before_anything_new() {
    // With the AI Agent's answers, more than is read of Ada at once. A contact waits for its history for 10 seconds at most.
    let longest = std::env::var("CONNECT_HISTORY").map_or(510, |length| length.parse().unwrap());
    for (length, limit) in [(0, 1_024), (1, 1_024), (200, 1_024), (longest, 16_384)] {
        is_told_whole(length, limit).await;
    }
}

/// A history of so many of the customer's messages, with so many bytes at most in one of Amazon Connect.
async fn is_told_whole(length: usize, limit: usize) {
    let connect = Connect::start().await;
    let relay = connect.setup().set("AMAZON_CONNECT_MESSAGE_LIMIT", &limit.to_string()).start().await;
    connect.subscribe(&relay).await;
    let chat = relay.ada.open_conversation();
    let said: Vec<String> = (1..=length).map(|number| format!("message {number} 😀")).collect();
    for text in &said {
        relay.ada.customer_says(&chat, text).await.unwrap();
    }
    assert_eq!(relay.ada.start_handoff(&chat, json!({})).await.unwrap(), 200);
    let id = relay.alex().handoff_of(&chat).await["id"].as_str().unwrap().to_owned();
    let contact = connect.contact(&relay, &id).await;
    relay.ada.customer_says(&chat, "new").await.unwrap();
    connect.agent_sees(&contact, &["new"]).await;
    let texts = connect.standin.customer_texts(&contact);
    assert!(texts.iter().all(|text| text.len() <= limit));
    let earlier = texts.iter().filter(|text| text.starts_with("[Earlier, part"));
    let initial = connect.standin.contact(&contact).unwrap().initial_message.unwrap();
    let lines = |text: &str| {
        text.lines().filter_map(|line| line.strip_prefix("Customer: ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let mut read: Vec<String> = earlier.flat_map(|text| lines(text)).collect();
    read.extend(lines(&initial));
    assert_eq!(read, said);
    assert_eq!(texts.last().unwrap(), "new");
    connect.has_no_complaints();
    relay.finish().await;
}

/// What was said before is worth less than the chat.
#[tokio::test]
async fn a_history_that_is_refused_does_not_keep_the_chat_from_being_made() {
    let options = ConnectOptions { message_bytes: 1_024, ..Default::default() };
    let connect = Connect::with(options).await;
    // The channel takes less than the setting says.
    let relay = connect.setup().set("AMAZON_CONNECT_MESSAGE_LIMIT", "2000").start().await;
    connect.subscribe(&relay).await;
    let chat = relay.ada.open_conversation();
    let said: Vec<String> = (1..=90).map(|number| format!("message-{number:03}")).collect();
    for text in &said {
        relay.ada.customer_says(&chat, text).await.unwrap();
    }
    connect.standin.answer_next("StartChatContact", 400, "InvalidParameterException", "the initial message");
    assert_eq!(relay.ada.start_handoff(&chat, json!({})).await.unwrap(), 200);
    let id = relay.alex().handoff_of(&chat).await["id"].as_str().unwrap().to_owned();
    let contact = connect.contact(&relay, &id).await;
    relay.ada.customer_says(&chat, "new").await.unwrap();
    let texts = || connect.standin.customer_texts(&contact);
    settles(&Some("new".to_owned()), || async { texts().pop() }).await;
    assert_eq!(connect.standin.contact(&contact).unwrap().initial_message, None);
    let is_marked = |text: &String| text.starts_with("[Earlier") || text.starts_with("[Conversation so far");
    assert!(texts()[..texts().len() - 1].iter().all(is_marked), "{:#?}", texts());
    let all = texts().concat();
    let words = all.split(|letter: char| !letter.is_alphanumeric() && letter != '-');
    let read: Vec<&str> = words.filter(|word| word.starts_with("message-")).collect();
    assert_eq!(read, said);
    relay.finish().await;
}

#[tokio::test]
async fn odd_names_and_many_attributes_fit() {
    let connect = Connect::start().await;
    let relay = connect.setup().set("AMAZON_CONNECT_ATTRIBUTES", "language=Language").start().await;
    connect.subscribe(&relay).await;
    let odd: serde_json::Map<_, _> = (0..40).map(|index| (format!("key {index} ä"), json!("x"))).collect();
    let fields = json!({ "first_name": "😀".repeat(300), "attributes": odd, "language": "de", "contact_flow_id": "{{flow}}" });
    let (_, id) = hand_off(&relay, fields).await;
    let view = connect.standin.contact(&connect.contact(&relay, &id).await).unwrap();
    assert!(view.display_name.chars().count() <= 256);
    assert_eq!(view.attributes.into_iter().collect::<Vec<_>>(), [("Language".to_owned(), "de".to_owned())]);
    connect.has_no_complaints();
    relay.finish().await;
}

#[tokio::test]
async fn a_flow_that_is_not_there_leaves_the_handoff_to_the_console() {
    let connect = Connect::start().await;
    let relay = connect.relay().await;
    let (chat, id) =
        hand_off(&relay, json!({ "contact_flow_id": "11111111-1111-1111-1111-111111111111" })).await;
    is_noted(&relay, &id, "No chat could be made in Amazon Connect").await;
    relay.alex().accepts(&id).await;
    relay.alex().writes(&id, "I am here").await;
    customer_sees(&relay, &chat, &["I am here"]).await;
    assert!(connect.standin.contacts().is_empty());
    relay.finish().await;
}

#[tokio::test]
async fn it_ends_with_a_text_where_the_settings_say_so() {
    let connect = Connect::start().await;
    let relay = connect
        .setup()
        .set("AMAZON_CONNECT_IF_UNAVAILABLE", "end")
        .set("AMAZON_CONNECT_IF_UNAVAILABLE_TEXT", "Nobody is there.")
        .start()
        .await;
    connect.subscribe(&relay).await;
    let (chat, _) =
        hand_off(&relay, json!({ "contact_flow_id": "11111111-1111-1111-1111-111111111111" })).await;
    settles(&false, || async { relay.ada.in_handoff(&chat) }).await;
    customer_sees(&relay, &chat, &["Nobody is there."]).await;
    relay.finish().await;
}
