//! Matching is one to one, in whatever order two sources bring the same messages.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::relay::{
    thread::{Author, Content, Source},
    time::Time,
};

const SOURCES: [LearnedFrom; 2] = [LearnedFrom::Webhook, LearnedFrom::List];

/// A message of this number, by one of two sides, with one of two texts, in one of two seconds.
fn message(number: u8, from: LearnedFrom) -> Message {
    let role = if number & 1 == 0 { Role::EndUser } else { Role::AiAgent };
    let body = if number & 2 == 0 { "ok" } else { "hello" }.to_owned();
    let second = i64::from(number & 4) * 1_000;
    Message {
        id: format!("{from:?}-{number}").as_str().into(),
        created_at: Time::from_millis(second + i64::from(number)),
        author: Author { role, display_name: None, avatar: None },
        content: Content::Text { body },
    }
}

fn row(seq: u64, message: &Message) -> Row {
    Row {
        id: seq.to_string().as_str().into(),
        handoff: "h".into(),
        seq,
        at: message.created_at,
        ids: AdaIds::default(),
        author: message.author.clone(),
        content: message.content.clone(),
        created_at: message.created_at,
        created_by_ada: true,
        source: Source::Webhook,
        sending: None,
        tried_at: None,
        late: false,
    }
}

/// What the thread holds when all have been brought.
fn thread(brought: &[(u8, LearnedFrom)]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (number, from) in brought {
        let message = message(*number, *from);
        let index = match find(&rows.iter().collect::<Vec<_>>(), &message, *from, |_| None) {
            Match::Known(_) => continue,
            Match::Same(index) => index,
            Match::None => {
                rows.push(row(rows.len() as u64 + 1, &message));
                rows.len() - 1
            }
        };
        assert_eq!(from.id_in(&rows[index].ids), None, "a place once taken is never shared");
        from.assign(&mut rows[index].ids, message.id);
    }
    rows
}

/// How many of each kind a source has brought.
fn kinds(brought: &[(u8, LearnedFrom)], from: LearnedFrom) -> BTreeMap<String, usize> {
    let numbers: BTreeSet<u8> =
        brought.iter().filter(|(_, by)| *by == from).map(|(number, _)| *number).collect();
    let mut kinds = BTreeMap::new();
    for number in numbers {
        let message = message(number, from);
        let kind = MatchKey::from(&message).fingerprints.remove(0);
        *kinds.entry(kind).or_default() += 1;
    }
    kinds
}

proptest! {
    /// Whatever the order and however often: of each kind there are as many rows as the source that brought
    /// most has messages.
    #[test]
    fn what_two_sources_bring_is_counted_once(
        brought in proptest::collection::vec((0..32_u8, proptest::sample::select(&SOURCES[..])), 0..60)
    ) {
        let mut most = kinds(&brought, LearnedFrom::Webhook);
        for (kind, count) in kinds(&brought, LearnedFrom::List) {
            let known = most.entry(kind).or_default();
            *known = count.max(*known);
        }
        let rows = thread(&brought);
        prop_assert_eq!(rows.len(), most.values().sum::<usize>());
        for from in SOURCES {
            let ids: BTreeSet<_> = rows.iter().filter_map(|row| from.id_in(&row.ids)).collect();
            prop_assert_eq!(ids.len(), kinds(&brought, from).values().sum::<usize>(), "none is lost");
        }
    }
}

#[test]
fn an_id_counts_for_more_than_words() {
    let mut moved = message(0, LearnedFrom::List);
    let mut first = row(1, &moved);
    let mut second = row(2, &moved);
    first.ids.webhook = Some("other".into());
    second.ids.webhook = Some(moved.id.clone());
    assert_eq!(find(&[&first, &second], &moved, LearnedFrom::List, |_| None), Match::Same(1));
    moved.created_at = Time::from_millis(999_000);
    assert_eq!(find(&[&first, &second], &moved, LearnedFrom::List, |_| None), Match::Same(1));
    moved.id = "unknown".into();
    assert_eq!(find(&[&first, &second], &moved, LearnedFrom::List, |_| None), Match::None);
}

#[test]
fn an_own_row_without_adas_time_is_found_only_if_it_could_be_it() {
    let mut echo = message(0, LearnedFrom::Webhook);
    echo.author.role = Role::HumanAgent;
    let mut own = row(1, &echo);
    (own.source, own.created_by_ada) = (Source::Agent, false);
    let attempt = PossibleAttempt { began: echo.created_at, queued_at: None };
    for (could_be, found) in [(true, Match::Same(0)), (false, Match::None)] {
        assert_eq!(find(&[&own], &echo, LearnedFrom::Webhook, |_| could_be.then_some(attempt)), found);
    }
    own.created_by_ada = true;
    echo.created_at = Time::from_millis(60_000);
    assert_eq!(
        find(&[&own], &echo, LearnedFrom::Webhook, |_| Some(attempt)),
        Match::None,
        "of another second"
    );
}
