//! What reports read: open handoffs, and those that began within a span of time.

use std::time::{Duration, Instant};

use handoff_relay::{
    relay::{
        handoff::{FirstAnswer, Handoff, Missed},
        report::{Entry, Stage},
        time::Time,
    },
    store::Store,
};
use serde_json::json;

use super::{
    file::File,
    make::{active, at, ended, handoff, put_handoffs},
};

const DAY: i64 = 86_400;

fn ids(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.id.as_str()).collect()
}

fn begun(id: &str, seconds: i64) -> Handoff {
    Handoff { created_at: at(seconds), ..handoff(id, id) }
}

async fn open_handoffs_are_told_those_that_wait_first(store: &dyn Store) {
    assert!(store.open_entries(9).await.unwrap().is_empty());
    let team = Some("Zoë's".into());
    let first_answer = FirstAnswer::Given { at: at(5), by: Some("Sam".to_owned()) };
    let answered =
        Handoff { team: team.clone(), first_answer: first_answer.clone(), ..active("a1", "b", "Sam") };
    let missed = Some(Missed { at: at(9), told: None });
    let over = Handoff { missed, outcome: Some("solved".to_owned()), ..ended("e1", "c", "Sam", "r") };
    put_handoffs(
        store,
        vec![answered, over, handoff("w1", "a"), active("a2", "d", "Alex"), handoff("w2", "e")],
    )
    .await;
    let entries = store.open_entries(9).await.unwrap();
    assert_eq!(ids(&entries), ["w1", "w2", "a1", "a2"]);
    let (waits, has) = (&entries[0], &entries[2]);
    assert_eq!((waits.stage, waits.agent.as_deref(), &waits.team), (Stage::Waiting, None, &None));
    assert_eq!((has.stage, has.agent.as_deref(), &has.team), (Stage::Active, Some("Sam"), &team));
    assert_eq!(has.first_answer, first_answer);
    assert_eq!(ids(&store.open_entries(3).await.unwrap()), ["w1", "w2", "a1"]);
    assert_eq!(ids(&store.open_entries(1).await.unwrap()), ["w1"]);

    let all = store.entries_begun(at(0), at(1), 9).await.unwrap();
    let over = all.iter().find(|entry| entry.id.as_str() == "e1").unwrap();
    assert!(matches!(over.stage, Stage::Ended { .. }) && over.is_missed);
    assert_eq!(over.outcome.as_deref(), Some("solved"));
}

async fn those_that_began_within_a_span_are_found(store: &dyn Store) {
    assert!(store.entries_begun(at(0), at(DAY), 9).await.unwrap().is_empty());
    // More than a page of each of three days. A clock was set back a little between them.
    let mut handoffs = Vec::new();
    for day in 0..3 {
        handoffs
            .extend((0..600).map(|number| begun(&format!("{day}-{number}"), day * DAY + 100 + number * 100)));
        handoffs.push(begun(&format!("{day}-late"), (day + 1) * DAY));
        handoffs.push(begun(&format!("{day}-back"), (day + 1) * DAY - 300));
    }
    put_handoffs(store, handoffs).await;
    for day in 0..3 {
        let entries = store.entries_begun(at(day * DAY), at((day + 1) * DAY), 1_000).await.unwrap();
        let mut wanted: Vec<String> = (0..600).map(|number| format!("{day}-{number}")).collect();
        wanted.push(format!("{day}-back"));
        if day > 0 {
            wanted.insert(0, format!("{}-late", day - 1));
        }
        assert_eq!(ids(&entries), wanted, "{day}");
        let few = store.entries_begun(at(day * DAY), at((day + 1) * DAY), 7).await.unwrap();
        assert_eq!(ids(&few), wanted[..7], "{day}");
    }
    for (from, until, found) in
        [(at(100), at(100), 0), (at(100), at(101), 1), (at(-DAY), at(100), 0), (at(4 * DAY), at(5 * DAY), 0)]
    {
        let entries = store.entries_begun(from, until, 9).await.unwrap();
        assert_eq!(entries.len(), found, "{from} {until}");
    }
}

on_every_store!(open_handoffs_are_told_those_that_wait_first, those_that_began_within_a_span_are_found);

/// A newer relay may have written a document that this one can't read.
#[tokio::test]
async fn what_can_not_be_read_is_left_out() {
    let file = File::new();
    let open = file.try_open().await.unwrap();
    put_handoffs(&*open.store, (0..40).map(|number| begun(&format!("h{number}"), number * 1_000)).collect())
        .await;
    open.close().await;
    file.change("UPDATE handoffs SET doc = '{\"v\":99}' WHERE position % 2 = 0");
    let store = file.open().await;
    let entries = store.entries_begun(at(10_000), at(20_000), 99).await.unwrap();
    assert_eq!(ids(&entries), ["h10", "h12", "h14", "h16", "h18"]);
    assert_eq!(store.open_entries(99).await.unwrap().len(), 20);
}

/// `cargo test --release --test store -- --ignored --nocapture a_day_with_ten_thousand`.
#[tokio::test]
#[ignore = "only reports"]
#[allow(clippy::print_stdout, reason = "it reports")]
async fn a_day_with_ten_thousand_handoffs_is_read_in() {
    const MANY: i64 = 10_000;
    let file = File::new();
    let store = file.open().await;
    let context = json!({ "summary": "x".repeat(2_000) });
    // As many on the days before and after.
    for day in 0..3 {
        let one = |number: i64| Handoff {
            context: context.as_object().unwrap().clone(),
            ..begun(&format!("{day}-{number}"), day * DAY + number * DAY / MANY)
        };
        for from in (0..MANY).step_by(1_000) {
            put_handoffs(&*store, (from..from + 1_000).map(one).collect()).await;
        }
    }
    let read = async |from: Time, until: Time| {
        let began = Instant::now();
        let found = store.entries_begun(from, until, 20_001).await.unwrap().len();
        (found, began.elapsed())
    };
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let (found, took) = read(at(DAY), at(2 * DAY)).await;
        assert_eq!(found, usize::try_from(MANY).unwrap());
        best = best.min(took);
    }
    let began = Instant::now();
    let open = store.open_entries(20_001).await.unwrap().len();
    println!("{MANY} handoffs of a day: {best:?}; {open} open ones: {:?}", began.elapsed());
}
