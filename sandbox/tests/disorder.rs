//! Webhooks that come late, twice, in another order or never; echoes; and messages with several names.

mod common;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use common::{Ada, Received, human_says, soon};
use sandbox::{Disorder, EchoTiming, IdScheme};
use serde_json::{Value, json};

/// Above what a busy machine takes for the work itself.
const WIDE: Duration = Duration::from_millis(600);

/// A quiet Ada with a conversation in handoff: all events so far have arrived.
async fn quiet() -> (Ada, String) {
    let ada = Ada::start().await;
    let id = ada.handed_off().await;
    ada.relay.wait_for(2, |_| true).await;
    (ada, id)
}

async fn writes(ada: &Ada, id: &str, count: usize) {
    for number in 0..count {
        ada.sandbox.customer_says(id, &number.to_string()).await.expect("said");
    }
}

fn by(event: &Value, role: &str) -> bool {
    event["data"]["author"]["role"] == role
}

fn texts(events: &[Received]) -> Vec<String> {
    let text = |event: &Received| event.json()["data"]["content"]["body"].as_str().expect("text").to_owned();
    events.iter().map(text).collect()
}

#[tokio::test]
async fn a_wide_delay_reorders_and_loses_nothing() {
    let (ada, id) = quiet().await;
    ada.sandbox.set_disorder(Disorder { delay: Duration::ZERO..=WIDE, seed: 7, ..Disorder::default() });
    writes(&ada, &id, 12).await;
    let arrived = texts(&ada.relay.wait_for(12, |event| by(event, "end_user")).await);
    assert_eq!(arrived.iter().collect::<HashSet<_>>().len(), 12);
    let written: Vec<_> = (0..12).map(|number| number.to_string()).collect();
    assert_ne!(arrived, written);
}

#[tokio::test]
async fn every_nth_comes_twice_under_one_id() {
    let (ada, id) = quiet().await;
    ada.sandbox.set_disorder(Disorder { duplicate_every: Some(2), ..Disorder::default() });
    writes(&ada, &id, 4).await;
    let events = ada.relay.wait_for(6, |event| by(event, "end_user")).await;
    let mut copies: Vec<_> = texts(&events);
    copies.sort();
    assert_eq!(copies, ["0", "1", "1", "2", "3", "3"]);
    assert_eq!(events.iter().map(|event| event.header("svix-id")).collect::<HashSet<_>>().len(), 4);
}

#[tokio::test]
async fn every_nth_is_lost_and_counting_begins_anew() {
    let (ada, id) = quiet().await;
    for _ in 0..2 {
        ada.sandbox.set_disorder(Disorder { lose_every: Some(3), ..Disorder::default() });
        writes(&ada, &id, 3).await;
    }
    ada.sandbox.set_disorder(Disorder::default());
    ada.sandbox.customer_says(&id, "last").await.expect("said");
    let mut arrived = texts(&ada.relay.wait_for(5, |event| by(event, "end_user")).await);
    arrived.sort();
    assert_eq!(arrived, ["0", "0", "1", "1", "last"]);
    assert_eq!(ada.sandbox.messages(&id).len(), 1 + 7, "the end user sees them all");
}

#[tokio::test]
async fn what_is_given_up_never_comes_and_what_follows_does() {
    let ada = Ada::start_with(vec![Duration::from_secs(3600)]).await;
    let id = ada.handed_off().await;
    soon("nothing on its way", idle(&ada)).await;
    ada.relay.answer_webhooks(&[503]);
    ada.sandbox.customer_says(&id, "lost").await.expect("said");
    ada.relay.wait_for(1, |event| by(event, "end_user")).await;
    assert!(!ada.sandbox.is_idle(), "it will be tried again");
    ada.sandbox.give_up_webhooks();
    soon("nothing on its way", idle(&ada)).await;
    ada.sandbox.customer_says(&id, "later").await.expect("said");
    let tried = ada.relay.wait_for(2, |event| by(event, "end_user")).await;
    assert_eq!(texts(&tried), ["lost", "later"]);
    let said = ada.sandbox.messages(&id);
    assert_eq!(said.iter().map(|said| said.in_handoff).collect::<Vec<_>>(), [false, true, true]);
}

async fn idle(ada: &Ada) {
    while !ada.sandbox.is_idle() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_early_echo_comes_before_the_answer() {
    let (ada, id) = quiet().await;
    ada.sandbox.set_echoes(EchoTiming::Early);
    // Held up by nothing, not even the disorder of the others.
    let hour = Duration::from_secs(3600);
    ada.sandbox.set_disorder(Disorder { delay: hour..=hour, ..Disorder::default() });
    for count in 1..=5 {
        assert_eq!(ada.post(&format!("{id}/messages/"), &human_says("Hi")).await.0, 201);
        let echoes = ada.relay.webhooks().iter().filter(|event| by(&event.json(), "human_agent")).count();
        assert_eq!(echoes, count);
    }
}

#[tokio::test]
async fn an_early_echo_that_fails_holds_up_nothing_and_comes_again() {
    let (ada, id) = quiet().await;
    ada.sandbox.set_echoes(EchoTiming::Early);
    ada.relay.answer_webhooks(&[500]);
    assert_eq!(ada.post(&format!("{id}/messages/"), &human_says("Hi")).await.0, 201);
    ada.relay.wait_for(2, |event| by(event, "human_agent")).await;
    ada.sandbox.set_disorder(Disorder { lose_every: Some(1), ..Disorder::default() });
    assert_eq!(ada.post(&format!("{id}/messages/"), &human_says("Lost")).await.0, 201);
}

#[tokio::test]
async fn a_late_echo_lets_others_pass() {
    let (ada, id) = quiet().await;
    ada.sandbox.set_echoes(EchoTiming::Late(WIDE));
    let posted = Instant::now();
    assert_eq!(ada.post(&format!("{id}/messages/"), &human_says("Hi")).await.0, 201);
    ada.sandbox.customer_says(&id, "Hello?").await.expect("said");
    let spoken = |event: &Value| by(event, "human_agent") || by(event, "end_user");
    assert_eq!(texts(&ada.relay.wait_for(2, spoken).await), ["Hello?", "Hi"]);
    assert!(posted.elapsed() >= WIDE);
}

#[tokio::test]
async fn without_echoes_all_else_comes() {
    let (ada, id) = quiet().await;
    ada.sandbox.set_echoes(EchoTiming::Never);
    assert_eq!(ada.post(&format!("{id}/messages/"), &human_says("silent")).await.0, 201);
    ada.sandbox.set_echoes(EchoTiming::Normal);
    assert_eq!(ada.post(&format!("{id}/messages/"), &human_says("loud")).await.0, 201);
    assert_eq!(texts(&ada.relay.wait_for(1, |event| by(event, "human_agent")).await), ["loud"]);
}

#[tokio::test]
async fn one_message_has_three_names_and_keeps_them() {
    let (ada, id) = quiet().await;
    ada.sandbox.set_ids(IdScheme::Different);
    let (_, answer) = ada.post(&format!("{id}/messages/"), &human_says("Hi")).await;
    let echo = ada.relay.wait_for(1, |event| by(event, "human_agent")).await.remove(0).json();
    ada.sandbox.set_ids(IdScheme::Same);
    let (_, list) = ada.get(&format!("{id}/messages/")).await;
    let rows = list["data"].as_array().expect("rows");
    let (first, last) = (&rows[0]["message_id"], &rows[rows.len() - 1]["message_id"]);
    let names = HashSet::from([&answer["id"], last, &echo["data"]["message_id"]]);
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names.iter().all(|name| name.is_string()));
    assert_eq!(*first, json!(ada.sandbox.messages(&id)[0].message_id), "older messages keep their one name");
}
