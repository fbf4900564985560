//! All stores give the same answers to the same sequence of commands.

use std::sync::Arc;

use handoff_relay::{
    relay::{
        buffer::Buffer,
        changes::{IdempotencyScope, Idempotent, WriteSet},
        delivery::Delivery,
        thread::Row,
    },
    store::{HandoffQuery, MemoryStore, RetentionPeriods, Since, Store},
};
use proptest::prelude::*;

use super::{
    claims::claim_of,
    file::File,
    make::{
        HOUR, active, at, due_in, ended, event, fetches, files, handoff, key, letter, match_key, of,
        of_handoff, purge, put_deliveries, put_handoffs, put_rows, reads, retries, row, sends, transcripts,
        view, write, writes,
    },
};

#[derive(Clone, Debug)]
enum Command {
    Handoff(u8, u8),
    Row(u8, u8),
    Delivery(u8, i64),
    DeliveryDone(u8),
    Event(u8, i64),
    EventDone(u8),
    Buffer(u8, Option<i64>),
    Remember(u8),
    Idempotent(u8),
    Letter(u8),
    LetterDone(u8),
    Claim(i64, usize),
    Forget(i64),
}

fn command() -> impl Strategy<Value = Command> {
    let small = 0..6_u8;
    let day = 0..90_i64;
    prop_oneof![
        3 => (small.clone(), 0..3_u8).prop_map(|(which, state)| Command::Handoff(which, state)),
        3 => (small.clone(), 1..9_u8).prop_map(|(which, seq)| Command::Row(which, seq)),
        4 => (0..24_u8, day.clone()).prop_map(|(id, due)| Command::Delivery(id, due)),
        2 => (0..24_u8).prop_map(Command::DeliveryDone),
        2 => (any::<u8>(), day.clone()).prop_map(|(id, seconds)| Command::Event(id, seconds)),
        1 => any::<u8>().prop_map(Command::EventDone),
        1 => (small.clone(), proptest::option::of(day.clone())).prop_map(|(id, due)| Command::Buffer(id, due)),
        1 => any::<u8>().prop_map(Command::Remember),
        1 => small.clone().prop_map(Command::Idempotent),
        1 => any::<u8>().prop_map(Command::Letter),
        1 => any::<u8>().prop_map(Command::LetterDone),
        3 => (day.clone(), 0..9_usize).prop_map(|(now, limit)| Command::Claim(now, limit)),
        1 => day.prop_map(Command::Forget),
    ]
}

fn asked(which: u8) -> IdempotencyScope {
    IdempotencyScope { agent: "Alex".to_owned(), handoff: "h1".into(), key: which.to_string() }
}

/// The conversation of a handoff: two have several.
fn chat(which: u8) -> String {
    format!("c{}", which % 4)
}

/// What a delivery does is settled when it is made; when it is due is not.
fn delivery(id: u8, due: i64) -> Delivery {
    let make = match id {
        0..4 => sends,
        4..6 => reads,
        _ => fetches,
    };
    Delivery { due_at: at(due), ..make(&format!("d{id}"), &format!("h{}", id % 3), &chat(id % 3)) }
}

/// Commands that a store could refuse are asked only once each: `step` makes their ids unique.
async fn run(store: &dyn Store, step: usize, command: &Command) -> String {
    match *command {
        Command::Handoff(which, state) => {
            let (id, chat) = (format!("h{which}"), chat(which));
            let handoff = match state {
                0 => handoff(&id, &chat),
                1 => active(&id, &chat, "Alex"),
                _ => ended(&id, &chat, "Sam", &format!("{id}-1")),
            };
            put_handoffs(store, vec![handoff]).await;
        }
        Command::Row(which, seq) => {
            // What a row says never changes; how it stands does.
            let words = format!("says {}", seq % 3);
            let row = Row { late: step.is_multiple_of(2), ..row(&format!("h{which}"), seq.into(), &words) };
            put_rows(store, vec![row]).await;
        }
        Command::Delivery(id, due) => put_deliveries(store, vec![delivery(id, due)]).await,
        Command::DeliveryDone(id) => {
            let done = vec![format!("d{id}").as_str().into()];
            write(store, WriteSet { deliveries_done: done, ..WriteSet::default() }).await;
        }
        Command::Claim(now, limit) => return claim(store, now, limit).await,
        Command::Forget(days) => {
            let keep = RetentionPeriods { ended: Some(720 * HOUR), dead_letters: Some(720 * HOUR) };
            purge(store, at(days * 86_400), &keep).await;
            put_missing_handoffs(store).await;
        }
        _ => write(store, changes(step, command)).await,
    }
    String::new()
}

fn changes(step: usize, command: &Command) -> WriteSet {
    let at = at(i64::try_from(step).unwrap() * 86_400);
    let mut changes = WriteSet { at, ..WriteSet::default() };
    match *command {
        Command::Event(id, seconds) => {
            changes.inbox = vec![event(&chat(id), &format!("s{id}-{step}"), seconds)];
        }
        Command::EventDone(id) => {
            changes.inbox_done = (0..step).map(|step| format!("s{id}-{step}")).collect()
        }
        Command::Buffer(id, due) => {
            let buffer =
                due.map(super::make::at).map(|due| (Buffer { arrivals: None, held_until: Some(due) }, due));
            changes.buffer = Some((key(&chat(id)), buffer));
        }
        Command::Remember(id) => changes.remember = vec![format!("s{id}-{step}")],
        Command::Idempotent(which) => {
            let known = Idempotent { digest: which.to_string(), row: "h1-1".into() };
            changes.idempotent = Some((IdempotencyScope { key: step.to_string(), ..asked(which) }, known));
        }
        Command::Letter(id) => changes.dead_letters = vec![letter(&format!("{}-{step}", id % 4))],
        Command::LetterDone(id) => {
            changes.dead_letters_done = (0..step).map(|step| format!("{}-{step}", id % 4)).collect()
        }
        _ => {}
    }
    changes
}

async fn claim(store: &dyn Store, now: i64, limit: usize) -> String {
    let mut seen = String::new();
    for queue in [writes(), transcripts(), retries(), files()] {
        let due = due_in(store, at(now), &queue, limit).await;
        seen += &format!("{due:?} {:?}", claim_of(store, &queue, at(now), limit).await);
    }
    seen
}

/// Everything there is to see.
async fn all(store: &dyn Store, steps: usize, begin: u64) -> Vec<String> {
    let mut seen = vec![format!("{:?}", store.dead_letters(None, 99).await.unwrap().letters)];
    seen.push(format!("{:?}", store.due_conversations(at(50), 99).await.unwrap().next));
    let depths = store.depths().await.unwrap();
    seen.push(format!("{:?} {:?} {:?}", depths.handoffs, depths.inbox_oldest, depths.outbox_oldest));
    let page = store.handoffs(&HandoffQuery { limit: 99, ..HandoffQuery::default() }).await.unwrap();
    seen.push(format!("{page:?}"));
    for which in 0..6_u8 {
        seen.push(format!("{:?}", store.rows(&format!("h{which}").as_str().into(), 0, 99).await.unwrap()));
        let mut scope = of_handoff(&format!("h{which}"));
        scope.unread_behind = Some(which.into());
        seen.push(sorted(store, scope).await);
    }
    for step in 0..steps {
        let mut scope = of(&chat(u8::try_from(step % 4).unwrap()));
        scope.svix_id = Some(format!("s{step}-{step}"));
        scope.idempotency = Some(IdempotencyScope { key: step.to_string(), ..asked(0) });
        scope.matching = vec![match_key(&format!("ada-h{}-1", step % 6), &format!("says {}", step % 3))];
        (scope.with_inbox, scope.with_outbox) = (true, step.is_multiple_of(2));
        seen.push(sorted(store, scope).await);
    }
    match store.changes_since(begin, 999).await.unwrap() {
        Since::Reset(newest) => seen.push(format!("reset to {}", newest - begin)),
        Since::Changes(changes) => {
            seen.extend(
                changes.into_iter().map(|(number, changed)| format!("{} {changed:?}", number - begin)),
            );
        }
    }
    seen
}

async fn sorted(store: &dyn Store, scope: handoff_relay::relay::changes::Scope) -> String {
    let mut view = view(store, scope).await;
    view.rows.sort_by(|a, b| a.id.cmp(&b.id));
    format!("{view:?}")
}

/// Rows are shown through their handoffs: all of them are there.
async fn put_missing_handoffs(store: &dyn Store) {
    for which in 0..6_u8 {
        let id = format!("h{which}");
        if store.handoff(&id.as_str().into()).await.unwrap().is_none() {
            put_handoffs(store, vec![handoff(&id, &chat(which))]).await;
        }
    }
}

async fn answers(store: &dyn Store, commands: &[Command]) -> Vec<String> {
    let begin = *store.signals().feed().borrow();
    put_missing_handoffs(store).await;
    let mut seen = Vec::new();
    for (step, command) in commands.iter().enumerate() {
        seen.push(run(store, step, command).await);
    }
    seen.extend(all(store, commands.len(), begin).await);
    seen
}

/// Compares what two stores answer.
fn compare(commands: &[Command], other: impl AsyncFnOnce() -> Arc<dyn Store>) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (memory, other) = runtime.block_on(async {
        let memory = answers(&MemoryStore::new(super::file::now()), commands).await;
        (memory, answers(&*other().await, commands).await)
    });
    for (memory, other) in memory.iter().zip(&other) {
        prop_assert_eq!(memory, other);
    }
    prop_assert_eq!(memory.len(), other.len());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_sqlite_give_the_same_answers(commands in proptest::collection::vec(command(), 1..40)) {
        let file = File::new();
        compare(&commands, async || file.open().await)?;
    }
}

proptest! {
    // Each command is some round trips.
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_postgresql_give_the_same_answers(commands in proptest::collection::vec(command(), 1..40)) {
        compare(&commands, super::database::open)?;
    }
}
