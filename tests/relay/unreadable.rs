//! A newer relay has written what this one can't read.

use serde_json::json;

use crate::support::{
    events::{Webhook, from_now, says_at},
    relay::Setup,
    settles,
};

const EVENT_IS_NEWER: &str =
    r#"UPDATE journal SET doc = replace(doc, '{"v":1', '{"v":2') WHERE svix_id = $1"#;
const HANDOFF_IS_NEWER: &str = r#"UPDATE handoffs SET doc = replace(doc, '{"v":1', '{"v":2') WHERE id = $1"#;
const HANDOFF_IS_AS_OURS: &str =
    r#"UPDATE handoffs SET doc = replace(doc, '{"v":2', '{"v":1') WHERE id = $1"#;

#[tokio::test]
async fn it_stops_itself_and_nothing_else() {
    let mut relay = Setup::new().set("DEBOUNCE_MS", "3000").set("DEBOUNCE_MAX_MS", "3000").start().await;
    let (chat, readable) = relay.hand_off().await;
    let (other, apart) = relay.hand_off().await;
    for (svix_id, chat, text) in
        [("msg_1", &chat, "In riddles"), ("msg_2", &chat, "In words"), ("msg_3", &other, "Into a riddle")]
    {
        Webhook::new(svix_id, says_at(chat, text, from_now(0)).to_string()).post(&relay).await.good(200);
    }
    relay.stop().await;
    relay.change_file(EVENT_IS_NEWER, "msg_1").await;
    relay.change_file(HANDOFF_IS_NEWER, &apart).await;
    relay.start_again().await;

    let alex = relay.alex();
    let reads = async |id: &str| relay.alex().reads(id).await.last().cloned();
    settles(&Some("In words".to_owned()), || reads(&readable)).await;
    let letters = alex.dead_letters().await;
    assert_eq!((letters.len(), &letters[0]["svix_id"]), (1, &json!("msg_1")));
    assert_eq!(
        letters[0]["reason"],
        "its stored data can't be read: it has version 2, and this relay reads versions up to 1"
    );
    let health = async || relay.get("/health/ready").await.good(200)["inbox"].clone();
    settles(&json!("1 conversations can't be read, and their events wait"), health).await;
    let listed = alex.list("").await;
    let unreadable = listed.iter().find(|handoff| handoff["id"] == *apart).unwrap();
    assert_eq!(unreadable["last_message"]["content"]["original_type"], "unreadable");
    let refused = alex.act(&apart, "accept").await;
    assert_eq!(refused.status, 500);
    assert!(refused.text().contains("the stored data can't be read"), "{}", refused.text());
    relay.stop().await;

    // A relay that can read it goes on.
    relay.change_file(HANDOFF_IS_AS_OURS, &apart).await;
    relay.start_again().await;
    let reads = async || relay.alex().reads(&apart).await.last().cloned();
    settles(&Some("Into a riddle".to_owned()), reads).await;
    relay.finish().await;
}
