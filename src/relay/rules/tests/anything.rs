//! Whatever happens, in whatever order, the books balance: see [`books`](super::books).

use std::time::Duration;

use proptest::prelude::*;

use super::{
    make::{at, called, conversation_ended, handoff_ended, message, says},
    world::{ALEX, SAM, World},
};
use crate::relay::{
    delivery::{Delivery, Failure, Job, Receipt},
    rules::act::TakeOver,
    thread::Role,
    time::Offset,
};

#[derive(Clone, Debug)]
enum Deed {
    Start,
    Says(Role, u8, i64),
    HandoffEnded(i64),
    ConversationEnded(i64),
    Passes(i64),
    Accept(bool),
    GiveBack,
    Writes(bool, u8),
    Notes(u8),
    RetryOrDrop(bool),
    Ends,
    Reads(u64),
    Claims,
    Answered(u8),
    Lists,
    Ticks,
}

/// Nearly everything happens within a few minutes around now.
fn deed() -> impl Strategy<Value = Deed> {
    let role = prop_oneof![Just(Role::EndUser), Just(Role::AiAgent), Just(Role::HumanAgent)];
    let ago = -5_000..70_000_i64;
    prop_oneof![
        2 => Just(Deed::Start),
        6 => (role, 0..6_u8, ago.clone()).prop_map(|(role, which, ago)| Deed::Says(role, which, ago)),
        1 => ago.clone().prop_map(Deed::HandoffEnded),
        1 => ago.prop_map(Deed::ConversationEnded),
        5 => (1..40_000_i64).prop_map(Deed::Passes),
        1 => any::<bool>().prop_map(Deed::Accept),
        1 => Just(Deed::GiveBack),
        5 => (any::<bool>(), 0..6_u8).prop_map(|(alex, which)| Deed::Writes(alex, which)),
        2 => (0..6_u8).prop_map(Deed::Notes),
        2 => any::<bool>().prop_map(Deed::RetryOrDrop),
        1 => Just(Deed::Ends),
        1 => (0..9_u64).prop_map(Deed::Reads),
        4 => Just(Deed::Claims),
        4 => (0..6_u8).prop_map(Deed::Answered),
        2 => Just(Deed::Lists),
        3 => Just(Deed::Ticks),
    ]
}

/// The world, what is under way to Ada, and what has been said so far.
struct Story {
    world: World,
    millis: i64,
    under_way: Vec<Delivery>,
    told: u32,
}

impl Story {
    fn does(&mut self, deed: &Deed) {
        let world = &mut self.world;
        let name = |alex: bool| if alex { ALEX } else { SAM };
        match *deed {
            Deed::Start => drop(world.start()),
            Deed::Says(role, which, ago) => self.says(role, which, ago),
            Deed::HandoffEnded(ago) => self.tells(handoff_ended(self.millis - ago)),
            Deed::ConversationEnded(ago) => self.tells(conversation_ended(self.millis - ago, "end_user")),
            Deed::Passes(millis) => {
                self.millis += millis;
                world.clock(self.millis).release();
            }
            Deed::Accept(alex) => drop(world.accept(name(alex), TakeOver::No)),
            Deed::GiveBack => drop(world.give_back(ALEX)),
            Deed::Writes(alex, which) => drop(world.writes(name(alex), &which.to_string())),
            Deed::Notes(which) => drop(world.notes(SAM, &which.to_string(), None)),
            Deed::RetryOrDrop(retry) => self.retry_or_drop(retry),
            Deed::Ends => drop(world.end(ALEX)),
            Deed::Reads(seq) => drop(world.read(seq)),
            Deed::Claims if self.under_way.is_empty() => self.under_way.extend(world.claim()),
            Deed::Claims => {}
            Deed::Answered(how) => self.answered(how),
            Deed::Lists => self.lists(),
            Deed::Ticks => world.ticks(),
        }
    }

    fn tells(&mut self, event: crate::relay::event::Event) {
        self.told += 1;
        let svix_id = format!("{}-{}", event.svix_id, self.told % 7);
        self.world.receive(super::make::again(&event, &svix_id));
    }

    fn says(&mut self, role: Role, which: u8, ago: i64) {
        let millis = self.millis - ago;
        let event = says(role, &format!("{}", millis / 500), millis, &which.to_string());
        self.tells(called(event, &format!("{role:?}-{which}-{}", millis / 500)));
    }

    fn retry_or_drop(&mut self, retry: bool) {
        let failed = self
            .world
            .books
            .rows
            .iter()
            .find(|row| matches!(row.sending, Some(crate::relay::thread::Sending::Failed { .. })));
        let Some(row) = failed.map(|row| row.id.clone()) else { return };
        match retry {
            true => drop(self.world.retry(&row, ALEX)),
            false => drop(self.world.drop_row(&row, ALEX)),
        }
    }

    fn answered(&mut self, how: u8) {
        let Some(delivery) = self.under_way.pop() else { return };
        let reason = || "says Ada".to_owned();
        let receipt = Receipt { message_id: None, created_at: Some(at(self.millis - 300)) };
        let outcome = match how {
            0 => Err(Failure::NoHandoff(reason())),
            1 => Err(Failure::Refused(reason())),
            2 => Err(Failure::Throttled { reason: reason(), retry_after: Some(Duration::from_secs(1)) }),
            3 => Err(Failure::Unclear(reason())),
            _ => Ok(receipt),
        };
        self.world.settle(delivery, outcome);
    }

    fn lists(&mut self) {
        let reads = |job: &Job| matches!(job, Job::Read(_));
        let waits = self.world.books.outbox.iter().find(|delivery| reads(&delivery.job));
        if waits.is_none() || self.world.books.handoffs.is_empty() {
            return;
        }
        let words = (0..6_u8).map(|which| {
            let millis = self.millis - i64::from(which) * 700;
            let role = if which % 2 == 0 { Role::HumanAgent } else { Role::EndUser };
            message(role, &format!("l-{millis}"), millis, &which.to_string())
        });
        let words: Vec<_> = words.collect();
        self.world.lists(&words);
    }
}

proptest! {
    #[test]
    fn the_books_balance(deeds in proptest::collection::vec(deed(), 1..60), offset in -90..90_i64) {
        let mut story = Story { world: World::new(), millis: 0, under_way: Vec::new(), told: 0 };
        story.world.now.offset = Offset::from_micros(offset * 1_000_000);
        for timeout in [&mut story.world.policy.waiting_timeout, &mut story.world.policy.idle_timeout] {
            timeout.as_mut().unwrap().after = Duration::from_secs(40);
        }
        for deed in &deeds {
            story.does(deed);
        }
        // Whatever waits comes to an end.
        story.world.clock(story.millis + 100_000).release();
        prop_assert!(story.world.books.inbox.is_empty());
        prop_assert_eq!(story.world.books.buffer, None);
        // Nothing of Ada's was taken for a note.
        for note in story.world.books.rows.iter().filter(|row| row.is_note()) {
            prop_assert!(note.ids.all().count() == 0 && note.sending.is_none() && !note.created_by_ada);
        }
    }
}
