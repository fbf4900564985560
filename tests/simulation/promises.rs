//! What must hold, whatever happens.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use handoff_relay::{
    ada::api::Ada,
    environment::Environment,
    relay::{
        handoff::{Handoff, Status},
        id::HandoffId,
        ledger::Ledger,
        rules::expiry::LOOK_TIME,
        thread::{Content, Role, Row, Sending, Source},
    },
    store::HandoffQuery,
};

use crate::{
    ada::{NO_HANDOFF, REFUSED, Stored},
    relay::SEND_MAX_AGE,
    story::Story,
};

macro_rules! promise {
    ($holds:expr, $($what:tt)*) => {
        if !$holds {
            return Err(format!($($what)*));
        }
    };
}

/// After each step: the customer has nothing twice, and nothing that was written for another handoff.
pub fn hold_always(story: &Story) -> Result<(), String> {
    let mut allowed: BTreeMap<&str, usize> = BTreeMap::new();
    for accepted in &story.accepted {
        *allowed.entry(&accepted.body).or_default() += 1;
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for stored in all_stored(story).into_iter().filter(|(_, stored)| stored.role == Role::HumanAgent) {
        *seen.entry(stored.1.body).or_default() += 1;
    }
    for (body, count) in &seen {
        let most = allowed.get(body.as_str()).copied().unwrap_or(0);
        promise!(*count <= most, "the customer sees {body:?} {count} times, written {most} times");
    }
    // What the relay was told of handoffs after a backup is forgotten with it.
    if story.was_restored() { Ok(()) } else { written_for_this_handoff(story) }
}

/// In calm weather a message leaves or fails: by its age, after a crash by another, and once it has been looked for.
pub async fn nobody_waits_for_ever(story: &Story) -> Result<(), String> {
    let most = SEND_MAX_AGE * 2 + LOOK_TIME.1 + Duration::from_secs(30);
    let since = story.environment.now() - most;
    for thread in threads(story).await {
        for row in thread.rows {
            let waits = row.sending == Some(Sending::Queued) && body(&row).is_some();
            promise!(!waits || row.created_at >= since, "{:?} is still queued", body(&row));
        }
    }
    Ok(())
}

fn all_stored(story: &Story) -> Vec<(String, Stored)> {
    let of = |id: String| {
        let messages = story.ada.look(&id, |known| known.messages.clone());
        messages.into_iter().map(move |stored| (id.clone(), stored))
    };
    (0..4).map(|number| format!("chat-{number}")).flat_map(of).collect()
}

fn written_for_this_handoff(story: &Story) -> Result<(), String> {
    for accepted in story.accepted.iter().filter(|accepted| accepted.body != "ok") {
        let Some((conversation, number)) = story.known.get(&accepted.handoff) else { continue };
        let stored = story.ada.look(conversation, |known| {
            known.messages.iter().find(|stored| stored.body == accepted.body).map(|stored| stored.handoff)
        });
        // A handoff whose start call was lost can't be told from the one before it.
        let announced =
            |number: &u32| story.known.values().any(|known| *known == (conversation.clone(), *number));
        promise!(
            stored.filter(announced).is_none_or(|stored| stored == *number),
            "{:?} was written for handoff {number} of {conversation} and reached {stored:?}",
            accepted.body
        );
    }
    Ok(())
}

struct Thread {
    handoff: Handoff,
    rows: Vec<Row>,
}

async fn threads(story: &Story) -> Vec<Thread> {
    let query = HandoffQuery { limit: usize::MAX - 1, ..HandoffQuery::default() };
    let mut threads = Vec::new();
    for handoff in story.relay.store.held().handoffs(&query).await.unwrap().handoffs {
        let rows = story.relay.store.held().rows(&handoff.id, 0, usize::MAX).await.unwrap();
        threads.push(Thread { handoff, rows });
    }
    threads
}

fn body(row: &Row) -> Option<&str> {
    match &row.content {
        Content::Text { body } => Some(body),
        _ => None,
    }
}

/// When everything has come to rest.
pub async fn hold_in_the_end(story: &Story) -> Result<(), String> {
    let threads = threads(story).await;
    for thread in &threads {
        the_books_balance(thread)?;
        nothing_stands_twice(story, thread)?;
        the_customers_order(story, thread)?;
    }
    at_most_one_runs(&threads)?;
    if story.was_restored() {
        return Ok(());
    }
    the_customers_words(story, &threads)?;
    the_agents_words(story, &threads)?;
    the_agents_order(story)?;
    the_ends(story, &threads)
}

fn the_books_balance(Thread { handoff, rows }: &Thread) -> Result<(), String> {
    let numbers: Vec<u64> = rows.iter().map(|row| row.seq).collect();
    promise!(numbers == (1..=handoff.last_seq).collect::<Vec<_>>(), "{}: gaps in {numbers:?}", handoff.id);
    let unread = rows.iter().filter(|row| row.counts_as_unread() && row.seq > handoff.read_up_to).count();
    promise!(handoff.unread == unread as u64, "{}: unread is {}, not {unread}", handoff.id, handoff.unread);
    let account = rows.iter().map(Ledger::of).fold(Ledger::default(), |sum, one| sum.and(&one));
    let Ledger { taken, duplicates, .. } = handoff.ledger;
    let account = Ledger { taken, duplicates, ..account };
    promise!(
        handoff.ledger == account,
        "{}: the account {:?} is not {account:?}",
        handoff.id,
        handoff.ledger
    );
    promise!(account.lost() == 0, "{}: {} lost", handoff.id, account.lost());
    Ok(())
}

fn nothing_stands_twice(story: &Story, Thread { handoff, rows }: &Thread) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    // What had failed in a backup may have been sent since by hand, and reach Ada after the list was read.
    let may_be_elsewhere =
        |row: &&Row| story.was_restored() && matches!(row.sending, Some(Sending::Failed { .. }));
    let rows = rows.iter().filter(|row| row.author.role != Role::System && !may_be_elsewhere(row));
    for said in rows.filter_map(body) {
        promise!(said == "ok" || seen.insert(said), "{}: {said:?} stands twice", handoff.id);
    }
    Ok(())
}

/// Readers see the customer's words in the order in which they were written.
fn the_customers_order(story: &Story, Thread { handoff, rows }: &Thread) -> Result<(), String> {
    let mut rows: Vec<&Row> = rows.iter().filter(|row| row.author.role == Role::EndUser).collect();
    rows.sort_by_key(|row| (row.at, row.seq));
    let shown: Vec<&str> = rows.iter().filter_map(|row| body(row)).collect();
    let conversation = handoff.key.conversation.as_str();
    let written = story.ada.look(conversation, |known| known.messages.clone());
    let order: Vec<&str> =
        written.iter().map(|stored| stored.body.as_str()).filter(|said| shown.contains(said)).collect();
    promise!(shown == order, "{}: the customer's words stand as {shown:?}, not {order:?}", handoff.id);
    Ok(())
}

fn at_most_one_runs(threads: &[Thread]) -> Result<(), String> {
    let mut running = BTreeSet::new();
    for thread in threads.iter().filter(|thread| thread.handoff.is_open()) {
        let key = &thread.handoff.key;
        promise!(running.insert(key), "two handoffs of {} run", key.conversation);
    }
    Ok(())
}

/// What the customer wrote in a handoff stands in one thread as new. What no webhook brought is
/// promised while the handoff is open.
fn the_customers_words(story: &Story, threads: &[Thread]) -> Result<(), String> {
    for (conversation, stored) in all_stored(story) {
        if stored.role != Role::EndUser || stored.handoff == 0 {
            continue;
        }
        let of_it =
            || threads.iter().filter(|thread| thread.handoff.key.conversation.as_str() == conversation);
        let rows: Vec<&Row> =
            of_it().flat_map(|thread| &thread.rows).filter(|row| body(row) == Some(&stored.body)).collect();
        let live = rows.iter().filter(|row| row.source != Source::Transcript).count();
        promise!(live <= 1, "{conversation}: {:?} is new in {live} threads", stored.body);
        let was_told = !story.lost().contains(&stored.body);
        promise!(!was_told || live == 1, "{conversation}: {:?} was told and is new nowhere", stored.body);
        let still_runs =
            story.ada.look(&conversation, |known| known.in_handoff && known.handoff == stored.handoff);
        let open = of_it().find(|thread| thread.handoff.is_open());
        promise!(
            !(still_runs && open.is_some() && rows.is_empty()),
            "{conversation}: {:?} was never told and stands nowhere, though the handoff runs",
            stored.body
        );
        // What came around its start may be history.
        let began = open.map(|open| open.handoff.began(story.ada.offset()) + Duration::from_secs(3));
        let is_news = still_runs && began.is_some_and(|began| stored.at > began);
        promise!(!is_news || live == 1, "{conversation}: {:?} is new nowhere", stored.body);
    }
    Ok(())
}

/// What agents see of their messages is what the customer has.
fn the_agents_words(story: &Story, threads: &[Thread]) -> Result<(), String> {
    let stored = all_stored(story);
    for accepted in &story.accepted {
        let row = threads.iter().flat_map(|thread| &thread.rows).find(|row| row.id == accepted.row);
        let Some(row) = row else { return Err(format!("{} is gone", accepted.row)) };
        if accepted.body == "ok" {
            continue;
        }
        let there = stored.iter().filter(|(_, stored)| stored.body == accepted.body).count();
        let fits = match &row.sending {
            Some(Sending::Sent | Sending::Confirmed) => there == 1,
            Some(Sending::Failed { error }) => there == 0 && is_reason(error),
            Some(Sending::Dropped) => there == 0,
            _ => false,
        };
        promise!(fits, "{:?} is {:?}, and the customer has it {there} times", accepted.body, row.sending);
    }
    equal_words(story, threads, &stored)
}

/// What goes by, and is over within `SEND_MAX_AGE`, is no reason to fail.
fn is_reason(error: &str) -> bool {
    ["ended", "a new handoff", NO_HANDOFF, REFUSED].iter().any(|reason| error.contains(reason))
}

/// The same words written twice: as many arrived as agents are told.
fn equal_words(story: &Story, threads: &[Thread], stored: &[(String, Stored)]) -> Result<(), String> {
    let arrived = |row: &&Row| {
        body(row) == Some("ok") && matches!(row.sending, Some(Sending::Sent | Sending::Confirmed))
    };
    let mut sent: BTreeMap<&str, usize> = BTreeMap::new();
    for thread in threads {
        let count = thread.rows.iter().filter(arrived).count();
        *sent.entry(thread.handoff.key.conversation.as_str()).or_default() += count;
    }
    for (conversation, told) in sent {
        let has = stored.iter().filter(|(of, stored)| of == conversation && stored.body == "ok").count();
        promise!(told == has, "{conversation}: {told} times \"ok\" is said to have arrived, and {has} did");
    }
    let _ = story;
    Ok(())
}

/// The customer has an agent's messages in the order in which they were written.
fn the_agents_order(story: &Story) -> Result<(), String> {
    let mut by_handoff: BTreeMap<&HandoffId, Vec<&str>> = BTreeMap::new();
    for accepted in story.accepted.iter().filter(|accepted| !accepted.retried && accepted.body != "ok") {
        by_handoff.entry(&accepted.handoff).or_default().push(&accepted.body);
    }
    let stored = all_stored(story);
    for (handoff, written) in by_handoff {
        let arrived: Vec<&str> = stored
            .iter()
            .map(|(_, stored)| stored.body.as_str())
            .filter(|said| written.contains(said))
            .collect();
        let order: Vec<&str> = written.into_iter().filter(|said| arrived.contains(said)).collect();
        promise!(arrived == order, "{handoff}: arrived as {arrived:?}, written as {order:?}");
    }
    Ok(())
}

/// What an agent ended has ended at Ada, and what is over at Ada is over here.
fn the_ends(story: &Story, threads: &[Thread]) -> Result<(), String> {
    for Thread { handoff, rows } in threads {
        let Some((conversation, number)) = story.known.get(&handoff.id) else { continue };
        let (runs, newest, over) =
            story.ada.look(conversation, |known| (known.in_handoff, known.handoff, known.over));
        if let Status::Ended(end) = &handoff.status {
            promise!(
                !(runs && newest == *number),
                "{}: ended here by {:?}, and runs at Ada",
                handoff.id,
                end.by
            );
        } else {
            // One whose start call was lost goes on in the thread of the one before it.
            let same = !story.known.values().any(|known| *known == (conversation.clone(), newest))
                || newest == *number;
            promise!(!over, "{}: {conversation} is over, and the handoff is open", handoff.id);
            let untold = story.lost_ends().contains(&(conversation.clone(), *number));
            promise!((runs && same) || untold, "{}: open here, and over at Ada", handoff.id);
            let refused =
                |row: &Row| matches!(&row.sending, Some(Sending::Failed { error }) if error == NO_HANDOFF);
            promise!(!rows.iter().any(refused), "{}: open, though Ada said that it is over", handoff.id);
        }
    }
    Ok(())
}
