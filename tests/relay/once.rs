//! Each way in which the outcome of a call can stay unknown: the customer has every message once, in order,
//! and the agent sees how it ended.

use std::time::Duration;

use sandbox::{Call, EchoTiming, Fault, IdScheme, Role};
use serde_json::{Value, json};

use crate::support::{
    agent::text,
    all_hold, eventually,
    relay::{Relay, Setup},
    settles, soon,
};

/// What can happen to a call that Ada may or may not have carried out. The last one is clear: a 2xx counts,
/// readable or not.
const FAULTS: [Fault; 9] = [
    Fault::StoredThenDropped,
    Fault::StoredThenStatus(500),
    Fault::StoredThenStatus(408),
    Fault::StoredThenHang,
    Fault::Slow(Duration::from_millis(1_500)),
    Fault::Dropped,
    Fault::Status { status: 500, retry_after: None },
    Fault::Hang,
    Fault::BrokenBody,
];
const IDS: [IdScheme; 2] = [IdScheme::Same, IdScheme::Different];
/// Later than the look at Ada's list.
const LATE: EchoTiming = EchoTiming::Late(Duration::from_millis(2_600));

/// A relay that waits for Ada no longer than it must, for tests that run many at once.
fn hasty() -> Setup {
    Setup::new().set("ADA_TIMEOUT_MS", "500")
}

/// What people wrote to the customer, as the customer sees it.
fn seen(relay: &Relay, chat: &str) -> Vec<String> {
    let messages = relay.ada.messages(chat);
    let human = messages.iter().filter(|said| said.role == Role::HumanAgent);
    human.map(|said| said.text().unwrap().to_owned()).collect()
}

/// The calls of one kind that reached Ada.
fn calls(relay: &Relay, call: Call) -> usize {
    relay.ada.calls().iter().filter(|made| made.call == Some(call)).count()
}

/// What agents wrote and how far it came, as they read it.
async fn told(relay: &Relay, id: &str) -> Vec<(String, String)> {
    let mut rows = relay.alex().rows(id).await;
    rows.retain(|row| row["author"]["role"] == "human_agent");
    rows.sort_by_key(|row| (row["at"].as_str().unwrap().to_owned(), row["seq"].as_u64()));
    let state = |row: &Value| row["delivery"]["state"].as_str().unwrap_or("not ours").to_owned();
    rows.iter().map(|row| (text(row).unwrap(), state(row))).collect()
}

/// Waits until so many messages of ours are sent, confirmed and failed. Nobody opens the thread for that: it
/// would have Ada's list read.
async fn comes_to_count(relay: &Relay, id: &str, counts: [usize; 3]) {
    let count = || async {
        let ledger = relay.alex().ledger(id).await;
        ["sent", "confirmed", "failed"].map(|name| ledger[name].as_u64().unwrap() as usize)
    };
    settles(&counts, count).await;
}

/// Everyone comes to see `texts`, once each and in this order, and nothing is left to do.
async fn all_arrive(relay: Relay, (chat, id): (&str, &str), texts: &[&str], echo: EchoTiming) {
    let (confirmed, state) = if echo == EchoTiming::Never { (0, "sent") } else { (texts.len(), "confirmed") };
    soon("the customer sees it", relay.ada.until(|_| seen(&relay, chat) == texts)).await;
    comes_to_count(&relay, id, [texts.len(), confirmed, 0]).await;
    settles(&(0, 0), || relay.left_over()).await;
    assert_eq!(seen(&relay, chat), texts);
    let wanted: Vec<_> = texts.iter().map(|text| ((*text).to_owned(), state.to_owned())).collect();
    assert_eq!(told(&relay, id).await, wanted);
    assert_eq!(relay.alex().handoff(id).await["status"], "active");
    assert_eq!(relay.alex().ledger(id).await["lost"], 0);
    let ada = relay.ada.clone();
    relay.finish().await;
    let human = ada.messages(chat).iter().filter(|said| said.role == Role::HumanAgent).count();
    assert_eq!(human, texts.len(), "nothing came afterwards");
}

/// Three messages, the middle one with a fault.
async fn the_middle_is_ambiguous(fault: Fault, echo: EchoTiming, ids: IdScheme) {
    let relay = hasty().start().await;
    relay.ada.set_ids(ids);
    relay.ada.set_echoes(echo);
    let (chat, id) = relay.hand_off().await;
    relay.alex().writes(&id, "One").await;
    soon("the first", relay.ada.until(|_| seen(&relay, &chat) == ["One"])).await;
    relay.ada.fault_next(Call::SendMessage, fault);
    for text in ["Two", "Three"] {
        relay.alex().writes(&id, text).await;
    }
    all_arrive(relay, (&chat, &id), &["One", "Two", "Three"], echo).await;
}

/// All faults at once, each at a relay of its own.
async fn every_fault(echo: EchoTiming) {
    let lines = FAULTS.into_iter().flat_map(|fault| IDS.map(|ids| (fault, ids)));
    all_hold(
        lines.map(|(fault, ids)| {
            (format!("{fault:?}, {ids:?} ids"), the_middle_is_ambiguous(fault, echo, ids))
        }),
    )
    .await;
}

#[tokio::test]
async fn with_an_echo_before_the_answer_each_message_arrives_once() {
    every_fault(EchoTiming::Early).await;
}

#[tokio::test]
async fn with_an_echo_right_after_the_call_each_message_arrives_once() {
    every_fault(EchoTiming::Normal).await;
}

#[tokio::test]
async fn with_an_echo_after_the_look_each_message_arrives_once() {
    every_fault(LATE).await;
}

#[tokio::test]
async fn without_echoes_each_message_arrives_once() {
    every_fault(EchoTiming::Never).await;
}

/// On purpose: the customer is to have both. The faults hit the calls as they come.
#[tokio::test]
async fn the_same_words_twice_stay_two() {
    let faults = [
        vec![Fault::StoredThenDropped],
        vec![Fault::Dropped],
        vec![Fault::StoredThenDropped, Fault::StoredThenDropped],
        vec![Fault::StoredThenDropped, Fault::Dropped],
        vec![Fault::Dropped, Fault::StoredThenHang],
        vec![Fault::BrokenBody, Fault::StoredThenStatus(500)],
    ];
    let timings = [EchoTiming::Normal, LATE, EchoTiming::Never];
    let lines = faults.iter().flat_map(|faults| timings.map(|echo| (faults.clone(), echo)));
    let lines = lines.flat_map(|(faults, echo)| IDS.map(|ids| (faults.clone(), echo, ids)));
    all_hold(lines.map(|(faults, echo, ids)| {
        (format!("{faults:?}, {echo:?}, {ids:?} ids"), the_same_words(faults, echo, ids))
    }))
    .await;
}

async fn the_same_words(faults: Vec<Fault>, echo: EchoTiming, ids: IdScheme) {
    let relay = hasty().start().await;
    relay.ada.set_ids(ids);
    relay.ada.set_echoes(echo);
    let (chat, id) = relay.hand_off().await;
    for fault in faults {
        relay.ada.fault_next(Call::SendMessage, fault);
    }
    for text in ["OK", "OK", "Bye"] {
        relay.alex().writes(&id, text).await;
    }
    all_arrive(relay, (&chat, &id), &["OK", "OK", "Bye"], echo).await;
}

/// The next process of the same file finds out what became of the call of the last one.
#[tokio::test]
async fn a_restart_while_a_call_hangs_doubles_nothing() {
    let faults = [Fault::StoredThenHang, Fault::Hang];
    let timings = [EchoTiming::Normal, LATE, EchoTiming::Never];
    let lines = faults.into_iter().flat_map(|fault| timings.map(|echo| (fault, echo)));
    let lines = lines.flat_map(|(fault, echo)| IDS.map(|ids| (fault, echo, ids)));
    all_hold(lines.map(|(fault, echo, ids)| {
        (format!("{fault:?}, {echo:?}, {ids:?} ids"), restarted(fault, echo, ids))
    }))
    .await;
}

async fn restarted(fault: Fault, echo: EchoTiming, ids: IdScheme) {
    let mut relay = hasty().start().await;
    relay.ada.set_ids(ids);
    relay.ada.set_echoes(echo);
    let (chat, id) = relay.hand_off().await;
    relay.ada.fault_next(Call::SendMessage, fault);
    for text in ["One", "Two"] {
        relay.alex().writes(&id, text).await;
    }
    soon("the call", relay.ada.until(|_| calls(&relay, Call::SendMessage) == 1)).await;
    relay.restart().await;
    all_arrive(relay, (&chat, &id), &["One", "Two"], echo).await;
}

/// Ada's list can't be read while the message gets too old; later an agent asks for it again.
#[tokio::test]
async fn what_failed_in_doubt_is_not_doubled_by_hand() {
    let faults = [Fault::StoredThenDropped, Fault::Dropped, Fault::StoredThenHang, Fault::Hang];
    let lines = faults.into_iter().flat_map(|fault| IDS.map(|ids| (fault, ids)));
    all_hold(lines.map(|(fault, ids)| (format!("{fault:?}, {ids:?} ids"), retried_by_hand(fault, ids))))
        .await;
}

async fn retried_by_hand(fault: Fault, ids: IdScheme) {
    let relay = hasty().set("SEND_MAX_AGE", "5s").start().await;
    relay.ada.set_ids(ids);
    relay.ada.set_echoes(EchoTiming::Never);
    let (chat, id) = relay.hand_off().await;
    let (alex, unreadable) = (relay.alex(), Fault::Status { status: 503, retry_after: None });
    relay.ada.fault_always(Call::ListMessages, Some(unreadable));
    relay.ada.fault_next(Call::SendMessage, fault);
    let row = alex.writes(&id, "Hello").await["id"].as_str().unwrap().to_owned();
    comes_to_count(&relay, &id, [0, 0, 1]).await;
    let last = alex.handoff(&id).await["last_message"].clone();
    let error = last["delivery"]["error"].as_str().unwrap();
    assert!(error.contains("unknown whether this was sent"), "{error}");

    relay.ada.fault_always(Call::ListMessages, None);
    alex.act(&id, &format!("messages/{row}/retry")).await.good(202);
    all_arrive(relay, (&chat, &id), &["Hello"], EchoTiming::Never).await;
}

/// The end call is repeated until Ada answers. That it then says "not in a handoff" is what we wanted, and
/// our own doing. Nothing else tells of the end.
#[tokio::test]
async fn an_end_whose_outcome_is_unknown_is_the_agents() {
    let faults = FAULTS.into_iter().filter(|fault| *fault != Fault::BrokenBody);
    all_hold(faults.map(|fault| (format!("{fault:?}"), ends_in_doubt(fault)))).await;
}

async fn ends_in_doubt(fault: Fault) {
    // Of an adopted handoff, whose "not in a handoff" is believed from the first second on.
    let relay = hasty().set("UNKNOWN_HOLD_MS", "0").start().await;
    let chat = relay.hand_off_unheard().await;
    relay.ada.customer_says(&chat, "Anybody?").await.unwrap();
    let (alex, id) = (relay.alex(), relay.alex().handoff_of(&chat).await["id"].as_str().unwrap().to_owned());
    alex.writes(&id, "Bye").await;
    alex.sees(&id, "Bye", &["confirmed"]).await;
    relay.ada.set_webhooks(false);
    relay.ada.fault_next(Call::EndHandoff, fault);
    alex.ends(&id).await;
    let ended = eventually("the end is known at Ada", || async {
        let row = alex.rows(&id).await.into_iter().find(|row| row["content"]["event"] == "ended")?;
        (row["delivery"]["state"] == "sent").then_some(row)
    })
    .await;
    assert_eq!(ended["content"]["by"], "Alex");
    assert!(!relay.ada.in_handoff(&chat));
    assert_eq!(calls(&relay, Call::EndHandoff), 2);
    let handoff = alex.handoff(&id).await;
    assert_eq!((&handoff["status"], &handoff["ended_by"]), (&json!("ended"), &json!("agent")));
    relay.finish().await;
}

/// The same, when Ada tells of the end: it is settled by that.
#[tokio::test]
async fn an_end_that_ada_tells_of_needs_no_answer() {
    let relay = hasty().start().await;
    let began = tokio::time::Instant::now();
    let (_, id) = relay.hand_off().await;
    let alex = relay.alex();
    alex.accepts(&id).await;
    crate::support::past_the_doubt(began).await;
    relay.ada.fault_always(Call::EndHandoff, Some(Fault::StoredThenDropped));
    alex.ends(&id).await;
    settles(&json!("confirmed"), || async {
        alex.rows(&id).await.last().unwrap()["delivery"]["state"].clone()
    })
    .await;
    assert_eq!(alex.handoff(&id).await["ended_by"], "agent");
    relay.finish().await;
}
