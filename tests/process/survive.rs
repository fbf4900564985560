//! What was acknowledged is there after the process has died, and once.

use std::time::Duration;

use axum::http::StatusCode;
use futures_util::future::join_all;
use sandbox::{Call, EchoTiming, Fault, IdScheme, Sandbox};
use serde_json::Value;

use crate::{
    PAUSE,
    ada::{Ada, NOWHERE, Refusing, Silent},
    platforms::free_port,
    process::Process,
    relay::{Relay, folder, said, settings},
    soon,
};

/// Long enough to die while events wait for quiet.
const QUIET: [(&str, &str); 3] =
    [("DEBOUNCE_MS", "6000"), ("DEBOUNCE_MAX_MS", "6000"), ("RUST_LOG", "info,handoff_relay=debug")];
const QUESTIONS: [&str; 3] = ["Is anybody there?", "My parcel is late.", "Order A-1042."];
const ANSWERS: [&str; 3] = ["Hello, this is Alex.", "I'm looking.", "It arrives tomorrow."];

#[tokio::test]
async fn after_sigterm_everything_arrives_once() {
    dies_and_comes_back(async |process| {
        let (ended, took) = process.stopped().await;
        assert_eq!(ended.code, Some(0), "{:#?}", ended.stderr);
        assert!(took < Duration::from_secs(10), "{took:?}");
    })
    .await;
}

#[tokio::test]
async fn after_sigkill_everything_arrives_once() {
    dies_and_comes_back(Process::kill).await;
}

/// The customer's messages wait in the inbox and the agent's in the outbox when the process dies. Nothing is
/// in flight: the first Ada refuses all.
async fn dies_and_comes_back(dies: impl AsyncFnOnce(Process)) {
    let (ada, refusing, folder) =
        (Ada::start().await, Refusing::start(StatusCode::SERVICE_UNAVAILABLE).await, folder());
    let relay = Relay::start(folder.path(), &refusing.url, &QUIET).await;
    ada.meets(&relay.url);
    let conversation = ada.hands_off().await;
    let handoff = relay.handoff().await;

    for (question, answer) in QUESTIONS.iter().zip(ANSWERS) {
        ada.customer_says(&conversation, question).await;
        relay.writes(&handoff, answer).await;
    }
    kept(&relay, QUESTIONS.len()).await;
    relay.process.stderr.logged(1, "a call to Ada failed").await;
    let rows = relay.thread(&handoff).await;
    assert!(said(&rows, "end_user").is_empty(), "the inbox was left too early: {rows:#?}");
    assert_eq!(states(&rows), ["queued"; 3]);
    dies(relay.process).await;
    assert!(ada.agents_said(&conversation).is_empty());

    let relay = Relay::start(folder.path(), &ada.url, &QUIET).await;
    ada.meets(&relay.url);
    let rows = relay.thread_with(&handoff, "everything arrives", |rows| {
        new(rows) >= QUESTIONS.len() && states(rows) == ["confirmed"; 3]
    });
    let rows = rows.await;
    assert_eq!(said(&rows, "end_user"), QUESTIONS);
    assert_eq!(said(&rows, "human_agent"), ANSWERS);
    assert_eq!(ada.agents_said(&conversation), ANSWERS);
    numbered_without_gaps(&rows);
    let known = relay.get(&format!("/api/handoffs/{handoff}")).await;
    assert_eq!((&known["status"], &known["agent"]["name"]), (&"active".into(), &"Alex".into()));
    assert_eq!(known["unread"], QUESTIONS.len());
}

/// Ada never had it: the first one takes calls and says nothing.
#[tokio::test]
async fn a_call_under_way_at_sigkill_is_made_again_at_once() {
    let (ada, silent, folder) = (Ada::start().await, Silent::start().await, folder());
    let relay = Relay::start(folder.path(), &silent.url, &[]).await;
    ada.meets(&relay.url);
    let conversation = ada.hands_off().await;
    let handoff = relay.handoff().await;
    relay.writes(&handoff, ANSWERS[0]).await;
    // The history and the message.
    let _calls = (silent.called().await, silent.called().await);
    relay.process.kill().await;

    let relay = Relay::start(folder.path(), &ada.url, &[]).await;
    ada.meets(&relay.url);
    relay.thread_with(&handoff, "the message arrives", |rows| states(rows) == ["confirmed"]).await;
    assert_eq!(ada.agents_said(&conversation), &ANSWERS[..1]);
}

/// Ada had it or not, and tells of it or not: the next process finds out before it sends anything.
#[tokio::test]
async fn a_message_under_way_at_sigkill_arrives_once_whatever_became_of_the_call() {
    let faults = [Fault::StoredThenHang, Fault::Hang].into_iter();
    let lines = faults.flat_map(|fault| [EchoTiming::Normal, EchoTiming::Never].map(|echo| (fault, echo)));
    let lines =
        lines.flat_map(|(fault, echo)| [IdScheme::Same, IdScheme::Different].map(|ids| (fault, echo, ids)));
    join_all(lines.map(|(fault, echo, ids)| dies_while_sending(fault, echo, ids))).await;
}

async fn dies_while_sending(fault: Fault, echo: EchoTiming, ids: IdScheme) {
    let line = format!("{fault:?}, {echo:?}, {ids:?} ids");
    let (ada, folder) = (Ada::start().await, folder());
    ada.sandbox.set_ids(ids);
    ada.sandbox.set_echoes(echo);
    let patient = [("ADA_TIMEOUT_MS", "120000")];
    let relay = Relay::start(folder.path(), &ada.url, &patient).await;
    ada.meets(&relay.url);
    let conversation = ada.hands_off().await;
    let handoff = relay.handoff().await;
    ada.sandbox.fault_next(Call::SendMessage, fault);
    for answer in ANSWERS {
        relay.writes(&handoff, answer).await;
    }
    let called = |ada: &Sandbox| ada.calls().iter().any(|made| made.call == Some(Call::SendMessage));
    soon("the call", ada.sandbox.until(called)).await;
    relay.process.kill().await;

    let relay = Relay::start(folder.path(), &ada.url, &patient).await;
    ada.meets(&relay.url);
    let state = if echo == EchoTiming::Never { "sent" } else { "confirmed" };
    let rows = relay.thread_with(&handoff, &line, |rows| states(rows) == [state; 3]).await;
    assert_eq!(said(&rows, "human_agent"), ANSWERS, "{line}");
    assert_eq!(ada.agents_said(&conversation), ANSWERS, "{line}");
    numbered_without_gaps(&rows);
}

/// The customer writes on, whatever becomes of the relay, which dies twice in the middle of it.
#[tokio::test]
async fn a_relay_that_dies_under_load_loses_nothing_that_it_took() {
    const MESSAGES: usize = 60;
    let (ada, folder) = (Ada::start().await, folder());
    let brief = [("DEBOUNCE_MS", "50"), ("RUST_LOG", "info,handoff_relay=debug")];
    let mut relay = Relay::start(folder.path(), &ada.url, &brief).await;
    ada.meets(&relay.url);
    let conversation = ada.hands_off().await;
    let handoff = relay.handoff().await;

    let wanted: Vec<String> = (0..MESSAGES).map(|number| format!("message {number}")).collect();
    for (number, text) in wanted.iter().enumerate() {
        ada.customer_says(&conversation, text).await;
        if number % 20 == 10 {
            // Some are kept, some not yet; the retries of those not acknowledged go to the next process.
            kept(&relay, 5).await;
            relay.process.kill().await;
            relay = Relay::start(folder.path(), &ada.url, &brief).await;
            ada.meets(&relay.url);
        }
    }
    let rows = relay.thread_with(&handoff, "all messages", |rows| new(rows) >= MESSAGES);
    let rows = rows.await;
    assert_eq!(said(&rows, "end_user"), wanted);
    numbered_without_gaps(&rows);
}

/// Waits until `count` events are in the store.
async fn kept(relay: &Relay, count: usize) {
    let kept = |line: &str| (line.contains("\"webhook\"") && line.contains("\"Kept\"")).then_some(());
    soon("events kept", relay.process.stderr.find(count, "events kept", kept)).await;
}

/// The customer's messages that are shown as new. What was written just when the process began may be read from
/// Ada's list before its webhook comes.
fn new(rows: &[Value]) -> usize {
    let live = |row: &&Value| row["source"] == "webhook" || row["source"] == "recovered";
    rows.iter().filter(|row| row["author"]["role"] == "end_user").filter(live).count()
}

/// How far the agent's messages have come.
fn states(rows: &[Value]) -> Vec<&str> {
    let ours = rows.iter().filter(|row| row["source"] == "agent");
    ours.filter_map(|row| row["delivery"]["state"].as_str()).collect()
}

fn numbered_without_gaps(rows: &[Value]) {
    let mut numbers: Vec<u64> = rows.iter().filter_map(|row| row["seq"].as_u64()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=rows.len() as u64).collect::<Vec<_>>());
}

/// A log that can't be written costs its lines alone.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_relay_whose_log_has_no_room_serves_and_stops_in_order() {
    let (folder, listen) = (folder(), format!("127.0.0.1:{}", free_port().await));
    let all = settings(NOWHERE);
    let mut env: Vec<(&str, &str)> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
    env.retain(|(name, _)| !matches!(*name, "LISTEN" | "AGENT_LISTEN"));
    env.extend([("LISTEN", &*listen), ("AGENT_LISTEN", &*listen)]);
    let process = Process::start_without_log(folder.path(), &env);
    soon("an answer", async {
        while reqwest::get(format!("http://{listen}/health/ready")).await.is_err() {
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await;
    let (ended, _) = process.stopped().await;
    assert_eq!(ended.code, Some(0));
}
