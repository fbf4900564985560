//! What is kept without a decision comes to the same as what the rules decide.

use std::{cell::Cell, sync::Arc, time::Duration};

use handoff_relay::{
    relay::{
        buffer::Timings,
        changes::{Scope, View, WriteSet},
        event::{Event, EventKind},
        id::NewIds,
        ledger::Ledger,
        platform::PlatformPolicy,
        policy::{Now, Policy},
        rule::Rule,
        rules::{
            arrive::{self, Arrival},
            flush, start,
        },
        thread::Role,
        time::Time,
        transaction::Transaction,
        values::HandoffValues,
        waiting_room::WaitingRooms,
    },
    store::{self, Arrived, Arriving, MemoryStore, Store, decide},
};
use proptest::prelude::*;
use serde_json::Map;
use tokio::sync::oneshot;

use super::{
    file::File,
    make::{HOUR, at, event, key, of, view},
};

#[derive(Clone, Debug)]
enum Step {
    /// An event of a conversation: its `svix-id`, its time, and what it says.
    Arrives {
        chat: u8,
        id: u8,
        seconds: i64,
        says: u8,
    },
    Starts(u8),
    /// Time passes, and what is due leaves.
    Passes(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let arrives = (0..3_u8, 0..24_u8, 0..40_i64, 0..8_u8);
    prop_oneof![
        8 => arrives.prop_map(|(chat, id, seconds, says)| Step::Arrives { chat, id, seconds, says }),
        1 => (0..3_u8).prop_map(Step::Starts),
        3 => (0..8_i64).prop_map(Step::Passes),
    ]
}

fn policy() -> Policy {
    Policy {
        timings: Timings { quiet: HOUR / 3_600, cap: HOUR / 720, unknown_hold: HOUR / 360 },
        integration: "custom-handoff".to_owned(),
        domain: None,
        inbox_limit: 6,
        outbox_limit: 100,
        send_max_age: HOUR,
        began_at: at(0),
        recover_after: HOUR,
        waiting_timeout: None,
        idle_timeout: None,
        language: None,
        gone_after: Duration::from_mins(3),
        waiting_rooms: WaitingRooms::default(),
        values: HandoffValues::default(),
        routing: Arc::default(),
        platforms: PlatformPolicy::default(),
    }
}

fn arriving(chat: u8, id: u8, seconds: i64, says: u8, now: Time) -> Event {
    let mut event = Event { received_at: now, ..event(&format!("c{chat}"), &format!("s{id}"), seconds) };
    match (says, &mut event.kind) {
        (0, kind) => *kind = EventKind::HandoffEnded,
        (1, kind) => *kind = EventKind::ConversationEnded { by: None },
        (2, EventKind::Message(message)) => message.author.role = Role::HumanAgent,
        // Older than the memory of ids.
        (3, _) => event.timestamp = at(-15 * 86_400),
        _ => {}
    }
    event
}

#[derive(Clone, Copy)]
struct Counter(u64);

impl NewIds for Counter {
    fn next(&mut self) -> String {
        self.0 += 1;
        format!("id-{:04}", self.0)
    }
}

/// A store, and whether events that need no decision are kept without one.
struct World<'a> {
    store: &'a dyn Store,
    fast: bool,
    now: Time,
    decisions: Cell<u64>,
}

fn decision<T: Send + 'static>(
    rule: Rule<T>,
    now: Time,
    ids: u64,
) -> (Scope, impl FnOnce(View) -> (WriteSet, (T, Ledger)) + Send + 'static) {
    let (scope, decide) = rule.into_parts();
    let decision = move |view| {
        let (policy, mut ids) = (policy(), Counter(ids * 100));
        let mut tx = Transaction::new(view, Now { at: now, ..Now::default() }, &policy, &mut ids);
        let answer = decide(&mut tx);
        (tx.into_write_set(), (answer, Ledger::default()))
    };
    (scope, decision)
}

impl World<'_> {
    /// Where the ids of the next decision begin.
    fn next_ids(&self) -> u64 {
        self.decisions.replace(self.decisions.get() + 1)
    }

    async fn decides<T: Send + 'static>(&self, rule: Rule<T>) -> T {
        let (scope, decision) = decision(rule, self.now, self.next_ids());
        decide(self.store, scope, decision, |_| {}).await.unwrap().0
    }

    async fn takes(&self, event: Event) -> Arrival {
        if !self.fast || arrive::needs_a_rule(&event, &Now { at: self.now, ..Now::default() }) {
            return self.decides(arrive::event(event)).await;
        }
        let (tell, told) = oneshot::channel();
        let (now, ids, policy) = (self.now, self.next_ids(), policy());
        let arrived = self.store.arrive(Arriving {
            event: Box::new(event),
            timings: policy.timings,
            inbox_limit: policy.inbox_limit,
            outbox_limit: policy.outbox_limit,
            kept: Box::new(|| ()),
            rule: Box::new(move |event| {
                let (scope, decision) = decision(arrive::event(*event), now, ids);
                (scope, store::telling(decision, |_| {}, tell))
            }),
        });
        match arrived.await.unwrap() {
            Arrived::Kept => Arrival::Kept,
            Arrived::Decided => told.await.unwrap().0,
        }
    }

    async fn plays(&mut self, step: &Step) -> String {
        match *step {
            Step::Arrives { chat, id, seconds, says } => {
                format!("{:?}", self.takes(arriving(chat, id, seconds, says, self.now)).await)
            }
            Step::Starts(chat) => {
                let call = start::call(key(&format!("c{chat}")), Map::new(), start::Caller::WithKey);
                format!("{:?}", self.decides(call).await)
            }
            Step::Passes(seconds) => {
                self.now = self.now + HOUR / 3_600 * u32::try_from(seconds).unwrap();
                let due = self.store.due_conversations(self.now, 9).await.unwrap();
                let mut flushed = format!("{due:?}");
                for key in due.items {
                    flushed += &format!("{:?}", self.decides(flush::due(key)).await);
                }
                flushed
            }
        }
    }

    async fn shows(&self) -> String {
        let mut seen = format!("{:?}", self.store.due_conversations(self.now, 9).await.unwrap());
        for chat in ["c0", "c1", "c2"] {
            let mut view = view(self.store, of(chat).with_inbox().with_outbox()).await;
            view.rows.sort_by(|a, b| a.id.cmp(&b.id));
            seen += &format!("{view:?}");
        }
        seen
    }
}

async fn story(store: &dyn Store, fast: bool, steps: &[Step]) -> Vec<String> {
    let mut world = World { store, fast, now: at(0), decisions: Cell::new(0) };
    let mut seen = Vec::new();
    for step in steps {
        seen.push(format!("{step:?}: {} {}", world.plays(step).await, world.shows().await));
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_short_way_and_the_rules_come_to_the_same(steps in proptest::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (slow, fast, rules) = runtime.block_on(async {
            let (file, other) = (File::new(), File::new());
            let memory = MemoryStore::new(super::file::now());
            (
                story(&memory, false, &steps).await,
                story(&*file.open().await, true, &steps).await,
                story(&*other.open().await, false, &steps).await,
            )
        });
        for ((slow, fast), rules) in slow.iter().zip(&fast).zip(&rules) {
            prop_assert_eq!(slow, fast);
            prop_assert_eq!(rules, fast);
        }
    }
}

proptest! {
    // Each step is some round trips.
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn they_do_so_in_postgresql(steps in proptest::collection::vec(step(), 1..60), fast in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (memory, postgres) = runtime.block_on(async {
            let memory = MemoryStore::new(super::file::now());
            (story(&memory, false, &steps).await, story(&*super::database::open().await, fast, &steps).await)
        });
        for (memory, postgres) in memory.iter().zip(&postgres) {
            prop_assert_eq!(memory, postgres);
        }
    }
}
