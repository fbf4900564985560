//! What webhooks never brought comes from Ada's message list.

use std::time::Duration;

use sandbox::{Call, Disorder, RecordedCall};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{
    agent::{Agent, text},
    events::{customer_says, from_now, says_at},
    eventually, log, moment, past_the_doubt,
    relay::{Relay, Setup},
    settles, soon,
};

const MESSAGES: usize = 30;

fn texts() -> Vec<String> {
    (0..MESSAGES).map(|number| format!("Message {number:02}")).collect()
}

/// The customer's rows, as they are read.
async fn customers(alex: &Agent, id: &str) -> Vec<Value> {
    let mut rows = alex.rows(id).await;
    rows.retain(|row| row["author"]["role"] == "end_user");
    rows.sort_by_key(|row| (row["at"].as_str().unwrap().to_owned(), row["seq"].as_u64()));
    rows
}

fn words(rows: &[Value]) -> Vec<String> {
    rows.iter().filter_map(text).collect()
}

fn sources(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["source"].as_str().unwrap()).collect()
}

/// A customer who has been handed off for long enough that nobody doubts that what is said now belongs to the
/// handoff: Ada's clock is known to half a second. Everything so far is done.
async fn hand_off_in_earnest(relay: &Relay) -> (String, String) {
    let handed_off = relay.hand_off().await;
    past_the_doubt(Instant::now()).await;
    settles(&(0, 0), || relay.left_over()).await;
    handed_off
}

/// How often a conversation's list has been read.
fn lists(relay: &Relay, chat: &str) -> usize {
    let reads = |made: &&RecordedCall| made.call == Some(Call::ListMessages) && made.path.contains(chat);
    relay.ada.calls().iter().filter(reads).count()
}

/// The relay reads the lists of all handoffs that it finds open at its start. Those from now on are not among them.
async fn start_is_over(relay: &Relay) {
    let (chat, id) = relay.hand_off().await;
    customers(&relay.alex(), &id).await;
    soon("a second reading", relay.ada.until(|_| lists(relay, &chat) > 1)).await;
}

#[tokio::test]
async fn what_ada_gave_up_while_the_relay_was_down_is_recovered_at_the_start() {
    // So that nothing but the start tells what is missed.
    let mut relay = Setup::new().set("RECOVER_AFTER", "24h").start().await;
    let (closed_chat, closed) = relay.hand_off().await;
    let (chat, id) = hand_off_in_earnest(&relay).await;
    relay.stop().await;
    for text in texts() {
        relay.ada.customer_says(&chat, &text).await.unwrap();
    }
    relay.ada.customer_says(&closed_chat, "Never mind").await.unwrap();
    relay.ada.customer_ends_chat(&closed_chat).await.unwrap();
    relay.ada.give_up_webhooks();
    // Ada's clock is known to half a second: what is older than that was surely said before the start.
    moment(Instant::now() + Duration::from_secs(1)).await;
    relay.start_again().await;

    let alex = relay.alex();
    settles(&json!(MESSAGES), || async { alex.ledger(&id).await["recovered"].clone() }).await;
    let rows = customers(&alex, &id).await;
    assert_eq!(words(&rows), texts());
    assert_eq!(sources(&rows), ["recovered"; MESSAGES]);
    assert!(rows.iter().all(|row| row["late"] == false));
    assert_eq!(alex.handoff(&id).await["unread"], MESSAGES);
    let ledger = alex.ledger(&id).await;
    assert_eq!((&ledger["received"], &ledger["lost"]), (&json!(0), &json!(0)));

    assert_eq!(alex.sees_the_end(&closed).await["ended_by"], "ada");
    assert_eq!(words(&customers(&alex, &closed).await), ["Never mind"]);
    assert_eq!(alex.handoff(&id).await["status"], "waiting");
    relay.finish().await;
}

/// Ada doesn't know that the relay lacks them; nothing happens that would make it look but time.
#[tokio::test]
async fn what_is_lost_on_the_way_is_recovered_in_rotation() {
    let relay = Setup::new().set("RECOVER_AFTER", "1s").start().await;
    let (alex, (chat, id)) = (relay.alex(), hand_off_in_earnest(&relay).await);
    relay.ada.set_disorder(Disorder { lose_every: Some(3), ..Disorder::default() });
    for text in texts() {
        relay.ada.customer_says(&chat, &text).await.unwrap();
    }
    settles(&json!(MESSAGES), || async { alex.handoff(&id).await["unread"].clone() }).await;
    let rows = customers(&alex, &id).await;
    assert_eq!(words(&rows), texts());
    for (row, lost) in rows.iter().zip([false, false, true].into_iter().cycle()) {
        // On a busy machine the list may be faster than a webhook.
        assert!(row["source"] == "recovered" || (row["source"] == "webhook" && !lost), "{row}");
    }
    settles(&true, || async { relay.ada.is_idle() }).await;
    settles(&(0, 0), || relay.left_over()).await;
    let ledger = alex.ledger(&id).await;
    assert_eq!((&ledger["received"], &ledger["lost"]), (&json!(MESSAGES / 3 * 2), &json!(0)), "{ledger}");
    assert_eq!(alex.handoff(&id).await["unread"], MESSAGES);
    relay.finish().await;
}

#[tokio::test]
async fn an_agent_who_opens_a_handoff_sees_what_webhooks_have_not_brought() {
    let relay = Setup::new().set("RECOVER_AFTER", "24h").start().await;
    start_is_over(&relay).await;
    let (alex, (chat, id)) = (relay.alex(), relay.hand_off().await);
    soon("the history is read", relay.ada.until(|_| lists(&relay, &chat) == 1)).await;
    settles(&(0, 0), || relay.left_over()).await;
    relay.ada.set_webhooks(false);
    relay.ada.customer_says(&chat, "Hello?").await.unwrap();
    alex.handoff(&id).await;
    alex.list("").await;
    let rest = alex.get(&format!("/handoffs/{id}/messages?after=1")).await.good(200);
    assert!(!rest.to_string().contains("Hello?") && lists(&relay, &chat) == 1, "nobody has opened it");

    settles(&["Hello?".to_owned()].to_vec(), || async { words(&customers(&alex, &id).await) }).await;
    assert_eq!(lists(&relay, &chat), 2);
    relay.finish().await;
}

#[tokio::test]
async fn when_ada_answers_again_what_was_missed_meanwhile_is_read() {
    let relay = Setup::new().set("RECOVER_AFTER", "1s").with_a_road().start().await;
    let (alex, (chat, id)) = (relay.alex(), hand_off_in_earnest(&relay).await);
    let noticed = || log::lines().matches("Ada answers again; reading the messages that were missed").count();
    let before = noticed();
    relay.road().close();
    relay.ada.set_webhooks(false);
    for text in texts() {
        relay.ada.customer_says(&chat, &text).await.unwrap();
    }
    // Longer than RECOVER_AFTER from the first call that fails, which the rotation makes.
    moment(Instant::now() + Duration::from_millis(3_000)).await;
    assert_eq!(words(&customers(&alex, &id).await), Vec::<String>::new());
    relay.road().reopen();
    settles(&texts(), || async { words(&customers(&alex, &id).await) }).await;
    settles(&json!(MESSAGES), || async { alex.handoff(&id).await["unread"].clone() }).await;
    assert!(noticed() > before, "only the rotation has found it");
    relay.finish().await;
}

/// Nothing can be read about whether a conversation is still in a handoff. The AI Agent speaks only if it isn't.
#[tokio::test]
async fn words_of_the_ai_agent_make_a_handoff_doubtful_and_the_next_422_ends_it() {
    let relay = Setup::new().set("RECOVER_AFTER", "1s").set("UNKNOWN_HOLD_MS", "0").start().await;
    let (alex, chat) = (relay.alex(), relay.ada.open_conversation());
    // A handoff that has run for a while, and of whose end nobody has heard.
    relay.gets(&says_at(&chat, "Hello", from_now(-120_000))).await;
    let id = alex.handoff_of(&chat).await["id"].as_str().unwrap().to_owned();
    let is_doubtful = || async { alex.handoff(&id).await["doubtful"].clone() };
    settles(&json!(true), is_doubtful).await;
    relay.gets(&customer_says(&chat, "Still there?")).await;
    settles(&json!(false), is_doubtful).await;

    relay.ada.customer_says(&chat, "When are you open?").await.unwrap();
    settles(&json!(true), is_doubtful).await;
    let warned = |row: &Value| text(row).is_some_and(|text| text.contains("may have ended in Ada"));
    assert_eq!(alex.rows(&id).await.iter().filter(|row| warned(row)).count(), 2, "each time it became so");
    alex.writes(&id, "At nine").await;
    let ended = alex.sees_the_end(&id).await;
    assert_eq!((&ended["ended_by"], &ended["doubtful"]), (&json!("ada"), &json!(false)));
    let row = alex.sees(&id, "At nine", &["failed"]).await;
    assert!(row["delivery"]["error"].as_str().unwrap().starts_with("Ada answered 422"), "{row}");
    relay.finish().await;
}

#[tokio::test]
async fn the_ledger_accounts_for_every_event() {
    let relay = Setup::new().start().await;
    let (alex, (chat, id)) = (relay.alex(), relay.hand_off().await);
    let now = from_now(0).as_millisecond();
    let says = |text: &str, after: i64| {
        says_at(&chat, text, jiff::Timestamp::from_millisecond(now + after).unwrap())
    };
    let received = async |count: usize| {
        settles(&json!(count), || async { alex.ledger(&id).await["received"].clone() }).await;
    };
    for svix_id in ["msg_1", "msg_1", "msg_1"] {
        relay.gets_as(svix_id, &says("One", 1_000)).await;
    }
    relay.gets_as("msg_2", &says("Three", 3_000)).await;
    received(2).await;
    // Known by its own id, late, and twice once more.
    relay.gets_as("msg_3", &says("One", 1_000)).await;
    relay.gets_as("msg_4", &says("Two", 2_000)).await;
    relay.gets_as("msg_4", &says("Two", 2_000)).await;
    received(3).await;
    relay.gets_as("msg_2", &says("Three", 3_000)).await;
    relay.ada.fault_next(Call::SendMessage, sandbox::Fault::Status { status: 400, retry_after: None });
    alex.writes(&id, "Refused").await;
    alex.writes(&id, "Taken").await;
    alex.sees(&id, "Taken", &["confirmed"]).await;
    let expected = json!({
        "received": 3, "recovered": 0, "duplicates": 5, "late": 1,
        "sent": 1, "confirmed": 1, "failed": 1, "lost": 0,
    });
    settles(&expected, || alex.ledger(&id)).await;
    let nobody = alex.get("/handoffs/nobody/ledger").await;
    assert_eq!(nobody.problem(404), "no such handoff");
    let metrics = relay.get("/metrics").await;
    assert!(!metrics.text().contains(&id), "ids are no labels");
    eventually("nothing left", || async { (relay.left_over().await == (0, 0)).then_some(()) }).await;
    relay.finish().await;
}
