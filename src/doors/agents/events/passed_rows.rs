//! The rows that event streams have just passed on, so that a message never arrives behind its row.

use std::collections::VecDeque;

use crate::relay::thread::Row;

/// A look at what arrives is told within milliseconds, so a few rows are enough.
const REMEMBERED: usize = 256;

/// See the module.
#[derive(Default)]
pub struct PassedRows {
    /// Each with the number of its change, in their order.
    rows: VecDeque<(u64, String)>,
    /// What was passed on up to this change is forgotten.
    forgotten: u64,
}

impl PassedRows {
    /// Nothing is known of what was passed on up to this change.
    pub fn behind(change: u64) -> Self {
        Self { rows: VecDeque::new(), forgotten: change }
    }

    /// A row was passed on, with this change.
    pub fn note(&mut self, change: u64, row: &Row) {
        let Some(id) = row.ids.shown() else { return };
        if self.rows.len() == REMEMBERED
            && let Some((change, _)) = self.rows.pop_front()
        {
            self.forgotten = change;
        }
        self.rows.push_back((change, id.0.clone()));
    }

    /// Whether the row of a message may have been passed on. It was not there when `known` was the newest change.
    pub fn has(&self, message_id: &str, known: u64) -> bool {
        let newer = self.rows.iter().rev().take_while(|(change, _)| *change > known);
        known < self.forgotten || newer.into_iter().any(|(_, id)| id == message_id)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::relay::{
        thread::{AdaIds, Author, Content, Role, Source},
        time::Time,
    };

    fn row(message: u8) -> Row {
        Row {
            id: "row".into(),
            handoff: "handoff".into(),
            seq: 1,
            at: Time::default(),
            ids: AdaIds { webhook: Some(name(message).as_str().into()), ..AdaIds::default() },
            author: Author { role: Role::EndUser, display_name: None, avatar: None },
            content: Content::Text { body: String::new() },
            created_at: Time::default(),
            created_by_ada: true,
            source: Source::Webhook,
            sending: None,
            tried_at: None,
            late: false,
        }
    }

    fn name(message: u8) -> String {
        format!("m{message}")
    }

    #[derive(Clone, Debug)]
    enum Step {
        /// What waits is looked at, and told later.
        Looks,
        /// A message gets its row, or another change is made.
        Commits(u8),
        /// The stream passes on the next change.
        Passes,
        /// The stream is told of the next look.
        Hears,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Looks),
            (0..12_u8).prop_map(Step::Commits),
            Just(Step::Passes),
            Just(Step::Hears)
        ]
    }

    proptest! {
        #[test]
        fn no_message_arrives_behind_its_row_and_none_is_left_out_before(
            steps in proptest::collection::vec(step(), 1..60)
        ) {
            let mut passed = PassedRows::default();
            let mut waiting: BTreeSet<u8> = (0..12).collect();
            let (mut changes, mut looks): (Vec<u8>, VecDeque<(usize, BTreeSet<u8>)>) = Default::default();
            let (mut position, mut rows) = (0, BTreeSet::new());
            for step in steps {
                match step {
                    Step::Looks => looks.push_back((changes.len(), waiting.clone())),
                    Step::Commits(message) => {
                        waiting.remove(&message);
                        changes.push(message);
                    }
                    Step::Passes => {
                        if let Some(message) = changes.get(position) {
                            position += 1;
                            passed.note(position as u64, &row(*message));
                            rows.insert(*message);
                        }
                    }
                    Step::Hears => {
                        let Some((known, waited)) = looks.pop_front() else { continue };
                        for message in waited {
                            let is_passed = passed.has(&name(message), known as u64);
                            prop_assert_eq!(is_passed, rows.contains(&message));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_forgotten_may_have_been_passed_on() {
        let mut passed = PassedRows::default();
        for change in 1..=REMEMBERED as u64 + 2 {
            passed.note(change, &row(1));
        }
        assert!(passed.has("m2", 1), "not known any more");
        assert!(!passed.has("m2", 2));
        assert!(passed.has("m1", 2));
        let passed = PassedRows::behind(7);
        assert!(
            passed.has("m1", 6) && !passed.has("m1", 7),
            "who begins late knows nothing of what was before"
        );
    }
}
