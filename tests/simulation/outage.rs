//! Ada is gone for an hour, while agents write on.

use std::time::Duration;

use handoff_relay::relay::{
    rules::write,
    thread::{Row, Sending},
};
use tokio::time::Instant;

use crate::{
    ada::Fault,
    desk::{Chat, Desk, text},
    in_simulated_time,
    relay::SEND_MAX_AGE,
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const OUTAGE: Duration = Duration::from_hours(1);
const HANDOFFS: usize = 40;
/// Each agent writes so often during the outage.
const PAUSE: Duration = Duration::from_secs(4 * 60);
/// A message that is over age is noticed at the next attempt: a wait, a place in line and a timeout later.
const NOTICED: Duration = Duration::from_secs(3 * 60);
const WHY: [&str; 3] = [
    "could not be sent in time: simulated",
    "it is unknown whether this was sent: simulated",
    "a message before this one could not be sent",
];

#[test]
fn an_hour_without_a_connection() {
    outage(Fault::Unreached);
}

#[test]
fn an_hour_without_an_answer() {
    outage(Fault::Unclear { done: false, hangs: true });
}

#[test]
fn an_hour_of_errors() {
    outage(Fault::Unclear { done: false, hangs: false });
}

fn outage(fault: Fault) {
    in_simulated_time(async {
        let mut desk = Desk::new(11).await;
        let chats = desk.hands_off(HANDOFFS).await;
        let written = agents_write_through_it(&mut desk, &chats, fault).await;
        let queued = nothing_old_waits(&desk, &chats, &written).await;
        let (over, began) = (desk.now(), Instant::now());
        desk.ada.breaks(None);
        desk.sends_all(&chats).await;
        let took = began.elapsed();
        let (per_second, per_minute) = (desk.busiest(SECOND, over), desk.busiest(MINUTE, over));
        println!(
            "outage, {fault:?}: of {} messages {} waited at its end and were out after {took:.0?}; at most \
             {per_second} calls in a second and {per_minute} in a minute",
            written.iter().map(Vec::len).sum::<usize>(),
            queued.iter().map(Vec::len).sum::<usize>(),
        );
        assert!(per_second <= 10 && per_minute <= 100, "{per_second} in a second, {per_minute} in a minute");
        for (chat, queued) in chats.iter().zip(&queued) {
            assert_eq!(desk.arrived(chat), *queued, "what waited goes out, in order and once");
        }
        all_accounted_for(&mut desk, &chats, &written).await;
    });
}

/// Gives what was written in each handoff.
async fn agents_write_through_it(desk: &mut Desk, chats: &[Chat], fault: Fault) -> Vec<Vec<String>> {
    let mut written = vec![Vec::new(); chats.len()];
    desk.ada.breaks(Some(fault));
    let end = Instant::now() + OUTAGE;
    while Instant::now() < end {
        for (chat, written) in chats.iter().zip(&mut written) {
            let said = format!("Line {}", written.len());
            desk.writes(chat, &said).await;
            written.push(said);
            desk.post.passes(PAUSE / HANDOFFS as u32).await;
        }
    }
    written
}

/// What is over age has failed, what is younger waits or fell with what was before it. Gives what waits.
async fn nothing_old_waits(desk: &Desk, chats: &[Chat], written: &[Vec<String>]) -> Vec<Vec<String>> {
    let mut queued = Vec::new();
    for (chat, written) in chats.iter().zip(written) {
        let rows = ours(&desk.rows(chat).await, written);
        let waits = |row: &&Row| row.sending == Some(Sending::Queued);
        for row in &rows {
            let age = desk.now().since(row.created_at);
            let failed =
                matches!(&row.sending, Some(Sending::Failed { error }) if WHY.contains(&error.as_str()));
            assert!(failed || (waits(&row) && age < SEND_MAX_AGE + NOTICED), "{age:?} old: {row:?}");
        }
        queued.push(rows.iter().filter(waits).filter_map(|row| text(row).map(str::to_owned)).collect());
    }
    let some = queued.iter().filter(|queued: &&Vec<String>| !queued.is_empty()).count();
    assert!(some >= chats.len() / 2, "in {some} handoffs something waits");
    queued
}

/// Each message was sent or has failed with its reason; what has failed arrives when it is tried again.
async fn all_accounted_for(desk: &mut Desk, chats: &[Chat], written: &[Vec<String>]) {
    for (chat, written) in chats.iter().zip(written) {
        for row in ours(&desk.rows(chat).await, written) {
            match &row.sending {
                Some(Sending::Sent | Sending::Confirmed) => {}
                Some(Sending::Failed { error }) if WHY.contains(&error.as_str()) => {
                    desk.engine()
                        .act(write::retry(chat.handoff.clone(), row.id, "Alex".to_owned()))
                        .await
                        .unwrap();
                }
                other => panic!("{other:?}: {row:?}"),
            }
        }
    }
    desk.sends_all(chats).await;
    for (chat, written) in chats.iter().zip(written) {
        let (mut arrived, mut written) = (desk.arrived(chat), written.clone());
        arrived.sort_unstable();
        written.sort_unstable();
        assert_eq!(arrived, written, "each once");
    }
}

fn ours(rows: &[Row], written: &[String]) -> Vec<Row> {
    let mine = |row: &&Row| {
        row.sending.is_some() && text(row).is_some_and(|said| written.iter().any(|mine| mine == said))
    };
    let rows: Vec<Row> = rows.iter().filter(mine).cloned().collect();
    assert_eq!(rows.len(), written.len(), "none is gone");
    rows
}
