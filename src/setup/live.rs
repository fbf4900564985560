//! What arrives while the settings are tried, a short line each.

use std::{collections::BTreeSet, time::Duration};

use handoff_relay::{
    Observer,
    relay::{
        handoff::Handoff,
        thread::{Role, Row},
    },
    store::{FeedItem, Since},
};

use crate::{Addresses, print};

/// Often enough for eyes.
const LOOK: Duration = Duration::from_millis(200);
/// Changes that are looked at in one go.
const PAGE: usize = 200;

/// Says what arrives, as long as it is polled.
pub async fn show(observer: Observer, addresses: Addresses) {
    print(&format!(
        "The relay runs with these settings, for Ada at http://{}, for agents at http://{}; Ctrl-C ends it.\nSend a test \
         event from the endpoint's page in Ada's dashboard, then start a handoff as a customer. What arrives:",
        addresses.public, addresses.agents
    ));
    let mut newest = observer.newest_change();
    let mut counted = observer.webhooks();
    let mut seen = BTreeSet::new();
    loop {
        tokio::time::sleep(LOOK).await;
        let now = observer.webhooks();
        let has_grown =
            |(outcome, count): &(&&str, &u64)| **count > counted.get(**outcome).copied().unwrap_or(0);
        for (outcome, _) in now.iter().filter(has_grown) {
            // Said once: with many webhooks the screen would show nothing else.
            if let Some(line) = of_webhook(outcome)
                && seen.insert((*outcome).to_owned())
            {
                print(line);
            }
        }
        counted = now;
        match observer.changes_since(newest, PAGE).await {
            Ok(Since::Changes(changes)) => {
                for (number, change) in changes {
                    newest = number;
                    of_change(&change, &mut seen);
                }
            }
            Ok(Since::Reset(now)) => newest = now,
            Err(_) => {}
        }
    }
}

fn of_webhook(outcome: &str) -> Option<&'static str> {
    Some(match outcome {
        "kept" => "  a signed webhook of a handoff arrived",
        "ignored" => {
            "  a signed webhook of no handoff arrived (a test event, or a conversation before its handoff)"
        }
        "invalid_signature" => "  a webhook was refused: its signature is not made with WEBHOOK_SECRET",
        "dead_letter" => "  a webhook could not be used: see handoff-relay dead-letters list",
        _ => return None,
    })
}

fn of_change(change: &FeedItem, seen: &mut BTreeSet<String>) {
    match change {
        FeedItem::Handoff(handoff) => of_handoff(handoff, seen),
        FeedItem::Row(row) => of_row(row, seen),
        FeedItem::CannedReplies => {}
    }
}

fn of_handoff(handoff: &Handoff, seen: &mut BTreeSet<String>) {
    if seen.insert(format!("handoff {}", handoff.id)) {
        print(&format!("  a handoff began, of conversation {}", handoff.key.conversation));
    }
}

fn of_row(row: &Row, seen: &mut BTreeSet<String>) {
    if row.author.role == Role::EndUser && seen.insert(format!("message of {}", row.handoff)) {
        print("  the customer's first message is in the console");
    }
}
